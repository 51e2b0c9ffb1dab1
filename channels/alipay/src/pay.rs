//! Placing an order: precreate, pay with a barcode, create (pack §2.1 to §2.3). WAP, page and APP are only signed.
//!
//! The content is made of the attempt and the order only, so placing the order again sends the same content.

use crate::codes::{Api, Class, PRODUCTS};
use crate::config::Account;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, cut, given};
use crate::{admit, query, trade};
use serde_json::Value;
use sluice_contract::{Action, AttemptRef, Env, Method, Pay, PayOrder, Reading, Refusal, Step, Why};
use sluice_kit::account::terminals;
use sluice_kit::form::encoded;
use sluice_kit::outcome::{self, Complaint as _, PLACED, unreadable};
use sluice_kit::wire::{notes, object, told};
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    place(account, attempt, order, env).unwrap_or_else(Step::Refused)
}

fn place(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Step<Pay>, Refusal> {
    let product = PRODUCTS.into_iter().find(|(method, ..)| *method == attempt.method);
    let (_, method, _, api) = product.ok_or_else(|| Refusal::unsupported("this method"))?;
    let mut biz = biz(account, attempt, order);
    biz.extend(admit::payer(account, attempt, order)?.into_iter().map(|(name, value)| (name, Some(value.into()))));
    let back = admit::return_url(attempt, order).map(|url| ("return_url", url.clone()));
    let urls = std::iter::once(("notify_url", env.notify_url.to_owned())).chain(back).collect();
    let timeout_ms = if attempt.method.is_barcode() { TIMEOUT_MONEY_MS } else { TIMEOUT_MS };
    let call = Call { urls, timeout_ms, ..Call::about(attempt, method.trim_start_matches("alipay.trade."), method, biz) };
    let Some(api) = api else {
        return Ok(Step::Done(Pay::Waiting(front(account, attempt.method, &call, env)?, outcome::placed())));
    };
    Ok(wire::ask(account, attempt, call, env, move |account, attempt, answer, env| {
        let tree = match answer {
            Answer::Good(tree) => tree,
            Answer::Error(complaint) => return refused(attempt, api, &complaint).map(Reading::Is),
        };
        trade::agrees(&tree, attempt)?;
        // A debit may still be rolled back: the query is the authority (pack §3.4).
        Ok(if attempt.method.is_barcode() { query::after_pay(account, attempt, env) } else { Reading::Is(placed(attempt, &tree)?) })
    }))
}

/// What an order says of itself; who pays comes beside it.
fn biz(account: &Account, attempt: &AttemptRef, order: &PayOrder) -> Vec<(&'static str, Option<Value>)> {
    let nested = |name: &'static str, value: &Option<String>| value.as_deref().map(|value| object([(name, value.into())]));
    let short = |value: Option<&str>, max| value.filter(|value| !value.is_empty()).map(|value| cut(value, max).into());
    let seller = attempt.sub.get("seller_id");
    vec![
        ("total_amount", Some(attempt.amount.to_yuan().into())),
        ("subject", Some(admit::subject(&order.subject).into())),
        ("product_code", account.products.get(&attempt.method).map(|code| code.as_str().into())),
        ("extend_params", nested("sys_service_provider_id", &account.provider_id)),
        // Who is to be paid is said only where the binding pins it; by default it is the merchant of the token. The notice gives
        // `passback_params` back under its signature: then the payee is compared (see `callback`).
        ("seller_id", seller.map(|id| id.as_str().into())),
        ("passback_params", seller.map(|_| PINNED.into())),
        // Given as text or object (pack §2 lists both, UNCONFIRMED which where).
        ("business_params", nested("mc_create_trade_ip", &order.client_ip)),
        // A store that Alipay does not know is refused (`INVALID_STORE_ID`), so only what this account calls it goes.
        ("store_id", short(order.store.as_ref().and_then(|store| store.store_code.as_deref()), 32)),
        ("terminal_id", short(terminals(order).next(), 32)),
        ("operator_id", short(order.operator_id.as_deref(), 28)),
        // Without it a trade stays open for up to 15 days (pack §2.9).
        ("time_expire", if attempt.method.is_barcode() { None } else { Some(attempt.expires_at.plain().into()) }),
    ]
}

/// Marks an order whose payee was pinned.
pub(crate) const PINNED: &str = "seller";

/// The order is there: what the payer does next. From now on a payer may hold a code: no later refusal may fail the attempt.
fn placed(attempt: &AttemptRef, tree: &Value) -> Result<Pay, Why> {
    let need = |name: &str| given(tree, name).ok_or_else(|| unreadable(format!("the reply has no {name}")));
    let action = match attempt.method {
        Method::AlipayJsapi => Action::Jsapi { params: notes([("tradeNO", need("trade_no")?)]) },
        _ => Action::QrCode { content: need("qr_code")?.to_owned() },
    };
    Ok(Pay::Waiting(action, told(tree, trade::HANDLES).into_iter().chain(outcome::placed()).collect()))
}

fn refused(attempt: &AttemptRef, api: Api, complaint: &Complaint) -> Result<Pay, Why> {
    // The payer is typing a password; the sub_code may be empty (pack §2.3). It need not name the order.
    if complaint.code == "10003" && api == Api::Pay && complaint.sealed {
        trade::agrees_where_named(&complaint.node, attempt)?;
        return Ok(Pay::Waiting(Action::Wait { poll_after_ms: trade::POLL_AFTER_MS }, told(&complaint.node, trade::HANDLES)));
    }
    match complaint.class(api)? {
        Class::Config if attempt.handles.contains_key(PLACED) => Err(complaint.doubt(Class::Config)),
        class => Ok(outcome::pay_again(attempt, Ok(class), complaint)),
    }
}

/// WAP, page and APP (pack §2.9, §8): we only sign, the payer's side goes to Alipay by itself. No trade exists until then. Values are
/// percent-encoded after signing, a space as `%20`: the app passes the string on unchanged.
fn front(account: &Account, method: Method, call: &Call, env: &Env<'_>) -> Result<Action, Refusal> {
    let token = wire::token_for(account, call)?;
    let signed = wire::signed(account, call, token.as_deref(), env)?;
    let (query, body) = (encoded(&signed.query), encoded(&signed.body));
    Ok(match method {
        Method::AlipayPage => Action::Form { url: format!("{}?{query}", account.gateway), fields: signed.body.into_iter().collect() },
        Method::AlipayWap => Action::Redirect { url: format!("{}?{query}&{body}", account.gateway) },
        _ => Action::App { params: notes([("orderString", format!("{query}&{body}"))]) },
    })
}
