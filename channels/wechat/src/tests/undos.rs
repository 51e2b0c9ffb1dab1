//! Queries, closes and reversals: every state and code, sealed and not.

use super::{NOW, NUMBER, attempt, direct, env, error, json_of, partner, read, request_of, sealed, transaction, unsealed};
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, FailureCode, Method, Notes, Pay, Step, Undone, WhyKind};

fn kind(pay: Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

fn doubt(undone: Undone) -> WhyKind {
    match undone {
        Undone::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

#[test]
fn a_query_names_the_order_and_its_merchants() {
    let wechat = direct();
    let step = wechat.query(&attempt(&wechat, Method::WechatNative), &env(NOW));
    let base = "https://api.mch.weixin.qq.com/v3/pay";
    assert_eq!(request_of(&step).url, format!("{base}/transactions/out-trade-no/{NUMBER}?mchid=1900000100"));
    let wechat = partner();
    let step = wechat.query(&attempt(&wechat, Method::WechatNative), &env(NOW));
    assert_eq!(
        request_of(&step).url,
        format!("{base}/partner/transactions/out-trade-no/{NUMBER}?sp_mchid=1900000100&sub_mchid=1900000109")
    );
}

#[test]
fn every_trade_state_has_one_meaning() {
    let wechat = direct();
    let online = wechat.query(&attempt(&wechat, Method::WechatNative), &env(NOW));
    let barcode = wechat.query(&attempt(&wechat, Method::WechatBarcode), &env(NOW));
    let told = |step: &Step<Pay>, state: &str| read(step, &sealed(200, &transaction(json!({"trade_state": state}))));
    for state in ["SUCCESS", "REFUND"] {
        assert!(matches!(told(&online, state), Pay::Paid(_)), "{state}");
    }
    for state in ["NOTPAY", "USERPAYING", "ACCEPT"] {
        assert_eq!(told(&online, state), Pay::Waiting(Action::None, Notes::new()));
        assert_eq!(told(&barcode, state), Pay::Waiting(Action::Wait { poll_after_ms: 5000 }, Notes::new()));
    }
    assert_eq!(told(&online, "CLOSED"), Pay::Closed);
    assert_eq!(told(&barcode, "REVOKED"), Pay::Reversed);
    assert_eq!(kind(told(&barcode, "PAYERROR")), WhyKind::Declined);
    for state in ["", "success", "SOMETHING_NEW"] {
        assert_eq!(kind(told(&barcode, state)), WhyKind::Unlisted, "{state}");
    }
    assert_eq!(kind(told(&online, "PAYERROR")), WhyKind::Unlisted);
}

#[test]
fn a_signed_reply_about_something_else_is_an_alarm() {
    let wechat = direct();
    let step = wechat.query(&attempt(&wechat, Method::WechatNative), &env(NOW));
    for lie in [
        json!({"out_trade_no": "SLUICE20250601000002"}),
        json!({"mchid": "1900000101"}),
        json!({"appid": "wxother"}),
        json!({"sub_mchid": "1900000109"}),
        json!({"amount": {"total": 101, "currency": "CNY"}}),
        json!({"amount": {"total": 100, "currency": "USD"}}),
    ] {
        for state in ["SUCCESS", "CLOSED", "NOTPAY", "REVOKED"] {
            let mut lie = lie.clone();
            lie["trade_state"] = json!(state);
            assert_eq!(kind(read(&step, &sealed(200, &transaction(lie.clone())))), WhyKind::Contradiction, "{lie}");
        }
    }
    for hole in [
        json!({"out_trade_no": null}),
        json!({"mchid": null}),
        json!({"trade_state": null}),
        json!({"amount": null}),
        json!({"appid": null}),
    ] {
        assert_eq!(kind(read(&step, &sealed(200, &transaction(hole.clone())))), WhyKind::Unreadable, "{hole}");
    }
    for total in [json!("100"), json!(100.0), json!(-100), json!(1e2)] {
        let tree = json!({"amount": {"total": total, "currency": "CNY"}});
        assert_eq!(kind(read(&step, &sealed(200, &transaction(tree.clone())))), WhyKind::Unreadable, "{tree}");
    }
}

#[test]
fn only_the_signed_code_says_not_found() {
    let wechat = direct();
    let step = wechat.query(&attempt(&wechat, Method::WechatNative), &env(NOW));
    assert_eq!(read(&step, &sealed(404, &error("ORDER_NOT_EXIST"))), Pay::NotFound);
    assert_eq!(read(&step, &sealed(404, &error("ORDERNOTEXIST"))), Pay::NotFound);
    for (reply, wanted) in [
        (unsealed(404, &error("ORDER_NOT_EXIST")), WhyKind::BadSignature),
        (sealed(404, &error("RESOURCE_NOT_EXISTS")), WhyKind::Unlisted),
        (sealed(404, "{}"), WhyKind::Unreadable),
        (unsealed(404, "404 page not found"), WhyKind::Unreadable),
        (sealed(400, &error("ORDER_NOT_EXIST")), WhyKind::Pending),
        (sealed(500, &error("ORDER_NOT_EXIST")), WhyKind::Unlisted),
        (sealed(401, &error("SIGN_ERROR")), WhyKind::Configuration),
        (unsealed(401, &error("SIGN_ERROR")), WhyKind::Configuration),
        (sealed(429, &error("FREQUENCY_LIMITED")), WhyKind::Pending),
    ] {
        assert_eq!(kind(read(&step, &reply)), wanted, "{reply:?}");
    }
}

#[test]
fn a_close_is_confirmed_by_a_sealed_empty_answer() {
    let wechat = direct();
    let step = wechat.close(&attempt(&wechat, Method::WechatNative), &env(NOW));
    assert!(request_of(&step).url.ends_with(&format!("/v3/pay/transactions/out-trade-no/{NUMBER}/close")));
    assert_eq!(json_of(&step), json!({"mchid": "1900000100"}));
    for (reply, wanted) in [
        (sealed(204, ""), Undone::Closed),
        (sealed(400, &error("ORDER_CLOSED")), Undone::Closed),
        (sealed(202, &error("USER_PAYING")), Undone::Busy),
        (sealed(404, &error("ORDER_NOT_EXIST")), Undone::NotFound),
    ] {
        assert_eq!(read(&step, &reply), wanted, "{reply:?}");
    }
    for (reply, wanted) in [
        (unsealed(204, ""), WhyKind::BadSignature),
        (sealed(200, "{\"x\":1}"), WhyKind::Unreadable),
        (unsealed(400, &error("ORDER_CLOSED")), WhyKind::BadSignature),
        (sealed(500, &error("ORDER_CLOSED")), WhyKind::Unlisted),
        (sealed(400, &error("INVALID_REQUEST")), WhyKind::Pending),
        (sealed(400, &error("ORDERPAID")), WhyKind::Pending),
        (sealed(500, &error("SYSTEM_ERROR")), WhyKind::Pending),
        (unsealed(404, &error("ORDER_NOT_EXIST")), WhyKind::Pending),
        (sealed(400, &error("WHAT_IS_THIS")), WhyKind::Unlisted),
    ] {
        assert_eq!(doubt(read(&step, &reply)), wanted, "{reply:?}");
    }
    assert!(matches!(wechat.close(&attempt(&wechat, Method::WechatBarcode), &env(NOW)), Step::Refused(_)));
}

#[test]
fn a_reversal_will_not_stay_paid_once_confirmed() {
    let wechat = direct();
    let step = wechat.reverse(&attempt(&wechat, Method::WechatBarcode), &env(NOW));
    assert_eq!(json_of(&step), json!({"appid": super::APP, "mchid": "1900000100"}));
    let done = |changes: Value| {
        let mut tree = json!({"appid": super::APP, "mchid": "1900000100", "out_trade_no": NUMBER});
        for (name, value) in changes.as_object().unwrap() {
            tree[name] = value.clone();
        }
        sealed(200, &tree.to_string())
    };
    assert_eq!(read(&step, &done(json!({}))), Undone::Closed);
    assert_eq!(doubt(read(&step, &done(json!({"out_trade_no": "SLUICE20250601000002"})))), WhyKind::Contradiction);
    assert_eq!(doubt(read(&step, &done(json!({"mchid": "1"})))), WhyKind::Contradiction);
    assert_eq!(doubt(read(&step, &sealed(200, "{}"))), WhyKind::Unreadable);
    for (code, wanted) in [
        ("SYSTEM_ERROR", Undone::Busy),
        ("USERPAYING", Undone::Busy),
        ("ORDER_NOT_EXIST", Undone::NotFound),
        ("ORDER_CLOSED", Undone::Closed),
    ] {
        assert_eq!(read(&step, &sealed(400, &error(code))), wanted, "{code}");
    }
    match read(&step, &sealed(400, &error("REVERSE_EXPIRE"))) {
        Undone::Refused(failure) => assert_eq!(failure.code, FailureCode::ChannelRefused),
        other => panic!("{other:?}"),
    }
    for (reply, wanted) in [
        (sealed(403, &error("TRADE_ERROR")), WhyKind::Pending),
        (sealed(401, &error("SIGN_ERROR")), WhyKind::Configuration),
        (unsealed(200, "{}"), WhyKind::BadSignature),
        (unsealed(400, &error("REVERSE_EXPIRE")), WhyKind::BadSignature),
        (sealed(400, &error("NEW")), WhyKind::Unlisted),
    ] {
        assert_eq!(doubt(read(&step, &reply)), wanted, "{reply:?}");
    }
    assert!(matches!(wechat.reverse(&attempt(&wechat, Method::WechatNative), &env(NOW)), Step::Refused(_)));
}
