//! Placing an order: JSAPI, APP, Native, H5 (pack §3, §4).

use crate::check::{Fields, is_loopback};
use crate::fail::{Fail, Snag};
use crate::order::{Order, Product};
use crate::party::Parties;
use crate::sim::{Link, WechatSim};
use crate::v3::Answer;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::State;

const PREPAY_LIFE_S: i64 = 7_200;
const H5_LIFE_S: i64 = 300;
const EXPIRE_DEFAULT_S: i64 = 7 * 86_400;
const EXPIRE_MIN_S: i64 = 60;
const EXPIRE_MAX_S: i64 = 90 * 86_400;

impl WechatSim {
    pub(crate) fn create(&mut self, product: Product, partner: bool, fields: &Fields<'_>, now: Millis) -> Answer {
        let (number, total, mut order) = common(product, partner, fields)?;
        order.notify_url = fields.notify_url("/notify_url", true, self.options.strict_network)?.map(str::to_owned);
        order.pay_until = pay_until(fields, now)?;
        self.check_product(product, fields, &mut order)?;
        match self.state_of(&number) {
            None => self.admit(&number, total, order, now),
            Some(state) => self.check_again(&number, state, order.fingerprint, now)?,
        }
        let link = self.link(&number, product, now);
        if self.options.pay_on_create {
            self.capture(&number, &[], now);
        }
        Ok(Some(link))
    }

    /// pack §4.2, §4.3: the same again is the same order; anything else is a used number.
    fn check_again(&self, number: &str, state: State, fingerprint: [u8; 32], now: Millis) -> Result<(), Fail> {
        let Some(order) = self.orders.get(number) else { return Err(Snag::System.into()) };
        let snag = match state {
            State::Closed => Snag::OrderClosed,
            State::Reversed => Snag::OrderReversed,
            State::Paid => Snag::OrderPaid,
            State::Paying | State::Failed => Snag::NumberUsed,
            State::Created if order.fingerprint != fingerprint => Snag::NumberUsed,
            State::Created if now > order.pay_until => Snag::OrderExpired,
            State::Created => return Ok(()),
        };
        Err(snag.into())
    }

    fn check_product(&self, product: Product, fields: &Fields<'_>, order: &mut Order) -> Result<(), Fail> {
        let scene = fields.object("/scene_info")?;
        if scene || product == Product::H5 {
            let ip = fields.must("/scene_info/payer_client_ip", 1, 45)?;
            if product == Product::H5 && self.options.strict_network && is_loopback(ip) {
                return Err(fields.wrong("/scene_info/payer_client_ip", "Must be the payer's public address"));
            }
        }
        match product {
            Product::H5 => h5(fields),
            Product::Jsapi => self.jsapi(fields, order),
            _ => Ok(()),
        }
    }

    /// pack §11, §15: an openid belongs to one app.
    fn jsapi(&self, fields: &Fields<'_>, order: &mut Order) -> Result<(), Fail> {
        let check = |pointer: &str, appid: &str, openid: &str| match self.oauth.app_of(openid) {
            Some(owner) if owner != appid => Err(fields.wrong(pointer, "appid和openid不匹配")),
            _ => Ok(()),
        };
        if !order.parties.is_partner() {
            let openid = fields.must("/payer/openid", 1, 128)?;
            check("/payer/openid", &order.parties.appid, openid)?;
            order.openid = Some(openid.to_owned());
            return Ok(());
        }
        let (sp, sub) = (fields.text("/payer/sp_openid", 128)?, fields.text("/payer/sub_openid", 128)?);
        match (sp, sub, &order.parties.sub_appid) {
            (None, None, _) => return Err(fields.wrong("/payer/sp_openid", "One of sp_openid and sub_openid is required")),
            (_, Some(_), None) => return Err(fields.wrong("/sub_appid", "Is required with sub_openid")),
            (_, Some(sub), Some(sub_appid)) => check("/payer/sub_openid", sub_appid, sub)?,
            (Some(sp), None, _) => check("/payer/sp_openid", &order.parties.appid, sp)?,
        }
        order.openid = sp.map(str::to_owned);
        order.sub_openid = sub.map(str::to_owned);
        Ok(())
    }

