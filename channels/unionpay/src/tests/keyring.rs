//! The encryption certificate: fetched, verified, installed when it is new.

use super::{MER_ID, NOW, cert, changed, direct, env, notes, pem, read, reply, request_of, sandbox, sealed_by, sent, unionpay};
use serde_json::{Value, json};
use sluice_contract::{Channel, HttpReply, KeyHint, KeyItem, KeyUpdate, Renewed, Step};

fn hint() -> KeyHint {
    KeyHint { key_id: "clock".into() }
}

fn fields(step: &Step<Renewed>, changes: Value) -> sluice_contract::Notes {
    let asked = sent(request_of(step));
    let answer = json!({
        "txnType": "95", "txnSubType": "00", "bizType": "000000", "merId": MER_ID, "orderId": asked["orderId"], "txnTime": asked["txnTime"],
        "certType": "01", "respCode": "00", "respMsg": "成功[0000000]", "encryptPubKeyCert": cert("sandbox_a.upenc"),
    });
    changed(notes(&answer), &changes)
}

#[test]
fn a_new_certificate_is_brought_and_a_known_one_is_not() {
    let channel = direct();
    let step = channel.renew(&hint(), &env(NOW));
    let asked = sent(request_of(&step));
    assert_eq!((asked["txnType"].as_str(), asked["certType"].as_str(), asked["channelType"].as_str()), ("95", "01", "07"));
    assert!((8..=32).contains(&asked["orderId"].len()) && asked["orderId"].bytes().all(|b| b.is_ascii_alphanumeric()));
    let Renewed::Keys(update) = read(&step, &reply(fields(&step, json!({})))) else { panic!("no keys") };
    assert_eq!(update.items.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), [pem("sandbox_a.upenc", "cert_id")]);
    assert!(update.items[0].until.is_some());
    channel.install(&update).unwrap();
    let again = channel.renew(&hint(), &env(NOW));
    assert_eq!(read(&again, &reply(fields(&again, json!({})))), Renewed::Keys(KeyUpdate::default()));
    // An older one that was stored does not come back.
    let old = KeyItem { id: pem("published_test_enc", "cert_id"), value: cert("published_test_enc"), from: None, until: None };
    channel.install(&KeyUpdate { items: vec![old] }).unwrap();
    let still = channel.renew(&hint(), &env(NOW));
    assert_eq!(read(&still, &reply(fields(&still, json!({})))), Renewed::Keys(KeyUpdate::default()));
}

#[test]
fn what_unionpay_has_not_signed_brings_no_certificate() {
    let channel = direct();
    let step = channel.renew(&hint(), &env(NOW));
    for changes in [
        json!({"encryptPubKeyCert": null}),
        json!({"encryptPubKeyCert": "nonsense"}),
        json!({"encryptPubKeyCert": pem("sandbox_a.upenc", "private_key_pem")}),
        json!({"merId": "777290058110097"}),
        json!({"txnType": "00"}),
        json!({"orderId": "K0000000000"}),
        json!({"respCode": "05"}),
        json!({"respCode": "ZZ"}),
    ] {
        let said = read(&step, &reply(fields(&step, changes.clone())));
        assert!(matches!(said, Renewed::Unknown(_)), "{changes}: {said:?}");
    }
    let refused = read(&step, &reply(fields(&step, json!({"respCode": "32"}))));
    assert!(matches!(refused, Renewed::Refused(_)), "{refused:?}");
    let other = super::body_of(&sealed_by("sandbox_a.merchant", fields(&step, json!({}))));
    assert!(matches!(read(&step, &HttpReply::new(200, &[], other)), Renewed::Unknown(_)));
}

#[test]
fn an_installed_certificate_is_the_one_it_says_it_is() {
    let channel = direct();
    for (id, value) in [("1", cert("sandbox_a.upenc")), ("69910000022", "nonsense".into())] {
        let item = KeyItem { id: id.into(), value, from: None, until: None };
        assert!(channel.install(&KeyUpdate { items: vec![item] }).is_err(), "{id}");
    }
    assert!(channel.install(&KeyUpdate::default()).is_ok());
    assert!(channel.sub_keys(&sluice_contract::Notes::new()).items.is_empty());
}

#[test]
fn without_the_permission_nothing_is_renewed_by_the_clock() {
    assert_eq!(unionpay(json!({"encrypt_certificate": null})).profile().renew_every_s, None);
    assert_eq!(sandbox(json!({}), true).profile().renew_every_s, Some(86_400));
}
