//! Placing an order (pack §2.1 to §2.4): a form for the payer's browser, an app's `tn`, a code to show, or a code that was read.
//!
//! The message is made of the attempt and the order only; txnTime is the attempt's own time and payTimeout always goes along
//! where a payer may come later (T14), because nothing else ends such an order.

use crate::admit::{auth_code, product, term_id, told};
use crate::codes::{Api, Class, WAITING};
use crate::config::Account;
use crate::ids::{self, frozen};
use crate::products::is_form;
use crate::query;
use crate::wire::{self, Said, TIMEOUT_MONEY_MS, get, set};
use sluice_contract::{Action, AttemptRef, Env, HttpReply, Method, Notes, Pay, PayOrder, Reading, Refusal, Step, Why, WhyKind};
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::wire::notes;
use std::sync::Arc;

/// How long a waiting barcode waits before it is asked again, in milliseconds.
pub(crate) const POLL_AFTER_MS: u64 = 2000;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let (product, fields) = match product(attempt).and_then(|product| Ok((product, fields(account, attempt, order, env)?))) {
        Ok(made) => made,
        Err(refusal) => return Step::Refused(refusal),
    };
    if is_form(attempt.method) {
        // Nothing is sent: the order will exist once the payer's browser arrives.
        return match account.signer.sign(&fields) {
            Ok(fields) => {
                let url = format!("{}{}", account.base_url, product.path);
                Step::Done(Pay::Waiting(Action::Form { url, fields }, Notes::new()))
            }
            Err(refusal) => Step::Refused(refusal),
        };
    }
    let request = wire::post(account, product.api, product.path, &fields, TIMEOUT_MONEY_MS);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| read(account, &attempt, reply, env))
}

fn fields(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Notes, Refusal> {
    let product = product(attempt)?;
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
    if let Some(url) = order.return_url.as_deref().filter(|_| is_form(attempt.method)) {
        set(&mut fields, "frontUrl", url);
    }
    Ok(fields)
}

fn read(account: &Arc<Account>, attempt: &AttemptRef, reply: &HttpReply, env: &Env<'_>) -> Reading<Pay> {
    wire::judged(account, reply, env, Pay::Unknown, |fields| {
        ids::identified(fields, attempt, &attempt.number, frozen(attempt, "txnTime"))?;
        ids::payment_contradiction(fields, attempt)?;
        // A genuine answer to another call about this order is no answer to this one.
        let product = product(attempt).map_err(|refusal| Why::new(WhyKind::Configuration, refusal.inner))?;
        ids::expect(fields, &[("txnType", "01"), ("txnSubType", product.sub_type)])?;
        let said = Said::of(fields);
        match said.class(Api::Pay) {
            // T5: accepted, not paid.
            Ok(Class::Ok) if product.brings.is_empty() => Ok(query::then(account, attempt)),
            Ok(Class::Ok) => placed(attempt, product.brings, get(fields, product.brings)).map(Reading::Is),
            Ok(_) if said.code == WAITING && attempt.method.is_barcode() => Ok(Reading::Is(waiting(attempt))),
            class => Ok(Reading::Is(outcome::pay(class, &said))),
        }
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
