//! Placing an order (section 2.4): a QR code for any wallet, or a payer's payment code.

use crate::admit::auth_code;
use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call, Complaint, TIMEOUT_MONEY_MS, TIMEOUT_MS, put, text};
use crate::{ids, terminal, trade};
use serde_json::{Map, Value};
use sluice_contract::{Action, AttemptRef, Env, HttpRequest, Pay, PayOrder, Reading, Refusal, Second, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::text::{cut_bytes, shown};
use sluice_kit::wire::{put_some, told};
use std::sync::Arc;

/// `qrCode` has 300 characters at most, `notifyUrl` 256, `body` 128.
const QR_MAX: usize = 300;
const NOTIFY_MAX: usize = 256;
const BODY_MAX_BYTES: usize = 128;

pub(crate) fn pay(account: &Arc<Account>, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
    let request = request(account, attempt, order, env);
    ask(account, attempt, request, |_, attempt, answer, env| read(attempt, answer, env.now).map(Reading::Is))
}

fn request(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    ensure(env.notify_url.len() <= NOTIFY_MAX, || Refusal::account("the callback address has more than 256 characters"))?;
    let mut content = ids::content(attempt);
    put(&mut content, "orderId", attempt.number.as_str());
    put(&mut content, "txnAmt", attempt.amount.0.to_string());
    put(&mut content, "notifyUrl", env.notify_url);
    // What the payer reads. Whether 128 counts characters or bytes is not said: bytes are fewer.
    let shown = shown(&order.subject, BODY_MAX_BYTES);
    put_some(&mut content, "body", Some(cut_bytes(&shown, BODY_MAX_BYTES).trim()).filter(|text| !text.is_empty()));
    for (theirs, ours) in [("subMerId", "sub_mer_id"), ("subStoreId", "sub_store_id")] {
        put_some(&mut content, theirs, attempt.sub.get(ours).map(String::as_str));
    }
    let id = terminal::id(account, order);
    put_some(&mut content, "termId", id);
    // A payment code is taken at a till, always; a QR code only where the order names one.
    let has_till = attempt.method.is_barcode() || order.terminal.is_some();
    let sealed = id.filter(|_| has_till && account.encrypts_terminal).map(|id| terminal::sealed(account, order, id, &env.entropy));
    let sealed = sealed.transpose()?;
    put_some(&mut content, "encryptTerminalInfo", sealed.as_ref().map(|sealed| sealed.info.as_str()));
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
    put_some(content, "ecnyPayment", account.ecny_payment.as_deref().filter(|_| is_ecny));
    Ok(())
}

/// `payValidTime` is relative to the bank's reception, so what is left of the order's life is told at the moment of sending.
fn by_qr(attempt: &AttemptRef, env: &Env<'_>, content: &mut Map<String, Value>) -> Result<(), Refusal> {
    let left_s = attempt.expires_at.0.saturating_sub(env.now.0);
    ensure(left_s > 0, || Refusal::account("the order expired before it could be sent"))?;
    put(content, "payValidTime", left_s.to_string());
    put(content, "currencyCode", "156");
    Ok(())
}

fn read(attempt: &AttemptRef, answer: Answer, now: Second) -> Result<Pay, Why> {
    match answer {
        Answer::Good(tree) if attempt.method.is_barcode() => trade::of_reply(&tree, attempt, now),
        Answer::Good(tree) => placed(attempt, &tree),
        Answer::Error(complaint) => Ok(refused(attempt, &complaint)),
    }
}

/// The order is there: the payer scans.
fn placed(attempt: &AttemptRef, tree: &Value) -> Result<Pay, Why> {
    trade::is_about(tree, attempt)?;
    let is_code = |code: &&str| (1..=QR_MAX).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_graphic());
    let code = text(tree, "qrCode").filter(is_code).ok_or_else(|| unreadable("the reply has no qrCode"))?;
    // From now on a payer may hold the code: no later refusal may fail the attempt.
    let mut handles = told(tree, &[("cmb_order_id", "cmbOrderId")]);
    handles.extend(outcome::placed());
    Ok(Pay::Waiting(Action::QrCode { content: code.to_owned() }, handles))
}

fn refused(attempt: &AttemptRef, complaint: &Complaint) -> Pay {
    let api = if attempt.method.is_barcode() { Api::Pay } else { Api::Qr };
    // Refused at the door, signed: nothing was made (section 2.6, returnCode FAIL).
    outcome::pay_again(attempt, complaint.class(api), complaint)
}
