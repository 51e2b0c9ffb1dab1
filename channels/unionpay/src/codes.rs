//! The pack's tables, as data: which codes each method travels under (§2), and every response code (§4), by call, with what it means
//! for the money.
//!
//! A code that is not listed is *unknown* on every call, and a listed "n/a" or "-" is unknown too: the pack promises nothing
//! there. respMsg ends with a detail code of its own, which is told and never parsed.

use sluice_contract::{FailureCode as Code, Fault, Method};
pub(crate) use sluice_kit::codes::Class;
pub(crate) use sluice_kit::codes::failure;
use sluice_kit::codes::{Rows, find};

/// The addresses of the gateway.
pub(crate) const FRONT: &str = "/gateway/api/frontTransReq.do";
pub(crate) const BACK: &str = "/gateway/api/backTransReq.do";
pub(crate) const QUERY_PATH: &str = "/gateway/api/queryTrans.do";
const APP: &str = "/gateway/api/appTransReq.do";

/// A consume (txnType 01) of one method.
pub(crate) struct Product {
    pub(crate) method: Method,
    /// For logs and the trail.
    pub(crate) api: &'static str,
    pub(crate) path: &'static str,
    pub(crate) sub_type: &'static str,
    pub(crate) biz_type: &'static str,
    pub(crate) channel_type: &'static str,
    /// The reply's field that the payer needs; empty when there is none.
    pub(crate) brings: &'static str,
}

/// Every method of this channel. Of the two app bizTypes in the wild we take that of the official demo.
pub(crate) const PRODUCTS: &[Product] = &[
    Product {
        method: Method::UnionpayQr,
        api: "qr.apply",
        path: BACK,
        sub_type: "07",
        biz_type: "000000",
        channel_type: "08",
        brings: "qrCode",
    },
    Product {
        method: Method::UnionpayBarcode,
        api: "qr.consume",
        path: BACK,
        sub_type: "06",
        biz_type: "000000",
        channel_type: "08",
        brings: "",
    },
    Product {
        method: Method::UnionpayWeb,
        api: "front.web",
        path: FRONT,
        sub_type: "01",
        biz_type: "000201",
        channel_type: "07",
        brings: "",
    },
    Product {
        method: Method::UnionpayWap,
        api: "front.wap",
        path: FRONT,
        sub_type: "01",
        biz_type: "000201",
        channel_type: "08",
        brings: "",
    },
    Product {
        method: Method::UnionpayApp,
        api: "app.order",
        path: APP,
        sub_type: "01",
        biz_type: "000201",
        channel_type: "08",
        brings: "tn",
    },
    Product {
        method: Method::UnionpayB2b,
        api: "front.b2b",
        path: FRONT,
        sub_type: "01",
        biz_type: "000202",
        channel_type: "07",
        brings: "",
    },
];

/// What a code answers: a call, or the state of a transaction inside a query's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Pay,
    /// respCode of a query: whether the query itself worked.
    Query,
    /// origRespCode: what became of a payment.
    Paid,
    Refund,
    /// origRespCode: what became of a refund or an undo.
    Refunded,
    Reverse,
    /// Statement and certificate calls.
    Other,
}

use Class::{Config, Fail, NotCreated, Ok, Query, Retry, Unknown};

/// The payer is still at it (pack §4): keep waiting.
pub(crate) const WAITING: &str = "70";
/// Debited after the allowed time: UnionPay returns net-bank late money itself.
pub(crate) const LATE: &str = "42";
/// Success with a defect: as success, flagged for reconciliation.
pub(crate) const DEFECTIVE: &str = "A6";
/// Already reversed.
pub(crate) const REVERSED: &str = "46";
/// See the statement: no later time makes this code an end.
pub(crate) const STATEMENT_DECIDES: &str = "04";

