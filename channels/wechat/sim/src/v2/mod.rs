//! API v2 in XML: micropay, orderquery, closeorder, reverse, refund, refundquery (pack §10).
//!
//! The client certificate that reverse and refund want is the TLS layer's; here only the signature is checked. v2
//! refunds have no callback in this sandbox.

mod calls;
mod sign;
mod xml;

use crate::fail::{Fail, Snag};
use crate::party::{APPS, MCHID, SUB_MERCHANTS};
use crate::route::V2;
use crate::sim::WechatSim;
use crate::v3::other_number;
use crate::wire::GARBAGE;
use sign::{SignType, sign};
use sluice_contract::{HttpReply, Millis, Verb};
use sluice_simkit::{Call, Fault};
use std::collections::BTreeMap;

type Members = BTreeMap<String, String>;

impl WechatSim {
    pub(crate) fn serve_v2(&mut self, call: &Call, api: V2, now: Millis, fault: Option<Fault>) -> HttpReply {
        if fault == Some(Fault::Error500) {
            return HttpReply::new(500, &[("Content-Type", "text/html")], GARBAGE);
        }
        let body = match self.answer_v2(call, api, now, fault) {
            Ok(members) => xml::write(&members),
            Err(words) => xml::write(&members(&[("return_code", "FAIL"), ("return_msg", words)])),
        };
        let body = if fault == Some(Fault::Garbage) { GARBAGE.to_owned() } else { body };
        HttpReply::new(200, &[("Content-Type", "text/xml; charset=utf-8")], body)
    }

    /// `Err` is the transport layer's refusal, which carries no signature.
    fn answer_v2(&mut self, call: &Call, api: V2, now: Millis, fault: Option<Fault>) -> Result<Members, &'static str> {
        if call.verb != Verb::Post {
            return Err("请使用post方法");
        }
        let ask = xml::read(&call.body).ok_or("XML格式错误")?;
        let kind = SignType::of(&ask).ok_or("签名类型错误")?;
        if ask.get("sign").is_none_or(|given| *given != sign(&ask, &self.keys.api_v2_key, kind)) {
            return Err("签名错误");
        }
        let mut out = members(&[("return_code", "SUCCESS"), ("return_msg", "OK")]);
        for name in ["appid", "mch_id", "sub_appid", "sub_mch_id"] {
            if let Some(value) = ask.get(name).filter(|v| !v.is_empty()) {
                out.insert(name.to_owned(), value.clone());
            }
        }
        out.insert("nonce_str".to_owned(), self.draw.text(32));
        match ids(&ask).and_then(|()| self.call_v2(api, &ask, now)) {
            Ok(more) => {
                out.insert("result_code".to_owned(), "SUCCESS".to_owned());
                out.extend(more);
            }
            Err(fail) => refuse(&mut out, api, &fail),
        }
        if api == V2::OrderQuery {
            lie(&mut out, fault);
        }
        let mut signature = sign(&out, &self.keys.api_v2_key, kind);
        if fault == Some(Fault::BadSignature) {
            signature = signature.chars().rev().collect();
        }
        out.insert("sign".to_owned(), signature);
        Ok(out)
    }
}

fn refuse(out: &mut Members, api: V2, fail: &Fail) {
    out.insert("result_code".to_owned(), "FAIL".to_owned());
    out.insert("err_code".to_owned(), fail.snag.v2().to_owned());
    out.insert("err_code_des".to_owned(), fail.words());
    if api == V2::Reverse {
        let again = matches!(fail.snag, Snag::UserPaying | Snag::System);
        out.insert("recall".to_owned(), if again { "Y" } else { "N" }.to_owned());
    }
}

/// The merchant and app of a call are ours.
fn ids(ask: &Members) -> Result<(), Fail> {
    let get = |name: &str| ask.get(name).map(String::as_str).filter(|v| !v.is_empty());
    if get("mch_id") != Some(MCHID) || !get("appid").is_some_and(|app| APPS.contains(&app)) {
        return Err(Snag::AppidMchid.into());
    }
    match get("sub_mch_id") {
        Some(sub) if !SUB_MERCHANTS.iter().any(|(known, _)| *known == sub) => Err(Snag::NoAuth.into()),
        _ => Ok(()),
    }
}

fn lie(out: &mut Members, fault: Option<Fault>) {
    if let (Some(Fault::WrongAmount), Some(fee)) = (fault, out.get_mut("total_fee")) {
        let more = fee.parse::<i64>().map_or(1, |fen| fen.saturating_add(1));
        *fee = more.to_string();
    }
    if let (Some(Fault::WrongOrder), Some(number)) = (fault, out.get_mut("out_trade_no")) {
        *number = other_number(number);
    }
}

fn members(pairs: &[(&str, &str)]) -> Members {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}
