//! `/gateway.do`: who calls, whether they signed, what they want (pack §1).

use crate::check::{Biz, host_of, is_loopback, plain_time};
use crate::fail::{Fail, Snag};
use crate::hooks::Odd;
use crate::order::Product;
use crate::party::{APP_ID, Party};
use crate::sim::AlipaySim;
use crate::wire::{Params, Wrap, lie};
use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::GBK;
use serde_json::{Map, Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Api, Call, Fault};

/// What a call that is not refused answers. A `code` of its own stays; else it is 10000.
pub(crate) type Answer = Result<Map<String, Value>, Fail>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Precreate,
    Create,
    Pay,
    /// Page, wap and app: nothing of it is answered to the merchant's server.
    Front(Product),
    Query,
    Cancel,
    Close,
    Refund,
    RefundQuery,
    BillUrl,
    OauthToken,
    AppToken,
    CertDownload,
}

impl Method {
    fn of(word: &str) -> Option<Method> {
        Some(match word {
            "alipay.trade.precreate" => Method::Precreate,
            "alipay.trade.create" => Method::Create,
            "alipay.trade.pay" => Method::Pay,
            "alipay.trade.page.pay" => Method::Front(Product::Page),
            "alipay.trade.wap.pay" => Method::Front(Product::Wap),
            "alipay.trade.app.pay" => Method::Front(Product::App),
            "alipay.trade.query" => Method::Query,
            "alipay.trade.cancel" => Method::Cancel,
            "alipay.trade.close" => Method::Close,
            "alipay.trade.refund" => Method::Refund,
            "alipay.trade.fastpay.refund.query" => Method::RefundQuery,
            "alipay.data.dataservice.bill.downloadurl.query" => Method::BillUrl,
            "alipay.system.oauth.token" => Method::OauthToken,
            "alipay.open.auth.token.app" => Method::AppToken,
            "alipay.open.app.alipaycert.download" => Method::CertDownload,
            _ => return None,
        })
    }

    /// What faults call it. A browser that opens a payment page is nobody's API.
    pub(crate) const fn api(self) -> Option<Api> {
        Some(match self {
            Method::Precreate | Method::Create | Method::Pay => Api::Pay,
            Method::Query => Api::Query,
            Method::Cancel => Api::Reverse,
            Method::Close => Api::Close,
            Method::Refund => Api::Refund,
            Method::RefundQuery => Api::QueryRefund,
            Method::BillUrl => Api::Bill,
            Method::Front(_) | Method::OauthToken | Method::AppToken | Method::CertDownload => return None,
        })
    }

    pub(crate) fn named(params: &Params) -> Option<Method> {
        params.get("method").and_then(Method::of)
    }
}

/// A call that passed the door.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) party: Party,
    pub(crate) biz: Value,
    pub(crate) notify_url: Option<String>,
}

impl AlipaySim {
    pub(crate) fn gateway(&mut self, call: &Call, now: Millis, fault: Option<Fault>) -> HttpReply {
        let Some(params) = Params::of(call) else { return self.refused("error_response", &Snag::MissingAppId.into(), false, fault) };
        let Some(method) = Method::named(&params) else {
            let fail = self.admitted(&params, now).err().unwrap_or_else(|| Snag::Method.into());
            return self.refused("error_response", &fail, false, fault);
        };
        if let Method::Front(_) = method {
            return self.opened_page(&params, now);
        }
        let root = format!("{}_response", params.get("method").unwrap_or_default().replace('.', "_"));
        if fault == Some(Fault::Error500) {
            return self.refused(&root, &Snag::Unknown.into(), false, fault);
        }
        let asked = match self.admitted(&params, now) {
            Ok(asked) => asked,
            Err(fail) => return self.refused(&root, &fail, false, fault),
        };
        let encrypted = params.get("encrypt_type").is_some();
        let before = self.scripted(method, false);
        let mut answer = before.map_or_else(|| self.answer(&asked, &params, call, now), Err);
        if let Some(fail) = self.scripted(method, true) {
            answer = Err(fail);
        }
        let mut node = match answer {
            Ok(node) => node,
            // Errors of the exchange have the platform's root (pack §13).
            Err(fail) if method == Method::OauthToken => return self.refused("error_response", &fail, encrypted, fault),
            Err(fail) => return self.refused(&root, &fail, encrypted, fault),
        };
        if method != Method::OauthToken && !node.contains_key("code") {
            node.insert("code".to_owned(), json!("10000"));
            node.insert("msg".to_owned(), json!("Success"));
        }
        lie(&mut node, fault);
        let unsigned = method == Method::OauthToken && self.struck(Odd::UnsignedOauth);
        let doubled = self.struck(Odd::DoubleRoot);
        self.reply(&root, &node, Wrap { unsigned, encrypted, doubled, fault })
    }

