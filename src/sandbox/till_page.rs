//! What the till shows: one form, and one screen for each way a sale can stand, told apart by colour and by words.

use super::phone::escape;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use sluice_contract::Fen;
use std::collections::BTreeMap;

/// How a sale stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sale {
    Paid,
    /// Certain: nothing was taken.
    NotPaid,
    /// Reversed or closed: what was taken, if anything, goes back.
    Undone,
    /// The gateway said no before anybody was asked.
    Refused,
    Unknown,
}

impl Sale {
    fn of(order: &Value) -> Sale {
        match order.get("status").and_then(Value::as_str) {
            Some("paid") => Sale::Paid,
            Some("failed") => Sale::NotPaid,
            // Money that still comes is given back.
            Some("closed" | "reversed") => Sale::Undone,
            _ => Sale::Unknown,
        }
    }

    const fn class(self) -> &'static str {
        match self {
            Sale::Paid => "paid",
            Sale::NotPaid | Sale::Refused => "no",
            Sale::Undone => "undone",
            Sale::Unknown => "unknown",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Sale::Paid => "收款成功<br>Paid",
            Sale::NotPaid => "未收款，付款人没有被扣款<br>Not paid: nothing was taken",
            Sale::Undone => "已撤销，若有扣款会退回<br>Undone: what was taken, if anything, goes back",
            Sale::Refused => "未收款，没有发起扣款<br>Not paid: nothing was asked for",
            Sale::Unknown => "结果未知，请勿重复收款<br>Not known yet: do not charge again",
        }
    }
}

const STYLE: &str = "body{font:16px/1.6 system-ui;margin:1.5rem auto;max-width:34rem;padding:0 1rem}label{display:block;margin:.8rem 0}\
    input{font:inherit;font-size:1.4rem;width:100%;box-sizing:border-box;padding:.4rem}button{font:inherit;padding:.5rem 1.2rem}\
    .wrong{color:#a40000}.screen{padding:3rem 1rem;font-size:1.8rem;text-align:center;color:#fff;border-radius:.5rem}\
    .paid{background:#0b6b2e}.no{background:#a40000}.undone{background:#4a4a4a}.unknown{background:#7a4b00}\
    .screen small{display:block;font-size:1rem}li{margin:.3rem 0}fieldset{margin:1rem 0}a.key{display:inline-block;margin:.2rem .6rem .2rem 0}";

pub(super) fn page(status: StatusCode, head: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         {head}<title>Sandbox till</title><style>{STYLE}</style><main><h1>收银台 Till</h1>{body}</main></html>"
    );
    (status, [("cache-control", "no-store")], Html(html)).into_response()
}

fn yuan(fen: i64) -> String {
    Fen(fen).to_yuan().to_string()
}

