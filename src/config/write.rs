//! The config folder that `sluice sandbox --write-config` makes: complete, ready for `serve`, secrets in place.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The first line of every file written here: what lacks it is a person's and is never overwritten.
const MARK: &str = "# Written by `sluice sandbox --write-config`. Sandbox only: no secret here opens anything real.\n";

/// No rule is in force; what is commented out is valid as it stands.
const ROUTING: &str = "\
# No rules: accounts in the order of channels.toml. config/README.md has every key; a rule that shares what two accounts can both take:
#
# [[rule]]
# name = \"shares\"
# when = 'order.method == \"wechat_native\"'
# strategy = \"round_robin\"                         # or priority, least_cost, success_rate, best_value, sticky
# accounts = [{ id = \"wx-main\", weight = 70 }, { id = \"wx-second\", weight = 30 }]
#
# [health]                                          # accounts whose channel does not answer are passed over
# faults_min = 5
# open = \"5s\"
";

/// The demo merchant's, so that there is a code to scan.
const STORE: &str = "
# Its page takes payments at /q/CODE; the code is given when the store is first seen.
[[merchant.store]]
id = \"s_demo\"
name = \"Demo store\"
";

/// Fills `entropy` bytes: the caller's randomness.
type Entropy<'a> = &'a mut dyn FnMut(&mut [u8]);

/// Writes `sluice.toml`, `merchants.toml`, `channels.toml`, `routing.toml` and `limits.toml`, readable by the owner only.
/// `account_tables` are complete `[[account]]` tables (`Simulator::account_toml`).
///
/// In a folder written before, `sluice.toml` and `merchants.toml` stay as they are: the store beside them is sealed with that key
/// and knows those secrets. A folder that a person made is refused (`AlreadyExists`).
pub fn write_sandbox(dir: &Path, listen: &str, store_url: &str, account_tables: &[String], entropy: Entropy<'_>) -> io::Result<()> {
    let ids = account_tables.iter().map(|table| account_id(table)).collect::<io::Result<Vec<_>>>()?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let again = written_before(dir)?;
    if !again {
        private(dir, "sluice.toml", &server_file(listen, store_url, entropy))?;
        private(dir, "merchants.toml", &merchants_file(&ids, entropy))?;
    }
    private(dir, "channels.toml", &account_tables.join("\n"))?;
    private(dir, "routing.toml", ROUTING)?;
    private(dir, "limits.toml", "# No limits.\n")
}

/// Whether all files that exist carry our mark and the two that hold secrets are there.
fn written_before(dir: &Path) -> io::Result<bool> {
    let mut found = 0;
    for file in ["sluice.toml", "merchants.toml", "channels.toml", "routing.toml", "limits.toml"] {
        match std::fs::read_to_string(dir.join(file)) {
            Ok(text) if text.starts_with(MARK) => found += i32::from(matches!(file, "sluice.toml" | "merchants.toml")),
            Ok(_) => {
                let reason = format!("{} was not written by this command: choose another folder", dir.join(file).display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(found == 2)
}

fn account_id(table: &str) -> io::Result<String> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let parsed: toml::Table =
        table.parse().map_err(|e: toml::de::Error| invalid(format!("an account table is no TOML: {}", e.message())))?;
    let id = parsed.get("account").and_then(|list| list.get(0)).and_then(|account| account.get("id")).and_then(toml::Value::as_str);
    id.map(str::to_owned).ok_or_else(|| invalid("an account table has no id".into()))
}

fn server_file(listen: &str, store_url: &str, entropy: Entropy<'_>) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    format!(
        "[http]\nlisten = {}\n\n[store]\nurl = {}\nseal_key = \"{}\"\n\n[notify]\nallow_private_addresses = true\n\n\
         [[operator]]\nname = \"admin\"\nrole = \"admin\"\ntoken = \"{}\"\n",
        text(listen),
        text(store_url),
        random_hex(entropy),
        random_hex(entropy),
    )
}

fn merchants_file(accounts: &[String], entropy: Entropy<'_>) -> String {
    let mut file = String::new();
    for (name, title) in [("demo", "Demo merchant"), ("other", "Other merchant")] {
        let store = if name == "demo" { STORE } else { "" };
        let (key, webhook) = (random_hex(entropy), STANDARD.encode(random(entropy)));
        let bindings: String = accounts.iter().map(|id| format!("\n[[merchant.binding]]\naccount = \"{id}\"\n")).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            file,
            "[[merchant]]\nid = \"m_{name}\"\nname = \"{title}\"\nkeys = [{{ id = \"k_{name}\", secret = \"{key}\" }}]\n\
             # No url: only an order's own notify_url is notified. The secret signs those.\n\
             webhook = {{ secret = \"whsec_{webhook}\" }}\n{bindings}{store}\n"
        );
    }
    file
}

fn random(entropy: Entropy<'_>) -> [u8; 32] {
    let mut bytes = [0; 32];
    entropy(&mut bytes);
    bytes
}

fn random_hex(entropy: Entropy<'_>) -> String {
    hex::encode(random(entropy))
}

/// Writes a file that only its owner can read, whatever mode it had, and moves it into place whole.
fn private(dir: &Path, name: &str, content: &str) -> io::Result<()> {
    let draft = dir.join(format!(".{name}.new"));
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    file.write_all(MARK.as_bytes())?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, dir.join(name))
}

