//! Every way of speaking with a channel that the kit is run for: the usual one of each, and the settings that change its bytes.

use super::pair::Cast;
use sluice_alipay_sim as alipay;
use sluice_cmb_sim as cmb;
use sluice_icbc_sim as icbc;
use sluice_unionpay_sim as unionpay;
use sluice_wechat_sim as wechat;

/// The usual ways, one for each channel of the list.
pub fn usual() -> Vec<Cast> {
    sluice::channels::CHANNELS.iter().map(Cast::usual).collect()
}

/// The usual ways and the settings.
pub fn all() -> Vec<Cast> {
    let mut casts = usual();
    casts.extend([
        Cast::new("wechat, service provider", "wechat", || wechat::new(wechat::Options { partner: true, ..wechat::Options::fixed(7) })),
        Cast::new("wechat, public key", "wechat", || wechat::new(wechat::Options { mode: wechat::KeyMode::PublicKey, ..wechat::Options::fixed(7) })),
        Cast::new("wechat, v2 barcodes", "wechat", || wechat::new(wechat::Options { barcode_v2: true, ..wechat::Options::fixed(7) })),
        Cast::new("alipay, certificates", "alipay", || alipay::new(alipay::Options { certificates: true, ..alipay::Options::fixed(7) })),
        Cast::new("alipay, encrypted", "alipay", || alipay::new(alipay::Options { encrypt: true, ..alipay::Options::fixed(7) })),
        Cast::new("alipay, service provider", "alipay", || alipay::new(alipay::Options { provider: true, ..alipay::Options::fixed(7) })),
        Cast::new("unionpay, SHA-256 key", "unionpay", || unionpay::new(unionpay::Options { sign_method: "11", ..unionpay::Options::fixed(7) })),
        Cast::new("unionpay, SM3 key", "unionpay", || unionpay::new(unionpay::Options { sign_method: "12", ..unionpay::Options::fixed(7) })),
        Cast::new("unionpay, platform", "unionpay", || unionpay::new(unionpay::Options { platform: true, ..unionpay::Options::fixed(7) })),
        Cast::new("unionpay, SHA-1 chain", "unionpay", || unionpay::new(unionpay::Options { sha1_chain: true, ..unionpay::Options::fixed(7) })),
        Cast::new("icbc, one code for all", "icbc", || icbc::new(icbc::Options { family_b: true, ..icbc::Options::fixed(7) })),
        Cast::new("icbc, plain contents", "icbc", || icbc::new(icbc::Options { encrypted: false, ..icbc::Options::fixed(7) })),
        Cast::new("icbc, encrypted notices", "icbc", || icbc::new(icbc::Options { encrypted_callbacks: true, spaced: true, ..icbc::Options::fixed(7) })),
        Cast::new("cmb, service provider", "cmb", || cmb::new(cmb::Options { provider: true, ..cmb::Options::fixed(7) })),
    ]);
    casts
}
