//! Opening accounts: every problem is told, with its key.

use super::{APP, opened, partner, pem, with};
use crate::config::Account;
use serde_json::{Value, json};
use sluice_contract::{AccountConfig, Channel, Method, Notes, Problem, Reader};

fn problems(tree: &Value) -> Vec<String> {
    match opened(tree, false) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|p: Problem| p.field).collect(),
    }
}

fn account(changes: Value) -> Account {
    opened(&with(changes), false).unwrap_or_else(|p| panic!("{p:?}"))
}

#[test]
fn an_empty_table_names_everything_that_is_required() {
    let found = problems(&json!({}));
    for field in ["mchid", "app_id", "serial_no", "private_key", "api_v3_key"] {
        assert!(found.iter().any(|f| f == field), "{field}: {found:?}");
    }
}

#[test]
fn each_mistake_is_told_with_its_key_and_no_secret() {
    let secret = "sk-very-secret-value";
    for (field, changes) in [
        ("mchid", json!({"mchid": "wx"})),
        ("serial_no", json!({"serial_no": "not hex"})),
        ("private_key", json!({"private_key": secret})),
        ("api_v3_key", json!({"api_v3_key": secret})),
        ("api_v2_key", json!({"api_v2_key": secret})),
        ("public_key", json!({"public_key": secret})),
        ("public_key", json!({"public_key": null})),
        ("public_key_id", json!({"public_key_id": null})),
        ("platform_certificates[1]", json!({"platform_certificates": [pem("platform", "certificate_pem"), secret]})),
        ("client_certificate", json!({"client_certificate": secret})),
        ("mode", json!({"mode": "both"})),
        ("barcode_api", json!({"barcode_api": "v4"})),
        ("v2_sign_type", json!({"v2_sign_type": "SHA1"})),
        ("oauth_base_url", json!({"oauth_base_url": "https://api.weixin.qq.com/"})),
        ("app_id", json!({"app_id": "wx 1"})),
        ("app_ids.jsapi", json!({"app_ids": {"jsapi": ""}})),
        ("app_ids.web", json!({"app_ids": {"web": "wx1"}})),
        ("typo", json!({"typo": 1})),
        ("client_certificate", json!({"barcode_api": "v2", "client_certificate": null})),
        ("api_v2_key", json!({"barcode_api": "v2", "api_v2_key": null})),
    ] {
        let tree = with(changes.clone());
        let found = opened(&tree, false).err().unwrap_or_else(|| panic!("{changes} was taken"));
        assert!(found.iter().any(|p| p.field == field), "{field}: {found:?}");
        assert!(!format!("{found:?}").contains(secret));
    }
}

#[test]
fn all_problems_come_at_once() {
    let found = problems(&with(json!({"mchid": "x", "mode": "y", "api_v3_key": "z", "previous": {"public_key": "w", "nonsense": 1}})));
    for field in ["mchid", "mode", "api_v3_key", "public_key_id", "nonsense"] {
        assert!(found.iter().any(|f| f == field), "{field}: {found:?}");
    }
}

#[test]
fn app_ids_are_a_table_by_method_or_a_list_of_more() {
    let table = account(
        json!({"app_id": null, "app_ids": {"native": "wx1", "jsapi": "wx2", "mini": "wx3", "app": "wx4", "h5": "wx5", "barcode": "wx6"}}),
    );
    assert_eq!((table.app_id(Method::WechatH5), table.known_apps.len()), (Some("wx5"), 6));
    let list = account(json!({"app_ids": ["wx1", "wx2"]}));
    assert_eq!((list.app_id(Method::WechatH5), list.known_apps.len()), (Some(APP), 3));
    assert!(problems(&with(json!({"app_id": null, "app_ids": {"native": "wx1"}}))).contains(&"app_id".to_owned()));
}

#[test]
fn a_client_certificate_without_its_key_is_completed_by_the_merchants() {
    let identity = account(json!({})).v2.unwrap().identity.unwrap();
    assert!(identity.pem.contains("BEGIN CERTIFICATE") && identity.pem.contains("PRIVATE KEY"));
    assert!(identity.id.starts_with("wx-main-"));
    let other = account(json!({"client_certificate": pem("platform", "certificate_pem")})).v2.unwrap().identity.unwrap();
    assert_ne!(identity.id, other.id);
}

#[test]
fn former_platform_keys_still_verify() {
    let old = account(json!({
        "platform_certificates": null, "public_key": null, "public_key_id": null,
        "previous": {"platform_certificates": [pem("platform", "certificate_pem")], "private_key": "whatever it was", "mchid": "1"},
    }));
    assert!(old.keys.get(super::SERIAL, super::NOW).is_some());
    assert_eq!(old.signer.mchid, "1900000100");
}

#[test]
fn a_profile_lists_what_is_served_and_nothing_else() {
    let tree = with(json!({}));
    let config = |methods| AccountConfig {
        id: "wx-main",
        base_url: "https://api.mch.weixin.qq.com",
        sandbox: false,
        methods,
        credentials: Reader::root("credentials", &tree),
        previous: None,
    };
    let one = crate::open(config(Some(&[Method::WechatNative]))).unwrap_or_else(|p| panic!("{p:?}"));
    assert!(one.profile().method(Method::WechatNative).is_some() && one.profile().method(Method::WechatH5).is_none());
    let foreign = crate::open(config(Some(&[Method::AlipayQr]))).err().unwrap();
    assert_eq!(foreign[0].field, "methods");
    let all = crate::open(config(None)).unwrap_or_else(|p| panic!("{p:?}"));
    let profile = all.profile();
    assert_eq!(profile.methods.len(), 6);
    for method in &profile.methods {
        let barcode = method.method.is_barcode();
        assert_eq!(
            (method.can_close, method.reverse.is_some(), method.calls_back, method.can_repeat),
            (!barcode, barcode, !barcode, !barcode)
        );
        assert!(method.query_at_s.is_sorted() && !method.query_at_s.is_empty());
    }
    assert_eq!(profile.renew_every_s, Some(43_200));
    assert_eq!(super::wechat(json!({"platform_certificates": null})).profile().renew_every_s, None);
}

#[test]
fn the_sub_table_is_checked() {
    let sub = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Notes>();
    let fields = |wechat: &crate::Wechat, pairs| wechat.check_sub(&sub(pairs)).into_iter().map(|p| p.field).collect::<Vec<_>>();
    let partner = partner();
    assert!(fields(&partner, &[("sub_mchid", "1900000109"), ("sub_appid", "wx1")]).is_empty());
    assert_eq!(fields(&partner, &[]), ["sub_mchid"]);
    assert_eq!(fields(&partner, &[("sub_mchid", "x"), ("sub_appid", "w x"), ("pid", "1")]), ["pid", "sub_mchid", "sub_appid"]);
    assert_eq!(fields(&super::direct(), &[("sub_mchid", "1900000109")]), ["sub_mchid"]);
    assert!(partner.sub_keys(&sub(&[("sub_mchid", "1")])).items.is_empty());
}
