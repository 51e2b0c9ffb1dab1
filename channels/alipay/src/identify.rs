//! Silent authorisation (pack §13): a code from the payer's Alipay becomes a user_id or an open_id. Both tokens of the reply are
//! dropped at once.

use crate::admit::{is_buyer_id, payer_id};
use crate::codes::{Api, Class};
use crate::config::{Account, Mode};
use crate::wire::{self, Answer, Call, Content, ensure, text};
use serde_json::Map;
use sluice_contract::{Env, Method, Person, Reading, Refusal, Step, Visitor, Why};
use sluice_kit::ask::then;
use sluice_kit::form::{decode_pairs, encode_pairs, value};
use sluice_kit::outcome::{Complaint as _, unreadable};
use sluice_kit::text::{is_alnum, is_word};
use sluice_kit::wire::notes;
use std::sync::Arc;

/// The page that the payer's browser is sent to first. `return_url` is one fixed path, without query (RULING of pack §13).
pub(crate) fn authorize(account: &Account, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
    let (app, _) = app(account, who)?;
    ensure(is_alnum(state, 1..=100), || Refusal::account("state must be 1 to 100 letters and digits"))?;
    let query = encode_pairs([("app_id", app), ("scope", "auth_base"), ("redirect_uri", return_url), ("state", state)]);
    Ok(format!("{}/oauth2/publicAppAuthorize.htm?{query}", account.authorize_base_url))
}

/// Whose app the code belongs to, and whose token goes with the exchange.
fn app<'a>(account: &'a Account, who: &Visitor<'a>) -> Result<(&'a str, Option<&'a String>), Refusal> {
    ensure(who.method == Method::AlipayJsapi, || Refusal::unsupported("silent authorisation for this method"))?;
    let asks_merchants = account.mode == Mode::Provider && !account.provider_asks;
    let merchant = who.sub.get("auth_app_id").filter(|_| asks_merchants);
    ensure(!asks_merchants || merchant.is_some(), || Refusal::account("sub.auth_app_id is missing"))?;
    let app = merchant.unwrap_or(&account.app_id);
    let other = || Refusal::field("app_id", "is not the app that this account asks payers in");
    ensure(who.app_id.is_none_or(|chosen| chosen == app), other)?;
    Ok((app, merchant))
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
    // `grant_type` and `code` are parameters of their own, not members of a `biz_content`.
    let content = Content::Top(vec![("grant_type", "authorization_code".to_owned()), ("code", code)]);
    let call = Call { content, ..Call::new("identify", "alipay.system.oauth.token", Map::new(), merchant) };
    wire::ask(account, &call, call.clone(), env, |account, call, answer, env| match &answer {
        // One more time with the same code, then from the start.
        Answer::Error(complaint) if complaint.class(Api::Oauth) == Ok(Class::Retry) => {
            Ok(then(wire::ask(account, &(), call.clone(), env, |account, (), answer, _| read(account, answer).map(Reading::Is))))
        }
        _ => read(account, answer).map(Reading::Is),
    })
}

/// The code of a return: unsigned, so nothing else of it is trusted, and another app's is not exchanged. A mini program has
/// only its code.
fn code_of(query: &str, app: &str) -> Result<String, &'static str> {
    let pairs = decode_pairs(query.trim_start_matches('?').as_bytes()).map_err(|_| "the return cannot be read")?;
    ensure(value(&pairs, "app_id").is_none_or(|id| id == app), || "the return is another app's")?;
    let mini = if pairs.len() == 1 { value(&pairs, "code") } else { None };
    value(&pairs, "auth_code").or(mini).filter(|code| is_word(code, 1..=40, b"-_.")).map(str::to_owned).ok_or("the return has no auth_code")
}

/// Success is a sealed payer id: it has no code, a user_id need not be there, and the retired `alipay_user_id` is not read.
fn read(account: &Account, answer: Answer) -> Result<Person, Why> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => match complaint.class(Api::Oauth)? {
            Class::Query | Class::Retry => return Ok(Person::AskAgain(complaint.words())),
            Class::Config => return Ok(Person::Refused(format!("{}: check the app and its keys", complaint.words()))),
            class => return Err(complaint.doubt(class)),
        },
    };
    let user = text(&tree, "user_id").filter(|id| is_buyer_id(id));
    let open = text(&tree, "open_id").filter(|id| (1..=128).contains(&id.len()));
    match payer_id(account, user, open) {
        // An open_id belongs to one app: a provider's is not the merchant's.
        Some(("buyer_open_id", _)) if account.mode == Mode::Provider && account.provider_asks => {
            Ok(Person::Refused("the provider's app gives open_ids: set oauth_app to merchant".into()))
        }
        Some(id) => Ok(Person::Known(notes([id]))),
        None => Err(unreadable("the reply names no payer")),
    }
}
