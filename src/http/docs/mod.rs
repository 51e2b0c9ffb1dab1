//! What an engineer reads: `/docs` (journey, API, notifications, operators' calls) and `/errors/{CODE}`, in Chinese and English, and the
//! same as Markdown for programs, listed in `/docs/llms.txt`.
//!
//! Everything that could drift is derived: calls, fields and codes from our own OpenAPI document ([`reference`]) and tables ([`codes`],
//! [`hints`]), samples from the one scenario that a test runs ([`scenario`]), signatures from the code that checks them ([`vectors`]).
//! Written by hand are the guides and what a table says in two languages. All of it is made once, from our own text only: nothing of
//! anybody's request is ever part of a page.

pub mod codes;
mod errors;
pub mod hints;
mod page;
mod reference;
pub mod scenario;
mod vectors;
mod webhooks;
mod zh;

use super::App;
use super::lang::Lang;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use axum::routing::get;
use page::Text;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The pages of a gateway, made when the first of them is asked for.
struct Book {
    public_url: String,
    pages: OnceLock<BTreeMap<String, Page>>,
}

/// A page in both languages.
struct Page {
    zh: Text,
    en: Text,
}

/// The routes of all pages.
pub fn routes(app: &App) -> Router<App> {
    let book = Arc::new(Book { public_url: app.gateway.public_url.clone(), pages: OnceLock::new() });
    let read = move |uri: Uri, headers: HeaderMap| {
        let book = Arc::clone(&book);
        async move { book.answer(&uri, &headers) }
    };
    let paths = ["/docs", "/docs.md", "/docs/{page}", "/errors", "/errors.md", "/errors/{code}"];
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, get(read.clone())))
}

impl Book {
    fn answer(&self, uri: &Uri, headers: &HeaderMap) -> Response {
        let lang = Lang::of(headers, uri.query());
        let pages = self.pages.get_or_init(|| pages(&self.public_url, &super::openapi_document()));
        let path = uri.path();
        if path == "/docs/llms.txt" {
            return page::plain(&llms(&self.public_url));
        }
        if let Some(page) = path.strip_suffix(".md").and_then(|path| pages.get(path)) {
            return page::plain(&page.of(lang).markdown);
        }
        match pages.get(path) {
            Some(page) => page::answer(StatusCode::OK, path, page.of(lang), lang),
            None => page::answer(StatusCode::NOT_FOUND, "/errors", &errors::no_such_page(lang), lang),
        }
    }
}

impl Page {
    fn new(make: impl Fn(Lang) -> Text) -> Page {
        Page { zh: make(Lang::Zh), en: make(Lang::En) }
    }

    const fn of(&self, lang: Lang) -> &Text {
        lang.pick(&self.zh, &self.en)
    }
}

fn pages(public_url: &str, document: &Value) -> BTreeMap<String, Page> {
    let mut pages = BTreeMap::from([
        ("/docs".to_owned(), Page::new(|lang| scenario::guide(public_url, lang))),
        ("/docs/api".to_owned(), Page::new(|lang| reference::merchants(document, lang))),
        ("/docs/operators".to_owned(), Page::new(|lang| reference::operators(document, lang))),
        ("/docs/webhooks".to_owned(), Page::new(webhooks::text)),
        ("/errors".to_owned(), Page::new(errors::list)),
    ]);
    for code in crate::flow::Code::ALL {
        pages.insert(format!("/errors/{}", code.facts().0), Page::new(|lang| errors::page(*code, public_url, lang)));
    }
    pages
}

/// `/docs/llms.txt`: where a program finds what.
fn llms(public_url: &str) -> String {
    let line = |path: &str, what: &str| format!("- [{what}]({public_url}{path}.md?lang=en): in Chinese with `?lang=zh`\n");
    let pages = [
        ("/docs", "Guide: sign, order, pay, notification, refund, with commands that run"),
        ("/docs/api", "API reference: every merchant call, its fields, constraints, errors and a sample"),
        ("/docs/webhooks", "Notifications: events, headers, how to verify"),
        ("/docs/operators", "Operators' calls"),
        ("/errors", "Errors: every code, whether money may have moved, what to do"),
    ];
    let pages: String = pages.iter().map(|(path, what)| line(path, what)).collect();
    format!(
        "# Sluice\n\n> One order API in front of WeChat Pay, Alipay, UnionPay and bank QR codes. Amounts are integers of fen (1/100 CNY). \
         Requests are signed with HMAC-SHA256; never retry a payment under a new number while its outcome is unknown.\n\n## Docs\n\n{pages}\
         \n## Machine-readable\n\n- [OpenAPI 3.1]({public_url}/openapi.json)\n"
    )
}
