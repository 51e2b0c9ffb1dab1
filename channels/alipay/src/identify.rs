//! Silent authorisation (pack §13): a code from the payer's Alipay becomes a user_id or an open_id. Both tokens of the reply are
//! dropped at once.

use crate::codes::{Api, Class};
use crate::config::{Account, Mode, OauthApp, PayerId};
use crate::wire::{self, Answer, Call, Complaint, Content, text};
use serde_json::{Map, Value};
use sluice_contract::{Env, Method, Person, Reading, Refusal, Step, Visitor};
use sluice_kit::form::{decode_pairs, encode_pairs, value};
use sluice_kit::outcome::{Complaint as _, unreadable};
use sluice_kit::text::is_alnum;
use sluice_kit::wire::notes;
use std::sync::Arc;

/// The page that the payer's browser is sent to first. `return_url` is one fixed path, without query (RULING of pack §13).
pub(crate) fn authorize(account: &Account, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
    let (app, _) = app(account, who)?;
    if !is_alnum(state, 1..=100) {
        return Err(Refusal::account("state must be 1 to 100 letters and digits"));
    }
    let query = encode_pairs([("app_id", app), ("scope", "auth_base"), ("redirect_uri", return_url), ("state", state)]);
    Ok(format!("{}/oauth2/publicAppAuthorize.htm?{query}", account.authorize_base_url))
}

/// Whose app the code belongs to, and whose token goes with the exchange.
fn app<'a>(account: &'a Account, who: &Visitor<'a>) -> Result<(&'a str, Option<&'a String>), Refusal> {
    if who.method != Method::AlipayJsapi {
        return Err(Refusal::unsupported("silent authorisation for this method"));
    }
    let merchant = who.sub.get("auth_app_id");
    let (app, token) = match (account.mode, account.oauth_app) {
        (Mode::Provider, OauthApp::Merchant) => match merchant {
            Some(id) => (id.as_str(), merchant),
            None => return Err(Refusal::account("sub.auth_app_id is missing")),
        },
        _ => (account.app_id.as_str(), None),
    };
    match who.app_id {
        Some(chosen) if chosen != app => Err(Refusal::field("app_id", "is not the app that this account asks payers in")),
        _ => Ok((app, token)),
    }
}

pub(crate) fn identify(account: &Arc<Account>, who: &Visitor<'_>, query: &str, env: &Env<'_>) -> Step<Person> {
    let (app, merchant) = match app(account, who) {
        Ok(found) => found,
        Err(refusal) => return Step::Refused(refusal),
    };
    let code = match code_of(query, app) {
        Ok(code) => code,
        Err(reason) => return Step::Done(Person::AskAgain(reason.into())),
    };
    let merchant = merchant.cloned();
    wire::ask(account, call(&code, merchant.as_ref()), env, move |account, answer, env| match &answer {
        // One more time with the same code, then from the start.
        Answer::Error(c) if c.class(Api::Oauth) == Ok(Class::Retry) => {
            wire::then(account, call(&code, merchant.as_ref()), env, |account, answer, _| Reading::Is(read(account, answer)))
        }
        _ => Reading::Is(read(account, answer)),
    })
}

/// `grant_type` and `code` are parameters of their own, not members of a `biz_content`.
fn call(code: &str, merchant: Option<&String>) -> Call {
    let pairs = vec![("grant_type", "authorization_code".to_owned()), ("code", code.to_owned())];
    Call { content: Content::Top(pairs), ..Call::new("identify", "alipay.system.oauth.token", Map::new(), merchant) }
}

/// The code of a return: unsigned, so nothing else of it is trusted, and another app's is not exchanged. A mini program has
/// only its code.
fn code_of(query: &str, app: &str) -> Result<String, &'static str> {
    let pairs = decode_pairs(query.trim_start_matches('?').as_bytes()).map_err(|_| "the return cannot be read")?;
    if value(&pairs, "app_id").is_some_and(|id| id != app) {
        return Err("the return is another app's");
    }
    let mini = if pairs.len() == 1 { value(&pairs, "code") } else { None };
    let plain = |code: &&str| (1..=40).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    value(&pairs, "auth_code").or(mini).filter(plain).map(str::to_owned).ok_or("the return has no auth_code")
}

/// Success is a sealed payer id: it has no code, and a user_id need not be there.
fn read(account: &Account, answer: Answer) -> Person {
    match answer {
        Answer::Good(tree) => person(account, &tree),
        Answer::Error(complaint) => refused(&complaint),
        Answer::Doubt(why) => Person::Unknown(why),
    }
}

/// One kind only: the configured one when both are there, and never the retired `alipay_user_id`.
fn person(account: &Account, tree: &Value) -> Person {
    let user = text(tree, "user_id").filter(|id| id.starts_with("2088") && id.len() == 16);
    let open = text(tree, "open_id").filter(|id| (1..=128).contains(&id.len()));
    let (name, id) = match (user, open) {
        (Some(user), None) => ("buyer_id", user),
        (Some(user), Some(_)) if account.payer_id == PayerId::UserId => ("buyer_id", user),
        // An open_id belongs to one app: a provider's is not the merchant's.
        (_, Some(_)) if account.mode == Mode::Provider && account.oauth_app == OauthApp::Provider => {
            return Person::Refused("the provider's app gives open_ids: set oauth_app to merchant".into());
        }
        (_, Some(open)) => ("buyer_open_id", open),
        (None, None) => return Person::Unknown(unreadable("the reply names no payer")),
    };
    Person::Known(notes([(name, id)]))
}

fn refused(complaint: &Complaint) -> Person {
    let words = format!("{} {}", complaint.code, complaint.sub_code);
    match complaint.class(Api::Oauth) {
        Ok(Class::Query | Class::Retry) => Person::AskAgain(words),
        Ok(Class::Config) => Person::Refused(format!("{words}: check the app and its keys")),
        Ok(class) => Person::Unknown(complaint.doubt(class)),
        Err(why) => Person::Unknown(why),
    }
}
