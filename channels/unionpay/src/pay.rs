//! Placing an order (pack §2.1 to §2.4): a form for the payer's browser, an app's `tn`, a code to show, or a code that was read.
//!
//! The message is made of the attempt and the order only; txnTime is the attempt's own time and payTimeout always goes along
//! where a payer may come later (T14), because nothing else ends such an order.

use crate::admit::{auth_code, is_form, product, term_id, told};
use crate::codes::{Api, Class, Product, WAITING};
use crate::config::Account;
use crate::ids::{self, frozen};
use crate::query;
use crate::wire::{self, Said, TIMEOUT_MONEY_MS, get, set};
use sluice_contract::{Action, AttemptRef, Env, Method, Notes, Pay, PayOrder, Reading, Refusal, Step, Why};
use sluice_kit::ask::{Told, ask, then};
use sluice_kit::claims::agrees;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::wire::notes;
use std::sync::Arc;

/// How long a waiting barcode waits before it is asked again, in milliseconds.
pub(crate) const POLL_AFTER_MS: u64 = 2000;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    place(account, attempt, order, env).unwrap_or_else(Step::Refused)
}

fn place(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Step<Pay>, Refusal> {
    let product = product(attempt.method)?;
    let fields = fields(account, product, attempt, order, env)?;
    if is_form(product) {
        // Nothing is sent: the order will exist once the payer's browser arrives.
        let form = Action::Form { url: format!("{}{}", account.base_url, product.path), fields: account.signer.sign(&fields)? };
        return Ok(Step::Done(Pay::Waiting(form, Notes::new())));
    }
    let request = wire::post(account, product.api, product.path, &fields, TIMEOUT_MONEY_MS);
    Ok(ask(account, attempt, request, |account, attempt, fields, env| read(account, product, attempt, &fields, env)))
}

fn fields(account: &Account, product: &Product, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Notes, Refusal> {
    let mut fields = ids::money(account, attempt, ("01", product.sub_type), &attempt.number, frozen(attempt, "txnTime"));
    set(&mut fields, "txnAmt", attempt.amount.to_string());
    set(&mut fields, "currencyCode", "156");
    set(&mut fields, "backUrl", env.notify_url);
    if let Some(id) = term_id(order).filter(|_| matches!(attempt.method, Method::UnionpayQr | Method::UnionpayBarcode)) {
        set(&mut fields, "termId", id);
    }
    if attempt.method.is_barcode() {
        set(&mut fields, "qrNo", auth_code(order)?);
        return Ok(fields);
    }
    set(&mut fields, "payTimeout", attempt.expires_at.compact());
    set(&mut fields, "orderDesc", told(&order.subject, 32));
    if let Some(url) = order.return_url.as_deref().filter(|_| is_form(product)) {
        set(&mut fields, "frontUrl", url);
    }
    Ok(fields)
}

fn read(account: &Arc<Account>, product: &Product, attempt: &AttemptRef, fields: &Notes, env: &Env<'_>) -> Told<Pay> {
    ids::identified(fields, attempt)?;
    agrees(&ids::claimed(fields, false), attempt)?;
    // A genuine answer to another call about this order is no answer to this one.
    ids::expect(fields, &[("txnType", "01"), ("txnSubType", product.sub_type)])?;
    let said = Said::of(fields);
    Ok(match said.class(Api::Pay) {
        // T5: accepted, not paid.
        Ok(Class::Ok) if product.brings.is_empty() => then(query::query(account, attempt, env)),
        Ok(Class::Ok) => Reading::Is(placed(attempt, product.brings, get(fields, product.brings))?),
        Ok(_) if said.code == WAITING && attempt.method.is_barcode() => Reading::Is(waiting(attempt)),
        class => Reading::Is(outcome::pay(class, &said)),
    })
}

pub(crate) fn waiting(attempt: &AttemptRef) -> Pay {
    Pay::Waiting(outcome::waiting(attempt, POLL_AFTER_MS), Notes::new())
}

/// The order is there: what the payer does next.
fn placed(attempt: &AttemptRef, name: &str, value: &str) -> Result<Pay, Why> {
    if value.is_empty() || value.len() > 1024 || value.chars().any(char::is_control) {
        return Err(unreadable(format!("the answer has no usable {name}")));
    }
    let action = match attempt.method {
        Method::UnionpayApp => Action::App { params: notes([(name, value)]) },
        _ => Action::QrCode { content: value.to_owned() },
    };
    Ok(Pay::Waiting(action, Notes::new()))
}
