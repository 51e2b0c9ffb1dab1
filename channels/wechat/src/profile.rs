//! What WeChat Pay can do, as data.

use crate::config::Mode;
use sluice_contract::{
    CallbackIs, Fen, ListedBy, Method, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule, StatementRule,
};
use sluice_kit::profile::{DAY_S, bare, sub_fields};

/// Every method of this channel.
pub(crate) const METHODS: &[Method] =
    &[Method::WechatNative, Method::WechatJsapi, Method::WechatMini, Method::WechatApp, Method::WechatH5, Method::WechatBarcode];

/// The profile of an account that serves `methods`.
pub(crate) fn of(methods: &[Method], mode: Mode, renews: bool) -> Profile {
    Profile {
        channel: "wechat",
        methods: methods.iter().map(|method| of_method(*method)).collect(),
        // Pack §3.2.
        number: NumberRule { len_min: 6, len_max: 32 },
        amount_min: Fen(1),
        amount_max: Fen(10_000_000_000),
        // Pack §6.2.
        refund: RefundRule {
            window_s: 365 * DAY_S,
            count_max: 50,
            gap_s: 60,
            can_repeat: true,
            // A refund call is cut off by us after 30 s.
            not_found_final_after_s: Some(300),
            query_at_s: &[60, 120, 180, 240, 300, 600, 1200, 2400],
            query_then_every_s: 1800,
        },
        callback: CallbackIs::Proof,
        // Pack §9: after 10:00, a refund on the day it was started.
        statement: Some(StatementRule {
            ready_at_s: 10 * 3600,
            day_ends_at_s: DAY_S,
            refunds_by: ListedBy::Begun,
            per_sub: false,
            sub_field: "sub_mchid",
        }),
        // Pack §2.4: two certificates are valid at once during a rotation, so half a day is often enough.
        renew_every_s: renews.then_some(DAY_S / 2),
        sub_fields: match mode {
            Mode::Direct => Vec::new(),
            Mode::Partner => sub_fields(&["sub_mchid"], &["sub_appid"]),
        },
    }
}

fn of_method(method: Method) -> MethodProfile {
    let online = MethodProfile {
        can_repeat: true,
        // `time_expire` is at least a minute after the order; an unpaid one closes by itself after seven days (pack §3.8).
        expires_in_min_s: 60,
        expires_in_max_s: 7 * DAY_S,
        // Pack §3.5: prepay_id and code_url live two hours, h5_url five minutes.
        code_life_s: Some(7200),
        can_close: true,
        // A create that hangs is cut off by us after 10 s; five minutes is far beyond any gateway in between.
        not_found_final_after_s: 300,
        not_found_from: NotFoundFrom::Call,
        // Pack §5.3, back end plan 1.
        query_at_s: &[5, 30, 60, 180, 300, 600, 1800],
        ..bare(method)
    };
    match method {
        Method::WechatJsapi | Method::WechatMini => MethodProfile { required: &["payer.openid"], ..online },
        Method::WechatH5 => MethodProfile { required: &["client_ip", "h5_type"], code_life_s: Some(300), ..online },
        Method::WechatBarcode => MethodProfile {
            required: &["auth_code"],
            can_repeat: false,
            code_life_s: None,
            can_close: false,
            // Pack §5.3 and §5.5: not before 15 s, within seven days; WeChat itself revokes after 45 s.
            reverse: Some(ReverseRule { earliest_s: 15, window_s: 7 * DAY_S, give_up_after_s: 45, day_ends_at_s: None }),
            // A code is dead after a minute: nothing can execute later.
            not_found_final_after_s: 60,
            // Pack §5.3: every 5 s until we give up, then with growing patience.
            query_at_s: &[5, 10, 15, 20, 25, 30, 35, 40, 45, 60, 90, 120, 300, 600, 1800],
            query_then_every_s: 1800,
            calls_back: false,
            ..online
        },
        _ => online,
    }
}
