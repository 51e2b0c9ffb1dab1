//! Opening accounts: every problem is told, with its key.

use super::{AES, GATEWAY, PAIR, opened, sign, with};
use crate::config::{Account, Family};
use serde_json::{Value, json};
use sluice_contract::{AccountConfig, Method, NotFoundFrom, Reader};
use sluice_kit::aes::AesKey;

fn problems(changes: Value, methods: Option<&[Method]>) -> Vec<String> {
    match opened(&with(changes), false, methods) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.field).collect(),
    }
}

fn account(changes: Value) -> Account {
    opened(&with(changes), false, None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn an_empty_table_names_everything_that_is_required() {
    let Err(found) = opened(&json!({}), false, None) else { panic!("it opened") };
    let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
    for field in ["app_id", "mer_id", "private_key", "gateway_public_key"] {
        assert!(fields.contains(&field), "{field}: {fields:?}");
    }
}

#[test]
fn each_mistake_is_told_with_its_key_and_no_secret() {
    let secret = "sk-very-secret-value";
    for (field, changes) in [
        ("app_id", json!({"app_id": "app"})),
        ("mer_id", json!({"mer_id": "0200010200011"})),
        ("private_key", json!({"private_key": secret})),
        ("gateway_public_key", json!({"gateway_public_key": secret})),
        ("encrypt_key", json!({"encrypt_key": secret})),
        ("mode", json!({"mode": "both"})),
        ("qr_family", json!({"qr_family": "C"})),
        ("sign_type", json!({"sign_type": "RSA"})),
        ("sign_type", json!({"sign_type": "SM2"})),
        ("notify_type", json!({"notify_type": "XX"})),
        ("result_type", json!({"result_type": "2"})),
        ("notify_path", json!({"notify_path": "notify"})),
        ("notify_path", json!({"notify_path": "/notify?x=1"})),
        ("code_400019", json!({"code_400019": "paid"})),
        ("reverse_day_ends_at", json!({"reverse_day_ends_at": "24:01"})),
        ("reverse_day_ends_at", json!({"reverse_day_ends_at": "9:00"})),
        ("refund_window_days", json!({"refund_window_days": 0})),
        ("refund_can_repeat", json!({"refund_can_repeat": "yes"})),
        ("colour", json!({"colour": "red"})),
    ] {
        let Err(found) = opened(&with(changes.clone()), false, None) else { panic!("{changes} opened") };
        assert_eq!(found.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), [field], "{changes}");
        assert!(!format!("{found:?}").contains(secret), "{found:?}");
    }
}

#[test]
fn a_sha1_signature_of_ours_is_refused_with_the_reason() {
    let Err(found) = opened(&with(json!({"sign_type": "RSA"})), false, None) else { panic!("it opened") };
    assert!(found[0].reason.contains("SHA-1"), "{found:?}");
    assert!(opened(&with(json!({"sign_type": "RSA2"})), false, None).is_ok());
}

#[test]
fn what_aggregate_acquiring_needs_is_asked_for_only_where_it_is_served() {
    assert_eq!(problems(json!({"mer_prtcl_no": null}), None), Vec::<String>::new());
    assert_eq!(problems(json!({"mer_prtcl_no": null, "qr_family": "B"}), None), ["mer_prtcl_no"]);
    assert_eq!(problems(json!({"mer_prtcl_no": null}), Some(&[Method::AlipayJsapi])), ["mer_prtcl_no"]);
    assert_eq!(problems(json!({"mer_prtcl_no": null, "mode": "provider"}), Some(&[Method::AlipayJsapi])), Vec::<String>::new());
    assert_eq!(problems(json!({"shop_appid": null}), Some(&[Method::WechatMini])), ["shop_appid"]);
    assert_eq!(problems(json!({}), Some(&[Method::CmbQr])), ["methods"]);
}

#[test]
fn an_account_without_a_list_serves_icbcs_own_methods() {
    let profile = account(json!({})).profile;
    let methods: Vec<Method> = profile.methods.iter().map(|m| m.method).collect();
    assert_eq!(methods, [Method::IcbcQr, Method::IcbcBarcode, Method::IcbcH5, Method::IcbcApp]);
    assert!(profile.statement.is_none() && profile.sub_fields.is_empty());
}

#[test]
fn the_profile_follows_the_family_and_the_settings() {
    let method = |changes: Value, method: Method| account(changes).profile.method(method).cloned().unwrap();
    let a = method(json!({}), Method::IcbcQr);
    let b = method(json!({"qr_family": "B"}), Method::IcbcQr);
    assert_eq!((a.can_close, a.expires_in_min_s, a.calls_back), (false, 60, true));
    assert_eq!((b.can_close, b.expires_in_min_s, b.calls_back), (true, 61, true));
    assert_eq!((a.not_found_from, a.can_repeat, a.expires_in_max_s), (NotFoundFrom::Payer, false, 86_399));
    assert!(!method(json!({"qr_family": "B", "notify_type": "AG"}), Method::IcbcQr).calls_back);
    assert!(method(json!({}), Method::IcbcH5).can_repeat);
    let barcode = method(json!({}), Method::IcbcBarcode);
    assert_eq!(barcode.reverse.map(|rule| rule.day_ends_at_s), Some(None));
    assert_eq!((barcode.can_close, barcode.calls_back, barcode.not_found_from), (false, false, NotFoundFrom::Call));
    let ends = method(json!({"reverse_day_ends_at": "23:30"}), Method::IcbcBarcode).reverse.unwrap().day_ends_at_s;
    assert_eq!(ends, Some(84_600));
    let refund = account(json!({})).profile.refund;
    assert_eq!((refund.can_repeat, refund.not_found_final_after_s, refund.window_s), (false, None, 365 * 86_400));
    let refund = account(json!({"refund_can_repeat": true, "refund_window_days": 30})).profile.refund;
    assert_eq!((refund.can_repeat, refund.not_found_final_after_s, refund.window_s), (true, Some(300), 30 * 86_400));
}

#[test]
fn keys_are_read_as_pem_too() {
    let pem = |label: &str, bare: &str| format!("-----BEGIN {label}-----\n{bare}\n-----END {label}-----\n");
    let tree = json!({"private_key": pem("PRIVATE KEY", &PAIR.0), "gateway_public_key": pem("PUBLIC KEY", &GATEWAY), "qr_family": "B"});
    assert_eq!(account(tree).qr_family, Family::B);
}

#[test]
fn the_credentials_before_the_last_change_verify_and_decrypt_and_never_encrypt() {
    let old_aes = "AAECAwQFBgcICQoLDA0ODw==";
    let tree = json!({"previous": {"gateway_public_key": *GATEWAY, "encrypt_key": old_aes, "app_id": "1", "private_key": "gone"}});
    let account = account(tree);
    let sealed = AesKey::read(old_aes).unwrap().seal(b"{}").unwrap();
    assert_eq!(account.keys.open(&sealed).as_deref(), Some(b"{}".as_slice()));
    assert!(account.keys.content.is_none(), "a former key must not encrypt");
    assert_eq!(account.keys.gateway.len(), 2);
    assert_eq!(account.key.sign(b"x").unwrap(), sign("x"), "the present key signs");
    let unknown = json!({"previous": {"colour": 1}});
    assert_eq!(problems(unknown, None), ["colour"]);
    assert_eq!(problems(json!({"previous": {"encrypt_key": "x"}, "encrypt_key": AES}), None), ["encrypt_key"]);
}

#[test]
fn open_answers_a_channel_or_the_problems() {
    let open = |tree: &Value| {
        crate::open(AccountConfig {
            id: "icbc-main",
            base_url: "https://gw.open.icbc.com.cn",
            sandbox: false,
            methods: None,
            credentials: Reader::root("credentials", tree),
            previous: None,
        })
    };
    assert_eq!(open(&with(json!({}))).map(|channel| channel.profile().channel).ok(), Some("icbc"));
    assert!(open(&json!({})).is_err());
}
