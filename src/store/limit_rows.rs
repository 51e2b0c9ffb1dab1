//! Questions about limits, the same SQL for both engines: counters, the entries behind them, and where the two differ.

use super::rows::{Row, Unreadable};
use crate::domain::OrderId;
use crate::domain::limit::{Counter, CounterKey, Entry, Share, Step};
use sluice_contract::Millis;

/// `$1` limit, `$2` the oldest window, `$3` at most so many. The largest first.
pub const USE: &str = "SELECT window_start, subject, holder, reserved, confirmed, overrun, cap, edge FROM limit_counters \
    WHERE limit_name = $1 AND window_start >= $2 AND (reserved > 0 OR confirmed > 0) \
    ORDER BY window_start DESC, reserved + confirmed DESC, subject, holder LIMIT $3";

/// The same for a rolling window that begins behind `$1`, without what has left since it was last looked at; the others follow.
/// (One engine numbers parameters as they first appear.)
pub const ROLLING_USE: &str = "SELECT window_start, subject, holder, reserved, \
    confirmed - (SELECT CAST(coalesce(sum(e.confirmed), 0) AS BIGINT) FROM limit_entries e WHERE e.limit_name = c.limit_name \
      AND e.subject = c.subject AND e.holder = c.holder AND e.counts_at > c.edge AND e.counts_at <= $1) AS confirmed, \
    overrun - (SELECT CAST(coalesce(sum(e.over_confirmed), 0) AS BIGINT) FROM limit_entries e WHERE e.limit_name = c.limit_name \
      AND e.subject = c.subject AND e.holder = c.holder AND e.counts_at > c.edge AND e.counts_at <= $1) AS overrun, cap, edge \
    FROM limit_counters c WHERE limit_name = $2 AND window_start >= $3 AND (reserved > 0 OR confirmed > 0) \
    ORDER BY reserved + confirmed DESC, subject, holder LIMIT $4";

/// `$1` order.
pub const ENTRIES: &str = "SELECT attempt_seq, step, refund_seq, limit_name, holder, window_start, subject, at, counts_at, reserved, \
    confirmed, over_reserved, over_confirmed FROM limit_entries WHERE order_id = $1 ORDER BY at, attempt_seq, refund_seq, step, limit_name, \
    holder, window_start";

/// Counters that are not the sum of their entries.
pub const DRIFT: &str = "SELECT limit_name, window_start, subject, holder, reserved, confirmed, overrun, entries_reserved, \
    entries_confirmed, entries_overrun FROM limit_drift WHERE drift = 1 ORDER BY limit_name, window_start, subject, holder LIMIT 1000";
pub const COUNTERS: &str = "SELECT count(*) FROM limit_counters";

/// The earliest time by which at least `$5` has left the rolling window of `$1` limit, `$2` subject and `$3` holder, of what came behind `$4`.
pub const LEAVES: &str = "SELECT counts_at FROM (SELECT counts_at, CAST(sum(confirmed) OVER (ORDER BY counts_at) AS BIGINT) AS gone \
    FROM limit_entries \
    WHERE limit_name = $1 AND subject = $2 AND holder = $3 AND counts_at > $4) t WHERE gone >= $5 ORDER BY counts_at LIMIT 1";

/// A counter beside the sum of its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    pub key: CounterKey,
    pub counter: Counter,
    pub entries: Counter,
}

/// A row of [`USE`].
pub fn used(limit: &str, row: &impl Row) -> Result<(CounterKey, Counter), Unreadable> {
    let key = CounterKey { limit: limit.to_owned(), start: row.int(0)?, subject: row.text(1)?, holder: row.text(2)? };
    Ok((key, counter(row, 3)?))
}

/// `reserved, confirmed, overrun, cap, edge`, from this column on.
pub fn counter(row: &impl Row, from: usize) -> Result<Counter, Unreadable> {
    let int = |at: usize| row.int(from.saturating_add(at));
    Ok(Counter { reserved: int(0)?, confirmed: int(1)?, overrun: int(2)?, cap: int(3)?, edge: int(4)? })
}

pub fn entry(order_id: &OrderId, row: &impl Row) -> Result<Entry, Unreadable> {
    let word = row.text(1)?;
    let small = |value: i64| u32::try_from(value).map_err(|e| Unreadable { what: "limit entry", detail: e.to_string() });
    Ok(Entry {
        order_id: order_id.clone(),
        attempt_seq: small(row.int(0)?)?,
        step: Step::ALL.into_iter().find(|step| step.word() == word).ok_or(Unreadable { what: "limit entry", detail: word })?,
        refund_seq: small(row.int(2)?)?,
        key: CounterKey { limit: row.text(3)?, holder: row.text(4)?, start: row.int(5)?, subject: row.text(6)? },
        at: Millis(row.int(7)?),
        counts_at: row.int_or_null(8)?.map(Millis),
        share: Share { reserved: row.int(9)?, confirmed: row.int(10)?, over_reserved: row.int(11)?, over_confirmed: row.int(12)? },
    })
}

pub fn drift(row: &impl Row) -> Result<Drift, Unreadable> {
    let sums = |from: usize| -> Result<Counter, Unreadable> {
        let int = |at: usize| row.int(from.saturating_add(at));
        Ok(Counter { reserved: int(0)?, confirmed: int(1)?, overrun: int(2)?, ..Counter::default() })
    };
    let key = CounterKey { limit: row.text(0)?, start: row.int(1)?, subject: row.text(2)?, holder: row.text(3)? };
    Ok(Drift { key, counter: sums(4)?, entries: sums(7)? })
}
