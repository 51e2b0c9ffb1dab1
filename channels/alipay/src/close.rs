//! Closing an unpaid trade (pack §2.6). A code that nobody scanned has no trade: `NotFound`, and it lives until it expires.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Call, Complaint, text};
use crate::{query, trade};
use serde_json::Value;
use sluice_contract::{AttemptRef, Env, Reading, Refusal, Step, Undone};
use sluice_kit::outcome::Complaint as _;
use std::sync::Arc;

pub(crate) fn close(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("close of a barcode order"));
    }
    let call = Call::new("close", "alipay.trade.close", query::number(attempt), attempt.sub.get("auth_app_id"));
    let attempt = attempt.clone();
    wire::ask(account, call, env, move |_, answer, _| {
        Reading::Is(match answer {
            Answer::Good(tree) => closed(&attempt, &tree),
            Answer::Error(complaint) => refused(&complaint),
            Answer::Doubt(why) => Undone::Unknown(why),
        })
    })
}

/// Both numbers are optional in the reply; what stands there must be ours.
fn closed(attempt: &AttemptRef, tree: &Value) -> Undone {
    let names_one = text(tree, "out_trade_no").is_some();
    match trade::contradiction(tree, attempt).filter(|_| names_one) {
        Some(why) => Undone::Unknown(why),
        None => Undone::Closed,
    }
}

fn refused(complaint: &Complaint) -> Undone {
    match complaint.class(Api::Close) {
        Ok(Class::NotCreated) => Undone::NotFound,
        Ok(Class::Retry | Class::Unknown) => Undone::Busy,
        // Paid or closed meanwhile: the query says which.
        Ok(class) => Undone::Unknown(complaint.doubt(class)),
        Err(why) => Undone::Unknown(why),
    }
}
