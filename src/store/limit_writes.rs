//! What a batch writes of the limits: counters, one net row each, and the entries behind them.

use super::statement::Type::{Int, Text};
use super::statement::{Cell, Column, Statement};
use super::view::View;
use super::writes::Rows;
use crate::domain::limit::{Counter, Entry};

/// The max itself is guarded here once more, inside the statement.
pub static UPDATE_COUNTER: Statement = Statement::Update {
    table: "limit_counters",
    keys: COUNTER_KEY,
    guards: &[("reserved", Int), ("confirmed", Int), ("overrun", Int)],
    sets: &[("reserved", Int), ("confirmed", Int), ("overrun", Int), ("cap", Int), ("edge", Int)],
    also: Some("{reserved} + {confirmed} - {overrun} <= {cap}"),
};
const COUNTER_KEY: &[Column] = &[("limit_name", Text), ("window_start", Int), ("subject", Text), ("holder", Text)];
pub static INSERT_COUNTER: Statement = Statement::Insert {
    table: "limit_counters",
    columns: &[
        ("limit_name", Text),
        ("window_start", Int),
        ("subject", Text),
        ("holder", Text),
        ("reserved", Int),
        ("confirmed", Int),
        ("overrun", Int),
        ("cap", Int),
        ("edge", Int),
    ],
};
/// Append-only; the key of the table allows each movement once.
pub static INSERT_ENTRY: Statement = Statement::Insert {
    table: "limit_entries",
    columns: &[
        ("order_id", Text),
        ("attempt_seq", Int),
        ("step", Text),
        ("refund_seq", Int),
        ("limit_name", Text),
        ("holder", Text),
        ("window_start", Int),
        ("subject", Text),
        ("at", Int),
        ("counts_at", Int),
        ("reserved", Int),
        ("confirmed", Int),
        ("over_reserved", Int),
        ("over_confirmed", Int),
    ],
};

/// One net row per counter, those that are new and those that moved.
pub fn counters(view: &View) -> (Rows<'_>, Rows<'_>) {
    let (mut new, mut moved) = (Rows::new(), Rows::new());
    for (key, (before, now)) in &view.counters {
        let name = [key.limit.as_str().into(), key.start.into(), key.subject.as_str().into(), key.holder.as_str().into()];
        let holds = [now.reserved, now.confirmed, now.overrun, now.cap, now.edge].map(Cell::from);
        match before {
            None if *now == Counter::default() => {}
            None => new.push(name.into_iter().chain(holds).collect()),
            Some(before) if before == now => {}
            Some(before) => {
                let found = [before.reserved, before.confirmed, before.overrun].map(Cell::from);
                moved.push(name.into_iter().chain(found).chain(holds).collect());
            }
        }
    }
    (new, moved)
}

pub fn entry(entry: &Entry) -> Vec<Cell<'_>> {
    vec![
        entry.order_id.as_str().into(),
        entry.attempt_seq.into(),
        entry.step.word().into(),
        entry.refund_seq.into(),
        entry.key.limit.as_str().into(),
        entry.key.holder.as_str().into(),
        entry.key.start.into(),
        entry.key.subject.as_str().into(),
        entry.at.0.into(),
        entry.counts_at.map(|at| at.0).into(),
        entry.share.reserved.into(),
        entry.share.confirmed.into(),
        entry.share.over_reserved.into(),
        entry.share.over_confirmed.into(),
    ]
}
