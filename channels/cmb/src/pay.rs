//! Placing an order (section 2.4): a QR code for any wallet, or a payer's payment code.

use crate::admit::auth_code;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::terminal::{self, Sealed};
use crate::trade::{self, POLL_AFTER_MS};
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, put, text};
use serde_json::{Map, Value};
use sluice_contract::{
    Action, AttemptRef, Env, FailureCode, Fault, HttpReply, HttpRequest, Notes, Pay, PayOrder, Reading, Refusal, Second, Step, Why, WhyKind,
};
use std::sync::Arc;

/// `qrCode` has 300 characters at most, `notifyUrl` 256, `body` 128.
const QR_MAX: usize = 300;
const NOTIFY_MAX: usize = 256;
const BODY_MAX_BYTES: usize = 128;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let request = request(account, attempt, order, env);
    let attempt = attempt.clone();
    wire::send(account, request, move |account, reply, env| Reading::Is(read(account, &attempt, reply, env.now)))
}

fn request(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    if env.notify_url.len() > NOTIFY_MAX {
        return Err(Refusal::account("the callback address has more than 256 characters"));
    }
    let mut content = ids::content(attempt);
    put(&mut content, "orderId", attempt.number.as_str());
    put(&mut content, "txnAmt", attempt.amount.0.to_string());
    put(&mut content, "notifyUrl", env.notify_url);
    let shown = shown(&order.subject);
    if !shown.is_empty() {
        put(&mut content, "body", shown);
    }
    for (theirs, ours) in [("subMerId", "sub_mer_id"), ("subStoreId", "sub_store_id")] {
        if let Some(id) = attempt.sub.get(ours) {
            put(&mut content, theirs, id.as_str());
        }
    }
    let id = terminal::id(account, order);
    if let Some(id) = id {
        put(&mut content, "termId", id);
    }
    // A payment code is taken at a till, always; a QR code only where the order names one.
    let has_till = attempt.method.is_barcode() || order.terminal.is_some();
    let sealed = match id.filter(|_| has_till && account.encrypts_terminal) {
        Some(id) => Some(terminal::sealed(account, order, id, &env.entropy)?),
        None => None,
    };
    if let Some(Sealed { info, .. }) = &sealed {
        put(&mut content, "encryptTerminalInfo", info.as_str());
    }
    let (api, path, timeout_ms) = if attempt.method.is_barcode() {
        by_code(account, attempt, order, &mut content)?;
        ("codepay", "pay", TIMEOUT_MONEY_MS)
    } else {
        by_qr(attempt, env, &mut content)?;
        ("qr.create", "qrcodeapply", TIMEOUT_MS)
    };
    wire::post(account, Call { api, path, content, key: sealed.map(|sealed| sealed.key), timeout_ms }, env)
}

fn by_code(account: &Account, attempt: &AttemptRef, order: &PayOrder, content: &mut Map<String, Value>) -> Result<(), Refusal> {
    let code = auth_code(account, attempt.method, order)?;
    put(content, "authCode", code);
    let is_ecny = account.codes.recognise(code).is_ok_and(|rule| rule.kind == "ecny");
    if let Some(ecny) = account.ecny_payment.as_deref().filter(|_| is_ecny) {
        put(content, "ecnyPayment", ecny);
    }
    Ok(())
}

/// `payValidTime` is relative to the bank's reception, so what is left of the order's life is told at the moment of sending.
fn by_qr(attempt: &AttemptRef, env: &Env<'_>, content: &mut Map<String, Value>) -> Result<(), Refusal> {
    let left_s = attempt.expires_at.0.saturating_sub(env.now.0);
    if left_s < 1 {
        return Err(Refusal::account("the order expired before it could be sent"));
    }
    put(content, "payValidTime", left_s.to_string());
    put(content, "currencyCode", "156");
    Ok(())
}

/// What the payer reads. Whether 128 counts characters or bytes is not said: bytes are fewer.
fn shown(subject: &str) -> String {
    let mut text = String::new();
    for c in subject.chars().filter(|c| c.len_utf8() < 4 && !c.is_control()) {
        if text.len().saturating_add(c.len_utf8()) > BODY_MAX_BYTES {
            break;
        }
        text.push(c);
    }
    text.trim().to_owned()
}

fn read(account: &Account, attempt: &AttemptRef, reply: &HttpReply, now: Second) -> Pay {
    wire::judged(account, reply, Pay::Unknown, |answer| match answer {
        Answer::Good(tree) if attempt.method.is_barcode() => trade::of_reply(&tree, attempt, now),
        Answer::Good(tree) => placed(attempt, &tree),
        Answer::Error(complaint) => refused(attempt, &complaint),
    })
}

/// The order is there: the payer scans.
fn placed(attempt: &AttemptRef, tree: &Value) -> Pay {
    if let Some(why) = trade::contradiction(tree, attempt) {
        return Pay::Unknown(why);
    }
    let is_code = |code: &&str| (1..=QR_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    let Some(code) = text(tree, "qrCode").filter(is_code) else {
        return Pay::Unknown(Why::new(WhyKind::Unreadable, "the reply has no qrCode"));
    };
    // From now on a payer may hold the code: no later refusal may fail the attempt.
    let mut handles = Notes::from([("placed".to_owned(), "yes".to_owned())]);
    if let Some(id) = text(tree, "cmbOrderId").filter(|id| !id.is_empty()) {
        handles.insert("cmb_order_id".to_owned(), id.to_owned());
    }
    Pay::Waiting(Action::QrCode { content: code.to_owned() }, handles)
}

fn refused(attempt: &AttemptRef, complaint: &Complaint) -> Pay {
    let api = if attempt.method.is_barcode() { Api::Pay } else { Api::Qr };
    let class = match complaint.class(api) {
        Ok(class) => class,
        Err(why) => return Pay::Unknown(why),
    };
    let may_hold_a_code = attempt.handles.contains_key("placed");
    match class {
        Class::Fail(..) | Class::Config if may_hold_a_code => Pay::Unknown(complaint.why(WhyKind::Pending)),
        Class::Fail(code, fault) => Pay::Failed(complaint.failure(code, fault)),
        // Refused at the door, signed: nothing was made (section 2.6, returnCode FAIL).
        Class::Config => Pay::Failed(complaint.failure(FailureCode::ChannelConfiguration, Fault::Account)),
        _ => Pay::Unknown(complaint.why(WhyKind::Pending)),
    }
}

/// What an unpaid order waits for: a person at the till is asked again soon.
pub(crate) const fn waiting(attempt: &AttemptRef) -> Action {
    if attempt.method.is_barcode() { Action::Wait { poll_after_ms: POLL_AFTER_MS } } else { Action::None }
}
