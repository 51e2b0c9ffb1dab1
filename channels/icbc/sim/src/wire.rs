//! The envelope: who signed a request, and how answers are sealed and signed (pack §1.2 to §1.5).
//!
//! No source tells an answer that the gateway does not sign, so refusals are signed too; only what never reached the business (an
//! unknown path, a broken server) is plain HTTP.

use crate::fail::{Fail, Snag};
use crate::party::APP_ID;
use crate::reply::{Answer, Body};
use crate::route::{Route, path_of};
use crate::sim::IcbcSim;
use serde_json::{Map, Value};
use sluice_contract::{HttpReply, Millis, Second, Verb};
use sluice_simkit::{Call, Fault, form};
use std::collections::BTreeMap;

/// What a fault of the kind `Garbage` puts in the place of a body.
pub(crate) const GARBAGE: &str = "<html><body>502 Bad Gateway</body></html>";
const FORM: &str = "application/x-www-form-urlencoded";

/// The parameters of a call, by name.
pub(crate) type Params = BTreeMap<String, String>;

/// A request that was signed by the app.
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) params: Params,
    /// `biz_content` as it reads.
    pub(crate) text: String,
    pub(crate) biz: Map<String, Value>,
    pub(crate) at: Second,
}

/// What the answer has to repeat of its request.
#[derive(Default)]
pub(crate) struct Stamp {
    msg_id: String,
    encrypted: bool,
}

/// Names and values of query and body. A name twice is an attack, not a choice.
pub(crate) fn params_of(call: &Call) -> Result<Params, Fail> {
    let query = call.target.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = form::pairs(query).ok_or_else(|| Fail::of("query", "is not UTF-8"))?;
    if call.verb == Verb::Post {
        let kind = call.headers.get("content-type").unwrap_or_default().to_ascii_lowercase();
        if !kind.starts_with(FORM) {
            return Err(Fail::of("Content-Type", "must be a form"));
        }
        let body = std::str::from_utf8(&call.body).ok().and_then(form::pairs);
        pairs.extend(body.ok_or_else(|| Fail::of("body", "is no form of UTF-8"))?);
    }
    collected(pairs)
}

pub(crate) fn collected(pairs: Vec<(String, String)>) -> Result<Params, Fail> {
    let mut params = Params::new();
    for (name, value) in pairs {
        if params.insert(name.clone(), value).is_some() {
            return Err(Fail::of(&name, "stands there twice"));
        }
    }
    Ok(params)
}

/// `PATH?k=v&…`: names ascending, empty values and `sign` left out, values as they are (pack §1.3).
pub(crate) fn signed_text(path: &str, params: &Params) -> String {
    let told = params.iter().filter(|(name, value)| *name != "sign" && !value.is_empty());
    let pairs: Vec<String> = told.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{path}?{}", pairs.join("&"))
}

impl IcbcSim {
    /// An API call: once per `msg_id` and app.
    pub(crate) fn received(&mut self, call: &Call, stamp: &mut Stamp) -> Result<Asked, Fail> {
        let params = params_of(call)?;
        stamp.msg_id = params.get("msg_id").cloned().unwrap_or_default();
        self.genuine(path_of(&call.target), &params)?;
        if !self.messages.insert(stamp.msg_id.clone()) {
            return Err(Snag::MessageUsed.into());
        }
        stamp.encrypted = params.get("encrypt_type").is_some_and(|kind| kind == "AES");
        self.opened(path_of(&call.target), params)
    }

    /// The envelope and its signature. The pack names no bound for the clock: only the form of `timestamp` is checked.
    pub(crate) fn genuine(&self, path: &str, params: &Params) -> Result<(), Fail> {
        let get = |name: &str| params.get(name).map(String::as_str).filter(|value| !value.is_empty());
        if get("app_id").ok_or_else(|| Fail::of("app_id", "is missing"))? != APP_ID {
            return Err(Fail::of("app_id", "is not known"));
        }
        let msg_id = get("msg_id").ok_or_else(|| Fail::of("msg_id", "is missing"))?;
        if msg_id.chars().count() > 40 {
            return Err(Fail::of("msg_id", "is too long"));
        }
        if get("format").is_some_and(|given| given != "json") {
            return Err(Fail::of("format", "must be json"));
        }
        if get("charset").is_some_and(|given| given != "UTF-8") {
            return Err(Fail::of("charset", "must be UTF-8"));
        }
        if stamp_time(params).is_none() {
            return Err(Fail::of("timestamp", "must be yyyy-MM-dd HH:mm:ss"));
        }
        // The SDK's default is SHA-1.
        let sign_type = get("sign_type").unwrap_or("RSA");
        if !matches!(sign_type, "RSA" | "RSA2") {
            return Err(Fail::of("sign_type", "is not served by the sandbox"));
        }
        let signature = get("sign").ok_or_else(|| Fail::of("sign", "is missing"))?;
        let holds = self.keys.app_signed(sign_type, signed_text(path, params).as_bytes(), signature);
        if holds { Ok(()) } else { Err(Snag::Sign.into()) }
    }

