//! Refunds: what is sent, and what each answer means.

use super::{NOW, NUMBER, attempt, direct, env, error, json_of, partner, read, refund_of, request_of, sealed, unsealed};
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, Fen, Method, Refund, Step, Stuck, WhyKind};

fn told(changes: Value) -> String {
    let mut tree = json!({
        "refund_id": "50200207182018070300011301001", "out_refund_no": "RSLUICE20250601000001", "out_trade_no": NUMBER,
        "transaction_id": "4200002681202506012345678901", "status": "SUCCESS", "success_time": "2025-06-01T11:00:05+08:00",
        "amount": {"total": 100, "refund": 50, "payer_total": 90, "payer_refund": 45, "currency": "CNY"},
    });
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree.to_string()
}

fn doubt(refund: Refund) -> WhyKind {
    match refund {
        Refund::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

fn steps() -> [Step<Refund>; 2] {
    let wechat = direct();
    let refund = refund_of(attempt(&wechat, Method::WechatNative));
    [wechat.refund(&refund, &env(NOW)), wechat.query_refund(&refund, &env(NOW))]
}

#[test]
fn a_refund_names_the_payment_by_wechats_number_where_it_is_known() {
    let wechat = direct();
    let mut refund = refund_of(attempt(&wechat, Method::WechatNative));
    let body = json_of(&wechat.refund(&refund, &env(NOW)));
    let amount = json!({"refund": 50, "total": 100, "currency": "CNY"});
    let url = "https://pay.example.com/notify/wx-main/refund";
    assert_eq!(body, json!({"out_trade_no": NUMBER, "out_refund_no": refund.number, "notify_url": url, "amount": amount}));
    refund.payment.handles.insert("transaction_id".into(), "42".into());
    refund.reason = Some("退🎉货".repeat(50));
    let first = wechat.refund(&refund, &env(NOW));
    let body = json_of(&first);
    assert_eq!((&body["transaction_id"], body["out_trade_no"].is_null()), (&json!("42"), true));
    assert_eq!(body["reason"].as_str().unwrap().chars().count(), 80);
    assert_eq!(request_of(&first).body, request_of(&wechat.refund(&refund, &env(NOW.plus(60)))).body);
    let query = wechat.query_refund(&refund, &env(NOW));
    assert!(request_of(&query).url.ends_with("/v3/refund/domestic/refunds/RSLUICE20250601000001"));
}

#[test]
fn a_partners_refund_names_the_sub_merchant() {
    let wechat = partner();
    let refund = refund_of(attempt(&wechat, Method::WechatNative));
    assert_eq!(json_of(&wechat.refund(&refund, &env(NOW)))["sub_mchid"], "1900000109");
    assert!(request_of(&wechat.query_refund(&refund, &env(NOW))).url.ends_with("?sub_mchid=1900000109"));
}

#[test]
fn every_refund_state_has_one_meaning() {
    for step in steps() {
        match read(&step, &sealed(200, &told(json!({})))) {
            Refund::Succeeded(refunded) => {
                assert_eq!(refunded.payer_amount, Some(Fen(45)));
                assert_eq!(refunded.handles["refund_id"], "50200207182018070300011301001");
                assert_eq!(refunded.at.map(|at| at.rfc3339()).as_deref(), Some("2025-06-01T11:00:05+08:00"));
            }
            other => panic!("{other:?}"),
        }
        match read(&step, &sealed(200, &told(json!({"status": "PROCESSING"})))) {
            Refund::Accepted(handles) => assert_eq!(handles["refund_id"], "50200207182018070300011301001"),
            other => panic!("{other:?}"),
        }
        match read(&step, &sealed(200, &told(json!({"status": "CLOSED"})))) {
            Refund::Failed(failure) => assert_eq!(failure.code, FailureCode::RefundClosed),
            other => panic!("{other:?}"),
        }
        match read(&step, &sealed(200, &told(json!({"status": "ABNORMAL"})))) {
            Refund::Stuck(Stuck::PayeeAccount, _, handles) => assert!(handles.contains_key("refund_id")),
            other => panic!("{other:?}"),
        }
        assert_eq!(doubt(read(&step, &sealed(200, &told(json!({"status": "NEW"}))))), WhyKind::Unlisted);
    }
}

#[test]
fn a_refund_reply_about_something_else_or_nothing_decides_nothing() {
    for step in steps() {
        for lie in [
            json!({"out_refund_no": "RSLUICE20250601000009"}),
            json!({"out_trade_no": "SLUICE20250601000002"}),
            json!({"amount": {"total": 100, "refund": 51}}),
            json!({"amount": {"total": 99, "refund": 50}}),
            json!({"amount": {"total": 100, "refund": 50, "currency": "USD"}}),
            json!({"mchid": "1"}),
        ] {
            assert_eq!(doubt(read(&step, &sealed(200, &told(lie.clone())))), WhyKind::Contradiction, "{lie}");
        }
        for hole in ["out_refund_no", "out_trade_no", "amount", "status"] {
            let mut changes = json!({});
            changes[hole] = Value::Null;
            assert_eq!(doubt(read(&step, &sealed(200, &told(changes)))), WhyKind::Unreadable, "{hole}");
        }
        for (reply, wanted) in [
            (unsealed(200, &told(json!({}))), WhyKind::BadSignature),
            (unsealed(500, &error("SYSTEM_ERROR")), WhyKind::Pending),
            (sealed(429, &error("FREQUENCY_LIMITED")), WhyKind::Pending),
            (unsealed(502, ""), WhyKind::NoAnswer),
            (sealed(400, &error("NEW_CODE")), WhyKind::Unlisted),
            (sealed(401, &error("SIGN_ERROR")), WhyKind::Configuration),
        ] {
            assert_eq!(doubt(read(&step, &reply)), wanted, "{reply:?}");
        }
    }
}

#[test]
fn refused_refunds_fail_only_by_a_signed_word_about_a_new_number() {
    let wechat = direct();
    let mut refund = refund_of(attempt(&wechat, Method::WechatNative));
    for (status, code, wanted) in [
        (403, "USER_ACCOUNT_ABNORMAL", FailureCode::PayerAccount),
        (403, "REQUEST_BLOCKED", FailureCode::ChannelRefused),
        (400, "PARAM_ERROR", FailureCode::RequestInvalid),
        (400, "INVALID_REQUEST", FailureCode::RequestInvalid),
    ] {
        refund.handles.clear();
        match read(&wechat.refund(&refund, &env(NOW)), &sealed(status, &error(code))) {
            Refund::Failed(failure) => assert_eq!(failure.code, wanted, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
        let unsigned = doubt(read(&wechat.refund(&refund, &env(NOW)), &unsealed(status, &error(code))));
        assert!(unsigned == WhyKind::BadSignature || (code == "INVALID_REQUEST" && unsigned == WhyKind::Pending), "{code}");
        refund.handles.insert("refund_id".into(), "5020".into());
        assert_eq!(doubt(read(&wechat.refund(&refund, &env(NOW)), &sealed(status, &error(code)))), WhyKind::Pending, "{code}");
    }
    let [create, query] = steps();
    match read(&create, &sealed(403, &error("NOT_ENOUGH"))) {
        Refund::Stuck(Stuck::MerchantBalance, ..) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(doubt(read(&create, &unsealed(403, &error("NOT_ENOUGH")))), WhyKind::BadSignature);
    assert_eq!(doubt(read(&create, &sealed(404, &error("RESOURCE_NOT_EXISTS")))), WhyKind::Pending);
    assert_eq!(read(&query, &sealed(404, &error("RESOURCE_NOT_EXISTS"))), Refund::NotFound);
    assert_eq!(doubt(read(&query, &unsealed(404, &error("RESOURCE_NOT_EXISTS")))), WhyKind::BadSignature);
}
