//! An order beside its ledger entry: what Alipay knows of it, and how it shows it (pack §2.3, §2.4, §6).

use crate::options::PayerIds;
use crate::party::Party;
use serde_json::{Map, Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Millis};
use sluice_simkit::{Draw, Entry, RefundState, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Qr,
    Jsapi,
    Barcode,
    Page,
    Wap,
    App,
}

impl Product {
    /// What the phone calls it, in the words of the gateway's methods.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Product::Qr => "alipay_qr",
            Product::Jsapi => "alipay_jsapi",
            Product::Barcode => "alipay_barcode",
            Product::Page => "alipay_page",
            Product::Wap => "alipay_wap",
            Product::App => "alipay_app",
        }
    }

    /// Paid face to face (当面付): three hours to pay, and cancel is for these.
    pub(crate) const fn is_face(self) -> bool {
        matches!(self, Product::Qr | Product::Jsapi | Product::Barcode)
    }

    /// The trigger table (pack §5.4): TRADE_CLOSED and TRADE_FINISHED are told of these only.
    pub(crate) const fn tells_ends(self) -> bool {
        matches!(self, Product::Wap | Product::App)
    }
}

/// When the chance to pay ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    At(Millis),
    /// From the moment the trade exists.
    AfterMs(i64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buyer {
    pub(crate) user_id: Option<String>,
    pub(crate) open_id: Option<String>,
}

impl Buyer {
    /// The ids an app of this kind is told; one that was named by its other id keeps that.
    pub(crate) fn told(&self, kind: PayerIds) -> (Option<&str>, Option<&str>) {
        let user = self.user_id.as_deref().filter(|_| kind.has_user_id() || self.open_id.is_none());
        let open = self.open_id.as_deref().filter(|_| kind.has_open_id() || self.user_id.is_none());
        (user, open)
    }

    fn write(&self, kind: PayerIds, into: &mut Map<String, Value>) {
        let (user, open) = self.told(kind);
        for (name, value) in [("buyer_user_id", user), ("buyer_open_id", open), ("buyer_logon_id", Some(LOGON_ID))] {
            if let Some(value) = value {
                into.insert(name.to_owned(), json!(value));
            }
        }
    }
}

/// Masked, as the real one.
pub(crate) const LOGON_ID: &str = "pay***@sandbox.com";

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) product: Product,
    pub(crate) party: Party,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) passback: Option<String>,
    pub(crate) notify_url: Option<String>,
    pub(crate) store_id: Option<String>,
    pub(crate) terminal_id: Option<String>,
    pub(crate) operator_id: Option<String>,
    pub(crate) expiry: Expiry,
    /// The core of the request that made it; a repeat must be the same.
    pub(crate) core: String,
    pub(crate) buyer: Buyer,
    pub(crate) auth_code: Option<String>,
    /// Never ends by itself, whatever the payer types.
    pub(crate) stubborn: bool,
    /// Of the trade; empty while there is none.
    pub(crate) trade_no: String,
    pub(crate) pay_until: Millis,
    pub(crate) settled: Option<Settled>,
    pub(crate) cancelled_at: Option<Millis>,
    /// The refund window is over, by hook.
    pub(crate) finished: bool,
}

/// What a capture adds.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) at: Millis,
    pub(crate) parts: Vec<Part>,
}

/// One way the money came: the payer's own first, then the discounts.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) fund_channel: &'static str,
    pub(crate) amount: Fen,
    /// `None` is the payer's own money.
    pub(crate) discount: Option<Discount>,
    pub(crate) voucher_id: String,
}

impl Part {
    pub(crate) fn of(discount: &Discount, draw: &mut Draw) -> Part {
        let fund_channel = match (discount.kind, discount.funded_by) {
            (DiscountKind::Points, _) => "POINT",
            (DiscountKind::Coupon, FundedBy::Merchant) => "MCOUPON",
            (_, FundedBy::Merchant) => "MDISCOUNT",
            (DiscountKind::Coupon, _) => "COUPON",
            _ => "DISCOUNT",
        };
        Part { fund_channel, amount: discount.amount, discount: Some(discount.clone()), voucher_id: draw.digits(28) }
    }

    pub(crate) fn own(amount: Fen) -> Part {
        Part { fund_channel: "ALIPAYACCOUNT", amount, discount: None, voucher_id: String::new() }
    }

    /// Without fund flow: the merchant gets that much less (pack §6).
    pub(crate) fn is_merchants(&self) -> bool {
        self.discount.as_ref().is_some_and(|d| d.funded_by == FundedBy::Merchant)
    }

    fn bill(&self, camel: bool) -> Value {
        let name = if camel { "fundChannel" } else { "fund_channel" };
        json!({"amount": self.amount.to_yuan(), name: self.fund_channel})
    }

