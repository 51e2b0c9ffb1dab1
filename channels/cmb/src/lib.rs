//! CMB aggregate acquiring (招商银行聚合收单, polypay): one bank account, any wallet, 国密 throughout.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`chance`], [`sign`], [`keys`] and [`terminal`] are the SM2, SM3 and SM4 of it, [`wire`] makes requests
//! and judges replies, [`codes`] is the error table; then one file per verb.
//!
//! Left out: orders whose amount may be changed, WeChat and Alipay windows, e-CNY wallets, key setting; the bank has no platform keys to
//! renew and no silent authorisation. Section numbers in comments are those of the bank pack.

mod admit;
mod bill;
mod callback;
mod chance;
mod close;
mod codes;
mod config;
mod identify;
mod ids;
mod keys;
mod pay;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
mod terminal;
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
    Ok(Box::new(Cmb { account: Arc::new(account) }))
}

/// One opened account.
struct Cmb {
    account: Arc<Account>,
}

impl Channel for Cmb {
    fn profile(&self) -> &Profile {
        &self.account.profile
    }

    fn check_sub(&self, sub: &Notes) -> Vec<Problem> {
        admit::check_sub(&self.account, sub)
    }

    /// A binding has ids only, no secrets of its own.
    fn sub_keys(&self, _sub: &Notes) -> KeyUpdate {
        KeyUpdate::default()
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

    fn acknowledge(&self, _raw: &RawCallback<'_>, ack: Ack, env: &Env<'_>) -> HttpReply {
        callback::acknowledge(&self.account, ack, env)
    }

    /// The bill is the merchant's (`merId`): a provider's bindings are all in it.
    fn statement(&self, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
        statement::statement(&self.account, day, env)
    }

    fn renew(&self, _why: &KeyHint, _env: &Env<'_>) -> Step<Renewed> {
        Step::Refused(Refusal::unsupported("key renewal"))
    }

    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal> {
        if keys.items.is_empty() { Ok(()) } else { Err(Refusal::unsupported("key renewal")) }
    }

    fn authorize(&self, _who: &Visitor<'_>, _return_url: &str, _state: &str) -> Result<String, Refusal> {
        Err(identify::refusal())
    }

    fn identify(&self, _who: &Visitor<'_>, _query: &str, _env: &Env<'_>) -> Step<Person> {
        Step::Refused(identify::refusal())
    }
}
