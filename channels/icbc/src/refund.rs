//! Refunds and their queries (pack 1.6, 1.7). Family A answers a refund with what it did; family B takes it, and its query tells.
//!
//! `reject_amt` is cash and points, `real_reject_amt` the cash: the first is compared, the second is what the payer gets back.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, fen, put, word};
use crate::{ids, trade};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{
    Claims, Env, FailureCode, Fault, Fen, HttpRequest, Notes, Reading, Refund, RefundRef, Refunded, Refusal, Step, Why, WhyKind,
};
use sluice_kit::ask::ask;
use sluice_kit::claims::refund_agrees;
use sluice_kit::codes::failure;
use sluice_kit::outcome::{self, Complaint as _, unlisted, unreadable};
use sluice_kit::wire::{given, told as named};
use std::sync::Arc;

const REJECT: Call = Call { api: "qrcode.reject", path: "/api/qrcode/V2/reject", timeout_ms: TIMEOUT_MONEY_MS };
const REJECT_QUERY: Call = Call { api: "reject.query", path: "/api/qrcode/reject/query/V3", timeout_ms: TIMEOUT_MS };
const MERREFUND: Call =
    Call { api: "merrefund", path: "/api/cardbusiness/aggregatepay/b2c/online/merrefund/V1", timeout_ms: TIMEOUT_MONEY_MS };
const REFUNDQRY: Call = Call { api: "refundqry", path: "/api/cardbusiness/aggregatepay/b2c/online/refundqry/V1", timeout_ms: TIMEOUT_MS };

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    send(account, refund, Api::Refund, env)
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    send(account, refund, Api::RefundQuery, env)
}

fn send(account: &Arc<Account>, refund: &RefundRef, api: Api, env: &Env<'_>) -> Step<Refund> {
    ask(account, refund, request(account, refund, api, env), move |_, refund, answer, _| read(refund, api, answer).map(Reading::Is))
}

/// What the bank calls our refund number, the state of the refund and its own number.
const fn names(family: Family) -> [&'static str; 3] {
    match family {
        Family::A => ["reject_no", "reject_status", "icbc_reject_sq"],
        Family::B => ["outtrx_serial_no", "pay_status", "intrx_serial_no"],
    }
}

/// The same content for every repeat of the same refund: nothing in it comes from the moment.
fn request(account: &Account, refund: &RefundRef, api: Api, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let family = ids::family(&refund.payment)?;
    let mut body = ids::order(&refund.payment);
    let [number, ..] = names(family);
    put(&mut body, number, refund.number.as_str());
    if family == Family::A {
        ids::put_bank_number(&mut body, &refund.payment);
    }
    let call = match (family, api) {
        (Family::A, Api::Refund) => {
            put(&mut body, "reject_amt", refund.amount.to_string());
            REJECT
        }
        (Family::A, _) => REJECT_QUERY,
        (Family::B, Api::Refund) => {
            put(&mut body, "ret_total_amt", refund.amount.to_string());
            put(&mut body, "trnsc_ccy", "001");
            ids::put_frozen(&mut body, &refund.payment, &["mer_acct"]);
            MERREFUND
        }
        (Family::B, _) => REFUNDQRY,
    };
    wire::request(account, call, body, env)
}

fn read(refund: &RefundRef, api: Api, answer: Answer) -> Result<Refund, Why> {
    let family = ids::family(&refund.payment).map_err(|refusal| unreadable(refusal.inner))?;
    match (answer, family, api) {
        (Answer::Error(complaint), ..) => Ok(refused(api, &complaint)),
        (Answer::Good(tree), Family::A, Api::RefundQuery) => listed(&tree, refund),
        (Answer::Good(tree), ..) => told(family, api, &tree, refund),
    }
}

