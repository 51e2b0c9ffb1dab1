//! The six calls of v2: their fields in, their fields out. The rules are v3's.

use super::Members;
use crate::create::fingerprint;
use crate::fail::{Fail, Snag};
use crate::order::{BANK_TYPE, Order, Product, state_words, trade_state};
use crate::party::Parties;
use crate::refund::{RefundAsk, RefundStatus, Refunding};
use crate::route::V2;
use crate::sim::WechatSim;
use serde_json::json;
use sluice_contract::{Fen, Millis};
use sluice_simkit::Entry;

type Told = Result<Members, Fail>;

impl WechatSim {
    pub(super) fn call_v2(&mut self, api: V2, ask: &Members, now: Millis) -> Told {
        match api {
            V2::Micropay => self.micropay(ask, now),
            V2::OrderQuery => self.order_query(ask),
            V2::CloseOrder => {
                self.close(must(ask, "out_trade_no", 32)?, get(ask, "sub_mch_id"))?;
                Ok(Members::new())
            }
            V2::Reverse => {
                let number = self.number_of(ask)?;
                self.reverse(&number, get(ask, "sub_mch_id"), now)?;
                Ok(super::members(&[("recall", "N")]))
            }
            V2::Refund => self.refund_v2(ask, now),
            V2::RefundQuery => self.refund_query(ask),
        }
    }

    fn micropay(&mut self, ask: &Members, now: Millis) -> Told {
        let number = must(ask, "out_trade_no", 32)?.to_owned();
        let total = fen(ask, "total_fee")?;
        let description = must(ask, "body", 127)?.to_owned();
        must(ask, "spbill_create_ip", 64)?;
        must(ask, "nonce_str", 32)?;
        let code = must(ask, "auth_code", 128)?.to_owned();
        if get(ask, "fee_type").is_some_and(|currency| currency != "CNY") {
            return Err(Snag::Param.into());
        }
        let parties = Parties {
            appid: get(ask, "appid").unwrap_or_default().to_owned(),
            sub_mchid: get(ask, "sub_mch_id").map(str::to_owned),
            sub_appid: get(ask, "sub_appid").map(str::to_owned),
        };
        parties.check()?;
        let order = Order {
            product: Product::Codepay,
            parties,
            description,
            attach: get(ask, "attach").map(str::to_owned),
            notify_url: None,
            device_id: get(ask, "device_info").map(str::to_owned),
            openid: None,
            sub_openid: None,
            pay_until: Millis(i64::MAX),
            fingerprint: print("micropay", ask, &[]),
            links: Vec::new(),
            auth_code: Some(code),
            stubborn: false,
            settled: None,
            revoked: None,
        };
        self.charge(&number, total, order, now)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::System)?;
        Ok(paid(order, entry))
    }

    fn order_query(&self, ask: &Members) -> Told {
        let number = self.number_of(ask)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::OrderNotExist)?;
        if order.parties.sub_mchid.as_deref() != get(ask, "sub_mch_id") {
            return Err(Snag::OrderNotExist.into());
        }
        let state = trade_state(entry);
        let mut out = if order.settled.is_some() { paid(order, entry) } else { Members::new() };
        put(&mut out, "trade_state", state);
        put(&mut out, "trade_state_desc", state_words(state));
        put(&mut out, "out_trade_no", &number);
        put(&mut out, "total_fee", &entry.total.to_string());
        put(&mut out, "trade_type", order.product.trade_type());
        Ok(out)
    }

    fn refund_v2(&mut self, ask: &Members, now: Millis) -> Told {
        let out_refund_no = must(ask, "out_refund_no", 64)?.to_owned();
        let asked = RefundAsk {
            transaction_id: get(ask, "transaction_id").map(str::to_owned),
            out_trade_no: get(ask, "out_trade_no").map(str::to_owned),
            sub_mchid: get(ask, "sub_mch_id").map(str::to_owned),
            out_refund_no: out_refund_no.clone(),
            refund: fen(ask, "refund_fee")?,
            total: fen(ask, "total_fee")?,
            notify_url: None,
            funds_account: "UNSETTLED".to_owned(),
            fingerprint: print("refund", ask, &["transaction_id", "out_trade_no"]),
        };
        self.refund(&asked, now)?;
        let refund = self.refunds.get(&out_refund_no).ok_or(Snag::System)?;
        let (order, entry) = self.entry(&refund.number).ok_or(Snag::System)?;
        let mut out = common(order, entry);
        put(&mut out, "out_refund_no", &out_refund_no);
        put(&mut out, "refund_id", &refund.refund_id);
        put(&mut out, "refund_fee", &refund.amount.to_string());
        put(&mut out, "cash_refund_fee", &refund.payer_refund.to_string());
        Ok(out)
    }

    /// One refund by its number, or all of an order: `…_0`, `…_1`, in order of acceptance.
    fn refund_query(&self, ask: &Members) -> Told {
        let one = get(ask, "out_refund_no");
        let number = match one {
            Some(no) => self.refunds.get(no).map(|r| r.number.clone()).ok_or(Snag::NoRefund)?,
            None => self.number_of(ask)?,
        };
        let (order, entry) = self.entry(&number).ok_or(Snag::NoRefund)?;
        let of_order = entry.refunds.iter().map(|r| r.out_refund_no.as_str()).filter(|no| one.is_none_or(|one| one == *no));
        let found: Vec<(&str, &Refunding)> = of_order.filter_map(|no| self.refunds.get(no).map(|r| (no, r))).collect();
        if found.is_empty() || order.parties.sub_mchid.as_deref() != get(ask, "sub_mch_id") {
            return Err(Snag::NoRefund.into());
        }
        let mut out = common(order, entry);
        put(&mut out, "refund_count", &found.len().to_string());
        for (at, (out_refund_no, refund)) in found.iter().enumerate() {
            let status = match refund.status {
                RefundStatus::Closed => "REFUNDCLOSE",
                RefundStatus::Abnormal => "CHANGE",
                other => other.word(),
            };
            put(&mut out, &format!("out_refund_no_{at}"), out_refund_no);
            put(&mut out, &format!("refund_id_{at}"), &refund.refund_id);
            put(&mut out, &format!("refund_fee_{at}"), &refund.amount.to_string());
            put(&mut out, &format!("refund_status_{at}"), status);
            if let Some(success_at) = refund.success_at {
                put(&mut out, &format!("refund_success_time_{at}"), &success_at.second().plain());
            }
        }
        Ok(out)
    }

    /// `transaction_id` wins over `out_trade_no`.
    fn number_of(&self, ask: &Members) -> Result<String, Fail> {
        match get(ask, "transaction_id") {
            Some(id) => self.by_transaction.get(id).cloned().ok_or_else(|| Snag::OrderNotExist.into()),
            None => must(ask, "out_trade_no", 32).map(str::to_owned),
        }
    }
}

