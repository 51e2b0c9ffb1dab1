//! UnionPay (中国银联), ACP gateway 5.1.0: QR both ways, front forms (web, WAP, B2B) and app orders.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an
//! account, [`profile`] says what it can do, [`products`] is the product table, [`sign`] and [`keys`] hold the trust rule,
//! [`wire`] makes requests and judges replies, [`codes`] is the table of response codes; then one file per verb.
//!
//! A transaction is merId + orderId + txnTime (pack §6): all three are frozen by `admit` and every reply must name them.
//! Left out: pre-authorisation, stored cards, batches, SM2 (UNCONFIRMED for this gateway), 5.0.0 and its SHA-1 signatures.

mod admit;
mod bill;
mod callback;
mod certificates;
mod close;
mod codes;
mod config;
mod dates;
mod identify;
mod ids;
mod keys;
mod pay;
pub mod pkcs1;
mod products;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
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
    Ok(Box::new(UnionPay { account: Arc::new(account) }))
}

/// One opened account.
struct UnionPay {
    account: Arc<Account>,
}

impl Channel for UnionPay {
    fn profile(&self) -> &Profile {
        &self.account.profile
    }

    fn check_sub(&self, sub: &Notes) -> Vec<Problem> {
        admit::check_sub(&self.account, sub)
    }

    /// A binding has ids and names only, no secrets of its own.
    fn sub_keys(&self, _sub: &Notes) -> KeyUpdate {
        KeyUpdate::default()
    }

    fn admit(&self, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
        admit::admit(&self.account, attempt, order)
    }

    fn pay(&self, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
        pay::pay(&self.account, attempt, order, env)
    }

    fn query(&self, attempt: &AttemptRef, _env: &Env<'_>) -> Step<Pay> {
        query::query(&self.account, attempt)
    }

    fn close(&self, _attempt: &AttemptRef, _env: &Env<'_>) -> Step<Undone> {
        close::close()
    }

    fn reverse(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        reverse::reverse(&self.account, attempt, env)
    }

    fn refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        refund::refund(&self.account, refund, env)
    }

    fn query_refund(&self, refund: &RefundRef, _env: &Env<'_>) -> Step<Refund> {
        refund::query_refund(&self.account, refund)
    }

    fn callback(&self, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
        callback::callback(&self.account, raw, env)
    }

    fn acknowledge(&self, _raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
        callback::acknowledge(ack)
    }

    fn statement(&self, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
        statement::statement(&self.account, day, env)
    }

    fn renew(&self, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
        certificates::renew(&self.account, env)
    }

    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal> {
        certificates::install(&self.account, keys)
    }

    fn authorize(&self, _who: &Visitor<'_>, _return_url: &str, _state: &str) -> Result<String, Refusal> {
        identify::authorize()
    }

    fn identify(&self, _who: &Visitor<'_>, _query: &str, _env: &Env<'_>) -> Step<Person> {
        identify::identify()
    }
}
