//! Notices: genuine ones by the vectors and by our own seal, and every way to bend one.

use super::{
    APP, BUYER, MERCHANT, NOW, NUMBER, PID, REFUND, alipay, alipay_key, app_key, attempt, certs, direct, env, notes, other_key, provider,
    refund_of, str_of, vectors,
};
use crate::Alipay;
use crate::sign::canonical;
use serde_json::{Value, json};
use sluice_contract::{Ack, Callback, Channel, Fen, Headers, Method, Notes, Pay, RawCallback, Rejected, Says, Verb};
use sluice_kit::form::encode_pairs;
use sluice_kit::rsa::PrivateKey;

pub(crate) fn take(alipay: &Alipay, body: &[u8]) -> Result<Callback, Rejected> {
    let raw = RawCallback { verb: Verb::Post, target: "/notify/ali-main?tenant=1", headers: &Headers::default(), body };
    alipay.callback(&raw, &env(NOW))
}

fn form(pairs: &Notes) -> Vec<u8> {
    encode_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).into_bytes()
}

/// A paid notice, with changes (null removes), signed by a key.
fn notice_by(key: &str, changes: &Value) -> Notes {
    let mut pairs = notes(&[
        ("notify_time", "2026-11-23 14:25:05"),
        ("notify_type", "trade_status_sync"),
        ("notify_id", "N1"),
        ("sign_type", "RSA2"),
        ("charset", "utf-8"),
        ("version", "1.0"),
        ("app_id", APP),
        ("auth_app_id", APP),
        ("trade_no", "T1"),
        ("out_trade_no", NUMBER),
        ("seller_id", PID),
        ("buyer_id", BUYER),
        ("subject", "a & b = \"c\" + 100%"),
        ("total_amount", "88.88"),
        ("gmt_create", "2026-11-23 14:24:00"),
        ("gmt_payment", "2026-11-23 14:25:00"),
        ("trade_status", "TRADE_SUCCESS"),
        ("receipt_amount", "83.88"),
        ("buyer_pay_amount", "78.88"),
        ("fund_bill_list", "[{\"amount\":\"78.88\",\"fundChannel\":\"ALIPAYACCOUNT\"},{\"amount\":\"10.00\",\"fundChannel\":\"MCOUPON\"}]"),
    ]);
    for (name, value) in changes.as_object().unwrap() {
        match value.as_str() {
            Some(text) => drop(pairs.insert(name.clone(), text.to_owned())),
            None => drop(pairs.remove(name)),
        }
    }
    let text = canonical(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).filter(|(n, _)| *n != "sign_type"));
    pairs.insert("sign".into(), PrivateKey::read(key).unwrap().sign(text.as_bytes()).unwrap());
    pairs
}

fn notice(changes: Value) -> Vec<u8> {
    form(&notice_by(&alipay_key(), &changes))
}

fn believed(changes: Value) -> Callback {
    take(&direct(), &notice(changes.clone())).unwrap_or_else(|rejected| panic!("{changes}: {rejected:?}"))
}

