//! What a channel can do, as data. Flow and routing read this, never `if channel == …`.

use crate::method::Method;
use crate::money::Fen;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The channel's word: `wechat`.
    pub channel: &'static str,
    pub methods: Vec<MethodProfile>,
    pub number: NumberRule,
    pub amount_min: Fen,
    pub amount_max: Fen,
    pub refund: RefundRule,
    pub callback: CallbackIs,
    /// `None`: the channel gives no bill that we can read.
    pub statement: Option<StatementRule>,
    /// How often platform keys are to be renewed, in seconds.
    pub renew_every_s: Option<i64>,
    /// What this channel's `sub` table may hold.
    pub sub_fields: Vec<SubField>,
}

impl Profile {
    #[must_use]
    pub fn method(&self, method: Method) -> Option<&MethodProfile> {
        self.methods.iter().find(|m| m.method == method)
    }
}

/// When and how a channel lists what happened. Times in seconds of a day at +08:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRule {
    /// The bill of a day is there at this time of the next one.
    pub ready_at_s: i64,
    /// The channel's own day ends here: 86_400, or earlier (UnionPay's clearing day: 82_800); what is later belongs to the next.
    pub day_ends_at_s: i64,
    pub refunds_by: ListedBy,
    /// A bill of its own for each binding.
    pub per_sub: bool,
    /// Which field of a binding names what [`crate::BillRow::sub`] tells.
    pub sub_field: &'static str,
}

/// In which day's bill a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedBy {
    /// Of the day it was begun, in whatever state it then was.
    Begun,
    /// Of the day it was done.
    Done,
}

/// One field of a binding's `sub` table. Secret ones are never frozen into attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubField {
    pub name: &'static str,
    pub required: bool,
    pub secret: bool,
}

/// Length and alphabet of our numbers at the channel. Ours are 27 letters and digits: every listed channel takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberRule {
    pub len_min: usize,
    pub len_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackIs {
    /// A verified callback moves the order.
    Proof,
    /// A verified callback only says: query.
    Hint,
}

/// Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodProfile {
    pub method: Method,
    /// Fields of the order that must be given, by the API's names (`payer.openid`).
    pub required: &'static [&'static str],
    /// Of each group at least one must be given.
    pub required_one_of: &'static [&'static [&'static str]],
    /// Sending pay again under the same number gives the same order a fresh action. Never for barcodes.
    pub can_repeat: bool,
    pub expires_in_min_s: i64,
    pub expires_in_max_s: i64,
    /// How long the code or link of one action lives; `None`: as long as the order.
    pub code_life_s: Option<i64>,
    /// Whether the channel can confirm a close.
    pub can_close: bool,
    pub reverse: Option<ReverseRule>,
    /// `NotFound` is a definite no this long after the last moment at which the order could still come to exist.
    pub not_found_final_after_s: i64,
    pub not_found_from: NotFoundFrom,
    /// Overrides `RefundRule.window_s`.
    pub refund_window_s: Option<i64>,
    /// When to query after the pay call, counted from it. After the last one: every `query_then_every_s`.
    pub query_at_s: &'static [i64],
    pub query_then_every_s: i64,
    /// Whether the channel calls back at all (WeChat's barcode does not).
    pub calls_back: bool,
}

/// What brings the order into being at the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotFoundFrom {
    /// Our call: it exists once that has executed.
    Call,
    /// The payer's arrival: any time until the order expires.
    Payer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReverseRule {
    /// Not earlier than this after the pay call.
    pub earliest_s: i64,
    /// Not later than this after the pay call.
    pub window_s: i64,
    /// An unknown or waiting barcode is reversed by us this long after the pay call.
    pub give_up_after_s: i64,
    /// Also not after the channel's own day, which ends at this second of the +08:00 day (UnionPay: 82_800, its clearing day ends at
    /// 23:00; what happens later belongs to the next).
    pub day_ends_at_s: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRule {
    /// Counted from the payment.
    pub window_s: i64,
    pub count_max: u32,
    /// Least time between two refunds of one payment.
    pub gap_s: i64,
    /// The channel answers a repeat under the same number with the same refund, never with a second one.
    pub can_repeat: bool,
    /// `NotFound` is a definite no this long after the last send; `None`: only the bill or a person says so.
    pub not_found_final_after_s: Option<i64>,
    pub query_at_s: &'static [i64],
    pub query_then_every_s: i64,
}
