//! Silent authorisation: the browser's page and the two exchanges (pack §15). Plain JSON, unsigned, always status 200.
//!
//! Who the browser is: header `X-Sandbox-User`, else `payer1`.

use crate::check::is_loopback;
use crate::party::{APP_ID, MINI_APP_ID};
use crate::route::{decode, encode, param, query};
use crate::sim::WechatSim;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::Call;
use std::collections::BTreeMap;

/// The payer when nobody says who.
pub(crate) const FIRST_USER: &str = "payer1";
const CODE_LIFE_S: i64 = 300;
const STATE_MAX: usize = 128;

sluice_simkit::words! {
    /// What the next exchange or redirect does instead of what it should (pack §15, scripted faults).
    pub OAuthFault {
        /// A virtual openid with `is_snapshotuser`.
        Snapshot = "snapshot",
        /// errcode -1, once; the code stays good.
        Busy = "busy",
        NoOpenid = "no_openid",
        /// The redirect carries no code.
        NoCode = "no_code",
        /// The redirect carries no state.
        LostState = "lost_state",
    }
}

#[derive(Debug)]
struct Grant {
    appid: String,
    user: String,
    at: Millis,
    used: bool,
}

pub(crate) struct OAuth {
    pub(crate) secrets: [(String, String); 3],
    grants: BTreeMap<String, Grant>,
    /// Openids that were told, and the app each belongs to.
    told: BTreeMap<String, String>,
    pub(crate) fault: Option<OAuthFault>,
}

impl OAuth {
    pub(crate) fn new(secrets: [(String, String); 3]) -> OAuth {
        OAuth { secrets, grants: BTreeMap::new(), told: BTreeMap::new(), fault: None }
    }

    /// The app a known openid belongs to.
    pub(crate) fn app_of(&self, openid: &str) -> Option<&str> {
        self.told.get(openid).map(String::as_str)
    }

    fn struck(&mut self, fault: OAuthFault) -> bool {
        let hit = self.fault == Some(fault);
        if hit {
            self.fault = None;
        }
        hit
    }
}

/// Stable per app and person, as the real one: 28 characters.
pub(crate) fn openid(appid: &str, user: &str) -> String {
    let hash = digest(&SHA256, format!("{appid}/{user}").as_bytes());
    let text: String = URL_SAFE_NO_PAD.encode(hash.as_ref()).chars().take(27).collect();
    format!("o{text}")
}

impl WechatSim {
    /// Openids a test user has under an app, without the walk through the browser.
    pub fn openid_of(&mut self, appid: &str, user: &str) -> String {
        let openid = openid(appid, user);
        self.oauth.told.insert(openid.clone(), appid.to_owned());
        openid
    }

    /// The next authorisation goes wrong in this way.
    pub fn set_oauth_fault(&mut self, fault: OAuthFault) {
        self.oauth.fault = Some(fault);
    }

    /// `GET /connect/oauth2/authorize`: a 302 back with `code` and `state`, or a page with an error.
    pub(crate) fn authorize(&mut self, call: &Call, now: Millis) -> HttpReply {
        let given = query(&call.target);
        if let Some(page) = self.refused(call, &given) {
            return page;
        }
        let value = |name: &str| given.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
        let code = format!("0{}", self.draw.text(31));
        let user = call.headers.get("x-sandbox-user").unwrap_or(FIRST_USER).to_owned();
        self.oauth.grants.insert(code.clone(), Grant { appid: value("appid").to_owned(), user, at: now, used: false });
        let mut pairs = Vec::new();
        if !self.oauth.struck(OAuthFault::NoCode) {
            pairs.push(format!("code={code}"));
        }
        if !self.oauth.struck(OAuthFault::LostState) {
            pairs.push(format!("state={}", encode(value("state"))));
        }
        HttpReply::new(302, &[("Location", &with_query(value("redirect_uri"), &pairs.join("&")))], Vec::new())
    }

    fn refused(&self, call: &Call, given: &[(String, String)]) -> Option<HttpReply> {
        let names: Vec<&str> = given.iter().map(|(name, _)| name.as_str()).collect();
        let value = |name: &str| given.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
        let inside = call.headers.get("user-agent").is_some_and(|ua| ua.contains("MicroMessenger"));
        let empty = |name: &str| value(name).is_empty();
        let host = host_of(value("redirect_uri"));
        let registered = host.is_some_and(|h| is_loopback(h) || self.options.redirect_hosts.iter().any(|r| r == h));
        let text = match () {
            () if !inside => "请在微信客户端打开链接",
            () if empty("appid") => "10012 appid参数不能为空",
            () if empty("redirect_uri") => "10011 redirect_uri参数不能为空",
            () if empty("scope") => "10010 scope参数不能为空",
            () if empty("state") => "10013 state参数不能为空",
            // The link is matched by a pattern: names in this order, others only at the end.
            () if names.get(..5) != Some(&["appid", "redirect_uri", "response_type", "scope", "state"]) => "参数顺序错误",
            () if value("appid") != APP_ID => "10016 该appid不能使用网页授权",
            () if value("scope") != "snsapi_base" || value("response_type") != "code" => "10005 没有该scope权限",
            () if value("state").len() > STATE_MAX || !value("state").bytes().all(|b| b.is_ascii_alphanumeric()) => "state参数错误",
            () if !registered => "10003 redirect_uri域名与后台配置不一致",
            () => return None,
        };
        let page = format!("<!doctype html><meta charset=\"utf-8\"><title>微信</title><p>{text}</p>");
        Some(HttpReply::new(200, &[("Content-Type", "text/html; charset=utf-8")], page))
    }

