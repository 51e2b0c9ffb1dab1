//! Every way we know to forge, bend or downgrade a notice. None may be believed, and none may panic.

use super::callbacks::{Notice, paid_fields};
use super::{NOW, NUMBER, cert, changed, direct, form_of, key, keyed, sandbox, sealed, sealed_by, unionpay};
use crate::sign::{Hash, Signer, digest_hex};
use serde_json::json;
use sluice_contract::{Notes, Rejected, Verb};
use sluice_kit::rsa::PrivateKey;
use zeroize::Zeroizing;

type Bend = (&'static str, fn(&mut Notice));

fn swap(notice: &mut Notice, from: &str, to: &str) {
    let text = String::from_utf8_lossy(&notice.body).into_owned();
    assert!(text.contains(from), "{from}");
    notice.body = text.replace(from, to).into_bytes();
}

fn append(notice: &mut Notice, text: &str) {
    notice.body.extend_from_slice(text.as_bytes());
}

/// Changes fields without signing anew.
fn set(notice: &mut Notice, name: &str, value: Option<&str>) {
    let mut fields: Notes = sluice_kit::form::decode_pairs(&notice.body).unwrap().into_iter().collect();
    match value {
        Some(value) => drop(fields.insert(name.into(), value.into())),
        None => drop(fields.remove(name)),
    }
    notice.body = form_of(&fields);
}

fn get(notice: &Notice, name: &str) -> String {
    let pairs = sluice_kit::form::decode_pairs(&notice.body).unwrap();
    sluice_kit::form::value(&pairs, name).unwrap().to_owned()
}

const BENDS: &[Bend] = &[
    ("no signature", |n| set(n, "signature", None)),
    ("empty signature", |n| set(n, "signature", Some(""))),
    ("no certificate", |n| set(n, "signPubKeyCert", None)),
    ("empty certificate", |n| set(n, "signPubKeyCert", Some(""))),
    ("no version", |n| set(n, "version", None)),
    ("old version", |n| set(n, "version", Some("5.0.0"))),
    ("newer version", |n| set(n, "version", Some("5.1.1"))),
    ("no sign method", |n| set(n, "signMethod", None)),
    ("secure key with an empty key", |n| set(n, "signMethod", Some("11"))),
    ("sm3", |n| set(n, "signMethod", Some("12"))),
    ("another amount", |n| set(n, "txnAmt", Some("101"))),
    ("amount with a blank", |n| set(n, "txnAmt", Some("100 "))),
    ("another order", |n| set(n, "orderId", Some("A20260601ABCDEFGHJKMNPQRST1"))),
    ("another time", |n| set(n, "txnTime", Some("20260601115941"))),
    ("another merchant", |n| set(n, "merId", Some("777290058110097"))),
    ("another currency", |n| set(n, "currencyCode", Some("840"))),
    ("another code", |n| set(n, "respCode", Some("A6"))),
    ("payment turned refund", |n| set(n, "txnType", Some("04"))),
    ("field taken away", |n| set(n, "settleDate", None)),
    ("field added", |n| append(n, "&tenant=7")),
    ("empty field added", |n| append(n, "&reserved=")),
    ("amount twice", |n| append(n, "&txnAmt=100")),
    ("amount twice, other value", |n| append(n, "&txnAmt=1")),
    ("amount twice, encoded name", |n| append(n, "&%74xnAmt=1")),
    ("signature twice", |n| append(n, "&signature=AAAA")),
    ("swapped fields", |n| {
        let (amount, settle) = (get(n, "txnAmt"), get(n, "traceNo"));
        set(n, "txnAmt", Some(&settle));
        set(n, "traceNo", Some(&amount));
    }),
    ("line ends of the certificate", |n| swap(n, "%0D%0A", "%0A")),
    ("line ends lost", |n| swap(n, "%0D%0A", "")),
    ("certificate text twice", |n| {
        let twice = get(n, "signPubKeyCert").repeat(2);
        set(n, "signPubKeyCert", Some(&twice));
    }),
    ("signature cut", |n| {
        let cut = get(n, "signature").get(..340).unwrap().to_owned();
        set(n, "signature", Some(&cut));
    }),
    ("signature without padding", |n| {
        let bare = get(n, "signature").trim_end_matches('=').to_owned();
        set(n, "signature", Some(&bare));
    }),
    ("signature with a line end", |n| {
        let wrapped = format!("{}\n", get(n, "signature"));
        set(n, "signature", Some(&wrapped));
    }),
    ("signature not ascii", |n| set(n, "signature", Some("签名"))),
    ("plus became space", |n| {
        let spaced = get(n, "signature").replace(['+', '/'], " ");
        set(n, "signature", Some(&spaced));
    }),
    ("body not encoded", |n| n.body = super::body_of(&sealed(paid_fields())).into_bytes()),
    ("encoded twice", |n| swap(n, "%", "%25")),
    ("body cut", |n| n.body.truncate(700)),
    ("broken escape", |n| append(n, "%")),
    ("not utf-8", |n| append(n, "%FF")),
    ("empty body", |n| n.body.clear()),
    ("a GET", |n| n.verb = Verb::Get),
    ("too large a body", |n| n.body = vec![b'a'; 300 * 1024]),
    ("a flood of fields", |n| {
        let flood: Vec<String> = (0..300).map(|i| format!("&n{i}=1")).collect();
        append(n, &flood.concat());
    }),
];

#[test]
fn no_bend_of_a_genuine_notice_is_believed() {
    let channel = direct();
    let genuine = Notice::of(&sealed(paid_fields()));
    assert!(genuine.take(&channel, NOW).is_ok());
    for (name, bend) in BENDS {
        let mut notice = genuine.clone();
        bend(&mut notice);
        match notice.take(&channel, NOW) {
            Err(Rejected::Forged { .. } | Rejected::Unreadable { .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(BENDS.len() >= 40);
}

#[test]
fn only_unionpay_signs_for_unionpay() {
    let channel = direct();
    for signer in [
        "sandbox_a.merchant",
        "sandbox_a.badcn",
        "sandbox_a.upsign_expired",
        "sandbox_a.upsign_testcn",
        "sandbox_a.upenc",
        "sandbox_a.evil_leaf",
        "sandbox_a.middle",
        "sandbox_a.root",
    ] {
        match Notice::of(&sealed_by(signer, paid_fields())).take(&channel, NOW) {
            Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER), "{signer}"),
            other => panic!("{signer}: {other:?}"),
        }
    }
    // The right certificate under another's signature.
    let mut stolen = sealed_by("sandbox_a.merchant", paid_fields());
    stolen.insert("signPubKeyCert".into(), sealed(paid_fields())["signPubKeyCert"].clone());
    stolen.remove("signature");
    let forged = PrivateKey::read(&key("sandbox_a.merchant")).unwrap().sign(digest_hex(&stolen, None).as_bytes()).unwrap();
    stolen.insert("signature".into(), forged);
    assert!(Notice::of(&stolen).take(&channel, NOW).is_err());
}

#[test]
fn the_test_signer_is_believed_by_its_switch_only() {
    let notice = Notice::of(&sealed_by("sandbox_a.upsign_testcn", paid_fields()));
    assert!(notice.take(&sandbox(json!({"allow_test_signer": true}), true), NOW).is_ok());
    assert!(notice.take(&sandbox(json!({}), true), NOW).is_err());
    let renamed = unionpay(json!({"signer_name": "00040000:SIGN"}));
    assert!(notice.take(&renamed, NOW).is_ok(), "the name is a setting");
    assert!(Notice::of(&sealed(paid_fields())).take(&renamed, NOW).is_err());
}

#[test]
fn a_certificate_is_valid_at_its_time_and_looked_at_on_every_use() {
    let channel = direct();
    let notice = Notice::of(&sealed(paid_fields()));
    assert!(notice.take(&channel, NOW).is_ok());
    assert!(notice.take(&channel, sluice_contract::Second(1_700_000_000)).is_err(), "not yet, though it is remembered");
    assert!(notice.take(&channel, sluice_contract::Second(2_600_000_000)).is_err(), "no longer");
}

#[test]
fn signed_nonsense_is_not_believed_either() {
    let channel = direct();
    for changes in [
        json!({"txnType": "00"}),
        json!({"txnType": "76"}),
        json!({"txnType": null}),
        json!({"orderId": null}),
        json!({"orderId": ""}),
        json!({"orderId": "a b"}),
        json!({"orderId": "1".repeat(41)}),
        json!({"encoding": "GBK"}),
        json!({"version": "5.0.0"}),
        json!({"version": "5.1.1"}),
        json!({"version": ""}),
        json!({"signMethod": "11"}),
        json!({"encoding": null}),
    ] {
        let mut fields = changed(paid_fields(), &changes);
        if changes["encoding"].is_null() && changes.get("encoding").is_some() {
            fields.insert("encoding".into(), String::new());
        }
        assert!(Notice::of(&sealed(fields)).take(&channel, NOW).is_err(), "{changes}");
    }
}

#[test]
fn a_secure_key_account_believes_its_key_only() {
    let channel = keyed();
    let signed = |hash: Hash, secret: &str| {
        let mut fields = changed(paid_fields(), &json!({"version": "5.1.0", "encoding": "UTF-8"}));
        fields = Signer::Key { hash, secret: Zeroizing::new(secret.into()) }.sign(&fields).unwrap();
        Notice::of(&fields)
    };
    assert!(signed(Hash::Sha256, "88888888").take(&channel, NOW).is_ok());
    for (hash, secret) in [(Hash::Sha256, ""), (Hash::Sha256, "8888888"), (Hash::Sm3, "88888888")] {
        assert!(signed(hash, secret).take(&channel, NOW).is_err(), "{secret}");
    }
    // A genuine RSA notice is no notice of this account, nor the other way round.
    assert!(Notice::of(&sealed(paid_fields())).take(&channel, NOW).is_err());
    assert!(signed(Hash::Sha256, "88888888").take(&direct(), NOW).is_err());
}

#[test]
fn former_credentials_verify_and_never_sign() {
    let published = json!({
        "root_certificate": cert("published_test_root"), "middle_certificate": cert("published_test_middle"), "allow_sha1_chain": true,
        "private_key": key("published_merchant_2021"), "certificate": cert("published_merchant_2021"),
    });
    let mut both = published.clone();
    both["previous"] = super::credentials();
    let notice = Notice::of(&sealed(paid_fields()));
    assert!(notice.take(&unionpay(published), NOW).is_err());
    let channel = unionpay(both);
    assert!(notice.take(&channel, NOW).is_ok());
    let signed = channel.account.signer.sign(&paid_fields()).unwrap();
    assert_eq!(signed["certId"], "69903319369");

    let rotated = unionpay(json!({"sign_method": "11", "secure_key": "new", "previous": {"sign_method": "11", "secure_key": "88888888"}}));
    let old = keyed().account.signer.sign(&changed(paid_fields(), &json!({"version": "5.1.0", "encoding": "UTF-8"}))).unwrap();
    assert!(Notice::of(&old).take(&rotated, NOW).is_ok());
    assert_ne!(
        rotated.account.signer.sign(&paid_fields()).unwrap()["signature"],
        keyed().account.signer.sign(&paid_fields()).unwrap()["signature"]
    );
}
