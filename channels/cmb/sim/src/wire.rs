//! The envelope, server side: who called, and how answers are signed (pack §2.1, §2.2).
//!
//! Answers write `/` as `\/` and carry a member that no list names: both are allowed by the document, and whoever verifies over
//! decoded values and over all members does not notice. Refusals at the door (`returnCode` FAIL) are short and unsigned.

use crate::check::Fields;
use crate::fail::{Fail, Snag};
use crate::keys::apisign;
use crate::route::Route;
use crate::sim::CmbSim;
use serde_json::{Map, Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Call, Fault};
use std::collections::BTreeMap;

const VERSION: &str = "0.0.1";
const ENCODING: &str = "UTF-8";
const SM2: &str = "02";
/// What a fault of the kind `Garbage` puts in the place of a body.
pub(crate) const GARBAGE: &str = "<html><body>502 Bad Gateway</body></html>";

pub(crate) type Members = BTreeMap<String, String>;

/// What a call that went well answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) biz: Map<String, Value>,
    /// `respMsg`, where the channel explains itself.
    pub(crate) says: Option<&'static str>,
}

impl From<Map<String, Value>> for Told {
    fn from(biz: Map<String, Value>) -> Told {
        Told { biz, says: None }
    }
}

pub(crate) type Answer = Result<Told, Fail>;

/// A call that came through the door.
pub(crate) struct Asked {
    pub(crate) biz: Map<String, Value>,
    pub(crate) encrypt_key: Option<String>,
}

impl CmbSim {
    pub(crate) fn served(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        let route = Route::of(call);
        match route {
            Route::Unknown => return json_reply(404, &json!({"returnCode": "FAIL", "respMsg": "no such interface"})),
            Route::File => return self.download(call, now),
            _ => {}
        }
        if fault == Some(Fault::Error500) {
            return short(500, &Snag::System.into());
        }
        let answer = self.answered(route, call, now);
        if fault == Some(Fault::Garbage) {
            return HttpReply::new(502, &[("Content-Type", "text/html")], GARBAGE);
        }
        match answer {
            Err(fail) if fail.short => short(200, &fail),
            answer => self.signed(answer, fault),
        }
    }

    fn answered(&mut self, route: Route, call: &Call, now: Millis) -> Answer {
        let asked = self.enter(call)?;
        let fields = Fields::of(&asked.biz)?;
        if let Some(fail) = self.script.before(route) {
            return Err(fail);
        }
        let answer = match route {
            Route::Apply => self.apply(&fields, now),
            Route::Pay => self.pay(&fields, asked.encrypt_key.as_deref(), now),
            Route::Query => self.query(&fields, now),
            Route::Cancel => self.cancel(&fields, now),
            Route::Close => self.close(&fields),
            Route::Refund => self.refund(&fields, now),
            Route::RefundQuery => self.query_refund(&fields),
            Route::StatementUrl => self.statement_url(&fields, call, now),
            Route::File | Route::Unknown => Err(Snag::Undefined.into()),
        };
        self.script.after(route).map_or(answer, Err)
    }

    /// Everything a server can check before it reads biz_content.
    fn enter(&self, call: &Call) -> Result<Asked, Fail> {
        if call.body.iter().all(u8::is_ascii_whitespace) {
            return Err(Snag::Empty.into());
        }
        let members = members(&call.body).ok_or(Snag::Json)?;
        let member = |name: &str| members.get(name).map_or("", String::as_str);
        let sign = member("sign");
        self.check_header(call, sign)?;
        if member("version") != VERSION {
            return Err(Snag::Version.into());
        }
        if member("encoding") != ENCODING {
            return Err(Snag::Encoding.into());
        }
        if member("signMethod") != SM2 {
            return Err(Snag::SignMethod.into());
        }
        if !self.keys.merchant.made(&signing_text(&members), sign, self.options.strict_der) {
            return Err(Snag::Sign.into());
        }
        let Ok(Value::Object(biz)) = serde_json::from_str(member("biz_content")) else { return Err(Snag::Json.into()) };
        Ok(Asked { biz, encrypt_key: members.get("encryptKey").cloned() })
    }

