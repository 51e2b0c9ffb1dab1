//! Refunds and their queries (pack §2.7, §2.8, §6). The number never changes: one number moves money once.

use crate::codes::Api;
use crate::config::Account;
use crate::trade::{self, time};
use crate::wire::{self, Answer, Call, TIMEOUT_MONEY_MS, cut, given, text, yuan};
use serde_json::Value;
use sluice_contract::{Claims, Env, Fen, Notes, Reading, Refund, RefundRef, Refunded, Step, Why, WhyKind};
use sluice_kit::ask::then;
use sluice_kit::claims::refund_agrees;
use sluice_kit::outcome::{self, contradiction, unlisted, unreadable};
use std::sync::Arc;

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    // The same content for every repeat: nothing in it comes from the moment.
    let biz = vec![
        ("refund_amount", Some(refund.amount.to_yuan().into())),
        ("out_request_no", Some(refund.number.as_str().into())),
        ("refund_reason", refund.reason.as_deref().filter(|reason| !reason.is_empty()).map(|reason| cut(reason, 256).into())),
        ("query_options", Some(vec!["refund_detail_item_list"].into())),
    ];
    let call = Call { timeout_ms: TIMEOUT_MONEY_MS, ..Call::about(&refund.payment, "refund", "alipay.trade.refund", biz) };
    wire::ask(account, refund, call, env, |account, refund, answer, env| {
        let tree = match answer {
            Answer::Good(tree) => tree,
            // Definite for this call; of a repeated send the caller asks before it believes (see `Refund::Failed`).
            Answer::Error(complaint) => return Ok(Reading::Is(outcome::refund(complaint.class(Api::Refund), &complaint, true))),
        };
        trade::agrees(&tree, &refund.payment)?;
        // `10000` with `fund_change = Y` is a refund; with `N` or none it was accepted, or is a repeat: the query says (pack §2.7).
        // `refund_fee` is cumulative and compared with nothing.
        if text(&tree, "fund_change") == Some("Y") {
            return Ok(Reading::Is(Refund::Succeeded(refunded(&tree, refund.amount))));
        }
        Ok(then(wire::ask(account, refund, query_call(refund), env, |_, refund, answer, _| match told(refund, answer)? {
            // Right after the call an empty answer counts for nothing (pack §2.8).
            Refund::NotFound => Ok(Reading::Is(Refund::Accepted(Notes::new()))),
            told => Ok(Reading::Is(told)),
        })))
    })
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    wire::ask(account, refund, query_call(refund), env, |_, refund, answer, _| told(refund, answer).map(Reading::Is))
}

fn query_call(refund: &RefundRef) -> Call {
    let options = Some(vec!["refund_detail_item_list", "gmt_refund_pay"].into());
    let biz = vec![("out_request_no", Some(refund.number.as_str().into())), ("query_options", options)];
    Call::about(&refund.payment, "refund.query", "alipay.trade.fastpay.refund.query", biz)
}

fn told(refund: &RefundRef, answer: Answer) -> Result<Refund, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => return Ok(outcome::refund(complaint.class(Api::RefundQuery), &complaint, false)),
    };
    let number = text(&tree, "out_request_no");
    // An unknown number is a success without any refund field (pack §2.8).
    if ["refund_status", "refund_amount", "error_code"].iter().all(|name| given(&tree, name).is_none()) {
        let is_ours = number.is_none_or(|number| number == refund.number);
        return if is_ours { Ok(Refund::NotFound) } else { Err(contradiction("refund_number")) };
    }
    let refund_amount = yuan(&tree, "refund_amount");
    let claims = Claims { refund_number: number.map(str::to_owned), refund_amount, ..trade::claims(&tree) };
    refund_agrees(&claims, refund)?;
    match (text(&tree, "refund_status"), refund_amount) {
        (Some("REFUND_SUCCESS"), Some(amount)) => Ok(Refund::Succeeded(refunded(&tree, amount))),
        (Some("REFUND_SUCCESS"), None) => Err(unreadable("refunded, but without an amount")),
        (None | Some(""), _) => Err(Why::new(WhyKind::Pending, "the refund is known, but not said to be done")),
        (Some(other), _) => Err(unlisted("refund_status", other)),
    }
}

fn refunded(tree: &Value, amount: Fen) -> Refunded {
    let payer_amount = yuan(tree, "present_refund_buyer_amount").or_else(|| own_money(tree));
    Refunded {
        payer_amount: payer_amount.filter(|payer| *payer <= amount),
        at: text(tree, "gmt_refund_pay").and_then(time),
        handles: sluice_kit::wire::told(tree, trade::HANDLES),
        ..Refunded::default()
    }
}

/// What of the refund goes back to the payer's pocket, when every fund of the list is one we know (pack §6: coupons last).
fn own_money(tree: &Value) -> Option<Fen> {
    let items = trade::list(tree, "refund_detail_item_list");
    let borne: Option<Vec<_>> = items.iter().map(|item| Some((trade::bearer(trade::channel(item)?)?, item))).collect();
    let mut own = borne.filter(|borne| !borne.is_empty())?.into_iter().filter(|(bearer, _)| bearer.is_none());
    own.try_fold(Fen::ZERO, |sum, (_, item)| sum.plus(yuan(item, "amount")?))
}
