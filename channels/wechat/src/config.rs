//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::keys::{self, Keys};
use crate::profile;
use crate::sign::{ApiKey, Signer};
use crate::v2_sign::SignType;
use aws_lc_rs::digest::{SHA256, digest};
use sluice_contract::{AccountConfig, Identity, Method, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, optional, parsed, url, word};
use sluice_kit::text::{is_alnum, is_digits};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Direct,
    /// 服务商: the account is a service provider, the binding names the sub-merchant.
    Partner,
}

/// What the old XML API needs. `keys`: the one that signs first, then former ones that still verify.
pub(crate) struct V2 {
    pub(crate) keys: Vec<Zeroizing<String>>,
    pub(crate) sign_type: SignType,
    pub(crate) identity: Option<Identity>,
}

/// An opened account. Holds secrets: it is never printed.
pub(crate) struct Account {
    pub(crate) base_url: String,
    /// Payers may live on loopback, and mutual TLS may be missing.
    pub(crate) sandbox: bool,
    pub(crate) mode: Mode,
    /// Whether new barcode orders are made in API v2. Frozen in an attempt's memo, because query and reversal must follow it.
    pub(crate) barcode_by_v2: bool,
    /// Whether refunds of v2 orders are, too.
    pub(crate) refunds_by_v2: bool,
    /// Whether an APP string carries the sub-merchant's number in partner mode (pack §3.7: so per the pages, UNCONFIRMED), or ours.
    pub(crate) sub_is_app_partner: bool,
    pub(crate) signer: Signer,
    /// The app id of each served method.
    pub(crate) app_ids: BTreeMap<Method, String>,
    /// Every app id of the account, the default included.
    pub(crate) known_apps: Vec<String>,
    /// Sent with every request, so that replies come signed with this key (pack §2.3).
    pub(crate) public_key_id: Option<String>,
    pub(crate) keys: Keys,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) v2: Option<V2>,
    /// Silent authorisation (pack §15): where browsers go, where codes are exchanged, and the secret of each app.
    pub(crate) authorize_base_url: String,
    pub(crate) oauth_base_url: String,
    pub(crate) oauth_secrets: BTreeMap<String, Zeroizing<String>>,
    pub(crate) profile: Profile,
}

impl Account {
    pub(crate) fn app_id(&self, method: Method) -> Option<&str> {
        self.app_ids.get(&method).map(String::as_str)
    }
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "mchid app_id app_ids serial_no private_key api_v3_key api_v2_key v2_sign_type v2_refund_api public_key_id public_key \
                     platform_certificates client_certificate mode barcode_api app_partner_id oauth_secret oauth_secrets oauth_base_url \
                     authorize_base_url";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    let methods = account::methods(table, config.methods, profile::METHODS, "WeChat Pay");
    let mode = word(table, "mode", &[("direct", Mode::Direct), ("partner", Mode::Partner)], Mode::Direct);
    let [barcode_by_v2, refunds_by_v2] =
        ["barcode_api", "v2_refund_api"].map(|field| word(table, field, &[("v3", false), ("v2", true)], false));
    let sub_is_app_partner = word(table, "app_partner_id", &[("sub", true), ("sp", false)], true);
    let (app_ids, known_apps) = apps(table, &methods);
    let keys = Keys::default();
    let mut api_keys: Vec<ApiKey> = parsed(table, "api_v3_key", table.need_text("api_v3_key"), api_key).into_iter().collect();
    let public_key_id = platform_keys(table, &keys);
    // An account that only has the public key may be answered 500 for ever (pack §2.3).
    let renews = public_key_id.is_none() || table.raw("platform_certificates").is_some();
    let needs_v2 = barcode_by_v2 && methods.contains(&Method::WechatBarcode);
    let mut v2 = v2(table, config.id, needs_v2, config.sandbox);
    let signer = signer(table);
    // A sandbox that plays the one API plays the other too; the real ones have two hosts.
    let web = table.text("oauth_base_url").unwrap_or("https://open.weixin.qq.com");
    let authorize_base_url = url(table, "authorize_base_url", web);
    let oauth_base_url = url(table, "oauth_base_url", "https://api.weixin.qq.com");
    let oauth_secrets = oauth_secrets(table, app_ids.get(&Method::WechatJsapi));
    let problems = account::finish(config, NAMES, |old| {
        api_keys.extend(parsed(old, "api_v3_key", old.text("api_v3_key").unwrap_or_default(), api_key));
        let _ = platform_keys(old, &keys);
        if let (Some(v2), Some(key)) = (&mut v2, old.text("api_v2_key")) {
            v2.keys.push(Zeroizing::new(key.to_owned()));
        }
    });
    match signer {
        Some(signer) if problems.is_empty() => Ok(Account {
            base_url: config.base_url.to_owned(),
            sandbox: config.sandbox,
            mode,
            barcode_by_v2,
            refunds_by_v2,
            sub_is_app_partner,
            signer,
            app_ids,
            known_apps,
            public_key_id,
            keys,
            api_keys,
            v2,
            authorize_base_url,
            oauth_base_url,
            oauth_secrets,
            profile: profile::of(&methods, mode, renews),
        }),
        _ => Err(problems),
    }
}

