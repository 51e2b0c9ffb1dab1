//! Alipay (支付宝), the gateway protocol (`gateway.do`, "v2"): QR, barcode, JSAPI, WAP, page and APP; direct and service-provider mode.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`sign`] holds the canonical strings and the trust rule, [`wire`] makes requests and judges
//! replies, [`codes`] is the error table; then one file per verb. [`certificate`] is the arithmetic of certificate mode.
//!
//! Left out: the v3 REST protocol (pack §1.8: later option) and SM2 (pack §1.7: not required for acquiring).

mod admit;
mod aes;
mod bill;
mod callback;
mod certificate;
mod close;
mod codes;
mod config;
mod front;
mod identify;
mod keys;
mod pay;
mod profile;
mod query;
mod refund;
mod renew;
mod reverse;
mod sign;
mod statement;
mod trade;
mod wire;

#[cfg(test)]
mod tests;

use config::Account;
use sluice_contract::{
    AccountConfig, Ack, AttemptRef, Callback, Channel, Day, Env, HttpReply, KeyHint, KeyUpdate, Notes, Pay, PayOrder, Person, Problem,
    Profile, RawCallback, Refund, RefundRef, Refusal, Rejected, Renewed, Statement, Step, Undone, Visitor,
};
use std::sync::Arc;

/// Opens an account, or tells every problem of its credentials.
///
/// # Errors
/// Each problem with the key it is about.
#[expect(clippy::needless_pass_by_value, reason = "the signature is `contract::channel::Open`")]
pub fn open(config: AccountConfig<'_>) -> Result<Box<dyn Channel>, Vec<Problem>> {
    let account = config::read(&config)?;
    Ok(Box::new(Alipay { account: Arc::new(account) }))
}

/// One opened account.
struct Alipay {
    account: Arc<Account>,
}

impl Channel for Alipay {
    fn profile(&self) -> &Profile {
        &self.account.profile
    }

    fn check_sub(&self, sub: &Notes) -> Vec<Problem> {
        admit::check_sub(&self.account, sub)
    }

    fn sub_keys(&self, sub: &Notes) -> KeyUpdate {
        keys::sub_keys(sub)
    }

    fn admit(&self, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
        admit::admit(&self.account, attempt, order)
    }

    fn pay(&self, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
        pay::pay(&self.account, attempt, order, env)
    }

    fn query(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
        query::query(&self.account, attempt, env)
    }

    fn close(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        close::close(&self.account, attempt, env)
    }

    fn reverse(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        reverse::reverse(&self.account, attempt, env)
    }

    fn refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        refund::refund(&self.account, refund, env)
    }

    fn query_refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        refund::query_refund(&self.account, refund, env)
    }

    fn callback(&self, raw: &RawCallback<'_>, _env: &Env<'_>) -> Result<Callback, Rejected> {
        callback::callback(&self.account, raw)
    }

    fn acknowledge(&self, _raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
        callback::acknowledge(ack)
    }

    fn statement(&self, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
        statement::statement(&self.account, day, sub, env)
    }

    fn renew(&self, why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
        renew::renew(&self.account, why, env)
    }

    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal> {
        keys::install(&self.account, keys)
    }

    fn authorize(&self, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
        identify::authorize(&self.account, who, return_url, state)
    }

    fn identify(&self, who: &Visitor<'_>, query: &str, env: &Env<'_>) -> Step<Person> {
        identify::identify(&self.account, who, query, env)
    }
}
