//! Placing an order: precreate, pay with a barcode, create (pack §2.1 to §2.3). WAP, page and APP are only signed: [`crate::front`].
//!
//! The content is made of the attempt and the order only, so placing the order again sends the same content.

use crate::admit;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Call, Complaint, text};
use crate::{front, query, trade};
use serde_json::{Map, Value};
use sluice_contract::{Action, AttemptRef, Env, Method, Pay, PayOrder, Reading, Refusal, Step};
use sluice_kit::account::terminals;
use sluice_kit::outcome::{self, Complaint as _, PLACED, placed, unreadable};
use sluice_kit::wire::{TIMEOUT_MONEY_MS, cut, given, notes, object, put, put_some};
use std::sync::Arc;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let call = match call(account, attempt, order, env) {
        Ok(call) => call,
        Err(refusal) => return Step::Refused(refusal),
    };
    if front::is_front(attempt.method) {
        return front::pay(account, attempt, &call, env);
    }
    let attempt = attempt.clone();
    wire::ask(account, call, env, move |account, answer, env| read(account, &attempt, answer, env))
}

fn call(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Call, Refusal> {
    let (api, method) = match attempt.method {
        Method::AlipayBarcode => ("pay", "alipay.trade.pay"),
        Method::AlipayJsapi => ("create", "alipay.trade.create"),
        Method::AlipayWap => ("wap.pay", "alipay.trade.wap.pay"),
        Method::AlipayPage => ("page.pay", "alipay.trade.page.pay"),
        Method::AlipayApp => ("app.pay", "alipay.trade.app.pay"),
        _ => ("precreate", "alipay.trade.precreate"),
    };
    let biz = biz(account, attempt, order)?;
    let mut urls = vec![("notify_url", env.notify_url.to_owned())];
    if let Some(back) = order.return_url.as_ref().filter(|_| matches!(attempt.method, Method::AlipayWap | Method::AlipayPage)) {
        urls.push(("return_url", back.clone()));
    }
    let mut call = Call { urls, ..Call::new(api, method, biz, attempt.sub.get("auth_app_id")) };
    if attempt.method.is_barcode() {
        call.timeout_ms = TIMEOUT_MONEY_MS;
    }
    Ok(call)
}

fn biz(account: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Map<String, Value>, Refusal> {
    let mut biz = Map::new();
    put(&mut biz, "out_trade_no", attempt.number.as_str());
    put(&mut biz, "total_amount", attempt.amount.to_yuan());
    put(&mut biz, "subject", admit::subject(&order.subject));
    put_some(&mut biz, "product_code", account.products.get(&attempt.method).map(String::as_str));
    if let Some(id) = &account.provider_id {
        put(&mut biz, "extend_params", object([("sys_service_provider_id", Value::from(id.as_str()))]));
    }
    // Who is to be paid is said only where the binding pins it; by default it is the merchant of the token. The notice gives
    // `passback_params` back under its signature: then the payee is compared (see `callback`).
    if let Some(id) = attempt.sub.get("seller_id") {
        put(&mut biz, "seller_id", id.as_str());
        put(&mut biz, "passback_params", PINNED);
    }
    // Given as text or object (pack §2 lists both, UNCONFIRMED which where).
    if let Some(ip) = &order.client_ip {
        put(&mut biz, "business_params", object([("mc_create_trade_ip", Value::from(ip.as_str()))]));
    }
    place(&mut biz, order);
    match attempt.method {
        Method::AlipayBarcode => {
            let (code, scene) = admit::auth_code(order)?;
            put(&mut biz, "auth_code", code);
            put(&mut biz, "scene", scene);
            return Ok(biz);
        }
        Method::AlipayJsapi => {
            let (name, id) = admit::buyer(account, order)?;
            put(&mut biz, name, id);
        }
        _ => {}
    }
    // Without it a trade stays open for up to 15 days (pack §2.9).
    put(&mut biz, "time_expire", attempt.expires_at.plain());
    Ok(biz)
}

/// Marks an order whose payee was pinned.
pub(crate) const PINNED: &str = "seller";

/// Store, till and operator. A store that Alipay does not know is refused (`INVALID_STORE_ID`), so only what this account calls it goes.
fn place(biz: &mut Map<String, Value>, order: &PayOrder) {
    let store = order.store.as_ref().and_then(|store| store.store_code.as_deref());
    let fields = [("store_id", store, 32), ("terminal_id", terminals(order).next(), 32), ("operator_id", order.operator_id.as_deref(), 28)];
    for (name, value, max) in fields {
        put_some(biz, name, value.filter(|value| !value.is_empty()).map(|value| cut(value, max)));
    }
}

fn read(account: &Arc<Account>, attempt: &AttemptRef, answer: Answer, env: &Env<'_>) -> Reading<Pay> {
    let tree = match answer {
        Answer::Good(tree) => tree,
        Answer::Error(complaint) => return Reading::Is(refused(attempt, &complaint)),
        Answer::Doubt(why) => return Reading::Is(Pay::Unknown(why)),
    };
    if let Some(why) = trade::contradiction(&tree, attempt) {
        return Reading::Is(Pay::Unknown(why));
    }
    match attempt.method {
        // A debit may still be rolled back: the query is the authority (pack §3.4).
        Method::AlipayBarcode => query::after_pay(account, attempt, env),
        _ => Reading::Is(shown(attempt, &tree)),
    }
}

/// The order is there: what the payer does next. From now on a payer may hold a code: no later refusal may fail the attempt.
fn shown(attempt: &AttemptRef, tree: &Value) -> Pay {
    let name = if attempt.method == Method::AlipayJsapi { "trade_no" } else { "qr_code" };
    let Some(value) = given(tree, name) else { return Pay::Unknown(unreadable(format!("the reply has no {name}"))) };
    let mut handles = trade::handles(tree);
    handles.extend(placed());
    let action = match attempt.method {
        Method::AlipayJsapi => Action::Jsapi { params: notes([("tradeNO", value)]) },
        _ => Action::QrCode { content: value.to_owned() },
    };
    Pay::Waiting(action, handles)
}

fn refused(attempt: &AttemptRef, complaint: &Complaint) -> Pay {
    let api = match attempt.method {
        Method::AlipayBarcode => Api::Pay,
        Method::AlipayJsapi => Api::Create,
        _ => Api::Precreate,
    };
    // The payer is typing a password; the sub_code may be empty (pack §2.3).
    if complaint.code == "10003" && api == Api::Pay && complaint.sealed {
        // It need not name the order; if it does, it must be ours.
        let names_one = text(&complaint.node, "out_trade_no").is_some();
        return match trade::contradiction(&complaint.node, attempt).filter(|_| names_one) {
            Some(why) => Pay::Unknown(why),
            None => Pay::Waiting(Action::Wait { poll_after_ms: trade::POLL_AFTER_MS }, trade::handles(&complaint.node)),
        };
    }
    match complaint.class(api) {
        Ok(Class::Config) if attempt.handles.contains_key(PLACED) => Pay::Unknown(complaint.doubt(Class::Config)),
        class => outcome::pay_again(attempt, class, complaint),
    }
}
