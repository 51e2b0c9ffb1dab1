//! Who visits, as far as a handler has to know, and the cookies that tell.

use crate::config::Role;
use crate::flow::Refused;
use crate::http::App;
use crate::http::errors::Fail;
use crate::http::identity::once;
use crate::http::lang::Lang;
use crate::http::ops::gate::{Who, may};
use crate::http::params::Params;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What every request of the console has.
#[derive(Clone, Debug)]
pub struct Door {
    pub lang: Lang,
    pub nonce: String,
    pub address: Option<IpAddr>,
    /// The session's token, whether or not it opens anything.
    pub token: Option<String>,
    pub uri: Uri,
    /// No account is live.
    pub sandbox: bool,
}

/// A signed-in operator.
#[derive(Clone, Debug)]
pub struct Visit {
    pub door: Door,
    pub who: Who,
    /// The session's id.
    pub session: String,
    pub password_once: bool,
}

impl Visit {
    pub fn may(&self, method: &str, call: &str) -> bool {
        may(self.who.role, method, call)
    }

    pub const fn role(&self) -> Role {
        self.who.role
    }

    /// Whether a form that carries this number is sent for the first time.
    pub async fn first(&self, app: &App, form: &Form) -> Result<bool, Fail> {
        let act = form.get("act_id");
        let fits = (16..=64).contains(&act.len()) && act.bytes().all(|b| b.is_ascii_hexdigit());
        if !fits {
            return Err(Refused::field("act_id", "is missing: open the page again").into());
        }
        once(&app.gateway, &format!("act/{}/{act}", self.who.name)).await
    }
}

impl Door {
    /// What the address asks a page for. A form sends its empty fields too: they ask for nothing.
    pub fn params(&self, known: &[&str]) -> Params {
        let pairs = pairs(self.uri.query()).filter(|(name, value)| !value.trim().is_empty() && !matches!(name.as_str(), "lang" | "said"));
        Params::from_pairs(
            pairs.map(|(name, value)| if name.starts_with("created_") { (name, midnight(value)) } else { (name, value) }),
            known,
        )
    }

    pub fn asked(&self, name: &str) -> Option<String> {
        pairs(self.uri.query()).find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// A day stands for its first moment.
fn midnight(value: String) -> String {
    sluice_contract::Day::parse(&value).map_or(value, |day| day.start().rfc3339())
}

fn pairs(query: Option<&str>) -> impl Iterator<Item = (String, String)> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect::<Vec<_>>().into_iter()
}

impl<S: Sync> FromRequestParts<S> for Door {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Door, Fail> {
        parts.extensions.get::<Door>().cloned().ok_or_else(|| Refused::inner("a route of /console outside its gate").into())
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Fail> {
        parts.extensions.get::<Visit>().cloned().ok_or_else(|| Refused::inner("a route of /console outside its gate").into())
    }
}

/// The fields of a form.
#[derive(Debug, Default)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Fail;
    async fn from_request(request: Request, state: &S) -> Result<Form, Fail> {
        let given = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if given.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
            return Err(Refused::field("body", "must be a form").into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|_| Refused::field("body", "cannot be read"))?;
        Ok(Form(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// The name of the session's cookie. With `__Host-` no other host of the domain can set it; that needs https, which a demo does not have.
const fn session_cookie(secure: bool) -> &'static str {
    if secure { "__Host-sluice" } else { "sluice" }
}

const LANG_COOKIE: &str = "sluice-lang";

pub fn is_secure(app: &App) -> bool {
    app.gateway.public_url.starts_with("https://")
}

/// `None`: the cookie is taken away.
pub fn set_session(app: &App, token: Option<&str>) -> String {
    let secure = is_secure(app);
    let (value, end) = token.map_or(("", "; Max-Age=0"), |token| (token, ""));
    let https = if secure { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{https}{end}", session_cookie(secure))
}

pub fn set_lang(lang: Lang) -> String {
    format!("{LANG_COOKIE}={}; Path=/console; HttpOnly; SameSite=Strict; Max-Age=31536000", lang.word())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut all = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    all.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

pub fn token_of(app: &App, headers: &HeaderMap) -> Option<String> {
    cookie(headers, session_cookie(is_secure(app))).filter(|token| token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// `lang=` of the address goes before what was chosen earlier, and that before what the browser prefers.
pub fn lang_of(headers: &HeaderMap, uri: &Uri) -> (Lang, bool) {
    let asked = pairs(uri.query()).find(|(name, _)| name == "lang").and_then(|(_, word)| Lang::from_word(&word));
    let earlier = || cookie(headers, LANG_COOKIE).and_then(|word| Lang::from_word(&word));
    (asked.or_else(earlier).unwrap_or_else(|| Lang::accepted(headers)), asked.is_some())
}
