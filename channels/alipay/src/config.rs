//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::keys::Ring;
use crate::{admit, certificate, profile};
use sluice_contract::{AccountConfig, Method, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, optional, url, word};
use sluice_kit::aes::AesKey;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Direct,
    /// 服务商: our app calls for merchants, each with its token (pack §4).
    Provider,
}

/// Which payer id counts when a reply carries both (pack §13: the kind configured for the account).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayerId {
    UserId,
    OpenId,
}

/// Whose app asks the payer in provider mode (pack §13; whether a provider's open_id is accepted is UNCONFIRMED).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OauthApp {
    Merchant,
    Provider,
}

/// What certificate mode adds to requests, and what a re-issued certificate is judged by.
pub(crate) struct Certificates {
    pub(crate) app_sn: String,
    pub(crate) root_sn: String,
    pub(crate) alipay: String,
    pub(crate) roots: String,
}

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
    /// The one that encrypts first, then former ones that still decrypt.
    pub(crate) encrypt_keys: Vec<AesKey>,
    pub(crate) provider_id: Option<String>,
    pub(crate) products: BTreeMap<Method, String>,
    pub(crate) payer_id: PayerId,
    pub(crate) oauth_app: OauthApp,
    pub(crate) authorize_base_url: String,
    pub(crate) bill_hosts: Vec<String>,
    pub(crate) profile: Profile,
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "app_id pid private_key alipay_public_key app_certificate alipay_certificate alipay_root_certificate encrypt_key mode \
                     sys_service_provider_id products payer_id oauth_app oauth_base_url authorize_base_url bill_hosts refund_window_days";

/// What the pack gives each product (§2). For QR it names two: the face-to-face default stands here, `QR_CODE_OFFLINE` (订单码) is a
/// setting. That JSAPI takes `JSAPI_PAY` instead is UNCONFIRMED.
const PRODUCTS: [(Method, &str); 6] = [
    (Method::AlipayQr, "FACE_TO_FACE_PAYMENT"),
    (Method::AlipayBarcode, "FACE_TO_FACE_PAYMENT"),
    (Method::AlipayJsapi, "FACE_TO_FACE_PAYMENT"),
    (Method::AlipayWap, "QUICK_WAP_WAY"),
    (Method::AlipayPage, "FAST_INSTANT_TRADE_PAY"),
    (Method::AlipayApp, "QUICK_MSECURITY_PAY"),
];

/// The host that bills are known to come from (pack §2.10).
const BILL_HOST: &str = "dwbillcenter.alipay.com";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    let methods = account::methods(table, config.methods, profile::METHODS, "Alipay");
    let mode = word(table, "mode", &[("direct", Mode::Direct), ("provider", Mode::Provider)], Mode::Direct);
    let payer_id = word(table, "payer_id", &[("user_id", PayerId::UserId), ("open_id", PayerId::OpenId)], PayerId::UserId);
    let oauth_app = word(table, "oauth_app", &[("merchant", OauthApp::Merchant), ("provider", OauthApp::Provider)], OauthApp::Merchant);
    let app_id = checked(table, "app_id", admit::is_app_id, "must be the app's number: 1 to 32 digits");
    let pid = checked(table, "pid", admit::is_pid, "must be the merchant's 2088 number");
    let provider_id = optional(table, "sys_service_provider_id", admit::is_pid, "must be the provider's 2088 number");
    let key = account::private_key(table);
    let by_certificate = table.raw("app_certificate").is_some() || table.raw("alipay_certificate").is_some();
    let ring = Ring::new(by_certificate);
    alipay_keys(table, &ring, key.as_ref(), !by_certificate);
    let certificates = if by_certificate { certificates(table, key.as_ref()) } else { roots_alone(table) };
    let encrypt_key = |table: &Reader<'_>| account::read(table, "encrypt_key", AesKey::read);
    let mut encrypt_keys: Vec<AesKey> = encrypt_key(table).into_iter().collect();
    let products = products(table);
    let web = table.text("oauth_base_url").unwrap_or("https://openauth.alipay.com");
    let authorize_base_url = url(table, "authorize_base_url", web);
    let refund_window_s = days_s(table, "refund_window_days", 365, 3650);
    let bill_hosts = bill_hosts(config);
    let problems = account::finish(config, NAMES, |old| {
        encrypt_keys.extend(encrypt_key(old));
        alipay_keys(old, &ring, None, false);
    });
    match key {
        Some(key) if problems.is_empty() => Ok(Account {
            gateway: format!("{}/gateway.do", config.base_url),
            mode,
            app_id,
            pid,
            key,
            ring,
            certificates,
            encrypt_keys,
            provider_id,
            products,
            payer_id,
            oauth_app,
            authorize_base_url,
            bill_hosts,
            profile: profile::of(&methods, mode, refund_window_s),
        }),
        _ => Err(problems),
    }
}

