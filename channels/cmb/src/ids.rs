//! Who is who in a message: the merchant, the cashier and the sub-merchant, as `admit` froze them.

use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Notes};
use sluice_kit::wire::{put_some, told};

/// Our name of each fact in memo and sub, and the bank's.
const COMPARED: [(&str, &str); 2] = [("mer_id", "merId"), ("sub_mer_id", "subMerId")];

/// A frozen fact: from the memo, else from the binding.
pub(crate) fn frozen<'a>(attempt: &'a AttemptRef, name: &str) -> Option<&'a str> {
    attempt.memo.get(name).or_else(|| attempt.sub.get(name)).map(String::as_str)
}

/// What every call of an order begins with: the merchant and the cashier.
pub(crate) fn content(attempt: &AttemptRef) -> Map<String, Value> {
    let mut content = Map::new();
    for (theirs, ours) in [("merId", "mer_id"), ("userId", "user_id")] {
        put_some(&mut content, theirs, frozen(attempt, ours));
    }
    content
}

/// What a message says of them. An absent name claims nothing; a present one must be what was frozen. The cashier is no party to the
/// money and is not compared.
pub(crate) fn claimed(tree: &Value) -> Notes {
    told(tree, &COMPARED)
}