#[test]
fn a_paid_notice_is_proof_and_agrees_with_its_attempt() {
    let alipay = direct();
    let told = believed(json!({}));
    assert_eq!(told.event_id.as_deref(), Some("N1"));
    assert_eq!(told.claims.contradiction(&attempt(&alipay, Method::AlipayQr)), None);
    match told.says {
        Says::Payment(Pay::Paid(payment)) => {
            assert_eq!((payment.amount, payment.payer_amount), (Fen(8888), Some(Fen(7888))));
            assert_eq!(payment.discounts.iter().map(|d| d.amount.0).collect::<Vec<_>>(), [1000], "camelCase in notices");
            assert_eq!(payment.payer["buyer_id"], BUYER);
            assert_eq!(payment.paid_at.unwrap().plain(), "2026-11-23 14:25:00");
            assert_eq!(payment.channel_trade_no.as_deref(), Some("T1"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn genuine_notices_of_the_vectors_say_what_they_are() {
    let file = vectors!("notify_verify");
    for vector in
        super::cases(&file).into_iter().filter(|v| str_of(v, "id").starts_with("notify_made") || v["id"] == "notify_trade_success_v1")
    {
        let id = str_of(&vector, "id");
        let mode = if id == "notify_made_isv" { "provider" } else { "direct" };
        let params = &vector["params"];
        let alipay = alipay(json!({
            "mode": mode, "app_id": params["app_id"], "alipay_public_key": vector["alipay_public_key_spki_b64"], "pid": params["seller_id"],
        }));
        let told = take(&alipay, str_of(&vector, "raw_form_body").as_bytes()).unwrap_or_else(|rejected| panic!("{id}: {rejected:?}"));
        assert_eq!(told.claims.number.as_deref(), params["out_trade_no"].as_str(), "{id}");
        match id {
            "notify_made_partial_refund" | "notify_made_full_refund" => {
                assert_eq!(told.says, Says::Ask, "{id}: no second payment");
                assert_eq!(told.claims.refund_number.as_deref(), params["out_biz_no"].as_str());
                assert_eq!(told.claims.refund_amount, None, "refund_fee is cumulative");
            }
            "notify_made_timeout_closed" => assert_eq!((told.says, told.claims.refund_number), (Says::Ask, None)),
            _ => assert!(matches!(told.says, Says::Payment(Pay::Paid(_))), "{id}"),
        }
        if mode == "provider" {
            assert_eq!(told.claims.same, notes(&[("app_id", "2021000000000001"), ("auth_app_id", "2021000000000999")]));
        }
    }
}

#[test]
fn what_is_no_proof_is_a_reason_to_ask() {
    for changes in [
        json!({"trade_status": "TRADE_CLOSED"}),
        json!({"trade_status": "WAIT_BUYER_PAY"}),
        json!({"trade_status": "SOMETHING_NEW"}),
        json!({"trade_status": null}),
        json!({"refund_fee": "0.01"}),
        json!({"refund_fee": "nonsense"}),
        json!({"gmt_refund": "2026-11-23 15:00:00.123"}),
        json!({"total_amount": null}),
        json!({"total_amount": "1e2"}),
        json!({"notify_type": "something_else"}),
    ] {
        assert_eq!(believed(changes.clone()).says, Says::Ask, "{changes}");
    }
    for changes in [json!({"trade_status": "TRADE_FINISHED"}), json!({"refund_fee": "0.00"}), json!({"notify_type": null})] {
        assert!(matches!(believed(changes.clone()).says, Says::Payment(Pay::Paid(_))), "{changes}");
    }
}

#[test]
fn a_refunds_echo_is_about_that_refund() {
    let told = believed(json!({"refund_fee": "30.00", "gmt_refund": "2026-11-23 15:00:00", "out_biz_no": REFUND}));
    assert_eq!(told.claims.refund_contradiction(&refund_of(attempt(&direct(), Method::AlipayQr))), None);
}

#[test]
fn sealed_claims_that_are_not_ours_contradict() {
    let alipay = direct();
    let ours = attempt(&alipay, Method::AlipayQr);
    for (changes, field) in [
        (json!({"out_trade_no": "AOTHER"}), "number"),
        (json!({"total_amount": "88.89"}), "amount"),
        (json!({"total_amount": "8888"}), "amount"),
        (json!({"auth_app_id": MERCHANT}), "auth_app_id"),
        (json!({"seller_id": "2088000000000009"}), "seller_id"),
        (json!({"seller_id": null}), "seller_id"),
    ] {
        assert_eq!(believed(changes.clone()).claims.contradiction(&ours), Some(field), "{changes}");
    }
    assert_eq!(believed(json!({"total_amount": "88.880"})).claims.contradiction(&ours), None, "amounts compare as decimals");
}

#[test]
fn a_providers_notice_names_the_merchant_and_the_payee_that_was_pinned() {
    let alipay = provider();
    let mut ours = attempt(&alipay, Method::AlipayQr);
    let claims = |changes: Value| take(&alipay, &notice(changes)).unwrap().claims;
    let seller = "2088000000000099";
    assert_eq!(claims(json!({"auth_app_id": MERCHANT, "seller_id": seller})).contradiction(&ours), None);
    for id in [Value::Null, json!(APP), json!("x")] {
        assert_eq!(claims(json!({"auth_app_id": id, "seller_id": seller})).contradiction(&ours), Some("auth_app_id"));
    }
    ours.sub.insert("seller_id".into(), seller.into());
    let pinned = |id: Value| claims(json!({"auth_app_id": MERCHANT, "seller_id": id, "passback_params": "seller"}));
    assert_eq!(pinned(json!(seller)).contradiction(&ours), None);
    for id in [Value::Null, json!(PID)] {
        assert_eq!(pinned(id).contradiction(&ours), Some("seller_id"));
    }
}

#[test]
fn no_bend_of_a_genuine_notice_is_believed() {
    let alipay = direct();
    let genuine = notice_by(&alipay_key(), &json!({}));
    let bent = |name: &str, value: Option<&str>| {
        let mut pairs = genuine.clone();
        match value {
            Some(value) => drop(pairs.insert(name.to_owned(), value.to_owned())),
            None => drop(pairs.remove(name)),
        }
        take(&alipay, &form(&pairs))
    };
    assert!(take(&alipay, &form(&genuine)).is_ok());
    let mut rejected = 0;
    for name in genuine.keys().filter(|name| *name != "sign_type") {
        for value in [None, Some("1"), Some("")] {
            assert!(bent(name, value).is_err(), "{name} = {value:?}");
            rejected += 1;
        }
    }
    for (name, value) in [
        ("sign_type", "RSA"),
        ("sign_type", "SM2"),
        ("sign_type", "rsa2"),
        ("tenant", "1"),
        ("refund_fee", "1.00"),
        ("charset", "gbk"),
        ("app_id", "2021999999999999"),
        ("trade_status", "TRADE_FINISHED"),
        ("total_amount", "0.01"),
        ("out_trade_no", "AOTHER"),
    ] {
        assert!(bent(name, Some(value)).is_err(), "{name} = {value}");
        rejected += 1;
    }
    assert!(rejected >= 60);
    // Values swapped between two names.
    let mut swapped = genuine.clone();
    swapped.insert("app_id".into(), genuine["seller_id"].clone());
    swapped.insert("seller_id".into(), genuine["app_id"].clone());
    assert!(take(&alipay, &form(&swapped)).is_err());
}

#[test]
fn bytes_that_are_not_the_form_that_was_signed_are_not_believed() {
    let alipay = direct();
    let genuine = notice(json!({}));
    let text = String::from_utf8(genuine.clone()).unwrap();
    for body in [
        format!("{text}&total_amount=88.88"),
        format!("{text}&%61pp_id={APP}"),
        text.replace("%2B", "+"),
        text.replace("%25", "%2525"),
        text.replace("%26", "&"),
        format!("{text}&x=%"),
        text.replace("%20", "%zz"),
        text.replace("subject=", "subject=%FF"),
        text.chars().take(text.len() - 40).collect(),
        String::new(),
        "{}".into(),
    ] {
        assert_ne!(body, text, "a bend bends");
        assert!(take(&alipay, body.as_bytes()).is_err(), "{body}");
    }
    let raw = |verb, body: &[u8]| alipay.callback(&RawCallback { verb, target: "/n", headers: &Headers::default(), body }, &env(NOW));
    assert!(raw(Verb::Get, &genuine).is_err());
    assert!(raw(Verb::Post, &vec![b'a'; 300 * 1024]).is_err());
    assert!(take(&alipay, text.replace("%20", "+").as_bytes()).is_ok(), "a space has two spellings");
}

#[test]
fn other_keys_are_not_alipays_and_another_apps_notice_is_not_ours() {
    for key in [app_key(), other_key()] {
        match take(&direct(), &form(&notice_by(&key, &json!({})))) {
            Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER), "at most a query"),
            other => panic!("{other:?}"),
        }
    }
    for id in [json!("2021000000000001"), Value::Null] {
        assert!(matches!(take(&direct(), &notice(json!({"app_id": id}))), Err(Rejected::Forged { .. })));
    }
    let odd = form(&notice_by(&other_key(), &json!({"out_trade_no": "<script>"})));
    assert!(matches!(take(&direct(), &odd), Err(Rejected::Forged { number: None, .. })));
}

#[test]
fn empty_values_may_or_may_not_have_been_signed_and_say_nothing_either_way() {
    let alipay = direct();
    let with_empty = notice(json!({"body": "", "refund_fee": "", "gmt_refund": ""}));
    assert!(matches!(take(&alipay, &with_empty).unwrap().says, Says::Payment(Pay::Paid(_))));
    let without = [notice(json!({})), b"&body=&refund_fee=&out_biz_no=".to_vec()].concat();
    let told = take(&alipay, &without).unwrap();
    assert!(matches!(told.says, Says::Payment(Pay::Paid(_))));
    assert_eq!(told.claims.refund_number, None);
}

#[test]
fn in_certificate_mode_any_known_certificate_verifies_and_a_named_one_is_fetched() {
    let alipay = certs_account();
    assert!(take(&alipay, &notice(json!({}))).is_ok());
    let sn = "0123456789abcdef0123456789abcdef";
    match take(&alipay, &notice(json!({"alipay_cert_sn": sn}))) {
        Err(Rejected::NeedKeys(hint)) => assert_eq!(hint.key_id, sn),
        other => panic!("{other:?}"),
    }
    let own = crate::certificate::read(&certs::files().alipay).unwrap().sn;
    assert!(take(&alipay, &notice(json!({"alipay_cert_sn": own}))).is_ok(), "signed with it");
    let beside = [notice(json!({})), format!("&alipay_cert_sn={own}").into_bytes()].concat();
    assert!(take(&alipay, &beside).is_ok(), "or without it");
    assert!(matches!(take(&alipay, &notice(json!({"alipay_cert_sn": "../x"}))), Err(Rejected::Forged { .. })));
}

fn certs_account() -> Alipay {
    let account = super::opened(&certs::credentials(), false).unwrap_or_else(|p| panic!("{p:?}"));
    Alipay { account: std::sync::Arc::new(account) }
}

#[test]
fn an_answer_is_seven_bytes_or_four() {
    let alipay = direct();
    let raw = RawCallback { verb: Verb::Post, target: "/n", headers: &Headers::default(), body: b"" };
    let taken = alipay.acknowledge(&raw, Ack::Taken, &env(NOW));
    assert_eq!((taken.status, taken.bytes()), (200, b"success".as_slice()));
    assert_eq!(alipay.acknowledge(&raw, Ack::Refused, &env(NOW)).bytes(), b"fail");
}

#[test]
fn former_keys_still_verify() {
    let file = vectors!("response_verify");
    let other = super::cases(&file).into_iter().find(|v| v["id"] == "resp_file_upload").unwrap();
    let current = json!({"alipay_public_key": other["alipay_public_key_spki_b64"]});
    assert!(take(&alipay(current.clone()), &notice(json!({}))).is_err());
    let mut both = current;
    both["previous"] = json!({"alipay_public_key": super::alipay_public_key()});
    assert!(take(&alipay(both), &notice(json!({}))).is_ok());
}
