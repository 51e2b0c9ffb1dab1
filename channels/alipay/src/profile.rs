//! What Alipay can do, as data.

use crate::config::Mode;
use crate::keys::{REFRESH, TOKEN};
use sluice_contract::{
    CallbackIs, Fen, ListedBy, Method, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule, StatementRule, SubField,
};
use sluice_kit::profile::{DAY_S, bare};

/// Every method of this channel.
pub(crate) const METHODS: &[Method] =
    &[Method::AlipayQr, Method::AlipayBarcode, Method::AlipayJsapi, Method::AlipayWap, Method::AlipayPage, Method::AlipayApp];

/// The profile of an account that serves `methods`.
pub(crate) fn of(methods: &[Method], mode: Mode, refund_window_s: i64) -> Profile {
    let sub_fields = mode.sub_fields(&["auth_app_id", TOKEN], &[REFRESH, "seller_id"]).into_iter();
    Profile {
        channel: "alipay",
        methods: methods.iter().map(|method| of_method(*method)).collect(),
        // Pack §2: out_trade_no String(64), and total_amount of 0.01 to 100000000 yuan.
        number: NumberRule { len_min: 1, len_max: 64 },
        amount_min: Fen(1),
        amount_max: Fen(10_000_000_000),
        refund: RefundRule {
            // Pack §6: as contracted, so it is a setting; `TRADE_HAS_FINISHED` has the last word.
            window_s: refund_window_s,
            // The pack knows no limit but the amount.
            count_max: u32::MAX,
            gap_s: 3,
            can_repeat: true,
            // An empty answer counts ten seconds after the call (pack §2.8), and a call may hang for 30 s.
            not_found_final_after_s: Some(60),
            query_at_s: &[15, 30, 60, 120, 300, 600, 1200, 2400],
            query_then_every_s: 1800,
        },
        callback: CallbackIs::Proof,
        // Pack §2.10: ready by 09:00; a refund stands by the time it was completed; a provider gets one for each merchant.
        statement: Some(StatementRule {
            ready_at_s: 9 * 3600,
            day_ends_at_s: DAY_S,
            refunds_by: ListedBy::Done,
            per_sub: mode == Mode::Provider,
            sub_field: "auth_app_id",
        }),
        // Certificates and tokens are renewed when a reply asks for it.
        renew_every_s: None,
        sub_fields: sub_fields.map(|field| SubField { secret: [TOKEN, REFRESH].contains(&field.name), ..field }).collect(),
    }
}

fn of_method(method: Method) -> MethodProfile {
    let order = MethodProfile {
        // `timeout_express` counts from one minute to 15 days (pack §2).
        expires_in_max_s: 15 * DAY_S,
        not_found_final_after_s: 300,
        // Pack §3.4: the notice, and our own back-off.
        query_at_s: &[10, 30, 60, 180, 300, 600, 1800],
        ..bare(method)
    };
    match method {
        // A repeated request is an error of its own, and whether it gives the first code again is UNCONFIRMED (pack §2.1). A code lives
        // two hours at most, whatever the order's life.
        Method::AlipayQr => MethodProfile { can_close: true, expires_in_max_s: 7200, ..order },
        Method::AlipayJsapi => MethodProfile {
            required_one_of: &[&["payer.buyer_id", "payer.buyer_open_id"]],
            can_repeat: true,
            can_close: true,
            not_found_from: NotFoundFrom::Call,
            ..order
        },
        Method::AlipayBarcode => MethodProfile {
            required: &["auth_code"],
            // Pack §2.5 and §3.4: no earliest moment, within 24 h, and after 60 s of asking it is cancelled.
            reverse: Some(ReverseRule { earliest_s: 0, window_s: DAY_S, give_up_after_s: 60, day_ends_at_s: None }),
            not_found_from: NotFoundFrom::Call,
            not_found_final_after_s: 120,
            // Pack §3.4: 3 s after the call, then every 3 to 5 s; the cancel follows the last query at once.
            query_at_s: &[3, 7, 11, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 90, 120, 300, 600, 1800],
            ..order
        },
        // WAP, page and APP: we only sign, and the trade comes to exist when the payer arrives (pack §2.9, §3.1). Signed again, the same
        // core data lead to the same trade (pack §7).
        _ => MethodProfile { can_repeat: true, can_close: true, ..order },
    }
}
