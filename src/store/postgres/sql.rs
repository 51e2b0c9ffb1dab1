//! The fixed statements of a batch's first round trip. Keys arrive sorted, as arrays; rows are locked in key order, and every gateway
//! locks in the order of this list: its mark, claims, nonces, orders, notices, records, counters, bills. So no two gateways can wait for each other.
//!
//! Hash and merge joins and scans of whole tables are switched off (link.rs): every join here walks its array and looks up by key.

use crate::store::bill_rows;
use crate::store::rows::{ATTEMPT_COLUMNS, NOTICE_COLUMNS, ORDER_COLUMNS, REFUND_COLUMNS};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sql {
    Mark,
    TakeClaims,
    ReadClaims,
    TakeNonces,
    ReadNonces,
    Orders,
    Attempts,
    Refunds,
    Notices,
    LockRecords,
    Records,
    TakeCounters,
    Counters,
    Left,
    Recount,
    LockBills,
    BillRuns,
    Discrepancies,
    DiscrepanciesById,
    ClaimOrders,
    ClaimNotices,
    PruneOrders,
    PruneNonces,
}

impl Sql {
    pub const ALL: [Sql; 23] = [
        Sql::Mark,
        Sql::TakeClaims,
        Sql::ReadClaims,
        Sql::TakeNonces,
        Sql::ReadNonces,
        Sql::Orders,
        Sql::Attempts,
        Sql::Refunds,
        Sql::Notices,
        Sql::LockRecords,
        Sql::Records,
        Sql::TakeCounters,
        Sql::Counters,
        Sql::Left,
        Sql::Recount,
        Sql::LockBills,
        Sql::BillRuns,
        Sql::Discrepancies,
        Sql::DiscrepanciesById,
        Sql::ClaimOrders,
        Sql::ClaimNotices,
        Sql::PruneOrders,
        Sql::PruneNonces,
    ];

