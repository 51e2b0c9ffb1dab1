//! What a pretend WeChat Pay can be told before it opens.

use sluice_simkit::KeySource;

sluice_simkit::words! {
    /// Which platform key signs answers and callbacks (pack §2.3).
    pub KeyMode {
        Certificate = "certificate",
        /// `/v3/certificates` answers 500 `SYSTEM_ERROR` for ever.
        PublicKey = "public_key",
        /// An account that is switching: each answer and each callback takes one of the two by the dice.
        Mixed = "mixed",
    }
}

sluice_simkit::words! {
    /// How a refund that was accepted ends.
    pub RefundFate {
        Success = "success",
        Closed = "closed",
        Abnormal = "abnormal",
    }
}

/// Start from [`Options::sandbox`] or [`Options::fixed`] and change what a test is about. Most can be changed later
/// by [`crate::WechatSim`]'s hooks.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub keys: KeySource,
    pub mode: KeyMode,
    /// Platform certificates that `/v3/certificates` lists at first: one, or two as during a rotation.
    pub certificates: usize,
    /// Every callback is preceded by one with a `WECHATPAY/SIGNTEST/` signature (pack §2.2).
    pub probe_callbacks: bool,
    /// `account_toml` and `credentials` speak of a service provider. Both kinds of endpoint are served in any case.
    pub partner: bool,
    /// `account_toml` chooses v2 micropay instead of v3 codepay (pack §3.1, conflict).
    pub barcode_v2: bool,
    /// Divides waiting rules, auto-revocation, refund time and the callback schedule.
    pub fast: i64,
    /// From acceptance to the end of a refund, before division by `fast`.
    pub refund_delay_ms: i64,
    /// From booking to the first try of its callback, before division by `fast`.
    pub callback_delay_ms: i64,
    /// Refuses what the real service refuses of addresses: plain http and loopback in `notify_url`, a loopback payer
    /// address for H5. A sandbox lives on loopback, so this is off unless asked for.
    pub strict_network: bool,
    /// Refuses calls without `Accept` or `User-Agent` (pack §1).
    pub strict_headers: bool,
    /// An order is paid the moment it is created, so that its callback is due before its answer was read (pack §12, 8).
    pub pay_on_create: bool,
    pub bill_bom: bool,
    pub bill_crlf: bool,
    /// Hosts allowed as `redirect_uri` of the silent authorisation; loopback always is.
    pub redirect_hosts: Vec<String>,
}

impl Options {
    /// Fresh keys, the certificate and the public key both known to the client, certificate signs.
    #[must_use]
    pub fn sandbox(seed: u64) -> Options {
        Options { keys: KeySource::Fresh, ..Options::fixed(seed) }
    }

    /// Fixed keys: for tests and the seeded world.
    #[must_use]
    pub fn fixed(seed: u64) -> Options {
        Options {
            seed,
            keys: KeySource::Fixed,
            mode: KeyMode::Certificate,
            certificates: 1,
            probe_callbacks: false,
            partner: false,
            barcode_v2: false,
            fast: 1,
            refund_delay_ms: 1_000,
            callback_delay_ms: 0,
            strict_network: false,
            strict_headers: false,
            pay_on_create: false,
            bill_bom: true,
            bill_crlf: true,
            redirect_hosts: Vec::new(),
        }
    }
}
