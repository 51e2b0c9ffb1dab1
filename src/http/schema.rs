//! What the OpenAPI document says of bodies. These types are never built: requests are read field by field, so that every bad field is
//! named at once, and answers are rendered by `domain::show`. Tests hold both to these types.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A new order.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The merchant's own number, unique per merchant.
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    pub merchant_order_no: String,
    /// Fen.
    #[schema(minimum = 1, maximum = 10_000_000_000_i64)]
    pub amount: i64,
    #[serde(default)]
    pub currency: Option<Currency>,
    #[schema(min_length = 1, max_length = 127)]
    pub subject: String,
    /// One of the methods of `GET /v1/methods`, `auto_barcode`, or `cashier`: the payer chooses on the page that the action leads to.
    pub method: String,
    /// The payer's payment code as it was scanned, for barcode methods. White space around it is ignored.
    #[schema(pattern = "^\\s*[0-9]{16,32}\\s*$")]
    pub auth_code: Option<String>,
    /// Which of the account's app ids the openid belongs to.
    #[schema(min_length = 1, max_length = 64)]
    pub app_id: Option<String>,
    pub payer: Option<NewPayer>,
    #[schema(min_length = 1, max_length = 64)]
    pub store: Option<String>,
    pub terminal: Option<NewTerminal>,
    #[schema(min_length = 1, max_length = 64)]
    pub operator_id: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    pub auth_means: Option<String>,
    #[schema(min_length = 1, max_length = 32)]
    pub h5_type: Option<String>,
    /// IPv4 or IPv6.
    pub client_ip: Option<String>,
    /// Seconds; 900 by default, ignored for barcode methods.
    #[schema(minimum = 60, maximum = 604_800)]
    pub expires_in: Option<i64>,
    /// Instead of the merchant's webhook; needs the webhook's secret.
    pub notify_url: Option<String>,
    /// Where the payer's browser ends up.
    pub return_url: Option<String>,
    /// Skips ranking only.
    #[schema(min_length = 1, max_length = 64)]
    pub account: Option<String>,
    /// At most 16 names; values are text of at most 512 characters, numbers, true or false.
    pub metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub enum Currency {
    #[serde(rename = "CNY")]
    Cny,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayer {
    #[schema(min_length = 1, max_length = 128)]
    pub openid: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub buyer_id: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub buyer_open_id: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub customer_id: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTerminal {
    #[schema(min_length = 1, max_length = 64)]
    pub id: Option<String>,
    #[schema(min_length = 1, max_length = 32)]
    pub device_type: Option<String>,
    #[schema(min_length = 1, max_length = 64)]
    pub serial_no: Option<String>,
    pub ip: Option<String>,
    #[schema(min_length = 1, max_length = 128)]
    pub location: Option<String>,
}

/// An order as it now stands.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Ours: P and 26 letters and digits.
    pub id: String,
    /// Real money; false in the sandbox.
    pub livemode: bool,
    pub merchant_order_no: String,
    pub status: OrderStatus,
    /// Fen, before discounts.
    pub amount: i64,
    pub currency: Currency,
    pub subject: String,
    pub method: String,
    /// Who really paid.
    #[schema(required)]
    pub wallet: Option<String>,
    /// How the payer was asked: `online`, `dynamic_code`, `static_code` or `barcode`.
    pub presented: String,
    /// Of the newest attempt, or the one that paid; null while the payer of a cashier order has not chosen.
    #[schema(required)]
    pub account: Option<String>,
    #[schema(required)]
    pub channel: Option<String>,
    /// What the payer's side has to do now.
    pub action: Action,
    /// Fen: `amount` once the order is paid, else 0.
    pub paid_amount: i64,
    /// Fen: what left the payer's pocket, discounts taken off.
    pub payer_paid_amount: i64,
    pub discounts: Vec<Discount>,
    /// Fen: refunds that succeeded, of the payment that counts.
    pub refunded_amount: i64,
    /// Fen: refunds that are under way.
    pub refunding_amount: i64,
    /// Fen, by the account's rate when it was paid; `null`: not known.
    #[schema(required)]
    pub fee: Option<i64>,
    /// Fen: what was paid minus the fee.
    #[schema(required)]
    pub net_amount: Option<i64>,
    /// The channel's settlement day, where it says so.
    #[schema(required)]
    pub settle_date: Option<String>,
    pub payer: BTreeMap<String, String>,
    /// The channel's own number.
    #[schema(required)]
    pub channel_trade_no: Option<String>,
    #[schema(required)]
    pub failure: Option<Failure>,
    /// Grows with every change: the larger one is the newer.
    pub version: i64,
    /// The payer's page of this order, with its refunds.
    pub receipt_url: String,
    pub created_at: String,
    pub expires_at: String,
    #[schema(required)]
    pub paid_at: Option<String>,
    #[schema(required)]
    pub closed_at: Option<String>,
    pub metadata: BTreeMap<String, Value>,
    #[schema(required)]
    pub return_url: Option<String>,
    #[schema(required)]
    pub notify_url: Option<String>,
    /// With `expand=attempts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
    /// With `expand=refunds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunds: Option<Vec<Refund>>,
    /// With `expand=events`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    Pending,
    Paid,
    Failed,
    Closed,
    Reversed,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Action {
    None,
    QrCode { content: String, expires_at: Option<String> },
    Redirect { url: String, expires_at: Option<String> },
    Form { url: String, fields: BTreeMap<String, String>, expires_at: Option<String> },
    Jsapi { params: BTreeMap<String, String>, expires_at: Option<String> },
    App { params: BTreeMap<String, String>, expires_at: Option<String> },
    Wait { poll_after_ms: u64 },
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Discount {
    /// `coupon`, `points`, `bank_discount` or `merchant_discount`.
    pub kind: String,
    /// Who gave it: `channel`, `bank` or `merchant`.
    pub funded_by: String,
    /// Fen.
    pub amount: i64,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A word of ours: `INSUFFICIENT_FUNDS`, `CHANNEL_UNAVAILABLE` and others.
    pub code: String,
    pub message: String,
    /// The channel's own word for it.
    #[schema(required)]
    pub channel_code: Option<String>,
}

/// One try of the order at one account.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    pub account: String,
    pub channel: String,
    /// `sending`, `awaiting_payer`, `unknown`, `succeeded`, `failed`, `closed`, `reversed` or `abandoned`.
    pub status: String,
    pub method: String,
    /// Our number of it at the channel.
    pub channel_order_no: String,
    #[schema(required)]
    pub channel_trade_no: Option<String>,
    pub amount: i64,
    pub captured_amount: i64,
    pub refunded_amount: i64,
    pub refunding_amount: i64,
    /// Paid after its order had ended, or twice: it goes back.
    pub late: bool,
    pub route: Route,
    /// Limits that did not count this attempt.
    pub limits_not_checked: Vec<NotChecked>,
    #[schema(required)]
    pub failure: Option<Failure>,
    pub suspended: bool,
    pub created_at: String,
}

/// The decision that this account be tried. Without a rule that matched accounts go by the order of the file.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Route {
    pub chosen: String,
    #[schema(required)]
    pub rule: Option<String>,
    /// `priority`, `round_robin`, `least_cost`, `success_rate`, `best_value` or `sticky`.
    #[schema(required)]
    pub strategy: Option<String>,
    /// Every account that this merchant may use.
    pub considered: Vec<RouteLine>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct RouteLine {
    pub account: String,
    /// Why it was passed over: `no_such_method`, `amount_out_of_range`, `limit_exceeded` and others.
    pub dropped: Option<String>,
    /// The limit that passed it over.
    pub limit: Option<String>,
    /// In the order of trying, from 0.
    pub place: Option<u64>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct NotChecked {
    pub limit: String,
    /// `missing`: the order has no such subject. `error`: the rule could not be evaluated.
    pub why: String,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub seq: u32,
    pub at: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: Value,
}

/// What calls take that take nothing: no body, or this.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A new refund.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    pub merchant_refund_no: String,
    /// Fen.
    #[schema(minimum = 1, maximum = 10_000_000_000_i64)]
    pub amount: i64,
    #[schema(min_length = 1, max_length = 80)]
    pub reason: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct Refund {
    /// Ours: R and 26 letters and digits.
    pub id: String,
    pub livemode: bool,
    pub order_id: String,
    pub merchant_order_no: String,
    /// `null`: a refund that no merchant asked for.
    #[schema(required)]
    pub merchant_refund_no: Option<String>,
    pub amount: i64,
    pub currency: Currency,
    /// Fen: what goes back into the payer's pocket.
    #[schema(required)]
    pub payer_refund_amount: Option<i64>,
    /// Fen: what the channel gives back of its fee.
    #[schema(required)]
    pub fee_refunded: Option<i64>,
    pub status: RefundStatus,
    /// `queued`, `processing`, `merchant_balance`, `payee_account` or `unknown`.
    #[schema(required)]
    pub pending_reason: Option<String>,
    /// `merchant`, `late_payment`, `duplicate_payment` or `reversal`.
    pub origin: String,
    #[schema(required)]
    pub reason: Option<String>,
    #[schema(required)]
    pub failure: Option<Failure>,
    /// Grows with every change: the larger one is the newer.
    pub version: i64,
    pub created_at: String,
    #[schema(required)]
    pub succeeded_at: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct OrderList {
    pub data: Vec<Order>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct RefundList {
    pub data: Vec<Refund>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct EventList {
    pub data: Vec<Event>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct MethodList {
    pub data: Vec<MethodRow>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct MethodRow {
    pub method: String,
    /// Asked for whichever account is chosen.
    pub required: Vec<String>,
    /// Of each group at least one is asked for.
    pub required_one_of: Vec<Vec<String>>,
    pub accounts: Vec<MethodAccount>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct MethodAccount {
    pub account: String,
    pub channel: String,
    pub required: Vec<String>,
    pub required_one_of: Vec<Vec<String>>,
    pub amount_min: i64,
    pub amount_max: i64,
    pub expires_in_min: i64,
    pub expires_in_max: i64,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    pub merchant: String,
    pub key_id: String,
    pub livemode: bool,
    /// The signed time minus ours: positive when the caller's clock is ahead. Whole seconds are signed.
    pub clock_skew_ms: i64,
}

/// Why not (RFC 9457).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub code: ErrorCode,
    pub detail: String,
    pub request_id: String,
    pub retryable: bool,
    pub errors: Vec<FieldError>,
    /// With `LIMIT_EXCEEDED`: the rule that opens first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// With `LIMIT_EXCEEDED`: when there is room again, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<String>,
    /// With `BAD_SIGNATURE` under a live key: what was received and hashed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_debug: Option<SignatureDebug>,
}

/// What came, as it was hashed: compare it with what was signed.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SignatureDebug {
    pub method: String,
    pub path_and_query: String,
    pub timestamp: String,
    pub nonce: String,
    pub body_bytes: u64,
    /// Lower-case hex.
    pub body_sha256: String,
    pub string_to_sign_length: u64,
    /// Its first 160 bytes; a line feed is shown as `\n`, a backslash doubled.
    pub string_to_sign_truncated: String,
    /// What the sender seems to have done, in the sandbox and for keys under debugging; otherwise empty.
    pub hints: Vec<SignatureHint>,
}

/// Stands in for the list of hints, as [`ErrorCode`] does.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SignatureHint(pub String);

#[derive(Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// A dotted path: `payer.openid`.
    pub field: String,
    pub reason: String,
}

/// Stands in for the list of codes, which [`super::openapi`] fills in from the one that is answered.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ErrorCode(pub String);

/// A notification (Standard Webhooks).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Notification {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub timestamp: String,
    /// An order or a refund.
    pub data: Value,
}
