//! Broken folders with the exact words they are refused with, and what must load.

mod channels;
mod merchants;
mod notes;
mod routing;
mod shipped;

use super::{Finding, Settings, StoreUrl, Strings, check_fast, fake, load, reload};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SERVER: &str = r#"
[http]
listen = "127.0.0.1:0"

[store]
url = "sqlite:sluice.sqlite"
seal_key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

[[operator]]
name = "admin"
role = "admin"
token = "canary-operator-token-0123456789abcdef"
"#;

const MERCHANTS: &str = r#"
[[merchant]]
id = "m_demo"
keys = [{ id = "k_demo", secret = "canary-merchant-secret-0123456789abcdef" }]
webhook = { url = "https://shop.example.com/hook", secret = "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTAx" }
[[merchant.binding]]
account = "wx-main"
[[merchant.store]]
id = "s1"
map = [{ account = "wx-main", store_code = "1" }]
"#;

/// A config folder in memory, with its environment.
#[derive(Clone)]
struct Folder {
    files: BTreeMap<PathBuf, String>,
    env: BTreeMap<String, String>,
}

impl Strings for Folder {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Folder {
    fn sandbox() -> Folder {
        let empty = Folder { files: BTreeMap::new(), env: BTreeMap::new() };
        empty.with("sluice.toml", SERVER).with("merchants.toml", MERCHANTS).with("channels.toml", fake::ACCOUNT_TOML)
    }

    /// One live direct account.
    fn live() -> Folder {
        Folder::sandbox()
            .edit("channels.toml", "sandbox = true\n", "")
            .edit("channels.toml", "http://127.0.0.1:9101", "https://api.mch.weixin.qq.com/")
            .edit("sluice.toml", "[http]\n", "[http]\npublic_url = \"https://pay.example.com/\"\n")
    }

    fn with(mut self, file: &str, text: &str) -> Folder {
        self.files.insert(Path::new("conf").join(file), text.to_owned());
        self
    }

    fn without(mut self, file: &str) -> Folder {
        self.files.remove(&Path::new("conf").join(file));
        self
    }

    fn edit(self, file: &str, from: &str, to: &str) -> Folder {
        let text = self.files.get(&Path::new("conf").join(file)).cloned().unwrap_or_default();
        assert!(text.contains(from), "{file} has no {from}");
        self.with(file, &text.replacen(from, to, 1))
    }

    fn add(self, file: &str, more: &str) -> Folder {
        let text = self.files.get(&Path::new("conf").join(file)).cloned().unwrap_or_default();
        self.with(file, &format!("{text}\n{more}"))
    }

