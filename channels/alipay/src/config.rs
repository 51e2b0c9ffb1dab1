//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::certificate::{self, Certificates};
use crate::codes::PRODUCTS;
use crate::keys::Ring;
use crate::{admit, profile};
use sluice_contract::{AccountConfig, Method, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, optional, parsed, url, word};
use sluice_kit::content::ContentKeys;
use sluice_kit::hosts::{Hosts, host};
pub(crate) use sluice_kit::mode::Mode;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};
use std::collections::BTreeMap;

/// An opened account. Holds secrets: it is never printed.
pub(crate) struct Account {
    pub(crate) gateway: String,
    pub(crate) mode: Mode,
    pub(crate) app_id: String,
    /// Our own 2088 number.
    pub(crate) pid: String,
    pub(crate) key: PrivateKey,
    pub(crate) ring: Ring,
    pub(crate) certificates: Option<Certificates>,
    pub(crate) content: ContentKeys,
    pub(crate) provider_id: Option<String>,
    pub(crate) products: BTreeMap<Method, String>,
    /// Which payer id counts when a reply carries both (pack §13: the kind configured for the account).
    pub(crate) prefers_open_id: bool,
    /// Whose app asks the payer in provider mode: ours, not the merchant's (pack §13; whether a provider's open_id is accepted is
    /// UNCONFIRMED).
    pub(crate) provider_asks: bool,
    pub(crate) authorize_base_url: String,
    pub(crate) bill_hosts: Hosts,
    pub(crate) profile: Profile,
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "app_id pid private_key alipay_public_key app_certificate alipay_certificate alipay_root_certificate encrypt_key mode \
                     sys_service_provider_id products payer_id oauth_app oauth_base_url authorize_base_url bill_hosts refund_window_days";

/// The host that bills are known to come from (pack §2.10).
const BILL_HOST: &str = "dwbillcenter.alipay.com";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let account = opened(config);
    let problems = account::finish(config, NAMES, |_| ());
    account.filter(|_| problems.is_empty()).ok_or(problems)
}

/// Reads every field, whatever is wrong with those before: the key that must be there is asked for last.
fn opened(config: &AccountConfig<'_>) -> Option<Account> {
    let table = &config.credentials;
    let methods = account::methods(table, config.methods, profile::METHODS, "Alipay");
    let mode = Mode::read(table);
    let app_id = checked(table, "app_id", admit::is_app_id, "must be the app's number: 1 to 32 digits");
    let pid = checked(table, "pid", admit::is_pid, "must be the merchant's 2088 number");
    let key = account::private_key(table);
    let by_certificate = table.raw("app_certificate").is_some() || table.raw("alipay_certificate").is_some();
    if !by_certificate && table.raw("alipay_root_certificate").is_some() {
        table.problem("app_certificate", "is required with alipay_root_certificate");
    }
    Some(Account {
        gateway: format!("{}/gateway.do", config.base_url),
        mode,
        app_id,
        pid,
        ring: ring(config, key.as_ref(), by_certificate),
        certificates: if by_certificate { certificates(table, key.as_ref()) } else { None },
        content: ContentKeys::read(config),
        provider_id: optional(table, "sys_service_provider_id", admit::is_pid, "must be the provider's 2088 number"),
        products: products(table),
        prefers_open_id: word(table, "payer_id", &[("user_id", false), ("open_id", true)], false),
        provider_asks: word(table, "oauth_app", &[("merchant", false), ("provider", true)], false),
        authorize_base_url: url(table, "authorize_base_url", table.text("oauth_base_url").unwrap_or("https://openauth.alipay.com")),
        // A sandbox serves its bills itself.
        bill_hosts: Hosts::read(table, "bill_hosts", host(config.base_url).filter(|_| config.sandbox).into_iter().chain([BILL_HOST])),
        profile: profile::of(&methods, mode, days_s(table, "refund_window_days", 365, 3650)),
        key: key?,
    })
}

/// Alipay's keys of both tables, from either kind of credentials: the former ones may be of the other mode.
fn ring(config: &AccountConfig<'_>, own: Option<&PrivateKey>, by_certificate: bool) -> Ring {
    let table = &config.credentials;
    let is_given = table.raw("alipay_public_key").is_some();
    if by_certificate && is_given {
        table.problem("alipay_public_key", "does not go with certificates: an app is in one mode");
    } else if !by_certificate && !is_given {
        table.problem("alipay_public_key", "is required, or app_certificate with alipay_certificate and the root");
    }
    let ring = Ring::new(by_certificate);
    let is_own = |key: &PublicKey| own.is_some_and(|own| own.is_pair(key));
    for table in std::iter::once(table).chain(&config.previous) {
        let plain = account::read(table, "alipay_public_key", |text| match PublicKey::read(text, Strength::Sha256)? {
            // The most frequent mistake there is (pack §9, 1).
            key if is_own(&key) => Err("is the app's own public key: take Alipay's from the console"),
            key => Ok((None, key)),
        });
        let named = account::read(table, "alipay_certificate", |pem| match certificate::read(pem)? {
            found if is_own(&found.key) => Err("is the app's own certificate: take Alipay's"),
            found => Ok((Some(found.sn), found.key)),
        });
        plain.into_iter().chain(named).for_each(|(sn, key)| ring.add(sn, key));
    }
    ring
}

/// Certificate mode: all three files, and the app's must be that of the key that signs.
fn certificates(table: &Reader<'_>, own: Option<&PrivateKey>) -> Option<Certificates> {
    let [app, alipay, roots] = ["app_certificate", "alipay_certificate", "alipay_root_certificate"].map(|field| table.need_text(field));
    let app_sn = parsed(table, "app_certificate", app, |pem| match certificate::read(pem)? {
        app if own.is_some_and(|own| !own.is_pair(&app.key)) => Err("is not the certificate of private_key"),
        app => Ok(app.sn),
    });
    let root_sn = parsed(table, "alipay_root_certificate", roots, certificate::root_sn);
    Some(Certificates { app_sn: app_sn?, root_sn: root_sn?, alipay: alipay.to_owned(), roots: roots.to_owned() })
}

fn products(table: &Reader<'_>) -> BTreeMap<Method, String> {
    let chosen = table.table("products");
    let own = |method: Method| chosen.as_ref()?.text_of(method.word().trim_start_matches("alipay_"), 1, 64);
    let products = PRODUCTS.into_iter().map(|(method, _, default, _)| (method, own(method).unwrap_or(default).to_owned())).collect();
    chosen.iter().for_each(Reader::finish);
    products
}
