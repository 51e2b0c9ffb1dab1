//! How merchants see orders and refunds: one rendering for answers, lists and notifications (CONTRACT section 4).

use super::life::{Attempt, Event, Life, Order, Refund, RefundOrigin};
use super::state::{OrderStatus, RefundStatus};
use serde_json::{Value, json};
use sluice_contract::{Action, Failure, Fen, Millis};

/// The order. `payer` stays empty here: ids are sealed at rest and filled in by who may see them.
#[must_use]
pub fn order(life: &Life) -> Value {
    let order = &life.order;
    let shown = life.shown();
    let winner = life.winning();
    let notes = shown.map(|a| &a.notes);
    let paid = order.status() == OrderStatus::Paid;
    let paid_amount = if paid { order.amount } else { Fen::ZERO };
    let fee = winner.and_then(fee);
    json!({
        "id": order.id.as_str(), "livemode": order.livemode, "merchant_order_no": order.merchant_order_no,
        "status": order.status(), "amount": order.amount, "currency": "CNY", "subject": order.facts.subject,
        "method": order.facts.method_asked, "wallet": winner.and_then(|a| a.notes.wallet), "presented": order.facts.presented,
        "account": named_by_attempt(&order.account), "channel": named_by_attempt(&order.channel), "action": action(order, shown),
        "paid_amount": paid_amount,
        "payer_paid_amount": winner.map_or(Fen::ZERO, |a| a.notes.payer_amount.unwrap_or(paid_amount)),
        "discounts": winner.map(|a| a.notes.discounts.clone()).unwrap_or_default(),
        "refunded_amount": winner.map_or(Fen::ZERO, |a| a.refunded), "refunding_amount": winner.map_or(Fen::ZERO, |a| a.refunding),
        "fee": fee, "net_amount": fee.and_then(|fee| paid_amount.minus(fee)),
        "settle_date": winner.and_then(|a| a.notes.settle_date.clone()), "payer": {},
        "channel_trade_no": notes.and_then(|n| n.channel_trade_no.clone()), "failure": order.failure.as_ref().map(failure),
        "version": order.version, "receipt_url": order.facts.receipt_url,
        "created_at": order.created_at.rfc3339(), "expires_at": order.expires_at.rfc3339(),
        "paid_at": time(order.paid_at), "closed_at": time(order.closed_at), "metadata": order.facts.metadata,
        "return_url": order.facts.return_url, "notify_url": order.facts.notify_url,
    })
}

/// One refund.
#[must_use]
pub fn refund(order: &Order, refund: &Refund) -> Value {
    let pending = refund.status() == RefundStatus::Pending;
    json!({
        "id": order.id.refund_id(refund.seq), "livemode": order.livemode, "order_id": order.id.as_str(),
        "merchant_order_no": order.merchant_order_no, "merchant_refund_no": refund.merchant_refund_no,
        "amount": refund.amount, "currency": "CNY", "payer_refund_amount": refund.notes.payer_amount, "fee_refunded": fee_refunded(refund),
        "status": refund.status(), "pending_reason": pending.then_some(refund.pending_reason), "origin": origin(refund.origin),
        "reason": refund.notes.reason, "failure": refund.notes.failure.as_ref().map(failure), "version": refund.version,
        "created_at": refund.at.rfc3339(), "succeeded_at": time(refund.succeeded_at),
    })
}

/// What the channel keeps of a payment, by the account's price when the attempt was made. `None`: it had none.
#[must_use]
pub fn fee(attempt: &Attempt) -> Option<Fen> {
    attempt.notes.fee.as_ref().and_then(|tariff| tariff.fee(attempt.amount))
}

/// What the channel gave back of its fee with a refund. No channel says it in an answer; where one does it at all, its bill does.
#[must_use]
pub const fn fee_refunded(_: &Refund) -> Option<Fen> {
    None
}

/// One attempt, for `expand=attempts`. Operators see the decision whole.
#[must_use]
pub fn attempt(order: &Order, attempt: &Attempt) -> Value {
    json!({
        "account": attempt.account, "channel": attempt.channel, "method": attempt.method, "status": attempt.status(),
        "channel_order_no": order.id.attempt_number(attempt.seq), "channel_trade_no": attempt.notes.channel_trade_no,
        "amount": attempt.amount, "captured_amount": attempt.captured, "refunded_amount": attempt.refunded,
        "refunding_amount": attempt.refunding, "late": attempt.late, "route": route(&attempt.notes.route), "limits_not_checked": attempt.notes.not_checked,
        "failure": attempt.notes.failure.as_ref().map(failure), "suspended": attempt.suspended, "created_at": attempt.at.rfc3339(),
    })
}

/// The decision without what is the platform's own: what accounts cost, how often they succeed, how many there are.
fn route(kept: &Value) -> Value {
    let line = |line: &Value| named(line, &["account", "dropped", "limit", "place"]);
    let mut shown = named(kept, &["chosen", "rule", "strategy"]);
    if let (Some(fields), Some(lines)) = (shown.as_object_mut(), kept.get("considered").and_then(Value::as_array)) {
        fields.insert("considered".to_owned(), lines.iter().map(line).collect());
    }
    shown
}

/// These members of an object, as far as it has them.
fn named(object: &Value, names: &[&str]) -> Value {
    let kept = names.iter().filter_map(|name| Some(((*name).to_owned(), object.get(*name)?.clone())));
    Value::Object(kept.collect())
}

/// One line of the trail as merchants see it.
#[must_use]
pub fn event(event: &Event) -> Value {
    json!({"seq": event.seq, "at": event.at.rfc3339(), "type": event.kind, "data": event.data})
}

/// Not known before the payer has chosen.
fn named_by_attempt(name: &str) -> Option<&str> {
    Some(name).filter(|name| !name.is_empty())
}

fn action(order: &Order, shown: Option<&Attempt>) -> Value {
    if order.method.is_none() && order.status() == OrderStatus::Pending {
        // Whatever the payer has chosen by now, our page shows it.
        return json!({"type": "redirect", "url": order.facts.receipt_url, "expires_at": order.expires_at.rfc3339()});
    }
    let notes = shown.filter(|a| order.status() == OrderStatus::Pending && a.status().is_open()).map(|a| &a.notes);
    let Some((notes, action)) = notes.and_then(|n| n.action.as_ref().map(|a| (n, a))) else {
        return json!({"type": "none"});
    };
    let mut value = serde_json::to_value(action).unwrap_or_default();
    let dies = notes.action_expires_at.filter(|_| !matches!(action, Action::Wait { .. } | Action::None));
    if let (Some(fields), Some(at)) = (value.as_object_mut(), dies) {
        fields.insert("expires_at".to_owned(), Value::String(at.rfc3339()));
    }
    value
}

fn failure(failure: &Failure) -> Value {
    json!({"code": failure.code, "message": failure.message, "channel_code": failure.channel_code})
}

/// The word of a refund's cause.
#[must_use]
pub const fn origin(origin: RefundOrigin) -> &'static str {
    match origin {
        RefundOrigin::Merchant => "merchant",
        RefundOrigin::LatePayment => "late_payment",
        RefundOrigin::DuplicatePayment => "duplicate_payment",
        RefundOrigin::Reversal => "reversal",
    }
}

fn time(at: Option<Millis>) -> Option<String> {
    at.map(Millis::rfc3339)
}
