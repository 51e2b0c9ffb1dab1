//! Which call of the document a request is (pack §2).

use sluice_contract::Verb;
use sluice_simkit::{Api, Call};

pub(crate) const PREFIX: &str = "/polypay/v1.0/mchorders/";
/// Where a bill's link points: ours, the pack names no address.
pub(crate) const FILE: &str = "statementfile";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Apply,
    Pay,
    Query,
    Cancel,
    Close,
    Refund,
    RefundQuery,
    StatementUrl,
    File,
    Unknown,
}

impl Route {
    pub(crate) fn of(call: &Call) -> Route {
        let path = call.target.split('?').next().unwrap_or_default();
        let Some(name) = path.strip_prefix(PREFIX) else { return Route::Unknown };
        match (call.verb, name) {
            (Verb::Post, "qrcodeapply") => Route::Apply,
            (Verb::Post, "pay") => Route::Pay,
            (Verb::Post, "orderquery") => Route::Query,
            (Verb::Post, "cancel") => Route::Cancel,
            (Verb::Post, "close") => Route::Close,
            (Verb::Post, "refund") => Route::Refund,
            (Verb::Post, "refundquery") => Route::RefundQuery,
            (Verb::Post, "statementurl") => Route::StatementUrl,
            (Verb::Get, FILE) => Route::File,
            _ => Route::Unknown,
        }
    }

    pub(crate) const fn api(self) -> Option<Api> {
        Some(match self {
            Route::Apply | Route::Pay => Api::Pay,
            Route::Query => Api::Query,
            Route::Cancel => Api::Reverse,
            Route::Close => Api::Close,
            Route::Refund => Api::Refund,
            Route::RefundQuery => Api::QueryRefund,
            Route::StatementUrl => Api::Bill,
            Route::File | Route::Unknown => return None,
        })
    }
}
