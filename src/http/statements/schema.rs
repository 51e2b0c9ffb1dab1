//! What the OpenAPI document says of statements, as `http::schema` does for the other calls. Never built.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a merchant took and gave back. All amounts are fen. What is `null` does not belong to what was asked for.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Statement {
    pub period: StatementPeriod,
    /// The period is over, and so are the five minutes after it in which news of it still comes in the ordinary way.
    pub complete: bool,
    /// RFC 3339.
    pub generated_at: String,
    /// Names exactly these rows: the same version is the same statement, row by row. `null` on a page behind the first.
    #[schema(required)]
    pub version: Option<String>,
    /// RFC 3339: orders made before it are put away, and refunds of them are on no statement any more. `null`: all are kept.
    #[schema(required)]
    pub orders_from: Option<String>,
    pub livemode: bool,
    pub currency: String,
    /// `null`: all merchants (operators only).
    #[schema(required)]
    pub merchant: Option<String>,
    /// `null` on a page behind the first.
    #[schema(required)]
    pub totals: Option<StatementSums>,
    /// By channel and method. `null` on a page behind the first.
    #[schema(required)]
    pub by: Option<Vec<StatementBy>>,
    /// Of a month: each of its days that has begun.
    #[schema(required)]
    pub days: Option<Vec<StatementDay>>,
    /// Of all merchants: each that has a row.
    #[schema(required)]
    pub merchants: Option<Vec<StatementMerchant>>,
    /// Of a merchant's day: payments by the time of their orders, those that were paid more than a day after their making and those that were late or
    /// came twice behind them; then refunds by the time they succeeded.
    #[schema(required)]
    pub rows: Option<Vec<StatementRow>>,
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementPeriod {
    /// `2026-11-25`.
    #[schema(required)]
    pub day: Option<String>,
    /// `2026-11`.
    #[schema(required)]
    pub month: Option<String>,
    /// RFC 3339.
    pub from: String,
    /// RFC 3339, exclusive.
    pub to: String,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementSums {
    pub payments: StatementPayments,
    pub refunds: StatementRefunds,
    /// Fen: what channels keep of the payments, by the price when each was made.
    pub fee: i64,
    /// Fen: payments − refunds − fee + fee refunded.
    #[schema(required)]
    pub net: Option<i64>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementPayments {
    pub count: i64,
    /// Fen: what was asked for and came.
    pub amount: i64,
    /// Fen: what left the payers' pockets.
    pub payer_amount: i64,
    /// Fen: what channels, banks and the merchant gave.
    pub discounts: i64,
    /// Of `count`: late and duplicate payments.
    pub late_count: i64,
    /// Fen, of `amount`: late and duplicate payments.
    pub late_amount: i64,
    /// Of `count`: payments whose account had no price; their fee counts as none.
    pub without_fee: i64,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementRefunds {
    pub count: i64,
    /// Fen, above zero.
    pub amount: i64,
    /// Fen: what channels said they gave back of their fees.
    pub fee_refunded: i64,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementBy {
    pub channel: String,
    /// What was used: `auto_barcode` is resolved.
    pub method: String,
    pub payments: StatementPayments,
    pub refunds: StatementRefunds,
    /// Fen.
    pub fee: i64,
    /// Fen.
    #[schema(required)]
    pub net: Option<i64>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementDay {
    /// `2026-11-25`.
    pub day: String,
    pub payments: StatementPayments,
    pub refunds: StatementRefunds,
    /// Fen.
    pub fee: i64,
    /// Fen.
    #[schema(required)]
    pub net: Option<i64>,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementMerchant {
    pub merchant: String,
    pub payments: StatementPayments,
    pub refunds: StatementRefunds,
    /// Fen.
    pub fee: i64,
    /// Fen.
    #[schema(required)]
    pub net: Option<i64>,
}

/// A payment, or a refund. Amounts are signed: what came in is above zero, what went back is below.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct StatementRow {
    /// `payment`; `late`: money that came after its order had ended unpaid; `duplicate`: money for an order that was paid already; `refund`.
    pub kind: String,
    /// RFC 3339: when it was paid, or when the refund succeeded.
    pub at: String,
    pub order_id: String,
    /// Of a refund.
    #[schema(required)]
    pub refund_id: Option<String>,
    pub merchant_order_no: String,
    /// Of a refund that the merchant asked for.
    #[schema(required)]
    pub merchant_refund_no: Option<String>,
    /// Of a refund: `merchant`, `late_payment`, `duplicate_payment` or `reversal`.
    #[schema(required)]
    pub origin: Option<String>,
    /// Our number at the channel of the payment, or of the payment that the refund is of.
    pub channel_order_no: String,
    /// The channel's number of that payment.
    #[schema(required)]
    pub channel_trade_no: Option<String>,
    pub account: String,
    pub channel: String,
    /// What was used: `auto_barcode` is resolved.
    pub method: String,
    #[schema(required)]
    pub wallet: Option<String>,
    /// Fen.
    pub amount: i64,
    /// Fen: what left the payer's pocket, or came back into it. `null`: the channel did not say of a refund.
    #[schema(required)]
    pub payer_amount: Option<i64>,
    /// Fen.
    #[schema(required)]
    pub discounts: Option<i64>,
    /// Fen: what the channel keeps of a payment; below zero: what it said it gave back of it with a refund. `null`: not known.
    #[schema(required)]
    pub fee: Option<i64>,
    /// Fen: amount − fee. `null`: the fee of a payment is not known.
    #[schema(required)]
    pub net: Option<i64>,
    /// The day under which the channel settles it, where it says so.
    #[schema(required)]
    pub settle_date: Option<String>,
    #[schema(required)]
    pub store: Option<String>,
    #[schema(required)]
    pub operator_id: Option<String>,
    pub subject: String,
    pub metadata: BTreeMap<String, Value>,
}
