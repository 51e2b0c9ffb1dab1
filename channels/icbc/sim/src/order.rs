//! An order beside its ledger entry: what the bank knows of it, and how each family shows it (pack §1.6, §1.7).

use crate::fail::Family;
use crate::parts::Parts;
use crate::reply::Body;
use serde_json::json;
use sluice_contract::{Millis, Wallet};
use sluice_simkit::{Entry, RefundState, State};

/// What the order came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    /// Family A: the merchant scans.
    Code,
    /// Family A: the customer scans.
    Qr,
    /// Family B: one code for all apps.
    QrAll,
    /// Family B: in this third party's app.
    Online(Wallet),
    /// A hosted page or the bank's app: it exists from the payer's arrival, and both families know it.
    Page,
}

impl Product {
    pub(crate) const fn seen_by(self, family: Family) -> bool {
        match self {
            Product::Code | Product::Qr => matches!(family, Family::A),
            Product::QrAll | Product::Online(_) => matches!(family, Family::B),
            Product::Page => true,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) product: Product,
    /// The API that made it, as callbacks name it.
    pub(crate) api: String,
    pub(crate) mer_id: String,
    pub(crate) order_id: String,
    pub(crate) subject: String,
    pub(crate) attach: String,
    /// The e-life number of the store, where the call has it.
    pub(crate) store_code: Option<String>,
    /// What the phone calls it, in the words of the gateway's methods.
    pub(crate) method: &'static str,
    pub(crate) notify_url: Option<String>,
    /// Failed trades are told as well (`result_type` 0, pack §1.7).
    pub(crate) tells_failures: bool,
    pub(crate) access_type: String,
    pub(crate) open_id: String,
    /// The last moment to pay.
    pub(crate) until: Option<Millis>,
    /// The business text that made a page's order: the same form may come again.
    pub(crate) fingerprint: String,
    pub(crate) links: Vec<String>,
    pub(crate) auth_code: Option<String>,
    /// Never ends by itself, whatever the payer types.
    pub(crate) stubborn: bool,
    /// Paid when it was asked about this often.
    pub(crate) queries_to_pay: Option<u32>,
    pub(crate) settled: Option<Settled>,
}

/// What a capture adds.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) wallet: Wallet,
    pub(crate) parts: Parts,
    pub(crate) third_trade_no: String,
    pub(crate) at: Millis,
}

/// Family A: 0 paying, 1 paid, 2 failed; beyond that one client's comment (pack §1.6).
pub(crate) fn digit_a(entry: &Entry, wide: bool) -> &'static str {
    match entry.status {
        State::Created | State::Paying => "0",
        State::Closed | State::Failed => "2",
        State::Reversed => {
            if wide {
                "3"
            } else {
                "2"
            }
        }
        State::Paid if wide => refunded_digit(entry),
        State::Paid => "1",
    }
}

fn refunded_digit(entry: &Entry) -> &'static str {
    let standing = || entry.refunds.iter().filter(|r| r.status != RefundState::Failed);
    if standing().any(|r| r.status == RefundState::Pending) {
        "7"
    } else if standing().next().is_none() {
        "1"
    } else if entry.remaining().is_positive() {
        "6"
    } else {
        "5"
    }
}

/// Family B: 0 paid, 1 failed, 2 not known.
pub(crate) const fn digit_b(state: State) -> &'static str {
    match state {
        State::Paid => "0",
        State::Closed | State::Failed | State::Reversed => "1",
        State::Created | State::Paying => "2",
    }
}

const CARD: &str = "622208**6666";
const CUSTOMER: &str = "020000123456789";

impl Order {
    fn parts(&self) -> Parts {
        self.settled.as_ref().map(|settled| settled.parts.clone()).unwrap_or_default()
    }

    fn payer(&self, body: &mut Body) {
        let own = self.settled.as_ref().is_some_and(|settled| settled.wallet == Wallet::Icbc);
        body.put("cust_id", if own { CUSTOMER } else { "" });
        body.put("card_no", if own { CARD } else { "" });
    }

    /// 9 WeChat, 10 Alipay, 13 UnionPay (pack §1.7); the pack has no digit for the bank's own.
    pub(crate) fn pay_type(&self) -> &'static str {
        match (self.settled.as_ref().map(|settled| settled.wallet), self.product) {
            (Some(wallet), _) | (None, Product::Online(wallet)) => pay_mode(wallet),
            _ => "",
        }
    }

    /// A day in family A; the order's own while it is not paid.
    pub(crate) fn pay_day(&self, entry: &Entry) -> String {
        self.settled.as_ref().map_or(entry.created_at, |settled| settled.at).second().day().compact()
    }

    pub(crate) fn pay_time(&self, entry: &Entry) -> String {
        self.settled.as_ref().map_or(entry.created_at, |settled| settled.at).second().compact()
    }

    /// The members of a query of family A, but for the state.
    pub(crate) fn show_a(&self, entry: &Entry, body: &mut Body) {
        self.payer(body);
        self.parts().pay_block(entry.total, body);
        body.put("out_trade_no", &entry.out_trade_no);
        body.put("order_id", &self.order_id);
        body.put("pay_time", &self.pay_day(entry));
    }

    pub(crate) fn show_b(&self, entry: &Entry, body: &mut Body) {
        self.payer(body);
        self.parts().pay_block(entry.total, body);
        self.parts().third_block(body);
        body.put("out_trade_no", &entry.out_trade_no);
        body.put("order_id", &self.order_id);
        body.put("pay_time", &self.pay_time(entry));
        body.put("pay_type", self.pay_type());
        body.put("access_type", &self.access_type);
        body.put("open_id", &self.open_id);
        body.put("third_trade_no", self.settled.as_ref().map_or("", |settled| &settled.third_trade_no));
        for name in ["card_flag", "decr_flag", "card_kind", "bank_type", "promotion_detail"] {
            body.put(name, "");
        }
        body.put("attach", &self.attach);
    }

    /// What a callback says of the order (pack §1.9). A failed trade names its amount as `payment_amt`, as the real one did.
    pub(crate) fn told(&self, entry: &Entry, paid: bool, msg_id: &str, pay_time: &str) -> Body {
        let mut body = Body::default();
        body.0.push(("return_code", json!(if paid { "0" } else { "1" })));
        body.put("return_msg", if paid { "交易成功" } else { "交易失败" });
        body.put("msg_id", msg_id);
        self.payer(&mut body);
        let mut parts = if paid { self.parts() } else { Parts::default() };
        if !paid {
            parts.add(crate::parts::Part::Cash, entry.total);
        }
        parts.pay_block(entry.total, &mut body);
        body.put("out_trade_no", &entry.out_trade_no);
        body.put("order_id", &self.order_id);
        body.put("pay_time", pay_time);
        body.put("mer_id", &self.mer_id);
        body.put("attach", &self.attach);
        if self.product.seen_by(Family::B) {
            body.put("access_type", &self.access_type);
            for name in ["card_flag", "card_kind", "decr_flag"] {
                body.put(name, "");
            }
            body.put("open_id", &self.open_id);
            body.put("pay_type", self.pay_type());
            body.put("third_trade_no", self.settled.as_ref().map_or("", |settled| &settled.third_trade_no));
            parts.third_block(&mut body);
        }
        body
    }
}

pub(crate) const fn pay_mode(wallet: Wallet) -> &'static str {
    match wallet {
        Wallet::Wechat => "9",
        Wallet::Alipay => "10",
        Wallet::Unionpay => "13",
        Wallet::Icbc | Wallet::Cmb | Wallet::Ecny => "",
    }
}
