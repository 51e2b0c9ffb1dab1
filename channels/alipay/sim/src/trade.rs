//! Query, close and cancel (pack §2.4, §2.5, §2.6).

use crate::check::{Biz, wrong};
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked};
use crate::order::{Order, trade_status};
use crate::sim::AlipaySim;
use serde_json::{Map, Value, json};
use sluice_contract::Millis;
use sluice_simkit::{Entry, State};

const CANCEL_WINDOW_S: i64 = 86_400;

impl AlipaySim {
    /// The trade a call means: `trade_no` wins. Another merchant's is none.
    pub(crate) fn meant(&self, asked: &Asked, biz: &Biz<'_>) -> Result<String, Fail> {
        let (trade_no, number) = (biz.text("trade_no", 64)?, biz.number("out_trade_no")?);
        let number = match (trade_no, number) {
            (Some(trade_no), _) => self.by_trade.get(trade_no).map(String::as_str),
            (None, Some(number)) => Some(number),
            (None, None) => return Err(wrong("out_trade_no")),
        };
        let own = |number: &&str| self.orders.get(*number).is_some_and(|o| o.party == asked.party);
        number.filter(own).map(str::to_owned).ok_or_else(|| Snag::NoTrade.into())
    }

    pub(crate) fn query(&self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        biz.only(&[&["out_trade_no", "trade_no", "query_options", "org_pid"]])?;
        let number = self.meant(asked, biz)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::NoTrade)?;
        let mut out = order.json(entry, self.options.payer_ids, |field| biz.asks_for(field));
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        put("trade_status", json!(trade_status(entry, self.is_finished(order, now))));
        put("buyer_user_type", json!("PRIVATE"));
        put("subject", json!(order.subject));
        if let Some(body) = &order.body {
            put("body", json!(body));
        }
        if let Some(settled) = &order.settled {
            put("send_pay_date", json!(settled.at.second().plain()));
        }
        if order.cancelled_at.is_some() {
            put("ext_infos", json!("{\"action\":\"cancel\"}"));
        }
        Ok(out)
    }

    /// Only what waits for the payer; a code nobody scanned is no trade, and lives on.
    pub(crate) fn close(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        biz.only(&[&["out_trade_no", "trade_no", "operator_id"]])?;
        biz.text("operator_id", 28)?;
        let number = self.meant(asked, biz)?;
        match self.state_of(&number) {
            Some(State::Created | State::Paying) => {}
            Some(State::Paid) => return Err(Snag::StatusReason.into()),
            _ => return Err(Snag::Status.into()),
        }
        if let (Some(url), Some(order)) = (&asked.notify_url, self.orders.get_mut(&number)) {
            order.notify_url = Some(url.clone());
        }
        self.close_books(&number, now);
        Ok(self.names(&number))
    }

    pub(crate) fn cancel(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        biz.only(&[&["out_trade_no", "trade_no"]])?;
        if self.cancel_retries > 0 {
            self.cancel_retries = self.cancel_retries.saturating_sub(1);
            return Ok(cancel_answer(Map::new(), biz, "Y", None));
        }
        let number = match self.meant(asked, biz) {
            Ok(number) => number,
            Err(fail) if fail == Snag::NoTrade.into() => {
                // Never reached us: success without an action, and the number is not to be used again.
                self.burnt.extend(biz.number("out_trade_no")?.map(str::to_owned).filter(|n| !self.orders.contains_key(n)));
                return Ok(cancel_answer(Map::new(), biz, "N", None));
            }
            Err(fail) => return Err(fail),
        };
        let (order, entry) = self.entry(&number).ok_or(Snag::NoTrade)?;
        let action = self.cancellable(order, entry, now)?;
        if action == "close" {
            self.close_books(&number, now);
        } else {
            self.ledger.reverse(&number).map_err(|_| Snag::System)?;
        }
        if let Some(order) = self.orders.get_mut(&number) {
            order.cancelled_at.get_or_insert(now);
        }
        Ok(cancel_answer(self.names(&number), biz, "N", Some(action)))
    }

    /// What cancelling comes to: once more is the same.
    fn cancellable(&self, order: &Order, entry: &Entry, now: Millis) -> Result<&'static str, Fail> {
        if !order.product.is_face() {
            return Err(Snag::CancelNot.into());
        }
        match entry.status {
            State::Reversed => return Ok("refund"),
            State::Closed | State::Failed => return Ok("close"),
            _ if now > entry.created_at.plus_s(CANCEL_WINDOW_S) => return Err(Snag::CancelLate.into()),
            State::Created | State::Paying => return Ok("close"),
            State::Paid => {}
        }
        if !entry.refunds.is_empty() {
            return Err(Snag::RefundFee.into());
        }
        if self.is_finished(order, now) {
            return Err(Snag::HasFinished.into());
        }
        if self.funded { Ok("refund") } else { Err(Snag::SellerBalance.into()) }
    }

    /// Both numbers of a trade.
    pub(crate) fn names(&self, number: &str) -> Map<String, Value> {
        let trade_no = self.orders.get(number).map(|o| o.trade_no.as_str()).unwrap_or_default();
        Map::from_iter([("out_trade_no".to_owned(), json!(number)), ("trade_no".to_owned(), json!(trade_no))])
    }
}

fn cancel_answer(mut out: Map<String, Value>, biz: &Biz<'_>, retry: &str, action: Option<&str>) -> Map<String, Value> {
    if let Some(number) = biz.at("out_trade_no") {
        out.insert("out_trade_no".to_owned(), number.clone());
    }
    out.insert("retry_flag".to_owned(), json!(retry));
    if let Some(action) = action {
        out.insert("action".to_owned(), json!(action));
    }
    out
}
