//! The one list of channels. A new channel is one folder under `channels/`, one line in `Cargo.toml` and one line here.

use sluice_contract::channel::Open;
use sluice_simkit::Simulator;

/// What the gateway and the sandbox need to know of a channel before an account of it is open.
#[derive(Clone, Copy)]
pub struct Listed {
    /// The channel's word in config and API: `wechat`.
    pub name: &'static str,
    /// Opens one account of the channel.
    pub open: Open,
    /// The pretend channel, grown from a seed.
    pub sandbox: fn(u64) -> Box<dyn Simulator>,
    /// The credentials that say *whose* account it is (the channel merchant id). They may not change while the account has
    /// attempts; every other credential may.
    pub identity_keys: &'static [&'static str],
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listed({})", self.name)
    }
}

/// Every channel of this build.
pub const CHANNELS: &[Listed] =
    &[Listed { name: "wechat", open: sluice_wechat::open, sandbox: sluice_wechat_sim::sandbox, identity_keys: &["mchid", "mode"] }];
