//! Family A: a code for the bank's app (pack §1.6 generate).

use crate::check::Fields;
use crate::fail::Fail;
use crate::order::{Order, Product};
use crate::party::merchant;
use crate::reply::{Answer, Body, Told};
use crate::sim::IcbcSim;
use crate::wire::Asked;
use sluice_contract::Millis;

/// `pay_expire` is less than a day; without it the sandbox takes a quarter of an hour.
const EXPIRE_MAX_S: i64 = 86_399;
const EXPIRE_DEFAULT_S: i64 = 900;

impl IcbcSim {
    /// The later versions of the call (`qrgenerate`) take no `store_code`.
    pub(crate) fn generate(&mut self, asked: &Asked, store: bool, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let mer_id = merchant(&fields)?;
        let store_code = if store { Some(fields.must("store_code", 20)?.to_owned()) } else { None };
        let number = fields.number("out_trade_no", "_-")?.to_owned();
        let total = fields.fen("order_amt")?;
        fields.trade_time()?;
        let attach = fields.attach()?.unwrap_or_default();
        let expire_s = fields.seconds("pay_expire", 1, EXPIRE_MAX_S)?.unwrap_or(EXPIRE_DEFAULT_S);
        fields.text("tporder_create_ip", 45)?;
        fields.one_of("sp_flag", &["0", "1"], false)?;
        let notify_url = match (fields.one_of("notify_flag", &["0", "1"], false)?, fields.url("notify_url", false)?) {
            (Some("1"), None) => return Err(Fail::of("notify_url", "is missing")),
            (Some("1"), url) => url,
            _ => None,
        };
        let order = Order {
            product: Product::Qr,
            api: asked.path.clone(),
            mer_id,
            order_id: String::new(),
            subject: if attach.is_empty() { "e生活扫码付".to_owned() } else { attach.clone() },
            attach: attach.clone(),
            store_code,
            method: "icbc_qr",
            notify_url,
            tells_failures: true,
            access_type: String::new(),
            open_id: String::new(),
            until: Some(now.plus_s(expire_s)),
            fingerprint: String::new(),
            links: Vec::new(),
            auth_code: None,
            stubborn: false,
            queries_to_pay: None,
            settled: None,
        };
        self.admit(&number, total, order, now)?;
        let mut body = Body::default();
        body.put("qrcode", &self.fresh_qr(&number));
        body.put("attach", &attach);
        Ok(Told::from(body))
    }

    /// The bank's issuer code at UnionPay (pack §3) and a tail that means this order.
    pub(crate) fn fresh_qr(&mut self, number: &str) -> String {
        let tail = self.draw.digits(24);
        self.link(number, tail.clone());
        format!("https://qr.95516.com/01020001/{tail}")
    }
}

/// An order's end by a number of seconds from its request.
pub(crate) fn until(fields: &Fields<'_>, name: &str, from: Millis) -> Result<Option<Millis>, Fail> {
    Ok(fields.seconds(name, 1, 30 * 86_400)?.map(|seconds| from.plus_s(seconds)))
}
