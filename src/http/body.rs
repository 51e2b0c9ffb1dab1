//! Reads a request's body once, bounded in bytes and in time.

use super::App;
use super::errors::Fail;
use crate::flow::Code;
use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use futures_util::StreamExt;
use serde_json::Value;
use sluice_contract::fields::parse_json;
use std::time::Duration;

/// CONTRACT sections 4 and 7.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// A body that is too large is read to its end and thrown away up to here: a client that still writes when the connection is closed
/// sees a broken pipe and never our answer.
const DRAINED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The whole body, or 413, 408, 400.
pub async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Fail> {
    let too_large = || Fail::new(Code::BodyTooLarge, format!("the body may have at most {BODY_BYTES_MAX} bytes"));
    let told = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if told.is_some_and(|bytes| bytes > DRAINED_BYTES_MAX) {
        return Err(too_large());
    }
    let collect = async {
        let mut stream = body.into_data_stream();
        let (mut bytes, mut seen) = (Vec::new(), 0_usize);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Fail::new(Code::InvalidRequest, "the body broke off"))?;
            seen = seen.saturating_add(chunk.len());
            if seen > DRAINED_BYTES_MAX {
                break;
            }
            if seen <= BODY_BYTES_MAX {
                bytes.extend_from_slice(&chunk);
            }
        }
        if seen > BODY_BYTES_MAX { Err(too_large()) } else { Ok(Bytes::from(bytes)) }
    };
    let read = tokio::time::timeout(Duration::from_millis(app.body_deadline_ms), collect).await;
    read.unwrap_or_else(|_| Err(Fail::new(Code::RequestTimeout, "the body took too long to arrive")))
}

/// A JSON body: `Content-Type: application/json` (parameters are let pass), no duplicate key anywhere.
pub fn json(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Fail> {
    let given = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Fail::new(Code::UnsupportedMediaType, "send Content-Type: application/json"));
    }
    parse_json(bytes).map_err(|problem| crate::flow::Refused::fields(vec![problem]).into())
}

/// For calls that take nothing: an empty body, `{}` or `null`.
pub fn nothing(bytes: &[u8]) -> Result<(), Fail> {
    if bytes.is_empty() {
        return Ok(());
    }
    let tree = parse_json(bytes).map_err(|problem| crate::flow::Refused::fields(vec![problem]))?;
    if tree.is_null() {
        return Ok(());
    }
    let reader = sluice_contract::Reader::root("body", &tree);
    reader.finish();
    refuse(&reader)
}

/// Every problem of a body at once.
pub fn refuse(reader: &sluice_contract::Reader<'_>) -> Result<(), Fail> {
    let found = reader.found();
    if found.is_empty() { Ok(()) } else { Err(crate::flow::Refused::fields(found).into()) }
}
