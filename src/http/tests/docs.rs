//! `/docs` and `/errors`: every code has its page, and the problem, the page and the OpenAPI document say the same.

use super::stage::{Got, Stage, stage};
use crate::flow::Code;
use axum::body::Body;
use axum::http::Request;
use std::collections::BTreeSet;

const LANGS: [&str; 2] = ["zh", "en"];

async fn page(stage: &Stage, path: &str, lang: &str) -> (Got, String) {
    let got = stage.plain("GET", &format!("{path}?lang={lang}"), "").await;
    let html = String::from_utf8(got.bytes.clone()).unwrap();
    (got, html)
}

#[tokio::test]
async fn every_code_has_its_page_in_both_languages_and_no_page_is_of_no_code() {
    let stage = stage();
    let document = stage.plain("GET", "/openapi.json", "").await.json();
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap().clone();
    let documented: BTreeSet<&str> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    assert_eq!(documented, Code::ALL.iter().map(|code| code.facts().0).collect());
    let mut texts = BTreeSet::new();
    for lang in LANGS {
        let (_, list) = page(&stage, "/errors", lang).await;
        let linked: BTreeSet<&str> = list.split("href=\"/errors/").skip(1).map(|rest| rest.split('?').next().unwrap()).collect();
        assert_eq!(linked, documented, "{lang}");
        for word in &documented {
            let (got, html) = page(&stage, &format!("/errors/{word}"), lang).await;
            assert_eq!(got.status, 200, "{word}");
            let status = Code::ALL.iter().find(|code| code.facts().0 == *word).unwrap().facts().1;
            assert!(html.contains(&format!("<h1><code>{word}</code></h1>")) && html.contains(&format!("HTTP {status}")), "{word}");
            assert!(html.contains(&format!("https://pay.example.com/errors/{word}")), "{word}: an example with its own type");
            assert_eq!(html.matches("<h2>").count(), if *word == "BAD_SIGNATURE" { 5 } else { 4 }, "{word}");
            assert!(texts.insert(html), "{word} {lang} is the same as another page");
        }
    }
}

#[tokio::test]
async fn the_type_of_a_problem_leads_to_its_page() {
    let stage = stage();
    let problem = stage.post("/v1/orders", "{}").await.json();
    let path = problem["type"].as_str().unwrap().strip_prefix("https://pay.example.com").unwrap().to_owned();
    let (got, html) = page(&stage, &path, "en").await;
    assert!(got.status == 200 && html.contains(problem["title"].as_str().unwrap()), "{html}");
}

#[tokio::test]
async fn an_unknown_page_is_a_page_that_repeats_nothing() {
    let stage = stage();
    for path in ["/errors/NOPE", "/errors/%3Cscript%3E", "/docs/nope", "/docs/api.txt"] {
        let (got, html) = page(&stage, path, "zh").await;
        assert_eq!((got.status.as_u16(), got.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(html.contains("没有这个页面") && !html.contains("NOPE") && !html.contains("script"), "{path}");
    }
}

#[tokio::test]
async fn the_language_is_the_addresss_then_the_browsers() {
    let stage = stage();
    let ask = async |path: &str, accept: &str| {
        let request = Request::get(path).header("accept-language", accept).body(Body::empty()).unwrap();
        String::from_utf8(stage.send(request).await.bytes).unwrap()
    };
    for (path, accept, tag) in [
        ("/docs", "en-GB", "en"),
        ("/docs", "zh-TW", "zh-CN"),
        ("/docs?lang=en", "zh", "en"),
        ("/docs?lang=zh", "en", "zh-CN"),
        ("/docs", "fr", "zh-CN"),
    ] {
        assert!(ask(path, accept).await.starts_with(&format!("<!doctype html><html lang=\"{tag}\">")), "{path} {accept}");
    }
}

/// Nothing runs, nothing is fetched, nothing is framed; and a page is no heavier than it may be.
#[tokio::test]
async fn pages_are_theirs_alone_and_light() {
    let stage = stage();
    let mut paths: Vec<String> = ["/docs", "/docs/api", "/docs/webhooks", "/docs/operators", "/errors"].map(str::to_owned).into();
    paths.push("/errors/BAD_SIGNATURE".into());
    for path in paths {
        for lang in LANGS {
            let (got, html) = page(&stage, &path, lang).await;
            assert_eq!(got.status, 200, "{path}");
            let policy = got.header("content-security-policy").to_owned();
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("frame-ancestors 'none'"), "{policy}");
            for banned in ["<script", "<img", "<link", "<iframe", "style=\"", "src=\"", "@import", "url("] {
                assert!(!html.contains(banned), "{path}: {banned}");
            }
            let foreign = html.split("href=\"").skip(1).find(|rest| !rest.starts_with(['/', '?', '#']));
            assert_eq!(foreign.map(|rest| rest.split('"').next()), None, "{path}");
            // As they are: nothing of ours is compressed on its way. The operators' calls are still growing.
            let bytes_max = if path == "/docs/operators" { 200_000 } else { 60_000 };
            assert!(html.len() <= bytes_max, "{path}: {} bytes", html.len());
        }
    }
}

/// Links between pages, and into them.
#[tokio::test]
async fn every_link_leads_somewhere() {
    let stage = stage();
    let mut links = BTreeSet::new();
    for path in ["/docs", "/docs/api", "/docs/webhooks", "/docs/operators", "/errors", "/errors/BAD_SIGNATURE"] {
        for lang in LANGS {
            let (_, html) = page(&stage, path, lang).await;
            for link in html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                let whole = if link.starts_with('/') { link.to_owned() } else { format!("{path}{link}") };
                links.insert(whole.replace("&amp;", "&"));
            }
        }
    }
    assert!(links.len() > 100, "{}", links.len());
    for link in links {
        let (address, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let got = stage.plain("GET", address, "").await;
        assert_eq!(got.status, 200, "{link}");
        let html = String::from_utf8(got.bytes).unwrap();
        assert!(anchor.is_empty() || html.contains(&format!("id=\"{anchor}\"")), "{link}");
    }
}

#[tokio::test]
async fn programs_read_the_same_as_markdown() {
    let stage = stage();
    let index = stage.plain("GET", "/docs/llms.txt", "").await;
    assert_eq!(index.header("content-type"), "text/markdown; charset=utf-8");
    let text = String::from_utf8(index.bytes).unwrap();
    assert!(text.starts_with("# Sluice\n\n> "), "{text}");
    let links: Vec<&str> = text.split("](https://pay.example.com").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert_eq!(links.len(), 6, "{text}");
    for link in links {
        let got = stage.plain("GET", link, "").await;
        assert_eq!(got.status, 200, "{link}");
        assert!(link == "/openapi.json" || got.bytes.starts_with(b"# "), "{link}");
    }
    let zh = stage.plain("GET", "/docs.md?lang=zh", "").await;
    assert!(zh.status == 200 && String::from_utf8(zh.bytes).unwrap().starts_with("# 接入指南"));
}
