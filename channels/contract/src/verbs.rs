//! What a channel may answer. `Unknown` is a value, not an error: an unreadable, unsigned or unlisted reply to a money
//! request means *maybe*, and somebody owns finding out.

use crate::channel::Notes;
use crate::method::{Wallet, words};
use crate::money::Fen;
use crate::time::Second;
use crate::wire::Exchange;
use serde::{Deserialize, Serialize};

/// What a verb leads to before anything was sent.
#[derive(Debug)]
pub enum Step<T> {
    Send(Exchange<T>),
    /// No exchange is needed: a browser form, an app string.
    Done(T),
    /// Provably nothing was sent.
    Refused(Refusal),
}

/// What a reply leads to.
#[derive(Debug)]
pub enum Reading<T> {
    Is(T),
    /// Another exchange is needed: a link and then its file.
    Then(Exchange<T>),
    /// The reply cannot be judged without a key we do not hold: keep it, renew, read it again.
    NeedKeys(KeyHint),
}

/// Facts a channel told that later verbs need (its trade number, a query id). Merged into the attempt, newest wins.
pub type Handles = Notes;

/// The outcome of a payment, by pay or by query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pay {
    Paid(Payment),
    /// Not paid yet; what the payer has to do.
    Waiting(Action, Handles),
    Closed,
    /// Undone at the channel, whatever it was before.
    Reversed,
    /// Definite: the channel took nothing and will take nothing under this number.
    Failed(Failure),
    /// The channel does not know the number (yet): see `Profile` on when that is a definite no.
    NotFound,
    Unknown(Why),
}

/// Its `Debug` shows no payer id.
#[derive(Clone, PartialEq, Eq)]
pub struct Payment {
    /// What the order's money claim is, before discounts. Compared with ours by [`Claims::contradiction`].
    pub amount: Fen,
    /// What left the payer's pocket; `None` when the channel does not tell.
    pub payer_amount: Option<Fen>,
    pub discounts: Vec<Discount>,
    pub wallet: Option<Wallet>,
    /// Payer ids by the API's names (`openid`, `buyer_id`, …). Sealed at rest, never logged.
    pub payer: Notes,
    pub channel_trade_no: Option<String>,
    pub paid_at: Option<Second>,
    /// `YYYY-MM-DD`, where the channel tells its own day.
    pub settle_date: Option<String>,
    /// The channel gives late money back itself: hold it as a case, never refund it.
    pub channel_returns: bool,
    pub handles: Handles,
}

impl Payment {
    /// A payment of this amount of which the channel has told nothing else.
    #[must_use]
    pub fn of(amount: Fen) -> Payment {
        Payment {
            amount,
            payer_amount: None,
            discounts: Vec::new(),
            wallet: None,
            payer: Notes::new(),
            channel_trade_no: None,
            paid_at: None,
            settle_date: None,
            channel_returns: false,
            handles: Handles::new(),
        }
    }
}

impl std::fmt::Debug for Payment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payment").field("amount", &self.amount).field("channel_trade_no", &self.channel_trade_no).finish_non_exhaustive()
    }
}

words! {
    DiscountKind { Coupon = "coupon", Points = "points", Bank = "bank_discount", Merchant = "merchant_discount" }
}
words! {
    FundedBy { Channel = "channel", Bank = "bank", Merchant = "merchant" }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    pub kind: DiscountKind,
    pub funded_by: FundedBy,
    pub amount: Fen,
}

/// What the payer's side has to do now. Serialises as the API's `action`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    None,
    QrCode {
        content: String,
    },
    Redirect {
        url: String,
    },
    Form {
        url: String,
        fields: Notes,
    },
    Jsapi {
        params: Notes,
    },
    App {
        params: Notes,
    },
    /// The payer is typing a password.
    Wait {
        poll_after_ms: u64,
    },
}

words! {
    /// Our vocabulary of why a payment or refund did not happen; each channel maps its own codes into it as data.
    FailureCode {
        InsufficientFunds = "INSUFFICIENT_FUNDS", AuthCodeExpired = "AUTH_CODE_EXPIRED", AuthCodeInvalid = "AUTH_CODE_INVALID",
        PayerDeclined = "PAYER_DECLINED", PayerAccount = "PAYER_ACCOUNT", PayerMismatch = "PAYER_MISMATCH", CardNotSupported = "CARD_NOT_SUPPORTED",
        ChannelLimit = "CHANNEL_LIMIT", ChannelRefused = "CHANNEL_REFUSED", ChannelUnavailable = "CHANNEL_UNAVAILABLE",
        ChannelConfiguration = "CHANNEL_CONFIGURATION", RequestInvalid = "REQUEST_INVALID", OrderClosed = "ORDER_CLOSED",
        RefundClosed = "REFUND_CLOSED", RefundExceedsPaid = "REFUND_EXCEEDS_PAID", RefundWindowPassed = "REFUND_WINDOW_PASSED",
        MerchantBalance = "MERCHANT_BALANCE", PayeeAccount = "PAYEE_ACCOUNT",
    }
}

