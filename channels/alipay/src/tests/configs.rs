//! Credentials: every problem is named, and what is opened is what was meant.

use super::{APP, alipay_public_key, app_key, certs, credentials, opened, other_key, with};
use crate::config::Mode;
use serde_json::{Value, json};
use sluice_contract::{AccountConfig, Method, Reader};

fn fields(tree: &Value) -> Vec<String> {
    opened(tree, false).err().unwrap_or_default().into_iter().map(|problem| problem.field).collect()
}

#[test]
fn complete_credentials_open() {
    let account = opened(&credentials(), false).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(account.gateway, "https://openapi.alipay.com/gateway.do");
    assert_eq!((account.mode, account.app_id.as_str(), account.profile.methods.len()), (Mode::Direct, APP, 6));
    assert!(account.profile.sub_fields.is_empty() && account.certificates.is_none());
}

#[test]
fn nothing_given_is_everything_missing() {
    assert_eq!(fields(&json!({})), ["app_id", "pid", "private_key", "alipay_public_key"]);
}

#[test]
fn each_wrong_value_is_its_own_problem() {
    for (change, field) in [
        (json!({"app_id": "wx123"}), "app_id"),
        (json!({"pid": "1088000000000001"}), "pid"),
        (json!({"pid": "2088"}), "pid"),
        (json!({"private_key": "AAAA"}), "private_key"),
        (json!({"private_key": alipay_public_key()}), "private_key"),
        (json!({"alipay_public_key": "AAAA"}), "alipay_public_key"),
        (json!({"encrypt_key": "c2hvcnQ="}), "encrypt_key"),
        (json!({"mode": "partner"}), "mode"),
        (json!({"sys_service_provider_id": "12"}), "sys_service_provider_id"),
        (json!({"products": {"qr": ""}}), "products.qr"),
        (json!({"products": {"tv": "X"}}), "products.tv"),
        (json!({"payer_id": "both"}), "payer_id"),
        (json!({"oauth_app": "mine"}), "oauth_app"),
        (json!({"authorize_base_url": "https://x.example/"}), "authorize_base_url"),
        (json!({"bill_hosts": ["https://x.example/"]}), "bill_hosts"),
        (json!({"refund_window_days": 0}), "refund_window_days"),
        (json!({"alipay_root_certificate": "x"}), "app_certificate"),
        (json!({"surprise": 1}), "surprise"),
        (json!({"previous": {"alipay_public_key": "AAAA"}}), "alipay_public_key"),
        (json!({"previous": {"surprise": "x"}}), "surprise"),
    ] {
        assert_eq!(fields(&with(change.clone())), [field], "{change}");
    }
}

#[test]
fn the_apps_own_public_key_in_the_place_of_alipays_is_found_out() {
    let file = super::vectors!("request_sign");
    let own = super::str_of(&file, "app_public_key_spki_b64");
    assert_eq!(fields(&with(json!({"alipay_public_key": own}))), ["alipay_public_key"]);
}

#[test]
fn a_former_key_of_alipays_may_not_be_our_own_either() {
    let own = super::str_of(&super::vectors!("request_sign"), "app_public_key_spki_b64").to_owned();
    assert_eq!(fields(&with(json!({"previous": {"alipay_public_key": own}}))), ["alipay_public_key"]);
    assert_eq!(fields(&with(json!({"previous": {"alipay_certificate": certs::files().app}}))), ["alipay_certificate"]);
}

#[test]
fn certificate_mode_wants_all_three_files_and_the_right_ones() {
    let files = certs::files();
    let tree = certs::credentials();
    let account = opened(&tree, false).unwrap_or_else(|p| panic!("{p:?}"));
    let found = account.certificates.unwrap();
    assert_eq!((found.app_sn.len(), found.root_sn.len()), (32, 32));
    let change = |name: &str, value: Value| {
        let mut tree = tree.clone();
        tree[name] = value;
        fields(&tree)
    };
    assert!(change("alipay_root_certificate", Value::Null).contains(&"alipay_root_certificate".to_owned()));
    assert!(change("alipay_certificate", Value::Null).contains(&"alipay_certificate".to_owned()));
    assert!(change("app_certificate", Value::Null).contains(&"app_certificate".to_owned()));
    assert_eq!(change("app_certificate", json!(files.alipay)), ["app_certificate"], "not of our key");
    assert_eq!(change("alipay_certificate", json!(files.app)), ["alipay_certificate"], "our own");
    assert_eq!(change("alipay_public_key", json!(alipay_public_key())), ["alipay_public_key"], "an app is in one mode");
    assert_eq!(change("private_key", json!(other_key())), ["app_certificate"]);
}

#[test]
fn pem_and_bare_base64_are_one_key() {
    let wrap = |label: &str, text: &str| format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n");
    let tree = with(json!({
        "private_key": wrap("PRIVATE KEY", &app_key()), "alipay_public_key": wrap("PUBLIC KEY", &alipay_public_key()),
    }));
    assert!(opened(&tree, false).is_ok());
}

#[test]
fn only_methods_of_this_channel_are_served() {
    let tree = credentials();
    let read = |methods: &[Method]| {
        crate::config::read(&AccountConfig {
            id: "ali-main",
            base_url: "https://openapi.alipay.com",
            sandbox: false,
            methods: Some(methods),
            credentials: Reader::root("credentials", &tree),
            previous: None,
        })
    };
    let one = read(&[Method::AlipayQr]).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(one.profile.methods.len(), 1);
    assert!(read(&[Method::WechatNative]).is_err());
}
