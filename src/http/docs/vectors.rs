//! Test vectors for whoever writes a client: computed by the code that checks the real thing.

use crate::http::lang::Lang;
use crate::merchant_auth::help::visible;
use crate::merchant_auth::{Request, canonical, sign, sign_response};
use crate::outbound::webhook::Secret;
use sluice_contract::Second;

/// Published: it signs nothing of anybody's.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const WEBHOOK_SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const TIMESTAMP: &str = "1763880000";
const NONCE: &str = "b9c1b9c1b9c1b9c1";

const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/v1/whoami", ""),
    ("GET", "/v1/orders?merchant_order_no=SO-1001&limit=1", ""),
    ("POST", "/v1/orders/P01M85D6EG2B7K3M6NFEYQPJ300/close", ""),
    ("POST", "/v1/orders", r#"{"merchant_order_no":"SO-1001","amount":1280,"subject":"一箱苹果","method":"wechat_native"}"#),
];

/// Of requests, and of an answer.
#[must_use]
pub fn requests(lang: Lang) -> String {
    let mut text = format!("- secret `{SECRET}`\n- timestamp `{TIMESTAMP}`, nonce `{NONCE}`\n\n");
    for (method, path_and_query, body) in REQUESTS {
        let request = Request { method, path_and_query, timestamp: TIMESTAMP, nonce: NONCE, body: body.as_bytes() };
        let (shown, signature) = (visible(&canonical(&request)), sign(SECRET, &request));
        text += &format!("```text\n{shown}\n{signature}\n```\n\n");
    }
    let answer = r#"{"id":"P01M85D6EG2B7K3M6NFEYQPJ300"}"#;
    let signature = sign_response(SECRET, 201, TIMESTAMP, NONCE, answer.as_bytes());
    text += lang.pick("我们的应答（`Sluice-Signature`），状态码 201：", "Our answer (`Sluice-Signature`), status 201:");
    text + &format!("\n\n```text\n201\\n{TIMESTAMP}\\n{NONCE}\\n{answer}\\n\n{signature}\n```\n")
}

/// Of a notification.
#[must_use]
pub fn webhook() -> String {
    let (id, body) = ("evt_01M85D6EG2B7K3M6NFEYQPJ30004", r#"{"type":"order.paid","data":{"amount":1280}}"#);
    let at = TIMESTAMP.parse().unwrap_or_default();
    let signature = Secret::parse(WEBHOOK_SECRET).map(|secret| secret.sign(id, Second(at), body.as_bytes())).unwrap_or_default();
    format!("- secret `{WEBHOOK_SECRET}`\n\n```text\n{id}.{TIMESTAMP}.{body}\n{signature}\n```\n")
}
