//! `channels.toml`: accounts, what they cost, take and when; and that live and sandbox never mix.

use super::{Folder, fake, refused};
use crate::config::{Account, Finding};
use crate::domain::fee::{Rounding, Tariff, Tier, share};
use crate::domain::route::{DaySpan, Opening, Pause};
use sluice_contract::{Fen, Millis};
use std::sync::Arc;

#[test]
fn channels_toml_is_checked() {
    let c = "channels.toml";
    let base = Folder::sandbox;
    refused(
        base().edit(c, "\"wechat\"", "\"paypal\""),
        &["channels.toml: account[0].channel: paypal is no channel of this build; known: wechat"],
    );
    refused(
        base().edit(c, "mchid = \"1900000001\"", "appid = 7"),
        &["channels.toml: account[0].credentials.mchid: is required", "channels.toml: account[0].credentials.appid: is not a known field"],
    );
    refused(
        base().add(c, "[account.credentials.previous]\nkye = \"canary\""),
        &[
            "channels.toml: account[0].credentials.previous.key: is required",
            "channels.toml: account[0].credentials.previous.kye: is not a known field",
        ],
    );
    let none = "\n[[account]]\nid = \"wx-main\"\nchannel = \"wechat\"\nsandbox = true\nbase_url = \"http://127.0.0.1:1\"";
    refused(
        base().add(c, none),
        &[
            "channels.toml: account[1].id: wx-main is taken by an earlier one: ids are unique",
            "channels.toml: account[1].credentials: is required",
        ],
    );
    let rate = "channels.toml: account[0].fee_rate: must be a decimal in text from \"0\" to \"1\", such as \"0.006\" for 0.6 %";
    for text in ["1.01", "-0.1", "6e-3", "0,006", "", "1_0"] {
        refused(base().edit(c, "0.006", text), &[rate]);
    }
    let float = "channels.toml: account[0].fee_rate: is a float: write the decimal as text, such as \"0.006\"";
    refused(base().edit(c, "\"0.006\"", "0.006"), &[float]);
    refused(base().edit(c, "\"0.006\"", "2026-01-01"), &["channels.toml: account[0].fee_rate: is a date: write it as text", rate]);
    let state = base().edit(c, "sandbox = true", "sandbox = true\nstate = \"off\"");
    refused(state, &["channels.toml: account[0].state: must be enabled, draining or disabled"]);
    let method = base().edit(c, "sandbox = true", "sandbox = true\nmethods = [\"alipay_qr\", \"wechat_native\", \"wechat_native\"]");
    refused(
        method,
        &[
            "channels.toml: account[0].methods: wechat_native stands there twice",
            "channels.toml: account[0].methods: alipay_qr is nothing that this account's channel serves",
        ],
    );
}

#[test]
fn live_and_sandbox_never_mix() {
    let c = "channels.toml";
    let live = "https://api.mch.weixin.qq.com/";
    refused(
        Folder::live().edit(c, live, "http://api.mch.weixin.qq.com"),
        &["channels.toml: account[0].base_url: must be https: the account is live"],
    );
    for host in ["localhost", "127.0.0.1:9101", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "pay.localhost", "LOCALHOST."] {
        let told =
            "channels.toml: account[0].base_url: is this machine, but the account is live: write sandbox = true if it is a pretend channel";
        refused(Folder::live().edit(c, live, &format!("https://{host}")), &[told]);
    }
    let second = fake::ACCOUNT_TOML.replace("wx-main", "wx-play").replace("1900000001", "1900000002");
    let mixed = "channels.toml: account: sandbox and live accounts never stand in one config: sandbox are wx-play; live are wx-main";
    refused(Folder::live().add(c, &second), &[mixed]);
    let unreachable = Folder::live().edit("sluice.toml", "public_url = \"https://pay.example.com/\"\n", "");
    refused(unreachable, &["sluice.toml: http.public_url: is required with live accounts: channels call it back, over https"]);
    let plain = Folder::live().edit("sluice.toml", "https://pay", "http://pay");
    refused(plain, &["sluice.toml: http.public_url: must be https with live accounts"]);
}

/// The one account with more keys.
fn with(keys: &str) -> Folder {
    Folder::sandbox().edit("channels.toml", "sandbox = true", &format!("sandbox = true\n{keys}"))
}

