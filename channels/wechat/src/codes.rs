//! Every error code of WeChat Pay that we know, as data: which call, which code, what it means for the money.
//!
//! Source: pack §8.2 and §8.3. Two spellings live side by side (`SYSTEMERROR`, `SYSTEM_ERROR`), so codes are compared
//! after [`normalise`]. A code that is not listed is *unknown*, never a failure.

use sluice_contract::{FailureCode as Code, Fault};
pub(crate) use sluice_kit::codes::Class;
use sluice_kit::codes::{Rows, find};

/// The call an error answers: the same word means different things to a close and to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Create,
    Codepay,
    Query,
    Close,
    Reverse,
    Refund,
    RefundQuery,
    Bill,
    V2Micropay,
    V2Query,
    V2Reverse,
    V2Refund,
    V2RefundQuery,
}

use Class::{Config, Decline, Fail, NotCreated, Ok, Query, Retry, Unknown};

/// v3 create and codepay alike.
const PAY: Rows = &[
    ("USERPAYING", Unknown),
    ("PARAMERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("INVALIDREQUEST", Fail(Code::RequestInvalid, Fault::Request)),
    ("APPIDMCHIDNOTMATCH", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("MCHNOTEXISTS", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("ORDERCLOSED", Fail(Code::OrderClosed, Fault::Request)),
    ("SIGNERROR", Config),
    ("TRADEERROR", Fail(Code::ChannelRefused, Fault::Payer)),
    ("RULELIMIT", Fail(Code::ChannelLimit, Fault::Account)),
    ("OUTTRADENOUSED", Query),
    ("ORDERPAID", Query),
    ("NOTENOUGH", Fail(Code::InsufficientFunds, Fault::Payer)),
    ("NOAUTH", Config),
    ("ACCOUNTERROR", Fail(Code::PayerAccount, Fault::Payer)),
    ("ORDERNOTEXIST", Query),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    ("SYSTEMERROR", Unknown),
    ("BANKERROR", Unknown),
    ("OPENIDMISMATCH", Fail(Code::PayerMismatch, Fault::Request)),
    ("INVALIDTRANSACTIONID", Fail(Code::RequestInvalid, Fault::Request)),
];

/// v3 codepay only, looked up before [`PAY`]. The page's own list for a bad barcode was not reachable: the v2 codes are
/// expected (UNCONFIRMED), so they are listed in both spellings of "expired".
const CODEPAY: Rows = &[
    ("TRADEERROR", Decline(Code::ChannelRefused, Fault::Payer)),
    ("PAYERROR", Decline(Code::PayerDeclined, Fault::Payer)),
    ("AUTHCODEEXPIRE", Fail(Code::AuthCodeExpired, Fault::Payer)),
    ("AUTHCODEEXPIRED", Fail(Code::AuthCodeExpired, Fault::Payer)),
    ("AUTHCODEERROR", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("AUTHCODEINVALID", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("NOTSUPORTCARD", Fail(Code::CardNotSupported, Fault::Payer)),
    ("BUYERMISMATCH", Fail(Code::PayerMismatch, Fault::Payer)),
    ("ORDERREVERSED", Fail(Code::OrderClosed, Fault::Request)),
];

const QUERY: Rows = &[
    ("ORDERNOTEXIST", NotCreated),
    ("SYSTEMERROR", Retry),
    ("BANKERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
    ("MCHNOTEXISTS", Config),
    ("APPIDMCHIDNOTMATCH", Config),
];

const CLOSE: Rows = &[
    ("USERPAYING", Unknown),
    ("ORDERCLOSED", Ok),
    ("INVALIDREQUEST", Query),
    ("ORDERPAID", Query),
    ("TRADEERROR", Query),
    ("SYSTEMERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    // The create may still be in flight: `NotFound` is for a query to say.
    ("ORDERNOTEXIST", Query),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
];

/// v3 and v2 reversal. v3's own list is not in the pack; the rows are those of v2 and of close.
const REVERSE: Rows = &[
    ("USERPAYING", Retry),
    ("SYSTEMERROR", Retry),
    ("BANKERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    // Older than seven days: a refund is the way.
    ("REVERSEEXPIRE", Fail(Code::ChannelRefused, Fault::Request)),
    ("ORDERREVERSED", Ok),
    ("ORDERCLOSED", Ok),
    ("TRADEERROR", Query),
    ("INVALIDREQUEST", Query),
    ("ORDERNOTEXIST", NotCreated),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
];

const REFUND: Rows = &[
    ("SYSTEMERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    ("NOTENOUGH", Fail(Code::MerchantBalance, Fault::Account)),
    ("USERACCOUNTABNORMAL", Fail(Code::PayerAccount, Fault::Payer)),
    ("NOAUTH", Config),
    ("PARAMERROR", Fail(Code::RequestInvalid, Fault::Request)),
    // Over the remainder, older than a year, or the number was used with other parameters.
    ("INVALIDREQUEST", Query),
    ("MCHNOTEXISTS", Config),
    // Right after a payment the order may not be there yet (pack §6.2).
    ("RESOURCENOTEXISTS", Query),
    ("SIGNERROR", Config),
    ("REQUESTBLOCKED", Fail(Code::ChannelRefused, Fault::Account)),
];

const REFUND_QUERY: Rows = &[
    ("RESOURCENOTEXISTS", NotCreated),
    ("REFUNDNOTEXIST", NotCreated),
    ("SYSTEMERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
    ("MCHNOTEXISTS", Config),
];

const BILL: Rows = &[
    ("NOSTATEMENTEXIST", Fail(Code::RequestInvalid, Fault::Request)),
    ("STATEMENTCREATING", Retry),
    ("SYSTEMERROR", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("RATELIMITEXCEEDED", Retry),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
];

const V2_MICROPAY: Rows = &[
    ("SYSTEMERROR", Unknown),
    ("BANKERROR", Unknown),
    ("USERPAYING", Unknown),
    ("ORDERPAID", Query),
    ("OUTTRADENOUSED", Query),
    ("PARAMERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("INVALIDREQUEST", Fail(Code::RequestInvalid, Fault::Request)),
    ("XMLFORMATERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("REQUIREPOSTMETHOD", Fail(Code::RequestInvalid, Fault::Request)),
    // The official table prints the payment state of these two as unknown.
    ("LACKPARAMS", Decline(Code::RequestInvalid, Fault::Request)),
    ("NOTUTF8", Decline(Code::RequestInvalid, Fault::Request)),
    ("NOAUTH", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("SIGNERROR", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("APPIDNOTEXIST", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("MCHIDNOTEXIST", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("APPIDMCHIDNOTMATCH", Fail(Code::ChannelConfiguration, Fault::Account)),
    ("AUTHCODEEXPIRE", Fail(Code::AuthCodeExpired, Fault::Payer)),
    ("AUTHCODEEXPIRED", Fail(Code::AuthCodeExpired, Fault::Payer)),
    ("AUTHCODEERROR", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("AUTHCODEINVALID", Fail(Code::AuthCodeInvalid, Fault::Payer)),
    ("NOTENOUGH", Fail(Code::InsufficientFunds, Fault::Payer)),
    ("NOTSUPORTCARD", Fail(Code::CardNotSupported, Fault::Payer)),
    ("BUYERMISMATCH", Fail(Code::PayerMismatch, Fault::Payer)),
    ("ORDERCLOSED", Fail(Code::OrderClosed, Fault::Request)),
    ("ORDERREVERSED", Fail(Code::OrderClosed, Fault::Request)),
    ("TRADEERROR", Decline(Code::ChannelRefused, Fault::Payer)),
    ("PAYERROR", Decline(Code::PayerDeclined, Fault::Payer)),
];

const V2_REFUND: Rows = &[
    ("SYSTEMERROR", Retry),
    ("BIZERRNEEDRETRY", Retry),
    ("FREQUENCYLIMITED", Retry),
    ("INVALIDREQTOOMUCH", Retry),
    ("NOTENOUGH", Fail(Code::MerchantBalance, Fault::Account)),
    ("USERACCOUNTABNORMAL", Fail(Code::PayerAccount, Fault::Payer)),
    ("TRADEOVERDUE", Fail(Code::RefundWindowPassed, Fault::Request)),
    ("PARAMERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("XMLFORMATERROR", Fail(Code::RequestInvalid, Fault::Request)),
    ("REQUIREPOSTMETHOD", Fail(Code::RequestInvalid, Fault::Request)),
    ("ERROR", Query),
    ("INVALIDTRANSACTIONID", Query),
    ("ORDERNOTEXIST", Query),
    ("INVALIDREQUEST", Query),
    ("SIGNERROR", Config),
    ("NOAUTH", Config),
    ("APPIDNOTEXIST", Config),
    ("MCHIDNOTEXIST", Config),
];

/// Upper case without `_`: both spellings of a code become one.
pub(crate) fn normalise(code: &str) -> String {
    code.chars().filter(|c| *c != '_').map(|c| c.to_ascii_uppercase()).collect()
}

/// What a code means to a call; `None` when the pack does not list it.
pub(crate) fn class(api: Api, code: &str) -> Option<Class> {
    let tables: &[Rows] = match api {
        Api::Create => &[PAY],
        Api::Codepay => &[CODEPAY, PAY],
        Api::Query | Api::V2Query => &[QUERY],
        Api::Close => &[CLOSE],
        Api::Reverse | Api::V2Reverse => &[REVERSE],
        Api::Refund => &[REFUND],
        Api::RefundQuery | Api::V2RefundQuery => &[REFUND_QUERY],
        Api::Bill => &[BILL],
        Api::V2Micropay => &[V2_MICROPAY],
        Api::V2Refund => &[V2_REFUND],
    };
    find(tables, &normalise(code))
}
