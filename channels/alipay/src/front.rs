//! WAP, page and APP (pack §2.9, §8): we only sign, the payer's side goes to Alipay by itself. No trade exists until then.

use crate::config::Account;
use crate::wire::{self, Call};
use sluice_contract::{Action, Env, Method, Refusal};
use sluice_kit::form::encoded;
use sluice_kit::wire::notes;

pub(crate) const fn is_front(method: Method) -> bool {
    matches!(method, Method::AlipayWap | Method::AlipayPage | Method::AlipayApp)
}

/// Values are percent-encoded after signing, a space as `%20`: the app passes the string on unchanged.
pub(crate) fn action(account: &Account, method: Method, call: &Call, env: &Env<'_>) -> Result<Action, Refusal> {
    let token = wire::token_for(account, call)?;
    let signed = wire::signed(account, call, token.as_deref(), env)?;
    let (query, body) = (encoded(&signed.query), encoded(&signed.body));
    Ok(match method {
        Method::AlipayPage => Action::Form { url: format!("{}?{query}", account.gateway), fields: signed.body.into_iter().collect() },
        Method::AlipayWap => Action::Redirect { url: format!("{}?{query}&{body}", account.gateway) },
        _ => Action::App { params: notes([("orderString", format!("{query}&{body}"))]) },
    })
}
