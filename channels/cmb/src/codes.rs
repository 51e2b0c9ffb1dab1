//! Every error code of the interface document that we know, as data: which call, which code, what it means for the money.
//!
//! Source: section 2.6. `SYSTERM`, `PRAM` and `UNPAIED` are really spelled so. A code that is not listed for a call is *unknown*, never a
//! failure.

use sluice_contract::{FailureCode as Code, Fault};
pub(crate) use sluice_kit::codes::Class;
use sluice_kit::codes::{Rows, find};

/// The call an error answers: the same word means different things to a query and to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Qr,
    Pay,
    Query,
    /// Close and cancel.
    Undo,
    Refund,
    RefundQuery,
    Statement,
}

use Class::{Config, Fail, NotCreated, Ok, Query, Retry, Unknown};

/// Our envelope, our keys, our ids: refused before any business, whatever the call.
const OURS: Rows = &[
    ("SIGN_ERROR", Config),
    ("VERSION_ERROR", Config),
    ("ENCODING_ERROR", Config),
    ("SIGNMETHOD_ERROR", Config),
    ("MERID_NOT_EXIST", Config),
    ("USERID_CHECK_FAILED", Config),
];

/// The bank itself does not know.
const DOWN: Rows = &[("SYSTERM_ERROR", Unknown), ("SYSTERM_MAINTAINING", Unknown)];

/// No QR code came back, so nobody can pay: "any failure: no order" (section 2.6).
const QR: Rows = &[
    ("SYSTERM_ERROR", Fail(Code::ChannelUnavailable, Fault::Account)),
    ("SYSTERM_MAINTAINING", Fail(Code::ChannelUnavailable, Fault::Account)),
];

/// Pay and qrcodeapply: what is refused is not made, but for a number that has a history.
const CREATE: Rows = &[
    ("POST_DATA_EMPTY", Fail(Code::RequestInvalid, Fault::Request)),
    ("UNDEFINED_PRAM", Fail(Code::RequestInvalid, Fault::Request)),
    ("JSON_FORMAT_ERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("MCH_RESERVED_NOT_LAWFUL", Fail(Code::RequestInvalid, Fault::Request)),
    ("TXNAMT_NOT_LAWFUL", Fail(Code::RequestInvalid, Fault::Request)),
    ("AUTHCODE_NOT_LAWFUL", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("ORDERID_INVALID", Fail(Code::OrderClosed, Fault::Request)),
    ("TRADEAMOUNT_LIMITED", Fail(Code::ChannelLimit, Fault::Account)),
    ("MCH_DAILY_QUOTA_EXCEED", Fail(Code::ChannelLimit, Fault::Account)),
    ("ORDERID_DUPLICATION", Query),
    ("ORDER_PAID", Query),
    ("AMT_MISMATCHED_ORDER", Query),
    ("UNPAIED_ORDER", Query),
    ("ORDERID_NOT_EXIST", Query),
    ("CMBORDERID_NOT_EXIST", Query),
];

/// `Ok`: unpaid and expired, as good as closed. `Retry`: not paid yet, the payer may still come; the table says so of CMBORDERID_NOT_EXIST
/// too, so it is no "never heard of it". That is ORDERID_NOT_EXIST, of the number we ask by; it fails nothing before the profile's time.
const QUERY: Rows = &[
    ("CMBORDERID_NOT_EXIST", Retry),
    ("ORDERID_NOT_EXIST", NotCreated),
    ("UNPAIED_ORDER", Retry),
    ("ORDERID_INVALID", Ok),
    ("ORDER_PAID", Unknown),
    ("POST_DATA_EMPTY", Unknown),
    ("UNDEFINED_PRAM", Unknown),
    ("JSON_FORMAT_ERROR", Unknown),
];

/// `Query`: it is paid. `Retry`: come again.
const UNDO: Rows = &[
    ("ORDER_PAID", Query),
    ("ORDERID_INVALID", Ok),
    ("ORDERID_NOT_EXIST", NotCreated),
    ("CMBORDERID_NOT_EXIST", NotCreated),
    ("OPERATING_FREQUENTLY", Retry),
    ("NOT_ALLOWED", Fail(Code::ChannelRefused, Fault::Request)),
    ("POST_DATA_EMPTY", Unknown),
    ("UNDEFINED_PRAM", Unknown),
    ("JSON_FORMAT_ERROR", Unknown),
];

/// Refused refunds moved nothing, and the same number may be sent again. What is short of money waits for it.
const REFUND: Rows = &[
    ("NOT_ENOUGH", Fail(Code::MerchantBalance, Fault::Account)),
    ("MCH_EXSRFN_AMOUNT_LESS", Fail(Code::MerchantBalance, Fault::Account)),
    ("MCH_FORWARD_AMOUNT_LESS", Fail(Code::MerchantBalance, Fault::Account)),
    ("TRADE_OVERDUE", Fail(Code::RefundWindowPassed, Fault::Request)),
    ("TRADESTATE_NOT_LAWFUL", Fail(Code::ChannelRefused, Fault::Request)),
    ("TXNAMT_ERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("TXNAMT_NOT_LAWFUL", Fail(Code::RequestInvalid, Fault::Request)),
    ("REFUNDAMT_ERROR", Fail(Code::RefundExceedsPaid, Fault::Request)),
    ("AMT_MISMATCHED_ORDER", Fail(Code::RequestInvalid, Fault::Request)),
    ("ORDERID_INVALID", Fail(Code::RequestInvalid, Fault::Request)),
    ("UNPAIED_ORDER", Fail(Code::ChannelRefused, Fault::Request)),
    ("ORDERID_NOT_EXIST", Fail(Code::RequestInvalid, Fault::Request)),
    ("CMBORDERID_NOT_EXIST", Fail(Code::RequestInvalid, Fault::Request)),
    ("TRADEAMOUNT_LIMITED", Fail(Code::ChannelLimit, Fault::Account)),
    ("MCH_DAILY_QUOTA_EXCEED", Fail(Code::ChannelLimit, Fault::Account)),
    ("POST_DATA_EMPTY", Fail(Code::RequestInvalid, Fault::Request)),
    ("UNDEFINED_PRAM", Fail(Code::RequestInvalid, Fault::Request)),
    ("JSON_FORMAT_ERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("MCH_RESERVED_NOT_LAWFUL", Fail(Code::RequestInvalid, Fault::Request)),
    ("ORDERID_DUPLICATION", Query),
];

/// The number is not there (yet): the profile says from when the same number may be sent again.
const REFUND_QUERY: Rows = &[("ORDERID_NOT_EXIST", NotCreated), ("CMBORDERID_NOT_EXIST", NotCreated)];

/// What a code means to a call; `None` when the pack does not list it for that call.
pub(crate) fn class(api: Api, code: &str) -> Option<Class> {
    let tables: &[Rows] = match api {
        Api::Qr => &[QR, CREATE, OURS],
        Api::Pay => &[CREATE, OURS, DOWN],
        Api::Query => &[QUERY, OURS, DOWN],
        Api::Undo => &[UNDO, OURS, DOWN],
        Api::Refund => &[REFUND, OURS, DOWN],
        Api::RefundQuery => &[REFUND_QUERY, OURS, DOWN],
        Api::Statement => &[OURS, DOWN],
    };
    find(tables, code)
}
