//! The payer's phone: a page that shows what waits for payment, with a button to pay or decline. Works without script.

use super::control::{Shared, scan_at};
use super::now;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use sluice_codes::presented::{self, Presented};
use sluice_simkit::{Outcome, Scan};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `GET /`: with `pay`, `decline` or `confirm` it acts and comes back to itself.
pub(super) async fn page(State(stands): State<Shared>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    for (word, outcome) in [("pay", Outcome::Pay), ("decline", Outcome::Decline)] {
        if let Some(content) = asked.get(word) {
            let _ = scan_at(&stands, &Scan::of(content, outcome));
        }
    }
    if let Some(code) = asked.get("confirm") {
        for stand in stands.iter() {
            let _ = stand.booth().sim.confirm(code, now());
        }
    }
    if !asked.is_empty() {
        return Redirect::to("/").into_response();
    }
    let mut rows = String::new();
    for stand in stands.iter() {
        for waiting in stand.booth().sim.waiting() {
            let acts = match &waiting.auth_code {
                Some(code) => button("confirm", code, "输入密码 Confirm"),
                None => format!("{} {}", button("pay", &waiting.content, "付款 Pay"), button("decline", &waiting.content, "拒绝 Decline")),
            };
            // Writing to a String does not fail.
            let _ = write!(
                rows,
                "<li><b>¥{}</b> {} <small>{} · {} · {}</small><br>{acts}</li>",
                waiting.total.to_yuan(),
                escape(&waiting.subject),
                escape(stand.channel),
                escape(&waiting.method),
                escape(&waiting.out_trade_no),
            );
        }
    }
    if rows.is_empty() {
        rows.push_str("<li>没有待付款的订单 Nothing waits for payment</li>");
    }
    let refresh = "<meta http-equiv=\"refresh\" content=\"3\">";
    html(
        refresh,
        &format!("<p><a href=\"/scan\">扫码 Scan a code</a> · <a href=\"/open\">用应用打开 Open in an app</a></p><ul>{rows}</ul>"),
    )
}

/// `GET /scan`: a code by paste. It is recognised from its text alone, then paid with the app that opens it.
pub(super) async fn scan(State(stands): State<Shared>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    let content = asked.get("content").map(|text| text.trim()).unwrap_or_default();
    let told = if content.is_empty() { String::new() } else { told(&stands, content) };
    let form = format!(
        "<form><label>码的内容 What the code says<br><textarea name=\"content\" rows=\"4\" cols=\"40\" required>{}</textarea></label><br>\
         <button>付款 Pay</button></form><p><a href=\"/\">返回 Back</a></p>",
        escape(content)
    );
    html("", &format!("{told}{form}"))
}

/// What the code is, and what paying it came to.
fn told(stands: &Shared, content: &str) -> String {
    let what = match presented::recognise(content) {
        Ok(Presented::Emv(emv)) => {
            let amount = emv.amount().map(|fen| format!(", ¥{}", fen.to_yuan())).unwrap_or_default();
            format!("a merchant's EMVCo code of {}{amount}", emv.merchant().unwrap_or("an unnamed merchant"))
        }
        Ok(Presented::Unionpay { issuer }) => format!("a code of the UnionPay network, issuer {issuer}"),
        Ok(Presented::Wechat) => "a code that WeChat opens".to_owned(),
        Ok(Presented::Alipay) => "a code that Alipay opens".to_owned(),
        Err(presented::Fault::Crc) => "a merchant's code whose checksum does not hold: it was misread".to_owned(),
        Err(presented::Fault::Format) => "a merchant's code that is cut off or misread".to_owned(),
        Err(presented::Fault::Unknown) => "no merchant's code of a known wallet; perhaps an app's parameters".to_owned(),
    };
    let outcome = match scan_at(stands, &Scan::of(content, Outcome::Pay)) {
        Ok((channel, scanned)) => format!("{channel} booked {}: paid", scanned.out_trade_no),
        Err(why) => why.0,
    };
    format!("<p>This is {}.</p><p><b>{}</b></p>", escape(&what), escape(&outcome))
}

pub(super) fn html(head: &str, body: &str) -> Response {
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         {head}<title>Sandbox phone</title>\
         <style>body{{font:16px/1.6 system-ui;margin:2rem auto;max-width:34rem;padding:0 1rem}}li{{margin:1rem 0;list-style:none}}\
         ul{{padding:0}}button{{font:inherit;padding:.4rem 1rem}}li form{{display:inline}}textarea{{font:inherit;width:100%}}</style>\
         <h1>付款人的手机 The payer's phone</h1><p>Pretend money. Nothing here is real.</p>{body}</html>"
    ))
    .into_response()
}

fn button(name: &str, value: &str, label: &str) -> String {
    format!("<form><input type=\"hidden\" name=\"{name}\" value=\"{}\"><button>{label}</button></form>", escape(value))
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
