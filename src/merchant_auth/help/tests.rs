//! Every mistake of the table has its hint, and no other; all of them cost the same.

use super::{Hint, Request, Secrets, shown, try_all, visible};
use crate::merchant_auth::{canonical, mac, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

const OWN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER: &str = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
const WEBHOOK: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECRETS: Secrets<'_> = Secrets { own: OWN, other: Some(OTHER), webhook: Some(WEBHOOK) };

const SENT: Request<'_> = Request {
    method: "POST",
    path_and_query: "/v1/orders?created_from=2026-11-23T00%3A00%3A00%2B08%3A00&limit=1",
    timestamp: "1763880000",
    nonce: "b9c1b9c1b9c1b9c1",
    body: "{\"subject\":\"一箱苹果\",\"amount\":1280}".as_bytes(),
};

fn over(key: &[u8], message: &[u8]) -> String {
    super::super::hex_of(mac(key, message))
}

fn of(request: Request<'_>) -> String {
    sign(OWN, &request)
}

/// What the sender did, and what he is to be told.
fn mistakes() -> Vec<(Hint, String)> {
    let right = canonical(&SENT);
    let text = String::from_utf8(right.clone()).unwrap();
    let plain = "/v1/orders?created_from=2026-11-23T00:00:00+08:00&limit=1";
    vec![
        (Hint::TrailingNewlineMissing, over(OWN.as_bytes(), &right[..right.len() - 1])),
        (Hint::Crlf, over(OWN.as_bytes(), text.replace('\n', "\r\n").as_bytes())),
        (Hint::Crlf, over(OWN.as_bytes(), text.trim_end().replace('\n', "\r\n").as_bytes())),
        (Hint::QueryReordered, of(Request { path_and_query: "/v1/orders?limit=1&created_from=2026-11-23T00%3A00%3A00%2B08%3A00", ..SENT })),
        (Hint::QueryEncoding, of(Request { path_and_query: plain, ..SENT })),
        (Hint::QueryEncoding, of(Request { path_and_query: &SENT.path_and_query.replace("%3A", "%3a").replace("%2B", "%2b"), ..SENT })),
        (Hint::QueryLeftOut, of(Request { path_and_query: "/v1/orders", ..SENT })),
        (Hint::PathWithoutPrefix, of(Request { path_and_query: SENT.path_and_query.strip_prefix("/v1").unwrap(), ..SENT })),
        (Hint::PathWithoutPrefix, of(Request { path_and_query: SENT.path_and_query.strip_prefix('/').unwrap(), ..SENT })),
        (Hint::BodyReserialised, of(Request { body: "{\"subject\": \"一箱苹果\", \"amount\": 1280}".as_bytes(), ..SENT })),
        (Hint::BodyReserialised, of(Request { body: br#"{"subject": "\u4e00\u7bb1\u82f9\u679c", "amount": 1280}"#, ..SENT })),
        (Hint::BodyReserialised, of(Request { body: &[SENT.body, b"\n"].concat(), ..SENT })),
        (Hint::BodyLeftOut, of(Request { body: b"", ..SENT })),
        (Hint::TimestampInMs, of(Request { timestamp: "1763880000000", ..SENT })),
        (Hint::SecretDecoded, over(&STANDARD.decode(OWN).unwrap(), &right)),
        (Hint::SecretDecoded, over(&hex::decode(OWN).unwrap(), &right)),
        (Hint::SecretWhitespace, over(format!("{OWN}\n").as_bytes(), &right)),
        (Hint::UpperCaseHex, of(SENT).to_uppercase()),
        (Hint::OtherKey, sign(OTHER, &SENT)),
        (Hint::WebhookSecret, sign(WEBHOOK, &SENT)),
        (Hint::WebhookSecret, over(&STANDARD.decode(&WEBHOOK[6..]).unwrap(), &right)),
    ]
}

#[test]
fn every_mistake_has_its_hint_and_no_other() {
    for (hint, signature) in mistakes() {
        assert_eq!(try_all(&SENT, &signature, &SECRETS).hints, [hint], "{}", hint.word());
    }
    let told: Vec<Hint> = mistakes().into_iter().map(|(hint, _)| hint).collect();
    assert!(Hint::ALL.iter().all(|hint| told.contains(hint)), "a hint without a mistake");
    // The header's own time in milliseconds, signed with and without them.
    let late = Request { timestamp: "1763880000123", ..SENT };
    for signature in [of(late), of(SENT)] {
        assert_eq!(try_all(&late, &signature, &SECRETS).hints, [Hint::TimestampInMs]);
    }
    // A query in either order.
    let turned = Request { path_and_query: "/v1/orders?limit=1&created_from=2026", ..SENT };
    let sorted = of(Request { path_and_query: "/v1/orders?created_from=2026&limit=1", ..SENT });
    assert_eq!(try_all(&turned, &sorted, &SECRETS).hints, [Hint::QueryReordered]);
}

#[test]
fn a_signature_of_nothing_we_know_has_no_hint_and_all_cost_the_same() {
    let bare = Secrets { own: "short", other: None, webhook: None };
    let none = Request { path_and_query: "/", body: b"", ..SENT };
    let deep = Request { body: &[b'['; 60_000], ..SENT };
    let mut macs: Vec<usize> = mistakes().iter().map(|(_, signature)| try_all(&SENT, signature, &SECRETS).macs).collect();
    for (request, signature, secrets) in
        [(SENT, "0".repeat(64), SECRETS), (SENT, String::new(), SECRETS), (none, "f".repeat(64), bare), (deep, "x".into(), bare)]
    {
        let tried = try_all(&request, &signature, &secrets);
        assert_eq!(tried.hints, []);
        macs.push(tried.macs);
    }
    // The right signature, which never comes here: no trial is to be mistaken for it.
    assert_eq!(try_all(&SENT, &of(SENT), &SECRETS).hints, []);
    macs.dedup();
    assert_eq!(macs.len(), 1, "{macs:?}");
}

#[test]
fn the_string_to_sign_is_shown_so_that_it_can_be_counted() {
    assert_eq!(visible(b"POST\n/a\r\n\\n\t\x01\xff{}"), r"POST\n/a\r\n\\n\t\u{1}\xFF{}");
    assert_eq!(shown(&canonical(&Request { body: b"", ..SENT })).matches("\\n").count(), 5);
    for body in ["x".repeat(300), "一".repeat(100), "a一".repeat(100), "aa一".repeat(100)] {
        let request = Request { body: body.as_bytes(), ..SENT };
        let shown = shown(&canonical(&request));
        let bytes = shown.replace("\\n", "\n").len();
        assert!((158..=160).contains(&bytes) && !shown.contains("\\x"), "{bytes} {shown}");
    }
}

proptest! {
    /// Whoever lacks the secret learns nothing: no signature that he can make up has a hint from a trial.
    #[test]
    fn a_guess_is_never_answered_with_a_hint(guess in prop::array::uniform32(any::<u8>()), body in prop::collection::vec(any::<u8>(), 0..60)) {
        let tried = try_all(&Request { body: &body, ..SENT }, &hex::encode(guess), &SECRETS);
        prop_assert_eq!(tried.hints, vec![]);
    }
}
