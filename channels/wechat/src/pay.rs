//! Placing an order: native, JSAPI, mini-program, APP, H5 and codepay (pack §3).
//!
//! The body is made of the attempt and the order only, so placing the order again sends the same bytes and refreshes
//! the code under the same number (pack §4, 2).

use crate::admit::{auth_code, description, h5_type, payer_ip};
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::trade::{self, POLL_AFTER_MS};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS};
use crate::{ids, invoke, v2_trade};
use serde_json::{Map, Value};
use sluice_contract::{Action, AttemptRef, Env, Method, Notes, Pay, PayOrder, Reading, Refusal, Step, Why, WhyKind};
use sluice_kit::account::terminals;
use sluice_kit::ask::ask;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::text::is_digits;
use sluice_kit::wire::{given, object, plain as cut, put, put_some};
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    if ids::is_v2(attempt) {
        return v2_trade::pay(account, attempt, order, env);
    }
    let timeout_ms = if attempt.method.is_barcode() { TIMEOUT_MONEY_MS } else { TIMEOUT_MS };
    let (api, rest, _) = product(attempt.method);
    let body = body(account, attempt, order, env);
    let request = body.and_then(|body| wire::request(account, Call::post(api, ids::path(attempt, rest), body, timeout_ms), env));
    let return_url = order.return_url.clone();
    ask(account, attempt, request, move |account, attempt, answer, env| {
        read(account, attempt, return_url.as_deref(), answer, env).map(Reading::Is)
    })
}

/// The API's name, the end of its path, and what the payer's next step is made of.
const fn product(method: Method) -> (&'static str, &'static str, &'static str) {
    match method {
        Method::WechatJsapi | Method::WechatMini => ("jsapi.create", "jsapi", "prepay_id"),
        Method::WechatApp => ("app.create", "app", "prepay_id"),
        Method::WechatH5 => ("h5.create", "h5", "h5_url"),
        Method::WechatBarcode => ("codepay", "codepay", ""),
        _ => ("native.create", "native", "code_url"),
    }
}

fn body(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Map<String, Value>, Refusal> {
    let mut body = ids::all(attempt);
    put(&mut body, "description", description(&order.subject));
    put(&mut body, "out_trade_no", attempt.number.as_str());
    put(&mut body, "amount", object([("total", Value::from(attempt.amount.0)), ("currency", Value::from("CNY"))]));
    if attempt.method.is_barcode() {
        put(&mut body, "payer", object([("auth_code", Value::from(auth_code(order)?))]));
        put(&mut body, "scene_info", counter(attempt, order));
        return Ok(body);
    }
    put(&mut body, "time_expire", attempt.expires_at.rfc3339());
    put(&mut body, "notify_url", env.notify_url);
    if let Some(openid) = order.payer.openid.as_deref().filter(|_| matches!(attempt.method, Method::WechatJsapi | Method::WechatMini)) {
        put(&mut body, "payer", object([(openid_name(attempt), Value::from(openid))]));
    }
    put_some(&mut body, "scene_info", scene(account, attempt, order)?);
    Ok(body)
}

/// Whose openid it is (pack §11): the sub-merchant's app was chosen, or the provider's, or there is only one.
fn openid_name(attempt: &AttemptRef) -> &'static str {
    match attempt.memo.get("payer_app").map(String::as_str) {
        Some("sub") => "sub_openid",
        Some(_) => "sp_openid",
        None => "openid",
    }
}

