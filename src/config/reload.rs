//! What may change under a running gateway: channels, routing, limits, merchants' seeds; never the sockets and the store it
//! stands on, and never whose an account is that has attempts.

use super::{Account, Finding, Settings, Strings};
use std::path::Path;
use std::sync::Arc;

/// Checks freshly loaded settings against the running ones: all or nothing. `in_use` tells whether an account has attempts
/// (the store knows). Options that the command line overrode must be overridden in `new` too before it comes here.
///
/// Accounts whose credentials did not change keep their opened channel, with the keys it has learned since; for the others the
/// caller installs the stored keys again.
pub fn reload(old: &Settings, mut new: Settings, in_use: &dyn Fn(&str) -> bool) -> Result<Settings, Vec<Finding>> {
    let mut findings = restarts(old, &new);
    for account in &old.accounts {
        findings.extend(in_use_change(account, new.account(&account.id), in_use));
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    for account in &mut new.accounts {
        if let Some(same) = old.account(&account.id).filter(|known| known.fingerprint() == account.fingerprint()) {
            *account = Arc::new(account.with_channel_of(same));
        }
    }
    Ok(new)
}

fn restarts(old: &Settings, new: &Settings) -> Vec<Finding> {
    let changed = [
        ("http.listen", old.http.listen != new.http.listen),
        ("http.ops_listen", old.http.ops_listen != new.http.ops_listen),
        ("http.header_deadline_ms", old.http.header_deadline_ms != new.http.header_deadline_ms),
        ("http.body_deadline_ms", old.http.body_deadline_ms != new.http.body_deadline_ms),
        ("store", old.store != new.store),
    ];
    let told = changed.into_iter().filter(|(_, changed)| *changed);
    told.map(|(key, _)| Finding::new("sluice.toml", key, "cannot change while the gateway runs: restart it")).collect()
}

fn in_use_change(old: &Account, new: Option<&Arc<Account>>, in_use: &dyn Fn(&str) -> bool) -> Option<Finding> {
    let what = match new {
        None => "removed",
        Some(new) if new.identity() != old.identity() => "given to another channel or merchant",
        Some(_) => return None,
    };
    let reason = format!("ACCOUNT_IN_USE: has attempts and cannot be {what}; set state = \"disabled\" and add a new account instead");
    in_use(&old.id).then(|| Finding::new("channels.toml", &format!("account {}", old.id), reason))
}

/// Accounts with attempts that `channels.toml` no longer names, told even when the folder as a whole cannot be loaded. A file that is
/// no TOML names nothing, and its own findings say enough.
#[must_use]
pub fn removed_in_use(dir: &Path, strings: &dyn Strings, old: &Settings, in_use: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let Some(table) = strings.file(&dir.join("channels.toml")).ok().and_then(|text| text.parse::<toml::Table>().ok()) else {
        return Vec::new();
    };
    let accounts = table.get("account").and_then(toml::Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = |id: &str| accounts.iter().any(|account| account.get("id").and_then(toml::Value::as_str) == Some(id));
    old.accounts.iter().filter(|account| !named(&account.id)).filter_map(|account| in_use_change(account, None, in_use)).collect()
}