    #[must_use]
    pub fn text(self) -> String {
        match self {
            // Taken first in every transaction: whoever asks for this row waits for the end of the transaction.
            Sql::Mark => "UPDATE writers SET batch_no = $2, seen_at = now() WHERE id = $1 RETURNING id".into(),
            // Where another gateway is taking the same number at this moment, this waits for that gateway's end.
            Sql::TakeClaims => "INSERT INTO claims (merchant_id, kind, number, target, fingerprint) \
                SELECT v.* FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bytea[]) AS v \
                ON CONFLICT DO NOTHING RETURNING merchant_id, kind, number"
                .into(),
            Sql::ReadClaims => "SELECT c.merchant_id, c.kind, c.number, c.target, c.fingerprint \
                FROM unnest($1::text[], $2::bigint[], $3::text[]) AS k(merchant_id, kind, number) \
                JOIN claims c ON c.merchant_id = k.merchant_id AND c.kind = k.kind AND c.number = k.number"
                .into(),
            Sql::TakeNonces => {
                "INSERT INTO nonces (bucket, key_id, nonce) SELECT v.* FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v \
                ON CONFLICT DO NOTHING RETURNING bucket, key_id, nonce"
                    .into()
            }
            Sql::ReadNonces => {
                "SELECT n.bucket, n.key_id, n.nonce FROM unnest($1::bigint[], $2::text[], $3::text[]) AS k(bucket, key_id, nonce) \
                JOIN nonces n ON n.bucket = k.bucket AND n.key_id = k.key_id AND n.nonce = k.nonce"
                    .into()
            }
            Sql::Orders => locked(ORDER_COLUMNS, "orders", "id"),
            // Asked after the lock: a statement that had waited for the lock would see these rows as they were before it.
            Sql::Attempts => children(ATTEMPT_COLUMNS, "attempts"),
            Sql::Refunds => children(REFUND_COLUMNS, "refunds"),
            Sql::Notices => locked(NOTICE_COLUMNS, "notices", "event_id"),
            // Administration is rare: one change at a time, over all gateways.
            Sql::LockRecords => "SELECT pg_advisory_xact_lock(13081, 1)".into(),
            Sql::Records => "SELECT r.kind, r.id FROM unnest($1::text[], $2::text[]) AS k(kind, id) \
                JOIN records r ON r.kind = k.kind AND r.id = k.id"
                .into(),
            Sql::TakeCounters | Sql::Counters | Sql::Left | Sql::Recount => self.of_limits(),
            // A few runs a day: one at a time, over all gateways.
            Sql::LockBills => "SELECT pg_advisory_xact_lock(13081, 3)".into(),
            Sql::BillRuns => of_days(bill_rows::RUN_COLUMNS, "bill_runs"),
            Sql::Discrepancies => of_days(bill_rows::COLUMNS, "discrepancies"),
            Sql::DiscrepanciesById => {
                format!("SELECT {} FROM unnest($1::text[]) AS k(wanted) JOIN discrepancies ON id = wanted", bill_rows::COLUMNS)
            }
            // Leases: what another gateway is just leasing or changing is passed by.
            Sql::ClaimOrders => "WITH due AS (SELECT id, wake_at FROM orders WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2 \
                FOR NO KEY UPDATE SKIP LOCKED) \
                UPDATE orders SET wake_at = $3 FROM due WHERE orders.id = due.id RETURNING due.id, due.wake_at"
                .into(),
            Sql::ClaimNotices => claim_notices(),
            // Oldest first; the ids of an order's events lie side by side.
            Sql::PruneOrders => "WITH over AS (SELECT id, 'evt_' || substr(id, 2, 24) AS stem FROM orders \
                WHERE id < $1 AND wake_at IS NULL AND suspended = 0 AND NOT EXISTS (SELECT FROM notices \
                    WHERE event_id BETWEEN 'evt_' || substr(id, 2, 24) || '0000' AND 'evt_' || substr(id, 2, 24) || 'ZZZZ' \
                    AND next_at IS NOT NULL) \
                ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED), \
                n AS (DELETE FROM notices USING over WHERE event_id BETWEEN stem || '0000' AND stem || 'ZZZZ'), \
                e AS (DELETE FROM events USING over WHERE order_id = over.id), \
                r AS (DELETE FROM refunds USING over WHERE order_id = over.id), \
                a AS (DELETE FROM attempts USING over WHERE order_id = over.id) \
                DELETE FROM orders USING over WHERE orders.id = over.id RETURNING orders.id"
                .into(),
            // A slice at a time: nobody is held for long.
            Sql::PruneNonces => "WITH old AS (SELECT bucket, key_id, nonce FROM nonces WHERE bucket < $1 ORDER BY bucket LIMIT 2000 \
                FOR UPDATE SKIP LOCKED) \
                DELETE FROM nonces USING old WHERE nonces.bucket = old.bucket AND nonces.key_id = old.key_id AND nonces.nonce = old.nonce"
                .into(),
        }
    }

    fn of_limits(self) -> String {
        match self {
            // A counter that is not there yet is made, so that there is a row to lock.
            Sql::TakeCounters => format!(
                "INSERT INTO limit_counters (limit_name, window_start, subject, holder, reserved, confirmed, overrun, cap, edge) \
                SELECT k.*, 0, 0, 0, 0, 0 FROM {COUNTER_KEYS} AS k(limit_name, window_start, subject, holder) ON CONFLICT DO NOTHING"
            ),
            Sql::Counters => format!(
                "SELECT c.limit_name, c.window_start, c.subject, c.holder, reserved, confirmed, overrun, cap, edge \
                FROM {COUNTER_KEYS} AS k(limit_name, window_start, subject, holder) JOIN limit_counters c ON {SAME_COUNTER} \
                ORDER BY c.limit_name, c.window_start, c.subject, c.holder FOR NO KEY UPDATE OF c"
            ),
            // Asked after the lock, as the attempts are. What has left a rolling window since its edge, up to the new one.
            Sql::Left => format!(
                "SELECT c.limit_name, c.window_start, c.subject, c.holder, l.confirmed, l.over_confirmed \
                FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[]) AS k(limit_name, window_start, subject, holder, edge) \
                JOIN limit_counters c ON {SAME_COUNTER} CROSS JOIN LATERAL ( \
                  SELECT coalesce(sum(confirmed), 0)::bigint AS confirmed, coalesce(sum(over_confirmed), 0)::bigint AS over_confirmed \
                  FROM limit_entries e WHERE e.limit_name = c.limit_name AND e.subject = c.subject AND e.holder = c.holder \
                  AND e.counts_at > c.edge AND e.counts_at <= k.edge) AS l"
            ),
            _ => "UPDATE limit_counters c SET reserved = d.entries_reserved, confirmed = d.entries_confirmed, \
                overrun = d.entries_overrun, cap = greatest(c.cap, d.entries_reserved + d.entries_confirmed - d.entries_overrun) \
                FROM limit_drift d WHERE c.limit_name = $1 AND c.window_start = $2 AND c.subject = $3 AND c.holder = $4 \
                AND d.limit_name = $1 AND d.window_start = $2 AND d.subject = $3 AND d.holder = $4"
                .into(),
        }
    }
}

