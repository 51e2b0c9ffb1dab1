//! What the payer's own device sends to ICBC: the hosted page's form and the app's parameters (pack 1.1, 1.2). Nothing is sent by
//! us, so the order comes to exist when the payer arrives.
//!
//! The envelope is known; which page of four is the merchant's and what its content holds is UNCONFIRMED. Paths are settings
//! (`h5_path`, `app_path`), the content is that of a code's order, encrypted (as the page's one source has it) where the account has
//! an `encrypt_key`, and the address of notices stands in both places known.

use crate::config::Account;
use crate::order_b;
use crate::wire::{self, Params};
use sluice_contract::{Action, AttemptRef, Env, Method, PayOrder, Refusal};
use sluice_kit::form::encoded;
use sluice_kit::wire::notes;

/// What a page's address carries; all the rest are fields of its form.
const IN_ADDRESS: [&str; 8] = ["sign", "app_id", "sign_type", "charset", "format", "encrypt_type", "timestamp", "msg_id"];

pub(crate) fn action(account: &Account, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Result<Action, Refusal> {
    let is_app = attempt.method == Method::IcbcApp;
    let url = format!("{}{}", account.base_url, if is_app { &account.app_path } else { &account.h5_path });
    let content = order_b::code_order(account, attempt, order, env)?;
    let back = order.return_url.clone().unwrap_or_default();
    let extra = vec![("notify_url", order_b::notify_url(account, env)?.to_owned()), ("return_url", back)];
    let params = wire::signed(account, &url, content, extra, env)?;
    if is_app {
        // All parameters and where they go, as the phone's SDK wants them.
        let mut params = notes(params);
        params.insert("service_url".to_owned(), url);
        return Ok(Action::App { params });
    }
    let (address, fields): (Params, Params) = params.into_iter().partition(|(name, _)| IN_ADDRESS.contains(name));
    Ok(Action::Form { url: format!("{url}?{}", encoded(&address)), fields: notes(fields) })
}