    /// The business fields, decrypted where they were encrypted.
    pub(crate) fn opened(&self, path: &str, params: Params) -> Result<Asked, Fail> {
        let wrong = |issue: &str| Fail::of("biz_content", issue);
        let given = params.get("biz_content").filter(|text| !text.is_empty()).ok_or_else(|| wrong("is missing"))?;
        let text = match params.get("encrypt_type").map_or("", String::as_str) {
            "" => given.clone(),
            "AES" => self.keys.decrypt(given).ok_or_else(|| wrong("does not decrypt"))?,
            _ => return Err(Fail::of("encrypt_type", "is not served by the sandbox")),
        };
        let biz: Map<String, Value> = serde_json::from_str(&text).map_err(|_| wrong("is no JSON object"))?;
        let at = stamp_time(&params).unwrap_or_default();
        Ok(Asked { path: path.to_owned(), params, text, biz, at })
    }

    /// Whether an order query closes: that is another API to faults.
    pub(crate) fn closes(&self, call: &Call) -> bool {
        let asked = params_of(call).and_then(|params| self.opened("", params));
        asked.is_ok_and(|asked| asked.biz.get("deal_flag").and_then(Value::as_str).is_some_and(|flag| flag != "0"))
    }

    pub(crate) fn serve_api(&mut self, call: &Call, route: Route, now: Millis, fault: Option<Fault>) -> HttpReply {
        if fault == Some(Fault::Error500) {
            return plain(500, "{\"response_biz_content\":{\"return_code\":-1,\"return_msg\":\"system error\"}}");
        }
        let mut stamp = Stamp::default();
        let answer = self.received(call, &mut stamp).and_then(|asked| self.answer(route, &asked, now));
        let family = route.family();
        let (code, words, told) = match answer {
            Ok(told) => (told.snag.json(family), told.snag.text().to_owned(), told.body),
            Err(fail) => (fail.snag.json(family), fail.words(), Body::default()),
        };
        let mut body = Body(vec![("return_code", code)]);
        body.put("return_msg", &words);
        body.put("msg_id", &stamp.msg_id);
        body.0.extend(told.0);
        body.lie(fault);
        if self.options.double_keys {
            body.0.push(("return_code", Snag::System.json(family)));
        }
        let mut text = body.text(self.options.spaced);
        if stamp.encrypted {
            // The quotes belong to the signed text (pack §1.4).
            text = format!("\"{}\"", self.keys.encrypt(&text));
        }
        self.sealed(&text, fault)
    }

    fn sealed(&self, text: &str, fault: Option<Fault>) -> HttpReply {
        if fault == Some(Fault::Garbage) {
            return plain(200, GARBAGE);
        }
        let sign = spoiled(self.keys.sign(text.as_bytes()), fault);
        plain(200, &format!("{{\"response_biz_content\":{text},\"sign\":\"{sign}\"}}"))
    }

    fn answer(&mut self, route: Route, asked: &Asked, now: Millis) -> Answer {
        match route {
            Route::Pay => self.pay(asked, now),
            Route::Generate { store } => self.generate(asked, store, now),
            Route::Query => self.query(asked, now),
            Route::Reject => self.reject(asked, now),
            Route::RejectQuery => self.reject_query(asked),
            Route::Reverse => self.reverse(asked, now),
            Route::Consumption => self.consumption(asked, now),
            Route::Consume => self.consume(asked, now),
            Route::OrderQuery => self.order_query(asked),
            Route::MerRefund => self.mer_refund(asked, now),
            Route::RefundQuery => self.refund_query(asked),
            Route::Page | Route::Unknown => Err(Snag::System.into()),
        }
    }
}

/// A signature of the same length that is none.
pub(crate) fn spoiled(sign: String, fault: Option<Fault>) -> String {
    if fault == Some(Fault::BadSignature) { sign.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect() } else { sign }
}

pub(crate) fn plain(status: u16, body: &str) -> HttpReply {
    HttpReply::new(status, &[("Content-Type", "application/json; charset=utf-8")], body)
}

fn stamp_time(params: &Params) -> Option<Second> {
    let text = params.get("timestamp").filter(|text| text.len() == 19)?;
    Second::from_local("%Y-%m-%d %H:%M:%S", text)
}
