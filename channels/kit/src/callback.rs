//! The front of every callback: a POST of a bearable size, and for most channels a form.

use crate::form::decode_pairs;
use crate::wire::CALLBACK_MAX_BYTES;
use sluice_contract::{RawCallback, Rejected, Verb};

/// Lets through what may be a callback at all.
///
/// # Errors
/// Another verb, or too many bytes.
pub fn post(raw: &RawCallback<'_>) -> Result<(), Rejected> {
    let fits = raw.verb == Verb::Post && raw.body.len() <= CALLBACK_MAX_BYTES;
    if fits { Ok(()) } else { Err(unreadable("a callback is a POST of at most 256 KiB")) }
}

/// The fields of a callback's body, each decoded once. The target's query is never read: it is not signed.
///
/// # Errors
/// What is no POST, no form, or names a field twice.
pub fn form(raw: &RawCallback<'_>) -> Result<Vec<(String, String)>, Rejected> {
    post(raw)?;
    decode_pairs(raw.body).map_err(|_| unreadable("the body is no form, or names a field twice"))
}

/// Not the channel's word. `number` is what it claims to be about: at most a query follows from it.
#[must_use]
pub fn forged(reason: &str, number: Option<&str>) -> Rejected {
    Rejected::Forged { reason: reason.to_owned(), number: number.map(str::to_owned) }
}

#[must_use]
pub fn unreadable(reason: &str) -> Rejected {
    Rejected::Unreadable { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::form;
    use crate::wire::CALLBACK_MAX_BYTES;
    use sluice_contract::{Headers, RawCallback, Verb};

    #[test]
    fn only_a_post_of_a_bearable_form_without_doubled_fields_gets_in() {
        let headers = Headers::default();
        let flood = vec![b'a'; CALLBACK_MAX_BYTES + 1];
        let take = |verb, body| form(&RawCallback { verb, target: "/?a=2", headers: &headers, body }).ok();
        assert_eq!(take(Verb::Post, b"a=1"), Some(vec![("a".to_owned(), "1".to_owned())]));
        for (verb, body) in [(Verb::Get, &b"a=1"[..]), (Verb::Post, b"a=1&a=1"), (Verb::Post, b"a=%"), (Verb::Post, &flood)] {
            assert_eq!(take(verb, body), None);
        }
    }
}
