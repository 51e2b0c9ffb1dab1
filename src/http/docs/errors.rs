//! `/errors` and `/errors/{CODE}`: what happened, whether money may have moved, what to do, whether to try again.

use super::codes::meaning;
use super::hints;
use super::page::Text;
use crate::flow::{Code, Refused};
use crate::http::errors::body;
use crate::http::lang::Lang;
use crate::merchant_auth::help::{SHOWN_BYTES_MAX, shown};
use crate::merchant_auth::{Request, canonical};
use serde_json::json;
use sha2::{Digest, Sha256};
use sluice_contract::Problem;

/// Every code on one page.
pub fn list(lang: Lang) -> Text {
    let title = lang.pick("错误码", "Errors");
    let lead = lang.pick(
        "每个错误都是 `application/problem+json`（RFC 9457）。程序看 `code` 和 `retryable`，人看 `detail` 和 `errors`；`type` 指向该错误码的页面，`request_id` 用来向网关运营方查询。",
        "Every error is `application/problem+json` (RFC 9457). Programs read `code` and `retryable`, people `detail` and `errors`; `type` \
         leads to the code's page, `request_id` is what to ask the operator of the gateway about.",
    );
    let head = lang.pick("| 错误码 | HTTP | 含义 |", "| code | HTTP | meaning |");
    let row = |code: &Code| {
        let (word, status, _) = code.facts();
        format!("| [`{word}`](/errors/{word}?lang={}) | {status} | {} |\n", lang.word(), meaning(*code).title(lang))
    };
    let rows: String = Code::ALL.iter().map(row).collect();
    Text::new(title, format!("# {title}\n\n{lead}\n\n{head}\n|---|---|---|\n{rows}"))
}

/// The page of one code.
pub fn page(code: Code, public_url: &str, lang: Lang) -> Text {
    let (word, status, retryable) = code.facts();
    let meaning = meaning(code);
    let section = |zh: &str, en: &str, text: &str| format!("## {}\n\n{text}\n\n", lang.pick(zh, en));
    let mut text = format!("# `{word}`\n\n**{}** (HTTP {status})\n\n", meaning.title(lang));
    text += &section("有没有可能已经扣款？", "May money have moved?", meaning.taken.words(lang));
    text += &section("该怎么做", "What to do", meaning.advice(lang));
    text += &section("要不要重试", "Trying again", again(code, retryable, lang));
    if code == Code::BadSignature {
        text += &section("提示词", "Hints", &hints::table(lang));
    }
    let example = serde_json::to_string_pretty(&body(&example(code), public_url, "0f8a6c1be2d94a57b3c0d1e2")).unwrap_or_default();
    text += &section("例子", "Example", &format!("```json\n{example}\n```"));
    text += lang.pick("[全部错误码](/errors?lang=zh)", "[All codes](/errors?lang=en)");
    Text::new(word, text)
}

const fn again(code: Code, retryable: bool, lang: Lang) -> &'static str {
    match (code, retryable) {
        (Code::LimitExceeded, _) => lang.pick(
            "限额会重新开放时 `retryable` 为 true；在 `opens_at` 之后用同一单号重试。",
            "`retryable` is true where the limit opens again: after `opens_at`, with the same number.",
        ),
        (_, true) => lang.pick(
            "可以重试：同一单号、同样的内容、新的 nonce；有 `Retry-After` 时先等待。",
            "It can help: the same number and content, a fresh nonce, after `Retry-After` if there is one.",
        ),
        (_, false) => lang.pick("原样重试只会得到同样的结果。", "The same request will be refused again."),
    }
}

/// A refusal as it comes.
fn example(code: Code) -> Refused {
    let detail = meaning(code).example;
    let named = |field: &str, reason: &str| vec![Problem::new(field, reason)];
    let base = Refused::new(code, detail);
    match code {
        Code::InvalidRequest => Refused::field("amount", "must be a whole number from 1 to 10000000000"),
        Code::UnknownAuthCode => Refused { errors: named("auth_code", "is not a payment code of any wallet"), ..base },
        Code::MethodNotAvailable => Refused { errors: named("method", "is not served by any account of this merchant"), ..base },
        Code::RefundExceedsPaid => Refused { errors: named("amount", "must be at most 980"), ..base },
        Code::LimitExceeded => {
            let members = vec![("limit", json!("daily-50k")), ("opens_at", json!("2026-11-24T00:00:00+08:00"))];
            Refused { members, retryable: Some(true), ..base }
        }
        Code::BadSignature => Refused { members: vec![("signature_debug", signature_debug())], ..base },
        _ => base,
    }
}

/// Of a request whose body was signed with spaces in it.
fn signature_debug() -> serde_json::Value {
    let body = br#"{"merchant_order_no":"SO-1001","amount":1280,"subject":"apples","method":"wechat_native"}"#;
    let sent = Request { method: "POST", path_and_query: "/v1/orders", timestamp: "1763880000", nonce: "b9c1b9c1b9c1b9c1", body };
    let to_sign = canonical(&sent);
    let beginning = shown(to_sign.get(..SHOWN_BYTES_MAX).unwrap_or(&to_sign));
    json!({
        "method": sent.method, "path_and_query": sent.path_and_query, "timestamp": sent.timestamp, "nonce": sent.nonce,
        "body_bytes": body.len(), "body_sha256": hex::encode(Sha256::digest(body)), "string_to_sign_length": to_sign.len(),
        "string_to_sign_truncated": beginning, "hints": ["body_reserialised"],
    })
}

/// Where a code or a page is asked for that is none.
pub fn no_such_page(lang: Lang) -> Text {
    let title = lang.pick("没有这个页面", "There is no such page");
    let text =
        lang.pick("[全部错误码](/errors?lang=zh) · [接入指南](/docs?lang=zh)", "[All codes](/errors?lang=en) · [Guide](/docs?lang=en)");
    Text::new(title, format!("# {title}\n\n{text}\n"))
}
