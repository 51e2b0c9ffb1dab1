//! Callbacks that are genuine, by the vectors and by our own seal; and how they are answered.

use super::{API_KEY, NOW, NUMBER, PUBLIC_ID, SERIAL, direct, env, partner, pem, signer_of, str_of, transaction, v2, vectors};
use crate::invoke::lines;
use crate::keys::Keys;
use crate::sign::{self, Seal};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_contract::{Ack, Callback, Channel, Fen, Headers, Pay, RawCallback, Refund, Rejected, Says, Second, Stuck, Verb};
use std::sync::Arc;

/// A callback as bytes, to be bent by forgers.
#[derive(Clone)]
pub(crate) struct Notice {
    pub(crate) verb: Verb,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Notice {
    pub(crate) fn take(&self, wechat: &crate::Wechat, now: Second) -> Result<Callback, Rejected> {
        let raw = RawCallback { verb: self.verb, target: "/notify/wx-main", headers: &self.headers, body: &self.body };
        wechat.callback(&raw, &env(now))
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        for line in self.headers.0.iter_mut().filter(|line| line.0.eq_ignore_ascii_case(name)) {
            value.clone_into(&mut line.1);
        }
    }

    pub(crate) fn get(&self, name: &str) -> String {
        self.headers.get(name).unwrap_or_default().to_owned()
    }
}

/// The resource sealed with an APIv3 key, in its envelope.
pub(crate) fn envelope(event: &str, plain: &str, key: &str) -> String {
    let mut bytes = plain.as_bytes().to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_bytes()).unwrap());
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(*b"abcdefghijkl"), Aad::from(b"transaction"), &mut bytes).unwrap();
    let ciphertext = STANDARD.encode(&bytes);
    let resource = json!({"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "ciphertext": ciphertext, "associated_data": "transaction", "nonce": "abcdefghijkl"});
    json!({"id": "evt-1", "create_time": "2025-06-01T10:35:00+08:00", "event_type": event, "resource_type": "encrypt-resource", "summary": "x", "resource": resource})
        .to_string()
}

/// A notice sealed with a platform key.
pub(crate) fn sealed_notice(key: &str, serial: &str, at: Second, body: &str) -> Notice {
    let time = at.0.to_string();
    let signature = signer_of(key).sign(&lines(&[&time, "nonce", body])).unwrap();
    let headers = Headers::new(&[
        ("wechatpay-timestamp", &time),
        ("WECHATPAY-NONCE", "nonce"),
        ("Wechatpay-Serial", serial),
        ("Wechatpay-Signature", &signature),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048"),
    ]);
    Notice { verb: Verb::Post, headers, body: body.as_bytes().to_vec() }
}

pub(crate) fn paid_notice() -> Notice {
    sealed_notice("platform", SERIAL, NOW, &envelope("TRANSACTION.SUCCESS", &transaction(json!({})), API_KEY))
}

fn of_vector(vector: &Value) -> Notice {
    let lines: Vec<(&str, &str)> = vector["headers"].as_object().unwrap().iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap())).collect();
    Notice { verb: Verb::Post, headers: Headers::new(&lines), body: str_of(vector, "body").as_bytes().to_vec() }
}

fn now_of(vector: &Value) -> Second {
    Second(vector["now"].as_i64().unwrap())
}

