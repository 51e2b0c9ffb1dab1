//! Every signed call: envelope, dispatch, answer, and the lies that are asked for (pack §1.2, §8.3, §8.4).

use crate::fail::{Fail, message};
use crate::hooks::Spoil;
use crate::message::{Ask, read};
use crate::order::Product;
use crate::route::Route;
use crate::sign::{Fields, SignMethod};
use crate::sim::UnionpaySim;
use sluice_contract::{HttpReply, Millis, Verb};
use sluice_simkit::{Api, Call, Fault};

/// What a call that is not refused adds to the echo of its request. Without a respCode of its own it is 00.
pub(crate) type Answer = Result<Fields, Fail>;

pub(crate) const GARBAGE: &str = "<html><body>502 Bad Gateway</body></html>";
const HTML: &str = "text/html;charset=UTF-8";

/// What an answer repeats of its request (pack §8.4, and the real messages among the vectors).
const ECHOED: [&str; 14] = [
    "version",
    "encoding",
    "bizType",
    "txnType",
    "txnSubType",
    "accessType",
    "merId",
    "orderId",
    "txnTime",
    "reqReserved",
    "origQryId",
    "settleDate",
    "fileType",
    "certType",
];

pub(crate) fn html(status: u16, body: impl Into<Vec<u8>>) -> HttpReply {
    HttpReply::new(status, &[("Content-Type", HTML)], body)
}

impl UnionpaySim {
    pub(crate) fn api_of_call(&self, call: &Call) -> Option<Api> {
        let fields = body(call)?;
        let get = |name: &str| fields.get(name).map_or("", String::as_str);
        Some(match (Route::of(call), get("txnType")) {
            (Route::Front | Route::App, _) | (Route::Back, "01") => Api::Pay,
            // Refunds are asked after as payments are, by their own number.
            (Route::Back | Route::Query, "00") if self.backs.contains_key(get("orderId")) => Api::QueryRefund,
            (Route::Back | Route::Query, "00") => Api::Query,
            (Route::Back, "04" | "31") => Api::Refund,
            (Route::Back, "99") => Api::Reverse,
            (Route::File, "76") => Api::Bill,
            _ => return None,
        })
    }

    pub(crate) fn served(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        let route = Route::of(call);
        if route == Route::Unknown {
            return html(404, "<html><body>404</body></html>");
        }
        if call.verb != Verb::Post {
            return html(405, "<html><body>405</body></html>");
        }
        if fault == Some(Fault::Error500) {
            return html(500, "<html><body>500 Internal Server Error</body></html>");
        }
        let fields = body(call).unwrap_or_default();
        if route == Route::Front {
            return self.front_page(&fields, now, fault);
        }
        let api = self.api_of_call(call);
        let checked = self.envelope(&fields);
        let answer = checked.clone().and_then(|_| self.answered(api, &fields, route, now));
        let method = checked.ok().or_else(|| SignMethod::from_word(fields.get("signMethod")?)).unwrap_or(SignMethod::Certificate);
        self.reply(&fields, answer, method, fault)
    }

    /// Version, signature, and what every message must have. A client that cannot be verified is told nothing else.
    pub(crate) fn envelope(&self, fields: &Fields) -> Result<SignMethod, Fail> {
        let ask = Ask::of(fields);
        if ask.must("version")? != "5.1.0" {
            return Err(Fail::format("version"));
        }
        if !ask.must("encoding")?.eq_ignore_ascii_case("UTF-8") {
            return Err(Fail::format("encoding"));
        }
        let method = self.keys.verify(fields)?;
        ask.common()?;
        Ok(method)
    }

    /// The answer a test asked for beforehand, or the true one.
    fn answered(&mut self, api: Option<Api>, fields: &Fields, route: Route, now: Millis) -> Answer {
        let Some(forced) = self.forced.take_if(|forced| Some(forced.api) == api) else {
            return self.dispatch(fields, route, now);
        };
        let mut out = if forced.executed { self.dispatch(fields, route, now)? } else { Fields::new() };
        out.insert("respCode".to_owned(), forced.code.clone());
        out.insert("respMsg".to_owned(), message(&forced.code));
        Ok(out)
    }

