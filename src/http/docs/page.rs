//! From Markdown to a page: the frame around it, and what a browser may do with it. No script, nothing from anywhere else.

use super::super::html::Html;
use super::super::lang::Lang;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pulldown_cmark::{Options, Parser};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("docs.css");

/// A page's title and its text.
pub struct Text {
    pub title: String,
    /// Ours alone: it becomes HTML as it stands.
    pub markdown: String,
}

impl Text {
    pub fn new(title: impl Into<String>, markdown: String) -> Text {
        Text { title: title.into(), markdown }
    }
}

/// The chapters, as they are linked at the top of each page.
const CHAPTERS: &[(&str, &str, &str)] = &[
    ("/docs", "接入指南", "Guide"),
    ("/docs/api", "接口", "API"),
    ("/docs/webhooks", "通知", "Notifications"),
    ("/errors", "错误码", "Errors"),
    ("/docs/operators", "运营接口", "Operators"),
    ("/openapi.json", "OpenAPI", "OpenAPI"),
];

pub fn answer(status: StatusCode, path: &str, text: &Text, lang: Lang) -> Response {
    let mut html = Html::default();
    html.raw("<!doctype html><html lang=\"").raw(lang.tag()).raw("\"><head><meta charset=\"utf-8\"><title>").text(&text.title);
    html.raw(" · Sluice</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>").raw(STYLE);
    html.raw("</style></head><body><header><nav aria-label=\"").raw(lang.pick("目录", "Contents")).raw("\"><ul>");
    for (to, zh, en) in CHAPTERS {
        let here = if *to == path { "\" aria-current=\"page" } else { "" };
        html.raw("<li><a href=\"").raw(to).raw("?lang=").raw(lang.word()).raw(here).raw("\">").raw(lang.pick(zh, en)).raw("</a></li>");
    }
    let other = lang.pick(Lang::En, Lang::Zh);
    html.raw("<li><a hreflang=\"").raw(other.tag()).raw("\" lang=\"").raw(other.tag()).raw("\" href=\"?lang=").raw(other.word()).raw("\">");
    html.raw(other.pick("中文", "English")).raw("</a></li></ul></nav></header><main>");
    let page = html.into_string() + &rendered(&text.markdown, lang) + "</main></body></html>";
    let mut response = (status, [("content-type", "text/html; charset=utf-8")], page).into_response();
    guard(&mut response);
    response
}

/// Markdown as it is, for programs.
pub fn plain(text: &str) -> Response {
    let mut response = ([("content-type", "text/markdown; charset=utf-8")], text.to_owned()).into_response();
    guard(&mut response);
    response
}

/// The style is let in by its hash: pages are the same for everybody.
fn guard(response: &mut Response) {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    for (name, value) in [
        ("content-security-policy", policy.as_str()),
        ("cache-control", "no-cache"),
        ("vary", "accept-language"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}

fn rendered(markdown: &str, lang: Lang) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_HEADING_ATTRIBUTES);
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, parser);
    // What is wider than a phone scrolls by itself, by keyboard too.
    let wide = format!("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"{}\"><table>", lang.pick("表格", "Table"));
    html.replace("<table>", &wide).replace("</table>", "</table></div>").replace("<pre>", "<pre tabindex=\"0\">")
}
