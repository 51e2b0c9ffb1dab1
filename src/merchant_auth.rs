//! How a merchant's request is signed and how our answer is (CONTRACT section 3). Pure: no clock, no nonce store, no HTTP types.
//!
//! Used by the API to verify, by `sluice sign`, by the demo and by tests to sign: one place, so that they cannot drift apart.
//!
//! **The signed bytes are injective**: method, path, timestamp and nonce cannot hold a line feed (an HTTP head cannot, and
//! [`parse`] checks the latter two), so the first four line feeds part the five fields and two requests never share them.

pub mod help;
pub mod shapes;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The one scheme of the `Authorization` header.
pub const SCHEME: &str = "SLUICE-HMAC-SHA256";

/// A merchant's request as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `POST`, upper case.
    pub method: &'a str,
    /// Path and query exactly as sent, percent-encoding included.
    pub path_and_query: &'a str,
    /// Unix seconds, as text: it is signed as it was written.
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub body: &'a [u8],
}

/// The fields of an `Authorization` header, well-formed; nothing is verified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    /// 1 to 64 of `[A-Za-z0-9_-]`.
    pub key_id: &'a str,
    /// 1 to 12 digits, as written.
    pub timestamp: &'a str,
    /// The same as a number: Unix seconds.
    pub at: i64,
    /// 16 to 64 of `[A-Za-z0-9_-]`.
    pub nonce: &'a str,
    /// 64 lower-case hex digits.
    pub signature: &'a str,
}

/// The fields of an `Authorization` header as they stand there, in whatever alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    pub key_id: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub signature: &'a str,
}

/// The bytes that a request's signature covers: five lines, each ended by one line feed.
#[must_use]
pub fn canonical(request: &Request<'_>) -> Vec<u8> {
    lines([request.method, request.path_and_query, request.timestamp, request.nonce], request.body)
}

/// The signature of a request under a merchant's secret: lower-case hex. The key is the secret's text, not decoded.
#[must_use]
pub fn sign(secret: &str, request: &Request<'_>) -> String {
    hex_of(mac(secret.as_bytes(), &canonical(request)))
}

/// Whether the signature is this request's under this secret. Compared in constant time; upper-case hex is no signature.
#[must_use]
pub fn verify(secret: &str, request: &Request<'_>, signature: &str) -> bool {
    is_signature(signature)
        && hex::decode(signature).is_ok_and(|given| mac(secret.as_bytes(), &canonical(request)).verify_slice(&given).is_ok())
}

/// `Sluice-Signature` of an answer to a request whose signature verified, under the same secret.
#[must_use]
pub fn sign_response(secret: &str, status: u16, timestamp: &str, request_nonce: &str, body: &[u8]) -> String {
    let mut signature = ResponseSignature::begin(secret, status, timestamp, request_nonce);
    signature.update(body);
    signature.finish()
}

/// [`sign_response`] of a body that is too long to be held: it is given piece by piece.
#[derive(Debug)]
pub struct ResponseSignature(Hmac<Sha256>);

impl ResponseSignature {
    #[must_use]
    pub fn begin(secret: &str, status: u16, timestamp: &str, request_nonce: &str) -> ResponseSignature {
        ResponseSignature(mac(secret.as_bytes(), format!("{status}\n{timestamp}\n{request_nonce}\n").as_bytes()))
    }

    /// The next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    #[must_use]
    pub fn finish(mut self) -> String {
        self.0.update(b"\n");
        hex_of(self.0)
    }
}

/// Whether an answer's `Sluice-Signature` is right: what a merchant's client does.
#[must_use]
pub fn verify_response(secret: &str, status: u16, timestamp: &str, request_nonce: &str, body: &[u8], signature: &str) -> bool {
    let signed = mac(secret.as_bytes(), &response_canonical(status, timestamp, request_nonce, body));
    is_signature(signature) && hex::decode(signature).is_ok_and(|given| signed.verify_slice(&given).is_ok())
}

/// The value of the `Authorization` header for a signed request.
#[must_use]
pub fn header(key_id: &str, secret: &str, request: &Request<'_>) -> String {
    let Request { timestamp, nonce, .. } = request;
    let signature = sign(secret, request);
    format!("{SCHEME} key_id=\"{key_id}\",timestamp=\"{timestamp}\",nonce=\"{nonce}\",signature=\"{signature}\"")
}

