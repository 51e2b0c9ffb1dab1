//! Refunds (pack §2.4): P and later an end for WeChat, an end at once for the others.
//!
//! The payer's part is `refund × paid by the payer ÷ total`, rounded down; the last refund takes the rest, so that all parts
//! together are exactly what was paid. What is not the payer's is `refundDscAmt`. A repeat with the same number and content
//! answers what stands, F too; a refused request leaves no trace, so its number may be used again.

use crate::account::MER_ID;
use crate::check::Fields;
use crate::fail::{Fail, Snag};
use crate::options::RefundFate;
use crate::order::{Order, pay_type};
use crate::post::News;
use crate::sim::{CmbSim, Timer};
use crate::wire::Answer;
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Entry, RefundState, State};

const COUNT_MAX: usize = 50;

/// A refund that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Refunding {
    /// The payment's number.
    pub(crate) number: String,
    pub(crate) cmb_order_id: String,
    pub(crate) user_id: String,
    pub(crate) amount: Fen,
    pub(crate) discount: Fen,
    pub(crate) status: RefundState,
    pub(crate) at: Millis,
    pub(crate) ended_at: Option<Millis>,
    /// Optional for refunds.
    pub(crate) notify_url: Option<String>,
    mch_reserved: Option<String>,
    fate: RefundFate,
}

/// P, S or F.
pub(crate) const fn state_word(status: RefundState) -> &'static str {
    match status {
        RefundState::Pending => "P",
        RefundState::Succeeded => "S",
        RefundState::Failed => "F",
    }
}

impl CmbSim {
    pub(crate) fn refund(&mut self, fields: &Fields<'_>, now: Millis) -> Answer {
        let party = fields.party()?;
        let refund_number = fields.number("orderId")?.to_owned();
        let (total, amount) = (fields.fen("txnAmt", Snag::RefundTotal)?, fields.fen("refundAmt", Snag::RefundAmount)?);
        check_parts(fields, amount)?;
        fields.text("refundReason", 128)?;
        let (notify_url, mch_reserved) = (fields.url("notifyUrl")?.map(str::to_owned), fields.reserved()?);
        let number = self.meant(fields, "origOrderId", "origCmbOrderId")??;
        if let Some(known) = self.refunds.get(&refund_number) {
            let same = known.number == number && known.amount == amount;
            return if same { self.refund_answer(&refund_number, "refundState") } else { Err(Snag::OrderTwice.into()) };
        }
        if self.orders.contains_key(&refund_number) {
            return Err(Snag::OrderTwice.into());
        }
        let (order, entry) = self.entry(&number).ok_or(Snag::NoOrder)?;
        self.check_rules(entry, total, amount, now)?;
        let (discount, wallet) = (self.discount_part(entry, amount), order.wallet());
        self.ledger.refund(&number, &refund_number, amount, now).map_err(|_| Snag::RefundAmount)?;
        let refunding = Refunding {
            number,
            cmb_order_id: self.cmb_order_id(now),
            user_id: party.user_id,
            amount,
            discount,
            status: RefundState::Pending,
            at: now,
            ended_at: None,
            notify_url,
            mch_reserved,
            fate: self.refund_fate,
        };
        self.by_cmb.insert(refunding.cmb_order_id.clone(), refund_number.clone());
        self.refunds.insert(refund_number.clone(), refunding);
        self.go_on(&refund_number, wallet, now);
        self.refund_answer(&refund_number, "refundState")
    }

    pub(crate) fn query_refund(&self, fields: &Fields<'_>) -> Answer {
        fields.party()?;
        let number = match (fields.text("cmbOrderId", 64)?, fields.text("orderId", 32)?) {
            (Some(cmb), _) => self.by_cmb.get(cmb).map(String::as_str).filter(|n| self.refunds.contains_key(*n)).ok_or(Snag::NoCmbOrder)?,
            (None, Some(ours)) => ours,
            (None, None) => return Err(Snag::Undefined.about("one of orderId and cmbOrderId is missing")),
        };
        self.refund_answer(number, "tradeState")
    }

    fn check_rules(&self, entry: &Entry, total: Fen, amount: Fen, now: Millis) -> Result<(), Fail> {
        let Some(paid_at) = entry.paid_at.filter(|_| entry.status == State::Paid) else { return Err(Snag::TradeState.into()) };
        if total != entry.total {
            return Err(Snag::RefundTotal.into());
        }
        if self.options.same_day_refunds && paid_at.second().day() != now.second().day() {
            return Err(Snag::Overdue.into());
        }
        if entry.refunds.len() >= COUNT_MAX {
            return Err(Snag::TradeState.about("more than 50 refunds"));
        }
        if amount > entry.remaining() {
            return Err(Snag::RefundAmount.into());
        }
        if self.funded { Ok(()) } else { Err(Snag::NotEnough.into()) }
    }