const COUNTER_KEYS: &str = "unnest($1::text[], $2::bigint[], $3::text[], $4::text[])";
const SAME_COUNTER: &str =
    "c.limit_name = k.limit_name AND c.window_start = k.window_start AND c.subject = k.subject AND c.holder = k.holder";

fn locked(columns: &str, table: &str, key: &str) -> String {
    format!(
        "SELECT {columns} FROM unnest($1::text[]) AS k(wanted) JOIN {table} ON {key} = wanted ORDER BY {key} FOR NO KEY UPDATE OF {table}"
    )
}

fn of_days(columns: &str, table: &str) -> String {
    format!(
        "SELECT {columns} FROM unnest($1::text[], $2::text[]) AS k(of_account, of_day) JOIN {table} ON account = of_account AND day = of_day"
    )
}

fn children(columns: &str, table: &str) -> String {
    format!("SELECT order_id, {columns} FROM unnest($1::text[]) AS k(wanted) JOIN {table} ON order_id = wanted ORDER BY order_id, seq")
}

/// Merchants with something waiting are found one by one in their index, so that a backlog costs one look however long it is; then
/// each gets its share, in turn, beginning behind the merchant of `$3`. `$4`: the most for each, `$5` and `$6`: what they have in flight.
fn claim_notices() -> String {
    let columns = NOTICE_COLUMNS.split(", ").map(|column| format!("due.{column}")).collect::<Vec<_>>().join(", ");
    format!(
        "WITH RECURSIVE waiting(merchant_id) AS ( \
           (SELECT merchant_id FROM notices WHERE next_at IS NOT NULL ORDER BY merchant_id LIMIT 1) \
           UNION ALL \
           SELECT (SELECT n.merchant_id FROM notices n WHERE n.next_at IS NOT NULL AND n.merchant_id > w.merchant_id \
                   ORDER BY n.merchant_id LIMIT 1) \
           FROM waiting w WHERE w.merchant_id IS NOT NULL), \
         turns AS (SELECT w.merchant_id, w.merchant_id <= $3 AS later, $4 - coalesce(b.taken, 0) AS share FROM waiting w \
           LEFT JOIN unnest($5::text[], $6::bigint[]) AS b(merchant_id, taken) ON b.merchant_id = w.merchant_id \
           WHERE w.merchant_id IS NOT NULL ORDER BY later, w.merchant_id), \
         due AS (SELECT t.later, n.* FROM turns t CROSS JOIN LATERAL ( \
             SELECT {NOTICE_COLUMNS} FROM notices WHERE merchant_id = t.merchant_id AND next_at <= $1 \
             ORDER BY next_at, event_id LIMIT greatest(t.share, 0) FOR NO KEY UPDATE SKIP LOCKED) AS n LIMIT $2), \
         leased AS (UPDATE notices SET next_at = $7 FROM due WHERE notices.event_id = due.event_id RETURNING {columns}, due.later) \
         SELECT {NOTICE_COLUMNS} FROM leased ORDER BY later, merchant_id, next_at, event_id"
    )
}