/// Reads an `Authorization` header: the four fields by name, in any order, each exactly once, each quoted and in its alphabet.
/// The error says what to repair; it quotes nothing of the header.
pub fn parse(value: &str) -> Result<Authorization<'_>, &'static str> {
    let Fields { key_id, timestamp, nonce, signature } = fields(value)?;
    if !is_token(key_id, 1) {
        return Err("key_id must be 1 to 64 letters, digits, _ or -");
    }
    let at = Some(timestamp).filter(|t| t.len() <= 12 && t.bytes().all(|b| b.is_ascii_digit())).and_then(|t| t.parse().ok());
    let at = at.ok_or("timestamp must be Unix seconds, digits only")?;
    if !is_token(nonce, 16) {
        return Err("nonce must be 16 to 64 letters, digits, _ or -");
    }
    if !is_signature(signature) {
        return Err("signature must be 64 lower-case hex digits");
    }
    Ok(Authorization { key_id, timestamp, at, nonce, signature })
}

/// The four fields of a header, each exactly once and quoted, whatever stands in them.
pub fn fields(value: &str) -> Result<Fields<'_>, &'static str> {
    let fields = value.strip_prefix(SCHEME).and_then(|rest| rest.strip_prefix(' '));
    let fields = fields.ok_or("the Authorization header must start with SLUICE-HMAC-SHA256 and one space")?;
    let (mut key_id, mut timestamp, mut nonce, mut signature) = (None, None, None, None);
    for field in fields.split(',') {
        let (name, quoted) = field.trim_matches([' ', '\t']).split_once('=').ok_or("each field must be name=\"value\"")?;
        let text = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).ok_or("each value must be in double quotes")?;
        let place = match name {
            "key_id" => &mut key_id,
            "timestamp" => &mut timestamp,
            "nonce" => &mut nonce,
            "signature" => &mut signature,
            _ => return Err("the fields are key_id, timestamp, nonce and signature: there is another one"),
        };
        if place.replace(text).is_some() {
            return Err("a field stands there twice");
        }
    }
    let (Some(key_id), Some(timestamp), Some(nonce), Some(signature)) = (key_id, timestamp, nonce, signature) else {
        return Err("the fields key_id, timestamp, nonce and signature are all required");
    };
    Ok(Fields { key_id, timestamp, nonce, signature })
}

/// A `curl` command that sends the signed request: what `sluice sign` and the demo print. `base_url` has no trailing slash.
/// Every argument is quoted for a POSIX shell; curl is told to change nothing in the URL.
#[must_use]
pub fn curl_line(base_url: &str, key_id: &str, secret: &str, request: &Request<'_>) -> String {
    let url = quoted(&format!("{base_url}{}", request.path_and_query));
    let authorization = quoted(&format!("Authorization: {}", header(key_id, secret, request)));
    let mut line = format!("curl -sS --globoff --path-as-is -X {} {url} -H {authorization}", quoted(request.method));
    if !request.body.is_empty() {
        line.push_str(" -H 'Content-Type: application/json' --data-raw ");
        line.push_str(&quoted(&String::from_utf8_lossy(request.body)));
    }
    line
}

fn response_canonical(status: u16, timestamp: &str, request_nonce: &str, body: &[u8]) -> Vec<u8> {
    lines([&status.to_string(), timestamp, request_nonce], body)
}

fn lines<const N: usize>(heads: [&str; N], body: &[u8]) -> Vec<u8> {
    let mut bytes = heads.join("\n").into_bytes();
    bytes.push(b'\n');
    bytes.extend_from_slice(body);
    bytes.push(b'\n');
    bytes
}

fn mac(key: &[u8], bytes: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length: RFC 2104")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(bytes);
    mac
}

fn hex_of(mac: Hmac<Sha256>) -> String {
    hex::encode(mac.finalize().into_bytes())
}