fn told(keys: &str, expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|line| format!("channels.toml: account[0].{line}")).collect();
    refused(with(keys), &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

fn account(folder: &Folder) -> Result<Arc<Account>, Vec<Finding>> {
    folder.load()?.account("wx-main").cloned().ok_or_else(Vec::new)
}

#[test]
fn the_terms_of_an_account_are_read() -> Result<(), Vec<Finding>> {
    let account = account(&with(
        "fee_min = 10\nfee_cap = 2500\nfee_rounding = \"half_even\"\nfee_tiers = [{ from = 100000, rate = \"0.004\" }, { from = 500000, rate = \"0.002\" }]\n\
         app_ids = [\"wx1\", \"wx2\"]\namount_min = 100\namount_max = 100000000\n\
         open_hours = [\"08:00-12:00\", \"22:00-02:00\", \"13:00-24:00\"]\n\
         maintenance = [\"23:50-00:10\", \"2026-12-01T00:00:00+08:00/2026-11-30T17:00:00Z\"]",
    ))?;
    let terms = &account.terms;
    let rate = |text| share(text).unwrap_or_default();
    let tiers = vec![Tier { from: Fen(100_000), rate: rate("0.004") }, Tier { from: Fen(500_000), rate: rate("0.002") }];
    assert_eq!(
        terms.fee,
        Some(Tariff { rate: rate("0.006"), min: Some(Fen(10)), cap: Some(Fen(2_500)), tiers, rounding: Rounding::HalfEven })
    );
    assert!(!account.reconcile_daily, "a sandbox account is compared when somebody asks");
    assert!(self::account(&with("reconcile_daily = true"))?.reconcile_daily);
    assert_eq!(
        (terms.app_ids.as_slice(), terms.amount_min, terms.amount_max),
        (&["wx1".to_owned(), "wx2".to_owned()][..], Some(Fen(100)), Some(Fen(100_000_000)))
    );
    let span = |from_min, to_min| DaySpan { from_min, to_min };
    let once = Pause::Once { from: Millis(1_796_054_400_000), to: Millis(1_796_058_000_000) };
    let opening =
        Opening { hours: vec![span(480, 720), span(1_320, 120), span(780, 1_440)], maintenance: vec![Pause::Daily(span(1_430, 10)), once] };
    assert_eq!(terms.opening, opening);
    Ok(())
}

#[test]
fn fees_that_contradict_themselves_are_refused() {
    told("fee_min = 20\nfee_cap = 10", &["fee_min: is more than fee_cap"]);
    assert!(with("fee_min = 10\nfee_cap = 10").load().is_ok());
    told(
        "fee_cap = -1\nfee_min = 0.5",
        &[
            "fee_min: is a float: write the decimal as text, such as \"0.006\"",
            "fee_min: must be a whole number",
            "fee_cap: must be 0 to 10000000000",
        ],
    );
    let rising = "must be more than that of the tier before: tiers rise";
    told("fee_tiers = [{ from = 9, rate = \"0\" }, { from = 9, rate = \"0\" }]", &[&format!("fee_tiers[1].from: {rising}")]);
    told(
        "fee_tiers = [{ rate = \"2\" }, { from = 0 }, { from = 1, rate = \"0\", til = 2 }]",
        &[
            "fee_tiers[0].from: is required",
            "fee_tiers[0].rate: must be a decimal in text from \"0\" to \"1\", such as \"0.006\" for 0.6 %",
            "fee_tiers[1].rate: is required",
            "fee_tiers[1].from: must be 1 to 10000000000000",
            "fee_tiers[2].til: is not a known field",
        ],
    );
    let free = with("fee_min = 1\nfee_cap = 2\nfee_tiers = []").edit("channels.toml", "fee_rate = \"0.006\"\n", "");
    let needs = "needs fee_rate: write fee_rate = \"0\" if amounts cost nothing by themselves";
    refused(
        free,
        &["fee_min", "fee_cap", "fee_tiers"].map(|key| format!("channels.toml: account[0].{key}: {needs}")).each_ref().map(String::as_str),
    );
}

#[test]
fn amounts_and_app_ids_that_let_nothing_through_are_refused() {
    told("amount_min = 2\namount_max = 1", &["amount_min: is more than amount_max: no order could go there"]);
    told("amount_max = 100000001", &["amount_max: must be 1 to 100000000 fen: its channel takes nothing else"]);
    told("amount_min = 0", &["amount_min: must be 1 to 10000000000000"]);
    told("app_ids = []", &["app_ids: must not be empty: leave the key out to take every app id that the channel admits"]);
    told(
        "app_ids = [\"wx1\", \"wx1\", \"w x\"]",
        &["app_ids: wx1 stands there twice", "app_ids: must each have 1 to 64 characters without spaces"],
    );
}

#[test]
fn hours_that_are_none_are_refused() {
    let span = "open_hours: must be times of day such as \"08:00-22:00\"; past midnight \"23:50-00:10\", up to midnight \"08:00-24:00\"";
    for text in ["8:00-22:00", "08:00", "08:00-22:60", "24:00-08:00", "08:00 - 22:00", "08:00-12:00-14:00", ""] {
        told(&format!("open_hours = [\"{text}\"]"), &[span]);
    }
    told("open_hours = [\"08:00-08:00\"]", &["open_hours: 08:00-08:00 is empty: it must end after it begins"]);
    told("open_hours = []", &["open_hours: must not be empty: leave the key out to be always open"]);
    let pause = "maintenance: must be times of day such as \"23:50-00:10\", or two times with offset such as \"2026-12-01T00:00:00+08:00/2026-12-01T06:00:00+08:00\"";
    for text in ["23:50", "2026-12-01T00:00:00/2026-12-01T06:00:00", "2026-12-01T00:00:00+08:00", "2026-12-01/2026-12-02"] {
        told(&format!("maintenance = [\"{text}\"]"), &[pause]);
    }
    let (from, to) = ("2026-12-01T06:00:00+08:00", "2026-11-30T22:00:00Z");
    told(&format!("maintenance = [\"{from}/{to}\"]"), &[&format!("maintenance: {from}/{to} is empty: it must end after it begins")]);
    let never = "maintenance: leaves no minute of a day open: write state = \"disabled\" to take the account out";
    told("maintenance = [\"00:00-24:00\"]", &[never]);
    told("open_hours = [\"08:00-22:00\"]\nmaintenance = [\"07:00-12:00\", \"12:00-22:00\"]", &[never]);
    assert!(with("open_hours = [\"08:00-22:00\"]\nmaintenance = [\"07:00-12:00\", \"12:01-22:00\"]").load().is_ok());
    assert!(with("maintenance = []").load().is_ok());
}
