//! A statement as JSON. Lines are signed: what came in is above zero, what went back below; sums are both above zero.

use super::{Booking, Period, Sums, Tally};
use crate::domain::show;
use serde_json::{Value, json};
use sluice_contract::Millis;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `None`: every merchant's.
    pub merchant: Option<&'a str>,
    pub period: Period,
    pub livemode: bool,
    pub now: Millis,
    /// Orders made before it are put away: refunds of them are on no statement any more.
    pub kept_from: Option<Millis>,
}

impl Asked<'_> {
    /// Whether its lines are shown: those of a month, or of everybody, are too many.
    #[must_use]
    pub const fn has_lines(&self) -> bool {
        matches!(self.period, Period::Day(_)) && self.merchant.is_some()
    }
}

/// What a line tells of the merchant's own till; it lies sealed in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Till {
    pub store: Option<String>,
    pub operator_id: Option<String>,
}

/// The statement but for its lines. Without a tally: a page behind the first, which says nothing of the whole.
#[must_use]
pub fn document(asked: &Asked<'_>, tally: Option<&Tally>) -> Value {
    let Asked { merchant, period, livemode, now, kept_from } = *asked;
    let (day, month) = match period {
        Period::Day(_) => (Some(period.name()), None),
        Period::Month(_) => (None, Some(period.name())),
    };
    let by = |((channel, method), sums): (&(String, &str), &Sums)| named(&[("channel", channel), ("method", method)], sums);
    let days = |tally: &Tally| -> Vec<Value> {
        let of = |day| tally.days.get(&day).copied().unwrap_or_default();
        period.days(now).into_iter().map(|day| named(&[("day", &day.to_string())], &of(day))).collect()
    };
    let merchants = |tally: &Tally| -> Vec<Value> { tally.merchants.iter().map(|(id, sums)| named(&[("merchant", id)], sums)).collect() };
    json!({
        "period": {"day": day, "month": month, "from": period.begins().rfc3339(), "to": period.ends().rfc3339()},
        "complete": period.is_complete(now), "generated_at": now.rfc3339(), "version": tally.map(Tally::version),
        "orders_from": kept_from.map(Millis::rfc3339), "livemode": livemode, "currency": "CNY", "merchant": merchant, "totals": tally.map(|tally| sums(&tally.totals)),
        "by": tally.map(|tally| tally.by.iter().map(by).collect::<Vec<_>>()),
        "days": tally.filter(|_| month.is_some()).map(days), "merchants": tally.filter(|_| merchant.is_none()).map(merchants),
        "rows": Value::Null, "next_cursor": Value::Null,
    })
}

fn named(names: &[(&str, &str)], of: &Sums) -> Value {
    let mut line = sums(of);
    if let Some(fields) = line.as_object_mut() {
        fields.extend(names.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    }
    line
}

/// Amounts in fen.
#[must_use]
pub fn sums(sums: &Sums) -> Value {
    json!({
        "payments": {
            "count": sums.payments, "amount": sums.paid, "payer_amount": sums.payer, "discounts": sums.discounts,
            "late_count": sums.late, "late_amount": sums.late_paid, "without_fee": sums.without_fee,
        },
        "refunds": {"count": sums.refunds, "amount": sums.refunded, "fee_refunded": sums.fee_refunded},
        "fee": sums.fee, "net": sums.net(),
    })
}

/// One line.
#[must_use]
pub fn row(line: &Booking, till: &Till) -> Value {
    let Booking { order, attempt, refund } = line;
    let refund_id = refund.as_ref().map(|refund| order.id.refund_id(refund.seq));
    let settle_date = refund.as_ref().map_or(&attempt.notes.settle_date, |refund| &refund.notes.settle_date);
    json!({
        "kind": line.kind().word(), "at": line.at().rfc3339(), "order_id": order.id.as_str(), "refund_id": refund_id,
        "merchant_order_no": order.merchant_order_no, "merchant_refund_no": refund.as_ref().and_then(|r| r.merchant_refund_no.clone()),
        "origin": refund.as_ref().map(|refund| show::origin(refund.origin)),
        "channel_order_no": order.id.attempt_number(attempt.seq), "channel_trade_no": attempt.notes.channel_trade_no,
        "account": attempt.account, "channel": attempt.channel, "method": attempt.method.word(), "wallet": attempt.notes.wallet,
        "amount": line.amount(), "payer_amount": line.payer_amount(), "discounts": line.discounts(), "fee": line.fee(), "net": line.net(),
        "settle_date": settle_date, "store": till.store, "operator_id": till.operator_id, "subject": order.facts.subject,
        "metadata": order.facts.metadata,
    })
}
