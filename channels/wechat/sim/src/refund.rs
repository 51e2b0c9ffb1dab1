//! Refunds: accepted, then processing, then an end (pack §6).

use crate::check::Fields;
use crate::create::fingerprint;
use crate::fail::{Fail, Snag};
use crate::options::RefundFate;
use crate::order::Order;
use crate::party::sub_mchid;
use crate::post::News;
use crate::route::param;
use crate::sim::{Timer, WechatSim};
use crate::v3::Answer;
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Call, Entry, RefundState, State};

const WINDOW_S: i64 = 365 * 86_400;
const COUNT_MAX: usize = 50;
const GAP_MS: i64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundStatus {
    Processing,
    Success,
    Closed,
    Abnormal,
}

impl RefundStatus {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            RefundStatus::Processing => "PROCESSING",
            RefundStatus::Success => "SUCCESS",
            RefundStatus::Closed => "CLOSED",
            RefundStatus::Abnormal => "ABNORMAL",
        }
    }
}

/// A refund that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Refunding {
    pub(crate) number: String,
    pub(crate) refund_id: String,
    pub(crate) amount: Fen,
    /// What the payer gets; the rest goes back to who gave the discount.
    pub(crate) payer_refund: Fen,
    pub(crate) settlement_refund: Fen,
    pub(crate) status: RefundStatus,
    pub(crate) created_at: Millis,
    pub(crate) success_at: Option<Millis>,
    notify_url: Option<String>,
    funds_account: String,
    fingerprint: [u8; 32],
    fate: RefundFate,
}

/// A refund as asked for, in either dialect.
pub(crate) struct RefundAsk {
    pub(crate) transaction_id: Option<String>,
    pub(crate) out_trade_no: Option<String>,
    pub(crate) sub_mchid: Option<String>,
    pub(crate) out_refund_no: String,
    pub(crate) refund: Fen,
    pub(crate) total: Fen,
    pub(crate) notify_url: Option<String>,
    pub(crate) funds_account: String,
    /// Of everything but the two order numbers.
    pub(crate) fingerprint: [u8; 32],
}

impl WechatSim {
    pub(crate) fn refund_v3(&mut self, fields: &Fields<'_>, now: Millis) -> Answer {
        let ask = read(fields, self.options.strict_network)?;
        self.refund(&ask, now)?;
        self.refund_json(&ask.out_refund_no).map(Some).ok_or_else(|| Snag::System.into())
    }

    pub(crate) fn query_refund_v3(&self, out_refund_no: &str, call: &Call) -> Answer {
        let refund = self.refunds.get(out_refund_no).ok_or(Snag::NoRefund)?;
        let order = self.orders.get(&refund.number).ok_or(Snag::NoRefund)?;
        if order.parties.sub_mchid != param(&call.target, "sub_mchid") {
            return Err(Snag::NoRefund.into());
        }
        self.refund_json(out_refund_no).map(Some).ok_or_else(|| Snag::NoRefund.into())
    }

    /// Accepts a refund, or finds the one this number already has.
    pub(crate) fn refund(&mut self, ask: &RefundAsk, now: Millis) -> Result<(), Fail> {
        let number = self.meant_by(ask)?;
        if let Some(known) = self.refunds.get(&ask.out_refund_no) {
            let same = known.fingerprint == ask.fingerprint && known.number == number;
            return if same { Ok(()) } else { Err(Snag::InvalidRequest.into()) };
        }
        let (order, entry) = self.entry(&number).ok_or(Snag::NoResource)?;
        self.check_rules(ask, entry, now)?;
        let (payer_refund, settlement_refund) = self.split(order, entry, ask.refund);
        self.ledger.refund(&number, &ask.out_refund_no, ask.refund, now).map_err(|_| Snag::TooMuch)?;
        let refunding = Refunding {
            number,
            refund_id: self.refund_id(now),
            amount: ask.refund,
            payer_refund,
            settlement_refund,
            status: RefundStatus::Processing,
            created_at: now,
            success_at: None,
            notify_url: ask.notify_url.clone(),
            funds_account: ask.funds_account.clone(),
            fingerprint: ask.fingerprint,
            fate: self.refund_fate,
        };
        self.refunds.insert(ask.out_refund_no.clone(), refunding);
        let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
        self.timers.at(when, Timer::RefundEnds(ask.out_refund_no.clone()));
        Ok(())
    }

