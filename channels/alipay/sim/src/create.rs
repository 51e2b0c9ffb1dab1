//! Orders that wait for the payer: precreate, create, and the pages and strings of page, wap and app (pack §2.1, §2.2, §2.9).
//!
//! A QR code, a page and an order string are no trade: that comes to be when the payer comes.

use crate::check::{Biz, wrong};
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked, Method};
use crate::oauth::FIRST_USER;
use crate::order::{Expiry, Order, Product};
use crate::sim::{AlipaySim, Draft};
use crate::wire::Params;
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::State;

/// A QR code lives two hours at most (pack §2.1).
const QR_LIFE_MS: i64 = 7_200_000;
const FACE_LIFE_MS: i64 = 3 * 3_600_000;
const PAGE_LIFE_MS: i64 = 15 * 86_400_000;

/// The order fields that every product shares (pack §2).
const SHARED: &[&str] = &[
    "out_trade_no",
    "total_amount",
    "subject",
    "body",
    "product_code",
    "seller_id",
    "goods_detail",
    "timeout_express",
    "time_expire",
    "passback_params",
    "extend_params",
    "business_params",
    "store_id",
    "operator_id",
    "terminal_id",
    "merchant_order_no",
    "discountable_amount",
    "undiscountable_amount",
    "enable_pay_channels",
    "disable_pay_channels",
    "query_options",
    "settle_info",
    "royalty_info",
    "sub_merchant",
];

/// What a product adds to them.
const fn extras(product: Product) -> &'static [&'static str] {
    match product {
        Product::Qr => &["qr_code_timeout_express"],
        Product::Jsapi => {
            &["buyer_id", "buyer_open_id", "buyer_logon_id", "op_app_id", "op_buyer_open_id", "logistics_detail", "receiver_address_info"]
        }
        Product::Barcode => &["auth_code", "scene", "promo_params"],
        Product::Page => &["qr_pay_mode", "qrcode_width", "integration_type", "request_from_url", "goods_type"],
        Product::Wap => &["quit_url", "auth_token", "specified_channel", "goods_type"],
        Product::App => &["goods_type", "specified_channel"],
    }
}

/// Product codes each way of paying takes. `QUICK_WAP_PAY` is what one SDK sends; the pack forbids it to ours only.
const fn product_codes(product: Product) -> &'static [&'static str] {
    match product {
        Product::Qr => &["QR_CODE_OFFLINE", "FACE_TO_FACE_PAYMENT", "OFFLINE_PAYMENT"],
        Product::Jsapi => &["JSAPI_PAY", "FACE_TO_FACE_PAYMENT", "OFFLINE_PAYMENT"],
        Product::Barcode => &["FACE_TO_FACE_PAYMENT", "OFFLINE_PAYMENT"],
        Product::Page => &["FAST_INSTANT_TRADE_PAY"],
        Product::Wap => &["QUICK_WAP_WAY", "QUICK_WAP_PAY"],
        Product::App => &["QUICK_MSECURITY_PAY"],
    }
}

impl AlipaySim {
    pub(crate) fn precreate(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        let (number, total, order) = self.common(Product::Qr, asked, biz, now)?;
        if let Some(draft) = self.drafts.get(&number).filter(|d| self.options.precreate_again && d.order.core == order.core) {
            return Ok(qr_answer(&number, &draft.content));
        }
        if self.drafts.contains_key(&number) {
            return Err(Snag::CodeAgain.into());
        }
        if self.free(&number, &order)?.is_some() {
            return Err(Snag::CodeAgain.into());
        }
        let asked_ms = biz.timeout("qr_code_timeout_express", now)?.unwrap_or(QR_LIFE_MS);
        let last = now.plus_ms(asked_ms.min(QR_LIFE_MS));
        let until = if let Expiry::At(at) = order.expiry { last.min(at) } else { last };
        let token = format!("bax{}", self.draw.text(17).to_lowercase());
        let content = format!("https://qr.alipay.com/{token}");
        self.links.insert(token, number.clone());
        let answer = qr_answer(&number, &content);
        self.put_draft(&number, Draft { order, total, content, until });
        Ok(answer)
    }

    pub(crate) fn create(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        let (number, total, mut order) = self.common(Product::Jsapi, asked, biz, now)?;
        order.buyer = self.buyer(asked, biz)?;
        order.core.push_str(&format!("{:?}", order.buyer));
        if self.drafts.contains_key(&number) {
            return Err(Snag::Inconsistent.into());
        }
        if self.free(&number, &order)?.is_none() {
            self.admit(&number, total, order, now);
        }
        let trade_no = self.orders.get(&number).map(|o| o.trade_no.clone()).unwrap_or_default();
        Ok(Map::from_iter([("out_trade_no".to_owned(), json!(number)), ("trade_no".to_owned(), json!(trade_no))]))
    }

