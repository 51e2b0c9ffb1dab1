//! Refusals as `application/problem+json` (RFC 9457, CONTRACT section 5), and the page that each of them links to.

use super::App;
use super::edge::RequestId;
use crate::flow::{Code, Refused};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

/// A refusal on its way out. The body is made by [`finish`], which knows the request id.
#[derive(Clone, Debug)]
pub struct Fail {
    pub refused: Refused,
    pub retry_after_s: Option<u32>,
}

/// What every handler answers.
pub type Reply = Result<Response, Fail>;

impl From<Refused> for Fail {
    fn from(refused: Refused) -> Fail {
        Fail { refused, retry_after_s: None }
    }
}

impl From<crate::store::StoreError> for Fail {
    fn from(error: crate::store::StoreError) -> Fail {
        Refused::from(error).into()
    }
}

impl Fail {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Fail {
        Refused::new(code, detail).into()
    }
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let mut response = status(self.refused.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks an answer that goes out byte for byte, whatever its status: a channel's acknowledgement.
#[derive(Clone, Copy)]
pub struct Verbatim;

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.facts().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Gives a refusal its body. Other answers stay as they are, except bare error texts of the HTTP library.
#[must_use]
pub fn finish(app: &App, id: &RequestId, mut response: Response) -> Response {
    if let Some(fail) = response.extensions_mut().remove::<Fail>() {
        return problem(app, id, &fail, &response);
    }
    let bare = response.headers().get(CONTENT_TYPE).is_none_or(|t| t.as_bytes().starts_with(b"text/plain"));
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if !is_error || !bare || response.extensions().get::<Verbatim>().is_some() {
        return response;
    }
    let fail = match response.status().as_u16() {
        404 => Fail::new(Code::NotFound, "there is nothing here"),
        405 => Fail::new(Code::MethodNotAllowed, "this path has no such method; see Allow"),
        408 => Fail::new(Code::RequestTimeout, "the request took too long to arrive"),
        413 => Fail::new(Code::BodyTooLarge, "the body may have at most 65536 bytes"),
        415 => Fail::new(Code::UnsupportedMediaType, "send Content-Type: application/json"),
        400..=499 => Fail::new(Code::InvalidRequest, "the request cannot be read"),
        _ => Refused::inner("an answer without a reason").into(),
    };
    problem(app, id, &fail, &response)
}

fn problem(app: &App, id: &RequestId, fail: &Fail, bare: &Response) -> Response {
    let Refused { code, detail, inner, errors, retryable, members } = &fail.refused;
    let (word, number, by_code) = code.facts();
    let retryable = retryable.unwrap_or(by_code);
    if let Some(inner) = inner {
        tracing::warn!(request_id = %id, code = word, %inner, "a request was refused");
    }
    let mut body = json!({
        "type": format!("{}/errors/{word}", app.gateway.public_url), "title": title(*code), "status": number, "code": word,
        "detail": detail, "request_id": id.to_string(), "retryable": retryable, "errors": errors,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    let mut response = (status(*code), body.to_string()).into_response();
    // Allow of a 405 is kept.
    for (name, value) in bare.headers().iter().filter(|(name, _)| *name == axum::http::header::ALLOW) {
        response.headers_mut().insert(name, value.clone());
    }
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, "application/problem+json");
    if matches!(number, 429 | 503) {
        set(RETRY_AFTER, &fail.retry_after_s.unwrap_or(1).to_string());
    }
    if number == 401 {
        set(WWW_AUTHENTICATE, crate::merchant_auth::SCHEME);
    }
    response
}

/// Every code, in the order of CONTRACT section 5.
pub const CODES: &[Code] = &[
    Code::InvalidRequest,
    Code::UnknownAuthCode,
    Code::MethodNotAvailable,
    Code::BadSignature,
    Code::StaleTimestamp,
    Code::NonceReused,
    Code::UnknownKey,
    Code::Forbidden,
    Code::OrderNotFound,
    Code::RefundNotFound,
    Code::NotFound,
    Code::MethodNotAllowed,
    Code::RequestTimeout,
    Code::OrderConflict,
    Code::RefundConflict,
    Code::InvalidState,
    Code::InProgress,
    Code::AccountInUse,
    Code::BodyTooLarge,
    Code::UnsupportedMediaType,
    Code::LimitExceeded,
    Code::RiskRefused,
    Code::NoRoute,
    Code::RefundExceedsPaid,
    Code::RefundWindowPassed,
    Code::ChannelRejected,
    Code::RateLimited,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What the code means, the same for every occurrence.
#[must_use]
pub const fn title(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest => "The request is not acceptable",
        Code::UnknownAuthCode => "No wallet has payment codes like this one",
        Code::MethodNotAvailable => "The merchant cannot use this method",
        Code::BadSignature => "The signature is not right",
        Code::StaleTimestamp => "The timestamp is more than 300 seconds away",
        Code::NonceReused => "The nonce was used before",
        Code::UnknownKey => "The key is not known",
        Code::Forbidden => "The role does not allow this",
        Code::OrderNotFound => "There is no such order",
        Code::RefundNotFound => "There is no such refund",
        Code::NotFound => "There is nothing here",
        Code::MethodNotAllowed => "The path has no such method",
        Code::RequestTimeout => "The request took too long to arrive",
        Code::OrderConflict => "The number names another order",
        Code::RefundConflict => "The number names another refund",
        Code::InvalidState => "The order's state does not allow this",
        Code::InProgress => "It is still under way",
        Code::AccountInUse => "The account has attempts",
        Code::BodyTooLarge => "The body is too large",
        Code::UnsupportedMediaType => "The content type is not supported",
        Code::LimitExceeded => "A limit is reached",
        Code::RiskRefused => "Risk control refused the payment",
        Code::NoRoute => "No account can take the order now",
        Code::RefundExceedsPaid => "The refund is larger than what is left",
        Code::RefundWindowPassed => "The order is too old to be refunded",
        Code::ChannelRejected => "The channel will not do this",
        Code::RateLimited => "Too many requests",
        Code::Internal => "Something went wrong on our side",
        Code::StoreUnavailable => "The store cannot be reached",
    }
}

/// What whoever meets the code should do.
const fn advice(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest => "Repair every field that errors names, and send the request again with a fresh nonce.",
        Code::UnknownAuthCode => "Ask the payer to refresh the payment code and scan it again.",
        Code::MethodNotAvailable => "GET /v1/methods lists what the merchant can use now.",
        Code::BadSignature => "Sign METHOD, path and query as sent, timestamp, nonce and body, each ended by one line feed.",
        Code::StaleTimestamp => "Set the client's clock, or sign again: a request is good for 300 seconds.",
        Code::NonceReused => "Sign again with a fresh nonce. The earlier request may have been carried out: repeat it by its number.",
        Code::UnknownKey => "Check the key id; a key that was revoked stays unknown.",
        Code::Forbidden => "Ask an operator whose role allows it.",
        Code::OrderNotFound | Code::RefundNotFound | Code::NotFound => "Check the id or the path.",
        Code::MethodNotAllowed => "The header Allow lists the methods of this path.",
        Code::RequestTimeout => "Send the request again.",
        Code::OrderConflict | Code::RefundConflict => "A number is used for one content only: take a new number for something new.",
        Code::InvalidState => "Read the order first; its status says what is still possible.",
        Code::InProgress => "Read the order again in a moment.",
        Code::AccountInUse => "Drain the account instead of removing or renaming it.",
        Code::BodyTooLarge => "Send at most 65536 bytes.",
        Code::UnsupportedMediaType => "Send Content-Type: application/json.",
        Code::LimitExceeded => "Wait until the limit opens again, or ask the operator.",
        Code::RiskRefused => {
            "Do not try again: the payer, the customer, the address or the code is blocked. The operator of the gateway knows which."
        }
        Code::NoRoute => "Try again later, or ask the operator which accounts are off.",
        Code::RefundExceedsPaid => "Ask for at most what errors names.",
        Code::RefundWindowPassed => "Return the money another way.",
        Code::ChannelRejected => "Nothing was changed; the detail holds the channel's reason.",
        Code::RateLimited | Code::StoreUnavailable => "Try again after the seconds in Retry-After, with the same number.",
        Code::Internal => "Repeat the request with the same number; tell the operator the request id if it stays.",
    }
}

/// `GET /errors/{code}`: what a problem's `type` leads to.
pub async fn page(Path(word): Path<String>) -> Reply {
    let code = CODES.iter().copied().find(|code| code.facts().0 == word);
    let code = code.ok_or_else(|| Fail::new(Code::NotFound, "there is no such code"))?;
    let (word, status, retryable) = code.facts();
    let again = if retryable { "Trying again can help." } else { "The same request will be refused again." };
    let (title, advice) = (title(code), advice(code));
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{word}</title><h1>{word}</h1>\
         <p>{title} (HTTP {status}).</p><p>{advice}</p><p>{again}</p></html>"
    );
    let policy = [("content-security-policy", "default-src 'none'; frame-ancestors 'none'"), ("x-content-type-options", "nosniff")];
    Ok((policy, Html(text)).into_response())
}

/// Whatever has no route.
pub async fn not_found() -> Fail {
    Fail::new(Code::NotFound, "there is nothing here; GET /openapi.json lists every path")
}

/// A path with another method.
pub async fn method_not_allowed() -> Fail {
    Fail::new(Code::MethodNotAllowed, "this path has no such method; see Allow")
}