    fn meant_by(&self, ask: &RefundAsk) -> Result<String, Fail> {
        let by_id = ask.transaction_id.as_ref().map(|id| self.by_transaction.get(id).ok_or(Snag::NoResource)).transpose()?;
        let number = match (by_id, &ask.out_trade_no) {
            (Some(found), Some(given)) if found != given => return Err(Snag::InvalidRequest.into()),
            (Some(found), _) => found,
            (None, Some(given)) => given,
            (None, None) => return Err(Snag::Param.into()),
        };
        let order = self.orders.get(number).ok_or(Snag::NoResource)?;
        if order.parties.sub_mchid != ask.sub_mchid { Err(Snag::NoResource.into()) } else { Ok(number.clone()) }
    }

    /// pack §6.2.
    fn check_rules(&self, ask: &RefundAsk, entry: &Entry, now: Millis) -> Result<(), Fail> {
        let Some(paid_at) = entry.paid_at.filter(|_| entry.status == State::Paid) else {
            return Err(Snag::InvalidRequest.into());
        };
        if ask.total != entry.total {
            return Err(Fail::body("/amount/total", Some(&json!(ask.total.0)), "Is not the order's original total"));
        }
        if now > paid_at.plus_s(WINDOW_S) {
            return Err(Snag::TradeOverdue.into());
        }
        if entry.refunds.iter().any(|r| now < r.at.plus_ms(self.paced(GAP_MS))) {
            return Err(Snag::Frequency.into());
        }
        if entry.refunds.len() >= COUNT_MAX {
            return Err(Snag::TooManyRefunds.into());
        }
        if ask.refund > entry.remaining() {
            return Err(Snag::TooMuch.into());
        }
        if self.funded { Ok(()) } else { Err(Snag::NotEnough.into()) }
    }

    /// The payer's part is `refund × payer_total ÷ total`, rounded; the last refund takes what is left, so that all
    /// parts together are exactly what was paid.
    fn split(&self, order: &Order, entry: &Entry, refund: Fen) -> (Fen, Fen) {
        let booked = || entry.refunds.iter().filter_map(|r| self.refunds.get(&r.out_refund_no));
        let standing = || booked().filter(|r| r.status != RefundStatus::Closed);
        let payer_back: i64 = standing().fold(0, |sum, r| sum.saturating_add(r.payer_refund.0));
        let settled_back: i64 = standing().fold(0, |sum, r| sum.saturating_add(r.settlement_refund.0));
        let last = refund == entry.remaining();
        let part = |whole: i64, back: i64| {
            let left = whole.saturating_sub(back);
            Fen(if last { left } else { share(refund, Fen(whole), entry.total).0.min(left) })
        };
        (part(entry.payer_total.0, payer_back), part(order.settlement(entry.total).0, settled_back))
    }

    pub(crate) fn end_refund(&mut self, out_refund_no: &str, now: Millis) {
        let Some(refund) = self.refunds.get_mut(out_refund_no).filter(|r| r.status == RefundStatus::Processing) else { return };
        let (status, booked) = match refund.fate {
            RefundFate::Success => (RefundStatus::Success, Some(RefundState::Succeeded)),
            RefundFate::Closed => (RefundStatus::Closed, Some(RefundState::Failed)),
            // Not final: the money is out of the order and has not arrived.
            RefundFate::Abnormal => (RefundStatus::Abnormal, None),
        };
        let (number, url) = (refund.number.clone(), refund.notify_url.clone());
        if let Some(booked) = booked
            && self.ledger.settle(&number, out_refund_no, booked).is_err()
        {
            return;
        }
        refund.status = status;
        refund.success_at = (status == RefundStatus::Success).then_some(now);
        if let Some(url) = url {
            let due = now.plus_ms(self.paced(self.options.callback_delay_ms));
            let news = News::Refund { out_refund_no: out_refund_no.to_owned(), status };
            self.post.announce_after_probe(&number, news, url, now, due, self.options.probe_callbacks, &mut self.draw);
        }
    }

    /// pack §6.3. What is encrypted in it is only looked at for presence.
    pub(crate) fn apply_abnormal(&mut self, id: &str, fields: &Fields<'_>, now: Millis) -> Answer {
        let out_refund_no = fields.must("/out_refund_no", 1, 64)?.to_owned();
        let kind = fields.must("/type", 1, 32)?;
        if kind == "USER_BANK_CARD" {
            fields.must("/bank_type", 1, 16)?;
            fields.must("/bank_account", 1, 1024)?;
            fields.must("/real_name", 1, 1024)?;
        } else if kind != "MERCHANT_BANK_CARD" {
            return Err(fields.wrong("/type", "Must be USER_BANK_CARD or MERCHANT_BANK_CARD"));
        }
        let refund = self.refunds.get_mut(&out_refund_no).filter(|r| r.refund_id == id).ok_or(Snag::NoRefund)?;
        if refund.status != RefundStatus::Abnormal {
            return Err(Snag::InvalidRequest.into());
        }
        refund.status = RefundStatus::Processing;
        refund.fate = RefundFate::Success;
        let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
        self.timers.at(when, Timer::RefundEnds(out_refund_no.clone()));
        self.refund_json(&out_refund_no).map(Some).ok_or_else(|| Snag::System.into())
    }

