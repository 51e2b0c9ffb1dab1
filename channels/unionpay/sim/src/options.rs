//! What a pretend UnionPay can be told before it opens.

use sluice_simkit::KeySource;

sluice_simkit::words! {
    /// How a refund or undo that was accepted ends.
    pub RefundFate {
        Success = "success",
        Fail = "fail",
        /// Stays in progress; `refund_fate` of later ones does not move it.
        Pending = "pending",
    }
}

sluice_simkit::words! {
    /// Which certificate goes out with answers and notices (pack §1.5, §8.9). All but the first must be refused.
    pub SignerKind {
        /// UnionPay's own.
        Good = "good",
        /// The same name, out of its validity.
        Expired = "expired",
        /// `00040000:SIGN`, good in the test environment only.
        TestName = "test_name",
        /// Another merchant of the same authority (trap T4).
        Merchant = "merchant",
        /// The same names under a foreign root.
        Foreign = "foreign",
        /// UnionPay's own, but signed with SHA-1 by its authority, as the published test chain is (trap T12).
        Sha1 = "sha1",
    }
}

/// Start from [`Options::sandbox`] or [`Options::fixed`] and change what a test is about.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub keys: KeySource,
    /// What `account_toml` says: `01`, `11` or `12`. All three are served; an answer and a notice use what the request used.
    pub sign_method: &'static str,
    /// Middle and signer certificates carry SHA-1 signatures, as the published test chain does.
    pub sha1_chain: bool,
    /// `account_toml` and `credentials` speak of a platform merchant (accessType 2).
    pub platform: bool,
    /// Divides waiting rules, refund time and the notice schedule.
    pub fast: i64,
    /// How far txnTime of a new transaction may be from now: the pack's own choice, the real tolerance is UNCONFIRMED (§13.4).
    pub time_window_s: i64,
    /// A code or form without payTimeout lives this long. UNCONFIRMED (§13.5); our choice is a day.
    pub life_without_timeout_s: i64,
    /// From acceptance to the end of a refund, before division by `fast`.
    pub refund_delay_ms: i64,
    /// From booking to the first try of its notice, before division by `fast`.
    pub notice_delay_ms: i64,
    /// The older schedule 0, 1, 2, 4 min instead of 1, 2, 4, 5 (§5: two official comments differ).
    pub older_retries: bool,
    /// Days in which a refund is taken: QR products, and the others (§2.7).
    pub qr_refund_days: i64,
    pub refund_days: i64,
    /// Files of a day are there from 09:00 of the next (§2.9, UNCONFIRMED); off: at any time, today's too.
    pub late_files: bool,
}

impl Options {
    /// Fresh keys.
    #[must_use]
    pub fn sandbox(seed: u64) -> Options {
        Options { keys: KeySource::Fresh, ..Options::fixed(seed) }
    }

    /// The pack's throw-away keys: for tests and the seeded world.
    #[must_use]
    pub fn fixed(seed: u64) -> Options {
        Options {
            seed,
            keys: KeySource::Fixed,
            sign_method: "01",
            sha1_chain: false,
            platform: false,
            fast: 1,
            time_window_s: 900,
            life_without_timeout_s: 86_400,
            refund_delay_ms: 1_000,
            notice_delay_ms: 0,
            older_retries: false,
            qr_refund_days: 30,
            refund_days: 330,
            late_files: false,
        }
    }
}
