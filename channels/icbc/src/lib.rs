//! ICBC (工商银行) open platform: e-life codes (family A) and aggregate acquiring (family B).
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an account,
//! [`profile`] says what it can do, [`sign`] and [`keys`] hold the trust rule, [`wire`] makes requests and judges replies,
//! [`codes`] is the error table, [`trade`] reads a payment; then one file per verb.
//!
//! **The two families.** Their state digits mean opposite things (pack 1.6): `pay_status` 0 is *paying* in A and *paid* in B. `admit`
//! freezes the family into the attempt; where it is missing nothing is guessed.
//!
//! Left out: SM2 and CA signatures (pack 1.3: their form is not known) and SHA-1 signatures of our own, which are never made.

mod admit;
mod callback;
mod close;
mod codes;
mod config;
mod identify;
mod ids;
mod keys;
mod order_a;
mod order_b;
mod page;
mod pay;
mod profile;
mod query;
mod refund;
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
    Ok(Box::new(Icbc { account: Arc::new(account) }))
}

/// One opened account.
struct Icbc {
    account: Arc<Account>,
}

impl Channel for Icbc {
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

    fn callback(&self, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
        callback::callback(&self.account, raw, env)
    }

    fn acknowledge(&self, raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
        callback::acknowledge(&self.account, raw, ack)
    }

    fn statement(&self, _day: Day, _sub: Option<&Notes>, _env: &Env<'_>) -> Step<Statement> {
        statement::statement()
    }

    fn renew(&self, _why: &KeyHint, _env: &Env<'_>) -> Step<Renewed> {
        keys::renew()
    }

    fn install(&self, _keys: &KeyUpdate) -> Result<(), Refusal> {
        keys::install()
    }

    fn authorize(&self, _who: &Visitor<'_>, _return_url: &str, _state: &str) -> Result<String, Refusal> {
        identify::authorize()
    }

    fn identify(&self, _who: &Visitor<'_>, _query: &str, _env: &Env<'_>) -> Step<Person> {
        identify::identify()
    }
}
