//! Query, close and reverse, for both dialects (pack §5).

use crate::check::Fields;
use crate::fail::{Fail, Snag};
use crate::order::Product;
use crate::party::{APPS, MCHID, own_mchid, sub_mchid};
use crate::route::param;
use crate::sim::WechatSim;
use crate::v3::Answer;
use serde_json::{Map, Value, json};
use sluice_contract::Millis;
use sluice_simkit::{Call, RefundState, State};

/// A reversal earlier than this collides with a payment that is still running (pack §5.3, §12.18).
const REVERSE_EARLIEST_MS: i64 = 15_000;
const REVERSE_LATEST_S: i64 = 7 * 86_400;

impl WechatSim {
    pub(crate) fn query_by_number(&self, number: &str, partner: bool, call: &Call) -> Answer {
        let sub = self.asked_by(partner, call)?;
        self.shown(number, sub.as_deref())
    }

    pub(crate) fn query_by_id(&self, id: &str, partner: bool, call: &Call) -> Answer {
        let sub = self.asked_by(partner, call)?;
        let number = self.by_transaction.get(id).ok_or(Snag::OrderNotExist)?;
        self.shown(number, sub.as_deref())
    }

    fn shown(&self, number: &str, sub: Option<&str>) -> Answer {
        let (order, entry) = self.entry(number).ok_or(Snag::OrderNotExist)?;
        if order.parties.sub_mchid.as_deref() != sub {
            return Err(Snag::OrderNotExist.into());
        }
        Ok(Some(Value::Object(order.json(entry, None))))
    }

    /// The merchant numbers of a query's query; answers the sub-merchant.
    fn asked_by(&self, partner: bool, call: &Call) -> Result<Option<String>, Fail> {
        let own = if partner { "sp_mchid" } else { "mchid" };
        match param(&call.target, own) {
            Some(mchid) if mchid == MCHID => {}
            given => return Err(Fail::query(own, given.as_deref().unwrap_or(""), "Must be the merchant that signed")),
        }
        if !partner {
            return Ok(None);
        }
        param(&call.target, "sub_mchid").map(Some).ok_or_else(|| Fail::query("sub_mchid", "", "Is required"))
    }

    pub(crate) fn close_v3(&mut self, number: &str, partner: bool, fields: &Fields<'_>) -> Answer {
        own_mchid(fields, partner)?;
        let sub = if partner { Some(sub_mchid(fields)?) } else { None };
        self.close(number, sub)?;
        Ok(None)
    }

    /// Closing again is as good as closing (pack §5.4).
    pub(crate) fn close(&mut self, number: &str, sub: Option<&str>) -> Result<(), Fail> {
        let (order, entry) = self.entry(number).ok_or(Snag::OrderNotExist)?;
        if order.parties.sub_mchid.as_deref() != sub {
            return Err(Snag::OrderNotExist.into());
        }
        match entry.status {
            State::Closed => return Ok(()),
            State::Paying => return Err(Snag::ClosePaying.into()),
            State::Created if order.product != Product::Codepay => {}
            // Paid, reversed and failed ones, and barcode orders, which are reversed.
            _ => return Err(Snag::InvalidRequest.into()),
        }
        self.ledger.close(number).map_err(|_| Snag::System)?;
        self.forget_links(number);
        Ok(())
    }

    pub(crate) fn reverse_v3(&mut self, number: &str, partner: bool, fields: &Fields<'_>, now: Millis) -> Answer {
        own_mchid(fields, partner)?;
        let sub = if partner { Some(sub_mchid(fields)?) } else { None };
        let appid = fields.must(if partner { "/sp_appid" } else { "/appid" }, 1, 32)?;
        if !APPS.contains(&appid) {
            return Err(Snag::AppidMchid.into());
        }
        self.reverse(number, sub, now)?;
        let mut out = Map::new();
        if let Some(order) = self.orders.get(number) {
            order.parties.write(&mut out);
        }
        out.insert("out_trade_no".to_owned(), json!(number));
        Ok(Some(Value::Object(out)))
    }

    /// pack §5.5: unpaid becomes revoked, paid goes back in full; a second time is the same.
    pub(crate) fn reverse(&mut self, number: &str, sub: Option<&str>, now: Millis) -> Result<(), Fail> {
        let (order, entry) = self.entry(number).ok_or(Snag::OrderNotExist)?;
        if order.parties.sub_mchid.as_deref() != sub {
            return Err(Snag::OrderNotExist.into());
        }
        if order.product != Product::Codepay {
            return Err(Snag::InvalidRequest.into());
        }
        if entry.status == State::Reversed {
            return Ok(());
        }
        if now > entry.created_at.plus_s(REVERSE_LATEST_S) {
            return Err(Snag::ReverseExpired.into());
        }
        if entry.status == State::Paying && now < entry.created_at.plus_ms(self.paced(REVERSE_EARLIEST_MS)) {
            return Err(Snag::UserPaying.into());
        }
        if entry.refunds.iter().any(|r| r.status != RefundState::Failed) {
            return Err(Snag::TradeError.into());
        }
        self.revoke(number, now);
        Ok(())
    }
}