    fn voucher(&self, discount: &Discount, camel: bool) -> Value {
        let by = |who: FundedBy| {
            if (discount.funded_by == FundedBy::Merchant) == (who == FundedBy::Merchant) { discount.amount } else { Fen::ZERO }
        };
        let (merchant, other) = (by(FundedBy::Merchant).to_yuan(), by(FundedBy::Channel).to_yuan());
        let name = match discount.kind {
            DiscountKind::Coupon => "红包",
            DiscountKind::Points => "集分宝",
            DiscountKind::Bank => "银行立减",
            DiscountKind::Merchant => "商家优惠",
        };
        let (id, amount) = (&self.voucher_id, self.amount.to_yuan());
        if camel {
            json!({"voucherId": id, "name": name, "type": "ALIPAY_FIX_VOUCHER", "amount": amount, "merchantContribute": merchant, "otherContribute": other})
        } else {
            json!({"id": id, "name": name, "type": "ALIPAY_FIX_VOUCHER", "amount": amount, "merchant_contribute": merchant, "other_contribute": other})
        }
    }
}

/// The sums of a payment; all zero before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) receipt: Fen,
    pub(crate) own: Fen,
    pub(crate) point: Fen,
    /// Red packets of the platform.
    pub(crate) coupon: Fen,
    /// What else the platform or a bank gave.
    pub(crate) platform: Fen,
    pub(crate) merchant: Fen,
}

impl Settled {
    /// `amounts`: of each part, the whole of it or what a refund gives back.
    pub(crate) fn sums(&self, amounts: &[Fen]) -> Sums {
        let mut sums = Sums::default();
        for (part, amount) in self.parts.iter().zip(amounts) {
            let add = |sum: &mut Fen| *sum = sum.plus(*amount).unwrap_or(*sum);
            match part.fund_channel {
                "ALIPAYACCOUNT" => add(&mut sums.own),
                "POINT" => add(&mut sums.point),
                "COUPON" => add(&mut sums.coupon),
                "DISCOUNT" => add(&mut sums.platform),
                _ => add(&mut sums.merchant),
            }
            if !part.is_merchants() {
                add(&mut sums.receipt);
            }
        }
        sums
    }

    pub(crate) fn whole(&self) -> Sums {
        self.sums(&self.parts.iter().map(|part| part.amount).collect::<Vec<_>>())
    }

    pub(crate) fn fund_bill_list(&self, camel: bool) -> Value {
        self.parts.iter().map(|part| part.bill(camel)).collect()
    }

    pub(crate) fn vouchers(&self, camel: bool) -> Option<Value> {
        let list: Vec<Value> = self.parts.iter().filter_map(|p| p.discount.as_ref().map(|d| p.voucher(d, camel))).collect();
        (!list.is_empty()).then(|| json!(list))
    }
}

impl Order {
    pub(crate) fn sums(&self) -> Sums {
        self.settled.as_ref().map(Settled::whole).unwrap_or_default()
    }

    /// The members that pay and query share. `asked` is `query_options`.
    pub(crate) fn json(&self, entry: &Entry, kind: PayerIds, asked: impl Fn(&str) -> bool) -> Map<String, Value> {
        let sums = self.sums();
        let mut out = Map::new();
        self.buyer.write(kind, &mut out);
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        put("trade_no", json!(self.trade_no));
        put("out_trade_no", json!(entry.out_trade_no));
        put("total_amount", json!(entry.total.to_yuan()));
        for (name, amount) in
            [("receipt_amount", sums.receipt), ("buyer_pay_amount", sums.own), ("invoice_amount", sums.own), ("point_amount", sums.point)]
        {
            put(name, json!(amount.to_yuan()));
        }
        for (name, value) in [("store_id", &self.store_id), ("terminal_id", &self.terminal_id)] {
            if let Some(value) = value {
                put(name, json!(value));
            }
        }
        let Some(settled) = &self.settled else { return out };
        put("fund_bill_list", settled.fund_bill_list(false));
        let platform = sums.coupon.plus(sums.platform).unwrap_or_default();
        if platform.is_positive() {
            put("discount_amount", json!(platform.to_yuan()));
        }
        if sums.merchant.is_positive() && asked("mdiscount_amount") {
            put("mdiscount_amount", json!(sums.merchant.to_yuan()));
        }
        if let Some(vouchers) = settled.vouchers(false).filter(|_| asked("voucher_detail_list")) {
            put("voucher_detail_list", vouchers);
        }
        out
    }
}

/// Everything that was paid went back by refunds.
pub(crate) fn all_back(entry: &Entry) -> bool {
    let back = entry.refunds.iter().filter(|r| r.status == RefundState::Succeeded).fold(0_i64, |sum, r| sum.saturating_add(r.amount.0));
    entry.status == State::Paid && back == entry.total.0
}

/// pack §3.1.
pub(crate) fn trade_status(entry: &Entry, finished: bool) -> &'static str {
    match entry.status {
        State::Created | State::Paying => "WAIT_BUYER_PAY",
        State::Paid if all_back(entry) => "TRADE_CLOSED",
        State::Paid if finished => "TRADE_FINISHED",
        State::Paid => "TRADE_SUCCESS",
        State::Closed | State::Reversed | State::Failed => "TRADE_CLOSED",
    }
}