    /// `GET /sns/oauth2/access_token`.
    pub(crate) fn access_token(&mut self, call: &Call, now: Millis) -> HttpReply {
        let answer = self.exchanged(call, "code", now).map(|(openid, _)| {
            let (access, refresh) = (format!("90_{}", self.draw.text(40)), format!("90_{}", self.draw.text(40)));
            let mut out = json!({"access_token": access, "expires_in": 7200, "refresh_token": refresh, "scope": "snsapi_base"});
            if self.oauth.struck(OAuthFault::Snapshot) {
                put(&mut out, "is_snapshotuser", json!(1));
                put(&mut out, "openid", json!(format!("o4GgauSNAPSHOT{}", self.draw.text(14))));
            } else if !self.oauth.struck(OAuthFault::NoOpenid) {
                put(&mut out, "openid", json!(openid));
            }
            out
        });
        plain_json(answer)
    }

    /// `GET /sns/jscode2session`. Codes of `wx.login` come from [`WechatSim::mini_login`].
    pub(crate) fn mini_session(&mut self, call: &Call, now: Millis) -> HttpReply {
        let answer = self.exchanged(call, "js_code", now).map(|(openid, _)| {
            let mut out = json!({"session_key": format!("{}==", self.draw.text(22))});
            if !self.oauth.struck(OAuthFault::NoOpenid) {
                put(&mut out, "openid", json!(openid));
            }
            out
        });
        plain_json(answer)
    }

    /// What `wx.login` gives a mini-program: a code for [`MINI_APP_ID`].
    pub fn mini_login(&mut self, user: &str, now: Millis) -> String {
        let code = format!("0{}", self.draw.text(31));
        let grant = Grant { appid: MINI_APP_ID.to_owned(), user: user.to_owned(), at: now, used: false };
        self.oauth.grants.insert(code.clone(), grant);
        code
    }

    fn exchanged(&mut self, call: &Call, code_name: &str, now: Millis) -> Result<(String, String), (i64, &'static str)> {
        let value = |name: &str| param(&call.target, name).unwrap_or_default();
        let (appid, secret, code) = (value("appid"), value("secret"), value(code_name));
        if appid.is_empty() {
            return Err((41002, "appid missing"));
        }
        let Some((_, known)) = self.oauth.secrets.iter().find(|(app, _)| *app == appid) else {
            return Err((40013, "invalid appid"));
        };
        match (secret.is_empty(), code.is_empty()) {
            (true, _) => return Err((41004, "appsecret missing")),
            (_, true) => return Err((41008, "missing code")),
            _ if secret != *known => return Err((40125, "invalid appsecret, view more at the console")),
            _ => {}
        }
        if self.oauth.struck(OAuthFault::Busy) {
            return Err((-1, "system error"));
        }
        let Some(grant) = self.oauth.grants.get_mut(&code).filter(|g| g.appid == appid) else { return Err((40029, "invalid code")) };
        if grant.used {
            return Err((40163, "code been used"));
        }
        if now > grant.at.plus_s(CODE_LIFE_S) {
            return Err((42003, "code expired"));
        }
        grant.used = true;
        let user = grant.user.clone();
        Ok((self.openid_of(&appid, &user), user))
    }
}

fn put(into: &mut Value, name: &str, value: Value) {
    if let Some(members) = into.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn plain_json(answer: Result<Value, (i64, &'static str)>) -> HttpReply {
    let body =
        answer.unwrap_or_else(|(errcode, errmsg)| json!({"errcode": errcode, "errmsg": format!("{errmsg}, rid: 680a9de1-5392a330")}));
    // The real service says text/plain.
    HttpReply::new(200, &[("Content-Type", "text/plain")], body.to_string())
}

fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next().filter(|h| !h.is_empty())
}

/// Puts pairs into the query, before any fragment (pack §15, goes wrong 1).
fn with_query(url: &str, pairs: &str) -> String {
    let (page, fragment) = url.split_once('#').map_or((url, String::new()), |(page, fragment)| (page, format!("#{fragment}")));
    let joint = if pairs.is_empty() {
        ""
    } else if page.contains('?') {
        "&"
    } else {
        "?"
    };
    format!("{page}{joint}{pairs}{fragment}")
}

/// The decoded value of a name in a redirect's query; for tests and for the sandbox's own browser.
#[must_use]
pub fn redirect_param(location: &str, name: &str) -> Option<String> {
    let (_, text) = location.split_once('?')?;
    let pairs = text.split('#').next()?.split('&');
    pairs.filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| decode(value))
}
