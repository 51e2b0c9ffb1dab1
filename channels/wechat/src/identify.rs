//! Silent authorisation (pack §15): a code from the payer's WeChat becomes an openid.
//!
//! This API is not WeChat Pay: plain JSON, no signature, and the app secret stands in the URL. Both tokens and the
//! mini-program's session key are dropped at once.

use crate::config::Account;
use crate::wire::{TIMEOUT_MS, encode, text};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, Exchange, HttpReply, HttpRequest, Into as Keep, Method, Person, Reading, Refusal, Step, Visitor, Why, WhyKind};
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::unreadable;
use sluice_kit::text::is_alnum;
use sluice_kit::wire::{get, notes};

/// The page that the payer's browser is sent to first. The order of the parameters is part of the protocol, and
/// `return_url` is encoded once; its host must be registered for the app.
pub(crate) fn authorize(account: &Account, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
    ensure(who.method == Method::WechatJsapi, || Refusal::unsupported("authorisation page for this method"))?;
    ensure(is_alnum(state, 1..=128), || Refusal::account("state must be 1 to 128 letters and digits"))?;
    let (app, _) = app(account, who)?;
    let back = encode(return_url);
    let base = &account.authorize_base_url;
    Ok(format!(
        "{base}/connect/oauth2/authorize?appid={app}&redirect_uri={back}&response_type=code&scope=snsapi_base&state={state}#wechat_redirect"
    ))
}

/// Exchanges the code that came back: of a web page for JSAPI, of `wx.login` for the mini-program.
pub(crate) fn identify(account: &Account, who: &Visitor<'_>, query: &str, _env: &Env<'_>) -> Step<Person> {
    let (path, name) = match who.method {
        Method::WechatMini => ("/sns/jscode2session", "js_code"),
        Method::WechatJsapi => ("/sns/oauth2/access_token", "code"),
        _ => return Step::Refused(Refusal::unsupported("silent authorisation for this method")),
    };
    let (app, secret) = match app(account, who) {
        Ok(found) => found,
        Err(refusal) => return Step::Refused(refusal),
    };
    // Refused by the payer, or lost on the way: there is nothing to exchange.
    let Some(code) = code_of(query) else { return Step::Done(Person::AskAgain("the return has no code".into())) };
    let base = &account.oauth_base_url;
    let secret = encode(secret);
    let url = format!("{base}{path}?appid={app}&secret={secret}&{name}={code}&grant_type=authorization_code");
    let request = get("identify", url, &[("Accept", "application/json")], TIMEOUT_MS);
    let request = HttpRequest { into: Keep::Memory { max_bytes: 64 * 1024 }, ..request };
    Step::Send(Exchange::new(request, |reply, _| Reading::Is(read(reply))))
}

/// The visitor's app and its secret: the chosen one, the sub-merchant's when it was chosen, or the method's own.
fn app<'a>(account: &'a Account, who: &Visitor<'a>) -> Result<(&'a str, &'a str), Refusal> {
    let own = account.app_id(who.method).unwrap_or_default();
    let app = who.app_id.unwrap_or(own);
    let is_known = account.known_apps.iter().any(|known| known == app) || who.sub.get("sub_appid").is_some_and(|sub| sub == app);
    ensure(is_known, || Refusal::field("app_id", "is not an app id of this account"))?;
    match account.oauth_secrets.get_key_value(app) {
        Some((app, secret)) => Ok((app, secret)),
        None => Err(Refusal::account(format!("silent authorisation needs the secret of {app} in oauth_secret or oauth_secrets"))),
    }
}

/// The one `code` of a raw query. It goes on as it came, so it may hold nothing that would need escaping.
fn code_of(query: &str) -> Option<&str> {
    let mut codes = query.trim_start_matches('?').split('&').filter_map(|pair| pair.strip_prefix("code="));
    let plain = |code: &&str| (1..=512).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b));
    codes.next().filter(plain).filter(|_| codes.next().is_none())
}

/// Decided by `errcode`, never by text or status.
pub(crate) fn read(reply: &HttpReply) -> Person {
    let Ok(tree) = parse_json(reply.bytes()) else {
        return Person::Unknown(unreadable(format!("HTTP {} without JSON", reply.status)));
    };
    match tree.get("errcode").and_then(Value::as_i64).unwrap_or(0) {
        0 => {}
        -1 => return Person::Unknown(Why::new(WhyKind::Pending, "errcode -1: busy, ask once more with the same code")),
        code @ (40029 | 42003 | 40163) => return Person::AskAgain(format!("errcode {code}: authorise again, once")),
        code @ (45009 | 45011) => return Person::Refused(format!("errcode {code}: too many authorisations, wait")),
        code => return Person::Refused(format!("errcode {code}: check the app id, its secret and its permissions")),
    }
    // A virtual account: a payment by it could never be matched to a person.
    if tree.get("is_snapshotuser").and_then(Value::as_i64) == Some(1) {
        return Person::Refused("the page was opened as a snapshot: tap 使用完整服务 and come again".into());
    }
    match text(&tree, "openid").filter(|id| (1..=128).contains(&id.len())) {
        Some(openid) => Person::Known(notes([("openid", openid)])),
        None => Person::Unknown(unreadable("the answer names no openid")),
    }
}
