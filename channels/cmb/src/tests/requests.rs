//! What every request of ours looks like, byte by byte where the bank looks.

use super::{
    ALIPAY_CODE, BASE, MER, NOTIFY, NOW, NUMBER, REFUND, UNIONPAY_CODE, attempt, attempt_of, cmb, content_of, direct, env, envelope_of,
    order, provider, refund_of, request_of, terminal,
};
use serde_json::{Value, json};
use sluice_contract::{Channel, Into as Keep, Method, Notes, PayOrder, Step, Verb};

#[test]
fn every_call_is_a_signed_post_under_the_prefix_with_its_apisign() {
    let cmb = direct();
    let (qr, code) = (attempt(&cmb, Method::CmbQr), attempt(&cmb, Method::CmbBarcode));
    let refund = refund_of(qr.clone());
    let env = env(NOW);
    let requests = [
        (request_of(&cmb.pay(&qr, &order(), &env)).clone(), "qrcodeapply", "qr.create"),
        (request_of(&cmb.pay(&code, &order(), &env)).clone(), "pay", "codepay"),
        (request_of(&cmb.query(&qr, &env)).clone(), "orderquery", "order.query"),
        (request_of(&cmb.close(&qr, &env)).clone(), "close", "order.close"),
        (request_of(&cmb.reverse(&code, &env)).clone(), "cancel", "codepay.reverse"),
        (request_of(&cmb.refund(&refund, &env)).clone(), "refund", "refund.create"),
        (request_of(&cmb.query_refund(&refund, &env)).clone(), "refundquery", "refund.query"),
    ];
    for (request, path, api) in requests {
        assert_eq!((request.verb, request.api), (Verb::Post, api));
        assert_eq!(request.url, format!("{BASE}/polypay/v1.0/mchorders/{path}"));
        let envelope = envelope_of(&request);
        assert_eq!(request.headers.only("appid"), Some("e315a8b5-45f6-4f96-b20a-0b586a2a96c6"));
        assert_eq!(request.headers.only("timestamp"), Some(NOW.0.to_string().as_str()));
        let apisign = cmb.account.signer.apisign(envelope["sign"].as_str().unwrap(), NOW);
        assert_eq!(request.headers.only("apisign"), Some(apisign.as_str()));
        assert!(apisign.len() == 32 && apisign.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert!(request.headers.only("Content-Type").is_some_and(|kind| kind.starts_with("application/json")));
        assert!(matches!(request.into, Keep::Memory { .. }) && request.identity.is_none());
        for secret in ["sk-very-secret", UNIONPAY_CODE, "apisign"] {
            assert!(!format!("{request:?}").contains(secret));
        }
    }
}

#[test]
fn a_qr_code_is_asked_for_with_what_is_left_of_the_orders_life() {
    let cmb = direct();
    let attempt = attempt(&cmb, Method::CmbQr);
    let content = content_of(&cmb.pay(&attempt, &order(), &env(NOW.plus(1))));
    let wanted = json!({
        "merId": MER, "userId": "N003109945", "orderId": NUMBER, "txnAmt": "100", "notifyUrl": NOTIFY, "body": "一箱苹果", "termId": "00001",
        "payValidTime": "899", "currencyCode": "156",
    });
    assert_eq!(content, wanted);
    assert!(matches!(cmb.pay(&attempt, &order(), &env(NOW.plus(900))), Step::Refused(_)), "nothing is sent that is dead already");
    let plain = PayOrder { terminal: Some(terminal()), ..order() };
    assert!(content_of(&cmb.pay(&attempt, &plain, &env(NOW)))["encryptTerminalInfo"].is_string());
}

#[test]
fn a_payment_code_goes_with_the_till() {
    let cmb = direct();
    let attempt = attempt(&cmb, Method::CmbBarcode);
    let mut content = content_of(&cmb.pay(&attempt, &order(), &env(NOW)));
    assert!(content.as_object_mut().unwrap().remove("encryptTerminalInfo").is_some());
    let wanted = json!({
        "merId": MER, "userId": "N003109945", "orderId": NUMBER, "txnAmt": "100", "notifyUrl": NOTIFY, "body": "一箱苹果", "termId": "00001",
        "authCode": UNIONPAY_CODE,
    });
    assert_eq!(content, wanted);
    let plain = super::cmb(json!({"encrypt_terminal": false}));
    let step = plain.pay(&attempt, &order(), &env(NOW));
    assert!(content_of(&step)["encryptTerminalInfo"].is_null() && envelope_of(request_of(&step))["encryptKey"].is_null());
}

#[test]
fn what_was_frozen_rules_later_calls() {
    let cmb = direct();
    let own = PayOrder { operator_id: Some("N9".into()), ..order() };
    let mut attempt = attempt_of(&cmb, Method::CmbBarcode, &own);
    assert_eq!(attempt.memo, Notes::from([("mer_id".into(), MER.into()), ("user_id".into(), "N9".into())]));
    let moved = super::cmb(json!({"user_id": "OTHER"}));
    let refund = refund_of(attempt.clone());
    let contents = [
        content_of(&moved.query(&attempt, &env(NOW))),
        content_of(&moved.reverse(&attempt, &env(NOW))),
        content_of(&moved.query_refund(&refund, &env(NOW))),
        content_of(&moved.refund(&refund, &env(NOW))),
    ];
    assert!(contents.iter().all(|content| content["userId"] == "N9" && content["merId"] == MER), "{contents:?}");
    assert_eq!(contents[0], json!({"merId": MER, "userId": "N9", "orderId": NUMBER}));
    assert_eq!(contents[1], json!({"merId": MER, "userId": "N9", "origOrderId": NUMBER}));
    assert_eq!(contents[2], json!({"merId": MER, "userId": "N9", "orderId": REFUND}));
    // What does not fit is not sent: the account's cashier stands in.
    for odd in ["收银员", "", "with space", &"9".repeat(33)] {
        let odd = PayOrder { operator_id: Some(odd.into()), ..order() };
        assert_eq!(attempt_of(&cmb, Method::CmbQr, &odd).memo["user_id"], "N003109945");
    }
    attempt.method = Method::CmbQr;
    assert_eq!(content_of(&moved.close(&attempt, &env(NOW))), json!({"merId": MER, "userId": "N9", "origOrderId": NUMBER}));
}

#[test]
fn a_refund_tells_the_payments_own_amount_and_repeats_itself() {
    let cmb = direct();
    let mut refund = refund_of(attempt(&cmb, Method::CmbQr));
    let wanted = json!({
        "merId": MER, "userId": "N003109945", "orderId": REFUND, "origOrderId": NUMBER, "txnAmt": "100", "refundAmt": "50",
        "notifyUrl": format!("{NOTIFY}/refund"),
    });
    assert_eq!(content_of(&cmb.refund(&refund, &env(NOW))), wanted);
    refund.reason = Some(format!(" 退🎉{}", "货".repeat(90)));
    let first = content_of(&cmb.refund(&refund, &env(NOW)));
    assert!(first["refundReason"].as_str().is_some_and(|reason| reason.starts_with("退货") && reason.chars().count() < 41));
    assert_eq!(first, content_of(&cmb.refund(&refund, &env(NOW.plus(60)))));
}

#[test]
fn a_provider_names_its_sub_merchant() {
    let cmb = provider();
    let mut attempt = attempt(&cmb, Method::CmbQr);
    attempt.sub.insert("sub_store_id".into(), "S1".into());
    let content = content_of(&cmb.pay(&attempt, &order(), &env(NOW)));
    assert_eq!((&content["subMerId"], &content["subStoreId"], &content["merId"]), (&json!("308999150570099"), &json!("S1"), &json!(MER)));
}

#[test]
fn what_is_optional_is_absent_rather_than_empty_and_what_is_long_is_cut() {
    let cmb = direct();
    let attempt = attempt(&cmb, Method::CmbQr);
    let body = |subject: &str| content_of(&cmb.pay(&attempt, &PayOrder { subject: subject.into(), ..order() }, &env(NOW)))["body"].clone();
    assert_eq!(body("🎉 \n"), Value::Null);
    assert_eq!(body("a \"b\" & c=d%2B"), "a \"b\" & c=d%2B");
    assert_eq!(body(&"果".repeat(100)), "果".repeat(42));
    let bare = super::cmb(json!({"term_id": null}));
    assert!(content_of(&bare.pay(&attempt, &order(), &env(NOW)))["termId"].is_null());
    let long = format!("https://pay.example.com/{}", "n".repeat(256));
    let far = sluice_contract::Env { notify_url: &long, ..env(NOW) };
    assert!(matches!(cmb.pay(&attempt, &order(), &far), Step::Refused(_)));
}

#[test]
fn an_ecny_code_goes_only_with_what_the_bank_wants_for_it() {
    let code = PayOrder { auth_code: Some("0112345678901234567".into()), ..order() };
    let cmb = cmb(json!({"ecny_payment": "1"}));
    let attempt = attempt_of(&cmb, Method::CmbBarcode, &code);
    assert_eq!(content_of(&cmb.pay(&attempt, &code, &env(NOW)))["ecnyPayment"], "1");
    let other = PayOrder { auth_code: Some(format!(" {ALIPAY_CODE}\r\n")), ..order() };
    let content = content_of(&cmb.pay(&attempt, &other, &env(NOW)));
    assert_eq!((&content["ecnyPayment"], &content["authCode"]), (&Value::Null, &json!(ALIPAY_CODE)));
}