#[test]
fn notification_vectors() {
    for vector in vectors!("notifications") {
        let id = str_of(&vector, "id");
        if id == "go-full-notification" {
            continue; // 16-byte key and no payment inside: only its seal is ours, see below.
        }
        let changes = match str_of(&vector, "apiv3_key") {
            key if vector["expect"] == "accept" || key != API_KEY => json!({"api_v3_key": key}),
            _ => json!({}),
        };
        let wechat = if id.contains("partner") { partner() } else { super::wechat(changes) };
        // The key that the vector's serial stands for.
        let key = crate::keys::public_key(&pem(str_of(&vector, "key_ref"), "public_key_pem")).unwrap();
        wechat.account.keys.add(of_vector(&vector).get("Wechatpay-Serial"), Arc::new(key));
        let taken = of_vector(&vector).take(&wechat, now_of(&vector));
        assert_eq!(taken.is_ok(), vector["expect"] == "accept", "{id}: {taken:?}");
        if let Ok(callback) = taken {
            let plain: Value = serde_json::from_str(str_of(&vector, "plaintext")).unwrap();
            assert_eq!(callback.claims.number.as_deref(), plain["out_trade_no"].as_str(), "{id}");
            assert_eq!(callback.claims.amount.map(|fen| fen.0), plain["amount"]["total"].as_i64(), "{id}");
            assert_eq!(callback.claims.refund_number.as_deref(), plain["out_refund_no"].as_str(), "{id}");
            for name in ["appid", "mchid", "sp_appid", "sp_mchid", "sub_appid", "sub_mchid"] {
                assert_eq!(callback.claims.same.get(name).map(String::as_str), plain[name].as_str(), "{id} {name}");
            }
            match (plain["refund_status"].as_str(), callback.says) {
                (None, Says::Payment(Pay::Paid(payment))) => assert_eq!((payment.amount, payment.payer_amount), (Fen(100), Some(Fen(90)))),
                (Some("SUCCESS"), Says::Refund(Refund::Succeeded(told))) => assert_eq!(told.payer_amount, Some(Fen(45))),
                (Some("ABNORMAL"), Says::Refund(Refund::Stuck(Stuck::PayeeAccount, ..))) => {}
                (Some("CLOSED"), Says::Refund(Refund::Failed(_))) => {}
                (state, says) => panic!("{id}: {state:?} {says:?}"),
            }
        }
    }
}

#[test]
fn seal_vectors_of_replies_and_of_the_go_notification() {
    let keys = Keys::default();
    let (serial, key) = crate::keys::certificate(&pem("platform", "certificate_pem")).unwrap();
    keys.add(serial, Arc::new(key));
    keys.add(PUBLIC_ID.into(), Arc::new(crate::keys::public_key(&pem("platform", "public_key_pem")).unwrap()));
    let all =
        vectors!("response_verify").into_iter().chain(vectors!("notifications").into_iter().filter(|v| v["id"] == "go-full-notification"));
    for vector in all {
        let notice = of_vector(&vector);
        let now = now_of(&vector);
        // "Serial maps to another key": the vector's own set-up.
        let swapped = vector["id"] == "neg-resp-wrong-key";
        let other = Arc::new(crate::keys::public_key(&pem("other_merchant", "public_key_pem")).unwrap());
        let seal = sign::seal(&notice.headers, &notice.body, now, |id| if swapped { Some(Arc::clone(&other)) } else { keys.get(id, now) });
        assert_eq!(seal == Seal::Holds, vector["expect"] == "accept", "{}: {seal:?}", vector["id"]);
        if vector["id"] == "neg-resp-unknown-serial" {
            assert!(matches!(seal, Seal::UnknownKey(_)), "{seal:?}");
        }
    }
}

#[test]
fn a_payment_is_believed_under_either_key_and_under_the_former_api_key() {
    let wechat = direct();
    let body = envelope("TRANSACTION.SUCCESS", &transaction(json!({})), API_KEY);
    for (serial, at) in [(SERIAL, NOW), (PUBLIC_ID, NOW), (SERIAL, NOW.plus(-300)), (SERIAL, NOW.plus(300))] {
        let callback = sealed_notice("platform", serial, at, &body).take(&wechat, NOW).unwrap();
        assert!(matches!(callback.says, Says::Payment(Pay::Paid(_))));
        assert_eq!(callback.event_id.as_deref(), Some("evt-1"));
        assert_eq!(callback.claims.contradiction(&super::attempt(&wechat, sluice_contract::Method::WechatNative)), None);
    }
    let rotated = super::wechat(json!({"api_v3_key": "b7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"}));
    assert!(matches!(paid_notice().take(&rotated, NOW), Err(Rejected::Unreadable { .. })));
    let rotated = super::wechat(json!({"api_v3_key": "b7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", "previous": {"api_v3_key": API_KEY}}));
    assert!(paid_notice().take(&rotated, NOW).is_ok());
}

#[test]
fn a_verified_message_that_says_less_is_a_reason_to_ask() {
    let wechat = direct();
    for (event, plain) in [
        ("TRANSACTION.SUCCESS", transaction(json!({"trade_state": "NOTPAY"}))),
        ("TRANSACTION.SUCCESS", transaction(json!({"trade_state": "CLOSED"}))),
        ("TRANSACTION.SUCCESS", transaction(json!({"amount": null}))),
        ("TRANSACTION.NEW", transaction(json!({}))),
    ] {
        let callback = sealed_notice("platform", SERIAL, NOW, &envelope(event, &plain, API_KEY)).take(&wechat, NOW).unwrap();
        assert_eq!((callback.says, callback.claims.number.as_deref()), (Says::Ask, Some(NUMBER)), "{event} {plain}");
    }
}

