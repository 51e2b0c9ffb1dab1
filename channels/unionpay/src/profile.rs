//! What UnionPay can do, as data.

use crate::admit::{is_form, product};
use crate::config::{Access, Terms};
use sluice_contract::{
    CallbackIs, Fen, ListedBy, Method, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule, StatementRule,
};
use sluice_kit::profile::{DAY_S, bare, sub_fields};

/// The official schedule asks for the last time two hours after the order (pack §4.1): a longer life could not be followed.
const EXPIRES_IN_MAX_S: i64 = 7200;

/// The clearing day ends at 23:00 (pack §2.7).
pub(crate) const CLEARING_DAY_ENDS_AT_S: i64 = 82_800;

/// Pack §4.1, back-office: gaps of 1, 2, 4, 8, 16, 32 s. Then ours: 5, 10, 30, 60, 120 minutes, and the statement.
const BACK_OFFICE_S: &[i64] = &[1, 3, 7, 15, 31, 63, 300, 600, 1800, 3600, 7200];
/// Pack §4.1, front-type orders: 5, 10, 30, 60, 120 minutes; the notice asks earlier.
const FRONT_S: &[i64] = &[300, 600, 1800, 3600, 7200];
const THEN_EVERY_S: i64 = 3600;

/// The profile of an account that serves `methods`.
pub(crate) fn of(methods: &[Method], access: Access, terms: &Terms, renews: bool) -> Profile {
    Profile {
        channel: "unionpay",
        methods: methods.iter().map(|method| of_method(*method, terms)).collect(),
        // Pack §6: pages now allow 40, the statement's column holds 32.
        number: NumberRule { len_min: 8, len_max: 32 },
        amount_min: Fen(1),
        // N1..12 (pack §1.3).
        amount_max: Fen(999_999_999_999),
        refund: RefundRule {
            window_s: terms.refund_window_s,
            // Repeatable until the total is used up: no count and no pace are known.
            count_max: u32::MAX,
            gap_s: 0,
            // A repeat is expected to be answered 12 (UNCONFIRMED), which tells nothing: we query, and never send again.
            can_repeat: false,
            not_found_final_after_s: None,
            query_at_s: BACK_OFFICE_S,
            query_then_every_s: THEN_EVERY_S,
        },
        callback: CallbackIs::Hint,
        // Pack §2.7 and §2.9; when the file is ready is UNCONFIRMED.
        statement: Some(StatementRule {
            ready_at_s: 9 * 3600,
            day_ends_at_s: CLEARING_DAY_ENDS_AT_S,
            refunds_by: ListedBy::Done,
            per_sub: false,
            sub_field: "sub_mer_id",
        }),
        renew_every_s: renews.then_some(DAY_S),
        sub_fields: match access {
            Access::Platform => sub_fields(&["sub_mer_id", "sub_mer_name", "sub_mer_abbr"], &[]),
            Access::Direct | Access::Acquirer => Vec::new(),
        },
    }
}

fn of_method(method: Method, terms: &Terms) -> MethodProfile {
    let online = MethodProfile {
        // One orderId is one order: a second apply is answered 12 and brings no code.
        can_repeat: false,
        expires_in_max_s: EXPIRES_IN_MAX_S,
        // payTimeout ends code and tn with the order; their life beyond it is UNCONFIRMED and not needed.
        code_life_s: None,
        // No close interface exists (pack §2.3, T14).
        can_close: false,
        // Pack §4: 34 counts only after payTimeout, and not-found may be intermediate until then.
        not_found_final_after_s: 300,
        query_at_s: FRONT_S,
        query_then_every_s: THEN_EVERY_S,
        ..bare(method)
    };
    let qr_refund_window_s = Some(terms.qr_refund_window_s);
    match method {
        Method::UnionpayBarcode => MethodProfile {
            required: &["auth_code"],
            reverse: Some(ReverseRule {
                // Only after a timeout or an unknown outcome (pack §2.7): the official read timeout is 30 s.
                earliest_s: 30,
                window_s: DAY_S,
                // After the six quick queries.
                give_up_after_s: 70,
                day_ends_at_s: Some(CLEARING_DAY_ENDS_AT_S),
            }),
            not_found_from: NotFoundFrom::Call,
            refund_window_s: qr_refund_window_s,
            query_at_s: BACK_OFFICE_S,
            ..online
        },
        Method::UnionpayQr => MethodProfile { refund_window_s: qr_refund_window_s, ..online },
        // A form's txnTime must be "now" when the payer's browser arrives (pack §1.3): after that the form is dead.
        method if product(method).is_ok_and(is_form) => MethodProfile { code_life_s: Some(terms.txn_time_tolerance_s), ..online },
        _ => online,
    }
}
