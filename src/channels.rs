//! The one list of channels. A new channel is one folder under `channels/`, its two crates in `Cargo.toml` and one line here.

use sluice_contract::channel::Open;
use sluice_simkit::Simulator;

/// What the gateway and the sandbox need to know of a channel before an account of it is open.
#[derive(Clone, Copy)]
pub struct Listed {
    /// The channel's word in config and API: `wechat`.
    pub name: &'static str,
    /// Opens one account of the channel.
    pub open: Open,
    /// The pretend channel, grown from a seed, with fresh keys.
    pub sandbox: fn(u64) -> Box<dyn Simulator>,
    /// The same with throw-away keys that are always the same: what happens in it is a function of seed, calls and times.
    pub fixed: fn(u64) -> Box<dyn Simulator>,
    /// The credentials that say *whose* account it is (the channel merchant id). They may not change while the account has
    /// attempts; every other credential may.
    pub identity_keys: &'static [&'static str],
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listed({})", self.name)
    }
}

/// A channel by its adapter, its pretend channel, and the credentials that are its identity.
macro_rules! listed {
    ($name:literal, $adapter:ident, $sim:ident, $identity:expr) => {
        Listed { name: $name, open: $adapter::open, sandbox: $sim::sandbox, fixed: $sim::fixed, identity_keys: $identity }
    };
}

/// Every channel of this build.
pub const CHANNELS: &[Listed] = &[
    listed!("wechat", sluice_wechat, sluice_wechat_sim, &["mchid", "mode"]),
    listed!("alipay", sluice_alipay, sluice_alipay_sim, &["app_id", "pid", "mode"]),
    listed!("unionpay", sluice_unionpay, sluice_unionpay_sim, &["mer_id", "access_type"]),
    listed!("icbc", sluice_icbc, sluice_icbc_sim, &["mer_id", "mode"]),
    listed!("cmb", sluice_cmb, sluice_cmb_sim, &["mer_id", "mode"]),
];
