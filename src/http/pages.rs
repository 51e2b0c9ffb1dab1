//! The payer's pages: `GET /pay/{token}` is the order's receipt and, while it waits, its code; `GET|POST /return/{token}` is where
//! channels send browsers back. Never proof: a return asks the channel at most, and the books answer.
//!
//! Plain HTML without a script. Everything shown is escaped; nothing is loaded from anywhere.

use super::App;
use super::errors::{Fail, Reply};
use crate::domain::life::{Life, Refund};
use crate::domain::{OrderStatus, RefundStatus};
use crate::flow::{Code, Gateway};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse};
use qrcode::QrCode;
use qrcode::render::svg;
use sluice_contract::Action;
use std::fmt::Write;
use std::sync::Arc;

/// How long a returning browser waits for the channel's answer at most; the query itself goes on.
const RETURN_WAIT_MS: i64 = 3_000;

/// `GET /pay/{token}`.
pub async fn pay(State(app): State<App>, Path(token): Path<String>) -> Reply {
    let life = order_of(&app.gateway, &token).await?;
    let nonce = hex::encode(app.gateway.random::<16>());
    let page = page(&life, &nonce, app.gateway.now() < life.order.expires_at);
    let policy = format!("default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&policy) {
        headers.insert("content-security-policy", value);
    }
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// `GET|POST /return/{token}`.
pub async fn returned(State(app): State<App>, Path(token): Path<String>) -> Reply {
    let life = order_of(&app.gateway, &token).await?;
    let to = life.order.facts.return_url.clone().unwrap_or_else(|| format!("{}/pay/{token}", app.gateway.public_url));
    if life.order.status() == OrderStatus::Pending && app.in_flight.may_ask_on_return(life.order.id.as_str()) {
        ask_once(&app, life).await;
    }
    let location = HeaderValue::from_str(&to).map_err(|_| Fail::new(Code::NotFound, "there is no such page"))?;
    Ok((StatusCode::SEE_OTHER, [("location", location), ("cache-control", HeaderValue::from_static("no-store"))]).into_response())
}

/// One query about the attempt that may have been paid. Its failure is nobody's here: the schedule asks again.
async fn ask_once(app: &App, life: Life) {
    let Some(seq) = life.attempts.iter().rev().find(|a| a.status().is_open()).map(|a| a.seq) else { return };
    let gateway = Arc::clone(&app.gateway);
    let work = async move {
        if let Err(refused) = gateway.query_attempt(&life, seq).await {
            tracing::info!(order = %life.order.id, why = refused.detail, "a return could not ask the channel");
        }
    };
    tokio::select! {
        () = app.run(tracing::Instrument::in_current_span(work)) => {}
        () = app.gateway.clock.sleep_ms(RETURN_WAIT_MS) => {}
    }
}

async fn order_of(gateway: &Gateway, token: &str) -> Result<Life, Fail> {
    let missing = || Fail::new(Code::NotFound, "there is no such page");
    let id = gateway.order_of_page(token).ok_or_else(missing)?;
    gateway.life(&id).await?.ok_or_else(missing)
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:28rem;padding:0 1rem;color:#1a1a1a;background:#fff}\
    h1{font-size:1.1rem;font-weight:600}.amount{font-size:2.2rem;font-weight:700}.word{font-size:1.2rem}\
    table{width:100%;border-collapse:collapse}td{padding:.25rem 0;border-top:1px solid #ddd}td:last-child{text-align:right}\
    .test{background:#fff3cd;padding:.25rem .5rem}";

fn page(life: &Life, nonce: &str, payable: bool) -> String {
    let order = &life.order;
    let waiting = order.status() == OrderStatus::Pending && payable;
    let mut html =
        format!("<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>{}</title>", escaped(&order.facts.subject));
    html.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    if waiting {
        html.push_str("<meta http-equiv=\"refresh\" content=\"5\">");
    }
    // Writing to a String does not fail.
    let _ = write!(html, "<style nonce=\"{nonce}\">{STYLE}</style></head><body><h1>{}</h1>", escaped(&order.facts.subject));
    if !order.livemode {
        html.push_str("<p class=\"test\">测试订单，无真实资金 · Test order, no real money</p>");
    }
    let _ = write!(html, "<p class=\"amount\">¥{}</p><p class=\"word\">{}</p>", order.amount.to_yuan(), word(order.status()));
    if waiting {
        html.push_str(&action(life));
    }
    html.push_str("<table>");
    row(&mut html, "订单号 Order", &order.merchant_order_no);
    row(&mut html, "流水号 Number", order.id.as_str());
    row(&mut html, "下单 Created", &order.created_at.rfc3339());
    if let Some(at) = order.paid_at {
        row(&mut html, "支付 Paid", &at.rfc3339());
    }
    if let Some(failure) = &order.failure {
        row(&mut html, "原因 Reason", &failure.message);
    }
    for refund in &life.refunds {
        row(&mut html, "退款 Refund", &format!("¥{} {}", refund.amount.to_yuan(), refund_word(refund)));
    }
    html.push_str("</table></body></html>");
    html
}

/// What the payer has to do, as far as a page can show it.
fn action(life: &Life) -> String {
    let shown = life.shown().filter(|a| a.status().is_open()).and_then(|a| a.notes.action.as_ref());
    match shown {
        Some(Action::QrCode { content }) => qr(content),
        Some(Action::Redirect { url }) if url.starts_with("https://") || url.starts_with("http://") => {
            format!("<p><a href=\"{}\" rel=\"noreferrer\">去支付 Continue to pay</a></p>", escaped(url))
        }
        _ => String::new(),
    }
}

/// The code as inline SVG; nothing when the text is too long for one.
fn qr(content: &str) -> String {
    let Ok(code) = QrCode::new(content.as_bytes()) else { return String::new() };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(256, 256).build();
    let svg = drawn.find("<svg").and_then(|at| drawn.get(at..)).unwrap_or_default();
    format!("<div role=\"img\" aria-label=\"QR\">{svg}</div><p>请扫码支付 · Scan to pay</p>")
}

fn row(html: &mut String, name: &str, value: &str) {
    let _ = write!(html, "<tr><td>{name}</td><td>{}</td></tr>", escaped(value));
}

const fn word(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Pending => "待支付 · Waiting for payment",
        OrderStatus::Paid => "支付成功 · Paid",
        OrderStatus::Failed => "支付失败 · Failed",
        OrderStatus::Closed => "已关闭 · Closed",
        OrderStatus::Reversed => "已撤销 · Reversed",
    }
}

const fn refund_word(refund: &Refund) -> &'static str {
    match refund.status() {
        RefundStatus::Pending => "处理中 · In progress",
        RefundStatus::Succeeded => "已退款 · Refunded",
        RefundStatus::Failed => "退款失败 · Failed",
    }
}

/// Text as HTML text or a quoted attribute.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::{escaped, qr};

    #[test]
    fn foreign_text_cannot_leave_its_place() {
        assert_eq!(escaped("<a href='x'>\"&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;");
    }

    #[test]
    fn a_code_is_drawn_without_a_script() {
        let drawn = qr("weixin://wxpay/bizpayurl?pr=abc");
        assert!(drawn.contains("<svg") && drawn.contains("</svg>") && !drawn.contains("<script") && !drawn.contains("<?xml"));
    }
}
