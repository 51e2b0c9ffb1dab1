//! What ICBC can do, as data.

use crate::codes::PURCHASES;
use crate::config::{Family, Mode};
use sluice_contract::{CallbackIs, Fen, Method, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule};
use sluice_kit::profile::{DAY_S, bare};

/// ICBC's own methods: what an account without a list serves.
pub(crate) const OWN_METHODS: &[Method] = &[Method::IcbcQr, Method::IcbcBarcode, Method::IcbcH5, Method::IcbcApp];

/// Every method of this channel. The last five are carried for others by `consumepurchase` (pack 1.7).
pub(crate) const METHODS: &[Method] = &[
    Method::IcbcQr,
    Method::IcbcBarcode,
    Method::IcbcH5,
    Method::IcbcApp,
    Method::WechatJsapi,
    Method::WechatMini,
    Method::WechatApp,
    Method::AlipayJsapi,
    Method::UnionpayApp,
];

/// `pay_mode` and `access_type` of a method that `consumepurchase` carries.
pub(crate) fn purchase(method: Method) -> Option<(&'static str, &'static str)> {
    PURCHASES.iter().find(|(carried, ..)| *carried == method).map(|(_, pay_mode, access_type)| (*pay_mode, *access_type))
}

/// The family in which an account places a method's orders. The hosted page and the app call are aggregate acquiring by their
/// path (pack 1.1); that their orders answer family B's query is UNCONFIRMED.
pub(crate) const fn family(method: Method, qr_family: Family) -> Family {
    match method {
        Method::IcbcBarcode => Family::A,
        Method::IcbcQr => qr_family,
        _ => Family::B,
    }
}

/// What the account's settings say.
pub(crate) struct Terms {
    /// Whether family B is told to send notices.
    pub(crate) notices: bool,
    pub(crate) reverse_day_ends_at_s: Option<i64>,
    pub(crate) refund_window_s: i64,
    pub(crate) refund_can_repeat: bool,
}

/// The profile of an account that serves `methods`.
pub(crate) fn of(methods: &[Method], mode: Mode, qr_family: Family, terms: &Terms) -> Profile {
    Profile {
        channel: "icbc",
        methods: methods.iter().map(|method| of_method(*method, qr_family, terms)).collect(),
        // Pack 1.6: at most 35; letters and digits only (1.7).
        number: NumberRule { len_min: 1, len_max: 35 },
        amount_min: Fen(1),
        amount_max: Fen(10_000_000_000),
        refund: RefundRule {
            // UNCONFIRMED: the pack names no window (a setting), no count and no pace (wide, so that nothing is refused for no reason).
            window_s: terms.refund_window_s,
            count_max: 50,
            gap_s: 0,
            // UNCONFIRMED that a repeat under the same number is the same refund: not unless the account's owner knows.
            can_repeat: terms.refund_can_repeat,
            not_found_final_after_s: terms.refund_can_repeat.then_some(300),
            query_at_s: &[5, 15, 30, 60, 180, 600, 1800],
            query_then_every_s: 3600,
        },
        callback: CallbackIs::Hint,
        statement: None,
        renew_every_s: None,
        sub_fields: mode.sub_fields(&["mer_id"], &["mer_prtcl_no", "store_code"]),
    }
}

fn of_method(method: Method, qr_family: Family, terms: &Terms) -> MethodProfile {
    let is_b = family(method, qr_family) == Family::B;
    let online = MethodProfile {
        // A second order under one number is refused (00005031), not answered with a fresh code.
        can_repeat: false,
        // Family B advises more than a minute (pack 1.7).
        expires_in_min_s: if is_b { 61 } else { 60 },
        // Family A: less than a day (pack 1.6, one source). Family B's end is UNCONFIRMED: the same.
        expires_in_max_s: DAY_S.saturating_sub(1),
        can_close: is_b,
        not_found_final_after_s: 300,
        // Whether a code is an order before somebody scans it is UNCONFIRMED: the later moment counts.
        not_found_from: if purchase(method).is_some() { NotFoundFrom::Call } else { NotFoundFrom::Payer },
        query_at_s: &[5, 15, 30, 60, 120, 180, 300, 600, 1800],
        query_then_every_s: 1800,
        calls_back: !is_b || terms.notices,
        ..bare(method)
    };
    match method {
        // Nothing is sent: a form or an app call can be signed again at will.
        Method::IcbcH5 | Method::IcbcApp => MethodProfile { can_repeat: true, ..online },
        Method::WechatJsapi | Method::WechatMini => MethodProfile { required: &["payer.openid"], ..online },
        Method::AlipayJsapi => MethodProfile { required: &["payer.buyer_id"], ..online },
        Method::IcbcBarcode => MethodProfile {
            required: &["auth_code"],
            // UNCONFIRMED: the pack names neither an earliest moment nor a window nor a pace; one day and the setting's cut-off.
            reverse: Some(ReverseRule { earliest_s: 0, window_s: DAY_S, give_up_after_s: 60, day_ends_at_s: terms.reverse_day_ends_at_s }),
            not_found_final_after_s: 120,
            not_found_from: NotFoundFrom::Call,
            query_at_s: &[3, 6, 10, 15, 20, 30, 40, 50, 60, 120, 300, 600, 1800],
            // `/pay` has no notify_url (pack 1.6).
            calls_back: false,
            ..online
        },
        _ => online,
    }
}
