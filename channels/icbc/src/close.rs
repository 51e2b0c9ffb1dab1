//! Closing an unpaid order of family B: its query with `deal_flag` 1 (pack 1.1). Family A has no close.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::query;
use crate::trade::{self, State};
use crate::wire::{self, Answer, Complaint};
use sluice_contract::{AttemptRef, Env, Reading, Step, Undone, Why, WhyKind};
use sluice_kit::ask::{ask, then};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    ask(account, attempt, query::close_request(account, attempt, env), |account, attempt, answer, env| {
        // Taken, but the digit does not say so yet: only a plain query confirms a close.
        Ok(read(account, attempt, answer)?.map_or_else(|| confirm(account, attempt, env), Reading::Is))
    })
}

fn confirm(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Reading<Undone> {
    then(ask(account, attempt, query::request(account, attempt, env), |account, attempt, answer, _| {
        Ok(Reading::Is(read(account, attempt, answer)?.unwrap_or(Undone::Busy)))
    }))
}

/// `None`: the close was taken and its outcome is not in the reply.
fn read(account: &Account, attempt: &AttemptRef, answer: Answer) -> Result<Option<Undone>, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => return refused(account, &complaint).map(Some),
    };
    if wire::word(&tree, "pay_status").is_none() {
        return Ok(None);
    }
    let trade = trade::read(&tree, attempt)?;
    match trade.state {
        State::Paid => Ok(Some(Undone::Paid)),
        State::Failed => Ok(Some(Undone::Closed)),
        State::Unsure => Ok(None),
        _ => Err(trade.unlisted()),
    }
}

fn refused(account: &Account, complaint: &Complaint) -> Result<Undone, Why> {
    match (complaint.class(Api::Undo)?, codes::normalise(&complaint.code)) {
        (_, "400019") if account.closed_by_400019 => Ok(Undone::Closed),
        (Class::NotCreated, _) => Ok(Undone::NotFound),
        // The payer's wallet still has it open.
        (Class::Unknown, "20000002") => Ok(Undone::Busy),
        _ => Err(complaint.why(WhyKind::Pending)),
    }
}
