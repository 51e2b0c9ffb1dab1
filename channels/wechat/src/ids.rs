//! Who is who in a message: our merchant and app ids, the sub-merchant's, by WeChat's own names.
//!
//! `admit` freezes them under these names (memo; those of a sub-merchant are in the binding's `sub`), so requests, claims and queries
//! all read the same facts and direct and partner mode need no branch.

use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Notes};
use sluice_kit::form::encode_pairs;
use sluice_kit::wire::{notes, text};

pub(crate) const APPS: [&str; 3] = ["appid", "sp_appid", "sub_appid"];
pub(crate) const MERCHANTS: [&str; 3] = ["mchid", "sp_mchid", "sub_mchid"];

/// A frozen fact: from the memo, else from the binding.
pub(crate) fn frozen<'a>(attempt: &'a AttemptRef, name: &str) -> Option<&'a str> {
    attempt.memo.get(name).or_else(|| attempt.sub.get(name)).map(String::as_str)
}

/// Whether an attempt was made in API v2.
pub(crate) fn is_v2(attempt: &AttemptRef) -> bool {
    frozen(attempt, "dialect") == Some("v2")
}

/// `v3` paths: partner orders live under their own.
pub(crate) fn path(attempt: &AttemptRef, rest: &str) -> String {
    let partner = if attempt.memo.contains_key("sp_mchid") { "/partner" } else { "" };
    format!("/v3/pay{partner}/transactions/{rest}")
}

/// The merchant ids as members of a body.
pub(crate) fn merchants(attempt: &AttemptRef) -> Map<String, Value> {
    members(attempt, &MERCHANTS)
}

/// Merchant and app ids as members of a body.
pub(crate) fn all(attempt: &AttemptRef) -> Map<String, Value> {
    members(attempt, [APPS, MERCHANTS].as_flattened())
}

/// The merchant ids as a query string.
pub(crate) fn query(attempt: &AttemptRef) -> String {
    encode_pairs(MERCHANTS.iter().filter_map(|name| frozen(attempt, name).map(|id| (*name, id))))
}

fn members(attempt: &AttemptRef, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| frozen(attempt, name).map(|id| ((*name).to_owned(), Value::from(id)))).collect()
}

/// What a message says of them. An absent name claims nothing; a present one must be what was frozen.
pub(crate) fn claimed(tree: &Value) -> Notes {
    let names = APPS.iter().chain(&MERCHANTS);
    notes(names.filter_map(|name| text(tree, name).map(|id| (*name, id))))
}
