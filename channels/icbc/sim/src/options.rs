//! What a pretend ICBC can be told before it opens. Most of it can be changed later by hooks.

use sluice_contract::Fen;
use sluice_simkit::KeySource;

sluice_simkit::words! {
    /// How a refund that was accepted goes on.
    pub RefundFate {
        /// Done in the answer.
        Success = "success",
        /// Answers 00070038; fails some time later.
        Fail = "fail",
        /// Answers 00070038; done some time later.
        Pending = "pending",
        /// Answers 00070038 and stays so.
        Stuck = "stuck",
    }
}

sluice_simkit::words! {
    /// How payers prove themselves to the bank, weakest first (pack §6.3): 免密, SMS, 口令卡, 密码器, U盾.
    pub AuthMeans {
        Free = "free",
        Sms = "sms",
        Card = "card",
        Token = "token",
        Ukey = "ukey",
    }
}

/// Start from [`Options::sandbox`] or [`Options::fixed`] and change what a test is about.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub keys: KeySource,
    /// `account_toml` speaks of family B (`qr_family = "B"`). Both families are served in any case.
    pub family_b: bool,
    /// `account_toml` names the AES key, so that its client encrypts. Both forms are served in any case.
    pub encrypted: bool,
    /// Divides the waiting rules and the callback schedule.
    pub fast: i64,
    pub callback_delay_ms: i64,
    /// From acceptance to the end of a refund that is pending.
    pub refund_delay_ms: i64,
    /// Whether `qrcode/V2/pay` tells `pay_status` (pack §8: open).
    pub pay_tells_status: bool,
    /// Whether `qrcode/V2/query` knows 3 revoked, 5, 6, 7 refunded (pack §1.6: one client's comment). Else 2 and 1.
    pub wide_states: bool,
    /// Whether a reversal is refused after the day of its order (pack §8: open).
    pub reverse_same_day: bool,
    /// Answers have spaces after colons and commas: who parses and writes them again does not find the signed text.
    pub spaced: bool,
    /// Answers carry their first member twice, the second time with another value.
    pub double_keys: bool,
    pub encrypted_callbacks: bool,
    /// Callbacks tell a `pay_time` 36 days off, as a real one did (pack §1.9).
    pub odd_times: bool,
    /// ICBC, UnionPay, WeChat, Alipay: which apps open a code of family B (`supportAppType`).
    pub support_apps: String,
    /// Payers with the bank's app get a random discount, split between merchant and bank.
    pub random_discount: bool,
    /// Payers with the bank's app pay everything with points.
    pub points_pay_all: bool,
    pub auth_means: AuthMeans,
    /// The most one payment may be by each means; a means without an entry has no limit.
    pub auth_limits: Vec<(AuthMeans, Fen)>,
}

impl Options {
    /// Fresh keys.
    #[must_use]
    pub fn sandbox(seed: u64) -> Options {
        Options { keys: KeySource::Fresh, ..Options::fixed(seed) }
    }

    /// Fixed keys: for tests and the seeded world.
    #[must_use]
    pub fn fixed(seed: u64) -> Options {
        let limit = |means, yuan: i64| (means, Fen(yuan.saturating_mul(100)));
        Options {
            seed,
            keys: KeySource::Fixed,
            family_b: false,
            encrypted: true,
            fast: 1,
            callback_delay_ms: 0,
            refund_delay_ms: 5_000,
            pay_tells_status: true,
            wide_states: true,
            reverse_same_day: false,
            spaced: false,
            double_keys: false,
            encrypted_callbacks: false,
            odd_times: false,
            support_apps: "1111".to_owned(),
            random_discount: false,
            points_pay_all: false,
            auth_means: AuthMeans::Ukey,
            auth_limits: vec![
                limit(AuthMeans::Free, 1_000),
                limit(AuthMeans::Sms, 5_000),
                limit(AuthMeans::Card, 20_000),
                limit(AuthMeans::Token, 100_000),
            ],
        }
    }
}