/// Takes the configured keys of Alipay into the ring, from either kind of credentials.
fn alipay_keys(table: &Reader<'_>, ring: &Ring, own: Option<&PrivateKey>, required: bool) {
    let is_own = |key: &PublicKey| own.is_some_and(|own| own.is_pair(key));
    match table.text("alipay_public_key") {
        Some(_) if !required && own.is_some() => table.problem("alipay_public_key", "does not go with certificates: an app is in one mode"),
        Some(text) => match PublicKey::read(text, Strength::Sha256) {
            // The most frequent mistake there is (pack §9, 1).
            Ok(key) if is_own(&key) => table.problem("alipay_public_key", "is the app's own public key: take Alipay's from the console"),
            Ok(key) => ring.add(None, key),
            Err(reason) => table.problem("alipay_public_key", reason),
        },
        None if required => table.problem("alipay_public_key", "is required, or app_certificate with alipay_certificate and the root"),
        None => {}
    }
    match table.text("alipay_certificate").map(certificate::read) {
        Some(Ok(found)) if is_own(&found.key) => table.problem("alipay_certificate", "is the app's own certificate: take Alipay's"),
        Some(Ok(found)) => ring.add(Some(found.sn), found.key),
        Some(Err(reason)) => table.problem("alipay_certificate", reason),
        None => {}
    }
}

/// Certificate mode: all three files, and the app's must be that of the key that signs.
fn certificates(table: &Reader<'_>, own: Option<&PrivateKey>) -> Option<Certificates> {
    let [app, alipay, roots] = ["app_certificate", "alipay_certificate", "alipay_root_certificate"].map(|field| table.need_text(field));
    let refuse = |field: &str, reason: &str| table.problem(field, reason);
    let app = certificate::read(app).map_err(|reason| refuse("app_certificate", reason)).ok()?;
    if own.is_some_and(|own| !own.is_pair(&app.key)) {
        refuse("app_certificate", "is not the certificate of private_key");
    }
    let root_sn = certificate::root_sn(roots).map_err(|reason| refuse("alipay_root_certificate", reason)).ok()?;
    Some(Certificates { app_sn: app.sn, root_sn, alipay: alipay.to_owned(), roots: roots.to_owned() })
}

fn roots_alone(table: &Reader<'_>) -> Option<Certificates> {
    if table.raw("alipay_root_certificate").is_some() {
        table.problem("app_certificate", "is required with alipay_root_certificate");
    }
    None
}

fn products(table: &Reader<'_>) -> BTreeMap<Method, String> {
    let chosen = table.table("products");
    let code = |(method, default): (Method, &str)| {
        let own = chosen.as_ref().and_then(|table| table.text_of(method.word().trim_start_matches("alipay_"), 1, 64));
        (method, own.unwrap_or(default).to_owned())
    };
    let products = PRODUCTS.into_iter().map(code).collect();
    chosen.iter().for_each(Reader::finish);
    products
}

/// Hosts (with port, where it is not the scheme's own) that a bill may be fetched from. A sandbox serves its bills itself.
fn bill_hosts(config: &AccountConfig<'_>) -> Vec<String> {
    let given = config.credentials.texts("bill_hosts").unwrap_or_default();
    let mut hosts: Vec<String> = given.into_iter().map(str::to_ascii_lowercase).collect();
    if hosts.iter().any(|host| host.is_empty() || host.contains(['/', '@', '?', '#', ' '])) {
        config.credentials.problem("bill_hosts", "must be host names, with a port where needed");
    }
    hosts.push(BILL_HOST.to_owned());
    if config.sandbox
        && let Some((_, rest)) = config.base_url.split_once("://")
    {
        hosts.push(rest.split('/').next().unwrap_or_default().to_ascii_lowercase());
    }
    hosts
}