    /// What of a refund was never the payer's.
    fn discount_part(&self, entry: &Entry, amount: Fen) -> Fen {
        let standing = entry.refunds.iter().filter(|r| r.status != RefundState::Failed);
        let booked = standing.filter_map(|r| self.refunds.get(&r.out_refund_no));
        let back = booked.fold(0_i64, |sum, r| sum.saturating_add(r.amount.0).saturating_sub(r.discount.0));
        let left = entry.payer_total.0.saturating_sub(back).max(0);
        let share = i128::from(amount.0).saturating_mul(i128::from(entry.payer_total.0)).checked_div(i128::from(entry.total.0));
        let share = share.and_then(|fen| i64::try_from(fen).ok()).unwrap_or(0).min(left);
        let payer = if amount == entry.remaining() { left.min(amount.0) } else { share };
        Fen(amount.0.saturating_sub(payer))
    }

    /// WeChat answers P first, the others at once (pack §2.4).
    fn go_on(&mut self, refund_number: &str, wallet: Wallet, now: Millis) {
        if self.refund_fate == RefundFate::Pending {
            return;
        }
        if wallet == Wallet::Wechat {
            let when = now.plus_ms(self.paced(self.options.refund_delay_ms));
            self.timers.at(when, Timer::RefundEnds(refund_number.to_owned()));
        } else {
            self.end_refund(refund_number, now);
        }
    }

    pub(crate) fn end_refund(&mut self, refund_number: &str, now: Millis) {
        let Some(refund) = self.refunds.get_mut(refund_number).filter(|r| r.status == RefundState::Pending) else { return };
        let status = if refund.fate == RefundFate::Fail { RefundState::Failed } else { RefundState::Succeeded };
        if self.ledger.settle(&refund.number, refund_number, status).is_err() {
            return;
        }
        refund.status = status;
        refund.ended_at = Some(now);
        let (number, url) = (refund.number.clone(), refund.notify_url.clone());
        // Only successes are told (pack §2.5).
        if let (RefundState::Succeeded, Some(url)) = (status, url) {
            self.announce(&number, News::Refund(refund_number.to_owned()), url, now);
        }
    }

    /// Refunds that would stay P for ever end well now; answers how many.
    pub(crate) fn release_refunds(&mut self, now: Millis) -> usize {
        let stuck: Vec<String> = self
            .refunds
            .iter()
            .filter(|(_, r)| r.fate == RefundFate::Pending && r.status == RefundState::Pending)
            .map(|(n, _)| n.clone())
            .collect();
        for number in &stuck {
            self.end_refund(number, now);
        }
        stuck.len()
    }

    fn refund_answer(&self, refund_number: &str, state_name: &str) -> Answer {
        let refund = self.refunds.get(refund_number).ok_or(Snag::NoOrder)?;
        let order = self.orders.get(&refund.number).ok_or(Snag::NoOrder)?;
        let mut out = refund.json(refund_number, order);
        out.insert(state_name.to_owned(), json!(state_word(refund.status)));
        Ok(out.into())
    }
}

impl Refunding {
    /// Without its state, and without the payment's number, which no list of the pack has.
    pub(crate) fn json(&self, refund_number: &str, order: &Order) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |name: &str, value: &str| {
            out.insert(name.to_owned(), json!(value));
        };
        put("merId", MER_ID);
        put("orderId", refund_number);
        put("cmbOrderId", &self.cmb_order_id);
        put("userId", &self.user_id);
        put("refundAmt", &self.amount.0.to_string());
        put("refundDscAmt", &self.discount.0.to_string());
        put("currencyCode", "156");
        put("payType", pay_type(order.wallet()));
        put("txnTime", &self.at.second().compact());
        if let Some(reserved) = &self.mch_reserved {
            put("mchReserved", reserved);
        }
        for (name, value) in [("subMerId", &order.party.sub_mer_id), ("subStoreId", &order.party.sub_store_id)] {
            if let Some(value) = value {
                put(name, value);
            }
        }
        if let Some(ended_at) = self.ended_at {
            let end = ended_at.second().compact();
            put("endDate", end.get(..8).unwrap_or_default());
            put("endTime", end.get(8..).unwrap_or_default());
        }
        out
    }
}

/// refundOrigAmt and refundCouponAmt come together, and refundAmt is their difference.
fn check_parts(fields: &Fields<'_>, amount: Fen) -> Result<(), Fail> {
    let whole = fields.fen_or_zero("refundOrigAmt", Snag::RefundAmount)?;
    let coupon = fields.fen_or_zero("refundCouponAmt", Snag::RefundAmount)?;
    match (whole, coupon) {
        (None, None) => Ok(()),
        (Some(whole), Some(coupon)) if whole.minus(coupon) == Some(amount) => Ok(()),
        _ => Err(Snag::RefundAmount.about("refundAmt must be refundOrigAmt less refundCouponAmt")),
    }
}