    fn set(mut self, name: &str, value: &str) -> Folder {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Result<Settings, Vec<Finding>> {
        load(Path::new("conf"), self, fake::CHANNELS)
    }

    /// The findings without their line numbers; lines have their own test.
    fn told(&self) -> Vec<String> {
        let findings = self.load().map_or_else(|found| found, |_| Vec::new());
        findings.into_iter().map(|f| Finding { line: None, ..f }.to_string()).collect()
    }
}

#[track_caller]
fn refused(folder: Folder, expected: &[&str]) {
    let told = folder.told();
    assert_eq!(told, expected);
    assert!(told.iter().all(|line| !line.contains("canary")), "a secret is quoted: {told:?}");
}

#[test]
fn a_good_folder_loads_with_its_defaults() -> Result<(), Vec<Finding>> {
    let settings = Folder::sandbox().load()?;
    assert_eq!(settings.store.url, StoreUrl::Sqlite(PathBuf::from("conf/sluice.sqlite")));
    assert_eq!((settings.http.header_deadline_ms, settings.http.body_deadline_ms), (10_000, 15_000));
    assert!(!settings.notify.allow_private_addresses && settings.http.public_url.is_none() && !settings.livemode());
    let account =
        settings.account("wx-main").map(|a| (a.methods.len(), a.terms.fee.as_ref().map(|f| f.rate.to_string()), a.identity().to_owned()));
    assert_eq!(account, Some((2, Some("0.006".to_owned()), "wechat sandbox mchid=\"1900000001\"".to_owned())));
    assert!(check_fast(&settings, 10).is_ok());

    let live = Folder::live().load()?;
    assert!(live.livemode());
    assert_eq!(live.account("wx-main").map(|a| a.base_url.as_str()), Some("https://api.mch.weixin.qq.com"));
    assert_eq!(live.account("wx-main").and_then(|a| a.owner.as_deref()), Some("m_demo"));
    assert_eq!(live.http.public_url.as_deref(), Some("https://pay.example.com"));
    let refused = check_fast(&live, 10).map_err(|f| f.to_string());
    assert_eq!(refused, Err("--fast: is refused because account wx-main is live: it is for sandbox accounts only".to_owned()));
    Ok(())
}

#[test]
fn nothing_of_a_secret_is_in_debug_output() -> Result<(), Vec<Finding>> {
    let settings = Folder::sandbox().load()?;
    let shown = format!("{settings:?}{settings:#?}");
    assert!(shown.contains("k_demo") && shown.contains("wx-main"));
    for secret in ["canary", "Y2FuYXJ5", "0001020304", "[0, 1, 2"] {
        assert!(!shown.contains(secret), "{secret}");
    }
    Ok(())
}

#[test]
fn secrets_come_from_the_environment_and_from_files() -> Result<(), Vec<Finding>> {
    let settings = Folder::sandbox()
        .edit("sluice.toml", "canary-operator-token-0123456789abcdef", "env:OPS_TOKEN")
        .edit("channels.toml", "canary-credential-0123456789", "file:secrets/key.pem")
        .with("secrets/key.pem", "-----BEGIN-----\nabc\n")
        .set("OPS_TOKEN", "token-from-the-environment-0123456789")
        .load()?;
    assert_eq!(settings.operators.first().map(|o| o.token.expose()), Some("token-from-the-environment-0123456789"));
    let lost = Folder::sandbox()
        .edit("sluice.toml", "canary-operator-token-0123456789abcdef", "env:OPS_TOKEN")
        .edit("merchants.toml", "canary-merchant-secret-0123456789abcdef", "file:k")
        .edit("channels.toml", "canary-credential-0123456789", "file:secrets/key.pem")
        .edit("channels.toml", "1900000001", "env:MCHID")
        .with("secrets/key.pem", "\n")
        .set("MCHID", "");
    let expected = [
        "sluice.toml: operator[0].token: the environment variable OPS_TOKEN is not set",
        "merchants.toml: merchant[0].keys[0].secret: the file k cannot be read: entity not found",
        "channels.toml: account[0].credentials.key: the file secrets/key.pem is empty",
        "channels.toml: account[0].credentials.mchid: the environment variable MCHID is empty",
    ];
    refused(lost, &expected);
    Ok(())
}

#[test]
fn a_finding_names_its_line() {
    let folder = Folder::sandbox().edit("sluice.toml", "127.0.0.1:0", "8080").edit("merchants.toml", "id = \"m_demo\"\n", "");
    let lines: Vec<String> = folder.load().err().unwrap_or_default().iter().map(Finding::to_string).collect();
    let expected = [
        "sluice.toml:3: http.listen: must be an IP address and a port, such as 127.0.0.1:8080",
        "merchants.toml:2: merchant[0].id: is required",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn syntax_errors_and_missing_files_are_told_for_every_file() {
    let folder =
        Folder::sandbox().without("merchants.toml").add("sluice.toml", "[ops]\nx = canary").with("channels.toml", "account = canary");
    let lines = folder.told();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0], "merchants.toml: cannot be read: entity not found (it may be empty, but it must be there)");
    assert!(lines[1].starts_with("sluice.toml: ") && lines[2].starts_with("channels.toml: "), "{lines:?}");
    assert!(!lines.concat().contains("canary"), "{lines:?}");
}

#[test]
fn sluice_toml_is_checked() {
    let s = "sluice.toml";
    let base = Folder::sandbox;
    refused(base().with(s, ""), &["sluice.toml: store.url: is required", "sluice.toml: store.seal_key: is required"]);
    refused(base().edit(s, "seal_key", "#"), &["sluice.toml: store.seal_key: is required"]);
    refused(base().edit(s, "0001020304", "00"), &["sluice.toml: store.seal_key: must be 32 bytes, as 64 hex digits or as base64"]);
    let zeros = base().edit(s, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &"00".repeat(32));
    refused(zeros, &["sluice.toml: store.seal_key: must be random: all its bytes are the same"]);
    let rotated = "previous_seal_keys = [{ id = \"1\", key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\" }]\n[[operator]]";
    let told = [
        "sluice.toml: store.previous_seal_keys[0].id: 1 is taken by an earlier one: ids are unique",
        "sluice.toml: store.previous_seal_keys: hold the same key as seal_key: a rotation needs a new one",
    ];
    refused(base().edit(s, "[[operator]]", rotated), &told);
    for url in ["sqlite:", "sqlite:///var/x", "sqlite::memory:", "mysql://canary"] {
        let told = "sluice.toml: store.url: must be sqlite:PATH, where PATH is a file, relative to this folder, or postgres://USER:PASSWORD@HOST/DATABASE";
        refused(base().edit(s, "sqlite:sluice.sqlite", url), &[told]);
    }
    let postgres = "sluice.toml: store.url: sslmode must be disable, prefer, require, verify-ca or verify-full";
    refused(base().edit(s, "sqlite:sluice.sqlite", "postgres://u:canary@db/x?sslmode=no"), &[postgres]);
    refused(base().edit(s, "listen", "lisen"), &["sluice.toml: http.lisen: is not a known field"]);
    refused(base().add(s, "[htp]\nx = 1"), &["sluice.toml: htp: is not a known field"]);
    refused(base().edit(s, "\"127.0.0.1:0\"", "8080"), &["sluice.toml: http.listen: must be text"]);
    let same = base().edit(s, "\"127.0.0.1:0\"", "\"127.0.0.1:80\"\nops_listen = \"127.0.0.1:80\"");
    refused(same, &["sluice.toml: http.ops_listen: is the address of listen: leave it out to share the listener"]);
    let proxies = base().edit(s, "[http]\n", "[http]\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\", \"proxy\"]\n");
    refused(proxies, &["sluice.toml: http.trusted_proxies: proxy is no IP address and no network such as 10.0.0.0/8"]);
    let deadline = base().edit(s, "[http]\n", "[http]\nheader_deadline_ms = 1\nbody_deadline_ms = 1.5\n");
    let told = [
        "sluice.toml: http.body_deadline_ms: is a float: write the decimal as text, such as \"0.006\"",
        "sluice.toml: http.header_deadline_ms: must be 100 to 120000",
        "sluice.toml: http.body_deadline_ms: must be a whole number",
    ];
    refused(deadline, &told);
    for url in ["ftp://x", "pay.example.com", "https://pay.example.com/a b", "https:///x y"] {
        let told = "sluice.toml: http.public_url: must be an absolute http or https URL";
        refused(base().edit(s, "[http]\n", &format!("[http]\npublic_url = \"{url}\"\n")), &[told]);
    }
    let query = base().edit(s, "[http]\n", "[http]\npublic_url = \"https://pay.example.com/?a=1\"\n");
    refused(query, &["sluice.toml: http.public_url: must not hold a query"]);
    refused(base().add(s, "[ops]\nrefund_single_max = 0"), &["sluice.toml: ops.refund_single_max: must be 1 to 10000000000"]);
    refused(
        base().add(s, "[notify]\nallow_private_addresses = \"yes\""),
        &["sluice.toml: notify.allow_private_addresses: must be true or false"],
    );
}

#[test]
fn operators_are_checked() {
    let s = "sluice.toml";
    let base = Folder::sandbox;
    refused(
        base().edit(s, "role = \"admin\"", "role = \"root\""),
        &["sluice.toml: operator[0].role: must be viewer, operator, finance or admin"],
    );
    refused(base().edit(s, "role = \"admin\"\n", ""), &["sluice.toml: operator[0].role: is required"]);
    let short = "sluice.toml: operator[0].token: must have at least 32 characters, printable ASCII without spaces";
    refused(base().edit(s, "canary-operator-token-0123456789abcdef", "canary-0123456789012345678901234"[..31].as_ref()), &[short]);
    refused(base().edit(s, "canary-operator-token", "canary operator token"), &[short]);
    let twin = "[[operator]]\nname = \"admin\"\nrole = \"viewer\"\ntoken = \"canary-operator-token-0123456789abcdef\"";
    let told = [
        "sluice.toml: operator[1].name: admin is taken by an earlier one: ids are unique",
        "sluice.toml: operator[1].token: is the same secret as that of operator admin: give each its own",
    ];
    refused(base().add(s, twin), &told);
}

#[test]
fn every_file_is_told_at_once() {
    let folder = Folder::sandbox()
        .edit("sluice.toml", "listen", "lisen")
        .edit("merchants.toml", "m_demo", "m demo")
        .edit("channels.toml", "\"wechat\"", "\"wx\"")
        .with("limits.toml", "[[limit]]");
    let mut files: Vec<String> = folder.load().err().unwrap_or_default().into_iter().map(|f| f.file).collect();
    files.dedup();
    assert_eq!(files, ["sluice.toml", "merchants.toml", "channels.toml", "limits.toml"]);
}

#[test]
fn a_reload_keeps_channels_that_did_not_change_and_refuses_what_it_cannot_do() -> Result<(), Vec<Finding>> {
    let used = |id: &str| id == "wx-main";
    let old = Folder::sandbox().load()?;
    let channel_of = |settings: &Settings| settings.account("wx-main").map(|a| Arc::clone(&a.channel));
    let same = reload(&old, Folder::sandbox().edit("channels.toml", "0.006", "0.003").load()?, &used)?;
    assert_eq!(same.account("wx-main").and_then(|a| a.terms.fee.as_ref()).map(|f| f.rate.to_string()), Some("0.003".to_owned()));
    assert!(channel_of(&old).zip(channel_of(&same)).is_some_and(|(a, b)| Arc::ptr_eq(&a, &b)));
    let rekeyed = reload(&old, Folder::sandbox().edit("channels.toml", "credential-0", "credential-1").load()?, &used)?;
    assert!(channel_of(&old).zip(channel_of(&rekeyed)).is_some_and(|(a, b)| !Arc::ptr_eq(&a, &b)));

    let told = |folder: Folder, used: &dyn Fn(&str) -> bool| -> Result<Vec<String>, Vec<Finding>> {
        let refused = reload(&old, folder.load()?, used).err().unwrap_or_default();
        Ok(refused.iter().map(Finding::to_string).collect())
    };
    let moved = Folder::sandbox().edit("sluice.toml", "127.0.0.1:0", "127.0.0.1:9").edit("sluice.toml", "sluice.sqlite", "b.sqlite");
    let restart = ["http.listen", "store"].map(|key| format!("sluice.toml: {key}: cannot change while the gateway runs: restart it"));
    assert_eq!(told(moved, &used)?, restart);
    let advice = "set state = \"disabled\" and add a new account instead";
    let other = Folder::sandbox().edit("channels.toml", "1900000001", "1900000009");
    let expected = format!(
        "channels.toml: account wx-main: ACCOUNT_IN_USE: has attempts and cannot be given to another channel or merchant; {advice}"
    );
    assert_eq!(told(other.clone(), &used)?, [expected]);
    let gone = Folder::sandbox().with("channels.toml", "").with("merchants.toml", "");
    let expected = format!("channels.toml: account wx-main: ACCOUNT_IN_USE: has attempts and cannot be removed; {advice}");
    assert_eq!(told(gone.clone(), &used)?, [expected]);
    for unused in [other, gone] {
        assert!(told(unused, &|_| false)?.is_empty());
    }
    Ok(())
}
