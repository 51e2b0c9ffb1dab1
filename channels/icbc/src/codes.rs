//! Every return code of ICBC that the pack knows (1.8), as data. The bank's full list is not public: a code that is not here is
//! *unknown*, never a failure.
//!
//! Codes are compared without leading zeros, because family A writes them as JSON numbers and family B as text.

use sluice_contract::{FailureCode as Code, Fault};
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

pub(crate) fn class(api: Api, code: &str) -> Option<Class> {
    let tables: &[Rows] = if matches!(api, Api::Refund | Api::RefundQuery) { &[REFUND, ALL] } else { &[ALL] };
    find(tables, normalise(code))
}

pub(crate) fn normalise(code: &str) -> &str {
    code.trim_start_matches('0')
}