    fn dispatch(&mut self, fields: &Fields, route: Route, now: Millis) -> Answer {
        let ask = Ask::of(fields);
        let (kind, sub, business) = (ask.must("txnType")?, ask.must("txnSubType")?, ask.must("bizType")?);
        match (route, kind, sub) {
            (Route::App, "01", "01") if matches!(business, "000201" | "000000" | "000802") => self.order_app(&ask, fields, now),
            (Route::Back, "01", "07") if business == "000000" => self.apply(&ask, fields, now),
            (Route::Back, "01", "06") if business == "000000" => self.consume(&ask, fields, now),
            (Route::Back | Route::Query, "00", "00" | "02") => self.query(&ask, sub, now),
            (Route::Back, "04" | "31", "00") => self.give_back(&ask, now),
            (Route::Back, "99", "01") if business == "000000" => self.reversal(&ask, now),
            (Route::Back, "95", "00") => self.encryption_certificate(&ask),
            (Route::File, "76", "01") if business == "000000" => self.statement(&ask, now),
            _ => Err(Fail::of("32")),
        }
    }

    /// The body as the real gateway sends it: not percent-encoded, certificate and signature last.
    fn reply(&mut self, request: &Fields, answer: Answer, method: SignMethod, fault: Option<Fault>) -> HttpReply {
        let mut out: Fields =
            ECHOED.iter().filter_map(|name| request.get(*name).map(|value| ((*name).to_owned(), value.clone()))).collect();
        out.insert("version".to_owned(), "5.1.0".to_owned());
        out.entry("encoding".to_owned()).or_insert_with(|| "UTF-8".to_owned());
        match answer {
            Ok(mut fields) => {
                let code = fields.entry("respCode".to_owned()).or_insert_with(|| "00".to_owned()).clone();
                fields.entry("respMsg".to_owned()).or_insert_with(|| message(&code));
                out.append(&mut fields);
            }
            Err(fail) => {
                out.insert("respCode".to_owned(), fail.code.to_owned());
                out.insert("respMsg".to_owned(), fail.message());
            }
        }
        lie(&mut out, fault);
        self.keys.sign(method, self.signer, &mut out, fault == Some(Fault::BadSignature));
        if fault == Some(Fault::Garbage) {
            return html(200, GARBAGE);
        }
        let text = text(&out);
        match self.spoil.take() {
            None => html(200, text),
            Some(Spoil::Empty) => html(200, ""),
            Some(Spoil::Truncated) => html(200, text.as_bytes().get(..text.len() / 2).unwrap_or_default()),
            Some(Spoil::BadGateway) => html(502, GARBAGE),
        }
    }
}

fn body(call: &Call) -> Option<Fields> {
    let form =
        call.headers.get("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    // Anything else a servlet reads as no fields at all.
    if form { read(std::str::from_utf8(&call.body).ok()?) } else { None }
}

pub(crate) fn text(fields: &Fields) -> String {
    let last = ["signPubKeyCert", "signature"];
    let head = fields.iter().filter(|(name, _)| !last.contains(&name.as_str()));
    let tail = last.iter().filter_map(|name| fields.get_key_value(*name));
    head.chain(tail).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Changes a message to a lie, before it is signed.
pub(crate) fn lie(fields: &mut Fields, fault: Option<Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for name in ["txnAmt", "settleAmt"] {
                if let Some(value) = fields.get_mut(name)
                    && let Ok(fen) = value.parse::<i64>()
                {
                    *value = fen.saturating_add(1).to_string();
                }
            }
        }
        Some(Fault::WrongOrder) => {
            if let Some(number) = fields.get_mut("orderId") {
                *number = other_number(number);
            }
        }
        _ => {}
    }
}

/// A number of the same shape that is not the one given: its last character changed.
pub(crate) fn other_number(number: &str) -> String {
    let mut other = number.to_owned();
    let last = other.pop();
    other.push(if last == Some('0') { '1' } else { '0' });
    other
}

/// Fields by name, for building answers.
pub(crate) fn fields<const N: usize>(pairs: [(&str, String); N]) -> Fields {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl UnionpaySim {
    /// The page behind a front form. There is nothing to press: the phone of the sandbox pays.
    fn front_page(&mut self, form: &Fields, now: Millis, fault: Option<Fault>) -> HttpReply {
        if fault == Some(Fault::Garbage) {
            return html(200, GARBAGE);
        }
        match self.front(form, now) {
            Ok(number) => {
                let product = self.orders.get(&number).map_or(Product::Web, |order| order.product);
                html(200, format!("<html><body><p>unionpay:{number}</p><p>{}</p></body></html>", product.method()))
            }
            Err(fail) => html(200, format!("<html><body><p>{}</p><p>{}</p></body></html>", fail.code, fail.message())),
        }
    }
}
