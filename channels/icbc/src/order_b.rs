//! Family B's orders (pack 1.7): one code for all wallets (`consumption`), and WeChat's, Alipay's and UnionPay's own ways
//! (`consumepurchase`).

use crate::admit::{TITLE_MAX, payer_id};
use crate::config::Account;
use crate::pay::life_s;
use crate::wire::{self, Call, TIMEOUT_MS, put, put_some};
use crate::{ids, profile};
use serde_json::{Map, Value};
use sluice_contract::{AttemptRef, Env, HttpRequest, PayOrder, Refusal};
use sluice_kit::account::terminals;
use sluice_kit::text::shown;
use sluice_kit::wire::cut;

const CONSUMPTION: Call = Call { api: "consumption", path: "/api/cardbusiness/qrcode/consumption/V1", timeout_ms: TIMEOUT_MS };
const PURCHASE: Call =
    Call { api: "consumepurchase", path: "/api/cardbusiness/aggregatepay/b2c/online/consumepurchase/V1", timeout_ms: TIMEOUT_MS };

/// `body` has at most 128; whether characters or bytes is not written, and 42 Chinese characters fit either way.
const BODY_MAX: usize = 42;

pub(crate) fn consumption(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut body = code_order(account, attempt, order, env)?;
    // 6: a PC, where the code is shown.
    put(&mut body, "access_type", "6");
    wire::request(account, CONSUMPTION, body, env)
}

/// The members of a code's order; the hosted page and the app call take the same (their own list is UNCONFIRMED).
pub(crate) fn code_order(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Map<String, Value>, Refusal> {
    let mut body = order_of(account, attempt, order, env)?;
    put(&mut body, "cur_type", "001");
    put(&mut body, "amount", attempt.amount.to_string());
    put(&mut body, "order_date", attempt.at.plain());
    put(&mut body, "goods_name", shown(&order.subject, TITLE_MAX));
    put(&mut body, "installment_times", "1");
    // Debit and credit cards.
    put(&mut body, "credit_type", "2");
    Ok(body)
}

pub(crate) fn purchase(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let (pay_mode, access_type) = profile::purchase(attempt.method).ok_or_else(|| Refusal::unsupported("method"))?;
    let mut body = order_of(account, attempt, order, env)?;
    put(&mut body, "pay_mode", pay_mode);
    put(&mut body, "access_type", access_type);
    put(&mut body, "orig_date_time", attempt.at.plain().replace(' ', "T"));
    put(&mut body, "fee_type", "001");
    put(&mut body, "total_fee", attempt.amount.to_string());
    // Sic. The pack has it beside what every call carries, and online orders have no device: the merchant's number is its till.
    let merchant = attempt.memo.get("mer_id").map_or(account.mer_id.as_str(), String::as_str);
    put(&mut body, "decive_info", cut(terminals(order).next().unwrap_or(merchant), 32));
    // The payer's address, else the terminal's; the pack's sample has loopback where nobody knows it.
    let ip = order.client_ip.as_deref().or_else(|| order.terminal.as_ref().and_then(|t| t.ip.as_deref()));
    put(&mut body, "spbill_create_ip", ip.unwrap_or("127.0.0.1"));
    // The payer's id in the wallet, where the wallet wants one.
    if let Some((name, id)) = payer_id(attempt.method, order)? {
        put(&mut body, name, id);
    }
    ids::put_frozen(&mut body, attempt, &["shop_appid", "mer_acct"]);
    put_some(&mut body, "return_url", order.return_url.as_deref());
    wire::request(account, PURCHASE, body, env)
}

/// What every order of the family has.
fn order_of(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Map<String, Value>, Refusal> {
    let mut body = ids::order(attempt);
    put(&mut body, "body", shown(&order.subject, BODY_MAX));
    put(&mut body, "mer_url", notify_url(account, env)?);
    put(&mut body, "notify_type", account.aggregate.notify_type);
    put(&mut body, "result_type", account.aggregate.result_type);
    put(&mut body, "expire_time", life_s(attempt, env)?.to_string());
    Ok(body)
}

/// `mer_url` must be on port 443 or 80 (pack 1.7); only a sandbox calls back to others.
pub(crate) fn notify_url<'a>(account: &Account, env: &Env<'a>) -> Result<&'a str, Refusal> {
    let host = env.notify_url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.ends_with(']'));
    if account.sandbox || matches!(port, None | Some("443" | "80")) {
        return Ok(env.notify_url);
    }
    Err(Refusal::account("the bank calls back on ports 443 and 80 only: check the gateway's public_url"))
}
