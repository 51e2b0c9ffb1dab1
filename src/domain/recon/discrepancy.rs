//! A difference between the channel's bill and our books: its kind, seen from one side, with its evidence and what to do about it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_contract::{Day, Fen};

/// What is wrong. One number may have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// In the bill, unknown to us.
    MissingHere,
    /// In our books, not in the bill.
    MissingThere,
    Amount,
    /// One says done, the other says not done.
    Status,
    /// In the bill more than once.
    Duplicate,
    Fee,
    /// The money came to another sub-merchant than the order was for.
    Merchant,
    /// Money that went back, and we know of no refund.
    UnknownRefund,
}

impl Kind {
    pub const ALL: [Kind; 8] = [
        Kind::MissingHere,
        Kind::MissingThere,
        Kind::Amount,
        Kind::Status,
        Kind::Duplicate,
        Kind::Fee,
        Kind::UnknownRefund,
        Kind::Merchant,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::MissingHere => "missing_here",
            Kind::MissingThere => "missing_there",
            Kind::Amount => "amount",
            Kind::Status => "status",
            Kind::Duplicate => "duplicate",
            Kind::Fee => "fee",
            Kind::Merchant => "merchant",
            Kind::UnknownRefund => "unknown_refund",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What a person does about it.
    #[must_use]
    pub const fn next_step(self) -> &'static str {
        match self {
            Kind::MissingHere => "find out whose payment this is: another system under the same merchant number, or a payment made by hand",
            Kind::MissingThere => "ask the channel about this number; if it has it, the bill is wrong: send them the evidence",
            Kind::Amount => "compare the channel's page of this number with the order; settle the difference with the channel",
            Kind::Status => "ask the channel about this number again; if it stays, its bill and its query disagree: send them both",
            Kind::Duplicate => {
                "look at the channel's page of this number: two captures mean one refund, two rows of one capture a wrong bill"
            }
            Kind::Fee => {
                "compare the contract's rate with the account's fee in channels.toml; claim the difference if the contract is right"
            }
            Kind::Merchant => {
                "look at the channel's page of this number: whose is it? If another sub-merchant has the money, settle it between the two"
            }
            Kind::UnknownRefund => "find out who sent this refund: the channel's own page, or another system with the same key",
        }
    }
}

/// From where it is looked at: the merchant's purse at the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// 长款: the channel has more for the merchant than our books say.
    Surplus,
    /// 短款: it has less.
    Shortage,
    /// The same money, told differently.
    Even,
}

impl View {
    /// By what the bill gives the merchant beyond our books.
    #[must_use]
    pub const fn of(gap: Fen) -> View {
        match gap.0 {
            1.. => View::Surplus,
            0 => View::Even,
            _ => View::Shortage,
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Open,
    /// Too near the cut to be one: the next day's bill tells.
    Carried,
    Settled,
}

impl Standing {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Carried => "carried",
            Standing::Settled => "settled",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<Standing> {
        [Standing::Open, Standing::Carried, Standing::Settled].into_iter().find(|standing| standing.word() == word)
    }
}

/// What names it, so that a later run finds the same one again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub account: String,
    pub day: Day,
    pub kind: Kind,
    /// The attempt's or refund's number, or whatever the bill has in its place.
    pub number: String,
}

/// As a run found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub day: Day,
    pub kind: Kind,
    pub number: String,
    /// The payment's number at the channel; of a refund, the payment's that goes back, where the bill tells it.
    pub channel_order_no: String,
    /// Fen in our books and in the bill; fees for [`Kind::Fee`].
    pub ours: Option<Fen>,
    pub theirs: Option<Fen>,
    /// What the bill gives the merchant beyond our books; negative: less.
    pub gap: Fen,
    /// [`Standing::Open`] or [`Standing::Carried`].
    pub standing: Standing,
    pub evidence: Value,
}
