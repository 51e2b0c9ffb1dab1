//! The v3 envelope, server side: who signed the request, and how answers are signed and resources encrypted (pack §2).

use crate::fail::Fail;
use crate::keys::Signer;
use crate::party::MCHID;
use crate::sim::WechatSim;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sluice_contract::{Headers, HttpReply, Millis};
use sluice_simkit::{Call, Draw, Fault};

const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
const SKEW_MAX_S: i64 = 300;
/// What a fault of the kind `Garbage` puts in the place of a body.
pub(crate) const GARBAGE: &str = "<html><body>502 Bad Gateway</body></html>";

impl WechatSim {
    /// Checks the `Authorization` header, by names in any order (pack §2.1).
    pub(crate) fn authenticate(&self, call: &Call, now: Millis) -> Result<(), Fail> {
        let header = call.headers.only("authorization").ok_or_else(|| Fail::sign("Authorization", "must stand there once"))?;
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme != SCHEME {
            return Err(Fail::sign("Authorization", "the scheme must be WECHATPAY2-SHA256-RSA2048"));
        }
        let field = |name: &'static str| named(rest, name).ok_or_else(|| Fail::sign(name, "is missing"));
        let (mchid, nonce, timestamp) = (field("mchid")?, field("nonce_str")?, field("timestamp")?);
        let (serial, signature) = (field("serial_no")?, field("signature")?);
        if mchid != MCHID {
            return Err(Fail::sign("mchid", "no such merchant"));
        }
        if serial != self.keys.merchant_serial {
            return Err(Fail::sign("serial_no", "no certificate of this merchant has this serial"));
        }
        let seconds: i64 = timestamp.parse().map_err(|_| Fail::sign("timestamp", "must be unix seconds"))?;
        if now.second().0.saturating_sub(seconds).saturating_abs() > SKEW_MAX_S {
            return Err(Fail::sign("timestamp", "differs more than 5 minutes from the server's clock"));
        }
        let mut message = format!("{}\n{}\n{timestamp}\n{nonce}\n", call.verb.word(), call.target).into_bytes();
        message.extend_from_slice(&call.body);
        message.push(b'\n');
        if !self.keys.merchant_signed(&message, signature) {
            return Err(Fail::sign("signature", "sign not match"));
        }
        if self.options.strict_headers && (call.headers.get("accept").is_none() || call.headers.get("user-agent").is_none()) {
            return Err(Fail::from(crate::fail::Snag::Param));
        }
        Ok(())
    }

    /// A signed answer; errors and 204 are signed too. `spoil` plays the faults that are about the envelope.
    pub(crate) fn signed(&mut self, status: u16, body: String, call: &Call, now: Millis, spoil: Option<Fault>) -> HttpReply {
        let (status, body) = match spoil {
            Some(Fault::Garbage) => (if status == 204 { 200 } else { status }, GARBAGE.to_owned()),
            _ => (status, body),
        };
        let signer = self.keys.signer(self.mode, call.headers.get("wechatpay-serial"), &mut self.draw);
        let mut headers = signature(&signer, &body, now, &mut self.draw, spoil == Some(Fault::BadSignature));
        headers.push("Request-ID", &format!("0{}-268435456", self.draw.text(28)));
        if status != 204 {
            headers.push("Content-Type", "application/json; charset=utf-8");
        }
        HttpReply { status, headers, body: sluice_contract::Body::Bytes(body.into_bytes()) }
    }

    /// `{algorithm, nonce, associated_data, ciphertext}` under the API v3 key (pack §2.5).
    pub(crate) fn sealed(&mut self, plain: &str, associated_data: &str) -> Value {
        let nonce = self.draw.text(12);
        json!({
            "algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": associated_data,
            "ciphertext": seal(&self.keys.api_v3_key, &nonce, associated_data, plain),
        })
    }
}

/// The `Wechatpay-*` lines over a body (pack §2.2).
pub(crate) fn signature(signer: &Signer, body: &str, now: Millis, draw: &mut Draw, spoiled: bool) -> Headers {
    let (timestamp, nonce) = (now.second().0.to_string(), draw.text(32));
    let mut text = signer.sign(format!("{timestamp}\n{nonce}\n{body}\n").as_bytes());
    if spoiled {
        text = text.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect();
    }
    Headers::new(&[
        ("Wechatpay-Timestamp", &timestamp),
        ("Wechatpay-Nonce", &nonce),
        ("Wechatpay-Serial", &signer.serial),
        ("Wechatpay-Signature", &text),
        ("Wechatpay-Signature-Type", SCHEME),
    ])
}

/// base64 of ciphertext and tag; empty when the key is not 32 bytes, which no options allow.
pub(crate) fn seal(key: &str, nonce: &str, associated_data: &str, plain: &str) -> String {
    let mut buffer = plain.as_bytes().to_vec();
    let sealed = UnboundKey::new(&AES_256_GCM, key.as_bytes()).and_then(|key| {
        let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes())?;
        LessSafeKey::new(key).seal_in_place_append_tag(nonce, Aad::from(associated_data.as_bytes()), &mut buffer)
    });
    sealed.map_or_else(|_| String::new(), |()| STANDARD.encode(buffer))
}

/// `name="value"` among comma-separated fields.
fn named<'a>(fields: &'a str, name: &str) -> Option<&'a str> {
    let mut found = fields.split(',').filter_map(|field| {
        let (key, value) = field.trim().split_once('=')?;
        (key == name).then_some(value)?.strip_prefix('"')?.strip_suffix('"')
    });
    found.next()
}