/// Family A's query answers a list: JSON text inside the JSON (the SDK's name for it; the wire's is UNCONFIRMED to be the same).
fn listed(tree: &Value, refund: &RefundRef) -> Result<Refund, Why> {
    let list = tree.get("refundJsonList").ok_or_else(|| unreadable("the reply has no list of refunds"))?;
    let parsed = match list.as_str() {
        Some("") => Some(Value::Array(Vec::new())),
        Some(text) => parse_json(text.as_bytes()).ok(),
        None => Some(list.clone()),
    };
    let items = parsed.as_ref().and_then(Value::as_array).ok_or_else(|| unreadable("the list of refunds is not acceptable JSON"))?;
    let mut ours = items.iter().filter(|item| given(item, "reject_no") == Some(&refund.number));
    match (ours.next(), ours.next()) {
        (Some(item), None) => Ok(meaning(Family::A, item, refund)),
        (Some(_), Some(_)) => Err(unreadable("the list names our refund twice")),
        // Every item must at least be a refund: what we cannot read may be ours.
        (None, _) if items.iter().all(|item| given(item, "reject_no").is_some()) => Ok(Refund::NotFound),
        (None, _) => Err(unreadable("the list has an item without a refund number")),
    }
}

/// What a query tells of one refund.
pub(crate) fn meaning(family: Family, tree: &Value, refund: &RefundRef) -> Refund {
    told(family, Api::RefundQuery, tree, refund).unwrap_or_else(Refund::Unknown)
}

/// A refund as told, which must not contradict ours. Pack 1.6: the digits, by family.
fn told(family: Family, api: Api, tree: &Value, refund: &RefundRef) -> Result<Refund, Why> {
    let [number, state, bank_number] = names(family);
    let number = given(tree, number).ok_or_else(|| unreadable("the reply does not name the refund"))?;
    let claims = Claims {
        number: given(tree, "out_trade_no").map(str::to_owned),
        refund_number: Some(number.to_owned()),
        refund_amount: amount(tree, refund.amount),
        currency: trade::currency(tree),
        same: ids::claimed(tree),
        amount: None,
    };
    refund_agrees(&claims, refund)?;
    let refunded = Refunded {
        // Without both amounts nothing is known to have gone back.
        payer_amount: claims.refund_amount.and(fen(tree, "real_reject_amt")),
        at: wire::moment(tree, "refund_time"),
        settle_date: None,
        handles: named(tree, &[(bank_number, bank_number)]),
    };
    let is_told = refunded.payer_amount.is_some();
    match (family, word(tree, state).as_deref(), api) {
        // `/reject` answers with what it did; without the amounts it only took it.
        (Family::A, None, Api::Refund) | (Family::A, Some("1"), _) | (Family::B, Some("0"), _) if is_told => {
            Ok(Refund::Succeeded(refunded))
        }
        (_, None, Api::Refund) => Ok(Refund::Accepted(refunded.handles)),
        (Family::A, Some("1"), _) | (Family::B, Some("0"), _) => Err(unreadable("refunded, but without its amounts")),
        (Family::A, Some(digit @ "2"), _) | (Family::B, Some(digit @ "1"), _) => {
            Ok(Refund::Failed(failure(FailureCode::RefundClosed, Fault::Account, digit, "the bank says that the refund failed")))
        }
        (Family::A, Some("0"), _) | (Family::B, Some("2"), _) => {
            Err(Why::new(WhyKind::Pending, "the bank does not know yet whether it was refunded"))
        }
        (_, Some(other), _) => Err(unlisted("refund state", other)),
        (_, None, _) => Err(unreadable("the reply has no state of the refund")),
    }
}

/// The refund's amount in our sense. `reject_amt` is what was asked for, or, where the order had discounts, what is left of it
/// beside them: both readings of the pack are taken, nothing in between.
fn amount(tree: &Value, asked: Fen) -> Option<Fen> {
    let rejected = fen(tree, "reject_amt")?;
    let part = |name: &str| fen(tree, name).unwrap_or(Fen::ZERO);
    let discounts = fen(tree, "reject_total_disc_amt").or_else(|| part("reject_mer_disc_amt").plus(part("reject_bank_disc_amt")))?;
    let with_discounts = rejected.plus(discounts)?;
    let with_coupon = with_discounts.plus(part("reject_ecoupon"))?;
    Some(if [with_discounts, with_coupon].contains(&asked) { asked } else { rejected })
}

fn refused(api: Api, complaint: &Complaint) -> Refund {
    match complaint.class(api) {
        // 00070038: pending.
        Ok(Class::Ok) => Refund::Accepted(Notes::new()),
        // Of a refund itself the pack promises nothing there.
        Ok(Class::NotCreated) if api == Api::Refund => Refund::Unknown(complaint.doubt(Class::NotCreated)),
        class => outcome::refund(class, complaint, api == Api::Refund),
    }
}
