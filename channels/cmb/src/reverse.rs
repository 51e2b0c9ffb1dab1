//! Cancelling a payment-code order (撤销, section 2.4): within seven days, not before 15 s, and never one that is paid.

use crate::close::{Undo, undo};
use crate::config::Account;
use crate::wire::TIMEOUT_MONEY_MS;
use sluice_contract::{AttemptRef, Env, Refusal, Step, Undone};
use std::sync::Arc;

pub(crate) fn reverse(account: &Arc<Account>, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
    if !attempt.method.is_barcode() {
        return Step::Refused(Refusal::unsupported("reversal of an order that is no barcode"));
    }
    undo(account, attempt, env, Undo { api: "codepay.reverse", path: "cancel", state: "cancelState", timeout_ms: TIMEOUT_MONEY_MS })
}