fn common(order: &Order, entry: &Entry) -> Members {
    let mut out = Members::new();
    if let Some(settled) = &order.settled {
        put(&mut out, "transaction_id", &settled.transaction_id);
    }
    put(&mut out, "out_trade_no", &entry.out_trade_no);
    put(&mut out, "total_fee", &entry.total.to_string());
    put(&mut out, "cash_fee", &entry.payer_total.to_string());
    out
}

/// What a paid order says (pack §10).
fn paid(order: &Order, entry: &Entry) -> Members {
    let mut out = common(order, entry);
    let Some(settled) = &order.settled else { return out };
    put(&mut out, "openid", &settled.openid);
    put(&mut out, "is_subscribe", "N");
    put(&mut out, "trade_type", order.product.trade_type());
    put(&mut out, "bank_type", BANK_TYPE);
    put(&mut out, "fee_type", "CNY");
    put(&mut out, "cash_fee_type", "CNY");
    put(&mut out, "time_end", &settled.at.second().compact());
    if let Some(attach) = &order.attach {
        put(&mut out, "attach", attach);
    }
    let coupons = entry.total.0.saturating_sub(entry.payer_total.0);
    if coupons > 0 {
        put(&mut out, "coupon_fee", &coupons.to_string());
        put(&mut out, "settlement_total_fee", &order.settlement(entry.total).to_string());
    }
    out
}

fn put(out: &mut Members, name: &str, value: &str) {
    out.insert(name.to_owned(), value.to_owned());
}

fn get<'a>(ask: &'a Members, name: &str) -> Option<&'a str> {
    ask.get(name).map(String::as_str).filter(|v| !v.is_empty())
}

fn must<'a>(ask: &'a Members, name: &str, max: usize) -> Result<&'a str, Fail> {
    let lack = || Fail::at(Snag::Lack, name, json!(""), "Is required", "body");
    let value = get(ask, name).ok_or_else(lack)?;
    if value.chars().count() > max {
        return Err(Fail::body(name, None, &format!("Is longer than {max} characters")));
    }
    Ok(value)
}

fn fen(ask: &Members, name: &str) -> Result<Fen, Fail> {
    let value = must(ask, name, 16)?;
    match value.parse::<i64>() {
        Ok(fen) if fen > 0 => Ok(Fen(fen)),
        _ => Err(Fail::body(name, None, "Must be an integer of at least 1")),
    }
}

/// The parameters that must be the same when a number is used again; nonce and signature never are.
fn print(kind: &str, ask: &Members, but: &[&str]) -> [u8; 32] {
    let kept = |name: &str| !["nonce_str", "sign", "sign_type"].contains(&name) && !but.contains(&name);
    let rest: std::collections::BTreeMap<_, _> = ask.iter().filter(|(name, _)| kept(name)).collect();
    fingerprint(kind, &json!(rest))
}
