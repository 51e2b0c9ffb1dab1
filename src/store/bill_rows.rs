//! Reconciliation in the store: the rows of runs and discrepancies, what a batch writes of them, and the questions about them and about
//! what a bill should list. The same SQL for both engines.

use super::query::BillStanding;
use super::rows::{ATTEMPT_COLUMNS, REFUND_COLUMNS, Row, Unreadable, from_json, json, of};
use super::statement::Type::{Int, Text};
use super::statement::{Cell, Statement};
use super::view::View;
use super::writes::Rows;
use crate::domain::OrderId;
use crate::domain::recon::{BillRun, Found, Kind, Proposal, RunState, Standing, Stored};
use sluice_contract::{Day, Fen, Millis};

pub const RUN_COLUMNS: &str = "account, day, at, state, why, row_count, matched";
pub const COLUMNS: &str = "account, day, kind, number, channel_order_no, ours, theirs, gap, evidence, status, first_seen, last_seen, \
    settled_by, settled_at, reason, proposed_by, proposed_at, proposed_reason";

pub static PUT_RUN: Statement = Statement::Put {
    table: "bill_runs",
    columns: &[("account", Text), ("day", Text), ("at", Int), ("state", Text), ("why", Text), ("row_count", Int), ("matched", Int)],
    keys: 2,
};

pub static PUT_DISCREPANCY: Statement = Statement::Put {
    table: "discrepancies",
    columns: &[
        ("account", Text),
        ("day", Text),
        ("kind", Text),
        ("number", Text),
        ("id", Text),
        ("channel_order_no", Text),
        ("ours", Int),
        ("theirs", Int),
        ("gap", Int),
        ("evidence", Text),
        ("status", Text),
        ("first_seen", Int),
        ("last_seen", Int),
        ("settled_by", Text),
        ("settled_at", Int),
        ("reason", Text),
        ("proposed_by", Text),
        ("proposed_at", Int),
        ("proposed_reason", Text),
    ],
    keys: 4,
};

/// The newest run of each account and day.
pub fn runs(view: &View) -> Rows<'_> {
    let row = |run: &BillRun| -> Vec<Cell<'static>> {
        let (why, state) = (run.why.clone(), run.state.word());
        vec![
            run.account.clone().into(),
            run.day.to_string().into(),
            run.at.0.into(),
            state.into(),
            why.into(),
            run.rows.into(),
            run.matched.into(),
        ]
    };
    view.changed_runs.iter().filter_map(|key| view.runs.get(key)).map(row).collect()
}

pub fn discrepancies(view: &View) -> Rows<'_> {
    view.changed_discrepancies.iter().filter_map(|key| view.discrepancies.get(key)).map(cells).collect()
}

fn cells(stored: &Stored) -> Vec<Cell<'_>> {
    let (found, proposal) = (&stored.found, stored.proposal.as_ref());
    vec![
        stored.account.as_str().into(),
        found.day.to_string().into(),
        found.kind.word().into(),
        found.number.as_str().into(),
        stored.id().into(),
        found.channel_order_no.as_str().into(),
        found.ours.map(|fen| fen.0).into(),
        found.theirs.map(|fen| fen.0).into(),
        found.gap.0.into(),
        json(&found.evidence).into(),
        found.standing.word().into(),
        stored.first_seen.0.into(),
        stored.last_seen.0.into(),
        stored.settled_by.as_deref().into(),
        stored.settled_at.map(|at| at.0).into(),
        stored.reason.as_deref().into(),
        proposal.map(|proposal| proposal.by.as_str()).into(),
        proposal.map(|proposal| proposal.at.0).into(),
        proposal.map(|proposal| proposal.reason.as_str()).into(),
    ]
}

/// A row for each account; the condition is spelled so that the index of what is not settled serves it.
pub const STANDINGS: &str = "SELECT r.account, MAX(r.day), (SELECT COUNT(*) FROM discrepancies d WHERE d.account = r.account \
    AND d.status <> 'settled' AND d.status = 'open') FROM bill_runs r WHERE r.state = 'done' GROUP BY r.account ORDER BY r.account";