fn apps(table: &Reader<'_>, methods: &[Method]) -> (BTreeMap<Method, String>, Vec<String>) {
    let default = optional(table, "app_id", is_app_id, APP_ID);
    let mut by_method = BTreeMap::new();
    let mut known: Vec<String> = default.iter().cloned().collect();
    // A list only says which other ids there are; a table says which method takes which.
    let is_list = table.raw("app_ids").is_some_and(serde_json::Value::is_array);
    let (list, chosen) = if is_list { (table.texts("app_ids"), None) } else { (None, table.table("app_ids")) };
    let list = list.unwrap_or_default();
    if !list.iter().all(|id| is_app_id(id)) {
        table.problem("app_ids", APP_ID);
    }
    known.extend(list.into_iter().map(str::to_owned));
    for method in profile::METHODS {
        let name = method.word().trim_start_matches("wechat_");
        let own = chosen.as_ref().and_then(|table| optional(table, name, is_app_id, APP_ID));
        known.extend(own.clone().filter(|id| !known.contains(id)));
        if !methods.contains(method) {
            continue;
        }
        match own.or_else(|| default.clone()) {
            Some(id) => drop(by_method.insert(*method, id)),
            None => table.problem("app_id", format!("is required, or app_ids.{name}")),
        }
    }
    chosen.iter().for_each(Reader::finish);
    (by_method, known)
}

const APP_ID: &str = "must be 1 to 32 letters and digits";

/// App ids are letters and digits.
pub(crate) fn is_app_id(id: &str) -> bool {
    is_alnum(id, 1..=32)
}

/// A merchant number: digits, at most 32.
pub(crate) fn is_mchid(id: &str) -> bool {
    is_digits(id, 1..=32)
}

fn signer(table: &Reader<'_>) -> Option<Signer> {
    let mchid = checked(table, "mchid", is_mchid, "must be 1 to 32 digits");
    let is_hex = |serial: &str| serial.bytes().all(|b| b.is_ascii_hexdigit());
    let wanted = "must be the hex serial of the merchant API certificate, leading zeros kept";
    let serial_no = checked(table, "serial_no", is_hex, wanted).to_ascii_uppercase();
    Some(Signer { mchid, serial_no, key: account::private_key(table)? })
}

fn api_key(text: &str) -> Result<ApiKey, &'static str> {
    text.as_bytes().try_into().map(Zeroizing::new).map_err(|_| "must be exactly 32 bytes")
}

/// Takes the configured keys of WeChat into `keys`; answers the public key's id.
fn platform_keys(table: &Reader<'_>, keys: &Keys) -> Option<String> {
    for (index, pem) in table.texts("platform_certificates").unwrap_or_default().into_iter().enumerate() {
        match keys::certificate(pem) {
            Ok((serial, key)) => keys.add(serial, Arc::new(key)),
            Err(reason) => table.problem(&format!("platform_certificates[{index}]"), reason),
        }
    }
    let (id, pem) = (table.text("public_key_id"), table.text("public_key"));
    match (id, pem) {
        (Some(_), None) => table.problem("public_key", "is required with public_key_id"),
        (None, Some(_)) => table.problem("public_key_id", "is required with public_key"),
        _ => {}
    }
    let (id, key) = id.zip(account::read(table, "public_key", keys::public_key))?;
    keys.add(id.to_owned(), Arc::new(key));
    Some(id.to_owned())
}

fn v2(table: &Reader<'_>, account: &str, needed: bool, sandbox: bool) -> Option<V2> {
    let key = optional(table, "api_v2_key", |key| key.len() == 32, "must be exactly 32 bytes");
    let sign_type = word(table, "v2_sign_type", &[("HMAC-SHA256", SignType::HmacSha256), ("MD5", SignType::Md5)], SignType::HmacSha256);
    let wanted = "must be the merchant API certificate in PEM, with or without its key";
    let pem = optional(table, "client_certificate", |pem| pem.contains("BEGIN CERTIFICATE"), wanted);
    if needed && pem.is_none() && !sandbox {
        table.problem("client_certificate", "is required with barcode_api = \"v2\": a v2 reversal needs it");
    }
    if needed && key.is_none() {
        table.problem("api_v2_key", "is required with barcode_api = \"v2\"");
    }
    // The id follows the certificate: a renewed one must not reuse the old connections.
    let identity = pem.map(|pem| {
        let print: String = hex::encode(digest(&SHA256, pem.as_bytes())).chars().take(16).collect();
        // It is the certificate of the very key that signs v3 requests: that key completes it.
        let own_key = if pem.contains("PRIVATE KEY") { "" } else { table.text("private_key").unwrap_or_default() };
        Identity { id: format!("{account}-{print}"), pem: format!("{}\n{own_key}", pem.trim_end()) }
    });
    Some(V2 { keys: vec![Zeroizing::new(key?)], sign_type, identity })
}

/// `oauth_secret` is the secret of the app that JSAPI pays in; `oauth_secrets` names those of other apps.
fn oauth_secrets(table: &Reader<'_>, jsapi_app: Option<&String>) -> BTreeMap<String, Zeroizing<String>> {
    let mut secrets = BTreeMap::new();
    if let Some(named) = table.table("oauth_secrets") {
        for app in named.names() {
            secrets.insert(app.to_owned(), Zeroizing::new(named.need_text(app).to_owned()));
        }
    }
    if let (Some(app), Some(secret)) = (jsapi_app, table.text("oauth_secret")) {
        secrets.insert(app.clone(), Zeroizing::new(secret.to_owned()));
    }
    secrets
}
