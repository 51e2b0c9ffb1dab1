//! Why a use case refuses. `detail` is for the caller, `inner` for operators' logs; they are never mixed.

use crate::store::StoreError;
use serde_json::Value;
use sluice_contract::Problem;

macro_rules! codes {
    ($($code:ident: $word:literal, $status:literal, $retryable:literal;)+) => {
        /// The codes of CONTRACT section 5, in its order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($code),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$code),+];

            /// Word, HTTP status, and whether trying again can help.
            #[must_use]
            pub const fn facts(self) -> (&'static str, u16, bool) {
                match self { $(Code::$code => ($word, $status, $retryable)),+ }
            }
        }
    };
}

codes! {
    InvalidRequest: "INVALID_REQUEST", 400, false;
    UnknownAuthCode: "UNKNOWN_AUTH_CODE", 400, false;
    MethodNotAvailable: "METHOD_NOT_AVAILABLE", 400, false;
    BadSignature: "BAD_SIGNATURE", 401, false;
    StaleTimestamp: "STALE_TIMESTAMP", 401, false;
    NonceReused: "NONCE_REUSED", 401, false;
    UnknownKey: "UNKNOWN_KEY", 401, false;
    Forbidden: "FORBIDDEN", 403, false;
    OrderNotFound: "ORDER_NOT_FOUND", 404, false;
    RefundNotFound: "REFUND_NOT_FOUND", 404, false;
    NotFound: "NOT_FOUND", 404, false;
    MethodNotAllowed: "METHOD_NOT_ALLOWED", 405, false;
    RequestTimeout: "REQUEST_TIMEOUT", 408, true;
    OrderConflict: "ORDER_CONFLICT", 409, false;
    RefundConflict: "REFUND_CONFLICT", 409, false;
    InvalidState: "INVALID_STATE", 409, false;
    InProgress: "IN_PROGRESS", 409, true;
    AccountInUse: "ACCOUNT_IN_USE", 409, false;
    BodyTooLarge: "BODY_TOO_LARGE", 413, false;
    UnsupportedMediaType: "UNSUPPORTED_MEDIA_TYPE", 415, false;
    LimitExceeded: "LIMIT_EXCEEDED", 422, false;
    RiskRefused: "RISK_REFUSED", 422, false;
    NoRoute: "NO_ROUTE", 422, true;
    RefundExceedsPaid: "REFUND_EXCEEDS_PAID", 422, false;
    RefundWindowPassed: "REFUND_WINDOW_PASSED", 422, false;
    ChannelRejected: "CHANNEL_REJECTED", 422, false;
    RateLimited: "RATE_LIMITED", 429, true;
    Internal: "INTERNAL", 500, true;
    StoreUnavailable: "STORE_UNAVAILABLE", 503, true;
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