    /// Whether a number can become this order's trade: `Some` when it is that already, unpaid (pack §7: the same again
    /// returns to the trade, changed data does not).
    pub(crate) fn free(&self, number: &str, order: &Order) -> Result<Option<State>, Fail> {
        if self.burnt.contains(number) {
            return Err(Snag::HasClose.into());
        }
        let Some((known, entry)) = self.entry(number) else { return Ok(None) };
        match entry.status {
            _ if known.party != order.party => Err(Snag::Inconsistent.into()),
            State::Paid => Err(Snag::HasSuccess.into()),
            State::Closed | State::Reversed | State::Failed => Err(Snag::HasClose.into()),
            _ if known.core != order.core => Err(Snag::Inconsistent.into()),
            state => Ok(Some(state)),
        }
    }

    /// A payer comes with a page's address or an app's string. Answers the number of the draft or trade it is.
    pub(crate) fn arrive(&mut self, params: &Params, now: Millis) -> Result<String, Fail> {
        let asked = self.admitted(params, now)?;
        let Method::Front(product) = asked.method else { return Err(Snag::Method.into()) };
        let biz = Biz::of(&asked.biz, self.options.strict_fields);
        let (number, total, order) = self.common(product, &asked, &biz, now)?;
        if self.free(&number, &order)?.is_some() {
            return Ok(number);
        }
        match self.drafts.get(&number) {
            Some(draft) if draft.order.core != order.core => return Err(Snag::Inconsistent.into()),
            Some(_) => return Ok(number),
            None => {}
        }
        let until = match order.expiry {
            Expiry::At(at) => at,
            Expiry::AfterMs(ms) => now.plus_ms(ms),
        };
        let content = format!("alipay:{number}");
        self.put_draft(&number, Draft { order, total, content, until });
        Ok(number)
    }

    /// Reads and checks the fields every product shares.
    pub(crate) fn common(&self, product: Product, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Result<(String, Fen, Order), Fail> {
        biz.only(&[SHARED, extras(product)])?;
        let number = biz.number("out_trade_no")?.ok_or_else(|| wrong("out_trade_no"))?.to_owned();
        let total = biz.yuan("total_amount")?.ok_or_else(|| wrong("total_amount"))?;
        let subject = biz.must("subject", 256)?.to_owned();
        if subject.contains(['/', '=', '&']) {
            return Err(wrong("subject"));
        }
        match biz.text("product_code", 64)? {
            Some(code) if !product_codes(product).contains(&code) => return Err(Snag::Forbidden.into()),
            None if !product.is_face() => return Err(wrong("product_code")),
            _ => {}
        }
        if biz.text("seller_id", 32)?.is_some_and(|seller| seller != asked.party.pid) {
            return Err(Snag::Receiver.into());
        }
        if let (Some(part), Some(rest)) = (biz.yuan("discountable_amount")?, biz.yuan("undiscountable_amount")?)
            && part.plus(rest) != Some(total)
        {
            return Err(wrong("discountable_amount"));
        }
        goods(biz)?;
        if biz.at("extend_params").is_some_and(|extend| !extend.is_object()) {
            return Err(wrong("extend_params"));
        }
        if biz.at("enable_pay_channels").is_some() && biz.at("disable_pay_channels").is_some() {
            return Err(wrong("disable_pay_channels"));
        }
        let order = Order {
            product,
            party: asked.party.clone(),
            core: format!("{}|{}|{subject}|", product.method(), total.0),
            subject,
            body: biz.owned("body", 128)?,
            passback: biz.owned("passback_params", 512)?,
            notify_url: asked.notify_url.clone(),
            store_id: biz.owned("store_id", 32)?,
            terminal_id: biz.owned("terminal_id", 32)?,
            operator_id: biz.owned("operator_id", 28)?,
            expiry: expiry(product, biz, now)?,
            buyer: self.person(&asked.party.auth_app_id, FIRST_USER),
            auth_code: None,
            stubborn: false,
            trade_no: String::new(),
            pay_until: now,
            settled: None,
            cancelled_at: None,
            finished: false,
        };
        Ok((number, total, order))
    }
}

/// What an item must have.
fn goods(biz: &Biz<'_>) -> Result<(), Fail> {
    let Some(list) = biz.at("goods_detail") else { return Ok(()) };
    let whole =
        |item: &Value| ["goods_id", "goods_name", "quantity", "price"].iter().all(|name| item.get(name).is_some_and(|v| !v.is_null()));
    if list.as_array().is_some_and(|items| items.iter().all(whole)) { Ok(()) } else { Err(wrong("goods_detail")) }
}

fn qr_answer(number: &str, content: &str) -> Map<String, Value> {
    Map::from_iter([("out_trade_no".to_owned(), json!(number)), ("qr_code".to_owned(), json!(content))])
}

/// `time_expire` wins over `timeout_express`. The latter counts from the trade, as the QR code has a timeout of its own.
fn expiry(product: Product, biz: &Biz<'_>, now: Millis) -> Result<Expiry, Fail> {
    let after = biz.timeout("timeout_express", now)?;
    match biz.time("time_expire")? {
        Some(at) if at <= now => Err(Snag::Expired.into()),
        Some(at) => Ok(Expiry::At(at)),
        None => Ok(Expiry::AfterMs(after.unwrap_or(if product.is_face() { FACE_LIFE_MS } else { PAGE_LIFE_MS }))),
    }
}
