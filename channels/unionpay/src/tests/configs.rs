//! What a person may write into the credentials, and what we tell about it.

use super::{BASE, cert, key, opened, with};
use crate::config::Access;
use crate::sign::Signer;
use serde_json::{Value, json};
use sluice_contract::{AccountConfig, Channel, Method, Reader};

fn problems(changes: Value) -> Vec<String> {
    let found = opened(&with(changes), false).err().unwrap_or_default();
    found.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn a_full_table_opens() {
    let account = opened(&with(json!({})), false).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(
        (account.access, account.base_url.as_str(), account.file_base_url.as_str()),
        (Access::Direct, BASE, "https://filedownload.95516.com")
    );
    assert!(matches!(&account.signer, Signer::Rsa { cert_id, .. } if cert_id == "69910000021"));
    assert_eq!(account.profile.renew_every_s, Some(86_400));
    let sandbox = opened(&with(json!({"encrypt_certificate": null})), true).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(sandbox.file_base_url, BASE);
    assert_eq!(sandbox.profile.renew_every_s, None, "nothing to renew without the encryption permission");
}

#[test]
fn every_problem_is_told_with_its_key() {
    for (changes, expected) in [
        (json!({"mer_id": null}), "mer_id"),
        (json!({"mer_id": "123"}), "mer_id"),
        (json!({"mer_id": "77729005811004-"}), "mer_id"),
        (json!({"sign_method": "02"}), "sign_method"),
        (json!({"sign_method": "11"}), "secure_key"),
        (json!({"sign_method": "12", "secure_key": ""}), "secure_key"),
        (json!({"private_key": null}), "private_key"),
        (json!({"private_key": "nonsense"}), "private_key"),
        (json!({"certificate": null}), "certificate"),
        (json!({"certificate": "nonsense"}), "certificate"),
        (json!({"certificate": cert("sandbox_a.upsign")}), "certificate"),
        (json!({"root_certificate": null}), "root_certificate"),
        (json!({"middle_certificate": null}), "middle_certificate"),
        (json!({"root_certificate": cert("sandbox_a.upsign")}), "root_certificate"),
        (json!({"middle_certificate": cert("sandbox_a.merchant")}), "middle_certificate"),
        (json!({"root_certificate": cert("sandbox_a.evil_root")}), "middle_certificate"),
        (
            json!({"root_certificate": cert("published_test_root"), "middle_certificate": cert("published_test_middle")}),
            "middle_certificate",
        ),
        (json!({"allow_test_signer": true}), "allow_test_signer"),
        (json!({"encrypt_certificate": key("sandbox_a.upenc")}), "encrypt_certificate"),
        (json!({"file_base_url": "ftp://x"}), "file_base_url"),
        (json!({"access_type": "3"}), "access_type"),
        (json!({"access_type": "1", "acq_ins_code": "00010000", "mer_name": "n", "mer_abbr": "a"}), "mer_cat_code"),
        (json!({"txn_time_tolerance_s": 1}), "txn_time_tolerance_s"),
        (json!({"refund_days": 331}), "refund_days"),
        (json!({"qr_refund_days": 0}), "qr_refund_days"),
        (json!({"unknown": "x"}), "unknown"),
        (json!({"previous": {"root_certificate": "x"}}), "previous.middle_certificate"),
        (json!({"previous": {"unknown": "x"}}), "previous.unknown"),
    ] {
        let found = problems(changes.clone());
        let short = expected.trim_start_matches("previous.");
        assert!(found.iter().any(|field| field == expected || field == short), "{expected}: {found:?}");
    }
    assert_eq!(problems(json!({"mer_id": null, "private_key": null, "root_certificate": null})).len(), 3);
}

#[test]
fn the_sha1_chain_of_the_test_environment_opens_for_sandboxes_and_by_the_switch() {
    let published = json!({"root_certificate": cert("published_test_root"), "middle_certificate": cert("published_test_middle")});
    assert!(opened(&with(published.clone()), true).is_ok());
    assert!(opened(&with(published.clone()), false).is_err());
    let mut by_switch = published;
    by_switch["allow_sha1_chain"] = json!(true);
    assert!(opened(&with(by_switch.clone()), false).is_ok());
    by_switch["allow_sha1_chain"] = json!(false);
    assert!(opened(&with(by_switch), true).is_err());
}

#[test]
fn a_secure_key_account_needs_no_certificates() {
    let bare = json!({"sign_method": "11", "secure_key": "k", "private_key": null, "certificate": null, "root_certificate": null,
        "middle_certificate": null});
    assert!(opened(&with(bare), false).is_ok());
}

#[test]
fn only_methods_of_unionpay_are_served() {
    let tree = with(json!({}));
    let open = |methods: &[Method]| {
        crate::open(AccountConfig {
            id: "up-main",
            base_url: BASE,
            sandbox: false,
            methods: Some(methods),
            credentials: Reader::root("credentials", &tree),
            previous: None,
        })
    };
    let channel = open(&[Method::UnionpayQr]).unwrap_or_else(|p| panic!("{p:?}"));
    assert_eq!(channel.profile().methods.iter().map(|m| m.method).collect::<Vec<_>>(), [Method::UnionpayQr]);
    assert!(open(&[Method::WechatNative]).is_err());
}

#[test]
fn a_platforms_binding_names_its_sub_merchant_and_a_direct_one_nothing() {
    let platform = super::unionpay(json!({"access_type": "2"}));
    let sub = super::notes(&json!({"sub_mer_id": "S1", "sub_mer_name": "测试商户", "sub_mer_abbr": "测试"}));
    assert!(platform.check_sub(&sub).is_empty());
    assert_eq!(platform.check_sub(&sluice_contract::Notes::new()).len(), 3);
    for (name, value) in [("sub_mer_id", "a-b"), ("sub_mer_name", ""), ("sub_mer_name", "a&b"), ("sub_mer_abbr", " x"), ("other", "x")] {
        let mut bent = sub.clone();
        bent.insert(name.into(), value.into());
        assert!(!platform.check_sub(&bent).is_empty(), "{name}={value}");
    }
    assert!(!super::direct().check_sub(&sub).is_empty());
    assert!(super::direct().check_sub(&sluice_contract::Notes::new()).is_empty());
}