pub fn standing(row: &impl Row) -> Result<BillStanding, Unreadable> {
    Ok(BillStanding { account: row.text(0)?, last_day: day(row.text(1)?)?, open: row.int(2)? })
}

fn day(text: String) -> Result<Day, Unreadable> {
    Day::parse(&text).ok_or(Unreadable { what: "day", detail: text })
}

pub fn run(row: &impl Row) -> Result<BillRun, Unreadable> {
    let state = row.text(3)?;
    Ok(BillRun {
        account: row.text(0)?,
        day: day(row.text(1)?)?,
        at: Millis(row.int(2)?),
        state: RunState::from_word(&state).ok_or(Unreadable { what: "run's state", detail: state })?,
        why: row.text_or_null(4)?,
        rows: row.int(5)?,
        matched: row.int(6)?,
    })
}

pub fn stored(row: &impl Row) -> Result<Stored, Unreadable> {
    let (kind, status) = (row.text(2)?, row.text(9)?);
    let proposal = match (row.text_or_null(15)?, row.int_or_null(16)?, row.text_or_null(17)?) {
        (Some(by), Some(at), Some(reason)) => Some(Proposal { by, reason, at: Millis(at) }),
        _ => None,
    };
    let found = Found {
        day: day(row.text(1)?)?,
        kind: Kind::from_word(&kind).ok_or(Unreadable { what: "discrepancy's kind", detail: kind })?,
        number: row.text(3)?,
        channel_order_no: row.text(4)?,
        ours: row.int_or_null(5)?.map(Fen),
        theirs: row.int_or_null(6)?.map(Fen),
        gap: Fen(row.int(7)?),
        standing: Standing::from_word(&status).ok_or(Unreadable { what: "discrepancy's status", detail: status })?,
        evidence: from_json("evidence", &row.text(8)?)?,
    };
    Ok(Stored {
        account: row.text(0)?,
        found,
        first_seen: Millis(row.int(10)?),
        last_seen: Millis(row.int(11)?),
        settled_by: row.text_or_null(12)?,
        settled_at: row.int_or_null(13)?.map(Millis),
        proposal,
        reason: row.text_or_null(14)?,
    })
}

/// The order's id stands behind the columns of its attempt or refund.
pub fn with_order<T>(row: &impl Row, at: usize, item: T) -> Result<(OrderId, T), Unreadable> {
    let id = row.text(at)?;
    OrderId::parse(&id).map(|id| (id, item)).ok_or(Unreadable { what: "order id", detail: row.text(at)? })
}

pub const ATTEMPT_WIDTH: usize = 18;
pub const REFUND_WIDTH: usize = 16;

/// Paid attempts of `$4` account, behind `$1` order and `$2` attempt, before `$3` order, that were booked from `$5` on; at most `$6`.
#[must_use]
pub fn paid_attempts() -> String {
    format!(
        "SELECT {ATTEMPT_COLUMNS}, order_id FROM attempts WHERE order_id >= $1 AND (order_id, seq) > ($1, $2) AND order_id < $3 \
         AND account = $4 AND status = 'succeeded' AND ended_at >= $5 ORDER BY order_id, seq LIMIT $6"
    )
}

/// Refunds of `$5` account that succeeded, sent behind `$1` time, `$2` order and `$3` refund and before `$4`; at most `$6`.
#[must_use]
pub fn sent_refunds() -> String {
    format!(
        "SELECT {}, r.order_id FROM refunds r JOIN attempts a ON a.order_id = r.order_id AND a.seq = r.attempt_seq \
         WHERE r.sent_at >= $1 AND (r.sent_at, r.order_id, r.seq) > ($1, $2, $3) AND r.sent_at < $4 AND r.status = 'succeeded' \
         AND a.account = $5 ORDER BY r.sent_at, r.order_id, r.seq LIMIT $6",
        of("r", REFUND_COLUMNS)
    )
}
