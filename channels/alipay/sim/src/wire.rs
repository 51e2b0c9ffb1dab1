//! Parameters in, signed nodes out (pack §1.1 to §1.5).

use crate::sim::AlipaySim;
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, HttpReply, Verb};
use sluice_simkit::{Call, Fault, form};

/// What a fault of the kind `Garbage` puts in the place of a body.
pub(crate) const GARBAGE: &str = "<html><body>502 Bad Gateway</body></html>";

/// Every parameter of a request, query and form together, decoded once, in the order they came.
#[derive(Clone, Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// `None`: not a form of UTF-8 text.
    pub(crate) fn of(call: &Call) -> Option<Params> {
        let mut pairs = form::pairs(call.target.split_once('?').map_or("", |(_, query)| query))?;
        if call.verb == Verb::Post {
            pairs.extend(form::pairs(std::str::from_utf8(&call.body).ok()?)?);
        }
        Some(Params(pairs))
    }

    pub(crate) fn of_text(text: &str) -> Option<Params> {
        form::pairs(text).map(Params)
    }

    /// A parameter that is there and not empty: empty ones count as not sent (pack §1.3).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// What a request's signature is over: `sign_type` stays in (pack §1.3).
    pub(crate) fn canonical(&self) -> String {
        canonical(self.0.iter().filter(|(name, _)| name != "sign"))
    }
}

/// `name=value` sorted by name, joined by `&`, empty values dropped.
pub(crate) fn canonical<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> String {
    let mut kept: Vec<&(String, String)> = pairs.filter(|(_, value)| !value.is_empty()).collect();
    kept.sort_by(|a, b| a.0.cmp(&b.0));
    kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// How a reply is wrapped.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wrap {
    pub(crate) unsigned: bool,
    pub(crate) encrypted: bool,
    /// The root twice over, a lie first (pack §1.4: such a body must be refused).
    pub(crate) doubled: bool,
    pub(crate) fault: Option<Fault>,
}

impl AlipaySim {
    /// `{root: node, alipay_cert_sn, sign}`. The node is written once, and those bytes are signed; slashes are escaped.
    pub(crate) fn reply(&mut self, root: &str, node: &Map<String, Value>, wrap: Wrap) -> HttpReply {
        let plain = json!(node).to_string().replace('/', "\\/");
        let node = match wrap.encrypted.then(|| self.keys.encrypt(&plain)).flatten() {
            Some(cipher) => format!("\"{cipher}\""),
            None => plain,
        };
        let mut body = format!("{{\"{root}\":{node}");
        if wrap.doubled {
            body = format!("{{\"{root}\":{},\"{root}\":{node}", node.replace("WAIT_BUYER_PAY", "TRADE_SUCCESS"));
        }
        if let (Some(certificate), false) = (self.keys.certificates.as_ref().and_then(|c| c.current()), wrap.unsigned) {
            body.push_str(&format!(",\"alipay_cert_sn\":\"{}\"", certificate.sn));
        }
        if !wrap.unsigned {
            let sign = spoiled(self.keys.alipay.sign(node.as_bytes()), wrap.fault);
            body.push_str(&format!(",\"sign\":\"{sign}\""));
        }
        body.push('}');
        if wrap.fault == Some(Fault::Garbage) {
            GARBAGE.clone_into(&mut body);
        }
        // The real one says so, though it is JSON.
        let trace = self.draw.hex(16);
        HttpReply::new(200, &[("Content-Type", "text/html;charset=utf-8"), ("trace_id", &trace)], body)
    }
}

pub(crate) fn spoiled(sign: String, fault: Option<Fault>) -> String {
    match fault {
        Some(Fault::BadSignature) => sign.chars().map(|c| if c == 'A' { 'B' } else { 'A' }).collect(),
        _ => sign,
    }
}

/// Changes what a node or a notice says into a lie: amounts one fen up, numbers changed at the end.
pub(crate) fn lie_text(name: &str, value: &str, fault: Option<Fault>) -> Option<String> {
    match (fault, name) {
        (Some(Fault::WrongAmount), "total_amount" | "receipt_amount" | "buyer_pay_amount" | "invoice_amount" | "refund_amount") => {
            Fen::from_yuan(value).and_then(|fen| fen.plus(Fen(1))).map(Fen::to_yuan)
        }
        (Some(Fault::WrongOrder), "out_trade_no" | "out_request_no") => Some(other_number(value)),
        _ => None,
    }
}

pub(crate) fn lie(node: &mut Map<String, Value>, fault: Option<Fault>) {
    for (name, value) in node.iter_mut() {
        if let Some(lied) = value.as_str().and_then(|text| lie_text(name, text, fault)) {
            *value = json!(lied);
        }
    }
}

/// A number of the same shape that is not the one given: its last character changed.
pub(crate) fn other_number(number: &str) -> String {
    let mut other: String = number.chars().take(number.chars().count().saturating_sub(1)).collect();
    other.push(if number.ends_with('0') { '1' } else { '0' });
    other
}
