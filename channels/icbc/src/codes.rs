//! The pack's tables, as data: every return code that it knows (1.8), the digits of a payment's state (1.6), and the codes under which
//! other wallets' methods travel (1.7). The bank's full list is not public: a code that is not here is *unknown*, never a failure.
//!
//! Codes are compared without leading zeros, because family A writes them as JSON numbers and family B as text.

use crate::config::Family;
use crate::trade::State;
use sluice_contract::{FailureCode as Code, Fault, Method};
pub(crate) use sluice_kit::codes::Class;
pub(crate) use sluice_kit::codes::failure;
use sluice_kit::codes::{Rows, find};

/// The call a code answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Pay,
    Query,
    Undo,
    Refund,
    RefundQuery,
}

/// Refunds only, looked up first. `00070038`, pending, is as good as accepted.
const REFUND: Rows = &[("70038", Class::Ok)];

const ALL: Rows = &[
    // The third party is still unpaid: keep asking.
    ("20000002", Class::Unknown),
    ("12001081", Class::NotCreated),
    ("5940021", Class::NotCreated),
    ("5940022", Class::NotCreated),
    // Refunded already.
    ("93008595", Class::Query),
    ("5920006", Class::Query),
    // 00070038: a refund is pending.
    ("70038", Class::Unknown),
    // 00005031: ordered already, not again.
    ("5031", Class::Query),
    ("400011", Class::Fail(Code::RequestInvalid, Fault::Request)),
    ("400017", Class::Config),
    // One client takes it for "closed": UNCONFIRMED, see the setting `code_400019`.
    ("400019", Class::Unknown),
    // "The parameter needs URL encoding": UNCONFIRMED.
    ("85502", Class::Unknown),
];

/// `pay_status`. The same digit means opposite things in the two families; 3 to 7 of family A come from one source.
pub(crate) const STATES: &[(Family, &str, State)] = &[
    (Family::A, "0", State::Paying),
    (Family::A, "1", State::Paid),
    (Family::A, "2", State::Failed),
    (Family::A, "3", State::Revoked),
    (Family::A, "4", State::Revoking),
    (Family::A, "5", State::Refunded),
    (Family::A, "6", State::PartlyRefunded),
    (Family::A, "7", State::Refunding),
    (Family::B, "0", State::Paid),
    (Family::B, "1", State::Failed),
    (Family::B, "2", State::Unsure),
];

/// `pay_mode` and `access_type` of the methods that `consumepurchase` carries.
pub(crate) const PURCHASES: &[(Method, &str, &str)] = &[
    (Method::WechatJsapi, "9", "7"),
    (Method::WechatMini, "9", "9"),
    (Method::WechatApp, "9", "5"),
    (Method::AlipayJsapi, "10", "8"),
    (Method::UnionpayApp, "13", "5"),
];

pub(crate) fn class(api: Api, code: &str) -> Option<Class> {
    let tables: &[Rows] = if matches!(api, Api::Refund | Api::RefundQuery) { &[REFUND, ALL] } else { &[ALL] };
    find(tables, normalise(code))
}

pub(crate) fn normalise(code: &str) -> &str {
    code.trim_start_matches('0')
}
