//! WeChat Pay (微信支付), API v3, with v2 micropay as an alternative for barcodes.
//!
//! Sans-IO: every verb makes a request and the only code that can read its reply. Reading order: [`config`] opens an
//! account, [`profile`] says what it can do, [`sign`] holds the trust rule, [`wire`] makes requests and judges replies,
//! [`codes`] is the error table; then one file per verb. [`v2`] and its neighbours are the old XML protocol.
//!
//! Left out: 国密 (SM2/SM3/SM4), which the service enables by application only; a message that announces it is refused.

mod admit;
mod bill;
mod callback;
mod certificates;
mod close;
mod codes;
mod config;
mod identify;
mod ids;
mod invoke;
mod keys;
pub mod oaep;
mod pay;
mod profile;
mod query;
mod refund;
mod reverse;
mod sign;
mod statement;
mod trade;
mod v2;
mod v2_notify;
mod v2_refund;
mod v2_sign;
mod v2_trade;
mod wire;
mod xml;

#[cfg(test)]
mod tests;

use config::{Account, Dialect};
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
    Ok(Box::new(Wechat { account: Arc::new(account) }))
}

/// One opened account.
struct Wechat {
    account: Arc<Account>,
}

impl Channel for Wechat {
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
        match dialect(attempt) {
            Dialect::V3 => pay::pay(&self.account, attempt, order, env),
            Dialect::V2 => v2_trade::pay(&self.account, attempt, order, env),
        }
    }

    fn query(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
        match dialect(attempt) {
            Dialect::V3 => query::query(&self.account, attempt, env),
            Dialect::V2 => v2_trade::query(&self.account, attempt, env),
        }
    }

    fn close(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        close::close(&self.account, attempt, env)
    }

    fn reverse(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        match dialect(attempt) {
            Dialect::V3 => reverse::reverse(&self.account, attempt, env),
            Dialect::V2 => v2_trade::reverse(&self.account, attempt, env),
        }
    }

    fn refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        match self.refund_dialect(refund) {
            Dialect::V3 => refund::refund(&self.account, refund, env),
            Dialect::V2 => v2_refund::refund(&self.account, refund, env),
        }
    }

    fn query_refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        match self.refund_dialect(refund) {
            Dialect::V3 => refund::query_refund(&self.account, refund, env),
            Dialect::V2 => v2_refund::query_refund(&self.account, refund, env),
        }
    }

    fn callback(&self, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
        callback::callback(&self.account, raw, env)
    }

    fn acknowledge(&self, raw: &RawCallback<'_>, ack: Ack, _env: &Env<'_>) -> HttpReply {
        callback::acknowledge(raw, ack)
    }

    fn statement(&self, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
        statement::statement(&self.account, day, sub, env)
    }

    fn renew(&self, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
        certificates::renew(&self.account, env)
    }

    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal> {
        certificates::install(&self.account, keys)
    }

    fn authorize(&self, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
        identify::authorize(&self.account, who, return_url, state)
    }

    fn identify(&self, who: &Visitor<'_>, query: &str, _env: &Env<'_>) -> Step<Person> {
        identify::identify(&self.account, who, query)
    }
}

impl Wechat {
    /// v2 and v3 see the same orders (pack §10: general practice, UNCONFIRMED in text): a setting says which API refunds
    /// a payment that was made in v2. Frozen neither with the attempt nor with the refund: change it only at rest.
    fn refund_dialect(&self, refund: &RefundRef) -> Dialect {
        match dialect(&refund.payment) {
            Dialect::V3 => Dialect::V3,
            Dialect::V2 => self.account.refund_v2_orders_by,
        }
    }
}

/// The protocol an attempt was made in, as `admit` froze it.
fn dialect(attempt: &AttemptRef) -> Dialect {
    match attempt.memo.get("dialect").map(String::as_str) {
        Some("v2") => Dialect::V2,
        _ => Dialect::V3,
    }
}
