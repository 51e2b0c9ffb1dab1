//! Who is who in a message, by UnionPay's own names, and whether a message is about what we asked.
//!
//! `admit` freezes merId, accessType, txnTime and the product codes in the memo; the binding's `sub` names the sub-merchant of a
//! platform. Requests, claims and comparisons read those and nothing else.

use crate::config::Account;
use crate::wire::{get, set, start};
use sluice_contract::{AttemptRef, Claims, Fen, Notes, RefundRef, Why, WhyKind};
use sluice_kit::wire::fen_text;

/// Our names in a binding's `sub` table, and UnionPay's.
const SUB: [(&str, &str); 3] = [("sub_mer_id", "subMerId"), ("sub_mer_name", "subMerName"), ("sub_mer_abbr", "subMerAbbr")];

/// A frozen fact of an attempt; absent is empty.
pub(crate) fn frozen<'a>(attempt: &'a AttemptRef, name: &str) -> &'a str {
    get(&attempt.memo, name)
}

/// The beginning of a message about an attempt, in its own product family unless `biz_type` says otherwise.
pub(crate) fn about(attempt: &AttemptRef, txn_type: &str, sub_type: &str, biz_type: &str) -> Notes {
    start(frozen(attempt, "accessType"), frozen(attempt, "merId"), txn_type, sub_type, biz_type)
}

/// Acquirer or sub-merchant, as the access type demands it on money calls (pack §1.3).
pub(crate) fn put_parties(fields: &mut Notes, account: &Account, attempt: &AttemptRef) {
    match frozen(attempt, "accessType") {
        "1" => fields.extend(account.acquirer.clone()),
        "2" => SUB.iter().filter_map(|(ours, theirs)| attempt.sub.get(*ours).map(|value| (theirs, value))).for_each(|(name, value)| {
            set(fields, name, value.as_str());
        }),
        _ => {}
    }
}

/// Which transaction a message must be about.
pub(crate) struct Identity<'a> {
    pub(crate) mer_id: &'a str,
    pub(crate) number: &'a str,
    pub(crate) txn_time: &'a str,
}

impl<'a> Identity<'a> {
    pub(crate) fn of(attempt: &'a AttemptRef) -> Identity<'a> {
        Identity { mer_id: frozen(attempt, "merId"), number: &attempt.number, txn_time: frozen(attempt, "txnTime") }
    }

    /// Signed, yet about another transaction, or about none: it decides nothing.
    pub(crate) fn check(&self, fields: &Notes) -> Result<(), Why> {
        let expected = [("merId", self.mer_id), ("orderId", self.number), ("txnTime", self.txn_time)];
        for (name, value) in expected {
            match fields.get(name) {
                Some(found) if found == value && !value.is_empty() => {}
                Some(_) => return Err(contradiction(name)),
                None => return Err(Why::new(WhyKind::Unreadable, format!("the answer has no {name}"))),
            }
        }
        Ok(())
    }
}

pub(crate) fn contradiction(field: &str) -> Why {
    Why::new(WhyKind::Contradiction, format!("the answer is about another {field}"))
}

/// What a message claims to be about; `amount` is a payment's, `refund_amount` a refund's.
pub(crate) fn claimed(fields: &Notes, is_refund: bool) -> Claims {
    let amount = amount(fields);
    let mut same = Notes::new();
    set(&mut same, "merId", get(fields, "merId"));
    if let Some(id) = fields.get("subMerId") {
        set(&mut same, "sub_mer_id", id.as_str());
    }
    let number = Some(get(fields, "orderId").to_owned());
    let currency = fields.get("currencyCode").map(|code| if code == "156" { "CNY".to_owned() } else { code.clone() });
    if is_refund {
        // A refund's txnTime is its own, and no fact of the payment: the query compares it.
        return Claims { refund_number: number, refund_amount: amount, currency, same, ..Claims::default() };
    }
    set(&mut same, "txnTime", get(fields, "txnTime"));
    Claims { number, amount, currency, same, ..Claims::default() }
}

/// txnAmt: digits, fen.
pub(crate) fn amount(fields: &Notes) -> Option<Fen> {
    fields.get("txnAmt").and_then(|text| fen_text(text))
}

/// Whether a message about a refund contradicts it.
pub(crate) fn refund_contradiction(fields: &Notes, refund: &RefundRef) -> Result<(), Why> {
    match claimed(fields, true).refund_contradiction(refund) {
        Some(field) => Err(contradiction(field)),
        None => Ok(()),
    }
}

/// Whether a message about a payment contradicts it.
pub(crate) fn payment_contradiction(fields: &Notes, attempt: &AttemptRef) -> Result<(), Why> {
    match claimed(fields, false).contradiction(attempt) {
        Some(field) => Err(contradiction(field)),
        None => Ok(()),
    }
}
