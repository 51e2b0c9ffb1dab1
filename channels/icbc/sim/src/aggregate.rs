//! Family B: one code for all apps, and paying inside WeChat, Alipay or UnionPay (pack §1.7).

use crate::check::Fields;
use crate::fail::Fail;
use crate::generate::until;
use crate::order::{Order, Product, pay_mode};
use crate::party::{SHOP_APPID, merchant, own_app, protocol};
use crate::reply::{Answer, Body, Told};
use crate::sim::IcbcSim;
use crate::wire::Asked;
use serde_json::json;
use sluice_contract::{Fen, Millis, Wallet};

/// Without an `expire_time` an order lives a day; the pack names no default.
const EXPIRE_DEFAULT_S: i64 = 86_400;

impl IcbcSim {
    pub(crate) fn consumption(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let (number, total, mut order) = common(asked, "amount", now)?;
        order.product = Product::QrAll;
        order.method = "icbc_qr";
        fields.one_of("access_type", &["6"], true)?;
        fields.one_of("cur_type", &["001"], true)?;
        fields.time("order_date", "%Y-%m-%d %H:%M:%S", 19)?;
        fields.text("goods_name", 20)?;
        fields.one_of("installment_times", &["1"], false)?;
        fields.one_of("credit_type", &["2"], true)?;
        self.admit(&number, total, order, now)?;
        let mut body = Body::default();
        body.put("codeUrl", &self.fresh_qr(&number));
        body.put("supportAppType", &self.options.support_apps.clone());
        body.put("out_trade_no", &number);
        Ok(Told::from(body))
    }

    pub(crate) fn consume(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let (number, total, mut order) = common(asked, "total_fee", now)?;
        if !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Fail::of("out_trade_no", "takes letters and digits only"));
        }
        let (wallet, method) = way(&fields)?;
        order.product = Product::Online(wallet);
        order.method = method;
        fields.time("orig_date_time", "%Y-%m-%dT%H:%M:%S", 19)?;
        fields.must("decive_info", 64)?;
        fields.must("body", 128)?;
        fields.one_of("fee_type", &["001"], true)?;
        fields.must("spbill_create_ip", 45)?;
        order.open_id = payer(&fields, &order.access_type)?;
        if wallet == Wallet::Wechat && fields.must("shop_appid", 32)? != SHOP_APPID {
            return Err(Fail::of("shop_appid", "is not bound to this merchant"));
        }
        let access_type = order.access_type.clone();
        let mer_id = order.mer_id.clone();
        self.admit(&number, total, order, now)?;
        let mut body = Body::default();
        let order_id = self.orders.get(&number).map(|o| o.order_id.clone()).unwrap_or_default();
        body.put("order_id", &order_id);
        body.fen("total_amt", total);
        body.put("out_trade_no", &number);
        body.put("pay_time", &now.second().compact());
        body.put("mer_id", &mer_id);
        body.put("pay_mode", pay_mode(wallet));
        body.put("access_type", &access_type);
        body.put("card_kind", "");
        body.put("trade_type", if access_type == "5" { "APP" } else { "JSAPI" });
        self.package(&number, wallet, &access_type, now, &mut body);
        Ok(Told::from(body))
    }

    /// What the payer's app is started with. The pack names `wx_data_package` and leaves the others open: UNCONFIRMED, so the
    /// text stands under the named member for every app, and under a member of its own as well.
    fn package(&mut self, number: &str, wallet: Wallet, access_type: &str, now: Millis, body: &mut Body) {
        let token = self.draw.digits(28);
        self.link(number, token.clone());
        let text = match wallet {
            Wallet::Wechat if access_type == "5" => json!({
                "appid": SHOP_APPID, "partnerid": "1900000100", "prepayid": token, "package": "Sign=WXPay",
                "noncestr": self.draw.text(32), "timestamp": now.second().0.to_string(), "sign": self.draw.hex(16),
            }),
            Wallet::Wechat => json!({
                "appId": SHOP_APPID, "timeStamp": now.second().0.to_string(), "nonceStr": self.draw.text(32),
                "package": format!("prepay_id={token}"), "signType": "RSA", "paySign": self.draw.text(64),
            }),
            Wallet::Alipay => json!({ "tradeNO": token }),
            _ => json!({ "tn": token }),
        };
        body.put("wx_data_package", &text.to_string());
        match wallet {
            Wallet::Alipay => body.put("zfb_data_package", &text.to_string()),
            Wallet::Unionpay => body.put("union_data_package", &text.to_string()),
            _ => {}
        }
    }
}

/// What both calls name: merchant, protocol, number, amount, address, life.
fn common(asked: &Asked, amount: &str, now: Millis) -> Result<(String, Fen, Order), Fail> {
    let fields = Fields(&asked.biz);
    let mer_id = merchant(&fields)?;
    protocol(&fields, &mer_id, true)?;
    own_app(&fields)?;
    let number = fields.number("out_trade_no", "_-")?.to_owned();
    let total = fields.fen(amount)?;
    let url = fields.url("mer_url", true)?.ok_or_else(|| Fail::of("mer_url", "is missing"))?;
    // HS sends, AG does not; without a word it is sent.
    let sends = fields.one_of("notify_type", &["HS", "AG"], false)? != Some("AG");
    let result_type = fields.one_of("result_type", &["0", "1"], false)?;
    fields.one_of("pay_limit", &["no_credit", "no_balance"], false)?;
    let attach = fields.attach()?.unwrap_or_default();
    let subject = fields.text("body", 128)?.or(fields.text("goods_name", 20)?).unwrap_or("聚合支付");
    let order = Order {
        product: Product::QrAll,
        api: asked.path.clone(),
        mer_id,
        order_id: String::new(),
        subject: subject.to_owned(),
        attach,
        store_code: None,
        method: "icbc_qr",
        notify_url: Some(url).filter(|_| sends),
        tells_failures: result_type != Some("1"),
        access_type: fields.must("access_type", 2)?.to_owned(),
        open_id: String::new(),
        until: Some(until(&fields, "expire_time", now)?.unwrap_or(now.plus_s(EXPIRE_DEFAULT_S))),
        fingerprint: String::new(),
        links: Vec::new(),
        auth_code: None,
        stubborn: false,
        queries_to_pay: None,
        settled: None,
    };
    Ok((number, total, order))
}

/// `pay_mode` and `access_type` that go together (pack §1.7), and the gateway's word for it.
fn way(fields: &Fields<'_>) -> Result<(Wallet, &'static str), Fail> {
    Ok(match (fields.must("pay_mode", 2)?, fields.must("access_type", 2)?) {
        ("9", "5") => (Wallet::Wechat, "wechat_app"),
        ("9", "7") => (Wallet::Wechat, "wechat_jsapi"),
        ("9", "9") => (Wallet::Wechat, "wechat_mini"),
        ("10", "5") => (Wallet::Alipay, "alipay_app"),
        ("10", "8") => (Wallet::Alipay, "alipay_jsapi"),
        ("13", "5") => (Wallet::Unionpay, "unionpay_app"),
        _ => return Err(Fail::of("pay_mode", "and access_type do not go together")),
    })
}

/// Access 7 and 9 name an `open_id`, 8 a `union_id`.
fn payer(fields: &Fields<'_>, access_type: &str) -> Result<String, Fail> {
    Ok(match access_type {
        "7" | "9" => fields.must("open_id", 128)?.to_owned(),
        "8" => fields.must("union_id", 128)?.to_owned(),
        _ => String::new(),
    })
}
