//! Callbacks: genuine ones by the vectors and by our own bank, forged ones, and how they are answered.

use super::{
    BANK, ENVELOPE, MER, MERCHANT, NOW, NUMBER, OTHER, REFUND, attempt, bare, cmb, direct, env, merge, paid, pair, provider, public,
    refund_of, signer, str_of, vectors,
};
use crate::Cmb;
use crate::sign;
use serde_json::{Value, json};
use sluice_contract::{Ack, Callback, Channel, Fen, Headers, Method, Notes, Pay, RawCallback, Refund, Rejected, Says, Verb};
use sluice_kit::form;

pub(crate) fn take(cmb: &Cmb, verb: Verb, body: &[u8]) -> Result<Callback, Rejected> {
    let headers = Headers::default();
    cmb.callback(&RawCallback { verb, target: "/notify/cmb-main", headers: &headers, body }, &env(NOW))
}

fn post(cmb: &Cmb, body: &str) -> Result<Callback, Rejected> {
    take(cmb, Verb::Post, body.as_bytes())
}

/// A notice with these members, signed.
fn signed(key: &str, members: &[(&str, &str)]) -> String {
    let signature = signer(key).sign(&sign::text(members.iter().copied()), &[4; 32]).unwrap();
    form::encode_pairs(members.iter().copied().chain([("sign", signature.as_str())]))
}

fn notice(content: &Value) -> String {
    notice_of(BANK, &content.to_string())
}

fn notice_of(key: &str, content: &str) -> String {
    signed(key, &[&ENVELOPE[..], &[("biz_content", content)]].concat())
}

/// A payment's notice has no state, as in the bank's sample.
fn payment(changes: Value) -> Value {
    merge(paid(json!({"tradeState": null})), &changes)
}

fn refunded(changes: Value) -> Value {
    let tree = json!({"merId": MER, "orderId": REFUND, "cmbOrderId": "0099", "userId": "N1", "refundAmt": "50", "refundDscAmt": "5", "payType": "ZF"});
    merge(tree, &changes)
}

