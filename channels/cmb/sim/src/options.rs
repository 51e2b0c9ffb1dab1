//! What a pretend CMB can be told before it opens. Most can be changed later by a hook.

use sluice_simkit::KeySource;

sluice_simkit::words! {
    /// How a refund that was accepted ends.
    pub RefundFate {
        Success = "success",
        Fail = "fail",
        /// Stays `P` until the hook `refund_release`.
        Pending = "pending",
    }
}

/// Start from [`Options::sandbox`] or [`Options::fixed`] and change what a test is about.
#[derive(Clone, Debug)]
pub struct Options {
    pub seed: u64,
    pub keys: KeySource,
    /// `account_toml` speaks of a service provider. Sub-merchants are served in any case.
    pub provider: bool,
    /// Divides the 15 s of a cancel, refund time and the callback schedule.
    pub fast: i64,
    /// From acceptance to the end of a WeChat refund, before division by `fast`.
    pub refund_delay_ms: i64,
    /// From booking to the first try of its callback, before division by `fast`.
    pub callback_delay_ms: i64,
    /// Life of a QR whose order names none: the document says 900 in one place and 1200 in another (pack §2.4).
    pub pay_valid_default_s: i64,
    /// `pay` without terminal information is refused, as its M says (pack §2.4).
    pub terminal_required: bool,
    /// Refuses signatures whose r or s is shorter than 32 bytes, as code made after the bank's demo may (pack §2.2).
    pub strict_der: bool,
    /// The bank's test system refunds on the day of payment only (pack §2.4).
    pub same_day_refunds: bool,
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
        Options {
            seed,
            keys: KeySource::Fixed,
            provider: false,
            fast: 1,
            refund_delay_ms: 1_000,
            callback_delay_ms: 0,
            pay_valid_default_s: 900,
            terminal_required: true,
            strict_der: false,
            same_day_refunds: false,
        }
    }
}
