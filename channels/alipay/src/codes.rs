//! Tables: the product of each method, who bears a fund, and every error code of Alipay that we know: which call, which code, what it
//! means for the money.
//!
//! Source: pack §3.2, §3.3 and §13. A sub_code is compared by its tail ([`normalise`]), for its prefix varies (`ACQ.`, `aop.ACQ.`,
//! the misspelt `AQC.`). The gateway's own errors are known by their `code`. What is not listed is *unknown*, never a failure.

use sluice_contract::{DiscountKind, FailureCode as Code, Fault, FundedBy, Method};
pub(crate) use sluice_kit::codes::Class;
use sluice_kit::codes::{Rows, find};

/// The call an error answers: the same word means different things to a close and to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Pay,
    Precreate,
    Create,
    Query,
    Cancel,
    Close,
    Refund,
    RefundQuery,
    Bill,
    Oauth,
    Token,
    Certificate,
}

/// The call that places an order, and what the pack gives as its product (§2). For QR it names two: the face-to-face default stands here,
/// `QR_CODE_OFFLINE` (订单码) is a setting. That JSAPI takes `JSAPI_PAY` instead is UNCONFIRMED. WAP, page and APP are only signed.
pub(crate) const PRODUCTS: [(Method, &str, &str, Option<Api>); 6] = [
    (Method::AlipayQr, "alipay.trade.precreate", "FACE_TO_FACE_PAYMENT", Some(Api::Precreate)),
    (Method::AlipayBarcode, "alipay.trade.pay", "FACE_TO_FACE_PAYMENT", Some(Api::Pay)),
    (Method::AlipayJsapi, "alipay.trade.create", "FACE_TO_FACE_PAYMENT", Some(Api::Create)),
    (Method::AlipayWap, "alipay.trade.wap.pay", "QUICK_WAP_WAY", None),
    (Method::AlipayPage, "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", None),
    (Method::AlipayApp, "alipay.trade.app.pay", "QUICK_MSECURITY_PAY", None),
];

pub(crate) type Bearer = (DiscountKind, FundedBy);

/// Who bears a fund of these channels (pack §6); the payer's own money is nobody's discount. The list is open.
pub(crate) const FUNDS: [(&[&str], Option<Bearer>); 4] = [
    (&["ALIPAYACCOUNT", "PCARD", "MCARD", "PCREDIT", "BANKCARD"], None),
    (&["COUPON", "DISCOUNT"], Some((DiscountKind::Coupon, FundedBy::Channel))),
    (&["POINT"], Some((DiscountKind::Points, FundedBy::Channel))),
    (&["MDISCOUNT", "MCOUPON"], Some((DiscountKind::Merchant, FundedBy::Merchant))),
];

use Class::{Config, Decline, Fail, NotCreated, Query, Retry, Unknown};

/// The gateway's `code`, whatever its sub_code: none of these created anything but 20000 and 10003.
const GATEWAY: Rows = &[
    ("10003", Unknown),
    ("20000", Unknown),
    ("20001", Config),
    ("40001", Config),
    ("40002", Config),
    ("40003", Config),
    // Throttled: back off, and to a money question it is unknown.
    ("40005", Retry),
    ("40006", Config),
];

/// Said by any of the trade APIs.
const ALL: Rows =
    &[("INVALID_PARAMETER", Fail(Code::RequestInvalid, Fault::Request)), ("ACCESS_FORBIDDEN", Config), ("PARTNER_ERROR", Config)];

/// Of pay, precreate and create: try again under the same number is no cure, ask.
const BUSY_ORDER: Rows = &[("SYSTEM_ERROR", Unknown), ("ENTERPRISE_PAY_BIZ_ERROR", Unknown)];

/// Of everything else: the same call again.
const BUSY_LATER: Rows = &[("SYSTEM_ERROR", Retry), ("ENTERPRISE_PAY_BIZ_ERROR", Retry)];