fn is_token(text: &str, min: usize) -> bool {
    (min..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_signature(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Request, ResponseSignature, canonical, curl_line, header, parse, sign, sign_response, verify, verify_response};
    use proptest::prelude::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn request(body: &[u8]) -> Request<'_> {
        Request { method: "POST", path_and_query: "/v1/orders?x=1", timestamp: "1763880000", nonce: "b9c1b9c1b9c1b9c1", body }
    }

    #[test]
    fn five_lines_each_ended_once_and_an_empty_body_is_an_empty_line() {
        assert_eq!(canonical(&request(b"{}")), b"POST\n/v1/orders?x=1\n1763880000\nb9c1b9c1b9c1b9c1\n{}\n");
        assert_eq!(canonical(&request(b"")), b"POST\n/v1/orders?x=1\n1763880000\nb9c1b9c1b9c1b9c1\n\n");
    }

    /// Made with `printf 'POST\n/v1/orders?x=1\n1763880000\nb9c1b9c1b9c1b9c1\n{}\n' | openssl dgst -sha256 -hmac SECRET`.
    #[test]
    fn signatures_agree_with_another_implementation() {
        assert_eq!(sign(SECRET, &request(b"{}")), "2d074b88d61a0d23ceadcff9fec89e9d646ad02cdb9c537f42dfc336e8fce8bb");
        assert_eq!(
            sign_response(SECRET, 201, "1763880001", "b9c1b9c1b9c1b9c1", b"{\"id\":\"P1\"}"),
            "e8a67b821c93c4727e6cf021194eb1d5786014a7733baf314908e55adb5dc3d0"
        );
    }

    #[test]
    fn only_the_very_request_verifies() {
        let good = sign(SECRET, &request(b"{}"));
        assert!(verify(SECRET, &request(b"{}"), &good));
        let base = request(b"{}");
        let others = [
            Request { method: "GET", ..base },
            Request { path_and_query: "/v1/orders?x=2", ..base },
            Request { timestamp: "1763880001", ..base },
            Request { nonce: "b9c1b9c1b9c1b9c2", ..base },
            Request { body: b"{} ", ..base },
        ];
        for other in others {
            assert!(!verify(SECRET, &other, &good), "{other:?}");
        }
        assert!(!verify("0123456789abcdef0123456789abcdeF", &base, &good));
        for signature in ["", &good.to_uppercase(), &good[..62], &format!("{good}00"), &"0".repeat(64)] {
            assert!(!verify(SECRET, &base, signature), "{signature}");
        }
    }

    #[test]
    fn answers_verify_with_their_status_and_the_requests_nonce() {
        let signature = sign_response(SECRET, 200, "1", "n", b"{}");
        assert!(verify_response(SECRET, 200, "1", "n", b"{}", &signature));
        assert!(!verify_response(SECRET, 201, "1", "n", b"{}", &signature));
        assert!(!verify_response(SECRET, 200, "1", "m", b"{}", &signature));
    }

    #[test]
    fn a_body_in_pieces_has_the_signature_of_the_whole() {
        let whole = sign_response(SECRET, 200, "1", "n", b"a\nlong body");
        for pieces in [vec!["a\nlong body"], vec!["", "a", "\nlong", " body"]] {
            let mut signature = ResponseSignature::begin(SECRET, 200, "1", "n");
            pieces.iter().for_each(|piece| signature.update(piece.as_bytes()));
            assert_eq!(signature.finish(), whole);
        }
    }

    #[test]
    fn a_header_that_was_built_reads_back_in_any_order() {
        let built = header("k_demo", SECRET, &request(b"{}"));
        let read = parse(&built);
        assert_eq!(read.map(|a| (a.key_id, a.at, a.nonce)), Ok(("k_demo", 1_763_880_000, "b9c1b9c1b9c1b9c1")));
        assert!(read.is_ok_and(|a| verify(SECRET, &request(b"{}"), a.signature)));
        let signature = "a".repeat(64);
        let turned = format!(r#"SLUICE-HMAC-SHA256 signature="{signature}", nonce="b9c1b9c1b9c1b9c1",timestamp="1",key_id="k""#);
        assert_eq!(parse(&turned).map(|a| (a.key_id, a.at)), Ok(("k", 1)));
    }

    #[test]
    fn every_other_header_is_refused() {
        let good = header("k_demo", SECRET, &request(b"{}"));
        assert!(parse(&good).is_ok());
        let broken = [
            String::new(),
            "Bearer abc".into(),
            good.to_lowercase(),
            good.replace(SCHEME_SPACE, "SLUICE-HMAC-SHA1 "),
            good.replace(SCHEME_SPACE, "SLUICE-HMAC-SHA256"),
            good.replace('"', ""),
            good.replace('"', "'"),
            good.replace("key_id", "keyid"),
            good.replace("key_id=\"k_demo\",", ""),
            good.replace("k_demo", ""),
            good.replace("k_demo", "k demo"),
            good.replace("k_demo", &"k".repeat(65)),
            format!("{good},key_id=\"k_demo\""),
            format!("{good},extra=\"1\""),
            format!("{good},"),
            good.replace("1763880000", "-1"),
            good.replace("1763880000", "+176388000"),
            good.replace("1763880000", "1.5"),
            good.replace("1763880000", ""),
            good.replace("1763880000", "9999999999999"),
            good.replace("b9c1b9c1b9c1b9c1", "b9c1b9c1b9c1b9c"),
            good.replace("b9c1b9c1b9c1b9c1", "b9c1b9c1b9c1b9c\n"),
            good.replace("b9c1b9c1b9c1b9c1", &"n".repeat(65)),
            good.trim_end_matches('"').to_owned(),
            good.replace(&sign(SECRET, &request(b"{}")), &sign(SECRET, &request(b"{}")).to_uppercase()),
        ];
        for header in broken {
            assert!(parse(&header).is_err(), "{header}");
        }
    }

    const SCHEME_SPACE: &str = "SLUICE-HMAC-SHA256 ";

    #[test]
    fn the_curl_line_survives_a_shell() {
        let line = curl_line("http://127.0.0.1:8080", "k_demo", SECRET, &request("{\"subject\":\"it's 一箱\"}".as_bytes()));
        assert!(
            line.starts_with("curl -sS --globoff --path-as-is -X 'POST' 'http://127.0.0.1:8080/v1/orders?x=1' -H 'Authorization: SLUICE-")
        );
        assert!(line.ends_with(r#"--data-raw '{"subject":"it'\''s 一箱"}'"#), "{line}");
        let get = Request { method: "GET", ..request(b"") };
        assert!(!curl_line("http://127.0.0.1:8080", "k", SECRET, &get).contains("--data"));
    }

    type Parts = (String, String, String, String, Vec<u8>);

    fn parts() -> impl Strategy<Value = Parts> {
        let body =
            prop_oneof![prop::collection::vec(any::<u8>(), 0..20), prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'1')], 0..6)];
        ("[A-Z]{1,7}", "/[!-~]{0,12}", "[0-9]{1,3}", "[A-Za-z0-9_-]{16,18}", body)
    }

    fn bytes_of((method, path_and_query, timestamp, nonce, body): &Parts) -> Vec<u8> {
        canonical(&Request { method, path_and_query, timestamp, nonce, body })
    }

    proptest! {
        /// The fields can be read back from the signed bytes, so no two requests share them.
        #[test]
        fn the_signed_bytes_tell_the_request(parts in parts()) {
            let bytes = bytes_of(&parts);
            let mut fields = bytes.splitn(5, |b| *b == b'\n');
            let mut text = || fields.next().map(|f| String::from_utf8_lossy(f).into_owned()).unwrap_or_default();
            let heads = (text(), text(), text(), text());
            prop_assert_eq!(heads, (parts.0, parts.1, parts.2, parts.3));
            let body = fields.next().and_then(|rest| rest.strip_suffix(b"\n"));
            prop_assert_eq!(body, Some(parts.4.as_slice()));
        }

        #[test]
        fn different_requests_have_different_signed_bytes(one in parts(), other in parts()) {
            prop_assert_eq!(one == other, bytes_of(&one) == bytes_of(&other));
        }

        #[test]
        fn no_header_makes_the_parser_panic(text in any::<String>(), tail in "[ -~]{0,80}") {
            let _ = parse(&text);
            let _ = parse(&format!("{SCHEME_SPACE}{tail}"));
        }
    }
}
