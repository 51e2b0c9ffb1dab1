//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::keys::Keys;
use crate::profile::{self, Terms};
use sluice_contract::{AccountConfig, Method, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, optional, word};
pub(crate) use sluice_kit::mode::Mode;
use sluice_kit::rsa::PrivateKey;
use sluice_kit::text::is_digits;

/// Which of the two APIs an attempt was made in. Frozen in its memo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// e-life: `/api/qrcode/…`.
    A,
    /// Aggregate acquiring: `/api/cardbusiness/…`.
    B,
}

/// What family B's orders carry beside the order (pack 1.7).
#[derive(Default)]
pub(crate) struct Aggregate {
    pub(crate) mer_prtcl_no: Option<String>,
    pub(crate) mer_acct: Option<String>,
    pub(crate) icbc_appid: String,
    pub(crate) shop_appid: Option<String>,
    /// `HS` sends notices, `AG` does not.
    pub(crate) notify_type: &'static str,
    /// `0`: notices of successes and failures; `1`: of successes.
    pub(crate) result_type: &'static str,
}

/// An opened account. Holds secrets: it is never printed.
pub(crate) struct Account {
    pub(crate) base_url: String,
    /// Notices may go to any port.
    pub(crate) sandbox: bool,
    pub(crate) mode: Mode,
    pub(crate) app_id: String,
    pub(crate) mer_id: String,
    pub(crate) store_code: Option<String>,
    pub(crate) key: PrivateKey,
    pub(crate) keys: Keys,
    pub(crate) qr_family: Family,
    pub(crate) aggregate: Aggregate,
    /// The raw path the bank signs notices over, where it is not that of `env.notify_url`.
    pub(crate) notify_path: Option<String>,
    /// Pages whose path and content no source confirms (pack 1.1): settings.
    pub(crate) h5_path: String,
    pub(crate) app_path: String,
    /// Whether code 400019 is taken for "closed" (pack 1.8: UNCONFIRMED, so it is not).
    pub(crate) closed_by_400019: bool,
    pub(crate) profile: Profile,
}

/// The hosted page of aggregate acquiring (pack 1.1, one source).
const PAGE: &str = "/ui/aggregate/payment/request/V2";

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "app_id mer_id private_key sign_type gateway_public_key encrypt_key mode store_code qr_family mer_prtcl_no mer_acct icbc_appid \
                     shop_appid notify_type result_type notify_path h5_path app_path code_400019 reverse_day_ends_at refund_window_days \
                     refund_can_repeat";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    // Without a list an account serves ICBC's own methods; WeChat's, Alipay's and UnionPay's have to be listed.
    let methods = account::methods(table, Some(config.methods.unwrap_or(profile::OWN_METHODS)), profile::METHODS, "ICBC");
    let mode = Mode::read(table);
    let qr_family = word(table, "qr_family", &[("A", Family::A), ("B", Family::B)], Family::A);
    let app_id = checked(table, "app_id", is_number, "must be 1 to 32 digits");
    let mer_id = checked(table, "mer_id", is_mer_id, "must be 12 or 15 digits");
    let key = private_key(table);
    let mut keys = Keys::default();
    keys.take(table);
    let aggregate = aggregate(table, &app_id, &methods, mode, qr_family);
    let terms = Terms {
        notices: aggregate.notify_type == "HS",
        reverse_day_ends_at_s: account::read(table, "reverse_day_ends_at", day_end),
        refund_window_s: days_s(table, "refund_window_days", 365, 3650),
        refund_can_repeat: table.flag("refund_can_repeat").unwrap_or(false),
    };
    let path = |field| optional(table, field, is_path, "must be a path that begins with /, without a query");
    let [notify_path, h5_path, app_path] = ["notify_path", "h5_path", "app_path"].map(path);
    let closed_by_400019 = word(table, "code_400019", &[("unknown", false), ("closed", true)], false);
    let store_code = table.text_of("store_code", 1, 64).map(str::to_owned);
    let problems = account::finish(config, NAMES, |old| keys.take_former(old));
    let Some(key) = key.filter(|_| problems.is_empty()) else { return Err(problems) };
    Ok(Account {
        base_url: config.base_url.to_owned(),
        sandbox: config.sandbox,
        mode,
        app_id,
        mer_id,
        store_code,
        key,
        keys,
        qr_family,
        aggregate,
        notify_path,
        h5_path: h5_path.unwrap_or_else(|| PAGE.to_owned()),
        app_path: app_path.unwrap_or_else(|| PAGE.to_owned()),
        closed_by_400019,
        profile: profile::of(&methods, mode, qr_family, &terms),
    })
}

/// SHA-1 is verified, because the gateway signs with it, but never made (DESIGN section 8); SM2 and CA: pack 1.3, form not known.
fn private_key(table: &Reader<'_>) -> Option<PrivateKey> {
    match table.text("sign_type") {
        None | Some("RSA2") => {}
        Some("RSA") => table.problem("sign_type", "RSA is SHA-1, which is never signed with here: register the key as RSA2 at the bank"),
        Some(_) => table.problem("sign_type", "must be RSA2, the only sign type that is served"),
    }
    account::private_key(table)
}

fn aggregate(table: &Reader<'_>, app_id: &str, methods: &[Method], mode: Mode, qr_family: Family) -> Aggregate {
    let text = |field| table.text_of(field, 1, 64).map(str::to_owned);
    let told = Aggregate {
        mer_prtcl_no: text("mer_prtcl_no"),
        mer_acct: text("mer_acct"),
        // Every sample names the calling app here.
        icbc_appid: text("icbc_appid").unwrap_or_else(|| app_id.to_owned()),
        shop_appid: text("shop_appid"),
        notify_type: word(table, "notify_type", &[("HS", "HS"), ("AG", "AG")], "HS"),
        result_type: word(table, "result_type", &[("0", "0"), ("1", "1")], "0"),
    };
    let carries = |method: &Method| profile::purchase(*method).is_some() || (*method == Method::IcbcQr && qr_family == Family::B);
    if mode == Mode::Direct && told.mer_prtcl_no.is_none() && methods.iter().any(carries) {
        table.problem("mer_prtcl_no", "is required by aggregate acquiring (family B)");
    }
    let in_wechat = |method: &Method| matches!(method, Method::WechatJsapi | Method::WechatMini);
    if told.shop_appid.is_none() && methods.iter().any(in_wechat) {
        table.problem("shop_appid", "is required: the app that the payer's openid belongs to");
    }
    told
}

pub(crate) fn is_number(text: &str) -> bool {
    is_digits(text, 1..=32)
}

/// The offline file number: 12 digits of a special merchant, 15 of a special department (pack 1.6).
pub(crate) fn is_mer_id(text: &str) -> bool {
    matches!(text.len(), 12 | 15) && is_number(text)
}

/// A raw path, kept to the byte.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.contains(['?', '#', ' '])
}

/// `HH:MM` as seconds of the day. Whether a reversal works after the day's cut-off is UNCONFIRMED (pack 8): absent is no end.
fn day_end(text: &str) -> Result<i64, &'static str> {
    let two_digits = |part: &str| part.parse::<i64>().ok().filter(|_| is_digits(part, 2..=2));
    let time = text.split_once(':').and_then(|(hours, minutes)| two_digits(hours).zip(two_digits(minutes)));
    let seconds = time.filter(|(_, minutes)| *minutes < 60).and_then(|(h, m)| h.checked_mul(3600)?.checked_add(m.checked_mul(60)?));
    seconds.filter(|end| (1..=86_400).contains(end)).ok_or("must be a time of day, 00:01 to 24:00")
}
