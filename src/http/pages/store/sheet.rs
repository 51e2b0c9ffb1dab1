//! `GET /q/{code}/sheet.svg`: the sheet that stands at the till, an A5 page to be printed.

use crate::flow::Code;
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::html::Html;
use crate::http::pages::{guarded, qr};
use axum::extract::{Path, State};
use axum::response::IntoResponse;

/// A longer name is set smaller, so that it stays on the sheet.
const NAME_UNITS_MAX: usize = 16;

pub async fn sheet(State(app): State<App>, Path(code): Path<String>) -> Reply {
    let missing = || Fail::new(Code::NotFound, "there is no such code");
    let door = app.gateway.door(&code).ok_or_else(missing)?;
    let drawn = qr::draw(&app.gateway.door_url(&door.code)).ok_or_else(missing)?;
    let name = door.name();
    let mut svg = Html::default();
    svg.raw("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"148mm\" height=\"210mm\" viewBox=\"0 0 148 210\" role=\"img\" ");
    svg.raw("font-family=\"system-ui,'Noto Sans CJK SC',sans-serif\" text-anchor=\"middle\"><title>").text(name).raw("</title>");
    svg.raw("<rect width=\"148\" height=\"210\" fill=\"#fff\"/><text x=\"74\" y=\"30\" font-weight=\"700\" ");
    svg.raw(if units(name) > NAME_UNITS_MAX {
        "font-size=\"6\" textLength=\"132\" lengthAdjust=\"spacingAndGlyphs\">"
    } else {
        "font-size=\"9\">"
    });
    svg.text(name).raw("</text>");
    if name != door.merchant.merchant.name {
        svg.raw("<text x=\"74\" y=\"40\" font-size=\"4.5\">").text(&door.merchant.merchant.name).raw("</text>");
    }
    svg.raw("<svg x=\"24\" y=\"47\" width=\"100\" height=\"100\">").drawn(&drawn).raw("</svg>");
    svg.raw("<text x=\"74\" y=\"158\" font-size=\"5\" letter-spacing=\"0.6\">").text(&spelt(&door.code)).raw("</text>");
    svg.raw("<text x=\"74\" y=\"172\" font-size=\"6.5\">微信、支付宝、云闪付，扫一扫付款</text>");
    svg.raw("<text x=\"74\" y=\"181\" font-size=\"5\">Scan with WeChat, Alipay or UnionPay to pay</text>");
    svg.raw("<text x=\"74\" y=\"192\" font-size=\"3.6\">付款前请核对收款方名称 Please check who is paid before you pay</text></svg>");
    let headers = [("content-type", "image/svg+xml; charset=utf-8")];
    Ok(guarded((headers, svg.into_string()).into_response(), "default-src 'none'; frame-ancestors 'none'"))
}

/// How wide a name is set: a Chinese character takes the place of two letters.
fn units(name: &str) -> usize {
    name.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// `0123-4567-89AB`, to be read out and typed.
fn spelt(code: &str) -> String {
    code.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}
