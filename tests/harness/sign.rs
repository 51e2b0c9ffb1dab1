//! CONTRACT section 3 and Standard Webhooks, written a second time. If this and the gateway agree, the contract's text is enough.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// The signature of a request: HMAC-SHA256 over five lines, each ended by one line feed, in lower-case hex.
pub fn request(secret: &str, method: &str, path_and_query: &str, timestamp: &str, nonce: &str, body: &[u8]) -> String {
    let head = format!("{method}\n{path_and_query}\n{timestamp}\n{nonce}\n");
    hex::encode(hmac_sha256(secret.as_bytes(), &[head.as_bytes(), body, b"\n"]))
}

/// The signature that an answer must carry.
pub fn response(secret: &str, status: u16, timestamp: &str, request_nonce: &str, body: &[u8]) -> String {
    let head = format!("{status}\n{timestamp}\n{request_nonce}\n");
    hex::encode(hmac_sha256(secret.as_bytes(), &[head.as_bytes(), body, b"\n"]))
}

/// The `Authorization` header.
pub fn authorization(key_id: &str, timestamp: &str, nonce: &str, signature: &str) -> String {
    format!("SLUICE-HMAC-SHA256 key_id=\"{key_id}\",timestamp=\"{timestamp}\",nonce=\"{nonce}\",signature=\"{signature}\"")
}

/// Whether one of the signatures in `webhook-signature` is right.
pub fn webhook_holds(secret: &str, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
    let Some(key) = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok()) else { return false };
    let head = format!("{id}.{timestamp}.");
    let right = STANDARD.encode(hmac_sha256(&key, &[head.as_bytes(), body]));
    signatures.split(' ').any(|one| one.strip_prefix("v1,").is_some_and(|given| given == right))
}

/// Both halves against values that `openssl dgst -sha256 -hmac` and the specification's own example give.
#[test]
fn the_second_implementation_is_right() {
    let secret = "0123456789abcdef0123456789abcdef";
    assert_eq!(
        request(secret, "POST", "/v1/orders?x=1", "1763880000", "b9c1b9c1b9c1b9c1", b"{}"),
        "2d074b88d61a0d23ceadcff9fec89e9d646ad02cdb9c537f42dfc336e8fce8bb"
    );
    let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#);
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert!(webhook_holds(secret, id, at, body, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    assert!(!webhook_holds(secret, id, "1614265331", body, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
}
