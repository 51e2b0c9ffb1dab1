//! Why a use case refuses. `detail` is for the caller, `inner` for operators' logs; they are never mixed.

use crate::store::StoreError;
use serde_json::Value;
use sluice_contract::Problem;

/// The codes of CONTRACT section 5, with their HTTP status and whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    InvalidRequest,
    UnknownAuthCode,
    MethodNotAvailable,
    BadSignature,
    StaleTimestamp,
    NonceReused,
    UnknownKey,
    Forbidden,
    OrderNotFound,
    RefundNotFound,
    NotFound,
    MethodNotAllowed,
    OrderConflict,
    RefundConflict,
    InvalidState,
    InProgress,
    LimitExceeded,
    RiskRefused,
    NoRoute,
    RefundExceedsPaid,
    RefundWindowPassed,
    ChannelRejected,
    AccountInUse,
    BodyTooLarge,
    UnsupportedMediaType,
    RateLimited,
    RequestTimeout,
    StoreUnavailable,
    Internal,
}

impl Code {
    /// Word, HTTP status, retryable.
    #[must_use]
    pub const fn facts(self) -> (&'static str, u16, bool) {
        match self {
            Code::InvalidRequest => ("INVALID_REQUEST", 400, false),
            Code::UnknownAuthCode => ("UNKNOWN_AUTH_CODE", 400, false),
            Code::MethodNotAvailable => ("METHOD_NOT_AVAILABLE", 400, false),
            Code::BadSignature => ("BAD_SIGNATURE", 401, false),
            Code::StaleTimestamp => ("STALE_TIMESTAMP", 401, false),
            Code::NonceReused => ("NONCE_REUSED", 401, false),
            Code::UnknownKey => ("UNKNOWN_KEY", 401, false),
            Code::Forbidden => ("FORBIDDEN", 403, false),
            Code::OrderNotFound => ("ORDER_NOT_FOUND", 404, false),
            Code::RefundNotFound => ("REFUND_NOT_FOUND", 404, false),
            Code::NotFound => ("NOT_FOUND", 404, false),
            Code::MethodNotAllowed => ("METHOD_NOT_ALLOWED", 405, false),
            Code::OrderConflict => ("ORDER_CONFLICT", 409, false),
            Code::RefundConflict => ("REFUND_CONFLICT", 409, false),
            Code::InvalidState => ("INVALID_STATE", 409, false),
            Code::InProgress => ("IN_PROGRESS", 409, true),
            Code::LimitExceeded => ("LIMIT_EXCEEDED", 422, false),
            Code::RiskRefused => ("RISK_REFUSED", 422, false),
            Code::NoRoute => ("NO_ROUTE", 422, true),
            Code::RefundExceedsPaid => ("REFUND_EXCEEDS_PAID", 422, false),
            Code::RefundWindowPassed => ("REFUND_WINDOW_PASSED", 422, false),
            Code::ChannelRejected => ("CHANNEL_REJECTED", 422, false),
            Code::AccountInUse => ("ACCOUNT_IN_USE", 409, false),
            Code::BodyTooLarge => ("BODY_TOO_LARGE", 413, false),
            Code::UnsupportedMediaType => ("UNSUPPORTED_MEDIA_TYPE", 415, false),
            Code::RateLimited => ("RATE_LIMITED", 429, true),
            Code::RequestTimeout => ("REQUEST_TIMEOUT", 408, true),
            Code::StoreUnavailable => ("STORE_UNAVAILABLE", 503, true),
            Code::Internal => ("INTERNAL", 500, true),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: Code,
    /// For the caller: what is wrong and what to do.
    pub detail: String,
    /// For operators; never sent.
    pub inner: Option<String>,
    pub errors: Vec<Problem>,
    /// Whether trying again can help, where that is not the code's word.
    pub retryable: Option<bool>,
    /// Further members of the problem.
    pub members: Vec<(&'static str, Value)>,
}

impl Refused {
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Refused {
        Refused { code, detail: detail.into(), inner: None, errors: Vec::new(), retryable: None, members: Vec::new() }
    }

    /// Every bad field at once.
    #[must_use]
    pub fn fields(errors: Vec<Problem>) -> Refused {
        let detail = match errors.as_slice() {
            [one] => format!("{} {}", one.field, one.reason),
            many => format!("{} fields are not acceptable: see errors", many.len()),
        };
        Refused { errors, ..Refused::new(Code::InvalidRequest, detail) }
    }

    #[must_use]
    pub fn field(field: &str, reason: &str) -> Refused {
        Refused::fields(vec![Problem::new(field, reason)])
    }

    /// Something of ours went wrong; the caller learns only that.
    #[must_use]
    pub fn inner(inner: impl Into<String>) -> Refused {
        Refused { inner: Some(inner.into()), ..Refused::new(Code::Internal, "something went wrong on our side; the request id names it") }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Refused {
        let (code, detail) = match &error {
            StoreError::Busy | StoreError::Failed(_) => (Code::StoreUnavailable, "nothing was stored and nothing was sent; try again"),
            StoreError::Unknown(_) => (Code::StoreUnavailable, "it is not known whether this was stored; repeat it with the same number"),
            StoreError::Broken(_) => (Code::Internal, "this was refused to protect money; the request id names it"),
        };
        Refused { inner: Some(error.to_string()), ..Refused::new(code, detail) }
    }
}
