//! Hosted pages and the bank's app (pack §1.1, §1.2): the payer brings signed parameters, and the order begins with that.
//!
//! The pack names four pages, each by one source, and no business field of any of them: so the sandbox takes the fields of the
//! families by any of their names (`PAGE_AMOUNT` …), plain or under AES, at any path under `/ui/`. What the bank's app is
//! handed is the same parameters with a `service_url` (pack §1.2, `APPIcbcClient`); it is signed over that address's path. The app's other
//! shape (`tranData`, `merSignMsg`, pack §1.10) has no format in the pack and is not understood.

use crate::check::{Fields, is_address, raw_path};
use crate::fail::{Fail, Snag};
use crate::order::{Order, Product};
use crate::party::{merchant, own_app, protocol};
use crate::route::path_of;
use crate::sim::IcbcSim;
use crate::wire::{Params, collected, params_of};
use sluice_contract::{Headers, HttpReply, Millis};
use sluice_simkit::{Call, Complaint, form};

const PAGE_AMOUNT: [&str; 4] = ["order_amt", "amount", "total_fee", "total_amt"];
const PAGE_URL: [&str; 2] = ["mer_url", "notify_url"];
const PAGE_LIFE: [&str; 2] = ["expire_time", "pay_expire"];
const PAGE_SUBJECT: [&str; 3] = ["goods_name", "body", "attach"];
const LIFE_DEFAULT_S: i64 = 86_400;

impl IcbcSim {
    /// The payer's browser arrives. The page itself is the sandbox's phone.
    pub(crate) fn serve_page(&mut self, call: &Call, now: Millis) -> HttpReply {
        let arrived = params_of(call).and_then(|params| self.arrive(path_of(&call.target), params, now));
        let (status, text) = match arrived {
            Ok(number) => (200, format!("<p>ICBC sandbox: order {number} waits on the payer's phone.</p>")),
            Err(fail) => (400, format!("<p>ICBC sandbox: {} {}</p>", fail.snag.code(), fail.words().replace('<', "&lt;"))),
        };
        let headers = Headers::new(&[("Content-Type", "text/html; charset=utf-8")]);
        HttpReply { status, headers, body: sluice_contract::Body::Bytes(text.into_bytes()) }
    }

    /// What a phone was shown, when it is no link of an order: a form's address with its fields as query, or an app's parameters.
    pub(crate) fn brought(&mut self, content: &str, now: Millis) -> Option<Result<String, Complaint>> {
        let (path, params) = parameters(content)?;
        let arrived = params.and_then(|params| self.arrive(&path, params, now));
        Some(arrived.map_err(|fail| Complaint(format!("the page refuses this: {} {}", fail.snag.code(), fail.words()))))
    }

    /// Verifies, and opens the order or finds it. A `msg_id` may come again here: a browser goes back and forth.
    fn arrive(&mut self, path: &str, params: Params, now: Millis) -> Result<String, Fail> {
        self.genuine(path, &params)?;
        let asked = self.opened(path, params)?;
        let fields = Fields(&asked.biz);
        let mer_id = merchant(&fields)?;
        protocol(&fields, &mer_id, false)?;
        own_app(&fields)?;
        let number = fields.number("out_trade_no", "_-")?.to_owned();
        if let Some(known) = self.orders.get(&number) {
            let same = known.product == Product::Page && known.fingerprint == asked.text;
            return if same { Ok(number) } else { Err(Snag::Repeat.into()) };
        }
        let total = fields.fen(first(&fields, &PAGE_AMOUNT).unwrap_or("order_amt"))?;
        let life_s = match first(&fields, &PAGE_LIFE) {
            Some(name) => fields.seconds(name, 1, 30 * 86_400)?.unwrap_or(LIFE_DEFAULT_S),
            None => LIFE_DEFAULT_S,
        };
        // The life of the order counts from the signed time, not from the arrival: who comes late finds it over.
        let until = asked.at.millis().plus_s(life_s);
        if now > until {
            return Err(Snag::Expired.into());
        }
        let text = |names: &[&str]| first(&fields, names).and_then(|name| fields.text(name, 255).ok().flatten());
        let url = text(&PAGE_URL).map(str::to_owned).or_else(|| PAGE_URL.iter().find_map(|name| asked.params.get(*name)).cloned());
        let notify_url = url.filter(|url| is_address(url) && text(&["notify_type"]) != Some("AG"));
        let order = Order {
            product: Product::Page,
            api: asked.path.clone(),
            mer_id,
            order_id: String::new(),
            subject: text(&PAGE_SUBJECT).unwrap_or("网上支付").to_owned(),
            attach: text(&["attach"]).unwrap_or_default().to_owned(),
            store_code: None,
            method: if asked.params.contains_key("service_url") { "icbc_app" } else { "icbc_h5" },
            notify_url,
            tells_failures: text(&["result_type"]) != Some("1"),
            access_type: text(&["access_type"]).unwrap_or_default().to_owned(),
            open_id: String::new(),
            until: Some(until),
            fingerprint: asked.text.clone(),
            links: Vec::new(),
            auth_code: None,
            stubborn: false,
            queries_to_pay: None,
            settled: None,
        };
        self.admit(&number, total, order, now)?;
        Ok(number)
    }
}

fn first<'a>(fields: &Fields<'_>, names: &[&'a str]) -> Option<&'a str> {
    names.iter().find(|name| fields.0.contains_key(**name)).copied()
}

/// A page's address with query, an app's JSON, or an app's parameters as a form; with the path that was signed.
fn parameters(content: &str) -> Option<(String, Result<Params, Fail>)> {
    let twice = || Fail::of("parameters", "do not read");
    if content.starts_with('{') {
        let params: Option<Params> = serde_json::from_str(content).ok();
        let path = params.as_ref().and_then(|p| p.get("service_url")).map(|url| raw_path(url).to_owned())?;
        return Some((path, Ok(signed(params?))));
    }
    let (place, query) = content.split_once('?').unwrap_or(("", content));
    // Fields may have been put after another question mark than the address's own: values are escaped, so it is no part of one.
    let pairs = form::pairs(&query.replace('?', "&")).ok_or_else(twice).and_then(collected);
    let service = pairs.as_ref().ok().and_then(|p| p.get("service_url")).map(|url| raw_path(url).to_owned());
    match service {
        Some(path) => Some((path, pairs.map(signed))),
        None if raw_path(place).starts_with("/ui/") => Some((raw_path(place).to_owned(), pairs)),
        None => None,
    }
}

/// `service_url` is told to the app's SDK beside what was signed; its presence stays as an empty mark.
fn signed(mut params: Params) -> Params {
    params.insert("service_url".to_owned(), String::new());
    params
}
