//! Refunds and their queries (pack 1.6, 1.7). Family A answers a refund with what it did; family B takes it, and its query tells.
//!
//! `reject_amt` is cash and points, `real_reject_amt` the cash: the first is compared, the second is what the payer gets back.

use crate::codes::{Api, Class};
use crate::config::{Account, Family};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, fen, put, word};
use crate::{ids, trade};
use serde_json::{Map, Value};
use sluice_contract::fields::parse_json;
use sluice_contract::{
    Claims, Env, FailureCode, Fault, Fen, HttpReply, HttpRequest, Notes, Reading, Refund, RefundRef, Refunded, Refusal, Step, Why, WhyKind,
};
use sluice_kit::codes::failure;
use sluice_kit::outcome::{self, Complaint as _, contradiction, unlisted, unreadable};
use sluice_kit::wire::{given, told as named};
use std::sync::Arc;

const REJECT: Call = Call { api: "qrcode.reject", path: "/api/qrcode/V2/reject", timeout_ms: TIMEOUT_MONEY_MS };
const REJECT_QUERY: Call = Call { api: "reject.query", path: "/api/qrcode/reject/query/V3", timeout_ms: TIMEOUT_MS };
const MERREFUND: Call =
    Call { api: "merrefund", path: "/api/cardbusiness/aggregatepay/b2c/online/merrefund/V1", timeout_ms: TIMEOUT_MONEY_MS };
const REFUNDQRY: Call = Call { api: "refundqry", path: "/api/cardbusiness/aggregatepay/b2c/online/refundqry/V1", timeout_ms: TIMEOUT_MS };

pub(crate) fn refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let refund = refund.clone();
    let request = request(account, &refund, Api::Refund, env);
    wire::send(account, request, move |account, reply, _| Reading::Is(read(account, &refund, Api::Refund, reply)))
}

pub(crate) fn query_refund(account: &Arc<Account>, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
    let refund = refund.clone();
    let request = request(account, &refund, Api::RefundQuery, env);
    wire::send(account, request, move |account, reply, _| Reading::Is(read(account, &refund, Api::RefundQuery, reply)))
}

/// What our refund number is called.
const fn number_name(family: Family) -> &'static str {
    match family {
        Family::A => "reject_no",
        Family::B => "outtrx_serial_no",
    }
}

/// The same content for every repeat of the same refund: nothing in it comes from the moment.
fn request(account: &Account, refund: &RefundRef, api: Api, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let family = ids::family(&refund.payment)?;
    let mut body = Map::new();
    ids::put_order(&mut body, &refund.payment);
    put(&mut body, number_name(family), refund.number.as_str());
    match family {
        Family::A => ids::put_bank_number(&mut body, &refund.payment),
        Family::B => ids::put_frozen(&mut body, &refund.payment, &["icbc_appid", "mer_prtcl_no"]),
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

fn read(account: &Account, refund: &RefundRef, api: Api, reply: &HttpReply) -> Refund {
    let Ok(family) = ids::family(&refund.payment) else { return Refund::Unknown(unreadable("no family is frozen")) };
    let told = match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => match (family, api) {
            (Family::A, Api::RefundQuery) => listed(&tree, refund),
            (_, Api::RefundQuery) => Ok(meaning(family, &tree, refund)),
            _ => told(family, &tree, refund).map(|told| told.says(family, api)),
        },
        Ok(Answer::Error(complaint)) => return refused(api, &complaint),
        Err(why) => Err(why),
    };
    told.unwrap_or_else(Refund::Unknown)
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
    told(family, tree, refund).map_or_else(Refund::Unknown, |told| told.says(family, Api::RefundQuery))
}

/// A refund as told, which does not contradict ours.
struct Told {
    /// `reject_status` or family B's `pay_status`; a refund's own reply has none.
    digit: Option<String>,
    refunded: Refunded,
}

fn told(family: Family, tree: &Value, refund: &RefundRef) -> Result<Told, Why> {
    let number = given(tree, number_name(family)).ok_or_else(|| unreadable("the reply does not name the refund"))?;
    let claims = Claims {
        number: given(tree, "out_trade_no").map(str::to_owned),
        refund_number: Some(number.to_owned()),
        refund_amount: amount(tree, refund.amount),
        currency: trade::currency(tree),
        same: ids::claimed(tree),
        amount: None,
    };
    if let Some(field) = claims.refund_contradiction(refund) {
        return Err(contradiction(field));
    }
    let (state, bank_number) = match family {
        Family::A => ("reject_status", "icbc_reject_sq"),
        Family::B => ("pay_status", "intrx_serial_no"),
    };
    Ok(Told {
        digit: word(tree, state),
        refunded: Refunded {
            // Without both amounts nothing is known to have gone back.
            payer_amount: claims.refund_amount.and(fen(tree, "real_reject_amt")),
            at: wire::moment(tree, "refund_time"),
            settle_date: None,
            handles: named(tree, &[(bank_number, bank_number)]),
        },
    })
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

impl Told {
    /// Pack 1.6: the digits of a refund, by family.
    fn says(self, family: Family, api: Api) -> Refund {
        match (family, self.digit.as_deref(), api) {
            // `/reject` answers with what it did; without the amounts it only took it.
            (Family::A, None, Api::Refund) if self.refunded.payer_amount.is_some() => Refund::Succeeded(self.refunded),
            (_, None, Api::Refund) => Refund::Accepted(self.refunded.handles),
            (Family::A, Some("1"), _) | (Family::B, Some("0"), _) => match self.refunded.payer_amount {
                Some(_) => Refund::Succeeded(self.refunded),
                None => Refund::Unknown(unreadable("refunded, but without its amounts")),
            },
            (Family::A, Some("2"), _) | (Family::B, Some("1"), _) => {
                let code = self.digit.unwrap_or_default();
                Refund::Failed(failure(FailureCode::RefundClosed, Fault::Account, &code, "the bank says that the refund failed"))
            }
            (Family::A, Some("0"), _) | (Family::B, Some("2"), _) => {
                Refund::Unknown(Why::new(WhyKind::Pending, "the bank does not know yet whether it was refunded"))
            }
            (_, Some(other), _) => Refund::Unknown(unlisted("refund state", other)),
            (_, None, _) => Refund::Unknown(unreadable("the reply has no state of the refund")),
        }
    }
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
