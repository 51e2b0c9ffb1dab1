//! Closing an unpaid QR order (section 2.4), and what close and cancel have in common.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MS, put, text};
use serde_json::Value;
use sluice_contract::{AttemptRef, Claims, Env, FailureCode, Fault, Reading, Refusal, Step, Undone, Why};
use sluice_kit::ask::ask;
use sluice_kit::claims::agrees;
use sluice_kit::codes::failure;
use sluice_kit::outcome::{self, Complaint as _, unlisted, unreadable};
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    undo(account, attempt, env, Undo { api: "order.close", path: "close", state: "closeState", timeout_ms: TIMEOUT_MS })
}

/// Which of the two calls it is.
#[derive(Clone, Copy)]
pub(crate) struct Undo {
    pub(crate) api: &'static str,
    pub(crate) path: &'static str,
    /// The member that tells how it went.
    pub(crate) state: &'static str,
    pub(crate) timeout_ms: u64,
}

pub(crate) fn undo(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>, undo: Undo) -> Step<Undone> {
    let mut content = ids::content(attempt);
    put(&mut content, "origOrderId", attempt.number.as_str());
    let call = Call { api: undo.api, path: undo.path, content, key: None, timeout_ms: undo.timeout_ms };
    ask(account, attempt, wire::post(account, call, env), move |_, attempt, answer, _| match answer {
        Answer::Good(tree) => undone(attempt, &tree, undo.state).map(Reading::Is),
        Answer::Error(complaint) => Ok(Reading::Is(refused(&complaint))),
    })
}

/// D is told of a cancel only: revoked. A paid order is refused with ORDER_PAID instead, so no money was there (section 2.4).
fn undone(attempt: &AttemptRef, tree: &Value, name: &str) -> Result<Undone, Why> {
    let number = ["origOrderId", "orderId"].iter().find_map(|name| text(tree, name)).unwrap_or(&attempt.number);
    agrees(&Claims { number: Some(number.to_owned()), same: ids::claimed(tree), ..Claims::default() }, attempt)?;
    match (name, text(tree, name).unwrap_or_default()) {
        (_, "C") | ("cancelState", "D") => Ok(Undone::Closed),
        (_, "F") => Ok(Undone::Refused(failure(FailureCode::ChannelRefused, Fault::Request, "F", "the bank did not undo the order"))),
        (_, "") => Err(unreadable("the reply does not say how it went")),
        (name, state) => Err(unlisted(name, state)),
    }
}

fn refused(complaint: &Complaint) -> Undone {
    match complaint.class(Api::Undo) {
        Ok(Class::Query) => Undone::Paid,
        Ok(Class::Unknown) => Undone::Unknown(complaint.doubt(Class::Unknown)),
        class => outcome::undone(class, complaint),
    }
}
