//! What CMB's aggregate acquiring can do, as data.

use sluice_contract::{
    CallbackIs, Fen, ListedBy, Method, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule, StatementRule,
};
use sluice_kit::mode::Mode;
use sluice_kit::profile::{DAY_S, bare};

/// Every method of this channel: the same QR code is scanned by any wallet, and the same call takes any wallet's payment code.
pub(crate) const METHODS: &[Method] = &[
    Method::CmbQr,
    Method::CmbBarcode,
    Method::WechatNative,
    Method::WechatBarcode,
    Method::AlipayQr,
    Method::AlipayBarcode,
    Method::UnionpayQr,
    Method::UnionpayBarcode,
];

/// What an account serves that lists nothing.
pub(crate) const DEFAULT: &[Method] = &[Method::CmbQr, Method::CmbBarcode];

/// What the pack leaves open and a setting fixes.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) expires_in_max_s: i64,
    pub(crate) refund_window_s: i64,
}

/// The profile of an account that serves `methods`.
pub(crate) fn of(methods: &[Method], mode: Mode, has_statement: bool, limits: Limits) -> Profile {
    Profile {
        channel: "cmb",
        methods: methods.iter().map(|method| of_method(*method, limits)).collect(),
        // Section 2.4: orderId(32), one number space for payments and refunds.
        number: NumberRule { len_min: 1, len_max: 32 },
        // Section 2.1: at most 13 digits.
        amount_min: Fen(1),
        amount_max: Fen(9_999_999_999_999),
        refund: RefundRule {
            window_s: limits.refund_window_s,
            count_max: 50,
            gap_s: 0,
            // Section 2.4: repeat with the same number.
            can_repeat: true,
            // A refund call is cut off by us after 30 s; what follows is the same number again, so nothing is paid twice.
            not_found_final_after_s: Some(300),
            // Section 2.4: every 30 s, stop after 10 min and wait for the bill.
            query_at_s: &[30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 390, 420, 450, 480, 510, 540, 570, 600],
            query_then_every_s: 3600,
        },
        callback: CallbackIs::Proof,
        // Section 2.4: the list of the day is there at 10:30. By which day it lists refunds is UNCONFIRMED.
        statement: has_statement.then_some(StatementRule {
            ready_at_s: 10 * 3600 + 1800,
            day_ends_at_s: DAY_S,
            refunds_by: ListedBy::Begun,
            per_sub: false,
            sub_field: "sub_mer_id",
        }),
        renew_every_s: None,
        sub_fields: mode.sub_fields(&["sub_mer_id"], &["sub_store_id"]),
    }
}

fn of_method(method: Method, limits: Limits) -> MethodProfile {
    let qr = MethodProfile {
        // A second code under one number is refused, and a lost reply is lost (section 2.6).
        can_repeat: false,
        expires_in_max_s: limits.expires_in_max_s,
        // The code lives for payValidTime, which is the order's life.
        code_life_s: None,
        can_close: true,
        // Nobody can pay after payValidTime; whoever began before it is done by then.
        not_found_final_after_s: 300,
        // Section 2.6: first at 15 s, then every 5 to 10 s, ten times. The close is left to the expiry.
        query_at_s: &[15, 25, 35, 45, 55, 65, 75, 85, 95, 105, 115],
        query_then_every_s: 60,
        ..bare(method)
    };
    if !method.is_barcode() {
        return qr;
    }
    MethodProfile {
        required: &["auth_code"],
        can_close: false,
        // Section 2.4: not before 15 s, within seven days.
        reverse: Some(ReverseRule { earliest_s: 15, window_s: 7 * DAY_S, give_up_after_s: 60, day_ends_at_s: None }),
        // A payment code is dead after a minute: nothing can execute later.
        not_found_final_after_s: 60,
        not_found_from: NotFoundFrom::Call,
        query_at_s: &[5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 90, 120, 300, 600, 1800],
        query_then_every_s: 1800,
        ..qr
    }
}