    /// The refund object of the API (pack §6.1).
    fn refund_json(&self, out_refund_no: &str) -> Option<Value> {
        let refund = self.refunds.get(out_refund_no)?;
        let (order, entry) = self.entry(&refund.number)?;
        let settled = order.settled.as_ref()?;
        let discount_refund = refund.amount.minus(refund.payer_refund)?;
        let promotions: Vec<Value> = settled
            .promotions
            .iter()
            .map(|p| {
                json!({
                    "promotion_id": p.coupon_id, "scope": "GLOBAL", "type": if p.settles() { "CASH" } else { "NOCASH" },
                    "amount": p.discount.amount.0, "refund_amount": share(refund.amount, p.discount.amount, entry.total).0,
                })
            })
            .collect();
        let mut out = json!({
            "refund_id": refund.refund_id, "out_refund_no": out_refund_no, "transaction_id": settled.transaction_id,
            "out_trade_no": refund.number, "channel": "ORIGINAL", "user_received_account": "支付用户零钱",
            "create_time": refund.created_at.second().rfc3339(), "status": refund.status.word(),
            "funds_account": refund.funds_account, "promotion_detail": promotions,
            "amount": {
                "total": entry.total.0, "refund": refund.amount.0, "from": [], "payer_total": entry.payer_total.0,
                "payer_refund": refund.payer_refund.0, "settlement_refund": refund.settlement_refund.0,
                "settlement_total": order.settlement(entry.total).0, "discount_refund": discount_refund.0, "currency": "CNY",
                "refund_fee": 0,
            },
        });
        if let (Some(at), Some(members)) = (refund.success_at, out.as_object_mut()) {
            members.insert("success_time".to_owned(), json!(at.second().rfc3339()));
        }
        Some(out)
    }
}

/// `refund × part ÷ total`, rounded half up.
fn share(refund: Fen, part: Fen, total: Fen) -> Fen {
    let (refund, part, total) = (i128::from(refund.0), i128::from(part.0), i128::from(total.0));
    let doubled = refund.saturating_mul(part).saturating_mul(2).saturating_add(total);
    Fen(doubled.checked_div(total.saturating_mul(2)).and_then(|fen| i64::try_from(fen).ok()).unwrap_or(0))
}

fn read(fields: &Fields<'_>, strict: bool) -> Result<RefundAsk, Fail> {
    let out_refund_no = fields.number("/out_refund_no", 1, 64, "@")?.to_owned();
    fields.text("/reason", 80)?;
    fields.currency("/amount/currency", true)?;
    let (refund, total) = (fields.fen("/amount/refund")?, fields.fen("/amount/total")?);
    from(fields, refund)?;
    let funds_account = match fields.text("/funds_account", 32)? {
        Some(given @ ("AVAILABLE" | "UNSETTLED")) => given.to_owned(),
        Some(_) => return Err(fields.wrong("/funds_account", "Must be AVAILABLE or UNSETTLED")),
        None => "UNSETTLED".to_owned(),
    };
    let sub = if fields.at("/sub_mchid").is_some() { Some(sub_mchid(fields)?.to_owned()) } else { None };
    let (transaction_id, out_trade_no) = (fields.text("/transaction_id", 32)?, fields.text("/out_trade_no", 32)?);
    if transaction_id.is_none() && out_trade_no.is_none() {
        return Err(fields.wrong("/transaction_id", "One of transaction_id and out_trade_no is required"));
    }
    let mut rest = fields.root.clone();
    if let Some(members) = rest.as_object_mut() {
        members.remove("transaction_id");
        members.remove("out_trade_no");
    }
    Ok(RefundAsk {
        transaction_id: transaction_id.map(str::to_owned),
        out_trade_no: out_trade_no.map(str::to_owned),
        sub_mchid: sub,
        out_refund_no,
        refund,
        total,
        notify_url: fields.notify_url("/notify_url", false, strict)?.map(str::to_owned),
        funds_account,
        fingerprint: fingerprint("refund", &rest),
    })
}

/// `amount.from` must sum to the refund.
fn from(fields: &Fields<'_>, refund: Fen) -> Result<(), Fail> {
    let Some(parts) = fields.at("/amount/from").and_then(Value::as_array).filter(|p| !p.is_empty()) else { return Ok(()) };
    let sum = parts.iter().try_fold(0_i64, |sum, part| sum.checked_add(part.get("amount")?.as_i64()?));
    if sum == Some(refund.0) { Ok(()) } else { Err(fields.wrong("/amount/from", "Must sum to amount.refund")) }
}
