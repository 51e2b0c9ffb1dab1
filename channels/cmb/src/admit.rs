//! Before anything is stored: what the bank would refuse, and the facts that an attempt freezes.

use crate::config::{Account, is_id};
use crate::terminal;
use sluice_contract::{AttemptRef, Method, Notes, PayOrder, Problem, Refusal};
use sluice_kit::account;
use sluice_kit::ensure::ensure;
use sluice_kit::wire::notes;

/// Checks the binding's `sub` table: nothing for a direct account, the sub-merchant and perhaps its store for a provider's.
pub(crate) fn check_sub(opened: &Account, sub: &Notes) -> Vec<Problem> {
    account::check_sub(&opened.profile, sub, |_, value| is_id(value))
}

/// Refuses what the bank would refuse; answers what the attempt must remember.
pub(crate) fn admit(opened: &Account, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
    account::admit_sub(&opened.profile, attempt, order, &check_sub(opened, &attempt.sub))?;
    if attempt.method.is_barcode() {
        auth_code(opened, attempt.method, order)?;
        let no_till = || Refusal::field("terminal.id", "must be 1 to 8 letters and digits, or the account's term_id");
        ensure(terminal::id(opened, order).is_some(), no_till)?;
    }
    let cashier = order.operator_id.as_deref().filter(|id| is_id(id)).unwrap_or(&opened.user_id);
    Ok(notes([("mer_id", opened.mer_id.as_str()), ("user_id", cashier)]))
}

/// A payment code that this method takes, without what a scanner adds. No message repeats it.
pub(crate) fn auth_code<'a>(account: &Account, method: Method, order: &'a PayOrder) -> Result<&'a str, Refusal> {
    let code = order.auth_code.as_deref().ok_or_else(|| Refusal::field("auth_code", "is required"))?;
    let rule = account.codes.recognise(code).map_err(|mistake| Refusal::field("auth_code", mistake.to_string()))?;
    let is_taken = match (method, rule.kind.as_str()) {
        (Method::CmbBarcode, "ecny") => account.ecny_payment.is_some(),
        (Method::CmbBarcode, kind) => ["unionpay", "wechat", "alipay"].contains(&kind),
        (method, _) => rule.methods.first() == Some(&method),
    };
    if is_taken {
        return Ok(sluice_codes::payment::trimmed(code));
    }
    Err(Refusal::field("auth_code", format!("is a payment code of {}, which this method of the account does not take", rule.kind)))
}