    /// The pack names no refusal and no clock tolerance for these headers.
    fn check_header(&self, call: &Call, sign: &str) -> Result<(), Fail> {
        let header = |name: &str| call.headers.only(name).ok_or_else(|| Snag::Sign.about(&format!("header {name}")));
        let (app_id, timestamp, given) = (header("appid")?, header("timestamp")?, header("apisign")?);
        if app_id != self.keys.app_id {
            return Err(Snag::Sign.about("header appid"));
        }
        if timestamp.len() != 10 || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Snag::Sign.about("header timestamp"));
        }
        if given != apisign(app_id, &self.keys.app_secret, sign, timestamp) {
            return Err(Snag::Sign.about("header apisign"));
        }
        Ok(())
    }

    fn signed(&mut self, answer: Answer, fault: Option<Fault>) -> HttpReply {
        let mut out = envelope();
        let mut put = |name: &str, value: &str| {
            out.insert(name.to_owned(), value.to_owned());
        };
        put("returnCode", "SUCCESS");
        put("traceNo", &self.draw.digits(16));
        match answer {
            Ok(mut told) => {
                lie(&mut told.biz, fault);
                put("respCode", "SUCCESS");
                put("biz_content", &Value::Object(told.biz).to_string());
                if let Some(says) = told.says {
                    put("respMsg", says);
                }
            }
            Err(fail) => {
                put("respCode", "FAIL");
                put("errCode", &fail.code);
                put("respMsg", &fail.text);
                put("errDescription", &fail.about);
            }
        }
        let sign = self.seal(&out, fault == Some(Fault::BadSignature));
        out.insert("sign".to_owned(), sign);
        let text = json!(out).to_string().replace('/', "\\/");
        HttpReply::new(200, &[("Content-Type", "application/json;charset=UTF-8")], text)
    }

    /// Signs members. A spoiled signature is a good one of something else.
    pub(crate) fn seal(&self, members: &Members, spoiled: bool) -> String {
        let text = signing_text(members);
        self.keys.bank.sign(&if spoiled { format!("{text}&spoiled=1") } else { text })
    }

    /// Whether a callback was taken: JSON that the merchant signed and that says SUCCESS twice (pack §2.5).
    pub(crate) fn acknowledged(&self, reply: &HttpReply) -> bool {
        let Some(members) = members(reply.bytes()).filter(|_| reply.status == 200) else { return false };
        let wanted =
            [("version", VERSION), ("encoding", ENCODING), ("signMethod", SM2), ("returnCode", "SUCCESS"), ("respCode", "SUCCESS")];
        let said = |(name, value): &(&str, &str)| members.get(*name).is_some_and(|found| found == value);
        let sign = members.get("sign").map_or("", String::as_str);
        wanted.iter().all(said) && self.keys.merchant.made(&signing_text(&members), sign, self.options.strict_der)
    }
}

/// The members every signed message of the bank begins with.
pub(crate) fn envelope() -> Members {
    [("version", VERSION), ("encoding", ENCODING), ("signMethod", SM2)].map(|(n, v)| (n.to_owned(), v.to_owned())).into()
}

/// Every member but `sign`, keys ascending, values raw.
pub(crate) fn signing_text(members: &Members) -> String {
    let told = members.iter().filter(|(name, _)| *name != "sign");
    told.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// A flat JSON object of texts.
fn members(body: &[u8]) -> Option<Members> {
    serde_json::from_slice(body).ok()
}

fn short(status: u16, fail: &Fail) -> HttpReply {
    json_reply(status, &json!({"returnCode": "FAIL", "errCode": fail.code, "respMsg": fail.text, "errDescription": fail.about}))
}

fn json_reply(status: u16, body: &Value) -> HttpReply {
    HttpReply::new(status, &[("Content-Type", "application/json;charset=UTF-8")], body.to_string())
}

/// Plays the faults that are about what is said: another amount, another order.
pub(crate) fn lie(biz: &mut Map<String, Value>, fault: Option<Fault>) {
    let names: &[&str] = match fault {
        Some(Fault::WrongAmount) => &["txnAmt", "refundAmt"],
        Some(Fault::WrongOrder) => &["orderId", "cmbOrderId", "origOrderId", "origCmbOrderId"],
        _ => return,
    };
    for name in names {
        let Some(Value::String(text)) = biz.get_mut(*name) else { continue };
        *text = match (fault, text.parse::<i64>()) {
            (Some(Fault::WrongAmount), Ok(fen)) => fen.saturating_add(1).to_string(),
            _ => other_number(text),
        };
    }
}

/// The same shape, another number.
pub(crate) fn other_number(number: &str) -> String {
    let mut out = number.to_owned();
    let last = out.pop();
    out.push(if last == Some('0') { '1' } else { '0' });
    out
}
