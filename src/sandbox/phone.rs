//! The payer's phone: a page that shows what waits for payment, with a button to pay or decline. Works without script.

use super::control::Shared;
use super::now;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use sluice_simkit::{Outcome, Scan};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `GET /`: with `pay`, `decline` or `confirm` it acts and comes back to itself.
pub(super) async fn page(State(stands): State<Shared>, Query(asked): Query<BTreeMap<String, String>>) -> Response {
    for stand in stands.iter() {
        let mut booth = stand.booth();
        for (word, outcome) in [("pay", Outcome::Pay), ("decline", Outcome::Decline)] {
            if let Some(content) = asked.get(word) {
                let _ = booth.sim.scan(&Scan::of(content, outcome), now());
            }
        }
        if let Some(code) = asked.get("confirm") {
            let _ = booth.sim.confirm(code, now());
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
    Html(format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"3\"><title>Sandbox phone</title>\
         <style>body{{font:16px/1.6 system-ui;margin:2rem auto;max-width:34rem;padding:0 1rem}}li{{margin:1rem 0;list-style:none}}\
         ul{{padding:0}}button{{font:inherit;padding:.4rem 1rem}}form{{display:inline}}</style>\
         <h1>付款人的手机 The payer's phone</h1><p>Pretend money. Nothing here is real.</p><ul>{rows}</ul></html>"
    ))
    .into_response()
}

fn button(name: &str, value: &str, label: &str) -> String {
    format!("<form><input type=\"hidden\" name=\"{name}\" value=\"{}\"><button>{label}</button></form>", escape(value))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
