//! What a pretend Alipay can be told before it opens.

use sluice_contract::Fen;
use sluice_simkit::KeySource;

sluice_simkit::words! {
    /// Which payer ids the app gets: old apps `user_id`, new ones `open_id`, apps that are switching both (pack §13).
    pub PayerIds {
        UserId = "user_id",
        OpenId = "open_id",
        Both = "both",
    }
}

impl PayerIds {
    pub(crate) const fn has_user_id(self) -> bool {
        !matches!(self, PayerIds::OpenId)
    }

    pub(crate) const fn has_open_id(self) -> bool {
        !matches!(self, PayerIds::UserId)
    }
}

sluice_simkit::words! {
    /// What becomes of a refund that is asked for.
    pub RefundFate {
        /// `fund_change=Y` at once.
        Success = "success",
        /// Refused with `ACQ.TRADE_NOT_ALLOW_REFUND`; nothing is booked, and the same number may be sent again.
        Fail = "fail",
        /// Accepted without `fund_change=Y`; succeeds after `refund_delay_ms`.
        Pending = "pending",
        /// Accepted without `fund_change=Y`, and never done: the refund query stays empty (pack §2.8).
        Lost = "lost",
    }
}

/// Start from [`Options::sandbox`] or [`Options::fixed`] and change what a test is about. Most can be changed later by
/// [`sluice_simkit::Simulator::hook`].
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub keys: KeySource,
    /// The app is in certificate mode (pack §1.6); else in key mode.
    pub certificates: bool,
    /// `account_toml` speaks of a service provider. Calls with an `app_auth_token` are served in any case.
    pub provider: bool,
    /// `account_toml` asks for content encryption. Encrypted calls are served in any case.
    pub encrypt: bool,
    pub payer_ids: PayerIds,
    /// Divides waiting rules, refund time and the callback schedule.
    pub fast: i64,
    /// From acceptance to the end of a pending refund, before division by `fast`.
    pub refund_delay_ms: i64,
    /// From booking to the first try of its callback, before division by `fast`.
    pub callback_delay_ms: i64,
    /// Three immediate resends before the schedule, as the face-to-face page says and the other one does not (pack §5.3).
    pub immediate_resends: bool,
    /// How far a `timestamp` may be off. UNCONFIRMED for v2 (pack §1.2; v3 has ten minutes). SDKs write the machine's local
    /// zone, so a sandbox that serves them does not look; ours must write Beijing time, so the fixed one does.
    pub clock_tolerance_s: Option<i64>,
    /// Fields that the pack does not list are refused, and a number holds only what the written rule allows (pack §2, §7).
    pub strict_fields: bool,
    /// An identical precreate answers its QR again; UNCONFIRMED, so by default the documented error (pack §2.1).
    pub precreate_again: bool,
    /// A code asks for the password above this amount, about 1000 yuan in production (pack §3.4).
    pub password_above: Option<Fen>,
    /// Hosts allowed as `redirect_uri` of the silent authorisation; loopback always is.
    pub redirect_hosts: Vec<String>,
}

impl Options {
    /// Fresh keys, key mode, direct merchant, lenient where SDKs differ.
    #[must_use]
    pub fn sandbox(seed: u64) -> Options {
        Options { keys: KeySource::Fresh, clock_tolerance_s: None, strict_fields: false, ..Options::fixed(seed) }
    }

    /// Fixed keys: for tests and the seeded world.
    #[must_use]
    pub fn fixed(seed: u64) -> Options {
        Options {
            seed,
            keys: KeySource::Fixed,
            certificates: false,
            provider: false,
            encrypt: false,
            payer_ids: PayerIds::Both,
            fast: 1,
            refund_delay_ms: 1_000,
            callback_delay_ms: 0,
            immediate_resends: false,
            clock_tolerance_s: Some(600),
            strict_fields: true,
            precreate_again: false,
            password_above: None,
            redirect_hosts: Vec::new(),
        }
    }
}
