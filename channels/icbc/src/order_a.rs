//! Family A's orders (pack 1.6): a code to scan (`generate`) and the payer's code shown to us (`pay`).

use crate::admit::auth_code;
use crate::config::Account;
use crate::ids;
use crate::pay::{life_s, store_code};
use crate::wire::{self, Call, TIMEOUT_MONEY_MS, TIMEOUT_MS, put, put_some};
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Env, HttpRequest, PayOrder, Refusal};

const GENERATE: Call = Call { api: "qrcode.generate", path: "/api/qrcode/V2/generate", timeout_ms: TIMEOUT_MS };
const PAY: Call = Call { api: "qrcode.pay", path: "/api/qrcode/V2/pay", timeout_ms: TIMEOUT_MONEY_MS };

pub(crate) fn generate(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut body = order_of(attempt);
    put(&mut body, "store_code", store_code(account, attempt, order)?);
    put(&mut body, "pay_expire", life_s(attempt, env)?.to_string());
    put(&mut body, "notify_url", env.notify_url);
    put(&mut body, "notify_flag", "1");
    // No jump to a page of the branch.
    put(&mut body, "sp_flag", "0");
    put_some(&mut body, "tporder_create_ip", order.client_ip.as_deref());
    wire::request(account, GENERATE, body, env)
}

pub(crate) fn pay(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut body = order_of(attempt);
    put(&mut body, "qr_code", auth_code(order)?);
    wire::request(account, PAY, body, env)
}

/// The order's time is the attempt's own, so that it stays the same whenever it is sent.
fn order_of(attempt: &AttemptRef) -> Map<String, Value> {
    let mut body = ids::order(attempt);
    put(&mut body, "order_amt", attempt.amount.to_string());
    let at = attempt.at.compact();
    let (date, time) = at.split_at_checked(8).unwrap_or((&at, ""));
    put(&mut body, "trade_date", date);
    put(&mut body, "trade_time", time);
    body
}
