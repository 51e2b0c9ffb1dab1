//! An order beside its ledger entry: what the channel knows of it, and how it shows it (pack §5.1).

use crate::party::Parties;
use serde_json::{Map, Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Millis};
use sluice_simkit::{Entry, RefundState, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Product {
    Jsapi,
    App,
    Native,
    H5,
    Codepay,
}

impl Product {
    pub(crate) const fn trade_type(self) -> &'static str {
        match self {
            Product::Jsapi => "JSAPI",
            Product::App => "APP",
            Product::Native => "NATIVE",
            Product::H5 => "MWEB",
            Product::Codepay => "MICROPAY",
        }
    }

    /// What the phone calls it, in the words of the gateway's methods.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Product::Jsapi => "wechat_jsapi",
            Product::App => "wechat_app",
            Product::Native => "wechat_native",
            Product::H5 => "wechat_h5",
            Product::Codepay => "wechat_barcode",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) product: Product,
    pub(crate) parties: Parties,
    pub(crate) description: String,
    pub(crate) attach: Option<String>,
    /// Barcode orders have none (pack §7).
    pub(crate) notify_url: Option<String>,
    pub(crate) device_id: Option<String>,
    /// The payer JSAPI named: under the provider's app, and under the sub-merchant's.
    pub(crate) openid: Option<String>,
    pub(crate) sub_openid: Option<String>,
    /// The last moment to pay.
    pub(crate) pay_until: Millis,
    /// Digest of the request that made it; a repeat must be the same.
    pub(crate) fingerprint: [u8; 32],
    /// The live prepay ids and code tokens.
    pub(crate) links: Vec<String>,
    pub(crate) auth_code: Option<String>,
    /// Never ends by itself, whatever the payer types.
    pub(crate) stubborn: bool,
    pub(crate) settled: Option<Settled>,
    pub(crate) revoked: Option<Revoked>,
}

/// What a capture adds.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) transaction_id: String,
    pub(crate) openid: String,
    pub(crate) at: Millis,
    pub(crate) promotions: Vec<Promotion>,
}

/// A reversal of an order that was paid.
#[derive(Clone, Debug)]
pub(crate) struct Revoked {
    pub(crate) refund_id: String,
    pub(crate) at: Millis,
}

#[derive(Clone, Debug)]
pub(crate) struct Promotion {
    pub(crate) coupon_id: String,
    pub(crate) discount: Discount,
}

pub(crate) const BANK_TYPE: &str = "CMB_DEBIT";

impl Promotion {
    /// Pre-funded by the channel or a bank, it settles to the merchant; the merchant's own does not (pack §5.1).
    pub(crate) fn settles(&self) -> bool {
        self.discount.funded_by != FundedBy::Merchant
    }

    fn json(&self) -> Value {
        let by = |who: FundedBy| if self.discount.funded_by == who { self.discount.amount.0 } else { 0 };
        let name = match self.discount.kind {
            DiscountKind::Coupon => "代金券",
            DiscountKind::Points => "积分抵扣",
            DiscountKind::Bank => "银行立减",
            DiscountKind::Merchant => "商家优惠",
        };
        json!({
            "coupon_id": self.coupon_id, "name": name, "scope": "GLOBAL", "type": if self.settles() { "CASH" } else { "NOCASH" },
            "amount": self.discount.amount.0, "stock_id": "931386", "currency": "CNY",
            "wechatpay_contribute": by(FundedBy::Channel), "merchant_contribute": by(FundedBy::Merchant),
            "other_contribute": by(FundedBy::Bank),
        })
    }
}

impl Order {
    /// What settles to the merchant: the total without discounts the merchant gave (应结订单金额).
    pub(crate) fn settlement(&self, total: Fen) -> Fen {
        let promotions = self.settled.iter().flat_map(|s| &s.promotions);
        Fen(promotions.filter(|p| !p.settles()).fold(total.0, |left, p| left.saturating_sub(p.discount.amount.0)))
    }

    /// Pre-funded coupons (代金券金额).
    pub(crate) fn coupons(&self) -> Fen {
        let promotions = self.settled.iter().flat_map(|s| &s.promotions);
        Fen(promotions.filter(|p| p.settles()).fold(0, |sum, p| sum.saturating_add(p.discount.amount.0)))
    }

    /// The transaction object. `state` overrides what the books say now: a callback tells of the moment of payment.
    pub(crate) fn json(&self, entry: &Entry, state: Option<&str>) -> Map<String, Value> {
        let mut out = Map::new();
        self.parties.write(&mut out);
        let state = state.unwrap_or_else(|| trade_state(entry));
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        put("out_trade_no", json!(entry.out_trade_no));
        put("trade_type", json!(self.product.trade_type()));
        put("trade_state", json!(state));
        put("trade_state_desc", json!(state_words(state)));
        if let Some(device_id) = &self.device_id {
            put("scene_info", json!({"device_id": device_id}));
        }
        let Some(settled) = &self.settled else {
            put("amount", json!({"total": entry.total.0, "currency": "CNY"}));
            return out;
        };
        put("transaction_id", json!(settled.transaction_id));
        put("bank_type", json!(BANK_TYPE));
        put("success_time", json!(settled.at.second().rfc3339()));
        put("payer", self.payer_json(settled));
        let payer_total = entry.payer_total.0;
        put("amount", json!({"total": entry.total.0, "payer_total": payer_total, "currency": "CNY", "payer_currency": "CNY"}));
        if let Some(attach) = &self.attach {
            put("attach", json!(attach));
        }
        if !settled.promotions.is_empty() {
            put("promotion_detail", settled.promotions.iter().map(Promotion::json).collect());
        }
        out
    }

    fn payer_json(&self, settled: &Settled) -> Value {
        match (self.parties.is_partner(), &self.sub_openid) {
            (false, _) => json!({"openid": settled.openid}),
            (true, None) => json!({"sp_openid": settled.openid}),
            (true, Some(sub_openid)) => json!({"sp_openid": settled.openid, "sub_openid": sub_openid}),
        }
    }
}

/// pack §5.2.
pub(crate) fn trade_state(entry: &Entry) -> &'static str {
    match entry.status {
        State::Created => "NOTPAY",
        State::Paying => "USERPAYING",
        State::Paid if entry.refunds.iter().any(|r| r.status != RefundState::Failed) => "REFUND",
        State::Paid => "SUCCESS",
        State::Closed => "CLOSED",
        State::Reversed => "REVOKED",
        State::Failed => "PAYERROR",
    }
}

pub(crate) fn state_words(state: &str) -> &'static str {
    match state {
        "NOTPAY" => "订单未支付",
        "USERPAYING" => "用户支付中",
        "SUCCESS" => "支付成功",
        "REFUND" => "订单发生过退款",
        "CLOSED" => "订单已关闭",
        "REVOKED" => "订单已撤销",
        _ => "支付失败",
    }
}
