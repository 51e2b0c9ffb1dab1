//! Reversing a barcode order (冲正, pack 1.6). The bank's word that it reversed is confirmed by a query.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::ids;
use crate::query::{self, DealFlag};
use crate::trade::{self, State};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, fen};
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Env, Fen, HttpReply, Reading, Refusal, Step, Undone, Why, WhyKind};
use sluice_kit::outcome::{Complaint as _, contradiction};
use sluice_kit::wire::given;
use std::sync::Arc;

const CALL: Call = Call { api: "qrcode.reverse", path: "/api/qrcode/V2/reverse", timeout_ms: TIMEOUT_MONEY_MS };

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    match ids::family(attempt) {
        Ok(Family::A) if attempt.method.is_barcode() => {}
        Ok(_) => return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode")),
        Err(refusal) => return Step::Refused(refusal),
    }
    let mut body = Map::new();
    ids::put_order(&mut body, attempt);
    ids::put_bank_number(&mut body, attempt);
    let request = wire::request(account, CALL, body, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => match taken(&attempt, &tree) {
            Ok(returned) => confirm(account, &attempt, returned, env),
            Err(why) => Reading::Is(Undone::Unknown(why)),
        },
        Ok(Answer::Error(complaint)) => refused(account, &attempt, &complaint, env),
        Err(why) => Reading::Is(Undone::Unknown(why)),
    })
}

/// Whether money went back, from a reply that is about our order.
fn taken(attempt: &AttemptRef, tree: &Value) -> Result<bool, Why> {
    if given(tree, "out_trade_no").is_some_and(|number| number != attempt.number) {
        return Err(contradiction("number"));
    }
    Ok(["reject_amt", "real_reject_amt"].iter().any(|name| fen(tree, name).is_some_and(Fen::is_positive)))
}

fn refused(account: &Arc<Account>, attempt: &AttemptRef, complaint: &Complaint, env: &Env<'_>) -> Reading<Undone> {
    Reading::Is(match complaint.class(Api::Undo) {
        Ok(Class::NotCreated) => Undone::NotFound,
        // It went back before: the query says so.
        Ok(Class::Query) => return confirm(account, attempt, true, env),
        Ok(Class::Unknown | Class::Retry) => Undone::Busy,
        Ok(_) => Undone::Unknown(complaint.why(WhyKind::Pending)),
        Err(why) => Undone::Unknown(why),
    })
}

fn confirm(account: &Arc<Account>, attempt: &AttemptRef, returned: bool, env: &Env<'_>) -> Reading<Undone> {
    let request = query::request(account, attempt, DealFlag::Query, env);
    let attempt = attempt.clone();
    wire::then(account, request, Undone::Unknown, move |account, reply, _| Reading::Is(read(account, &attempt, returned, reply)))
}

fn read(account: &Account, attempt: &AttemptRef, returned: bool, reply: &HttpReply) -> Undone {
    let trade = match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => trade::read(Family::A, &tree, attempt),
        Ok(Answer::Error(complaint)) => match complaint.class(Api::Query) {
            Ok(Class::NotCreated) => return Undone::NotFound,
            Ok(_) => Err(complaint.why(WhyKind::Pending)),
            Err(why) => Err(why),
        },
        Err(why) => Err(why),
    };
    match trade {
        Ok(trade) => match trade.state {
            State::Revoked if returned => Undone::Returned,
            State::Revoked | State::Failed => Undone::Closed,
            State::Refunded => Undone::Returned,
            State::Paying | State::Unsure | State::Revoking | State::Refunding => Undone::Busy,
            // Reversed, says the one reply; paid, says the other. Neither is believed alone.
            State::Paid | State::PartlyRefunded => Undone::Unknown(Why::new(WhyKind::Pending, "reversed, but the query still says paid")),
            State::Unlisted => Undone::Unknown(trade.unlisted()),
        },
        Err(why) => Undone::Unknown(why),
    }
}