fn fen(order: &Value, name: &str) -> i64 {
    order.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn word<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Amount and code; what was wrong stands beside its field. The code's field has the focus, and a scanner's Enter sends the form.
pub(super) fn form(given: &BTreeMap<String, String>, fresh: &str, wrong: &[(&str, &str)], channels: &[&str], sales: &[Value]) -> Response {
    let value = |name: &str| escape(given.get(name).map(String::as_str).unwrap_or_default());
    let number = given.get("number").filter(|number| !number.is_empty()).map_or(fresh, String::as_str);
    let told = |name: &str| {
        let of_field = wrong.iter().filter(|(field, _)| *field == name);
        of_field.map(|(_, why)| format!("<span class=\"wrong\" role=\"alert\">{why}</span>")).collect::<String>()
    };
    let fields = format!(
        "<form method=\"post\" action=\"/till\"><input type=\"hidden\" name=\"number\" value=\"{}\">\
         <label>金额（元） Amount in yuan {}<input name=\"amount\" inputmode=\"decimal\" autocomplete=\"off\" required value=\"{}\"></label>\
         <label>付款码 Payment code {}<input name=\"code\" inputmode=\"numeric\" autocomplete=\"off\" autofocus required value=\"{}\"></label>\
         <button>收款 Charge</button></form>",
        escape(number),
        told("amount"),
        value("amount"),
        told("code"),
        value("code"),
    );
    let mut keys = String::new();
    for channel in channels {
        for (behaviour, says) in
            [("pay", "付款 pays"), ("password", "输密码 password"), ("decline", "拒付 declines"), ("timeout", "无结果 no result")]
        {
            let query = format!("wallet={channel}&behaviour={behaviour}&amount={}&number={}", value("amount"), escape(number));
            keys.push_str(&format!("<a class=\"key\" href=\"/till/payer?{query}\">{channel} {says}</a>"));
        }
    }
    let rows: String = sales.iter().map(row).collect();
    let body = format!(
        "{fields}<fieldset><legend>付款人出示付款码 A payer shows a code</legend>{keys}</fieldset>\
         <h2>最近五笔 Last five</h2><ul>{rows}</ul><p><a href=\"/\">付款人的手机 The payer's phone</a></p>"
    );
    page(StatusCode::OK, "", &body)
}

fn row(order: &Value) -> String {
    format!(
        "<li><a href=\"/till/sales/{id}\">{} ¥{} {}</a> · <a href=\"{}\">小票 Receipt</a></li>",
        escape(word(order, "merchant_order_no")),
        yuan(fen(order, "amount")),
        escape(word(order, "status")),
        escape(word(order, "receipt_url")),
        id = escape(word(order, "id")),
    )
}

/// One screen: how it stands, why, and what can be done about it.
pub(super) fn answer(sale: Sale, why: &str, act: &str) -> Response {
    let screen = format!("<div class=\"screen {}\" role=\"status\">{}<small>{}</small></div>", sale.class(), sale.words(), escape(why));
    page(StatusCode::OK, "", &format!("{screen}{act}<p><a href=\"/till\">下一笔 Next sale</a></p>"))
}

/// The same of an order that is stored, with what has been done about it so far. It asks again by itself while nothing is certain.
pub(super) fn progress(order: &Value) -> Response {
    let sale = Sale::of(order);
    let pending_refund = fen(order, "refunding_amount") > 0;
    let head = if sale == Sale::Unknown || pending_refund { "<meta http-equiv=\"refresh\" content=\"2\">" } else { "" };
    let why = order.get("failure").map(|failure| word(failure, "message")).unwrap_or_default();
    let left = fen(order, "paid_amount").saturating_sub(fen(order, "refunded_amount")).saturating_sub(fen(order, "refunding_amount"));
    let refunds = format!(
        "<p>已退 Refunded ¥{}{}</p>",
        yuan(fen(order, "refunded_amount")),
        if pending_refund { format!("，退款中 under way ¥{}", yuan(fen(order, "refunding_amount"))) } else { String::new() }
    );
    let act = if sale == Sale::Paid && left > 0 {
        format!(
            "<form method=\"post\" action=\"/till/sales/{}/refund\"><button accesskey=\"r\">退款 Refund ¥{}</button></form>",
            escape(word(order, "id")),
            yuan(left)
        )
    } else {
        String::new()
    };
    let events = order.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let trail: String =
        events.iter().map(|event| format!("<li><code>{}</code> {}</li>", escape(word(event, "at")), escape(word(event, "type")))).collect();
    let screen = format!(
        "<div class=\"screen {}\" role=\"status\">{}<small>¥{} · {} · {}</small><small>{}</small></div>",
        sale.class(),
        sale.words(),
        yuan(fen(order, "amount")),
        escape(word(order, "wallet")),
        escape(word(order, "merchant_order_no")),
        escape(why)
    );
    let receipt =
        format!("<p><a href=\"{}\">小票 Receipt</a> · <a href=\"/till\">下一笔 Next sale</a></p>", escape(word(order, "receipt_url")));
    page(StatusCode::OK, head, &format!("{screen}{act}{}{receipt}<ol>{trail}</ol>", if sale == Sale::Paid { refunds.as_str() } else { "" }))
}
