//! What the OpenAPI document says of accounts and of the router's answers, as `http::schema` does for merchants' calls. Never built.

use crate::http::schema::{Currency, FieldError, NewPayer, NewTerminal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = OpsAccountList)]
pub struct AccountList {
    pub data: Vec<Account>,
}

/// An account as operators see it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = OpsAccount)]
pub struct Account {
    pub id: String,
    pub channel: String,
    /// `enabled`, `draining` (finishes what is open, takes nothing new) or `disabled`.
    pub state: String,
    /// An operator's weight, before those of the rules; 0: no new order goes there; `null`: as the rules say.
    #[schema(required)]
    pub weight: Option<u32>,
    pub sandbox: bool,
    /// The merchant of a direct account.
    #[schema(required)]
    pub owner: Option<String>,
    pub methods: Vec<String>,
    /// Empty: whatever its channel admits.
    pub app_ids: Vec<String>,
    /// Fen.
    pub amount_min: i64,
    /// Fen.
    pub amount_max: i64,
    /// The share of the amount that `fee` begins with.
    #[schema(required)]
    pub fee_rate: Option<String>,
    #[schema(required)]
    pub fee: Option<Fee>,
    pub opening: AccountOpening,
    pub health: AccountHealth,
    /// One line for each method that something is known of.
    pub success: Vec<AccountSuccess>,
    pub notify_url: String,
}

/// What an order costs at an account.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Fee {
    /// Share of the amount: `0.006` is 0.6 %.
    pub rate: String,
    /// The least, in fen.
    #[schema(required)]
    pub min: Option<i64>,
    /// The most, in fen.
    #[schema(required)]
    pub cap: Option<i64>,
    /// By rising `from`: the last that the amount reaches gives the rate of the whole amount.
    pub tiers: Vec<FeeTier>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct FeeTier {
    /// Fen.
    pub from: i64,
    pub rate: String,
}

/// When the account takes orders. Times of day are Beijing's.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct AccountOpening {
    /// Within its hours now.
    pub is_open: bool,
    /// Under maintenance now.
    pub is_paused: bool,
    /// `09:00-21:00`; empty: always.
    pub hours: Vec<String>,
    /// `02:00-02:30` of every day, or two RFC 3339 times joined by `/`.
    pub maintenance: Vec<String>,
}

/// Whether the channel answers, as the answering node sees it.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct AccountHealth {
    /// `well`; `open`: passed over; `probing`: one order at a time tries it.
    pub state: String,
    /// RFC 3339; until then it is passed over.
    #[schema(required)]
    pub open_until: Option<String>,
    /// Calls answered within the window.
    pub answered: u32,
    /// Calls that the channel failed within the window: no answer, a broken or unsigned one.
    pub faults: u32,
    /// Mean length of an answered call.
    #[schema(required)]
    pub answer_ms: Option<i64>,
}

/// How often orders of one method succeed at the account lately.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct AccountSuccess {
    pub method: String,
    /// Millionths.
    pub chance_ppm: u32,
    /// How many orders speak, the older the less.
    pub seen: u32,
}

/// An operator's weight.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWeight {
    /// `null` goes by the weights of the rules again.
    #[schema(required, minimum = 0, maximum = 1000)]
    pub weight: Option<u32>,
    /// For the audit log.
    #[schema(min_length = 1, max_length = 512)]
    pub reason: String,
}

/// An order that is not placed: the fields of `NewOrder`, of which the number and the subject may be left out, and whose it would be.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DryRunOrder {
    pub merchant: String,
    pub amount: i64,
    pub method: String,
    pub merchant_order_no: Option<String>,
    pub currency: Option<Currency>,
    pub subject: Option<String>,
    /// Never answered and never logged.
    pub auth_code: Option<String>,
    pub app_id: Option<String>,
    pub payer: Option<NewPayer>,
    pub store: Option<String>,
    pub terminal: Option<NewTerminal>,
    pub operator_id: Option<String>,
    pub auth_means: Option<String>,
    pub h5_type: Option<String>,
    pub client_ip: Option<String>,
    pub expires_in: Option<i64>,
    pub notify_url: Option<String>,
    pub return_url: Option<String>,
    pub account: Option<String>,
    pub metadata: Option<BTreeMap<String, Value>>,
}

/// Where the order would go, and why.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// `null`: nowhere; see `refused`.
    #[schema(required)]
    pub chosen: Option<String>,
    #[schema(required)]
    pub rule: Option<String>,
    #[schema(required)]
    pub strategy: Option<String>,
    /// What is asked for, `auto_barcode` resolved; `null` if it could not be.
    #[schema(required)]
    pub method: Option<String>,
    /// Every account that the merchant may use, in file order.
    pub considered: Vec<DryRunLine>,
    /// In the order of falling through.
    pub tiers: Vec<DryRunTier>,
    /// What is left of the limits at the accounts that were looked at.
    pub limits: Vec<DryRunLimit>,
    #[schema(required)]
    pub refused: Option<DryRunRefusal>,
    /// How many accounts the merchant may not use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_bound: Option<u64>,
    /// Chance chose the first, to learn about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explored: Option<bool>,
    /// The request names the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
    /// The merchant's own preference put it in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<bool>,
    /// Only accounts whose channel does not answer were left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_resort: Option<bool>,
    /// Rules whose predicate had no answer for this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_evaluated: Option<Vec<BTreeMap<String, String>>>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct DryRunLine {
    pub account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// What the strategy saw in it: one member, named for what it is: `place`, `credit`, `fee_fen`, `success`, `value`, `distance`; or
    /// `no_fee`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Value>,
}

/// Accounts that one rule ranked, best first.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct DryRunTier {
    /// `null`: the order of the file.
    #[schema(required)]
    pub rule: Option<String>,
    #[schema(required)]
    pub strategy: Option<String>,
    pub accounts: Vec<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct DryRunLimit {
    pub account: String,
    pub limit: String,
    pub subject: String,
    /// The merchant whose unpaid orders are counted; empty: everybody's.
    pub holder: String,
    #[schema(required)]
    pub window_start: Option<String>,
    /// Fen or orders.
    pub max: i64,
    /// `null`: this subject is not among the thousand largest.
    #[schema(required)]
    pub left: Option<i64>,
}

/// What the merchant would be answered.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct DryRunRefusal {
    pub code: String,
    pub status: u16,
    pub detail: String,
    pub errors: Vec<FieldError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
}
