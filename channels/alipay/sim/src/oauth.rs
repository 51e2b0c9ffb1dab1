//! Silent authorisation: the browser's page and the exchange (pack §13).
//!
//! Who the browser is: header `X-Sandbox-User`, else `payer1`.

use crate::check::{Biz, host_of, is_loopback, wrong};
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked};
use crate::hooks::Odd;
use crate::options::PayerIds;
use crate::order::Buyer;
use crate::party::{APP_ID, MERCHANTS};
use crate::sim::AlipaySim;
use crate::wire::Params;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Call, form};
use std::collections::BTreeMap;

/// The payer when nobody says who.
pub(crate) const FIRST_USER: &str = "payer1";
/// Three minutes to a day, set by Alipay: the shortest.
const CODE_LIFE_S: i64 = 180;
const STATE_MAX: usize = 100;

#[derive(Debug)]
struct Grant {
    app_id: String,
    user: String,
    at: Millis,
}

#[derive(Debug, Default)]
pub(crate) struct OAuth {
    grants: BTreeMap<String, Grant>,
    /// Open ids that were told, and the app each belongs to.
    told: BTreeMap<String, String>,
}

/// Text and digits that are always the same for a person, and another for another.
fn hashed(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

impl AlipaySim {
    /// A test user as an app knows it: one number for all apps, an open id for each.
    pub(crate) fn person(&self, app_id: &str, user: &str) -> Buyer {
        let digits: String = hashed(user).iter().take(12).map(|b| char::from(b'0'.saturating_add(b % 10))).collect();
        let open: String = URL_SAFE_NO_PAD.encode(hashed(&format!("{app_id}/{user}"))).chars().take(40).collect();
        Buyer { user_id: Some(format!("2088{digits}")), open_id: Some(format!("0{open}")) }
    }

    /// The ids of a test user under the own app, without the walk through the browser.
    pub(crate) fn tell_person(&mut self, app_id: &str, user: &str) -> Buyer {
        let buyer = self.person(app_id, user);
        self.oauth.told.extend(buyer.open_id.clone().map(|id| (id, app_id.to_owned())));
        buyer
    }

    /// The buyer of a create call: one id, of the kind the app has, and no other app's (pack §2.2, §13).
    pub(crate) fn buyer(&self, asked: &Asked, biz: &Biz<'_>) -> Result<Buyer, Fail> {
        let kind = self.options.payer_ids;
        let (user, open) = (biz.text("buyer_id", 28)?, biz.text("buyer_open_id", 128)?);
        let is_user = |id: &str| id.len() == 16 && id.starts_with("2088") && id.bytes().all(|b| b.is_ascii_digit());
        match (user, open) {
            (Some(_), Some(_)) => Err(wrong("buyer_open_id")),
            (Some(id), None) if id == asked.party.pid => Err(Snag::Itself.into()),
            (Some(id), None) if !kind.has_user_id() || !is_user(id) => Err(wrong("buyer_id")),
            (Some(id), None) => Ok(Buyer { user_id: Some(id.to_owned()), open_id: None }),
            (None, Some(id)) if !kind.has_open_id() || is_user(id) => Err(wrong("buyer_open_id")),
            (None, Some(id)) if self.oauth.told.get(id).is_some_and(|app| *app != asked.party.auth_app_id) => Err(Snag::NoBuyer.into()),
            (None, Some(id)) => Ok(Buyer { user_id: None, open_id: Some(id.to_owned()) }),
            (None, None) => Err(wrong("buyer_id")),
        }
    }

    /// `GET /oauth2/publicAppAuthorize.htm`: a 302 back with the five parameters, or a page with an error.
    pub(crate) fn authorize(&mut self, call: &Call, now: Millis) -> HttpReply {
        let given = Params::of_text(call.target.split_once('?').map_or("", |(_, query)| query));
        let value = |name: &str| given.as_ref().and_then(|g| g.get(name)).unwrap_or_default().to_owned();
        let (app_id, scope, redirect, state) = (value("app_id"), value("scope"), value("redirect_uri"), value("state"));
        let inside = call.headers.get("user-agent").is_some_and(|ua| ua.contains("AlipayClient"));
        let known = app_id == APP_ID || MERCHANTS.iter().any(|(app, _)| *app == app_id);
        let registered = host_of(&redirect).is_some_and(|h| is_loopback(h) || self.options.redirect_hosts.iter().any(|r| r == h));
        let text = match () {
            () if !known => "app_id无效",
            () if scope != "auth_base" => "scope无效",
            () if !registered || redirect.contains('#') => "redirect_uri与应用的授权回调地址不一致",
            () if state.chars().count() > STATE_MAX || !state.is_ascii() => "state无效",
            // Elsewhere the page asks for a login first.
            () if !inside => "请登录支付宝",
            () => "",
        };
        if !text.is_empty() {
            let page = format!("<!doctype html><meta charset=\"utf-8\"><title>支付宝</title><p>{text}</p>");
            return HttpReply::new(200, &[("Content-Type", "text/html;charset=utf-8")], page);
        }
        let code = self.draw.hex(16);
        let user = call.headers.get("x-sandbox-user").unwrap_or(FIRST_USER).to_owned();
        self.oauth.grants.insert(code.clone(), Grant { app_id: app_id.clone(), user, at: now });
        let mut pairs = vec![("app_id", app_id), ("source", "alipay_wallet".to_owned()), ("scope", scope), ("auth_code", code)];
        if !state.is_empty() {
            pairs.insert(3, ("state", state));
        }
        if self.struck(Odd::OtherOrder) {
            pairs.reverse();
            pairs.push(("alipay_token", String::new()));
        }
        let query = form::encode(pairs.iter().map(|(name, value)| (*name, value.as_str())));
        let joint = if redirect.contains('?') { "&" } else { "?" };
        HttpReply::new(302, &[("Location", &format!("{redirect}{joint}{query}"))], Vec::new())
    }

    /// What `my.getAuthCode` gives a mini program: a code without the page.
    pub(crate) fn mini_code(&mut self, user: &str, now: Millis) -> String {
        let code = self.draw.hex(16);
        self.oauth.grants.insert(code.clone(), Grant { app_id: APP_ID.to_owned(), user: user.to_owned(), at: now });
        code
    }

    /// `alipay.system.oauth.token`: top-level parameters, single use, spent on failure too.
    pub(crate) fn oauth_token(&mut self, asked: &Asked, params: &Params, now: Millis) -> Answer {
        match params.get("grant_type") {
            Some("authorization_code") => {}
            Some("refresh_token") => return Err(Snag::RefreshToken.into()),
            _ => return Err(Snag::GrantType.into()),
        }
        if self.struck(Odd::OauthBusy) {
            return Err(Snag::Unknown.into());
        }
        let grant = params.get("code").and_then(|code| self.oauth.grants.remove(code)).ok_or(Snag::CodeInvalid)?;
        if grant.app_id != asked.party.auth_app_id || now > grant.at.plus_s(CODE_LIFE_S) {
            return Err(Snag::CodeInvalid.into());
        }
        let buyer = self.tell_person(&grant.app_id, &grant.user);
        let kind = self.options.payer_ids;
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        let text = self.struck(Odd::TextNumbers);
        for (name, seconds) in [("expires_in", 1_296_000), ("re_expires_in", 2_592_000)] {
            put(name, if text { json!(seconds.to_string()) } else { json!(seconds) });
        }
        put("access_token", json!(format!("authbseB{}", self.draw.hex(16))));
        put("refresh_token", json!(format!("authbseB{}", self.draw.hex(16))));
        put("auth_start", json!(now.second().plain()));
        if let Some(id) = buyer.user_id.filter(|_| kind != PayerIds::OpenId) {
            put("alipay_user_id", json!(format!("2088{}", self.draw.digits(28))));
            put("user_id", json!(id));
        }
        if let Some(id) = buyer.open_id.filter(|_| kind != PayerIds::UserId) {
            put("open_id", json!(id));
        }
        Ok(out)
    }
}