/// `scene_info` of a payer's device; only with the payer's address, which it demands (pack §3.4).
fn scene(account: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Option<Value>, Refusal> {
    let is_h5 = attempt.method == Method::WechatH5;
    let address = if is_h5 { Some(payer_ip(account, order)?) } else { order.client_ip.as_deref() };
    let Some(address) = address else { return Ok(None) };
    let mut scene = Map::new();
    put(&mut scene, "payer_client_ip", address);
    put_some(&mut scene, "device_id", device(order));
    if is_h5 {
        put(&mut scene, "h5_info", object([("type", Value::from(h5_type(order)?))]));
    }
    if let Some(store) = &order.store {
        let mut info = Map::new();
        put(&mut info, "id", cut(&store.id, 32));
        for (name, value, max) in [("name", &store.name, 256), ("area_code", &store.area_code, 32), ("address", &store.address, 512)] {
            put_some(&mut info, name, value.as_deref().map(|value| cut(value, max)));
        }
        put(&mut scene, "store_info", Value::Object(info));
    }
    Ok(Some(Value::Object(scene)))
}

/// `scene_info` of a shop's counter. It is required, and in it a store: our store's id, else the merchant's own number.
fn counter(attempt: &AttemptRef, order: &PayOrder) -> Value {
    let mut info = Map::new();
    let own = ["sub_mchid", "mchid"].iter().find_map(|name| ids::frozen(attempt, name)).unwrap_or_default();
    put(&mut info, "out_id", cut(order.store.as_ref().map_or(own, |store| &store.id), 256));
    // What this account calls the store is WeChat's place id when it is one (digits).
    let place = order.store.as_ref().and_then(|store| store.store_code.as_deref());
    put_some(&mut info, "id", place.filter(|code| is_digits(code, 1..=32)));
    let mut scene = Map::new();
    put(&mut scene, "store_info", Value::Object(info));
    put_some(&mut scene, "device_id", device(order));
    put_some(&mut scene, "device_ip", order.terminal.as_ref().and_then(|t| t.ip.as_deref()));
    Value::Object(scene)
}

/// The terminal's id, else what the account calls the store's terminal.
pub(crate) fn device(order: &PayOrder) -> Option<String> {
    terminals(order).next().map(|id| cut(id, 32))
}

fn read(account: &Account, attempt: &AttemptRef, return_url: Option<&str>, answer: Answer, env: &Env<'_>) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) if attempt.method.is_barcode() => trade::about(trade::read(&tree), attempt),
        Answer::Good(tree) => placed(account, attempt, return_url, &tree, env),
        Answer::Error(complaint) => Ok(refused(if attempt.method.is_barcode() { Api::Codepay } else { Api::Create }, attempt, &complaint)),
    }
}

/// The order is there: what the payer does next.
fn placed(account: &Account, attempt: &AttemptRef, return_url: Option<&str>, tree: &Value, env: &Env<'_>) -> Result<Pay, Why> {
    let (_, _, name) = product(attempt.method);
    let value = given(tree, name).ok_or_else(|| unreadable(format!("the reply has no {name}")))?;
    // From now on a payer may hold a code: no later refusal may fail the attempt.
    let mut handles = outcome::placed();
    let action = match attempt.method {
        Method::WechatNative => Action::QrCode { content: value.to_owned() },
        Method::WechatH5 => Action::Redirect { url: with_return(value, return_url) },
        _ => {
            handles.insert("prepay_id".to_owned(), value.to_owned());
            invoke::action(account, attempt, value, env).map_err(|refusal| Why::new(WhyKind::Configuration, refusal.inner))?
        }
    };
    Ok(Pay::Waiting(action, handles))
}

/// Where the payer's browser comes back to (pack §3.5).
fn with_return(h5_url: &str, return_url: Option<&str>) -> String {
    let Some(back) = return_url else { return h5_url.to_owned() };
    let joint = if h5_url.contains('?') { '&' } else { '?' };
    format!("{h5_url}{joint}redirect_url={}", wire::encode(back))
}

/// A create or a charge that was refused, in either dialect.
pub(crate) fn refused(api: Api, attempt: &AttemptRef, complaint: &Complaint) -> Pay {
    match complaint.class(api) {
        Ok(Class::Unknown) if attempt.method.is_barcode() && complaint.is("USERPAYING") => {
            Pay::Waiting(outcome::waiting(attempt, POLL_AFTER_MS), Notes::new())
        }
        class => outcome::pay_again(attempt, class, complaint),
    }
}
