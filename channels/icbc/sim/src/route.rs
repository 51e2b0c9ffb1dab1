//! From a path to the endpoint it names (pack §1.1).

use crate::fail::Family;
use sluice_simkit::{Api, Call};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Pay,
    /// `store`: this version takes a `store_code`.
    Generate {
        store: bool,
    },
    Query,
    Reject,
    RejectQuery,
    Reverse,
    Consumption,
    Consume,
    OrderQuery,
    MerRefund,
    RefundQuery,
    /// A page of the payer's browser. The pack knows four, each by one source: any under `/ui/` is served.
    Page,
    Unknown,
}

/// The path of a target as it was sent.
pub(crate) fn path_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or_default()
}

impl Route {
    pub(crate) fn of(call: &Call) -> Route {
        match path_of(&call.target) {
            "/api/qrcode/V2/pay" | "/api/qrcode/pay/V3" => Route::Pay,
            "/api/qrcode/V2/generate" => Route::Generate { store: true },
            "/api/cardbusiness/qrcode/qrgenerate/V1" | "/api/cardbusiness/qrcode/qrgenerate/V3" => Route::Generate { store: false },
            "/api/qrcode/V2/query" => Route::Query,
            "/api/qrcode/V2/reject" => Route::Reject,
            "/api/qrcode/reject/query/V3" => Route::RejectQuery,
            "/api/qrcode/V2/reverse" => Route::Reverse,
            "/api/cardbusiness/qrcode/consumption/V1" => Route::Consumption,
            "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1" => Route::Consume,
            "/api/cardbusiness/aggregatepay/b2c/online/orderqry/V1" => Route::OrderQuery,
            "/api/cardbusiness/aggregatepay/b2c/online/merrefund/V1" => Route::MerRefund,
            "/api/cardbusiness/aggregatepay/b2c/online/refundqry/V1" => Route::RefundQuery,
            path if path.starts_with("/ui/") => Route::Page,
            _ => Route::Unknown,
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Route::Pay | Route::Generate { .. } | Route::Query | Route::Reject | Route::RejectQuery | Route::Reverse => Family::A,
            _ => Family::B,
        }
    }

    /// What faults call it, but for an order query that closes. Pages are the browser's, no call of the merchant's.
    pub(crate) const fn api(self) -> Option<Api> {
        Some(match self {
            Route::Pay | Route::Generate { .. } | Route::Consumption | Route::Consume => Api::Pay,
            Route::Query | Route::OrderQuery => Api::Query,
            Route::Reject | Route::MerRefund => Api::Refund,
            Route::RejectQuery | Route::RefundQuery => Api::QueryRefund,
            Route::Reverse => Api::Reverse,
            Route::Page | Route::Unknown => return None,
        })
    }
}