/// Money calls, and what the other tables do not say.
const MONEY: Rows = &[
    ("00", Ok),
    ("A6", Ok),
    ("01", Fail(Code::ChannelRefused, Fault::Payer)),
    ("02", Fail(Code::ChannelUnavailable, Fault::Account)),
    ("03", Unknown),
    ("04", Unknown),
    ("05", Unknown),
    ("06", Unknown),
    ("10", Fail(Code::RequestInvalid, Fault::Request)),
    ("11", Config),
    ("12", Query),
    ("13", Fail(Code::RequestInvalid, Fault::Request)),
    ("14", Unknown),
    ("30", Fail(Code::ChannelRefused, Fault::Payer)),
    ("31", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("32", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("33", Fail(Code::ChannelLimit, Fault::Account)),
    ("34", Query),
    ("35", Query),
    ("36", Fail(Code::RequestInvalid, Fault::Request)),
    ("37", Retry),
    ("38", Fail(Code::ChannelRefused, Fault::Payer)),
    ("39", Fail(Code::ChannelUnavailable, Fault::Account)),
    ("40", Unknown),
    ("41", Unknown),
    ("42", Query),
    ("43", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("44", Fail(Code::CardNotSupported, Fault::Payer)),
    ("45", Query),
    ("46", Query),
    ("60", Fail(Code::ChannelRefused, Fault::Payer)),
    ("61", Fail(Code::ChannelRefused, Fault::Payer)),
    ("62", Fail(Code::ChannelRefused, Fault::Payer)),
    ("63", Fail(Code::PayerAccount, Fault::Payer)),
    ("64", Fail(Code::InsufficientFunds, Fault::Payer)),
    ("65", Fail(Code::PayerDeclined, Fault::Payer)),
    ("66", Fail(Code::PayerMismatch, Fault::Payer)),
    ("67", Fail(Code::PayerDeclined, Fault::Payer)),
    ("68", Fail(Code::ChannelRefused, Fault::Payer)),
    ("69", Unknown),
    ("70", Unknown),
    ("71", Unknown),
    ("73", Fail(Code::PayerAccount, Fault::Payer)),
    ("77", Fail(Code::CardNotSupported, Fault::Payer)),
    ("78", Fail(Code::ChannelLimit, Fault::Payer)),
    ("79", Fail(Code::ChannelRefused, Fault::Payer)),
    ("80", Fail(Code::ChannelRefused, Fault::Payer)),
    ("81", Fail(Code::ChannelLimit, Fault::Payer)),
    ("82", Fail(Code::PayerDeclined, Fault::Payer)),
    ("83", Unknown),
    ("85", Fail(Code::ChannelRefused, Fault::Payer)),
    ("86", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("87", Fail(Code::ChannelLimit, Fault::Payer)),
    ("88", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("89", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("98", Unknown),
    ("99", Unknown),
];

/// The query itself. Only 00 and 34 say anything about the transaction; every refusal is about our question.
const QUERY: Rows = &[("A6", Unknown), ("34", NotCreated), ("10", Config), ("13", Config), ("31", Config), ("32", Config), ("43", Config)];

/// A transaction's own state: codes that refuse a message never became a transaction, so here they say nothing.
const STATE: Rows = &[("10", Unknown), ("11", Unknown), ("12", Unknown), ("13", Unknown), ("34", Unknown), ("36", Unknown)];

const PAID: Rows = &[("42", Ok)];

/// The original is missing, in a wrong state or too old (35), or differs (36).
const REFUND: Rows = &[
    ("35", Fail(Code::ChannelRefused, Fault::Request)),
    ("36", Fail(Code::RefundExceedsPaid, Fault::Request)),
    // Refunded or undone already: which of our refunds it was is to be found out.
    ("45", Query),
    ("60", Fail(Code::ChannelRefused, Fault::Payer)),
    ("64", Fail(Code::ChannelRefused, Fault::Account)),
    ("65", Fail(Code::ChannelRefused, Fault::Payer)),
    ("66", Fail(Code::ChannelRefused, Fault::Payer)),
    ("67", Fail(Code::ChannelRefused, Fault::Payer)),
];

/// Asked about itself, a refund that lost to another has failed.
const REFUNDED: Rows = &[("45", Fail(Code::RefundExceedsPaid, Fault::Request)), ("36", Fail(Code::RefundExceedsPaid, Fault::Request))];

const REVERSE: Rows = &[("46", Ok), ("34", NotCreated), ("35", Fail(Code::ChannelRefused, Fault::Request)), ("12", Retry)];

const OTHER: Rows = &[("98", Retry), ("A6", Unknown)];

/// What a code means to a call; `None` when the pack does not list it.
pub(crate) fn class(api: Api, code: &str) -> Option<Class> {
    let tables: &[Rows] = match api {
        Api::Pay => &[MONEY],
        Api::Query => &[QUERY, MONEY],
        Api::Paid => &[PAID, STATE, MONEY],
        Api::Refund => &[REFUND, MONEY],
        Api::Refunded => &[REFUNDED, STATE, REFUND, MONEY],
        Api::Reverse => &[REVERSE, MONEY],
        Api::Other => &[OTHER, MONEY],
    };
    find(tables, code)
}