    /// A fresh code or id for an open order. A new Native code kills the one before (pack §3.5).
    fn link(&mut self, number: &str, product: Product, now: Millis) -> Value {
        if product == Product::Native {
            self.forget_links(number);
        }
        let (key, answer, life_s) = match product {
            Product::Native => {
                let token = format!("{}zz", self.draw.text(9));
                (token.clone(), json!({"code_url": format!("weixin://wxpay/bizpayurl?pr={token}")}), PREPAY_LIFE_S)
            }
            Product::H5 => {
                let id = self.prepay_id(now);
                let package = self.draw.digits(10);
                let url = format!("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={id}&package={package}");
                (id, json!({"h5_url": url}), H5_LIFE_S)
            }
            _ => {
                let id = self.prepay_id(now);
                (id.clone(), json!({"prepay_id": id}), PREPAY_LIFE_S)
            }
        };
        if let Some(order) = self.orders.get_mut(number) {
            order.links.push(key.clone());
        }
        self.links.insert(key, Link { number: number.to_owned(), until: now.plus_s(life_s) });
        answer
    }

    fn prepay_id(&mut self, now: Millis) -> String {
        format!("wx{}{}", now.second().compact(), self.draw.hex(10))
    }
}

/// The fields every product shares (pack §3.2).
pub(crate) fn common(product: Product, partner: bool, fields: &Fields<'_>) -> Result<(String, Fen, Order), Fail> {
    let parties = Parties::read(fields, partner)?;
    let description = fields.must("/description", 1, 127)?.to_owned();
    let number = fields.number("/out_trade_no", 6, 32, "")?.to_owned();
    let attach = fields.text("/attach", 128)?.map(str::to_owned);
    fields.text("/goods_tag", 32)?;
    fields.boolean("/support_fapiao")?;
    fields.object("/amount")?;
    let total = fields.fen("/amount/total")?;
    fields.currency("/amount/currency", false)?;
    fields.object("/settle_info")?;
    fields.boolean("/settle_info/profit_sharing")?;
    if fields.object("/detail")? && fields.at("/detail").is_some_and(|d| d.to_string().len() > 6_144) {
        return Err(fields.wrong("/detail", "Is longer than 6144 bytes"));
    }
    fields.object("/scene_info")?;
    let device_id = fields.text("/scene_info/device_id", 32)?.map(str::to_owned);
    if fields.object("/scene_info/store_info")? {
        store(product, fields)?;
    }
    let order = Order {
        product,
        parties,
        description,
        attach,
        notify_url: None,
        device_id,
        openid: None,
        sub_openid: None,
        pay_until: Millis(i64::MAX),
        fingerprint: fingerprint(product.trade_type(), fields.root),
        links: Vec::new(),
        auth_code: None,
        stubborn: false,
        settled: None,
        revoked: None,
    };
    Ok((number, total, order))
}

/// pack §3.4.
fn store(product: Product, fields: &Fields<'_>) -> Result<(), Fail> {
    if product == Product::Codepay {
        let (id, out_id) = (fields.text("/scene_info/store_info/id", 32)?, fields.text("/scene_info/store_info/out_id", 256)?);
        if id.is_none() && out_id.is_none() {
            return Err(fields.wrong("/scene_info/store_info/out_id", "One of id and out_id is required"));
        }
        return Ok(());
    }
    fields.must("/scene_info/store_info/id", 1, 32)?;
    fields.text("/scene_info/store_info/name", 256)?;
    fields.text("/scene_info/store_info/area_code", 32)?;
    fields.text("/scene_info/store_info/address", 512)?;
    Ok(())
}

fn h5(fields: &Fields<'_>) -> Result<(), Fail> {
    let kind = fields.must("/scene_info/h5_info/type", 1, 32)?;
    // The real set is "iOS, Android, Wap"; SDK samples write any case.
    if !["ios", "android", "wap"].contains(&kind.to_ascii_lowercase().as_str()) {
        return Err(fields.wrong("/scene_info/h5_info/type", "Must be iOS, Android or Wap"));
    }
    for (name, max) in [("app_name", 64), ("app_url", 128), ("bundle_id", 128), ("package_name", 128)] {
        fields.text(&format!("/scene_info/h5_info/{name}"), max)?;
    }
    Ok(())
}

/// pack §3.8: seven days when omitted; what is given is clipped.
fn pay_until(fields: &Fields<'_>, now: Millis) -> Result<Millis, Fail> {
    let Some(at) = fields.instant("/time_expire")? else { return Ok(now.plus_s(EXPIRE_DEFAULT_S)) };
    Ok(at.millis().clamp(now.plus_s(EXPIRE_MIN_S), now.plus_s(EXPIRE_MAX_S)))
}

/// What "identical parameters" means here: the same kind and the same JSON value, whatever the order of its keys.
pub(crate) fn fingerprint(kind: &str, value: &Value) -> [u8; 32] {
    let hash = digest(&SHA256, format!("{kind}\n{value}").as_bytes());
    <[u8; 32]>::try_from(hash.as_ref()).unwrap_or([0; 32])
}