/// Whose fault a definite failure is. Only `Account` makes trying another account sensible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    Payer,
    Request,
    Account,
}

/// A definite failure. `message` is for merchants; `channel_code` is the channel's own word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: FailureCode,
    pub fault: Fault,
    pub message: String,
    pub channel_code: Option<String>,
}

/// Why an outcome is unknown. `note` is for operators and holds no secret and no payer id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    pub kind: WhyKind,
    pub note: String,
    /// The payer declined or the bank refused, but the number may still turn paid: undo it, then it failed for this reason.
    pub declined: Option<Failure>,
}

words! {
    WhyKind {
        /// The channel itself says that it does not know yet.
        Pending = "pending",
        NoAnswer = "no_answer",
        Unreadable = "unreadable",
        BadSignature = "bad_signature",
        /// A code or state the pack does not list.
        Unlisted = "unlisted",
        /// Validly signed, but about another order, amount, merchant or app: an alarm.
        Contradiction = "contradiction",
        /// Our keys, our permission: an alarm; the outcome of an earlier request stays unknown.
        Configuration = "configuration",
        /// Declined, to be undone before it may be called failed.
        Declined = "declined",
    }
}

impl Why {
    #[must_use]
    pub fn new(kind: WhyKind, note: impl Into<String>) -> Why {
        Why { kind, note: note.into(), declined: None }
    }

    #[must_use]
    pub fn declined(failure: Failure) -> Why {
        Why { kind: WhyKind::Declined, note: failure.message.clone(), declined: Some(failure) }
    }
}

/// The outcome of a refund, by refund or by query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refund {
    Succeeded(Refunded),
    /// Taken, not done: query later.
    Accepted(Handles),
    /// Definite: no money moved and none will under this number. From a *repeated* send it is not definite
    /// (the first may have been taken): flow then asks before it believes.
    Failed(Failure),
    /// Not final: needs money or a person. The number stays; the note is for operators.
    Stuck(Stuck, String, Handles),
    NotFound,
    Unknown(Why),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refunded {
    /// What goes back to the payer's pocket; `None` when not told.
    pub payer_amount: Option<Fen>,
    pub at: Option<Second>,
    /// `YYYY-MM-DD`, where the channel tells its own day.
    pub settle_date: Option<String>,
    pub handles: Handles,
}

words! {
    /// What an unfinished refund waits for.
    Stuck { MerchantBalance = "merchant_balance", PayeeAccount = "payee_account" }
}

/// The outcome of a close or a reversal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// Will never be paid: closed, or revoked before any money moved.
    Closed,
    /// Was paid; the money goes back.
    Returned,
    /// Is paid and was not undone.
    Paid,
    /// Will not be undone, for good; says nothing about paid or unpaid: query.
    Refused(Failure),
    /// The payer is in the middle of it, or the channel says come again.
    Busy,
    NotFound,
    Unknown(Why),
}

/// What a verified callback says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    Payment(Pay),
    Refund(Refund),
    /// Verified, but only a hint: with `claims.refund_number` query that refund, else the payment.
    Ask,
}

/// What a signed message claims to be about, to be compared with what we stored. `same` holds facts by the names of the
/// attempt's `memo` and `sub` (for example `appid`, `sub_mchid`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Our attempt number. Every message about a payment must name it; one about a refund may name the refund only.
    pub number: Option<String>,
    /// Our refund number, on messages about a refund.
    pub refund_number: Option<String>,
    /// The payment's amount before discounts; `None` where this message does not carry it.
    pub amount: Option<Fen>,
    pub refund_amount: Option<Fen>,
    pub currency: Option<String>,
    pub same: Notes,
}

impl Claims {
    /// The first field in which a message about a payment contradicts the attempt, or `None` when all agree.
    #[must_use]
    pub fn contradiction(&self, attempt: &crate::AttemptRef) -> Option<&str> {
        if self.number.as_deref() != Some(attempt.number.as_str()) {
            return Some("number");
        }
        self.contradicts_facts(attempt)
    }

