//! Refusals as `application/problem+json` (RFC 9457, CONTRACT section 5). What a problem's `type` leads to is [`super::docs`].

use super::App;
use super::docs::codes::meaning;
use super::edge::RequestId;
use super::lang::Lang;
use crate::flow::{Code, Refused};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

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

/// A problem's body.
#[must_use]
pub fn body(refused: &Refused, public_url: &str, request_id: &str) -> Value {
    let Refused { code, detail, errors, retryable, members, .. } = refused;
    let (word, number, by_code) = code.facts();
    let mut body = json!({
        "type": format!("{public_url}/errors/{word}"), "title": meaning(*code).title(Lang::En), "status": number, "code": word,
        "detail": detail, "request_id": request_id, "retryable": retryable.unwrap_or(by_code), "errors": errors,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    body
}

fn problem(app: &App, id: &RequestId, fail: &Fail, bare: &Response) -> Response {
    let (word, number, _) = fail.refused.code.facts();
    if let Some(inner) = &fail.refused.inner {
        tracing::warn!(request_id = %id, code = word, %inner, "a request was refused");
    }
    let body = body(&fail.refused, &app.gateway.public_url, &id.to_string());
    let mut response = (status(fail.refused.code), body.to_string()).into_response();
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

/// Whatever has no route.
pub async fn not_found() -> Fail {
    Fail::new(Code::NotFound, "there is nothing here; GET /openapi.json lists every path")
}

/// A path with another method.
pub async fn method_not_allowed() -> Fail {
    Fail::new(Code::MethodNotAllowed, "this path has no such method; see Allow")
}