    fn refused(&mut self, root: &str, fail: &Fail, encrypted: bool, fault: Option<Fault>) -> HttpReply {
        let wrap = Wrap { unsigned: fail.unsigned, encrypted, doubled: false, fault };
        self.reply(root, &fail.node(), wrap)
    }

    fn answer(&mut self, asked: &Asked, params: &Params, call: &Call, now: Millis) -> Answer {
        let biz = Biz::of(&asked.biz, self.options.strict_fields);
        match asked.method {
            Method::Precreate => self.precreate(asked, &biz, now),
            Method::Create => self.create(asked, &biz, now),
            Method::Pay => self.pay(asked, &biz, now),
            Method::Query => self.query(asked, &biz, now),
            Method::Cancel => self.cancel(asked, &biz, now),
            Method::Close => self.close(asked, &biz, now),
            Method::Refund => self.refund(asked, &biz, now),
            Method::RefundQuery => self.refund_query(asked, &biz),
            Method::BillUrl => self.bill_url(asked, &biz, call, now),
            Method::OauthToken => self.oauth_token(asked, params, now),
            Method::AppToken => self.app_token(&asked.biz, now),
            Method::CertDownload => self.certificate(&biz),
            Method::Front(_) => Err(Snag::Method.into()),
        }
    }

    /// Everything a call must be before its business is looked at, in the gateway's order: the app first (pack §1.4).
    pub(crate) fn admitted(&self, params: &Params, now: Millis) -> Result<Asked, Fail> {
        match params.get("app_id") {
            None => return Err(Snag::MissingAppId.into()),
            Some(APP_ID) => {}
            Some(_) => return Err(Snag::AppId.into()),
        }
        let word = params.get("method").ok_or(Snag::MissingMethod)?;
        let method = Method::of(word).ok_or(Snag::Method)?;
        self.check_public(params, now, matches!(method, Method::Front(_)))?;
        self.check_signed(params)?;
        let party = match params.get("app_auth_token") {
            Some(token) => self.grants.party(token, now)?,
            None => Party::own(),
        };
        let notify_url = params.get("notify_url").map(address).transpose()?;
        params.get("return_url").map(address).transpose()?;
        let biz = self.business(params, method)?;
        Ok(Asked { method, party, biz, notify_url })
    }

    /// pack §1.2.
    fn check_public(&self, params: &Params, now: Millis, page: bool) -> Result<(), Fail> {
        match params.get("sign_type").ok_or(Snag::MissingSignType)? {
            "RSA2" => {}
            // RSA (SHA-1) is not offered to new apps, SM2 is not served here.
            _ => return Err(Snag::SignType.into()),
        }
        if !params.get("charset").ok_or(Snag::MissingCharset)?.eq_ignore_ascii_case("utf-8") {
            return Err(Snag::Charset.into());
        }
        if !params.get("format").is_none_or(|format| format.eq_ignore_ascii_case("json")) {
            return Err(Snag::Format.into());
        }
        if params.get("version").ok_or(Snag::MissingVersion)? != "1.0" {
            return Err(Fail::about(Snag::Arguments, "version"));
        }
        let at = plain_time(params.get("timestamp").ok_or(Snag::MissingTimestamp)?).ok_or(Snag::Timestamp)?;
        let off = now.second().0.saturating_sub(at.0).saturating_abs();
        // A page's link is opened when the payer comes to it, which may be much later.
        if !page && self.options.clock_tolerance_s.is_some_and(|most| off > most) {
            return Err(Snag::Timestamp.into());
        }
        if params.get("encrypt_type").is_some_and(|kind| kind != "AES") {
            return Err(Snag::Encrypt.into());
        }
        Ok(())
    }

