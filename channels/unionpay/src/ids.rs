//! Who is who in a message, by UnionPay's own names, and whether a message is about what we asked.
//!
//! `admit` freezes merId, accessType, txnTime and the product codes in the memo; the binding's `sub` names the sub-merchant of a
//! platform. Requests, claims and comparisons read those and nothing else.

use crate::config::Account;
use crate::wire::{get, set, start};
use sluice_contract::{AttemptRef, Claims, Env, Fen, Notes, RefundRef, Why};
use sluice_kit::claims::refund_agrees;
use sluice_kit::outcome::{contradiction, unreadable};
use sluice_kit::wire::{fen_text, notes};

/// Our names in a binding's `sub` table, and UnionPay's.
const SUB: [(&str, &str); 3] = [("sub_mer_id", "subMerId"), ("sub_mer_name", "subMerName"), ("sub_mer_abbr", "subMerAbbr")];

/// A frozen fact of an attempt; absent is empty.
pub(crate) fn frozen<'a>(attempt: &'a AttemptRef, name: &str) -> &'a str {
    get(&attempt.memo, name)
}

/// The beginning of a message about an attempt's transaction: `number` and `time` are a payment's or a refund's.
pub(crate) fn about(attempt: &AttemptRef, (txn, sub): (&str, &str), biz_type: &str, number: &str, time: &str) -> Notes {
    let mut fields = start(frozen(attempt, "accessType"), frozen(attempt, "merId"), (txn, sub), biz_type);
    fields.extend(notes([("orderId", number), ("txnTime", time)]));
    fields
}

/// The same on money calls: in the payment's own product family, with the acquirer or sub-merchant that the access type demands
/// (pack §1.3).
pub(crate) fn money(account: &Account, attempt: &AttemptRef, kind: (&str, &str), number: &str, time: &str) -> Notes {
    let mut fields = about(attempt, kind, frozen(attempt, "bizType"), number, time);
    set(&mut fields, "channelType", frozen(attempt, "channelType"));
    match frozen(attempt, "accessType") {
        "1" => fields.extend(account.acquirer.clone()),
        "2" => fields.extend(notes(SUB.iter().filter_map(|(ours, theirs)| attempt.sub.get(*ours).map(|value| (*theirs, value.as_str()))))),
        _ => {}
    }
    fields
}

/// The beginning of a message about nobody's order.
pub(crate) fn own(account: &Account, txn: &str, sub: &str, env: &Env<'_>) -> Notes {
    let mut fields = start(account.access.code(), &account.mer_id, (txn, sub), "000000");
    set(&mut fields, "txnTime", env.now.compact());
    fields.extend(account.acquirer.get_key_value("acqInsCode").map(|(name, code)| (name.clone(), code.clone())));
    fields
}

/// Signed, yet about another transaction, or about none: it decides nothing.
pub(crate) fn expect(fields: &Notes, expected: &[(&str, &str)]) -> Result<(), Why> {
    for (name, value) in expected {
        match fields.get(*name) {
            Some(found) if found == value && !value.is_empty() => {}
            Some(_) => return Err(contradiction(name)),
            None => return Err(unreadable(format!("the answer has no {name}"))),
        }
    }
    Ok(())
}

/// A message must name the transaction that it is about: merId, orderId and txnTime.
pub(crate) fn identified(fields: &Notes, attempt: &AttemptRef) -> Result<(), Why> {
    expect(fields, &[("merId", frozen(attempt, "merId")), ("orderId", &attempt.number), ("txnTime", frozen(attempt, "txnTime"))])
}

/// The same of a refund, and it must be ours.
pub(crate) fn refund_identified(fields: &Notes, refund: &RefundRef) -> Result<(), Why> {
    let mer_id = frozen(&refund.payment, "merId");
    expect(fields, &[("merId", mer_id), ("orderId", &refund.number), ("txnTime", &refund.at.compact())])?;
    refund_agrees(&claimed(fields, true), refund)
}

/// What a message claims to be about; `amount` is a payment's, `refund_amount` a refund's.
pub(crate) fn claimed(fields: &Notes, is_refund: bool) -> Claims {
    let (number, amount) = (Some(get(fields, "orderId").to_owned()), amount(fields));
    let currency = fields.get("currencyCode").map(|code| if code == "156" { "CNY".to_owned() } else { code.clone() });
    let mut same = notes([("merId", get(fields, "merId"))]);
    same.extend(fields.get("subMerId").map(|id| ("sub_mer_id".to_owned(), id.clone())));
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
