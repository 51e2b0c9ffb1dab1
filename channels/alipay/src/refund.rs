//! Refunds and their queries (pack §2.7, §2.8, §6). The number never changes: one number moves money once.

use crate::codes::Api;
use crate::config::Account;
use crate::query;
use crate::trade::{self, time};
use crate::wire::{self, Answer, Call, text, yuan};
use serde_json::Value;
use sluice_contract::{Claims, Env, Fen, Notes, Reading, Refund, RefundRef, Refunded, Step, Why, WhyKind};
use sluice_kit::outcome::{self, contradiction, unlisted, unreadable};
use sluice_kit::wire::{TIMEOUT_MONEY_MS, cut, given, put, put_some};
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    // The same content for every repeat: nothing in it comes from the moment.
    let mut biz = query::number(&refund.payment);
    put(&mut biz, "refund_amount", refund.amount.to_yuan());
    put(&mut biz, "out_request_no", refund.number.as_str());
    let reason = refund.reason.as_deref().map(|reason| cut(reason, 256)).filter(|reason| !reason.is_empty());
    put_some(&mut biz, "refund_reason", reason);
    put(&mut biz, "query_options", Value::from(vec!["refund_detail_item_list"]));
    let mut call = Call::new("refund", "alipay.trade.refund", biz, refund.payment.sub.get("auth_app_id"));
    call.timeout_ms = TIMEOUT_MONEY_MS;
    let refund = refund.clone();
    wire::ask(account, call, env, move |account, answer, env| match answer {
        Answer::Good(tree) => taken(account, &refund, &tree, env),
        // Definite for this call; of a repeated send the caller asks before it believes (see `Refund::Failed`).
        Answer::Error(complaint) => Reading::Is(outcome::refund(complaint.class(Api::Refund), &complaint, true)),
        Answer::Doubt(why) => Reading::Is(Refund::Unknown(why)),
    })
}

/// `10000` with `fund_change = Y` is a refund; with `N` or none it was accepted, or is a repeat: the query says (pack §2.7).
/// `refund_fee` is cumulative and compared with nothing.
fn taken(account: &Arc<Account>, refund: &RefundRef, tree: &Value, env: &Env<'_>) -> Reading<Refund> {
    if let Some(why) = trade::contradiction(tree, &refund.payment) {
        return Reading::Is(Refund::Unknown(why));
    }
    if text(tree, "fund_change") == Some("Y") {
        return Reading::Is(Refund::Succeeded(refunded(tree, refund.amount)));
    }
    let (call, refund) = (query_call(refund), refund.clone());
    wire::then(account, call, env, move |_, answer, _| {
        Reading::Is(match told(&refund, answer) {
            // Right after the call an empty answer counts for nothing (pack §2.8).
            Refund::NotFound => Refund::Accepted(Notes::new()),
            told => told,
        })
    })
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let (call, refund) = (query_call(refund), refund.clone());
    wire::ask(account, call, env, move |_, answer, _| Reading::Is(told(&refund, answer)))
}

fn query_call(refund: &RefundRef) -> Call {
    let mut biz = query::number(&refund.payment);
    put(&mut biz, "out_request_no", refund.number.as_str());
    put(&mut biz, "query_options", Value::from(vec!["refund_detail_item_list", "gmt_refund_pay"]));
    Call::new("refund.query", "alipay.trade.fastpay.refund.query", biz, refund.payment.sub.get("auth_app_id"))
}

fn told(refund: &RefundRef, answer: Answer) -> Refund {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => return outcome::refund(complaint.class(Api::RefundQuery), &complaint, false),
        Answer::Doubt(why) => return Refund::Unknown(why),
    };
    // An unknown number is a success without any refund field (pack §2.8).
    let empty = ["refund_status", "refund_amount", "error_code"].iter().all(|name| given(&tree, name).is_none());
    if empty {
        let other = text(&tree, "out_request_no").is_some_and(|number| number != refund.number);
        return if other { Refund::Unknown(contradiction("refund_number")) } else { Refund::NotFound };
    }
    let claims = Claims {
        number: text(&tree, "out_trade_no").map(str::to_owned),
        refund_number: text(&tree, "out_request_no").map(str::to_owned),
        refund_amount: yuan(&tree, "refund_amount"),
        ..trade::claims(&tree)
    };
    if let Some(field) = claims.refund_contradiction(refund) {
        return Refund::Unknown(contradiction(field));
    }
    match (text(&tree, "refund_status"), claims.refund_amount) {
        (Some("REFUND_SUCCESS"), Some(amount)) => Refund::Succeeded(refunded(&tree, amount)),
        (Some("REFUND_SUCCESS"), None) => Refund::Unknown(unreadable("refunded, but without an amount")),
        (None | Some(""), _) => Refund::Unknown(Why::new(WhyKind::Pending, "the refund is known, but not said to be done")),
        (Some(other), _) => Refund::Unknown(unlisted("refund_status", other)),
    }
}

fn refunded(tree: &Value, amount: Fen) -> Refunded {
    let payer_amount = yuan(tree, "present_refund_buyer_amount").or_else(|| own_money(tree));
    Refunded {
        payer_amount: payer_amount.filter(|payer| *payer <= amount),
        at: text(tree, "gmt_refund_pay").and_then(time),
        handles: trade::handles(tree),
        ..Refunded::default()
    }
}

/// What of the refund goes back to the payer's pocket, when every fund of the list is one we know (pack §6: coupons last).
fn own_money(tree: &Value) -> Option<Fen> {
    let items = trade::list(tree, "refund_detail_item_list");
    if items.is_empty() || !items.iter().all(|item| trade::channel(item).is_some_and(trade::is_known)) {
        return None;
    }
    let own = items.iter().filter(|item| trade::channel(item).is_some_and(trade::is_own_money));
    own.map(|item| yuan(item, "amount")).try_fold(Fen::ZERO, |sum, part| sum.plus(part?))
}