#[test]
fn answers_are_in_the_callers_language_and_tell_no_reasons() {
    let answer = |body: &[u8], ack| {
        let headers = Headers::default();
        let raw = RawCallback { verb: Verb::Post, target: "/notify/wx-main", headers: &headers, body };
        let reply = direct().acknowledge(&raw, ack, &env(NOW));
        (reply.status, String::from_utf8(reply.bytes().to_vec()).unwrap())
    };
    assert_eq!(answer(b"{}", Ack::Taken), (200, r#"{"code":"SUCCESS","message":"OK"}"#.into()));
    let (status, body) = answer(b"", Ack::Refused);
    assert!(status == 500 && body.contains(r#""code":"FAIL""#));
    let ok = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>";
    assert_eq!(answer(b" \n<xml/>", Ack::Taken), (200, ok.into()));
    assert!(answer(b"<xml/>", Ack::Refused).1.contains("<![CDATA[FAIL]]>"));
}

#[test]
fn a_v2_notice_is_a_hint_and_only_where_v2_is_spoken() {
    let notice = |members: &[(&str, &str)], key: &str| {
        let mut members: sluice_contract::Notes = members.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let sign = crate::v2_sign::sign(&members, key, crate::v2_sign::SignType::Md5);
        members.insert("sign".into(), sign);
        Notice { verb: Verb::Post, headers: Headers::default(), body: crate::xml::write(&members).into_bytes() }
    };
    let paid = [
        ("appid", super::APP),
        ("mch_id", "1900000100"),
        ("out_trade_no", NUMBER),
        ("total_fee", "100"),
        ("result_code", "SUCCESS"),
        ("return_code", "SUCCESS"),
    ];
    let callback = notice(&paid, super::V2_KEY).take(&v2(), NOW).unwrap();
    assert_eq!((callback.says, callback.claims.number.as_deref(), callback.claims.amount), (Says::Ask, Some(NUMBER), Some(Fen(100))));
    assert!(matches!(notice(&paid, super::V2_KEY).take(&direct(), NOW), Err(Rejected::Unreadable { .. })));
    match notice(&paid, "00000000000000000000000000000000").take(&v2(), NOW) {
        Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER)),
        other => panic!("{other:?}"),
    }
    let others = [("appid", super::APP), ("mch_id", "1900000999"), ("out_trade_no", NUMBER)];
    assert!(matches!(notice(&others, super::V2_KEY).take(&v2(), NOW), Err(Rejected::Forged { .. })));
    let xxe = Notice {
        verb: Verb::Post,
        headers: Headers::default(),
        body: b"<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///x\">]><xml><mch_id>&x;</mch_id></xml>".to_vec(),
    };
    assert!(matches!(xxe.take(&v2(), NOW), Err(Rejected::Unreadable { .. })));
}

#[test]
fn a_v2_refund_notice_opens_to_a_hint_about_the_refund() {
    let all = vectors!("v2_sign");
    let vector = all.iter().find(|v| v["id"] == "refund-req_info").unwrap();
    let body = format!(
        "<xml><return_code>SUCCESS</return_code><mch_id>1900000100</mch_id><req_info>{}</req_info></xml>",
        str_of(vector, "ciphertext")
    );
    let wechat = super::wechat(json!({"barcode_api": "v2", "api_v2_key": str_of(vector, "key")}));
    let notice = Notice { verb: Verb::Post, headers: Headers::default(), body: body.into_bytes() };
    let callback = notice.take(&wechat, NOW).unwrap();
    assert_eq!(callback.says, Says::Ask);
    assert_eq!(callback.claims.refund_number.as_deref(), Some("50fd012ed1b311e7af7800163e32c503"));
    assert_eq!(callback.claims.number.as_deref(), Some("4893e76d8c8b434cb64e9cd536338e33"));
    assert!(matches!(notice.take(&v2(), NOW), Err(Rejected::Forged { .. })));
}