#[cfg(test)]
mod tests {
    use super::write_sandbox;
    use crate::config::{Disk, fake, load};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("sluice-write-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&dir));
        dir
    }

    fn counter(start: u8) -> impl FnMut(&mut [u8]) {
        let mut next = start;
        move |bytes| {
            for byte in bytes {
                *byte = next;
                next = next.wrapping_add(1);
            }
        }
    }

    #[test]
    fn the_written_folder_loads_is_private_and_keeps_its_secrets_when_written_again() -> Result<(), Box<dyn std::error::Error>> {
        let dir = folder("loads");
        let account = fake::ACCOUNT_TOML.to_owned();
        write_sandbox(&dir, "127.0.0.1:0", "sqlite:sluice.sqlite", std::slice::from_ref(&account), &mut counter(1))?;
        let read = || load(&dir, &Disk(|_: &str| None), fake::CHANNELS).map_err(|found| format!("{found:?}"));
        let first = read()?;
        assert_eq!(first.merchants.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["m_demo", "m_other"]);
        for merchant in &first.merchants {
            assert_eq!(merchant.bindings.iter().map(|b| b.account.as_str()).collect::<Vec<_>>(), ["wx-main"]);
            assert!(merchant.webhook.as_ref().is_some_and(|w| w.url.is_none()));
        }
        assert!(first.notify.allow_private_addresses && !first.livemode());
        for entry in std::fs::read_dir(&dir)? {
            assert_eq!(entry?.metadata()?.permissions().mode() & 0o777, 0o600);
        }

        write_sandbox(&dir, "127.0.0.1:0", "sqlite:sluice.sqlite", &[account.replace("9101", "9201")], &mut counter(99))?;
        let second = read()?;
        assert_eq!(second.store, first.store);
        assert_eq!(second.accounts.first().map(|a| a.base_url.as_str()), Some("http://127.0.0.1:9201"));
        std::fs::remove_dir_all(&dir)?;
        Ok(())
    }

    #[test]
    fn what_is_commented_out_of_the_written_rules_is_valid() -> Result<(), Box<dyn std::error::Error>> {
        let dir = folder("rules");
        let accounts =
            [fake::ACCOUNT_TOML.to_owned(), fake::ACCOUNT_TOML.replace("wx-main", "wx-second").replace("1900000001", "1900000002")];
        write_sandbox(&dir, "127.0.0.1:0", "sqlite:sluice.sqlite", &accounts, &mut counter(1))?;
        let read = || load(&dir, &Disk(|_: &str| None), fake::CHANNELS).map_err(|found| format!("{found:?}"));
        assert_eq!((read()?.routing.rules.len(), read()?.notes.len()), (0, 0));
        let written = std::fs::read_to_string(dir.join("routing.toml"))?;
        // The first two lines are the mark and a sentence.
        let rules = written.lines().skip(2).map(|line| line.trim_start_matches("# ").trim_start_matches('#'));
        std::fs::write(dir.join("routing.toml"), rules.collect::<Vec<_>>().join("\n"))?;
        let settings = read()?;
        assert_eq!(settings.routing.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["shares"]);
        assert!(settings.notes.is_empty() && settings.routing.guard == Default::default(), "{:?}", settings.notes);
        std::fs::remove_dir_all(&dir)?;
        Ok(())
    }

    #[test]
    fn a_persons_folder_is_not_overwritten() -> Result<(), Box<dyn std::error::Error>> {
        let dir = folder("person");
        std::fs::create_dir_all(&dir)?;
        std::fs::write(dir.join("channels.toml"), "# mine\n")?;
        let refused = write_sandbox(&dir, "127.0.0.1:0", "sqlite:s", &[fake::ACCOUNT_TOML.to_owned()], &mut counter(1));
        assert_eq!(refused.map_err(|e| e.kind()), Err(std::io::ErrorKind::AlreadyExists));
        assert_eq!(std::fs::read_to_string(dir.join("channels.toml"))?, "# mine\n");
        std::fs::remove_dir_all(&dir)?;
        Ok(())
    }
}
