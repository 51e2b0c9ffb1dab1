//! Closing an unpaid order of family B: its query with `deal_flag` 1 (pack 1.1). Family A has no close.

use crate::codes::{self, Api, Class};
use crate::config::{Account, Family};
use crate::query::{self, DealFlag};
use crate::trade::{self, State};
use crate::wire::{self, Answer, Complaint};
use sluice_contract::{AttemptRef, Env, HttpReply, Reading, Step, Undone, WhyKind};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    let request = query::request(account, attempt, DealFlag::Close, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| {
        match read(account, &attempt, reply) {
            // Taken, but the digit does not say so yet: only a plain query confirms a close.
            Err(Unconfirmed) => confirm(account, &attempt, env),
            Ok(undone) => Reading::Is(undone),
        }
    })
}

/// The close was taken and its outcome is not in the reply.
struct Unconfirmed;

fn confirm(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Reading<Undone> {
    let request = query::request(account, attempt, DealFlag::Query, env);
    let attempt = attempt.clone();
    wire::then(account, request, Undone::Unknown, move |account, reply, _| {
        Reading::Is(read(account, &attempt, reply).unwrap_or(Undone::Busy))
    })
}

fn read(account: &Account, attempt: &AttemptRef, reply: &HttpReply) -> Result<Undone, Unconfirmed> {
    let tree = match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => tree,
        Ok(Answer::Error(complaint)) => return Ok(refused(account, &complaint)),
        Err(why) => return Ok(Undone::Unknown(why)),
    };
    if wire::word(&tree, "pay_status").is_none() {
        return Err(Unconfirmed);
    }
    match trade::read(Family::B, &tree, attempt) {
        Ok(trade) => match trade.state {
            State::Paid => Ok(Undone::Paid),
            State::Failed => Ok(Undone::Closed),
            State::Unsure => Err(Unconfirmed),
            _ => Ok(Undone::Unknown(trade.unlisted())),
        },
        Err(why) => Ok(Undone::Unknown(why)),
    }
}

fn refused(account: &Account, complaint: &Complaint) -> Undone {
    if account.closed_by_400019 && codes::normalise(&complaint.code) == "400019" {
        return Undone::Closed;
    }
    match complaint.class(Api::Undo) {
        Ok(Class::NotCreated) => Undone::NotFound,
        // 20000002: the payer's wallet still has it open.
        Ok(Class::Unknown) if codes::normalise(&complaint.code) == "20000002" => Undone::Busy,
        Ok(_) => Undone::Unknown(complaint.why(WhyKind::Pending)),
        Err(why) => Undone::Unknown(why),
    }
}