/// Pay, precreate and create alike.
const ORDER: Rows = &[
    ("TRADE_HAS_SUCCESS", Query),
    ("TRADE_HAS_CLOSE", Query),
    ("CONTEXT_INCONSISTENT", Query),
    ("TRADE_BUYER_NOT_MATCH", Query),
    ("EXIST_FORBIDDEN_WORD", Fail(Code::RequestInvalid, Fault::Request)),
    ("TOTAL_FEE_EXCEED", Fail(Code::RequestInvalid, Fault::Request)),
    ("NOW_TIME_AFTER_EXPIRE_TIME_ERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("SUB_GOODS_SIZE_MAX_COUNT", Fail(Code::RequestInvalid, Fault::Request)),
    ("INVALID_STORE_ID", Fail(Code::RequestInvalid, Fault::Request)),
    ("BUYER_SELLER_EQUAL", Fail(Code::PayerAccount, Fault::Payer)),
    ("BUYER_NOT_EXIST", Fail(Code::PayerAccount, Fault::Payer)),
    ("PAYER_UNMATCHED", Fail(Code::PayerMismatch, Fault::Payer)),
    ("BUYER_ENABLE_STATUS_FORBID", Fail(Code::PayerAccount, Fault::Payer)),
    ("ERROR_BUYER_CERTIFY_LEVEL_LIMIT", Fail(Code::PayerAccount, Fault::Payer)),
    ("BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", Fail(Code::PayerAccount, Fault::Payer)),
    ("BUYER_PAYMENT_AMOUNT_MONTH_LIMIT_ERROR", Fail(Code::PayerAccount, Fault::Payer)),
    ("BEYOND_PAY_RESTRICTION", LIMIT),
    ("BEYOND_PER_RECEIPT_RESTRICTION", LIMIT),
    ("BEYOND_PER_RECEIPT_DAY_RESTRICTION", LIMIT),
    ("BEYOND_PER_RECEIPT_SINGLE_RESTRICTION", LIMIT),
    ("MERCHANT_PERM_RECEIPT_SUSPEND_LIMIT", LIMIT),
    ("MERCHANT_PERM_RECEIPT_SINGLE_LIMIT", LIMIT),
    ("MERCHANT_PERM_RECEIPT_DAY_LIMIT", LIMIT),
    ("PRODUCT_AMOUNT_LIMIT_ERROR", LIMIT),
    ("SELLER_BEEN_BLOCKED", UNUSABLE),
    ("SELLER_NOT_EXIST", UNUSABLE),
    ("MERCHANT_STATUS_NOT_NORMAL", UNUSABLE),
    ("INVALID_RECEIVE_ACCOUNT", UNUSABLE),
    ("TRADE_SETTLE_ERROR", UNUSABLE),
    ("RISK_MERCHANT_IP_NOT_EXIST", UNUSABLE),
];

/// Families of pay, precreate and create that the pack gives by their beginning.
const ORDER_FAMILIES: Rows = &[("MERCHANT_AGREEMENT_", UNUSABLE), ("SECONDARY_MERCHANT_", UNUSABLE), ("SUB_MERCHANT_", UNUSABLE)];

/// A limit of the merchant at Alipay: another account may take the order.
const LIMIT: Class = Fail(Code::ChannelLimit, Fault::Account);
/// The account cannot be used: an alarm.
const UNUSABLE: Class = Fail(Code::ChannelConfiguration, Fault::Account);

/// A code was asked for before: it may be in a payer's hands.
const PRECREATE: Rows = &[("APPLY_PC_MERCHANT_CODE_ERROR", Query)];

/// Refused, but a pending trade may exist: it is undone before it may be called failed.
const PAY: Rows = &[
    ("PAYMENT_AUTH_CODE_INVALID", Decline(Code::AuthCodeInvalid, Fault::Payer)),
    ("PULL_MOBILE_CASHIER_FAIL", Decline(Code::PayerDeclined, Fault::Payer)),
    ("USER_FACE_PAYMENT_SWITCH_OFF", Decline(Code::PayerAccount, Fault::Payer)),
    ("MOBILE_PAYMENT_SWITCH_OFF", Decline(Code::PayerAccount, Fault::Payer)),
    ("BUYER_BALANCE_NOT_ENOUGH", Decline(Code::InsufficientFunds, Fault::Payer)),
    ("BUYER_BANKCARD_BALANCE_NOT_ENOUGH", Decline(Code::InsufficientFunds, Fault::Payer)),
    ("ERROR_BALANCE_PAYMENT_DISABLE", Decline(Code::PayerAccount, Fault::Payer)),
    ("NO_PAYMENT_INSTRUMENTS_AVAILABLE", Decline(Code::PayerAccount, Fault::Payer)),
    ("PAYMENT_REQUEST_HAS_RISK", Decline(Code::ChannelRefused, Fault::Payer)),
    ("PAYMENT_FAIL", Decline(Code::PayerDeclined, Fault::Payer)),
];

const QUERY: Rows = &[("TRADE_NOT_EXIST", NotCreated)];

const CANCEL: Rows = &[
    // Again later: the merchant's balance is to be topped up.
    ("SELLER_BALANCE_NOT_ENOUGH", Retry),
    ("REASON_TRADE_BEEN_FREEZEN", Fail(Code::ChannelRefused, Fault::Account)),
    ("CANCEL_NOT_ALLOWED", Fail(Code::ChannelRefused, Fault::Request)),
    // Never again by a cancel; the query says whether there is something to refund.
    ("TRADE_CANCEL_TIME_OUT", Fail(Code::ChannelRefused, Fault::Request)),
    ("TRADE_HAS_FINISHED", Fail(Code::ChannelRefused, Fault::Request)),
    ("REASON_TRADE_REFUND_FEE_ERR", Query),
];

const CLOSE: Rows = &[
    ("TRADE_NOT_EXIST", NotCreated),
    ("TRADE_STATUS_ERROR", Query),
    ("REASON_TRADE_STATUS_INVALID", Query),
    ("REASON_ILLEGAL_STATUS", Query),
];

const REFUND: Rows = &[
    ("SELLER_BALANCE_NOT_ENOUGH", Fail(Code::MerchantBalance, Fault::Account)),
    ("DISCORDANT_REPEAT_REQUEST", Fail(Code::RequestInvalid, Fault::Request)),
    ("REFUND_AMT_NOT_EQUAL_TOTAL", Fail(Code::RefundExceedsPaid, Fault::Request)),
    ("REASON_TRADE_REFUND_FEE_ERR", Fail(Code::RefundExceedsPaid, Fault::Request)),
    ("REFUND_FEE_ERROR", Fail(Code::RefundExceedsPaid, Fault::Request)),
    ("TRADE_HAS_FINISHED", Fail(Code::RefundWindowPassed, Fault::Request)),
    ("TRADE_HAS_CLOSE", Fail(Code::RefundClosed, Fault::Request)),
    ("TRADE_STATUS_ERROR", Fail(Code::RefundClosed, Fault::Request)),
    ("REASON_TRADE_STATUS_INVALID", Fail(Code::RefundClosed, Fault::Request)),
    ("TRADE_NOT_EXIST", Fail(Code::RequestInvalid, Fault::Request)),
    ("TRADE_NOT_ALLOW_REFUND", Fail(Code::ChannelRefused, Fault::Account)),
    ("NOT_ALLOW_PARTIAL_REFUND", Fail(Code::ChannelRefused, Fault::Request)),
    ("ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND", Fail(Code::ChannelRefused, Fault::Request)),
    ("BUYER_ENABLE_STATUS_FORBID", Fail(Code::PayerAccount, Fault::Payer)),
    ("BUYER_NOT_EXIST", Fail(Code::PayerAccount, Fault::Payer)),
    ("BUYER_ERROR", Fail(Code::PayerAccount, Fault::Payer)),
    // These need a person; no money moved.
    ("REASON_TRADE_BEEN_FREEZEN", Fail(Code::ChannelRefused, Fault::Account)),
    ("ALLOC_AMOUNT_VALIDATE_ERROR", Fail(Code::ChannelRefused, Fault::Account)),
    ("REFUNDALLOC_UNAUTH_LIMIT", Fail(Code::ChannelRefused, Fault::Account)),
    ("TRADE_SETTLE_ERROR", Fail(Code::ChannelRefused, Fault::Account)),
];

/// Without a trade there is no refund.
const REFUND_QUERY: Rows = &[("TRADE_NOT_EXIST", NotCreated)];

/// The gateway and its specification spell them differently (pack §2.10).
const BILL: Rows = &[
    ("NO_BILL_DATA", NotCreated),
    ("BILL_NOT_EXIST", NotCreated),
    // Asked for today.
    ("INVAILID_ARGUMENTS", Query),
    ("INVALID_ARGUMENTS", Query),
    ("BILL_DATE_BEFORE_REGISTRATION", Fail(Code::RequestInvalid, Fault::Request)),
    ("TYPE_NOT_SUPPORTED", Config),
    ("UNKNOWN_ERROR", Retry),
    ("SYSTEM_ERROR", Retry),
];

const OAUTH: Rows = &[
    // Wrong, used, expired or another app's: they look alike.
    ("CODE_INVALID", Query),
    ("UNMATCHED_APP_ID", Config),
    ("GRANT_TYPE_INVALID", Config),
    ("UNKNOW_ERROR", Retry),
];

const TOKEN: Rows = &[
    ("REFRESH_TOKEN_INVALID", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("REFRESH_TOKEN_TIME_OUT", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("REFRESHED_TOKEN_INVALID", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("UNMATCHED_APP_ID", Config),
    ("GRANT_TYPE_INVALID", Config),
    ("UNKNOW_ERROR", Retry),
];

/// The last word, upper case, with `_`.
pub(crate) fn normalise(code: &str) -> String {
    let tail = code.rsplit('.').next().unwrap_or_default();
    tail.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_uppercase() }).collect()
}

/// What an error means to a call; `None` when the pack does not list it.
pub(crate) fn class(api: Api, code: &str, sub_code: &str) -> Option<Class> {
    let tables: &[Rows] = match api {
        Api::Pay => &[PAY, ORDER, BUSY_ORDER, ALL],
        Api::Precreate => &[PRECREATE, ORDER, BUSY_ORDER, ALL],
        Api::Create => &[ORDER, BUSY_ORDER, ALL],
        Api::Query => &[QUERY, BUSY_LATER, ALL],
        Api::Cancel => &[CANCEL, BUSY_LATER, ALL],
        Api::Close => &[CLOSE, BUSY_LATER, ALL],
        Api::Refund => &[REFUND, BUSY_LATER, ALL],
        Api::RefundQuery => &[REFUND_QUERY, BUSY_LATER, ALL],
        Api::Bill => &[BILL],
        Api::Oauth => &[OAUTH],
        Api::Token => &[TOKEN],
        Api::Certificate => &[],
    };
    let sub = normalise(sub_code);
    let is_order = matches!(api, Api::Pay | Api::Precreate | Api::Create);
    let family = || ORDER_FAMILIES.iter().find(|(start, _)| is_order && sub.starts_with(start)).map(|(_, class)| *class);
    // A definite word on top of "unknown" or "pending": Alipay does not know what it says.
    let sub_class = find(tables, &sub).or_else(family).filter(|class| code == "40004" || !is_definite(*class) || api_is_own(api));
    sub_class.or_else(|| find(&[GATEWAY], code))
}

const fn is_definite(class: Class) -> bool {
    matches!(class, Fail(..) | Decline(..) | NotCreated)
}

/// Whose codes stand beside other numbers than 40004 (pack §2.10, §13: UNCONFIRMED which).
const fn api_is_own(api: Api) -> bool {
    matches!(api, Api::Bill | Api::Oauth | Api::Token)
}
