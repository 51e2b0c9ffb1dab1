//! A payment beside its ledger entry: what UnionPay knows of it.

use crate::fail::Fail;
use crate::message::Ask;
use crate::sign::{Fields, SignMethod};
use sluice_contract::{Day, Discount, Fen, FundedBy, Millis};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Web,
    Wap,
    B2b,
    App,
    /// 主扫: the payer scans.
    Qr,
    /// 被扫: the payer is scanned.
    Barcode,
}

impl Product {
    pub(crate) const fn sub_type(self) -> &'static str {
        match self {
            Product::Qr => "07",
            Product::Barcode => "06",
            _ => "01",
        }
    }

    /// What the phone calls it, in the words of the gateway's methods.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Product::Web => "unionpay_web",
            Product::Wap => "unionpay_wap",
            Product::B2b => "unionpay_b2b",
            Product::App => "unionpay_app",
            Product::Qr => "unionpay_qr",
            Product::Barcode => "unionpay_barcode",
        }
    }

    pub(crate) const fn is_qr(self) -> bool {
        matches!(self, Product::Qr | Product::Barcode)
    }
}

/// What identifies a message in clearing (pack §6), and the handle made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) at: Millis,
    pub(crate) number: String,
    pub(crate) query_id: String,
}

impl Trace {
    /// MMDDhhmmss.
    pub(crate) fn time(&self) -> String {
        self.at.second().compact().get(4..).unwrap_or_default().to_owned()
    }
}

/// What a capture adds.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) at: Millis,
    /// 00, A6, or 42 for money that came after its time.
    pub(crate) code: &'static str,
    pub(crate) discounts: Vec<Discount>,
}

impl Settled {
    /// Discounts by who pays them: the merchant's own, and everybody else's.
    pub(crate) fn given(&self) -> (Fen, Fen) {
        let sum = |own: bool| {
            let of = self.discounts.iter().filter(|d| (d.funded_by == FundedBy::Merchant) == own);
            Fen(of.fold(0, |sum, d| sum.saturating_add(d.amount.0)))
        };
        (sum(true), sum(false))
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) product: Product,
    pub(crate) biz_type: String,
    pub(crate) access_type: String,
    /// Id and short name.
    pub(crate) sub_merchant: Option<(String, String)>,
    pub(crate) txn_time: String,
    pub(crate) back_url: String,
    pub(crate) req_reserved: Option<String>,
    pub(crate) order_desc: Option<String>,
    pub(crate) term_id: Option<String>,
    /// The last moment to pay.
    pub(crate) pay_until: Millis,
    /// Said by the client: a barcode without it never ends by itself.
    pub(crate) has_timeout: bool,
    pub(crate) sign_method: SignMethod,
    pub(crate) encoding: String,
    /// Of the request that made it: the same form again is the same order.
    pub(crate) signature: String,
    pub(crate) link: Option<String>,
    pub(crate) auth_code: Option<String>,
    /// Never ends by itself, whatever the payer types.
    pub(crate) stubborn: bool,
    /// Queries until the waiting payment succeeds by itself.
    pub(crate) queries_left: Option<u32>,
    /// What a query says while it is under way.
    pub(crate) pending: &'static str,
    /// Why it failed; of front orders, how the last try failed.
    pub(crate) failure: Option<&'static str>,
    pub(crate) trace: Option<Trace>,
    pub(crate) settled: Option<Settled>,
}

impl Order {
    /// The fields every product shares (pack §1.3, §2).
    pub(crate) fn read(ask: &Ask<'_>, fields: &Fields, product: Product, now: Millis, life_s: i64) -> Result<Order, Fail> {
        ask.parties()?;
        ask.currency(true)?;
        ask.url("frontUrl")?;
        let back_url = ask.back_url()?;
        let has_timeout = ask.get("payTimeout").is_some();
        let pay_until = if has_timeout { ask.time("payTimeout")? } else { now.plus_s(life_s) };
        if pay_until <= now {
            return Err(Fail::format("payTimeout"));
        }
        let own = |name: &str| fields.get(name).cloned().unwrap_or_default();
        Ok(Order {
            product,
            biz_type: own("bizType"),
            access_type: own("accessType"),
            sub_merchant: ask.get("subMerId").map(|id| (id.to_owned(), own("subMerAbbr"))),
            txn_time: own("txnTime"),
            back_url,
            req_reserved: ask.text("reqReserved", 1024)?,
            order_desc: ask.text("orderDesc", 256)?,
            term_id: ask.term_id()?,
            pay_until,
            has_timeout,
            sign_method: SignMethod::from_word(&own("signMethod")).unwrap_or(SignMethod::Certificate),
            encoding: own("encoding"),
            signature: own("signature"),
            link: None,
            auth_code: None,
            stubborn: false,
            queries_left: None,
            pending: "05",
            failure: None,
            trace: None,
            settled: None,
        })
    }

    pub(crate) fn settle_day(&self) -> Option<Day> {
        self.settled.as_ref().map(|settled| clearing_day(settled.at))
    }
}

/// From 23:00 of the day before to 23:00 (pack §2.7).
pub(crate) fn clearing_day(at: Millis) -> Day {
    at.plus_s(3600).second().day()
}

/// MMDD.
pub(crate) fn month_day(day: Day) -> String {
    day.compact().get(4..).unwrap_or_default().to_owned()
}
