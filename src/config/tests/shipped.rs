//! The folders that we ship or write must load with the channels of this build, not only with the fake.

use crate::channels::CHANNELS;
use crate::config::{Disk, Settings, Strings, Terms, load, write_sandbox};
use crate::domain::route::Opening;
use serde_json::Value;
use std::io;
use std::path::Path;

/// The example's files from the disk; its secrets from pretend channels' throw-away credentials, by channel.
struct Example {
    credentials: Value,
}

impl Example {
    fn of(names: &[&str]) -> Example {
        let told = CHANNELS.iter().filter(|listed| names.contains(&listed.name));
        Example { credentials: told.map(|l| (l.name.to_owned(), (l.fixed)(1).credentials("http://127.0.0.1:1"))).collect() }
    }

    fn credential(&self, channel: &str, name: &str) -> String {
        self.credentials[channel][name].as_str().unwrap_or_default().to_owned()
    }
}

impl Strings for Example {
    fn env(&self, name: &str) -> Option<String> {
        Some(match name {
            "SLUICE_SEAL_KEY" => "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f".to_owned(),
            "SLUICE_SEAL_KEY_BEFORE" => "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh4=".to_owned(),
            "ORCHARD_WEBHOOK" => "whsec_b3JjaGFyZC13ZWJob29rLXNlY3JldC0w".to_owned(),
            "BAKERY_WEBHOOK" => "whsec_YmFrZXJ5LXdlYmhvb2stc2VjcmV0LTAx".to_owned(),
            "CMB_ORCHARD_PRIVATE_KEY" => self.credential("cmb", "private_key"),
            _ if name.contains("API_V3_KEY") => "0123456789abcdef0123456789abcdef".to_owned(),
            _ => format!("{name}-0123456789-0123456789-0123456789"),
        })
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("apiclient_key.pem") => Ok(self.credential("wechat", "private_key")),
            Some("pub_key.pem") => Ok(self.credential("wechat", "public_key")),
            Some("bank_public_key.txt") => Ok(self.credential("cmb", "public_key")),
            Some("night-desk.token") => Ok("night-desk-token-0123456789-0123456789\n".to_owned()),
            _ => std::fs::read_to_string(path),
        }
    }
}

fn lines(loaded: Result<Settings, Vec<crate::config::Finding>>) -> Result<Settings, String> {
    loaded.map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn the_example_is_accepted() -> Result<(), String> {
    let strings = Example::of(&["wechat", "cmb"]);
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/example");
    let settings = lines(load(&dir, &strings, CHANNELS))?;
    assert!(settings.livemode());
    let direct = |id: &str| settings.account(id).map(|a| (a.is_direct(), a.owner.clone()));
    assert_eq!(direct("wx-orchard"), Some((true, Some("m_orchard".to_owned()))));
    assert_eq!(direct("wx-partner"), Some((false, None)));
    let shown: std::collections::BTreeSet<&str> = settings.accounts.iter().map(|account| account.channel.profile().channel).collect();
    assert_eq!(shown.len(), CHANNELS.len(), "the example has an account of every channel: {shown:?}");
    assert_eq!((settings.merchants.len(), settings.operators.len(), settings.store.previous_seal_keys.len()), (2, 2, 1));
    assert!(!format!("{settings:?}").contains("0123456789"), "a secret is in Debug output");
    assert!(settings.notes.is_empty(), "{:?}", settings.notes);
    let told = |of: fn(&Terms) -> bool| settings.accounts.iter().filter(|account| of(&account.terms)).count();
    let fees = [
        told(|t| t.fee.is_some()),
        told(|t| t.fee.as_ref().is_some_and(|fee| !fee.tiers.is_empty())),
        told(|t| t.opening != Opening::default()),
    ];
    assert_eq!((fees, settings.routing.rules.len()), ([6, 1, 1], 1));
    Ok(())
}

#[test]
fn every_pretend_channel_writes_an_account_that_opens() -> Result<(), String> {
    let dir = std::env::temp_dir().join(format!("sluice-shipped-{}", std::process::id()));
    let tables: Vec<String> = CHANNELS.iter().map(|listed| (listed.sandbox)(7).account_toml("http://127.0.0.1:9101")).collect();
    let mut next = 0_u8;
    let mut fill = |bytes: &mut [u8]| {
        for byte in bytes {
            next = next.wrapping_add(1);
            *byte = next;
        }
    };
    write_sandbox(&dir, "127.0.0.1:0", "sqlite:sluice.sqlite", &tables, &mut fill).map_err(|e| e.to_string())?;
    let settings = lines(load(&dir, &Disk(|_: &str| None), CHANNELS))?;
    std::fs::remove_dir_all(&dir).map_err(|e| e.to_string())?;
    assert_eq!(settings.accounts.len(), CHANNELS.len());
    assert!(settings.merchants.iter().all(|m| m.bindings.len() == CHANNELS.len()));
    Ok(())
}

/// Ready rules that nobody can use as they stand would be none.
#[test]
fn every_preset_is_accepted() -> Result<(), String> {
    let presets = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/presets");
    let mut seen = 0;
    for file in std::fs::read_dir(presets).map_err(|e| e.to_string())? {
        let path = file.map_err(|e| e.to_string())?.path();
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
        let name = if path.ends_with("routing.toml") { "routing.toml" } else { "limits.toml" };
        let settings = lines(crate::config::tests::Folder::sandbox().with(name, &text).load())?;
        assert!(settings.limits.len() + settings.routing.rules.len() > 0 && settings.notes.is_empty(), "{:?}", settings.notes);
        seen += 1;
    }
    assert_eq!(seen, 5);
    Ok(())
}