    /// As [`Claims::contradiction`], for a message about a refund: its number, its amount and its payment.
    #[must_use]
    pub fn refund_contradiction(&self, refund: &crate::RefundRef) -> Option<&str> {
        if self.refund_number.as_ref() != Some(&refund.number) {
            return Some("refund_number");
        }
        if self.refund_amount.is_some_and(|amount| amount != refund.amount) {
            return Some("refund_amount");
        }
        if self.number.as_ref().is_some_and(|number| *number != refund.payment.number) {
            return Some("number");
        }
        self.contradicts_facts(&refund.payment)
    }

    fn contradicts_facts(&self, attempt: &crate::AttemptRef) -> Option<&str> {
        if self.amount.is_some_and(|amount| amount != attempt.amount) {
            return Some("amount");
        }
        if self.currency.as_deref().is_some_and(|currency| currency != "CNY") {
            return Some("currency");
        }
        let stored = |name: &String| attempt.memo.get(name).or_else(|| attempt.sub.get(name));
        self.same.iter().find(|(name, value)| stored(name) != Some(value)).map(|(name, _)| name.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    pub claims: Claims,
    pub says: Says,
    /// The channel's id of this message, for the trail.
    pub event_id: Option<String>,
}

/// Why a callback is not believed. `number` is what it claims to be about, unverified: at most a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    NeedKeys(KeyHint),
    Forged { reason: String, number: Option<String> },
    Unreadable { reason: String },
}

/// What we tell the channel about its callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    Taken,
    Refused,
}

/// Which key is missing, in the channel's words (a serial), or why a renewal is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHint {
    pub key_id: String,
}

/// New keys or tokens, to be stored sealed and installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyUpdate {
    pub items: Vec<KeyItem>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    pub id: String,
    pub value: String,
    pub from: Option<Second>,
    /// Renewed before this time, with the item's id as the hint.
    pub until: Option<Second>,
}

impl std::fmt::Debug for KeyItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyItem({})", self.id)
    }
}

/// What a renewal led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewed {
    Keys(KeyUpdate),
    /// The channel will not renew: a person has to act.
    Refused(String),
    Unknown(Why),
}

/// Provably nothing was sent, and why. `outer` may be shown to the merchant, `inner` to operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub outer: String,
    pub inner: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A field of the order, by the API's name: the merchant can repair it.
    Field(&'static str),
    /// This account cannot; another might.
    Account,
    /// The channel has no such verb.
    Unsupported,
}

impl Refusal {
    #[must_use]
    pub fn field(field: &'static str, reason: impl Into<String>) -> Refusal {
        let outer = reason.into();
        Refusal { kind: RefusalKind::Field(field), inner: outer.clone(), outer }
    }

    #[must_use]
    pub fn account(inner: impl Into<String>) -> Refusal {
        Refusal { kind: RefusalKind::Account, outer: "this account cannot serve the order".into(), inner: inner.into() }
    }

    #[must_use]
    pub fn unsupported(verb: &'static str) -> Refusal {
        Refusal { kind: RefusalKind::Unsupported, outer: format!("the channel has no {verb}"), inner: verb.into() }
    }
}

/// A payer, by silent authorisation. `ids` by the API's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    Known(Notes),
    /// The code was used, expired or another app's: authorise again, once.
    AskAgain(String),
    Refused(String),
    Unknown(Why),
}

/// A channel's bill of a day.
pub enum Statement {
    Rows(Box<dyn Iterator<Item = Result<BillRow, String>> + Send>),
    /// Not ready: come again later.
    NotYet,
    /// The channel says that nothing happened that day.
    Empty,
    Unknown(Why),
}

impl std::fmt::Debug for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Statement::Rows(_) => "Rows",
            Statement::NotYet => "NotYet",
            Statement::Empty => "Empty",
            Statement::Unknown(_) => "Unknown",
        })
    }
}

words! {
    BillKind { Payment = "payment", Refund = "refund", Reversal = "reversal" }
}

words! {
    /// What the row says became of it: money moved, may still move, did not move.
    BillFate { Done = "done", Open = "open", Void = "void" }
}

/// One row of a bill in the one normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    pub kind: BillKind,
    pub number: String,
    pub refund_number: Option<String>,
    pub channel_trade_no: Option<String>,
    pub amount: Fen,
    /// What the merchant pays is positive.
    pub fee: Option<Fen>,
    pub fate: BillFate,
    /// The channel's own word for the row's state.
    pub state: String,
    pub at: Option<Second>,
    /// The sub-merchant that the row names, empty for none; `None` where the bill does not tell. Beside what the attempt was bound with,
    /// under [`crate::StatementRule::sub_field`].
    pub sub: Option<String>,
    /// What the merchant gave itself of the amount, where the bill tells it: a channel takes its fee of the rest.
    pub own_discount: Option<Fen>,
}
