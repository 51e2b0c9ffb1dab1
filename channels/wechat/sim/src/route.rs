//! From a request's target to the endpoint it names (pack §3.1, §6, §9, §10, §15).

use crate::order::Product;
use sluice_contract::Verb;
use sluice_simkit::{Api, Call};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Create { product: Product, partner: bool },
    Codepay { partner: bool },
    QueryByNumber { number: String, partner: bool },
    QueryById { id: String, partner: bool },
    Close { number: String, partner: bool },
    Reverse { number: String, partner: bool },
    Refund,
    QueryRefund { number: String },
    ApplyAbnormal { id: String },
    Certificates,
    TradeBill,
    Download,
    V2(V2),
    Authorize,
    AccessToken,
    MiniSession,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum V2 {
    Micropay,
    OrderQuery,
    CloseOrder,
    Reverse,
    Refund,
    RefundQuery,
}

impl Route {
    pub(crate) fn of(call: &Call) -> Route {
        let path = call.target.split(['?', '#']).next().unwrap_or("");
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["v3", "pay", "partner", "transactions", rest @ ..] => transactions(rest, true),
            ["v3", "pay", "transactions", rest @ ..] => transactions(rest, false),
            ["v3", "refund", "domestic", "refunds"] => Route::Refund,
            ["v3", "refund", "domestic", "refunds", number] => Route::QueryRefund { number: decode(number) },
            ["v3", "refund", "domestic", "refunds", id, "apply-abnormal-refund"] => Route::ApplyAbnormal { id: decode(id) },
            ["v3", "certificates"] => Route::Certificates,
            ["v3", "bill", "tradebill"] => Route::TradeBill,
            ["v3", "billdownload", "file"] => Route::Download,
            ["pay", "micropay"] => Route::V2(V2::Micropay),
            ["pay", "orderquery"] => Route::V2(V2::OrderQuery),
            ["pay", "closeorder"] => Route::V2(V2::CloseOrder),
            ["pay", "refundquery"] => Route::V2(V2::RefundQuery),
            ["secapi", "pay", "reverse"] => Route::V2(V2::Reverse),
            ["secapi", "pay", "refund"] => Route::V2(V2::Refund),
            ["connect", "oauth2", "authorize"] => Route::Authorize,
            ["sns", "oauth2", "access_token"] => Route::AccessToken,
            ["sns", "jscode2session"] => Route::MiniSession,
            _ => Route::Unknown,
        }
    }

    /// The verb this endpoint takes. v2 answers a wrong one in its own words.
    pub(crate) const fn verb(&self) -> Verb {
        match self {
            Route::QueryByNumber { .. }
            | Route::QueryById { .. }
            | Route::QueryRefund { .. }
            | Route::Certificates
            | Route::TradeBill
            | Route::Download
            | Route::Authorize
            | Route::AccessToken
            | Route::MiniSession => Verb::Get,
            _ => Verb::Post,
        }
    }

    /// What faults call it.
    pub(crate) const fn api(&self) -> Option<Api> {
        Some(match self {
            Route::Create { .. } | Route::Codepay { .. } | Route::V2(V2::Micropay) => Api::Pay,
            Route::QueryByNumber { .. } | Route::QueryById { .. } | Route::V2(V2::OrderQuery) => Api::Query,
            Route::Close { .. } | Route::V2(V2::CloseOrder) => Api::Close,
            Route::Reverse { .. } | Route::V2(V2::Reverse) => Api::Reverse,
            Route::Refund | Route::V2(V2::Refund) => Api::Refund,
            Route::QueryRefund { .. } | Route::V2(V2::RefundQuery) => Api::QueryRefund,
            Route::TradeBill => Api::Bill,
            _ => return None,
        })
    }
}

fn transactions(rest: &[&str], partner: bool) -> Route {
    match rest {
        ["jsapi"] => Route::Create { product: Product::Jsapi, partner },
        ["app"] => Route::Create { product: Product::App, partner },
        ["native"] => Route::Create { product: Product::Native, partner },
        ["h5"] => Route::Create { product: Product::H5, partner },
        ["codepay"] => Route::Codepay { partner },
        ["id", id] => Route::QueryById { id: decode(id), partner },
        ["out-trade-no", number] => Route::QueryByNumber { number: decode(number), partner },
        ["out-trade-no", number, "close"] => Route::Close { number: decode(number), partner },
        ["out-trade-no", number, "reverse"] => Route::Reverse { number: decode(number), partner },
        _ => Route::Unknown,
    }
}

/// The query's names and values, decoded, in order.
pub(crate) fn query(target: &str) -> Vec<(String, String)> {
    let Some((_, text)) = target.split_once('?') else { return Vec::new() };
    let text = text.split('#').next().unwrap_or("");
    let pair = |part: &str| part.split_once('=').map_or((decode(part), String::new()), |(name, value)| (decode(name), decode(value)));
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// The first value of a name in the query.
pub(crate) fn param(target: &str, name: &str) -> Option<String> {
    query(target).into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

/// Percent-decoding; what is not a valid escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = if byte == b'%' { bytes.get(at + 1..at + 3) } else { None };
        match escaped.and_then(|pair| hex::decode(pair).ok()).and_then(|raw| raw.first().copied()) {
            Some(raw) => {
                out.push(raw);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encoding of everything but letters, digits and `-._~`.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}