    /// The app's signature, and in certificate mode its certificates' numbers (pack §1.3, §1.6).
    fn check_signed(&self, params: &Params) -> Result<(), Fail> {
        let (app_sn, root_sn) = (params.get("app_cert_sn"), params.get("alipay_root_cert_sn"));
        match &self.keys.certificates {
            None if app_sn.is_some() || root_sn.is_some() => return Err(Snag::AppCert.into()),
            None => {}
            Some(certificates) => {
                let (app_sn, root_sn) = (app_sn.ok_or(Snag::MissingAppSn)?, root_sn.ok_or(Snag::MissingRootSn)?);
                if app_sn != certificates.app.sn || root_sn != certificates.root_sn {
                    return Err(Snag::AppCert.into());
                }
            }
        }
        let text = params.canonical();
        if self.keys.app_signed(text.as_bytes(), params.get("sign").ok_or(Snag::MissingSign)?) {
            return Ok(());
        }
        // The real one quotes what it built, escaped for a page.
        let quoted = text.replace('&', "&amp;").replace('"', "&quot;");
        Err(Fail::about(Snag::Sign, &format!("建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：{quoted}")))
    }

    fn business(&self, params: &Params, method: Method) -> Result<Value, Fail> {
        if method == Method::OauthToken {
            return Ok(Value::Null);
        }
        let sent = params.get("biz_content").ok_or(Snag::MissingBiz)?;
        let text = match params.get("encrypt_type") {
            Some(_) => self.keys.decrypt(sent).ok_or(Snag::Decrypt)?,
            None => sent.to_owned(),
        };
        // Values that look like parameters of the old interface (pack §9.11).
        if text.contains("out_trade_no=") || text.contains("total_fee") {
            return Err(Snag::Attack.into());
        }
        serde_json::from_str(&text).ok().filter(Value::is_object).ok_or_else(|| Snag::Json.into())
    }

    /// `alipay.open.app.alipaycert.download` (pack §1.4).
    fn certificate(&self, biz: &Biz<'_>) -> Answer {
        let sn = biz.must("alipay_cert_sn", 32)?;
        let listed = self.keys.certificates.iter().flat_map(|c| &c.alipay);
        let found = listed.into_iter().find(|c| c.sn == sn).ok_or(Snag::Arguments)?;
        let content = STANDARD.encode(&found.pem);
        Ok(Map::from_iter([("alipay_cert_content".to_owned(), json!(content))]))
    }

    /// A browser opens a payment page. No trade comes of that yet; errors are a GBK page (pack §1.1).
    fn opened_page(&mut self, params: &Params, now: Millis) -> HttpReply {
        let page = |charset: &str, text: &str| format!("<!doctype html><meta charset=\"{charset}\"><title>支付宝</title><p>{text}</p>");
        match self.arrive(params, now) {
            Ok(number) => HttpReply::new(200, &[("Content-Type", "text/html;charset=utf-8")], page("utf-8", &format!("收银台：{number}"))),
            Err(fail) => {
                let text = page("GBK", &format!("错误：{} {}", fail.code, fail.sub_code));
                HttpReply::new(200, &[("Content-Type", "text/html;charset=GBK")], GBK.encode(&text).0.into_owned())
            }
        }
    }
}

/// At most 256 characters and an http address (pack §1.2). A sandbox lives on loopback, so plain http will do.
fn address(url: &str) -> Result<String, Fail> {
    let known = host_of(url).is_some_and(|host| is_loopback(host) || host.contains('.'));
    if known && url.chars().count() <= 256 { Ok(url.to_owned()) } else { Err(Snag::Address.into()) }
}
