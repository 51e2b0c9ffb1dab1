//! What `admit` froze: the family, the app and merchant numbers. Requests, replies and claims all read the same facts.

use crate::config::Family;
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Notes, Refusal};
use sluice_kit::wire::{put, put_some, told};

/// The API family of an attempt. Never guessed: the wrong one would read *paying* as *paid*.
pub(crate) fn family(attempt: &AttemptRef) -> Result<Family, Refusal> {
    match attempt.memo.get("family").map(String::as_str) {
        Some("A") => Ok(Family::A),
        Some("B") => Ok(Family::B),
        _ => Err(Refusal::account("the attempt does not say which API family it was made in")),
    }
}

pub(crate) fn frozen<'a>(attempt: &'a AttemptRef, name: &str) -> Option<&'a str> {
    attempt.memo.get(name).map(String::as_str)
}

/// Puts those frozen facts that there are.
pub(crate) fn put_frozen(body: &mut Map<String, Value>, attempt: &AttemptRef, names: &[&str]) {
    for name in names {
        put_some(body, name, frozen(attempt, name));
    }
}

/// The beginning of every content: the merchant, in family B with its agreement and app, and the order by our number.
pub(crate) fn order(attempt: &AttemptRef) -> Map<String, Value> {
    let mut body = Map::new();
    put(&mut body, "out_trade_no", attempt.number.as_str());
    put_frozen(&mut body, attempt, &["mer_id", "mer_prtcl_no", "icbc_appid"]);
    body
}

/// Names it by the bank's number too, where the bank has told it: family A's refunds and reversals take both.
pub(crate) fn put_bank_number(body: &mut Map<String, Value>, attempt: &AttemptRef) {
    put_some(body, "order_id", attempt.handles.get("order_id").map(String::as_str));
}

/// The merchant a reply names, where it does.
pub(crate) fn claimed(tree: &Value) -> Notes {
    told(tree, &[("mer_id", "mer_id")])
}

/// The bank's own order number as a handle.
pub(crate) fn handles(tree: &Value) -> Notes {
    told(tree, &[("order_id", "order_id")])
}
