//! An order beside its ledger entry: what the bank knows of it, and how it shows it (pack §2.4, §2.5).

use crate::account::MER_ID;
use crate::check::Party;
use serde_json::{Map, Value, json};
use sluice_contract::{Discount, Fen, Millis, Wallet};
use sluice_simkit::{Entry, RefundState, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The payer scans; undone by close.
    Qr,
    /// The payer was scanned; undone by cancel.
    Code,
}

impl Kind {
    /// In the words of the gateway's methods.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Kind::Qr => "cmb_qr",
            Kind::Code => "cmb_barcode",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) kind: Kind,
    pub(crate) party: Party,
    pub(crate) subject: String,
    pub(crate) notify_url: String,
    pub(crate) mch_reserved: Option<String>,
    pub(crate) attach: Option<String>,
    pub(crate) cmb_order_id: String,
    pub(crate) at: Millis,
    /// The last moment to scan.
    pub(crate) pay_until: Millis,
    /// Closed by time, not by the merchant.
    pub(crate) expired: bool,
    /// The QR's last part.
    pub(crate) token: Option<String>,
    pub(crate) auth_code: Option<String>,
    /// Decrypted terminal information.
    pub(crate) terminal: Option<String>,
    /// Who scanned first: another wallet may not pay (pack §2.4).
    pub(crate) wallet: Option<Wallet>,
    /// Never ends by itself, whatever the payer types.
    pub(crate) stubborn: bool,
    pub(crate) settled: Option<Settled>,
}

/// What a capture adds.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) at: Millis,
    pub(crate) discounts: Vec<Discount>,
    pub(crate) third_order_id: String,
    pub(crate) open_id: String,
}

/// Where an order is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// UnionPay trades have neither endDate nor endTime there (pack §2.4).
    Pay,
    Query,
    /// Has no tradeState (pack §2.5).
    Notice,
}

/// ZF, WX, YL, EC; CMB's own app and every other bank pay through UnionPay.
pub(crate) const fn pay_type(wallet: Wallet) -> &'static str {
    match wallet {
        Wallet::Wechat => "WX",
        Wallet::Alipay => "ZF",
        Wallet::Ecny => "EC",
        Wallet::Unionpay | Wallet::Icbc | Wallet::Cmb => "YL",
    }
}

/// pack §2.4: R was paid and turned to refund.
pub(crate) fn trade_state(entry: &Entry) -> &'static str {
    match entry.status {
        State::Created | State::Paying => "P",
        State::Paid if entry.refunds.iter().any(|r| r.status != RefundState::Failed) => "R",
        State::Paid => "S",
        State::Closed => "C",
        State::Reversed => "D",
        State::Failed => "F",
    }
}

impl Order {
    pub(crate) fn wallet(&self) -> Wallet {
        self.wallet.unwrap_or(Wallet::Cmb)
    }

    pub(crate) fn json(&self, entry: &Entry, face: Face) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |name: &str, value: &str| {
            out.insert(name.to_owned(), json!(value));
        };
        put("merId", MER_ID);
        put("orderId", &entry.out_trade_no);
        put("cmbOrderId", &self.cmb_order_id);
        put("userId", &self.party.user_id);
        put("txnAmt", &entry.total.0.to_string());
        put("currencyCode", "156");
        put("txnTime", &self.at.second().compact());
        let optional = [
            ("subMerId", &self.party.sub_mer_id),
            ("subStoreId", &self.party.sub_store_id),
            ("mchReserved", &self.mch_reserved),
            ("attach", &self.attach),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                put(name, value);
            }
        }
        if face != Face::Notice {
            put("tradeState", trade_state(entry));
        }
        if let Some(wallet) = self.wallet {
            put("payType", pay_type(wallet));
        }
        if let Some(settled) = &self.settled {
            self.put_settled(settled, face, &mut put);
        }
        out
    }

    fn put_settled(&self, settled: &Settled, face: Face, put: &mut dyn FnMut(&str, &str)) {
        put("openId", &settled.open_id);
        put("payBank", "CMB_DEBIT");
        put("thirdOrderId", &settled.third_order_id);
        put("dscAmt", &discount(&settled.discounts).0.to_string());
        if !settled.discounts.is_empty() {
            put("promotionDetail", &Value::Array(settled.discounts.iter().map(promotion).collect()).to_string());
        }
        let kind = pay_type(self.wallet());
        if kind == "ZF" {
            put("buyerLogonId", "159****5620");
        }
        if face != Face::Pay || kind != "YL" {
            let end = settled.at.second().compact();
            put("endDate", end.get(..8).unwrap_or_default());
            put("endTime", end.get(8..).unwrap_or_default());
        }
    }
}

/// All discounts together: `dscAmt`.
pub(crate) fn discount(discounts: &[Discount]) -> Fen {
    Fen(discounts.iter().fold(0, |sum, d| sum.saturating_add(d.amount.0)))
}

/// The pack gives the field, not its inside: these names are ours.
fn promotion(discount: &Discount) -> Value {
    json!({"type": discount.kind.word(), "fundedBy": discount.funded_by.word(), "amount": discount.amount.0.to_string()})
}