#[test]
fn notification_vectors() {
    let mut count = 0;
    for case in vectors!("cmb_sm2_sign").iter().filter(|case| case["form_body"].is_string()) {
        let key = str_of(case, "public_key_spki_b64");
        let cmb = cmb(json!({"mer_id": "308999150570002", "public_key": key}));
        let taken = post(&cmb, str_of(case, "form_body"));
        assert_eq!(json!(taken.is_ok()), case["valid"], "{}: {taken:?}", case["id"]);
        if let Ok(Callback { claims, says, .. }) = taken {
            assert_eq!((claims.amount, claims.currency.as_deref()), (Some(Fen(100)), Some("CNY")));
            assert_eq!(claims.same, Notes::from([("mer_id".to_owned(), "308999150570002".to_owned())]));
            let Says::Payment(Pay::Paid(payment)) = says else { panic!("{says:?}") };
            let discount = if str_of(case, "id") == "cmb-notify-2" { 15 } else { 0 };
            assert_eq!(payment.payer_amount, Some(Fen(100 - discount)));
        }
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn a_payment_notice_is_proof_and_agrees_with_the_attempt() {
    for cmb in [direct(), provider()] {
        for content in [payment(json!({})), payment(json!({"tradeState": "S"})), payment(json!({"currencyCode": null}))] {
            let callback = post(&cmb, &notice(&content)).unwrap();
            assert!(matches!(callback.says, Says::Payment(Pay::Paid(_))), "{content}");
            assert_eq!(callback.claims.contradiction(&attempt(&cmb, Method::CmbQr)), None);
        }
    }
    let sub = |id: &str| post(&provider(), &notice(&payment(json!({"subMerId": id})))).unwrap();
    assert_eq!(sub("308999150570099").claims.contradiction(&attempt(&provider(), Method::CmbQr)), None);
    assert_eq!(sub("308999150570098").claims.contradiction(&attempt(&provider(), Method::CmbQr)), Some("sub_mer_id"));
}

#[test]
fn a_signed_notice_about_another_order_is_seen_by_its_claims() {
    let cmb = direct();
    for (changes, field) in [
        (json!({"orderId": "AB2CD3EF4GH5JK6MN7PQ8RS9TV1"}), "number"),
        (json!({"txnAmt": "1"}), "amount"),
        (json!({"txnAmt": "10000"}), "amount"),
        (json!({"currencyCode": "840"}), "currency"),
        (json!({"subMerId": "1"}), "sub_mer_id"),
    ] {
        let claims = post(&cmb, &notice(&payment(changes.clone()))).unwrap().claims;
        assert_eq!(claims.contradiction(&attempt(&cmb, Method::CmbQr)), Some(field), "{changes}");
    }
    // Swapped: a payment's notice under the refund's number names no payment of ours.
    let swapped = post(&cmb, &notice(&payment(json!({"orderId": REFUND})))).unwrap();
    assert_eq!(swapped.claims.contradiction(&bare(Method::CmbQr)), Some("number"));
}

#[test]
fn a_refund_notice_names_the_refund_and_perhaps_the_payment() {
    let cmb = direct();
    let refund = refund_of(attempt(&cmb, Method::CmbQr));
    for content in [refunded(json!({})), refunded(json!({"origOrderId": NUMBER, "txnAmt": "100", "refundState": "S"}))] {
        let callback = post(&cmb, &notice(&content)).unwrap();
        assert_eq!(callback.claims.refund_contradiction(&refund), None, "{content}");
        match callback.says {
            Says::Refund(Refund::Succeeded(told)) => assert_eq!(told.payer_amount, Some(Fen(45))),
            other => panic!("{other:?}"),
        }
    }
    for (changes, field) in [
        (json!({"refundAmt": "51"}), "refund_amount"),
        (json!({"orderId": NUMBER}), "refund_number"),
        (json!({"origOrderId": REFUND}), "number"),
    ] {
        let claims = post(&cmb, &notice(&refunded(changes.clone()))).unwrap().claims;
        assert_eq!(claims.refund_contradiction(&refund), Some(field), "{changes}");
    }
}

#[test]
fn a_verified_message_that_says_less_is_a_reason_to_ask() {
    let cmb = direct();
    for content in [
        payment(json!({"tradeState": "P"})),
        payment(json!({"tradeState": "F"})),
        payment(json!({"tradeState": "R"})),
        payment(json!({"txnAmt": null})),
        payment(json!({"txnAmt": "1.00"})),
        payment(json!({"txnAmt": "-100"})),
    ] {
        let callback = post(&cmb, &notice(&content)).unwrap();
        assert_eq!((callback.says, callback.claims.number.as_deref()), (Says::Ask, Some(NUMBER)), "{content}");
    }
    for content in [refunded(json!({"refundAmt": "x"})), refunded(json!({"refundState": "P"})), refunded(json!({"tradeState": "F"}))] {
        let callback = post(&cmb, &notice(&content)).unwrap();
        assert_eq!((callback.says, callback.claims.refund_number.as_deref()), (Says::Ask, Some(REFUND)), "{content}");
    }
    assert!(matches!(post(&cmb, &notice(&payment(json!({"orderId": null})))), Err(Rejected::Unreadable { .. })));
}

#[test]
fn forged_notices_are_rejected_and_name_their_order_for_a_question() {
    let cmb = direct();
    let genuine = notice(&payment(json!({})));
    assert!(post(&cmb, &genuine).is_ok());
    let content = payment(json!({})).to_string();
    let old: Vec<(&str, &str)> =
        [("version", "0.0.1"), ("encoding", "UTF-8"), ("signMethod", "01"), ("biz_content", content.as_str())].to_vec();
    for body in [
        notice_of(OTHER, &content),
        notice_of(MERCHANT, &content),
        genuine.replace("%22100%22", "%22101%22"),
        genuine.replace("0.0.1", "0.0.2"),
        genuine.replace("encoding=UTF-8&", ""),
        format!("{genuine}&extra=1"),
        genuine.split("&sign=").next().unwrap().to_owned(),
        genuine.replace("sign=ME", "sign=MF"),
        signed(BANK, &old),
        genuine.replace("signMethod=02", "signMethod=01"),
        signed(BANK, &[("biz_content", &content)]),
    ] {
        assert_ne!(body, genuine);
        match post(&cmb, &body) {
            Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER), "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    // The same fields in another order are the same message, and so is an extra field that was signed.
    let mut pieces: Vec<&str> = genuine.split('&').collect();
    pieces.reverse();
    assert!(post(&cmb, &pieces.join("&")).is_ok());
    assert!(post(&cmb, &signed(BANK, &[&ENVELOPE[..], &[("biz_content", &content), ("attach", "a+b %2B")]].concat())).is_ok());
}

#[test]
fn doubled_truncated_twice_encoded_and_oversized_notices_are_rejected() {
    let cmb = direct();
    let genuine = notice(&payment(json!({})));
    let doubled_key = payment(json!({})).to_string().replace(r#""txnAmt":"100""#, r#""txnAmt":"100","txnAmt":"100""#);
    for body in [
        format!("{genuine}&biz_content=%7B%7D"),
        format!("{genuine}&version=0.0.1"),
        genuine.replace("version=", "v%65rsion=0.0.1&version="),
        genuine[..genuine.len() / 2].to_owned(),
        genuine[..genuine.len() - 9].to_owned(),
        genuine.replace('%', "%25"),
        genuine.replacen("%7B", "%7", 1),
        genuine.replacen("%7B", "%FF", 1),
        format!("{genuine}&x={}", "y".repeat(300_000)),
        notice_of(BANK, &doubled_key),
        notice_of(BANK, "[]"),
        notice_of(BANK, &format!("{} x", payment(json!({})))),
        notice_of(BANK, &"[".repeat(50)),
        String::new(),
        "{}".into(),
    ] {
        assert!(post(&cmb, &body).is_err(), "{body:.200}");
    }
    assert!(matches!(take(&cmb, Verb::Get, genuine.as_bytes()), Err(Rejected::Unreadable { .. })));
}

#[test]
fn another_merchants_genuine_notice_is_forged_for_us() {
    for content in [payment(json!({"merId": "3089991701207X8"})), payment(json!({"merId": null})), refunded(json!({"merId": "1"}))] {
        for cmb in [direct(), provider()] {
            assert!(matches!(post(&cmb, &notice(&content)), Err(Rejected::Forged { number: Some(_), .. })), "{content}");
        }
    }
}

#[test]
fn former_keys_verify_notices_for_a_while() {
    let body = notice_of(OTHER, &payment(json!({})).to_string());
    assert!(post(&direct(), &body).is_err());
    assert!(post(&cmb(json!({"previous": {"public_key": pair(OTHER).1}})), &body).is_ok());
}

#[test]
fn answers_are_signed_by_us_and_tell_no_reasons() {
    let (cmb, headers) = (direct(), Headers::default());
    let raw = RawCallback { verb: Verb::Post, target: "/notify/cmb-main", headers: &headers, body: b"whatever" };
    for (ack, status, word) in [(Ack::Taken, 200, "SUCCESS"), (Ack::Refused, 500, "FAIL")] {
        let reply = cmb.acknowledge(&raw, ack, &env(NOW));
        let tree: Value = serde_json::from_slice(reply.bytes()).unwrap();
        let members: Vec<(&str, &str)> = tree.as_object().unwrap().iter().map(|(n, v)| (n.as_str(), v.as_str().unwrap())).collect();
        assert!(public(MERCHANT).verifies(&sign::text(members.iter().copied()), str_of(&tree, "sign")));
        assert_eq!((reply.status, str_of(&tree, "returnCode"), str_of(&tree, "respCode")), (status, word, word));
        assert_eq!((str_of(&tree, "version"), str_of(&tree, "encoding"), str_of(&tree, "signMethod")), ("0.0.1", "UTF-8", "02"));
        assert_eq!(members.len(), 6);
    }
}
