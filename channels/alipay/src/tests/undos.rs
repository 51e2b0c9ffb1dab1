//! Queries, closes and cancels: every state and code, sealed and not.

use super::{MERCHANT, NOW, NUMBER, attempt, biz_of, direct, env, error, error_of, good, provider, read, sealed, sent_by, trade, unsealed};
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, FailureCode, HttpReply, Method, Pay, Refusal, Step, Undone, WhyKind};

const QUERY: &str = "alipay.trade.query";
const CLOSE: &str = "alipay.trade.close";
const CANCEL: &str = "alipay.trade.cancel";

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
fn every_verb_names_the_trade_by_our_number_and_a_providers_by_its_token() {
    for alipay in [direct(), provider()] {
        let (online, barcode) = (attempt(&alipay, Method::AlipayQr), attempt(&alipay, Method::AlipayBarcode));
        let query = alipay.query(&online, &env(NOW));
        assert_eq!(biz_of(&query), json!({"out_trade_no": NUMBER, "query_options": ["fund_bill_list", "mdiscount_amount"]}));
        for (step, method) in [(alipay.close(&online, &env(NOW)), CLOSE), (alipay.reverse(&barcode, &env(NOW)), CANCEL)] {
            assert_eq!(biz_of(&step), json!({"out_trade_no": NUMBER}));
            let sent = sent_by(&step);
            assert_eq!(sent["method"], method);
            assert_eq!(
                sent.get("app_auth_token").map(String::as_str),
                online.sub.get("auth_app_id").map(|id| {
                    assert_eq!(id, MERCHANT);
                    "TOKEN-1"
                })
            );
            assert!(!sent.contains_key("notify_url"));
        }
    }
}

#[test]
fn every_trade_state_has_one_meaning() {
    let alipay = direct();
    let online = alipay.query(&attempt(&alipay, Method::AlipayPage), &env(NOW));
    let barcode = alipay.query(&attempt(&alipay, Method::AlipayBarcode), &env(NOW));
    let told = |step: &Step<Pay>, change: Value| read(step, &sealed(QUERY, &trade(change)));
    for state in ["TRADE_SUCCESS", "TRADE_FINISHED"] {
        assert!(matches!(told(&online, json!({"trade_status": state})), Pay::Paid(_)), "{state}");
    }
    let waits = json!({"trade_status": "WAIT_BUYER_PAY", "send_pay_date": null});
    assert!(matches!(told(&online, waits.clone()), Pay::Waiting(Action::None, _)));
    assert!(matches!(told(&barcode, waits), Pay::Waiting(Action::Wait { poll_after_ms: 3000 }, _)));
    let closed =
        |date: Value, infos: Value| told(&online, json!({"trade_status": "TRADE_CLOSED", "send_pay_date": date, "ext_infos": infos}));
    assert_eq!(closed(Value::Null, Value::Null), Pay::Closed);
    assert_eq!(closed(json!(""), json!("{}")), Pay::Closed);
    assert!(matches!(closed(json!("2026-11-23 14:25:00"), Value::Null), Pay::Paid(_)), "refunded in full was paid");
    assert_eq!(closed(json!("2026-11-23 14:25:00"), json!("{\"action\":\"cancel\"}")), Pay::Reversed);
    for state in ["", "trade_success", "TRADE_PENDING"] {
        assert_eq!(kind(told(&online, json!({"trade_status": state}))), WhyKind::Unlisted, "{state}");
    }
    assert_eq!(kind(told(&online, json!({"total_amount": null}))), WhyKind::Contradiction);
}

#[test]
fn a_query_about_something_else_is_an_alarm() {
    let alipay = direct();
    let mut known = attempt(&alipay, Method::AlipayQr);
    known.handles.insert("trade_no".into(), "T1".into());
    let step = alipay.query(&known, &env(NOW));
    for change in [json!({}), json!({"trade_no": "T1", "out_trade_no": "X"}), json!({"trade_no": "T1", "total_amount": "0.88"})] {
        assert_eq!(kind(read(&step, &sealed(QUERY, &trade(change.clone())))), WhyKind::Contradiction, "{change}");
    }
    assert!(matches!(read(&step, &sealed(QUERY, &trade(json!({"trade_no": "T1"})))), Pay::Paid(_)));
}

#[test]
fn a_query_fails_nothing_and_only_a_sealed_word_says_not_there() {
    let alipay = direct();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    assert_eq!(read(&step, &sealed(QUERY, &error("ACQ.TRADE_NOT_EXIST"))), Pay::NotFound);
    assert_eq!(kind(read(&step, &unsealed(QUERY, &error("ACQ.TRADE_NOT_EXIST")))), WhyKind::BadSignature);
    assert_eq!(kind(read(&step, &sealed(QUERY, &error_of("20000", "ACQ.TRADE_NOT_EXIST")))), WhyKind::Pending);
    for (code, sub, wanted) in [
        ("40004", "ACQ.SYSTEM_ERROR", WhyKind::Pending),
        ("40004", "ACQ.INVALID_PARAMETER", WhyKind::Pending),
        ("40004", "ACQ.ACCESS_FORBIDDEN", WhyKind::Configuration),
        ("40006", "isv.insufficient-isv-permissions", WhyKind::Configuration),
        ("40004", "ACQ.NEW", WhyKind::Unlisted),
    ] {
        assert_eq!(kind(read(&step, &sealed(QUERY, &error_of(code, sub)))), wanted, "{sub}");
    }
}

#[test]
fn a_close_is_confirmed_or_not() {
    let alipay = direct();
    let step = alipay.close(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    let told = |node: &str| read(&step, &sealed(CLOSE, node));
    assert_eq!(told(&good(json!({"trade_no": "T1"}))), Undone::Closed);
    assert_eq!(told("{\"code\":\"10000\",\"msg\":\"Success\"}"), Undone::Closed, "both numbers are optional");
    assert_eq!(doubt(told(&good(json!({"out_trade_no": "OTHER"})))), WhyKind::Contradiction);
    assert_eq!(told(&error("ACQ.TRADE_NOT_EXIST")), Undone::NotFound);
    for sub in ["ACQ.TRADE_STATUS_ERROR", "ACQ.REASON_TRADE_STATUS_INVALID", "ACQ.REASON_ILLEGAL_STATUS", "ACQ.INVALID_PARAMETER"] {
        assert_eq!(doubt(told(&error(sub))), WhyKind::Pending, "{sub}");
    }
    assert_eq!(told(&error("ACQ.SYSTEM_ERROR")), Undone::Busy);
    assert_eq!(told(&error_of("20000", "aop.ACQ.SYSTEM_ERROR")), Undone::Busy);
    assert_eq!(doubt(told(&error("ACQ.NEW"))), WhyKind::Unlisted);
    assert_eq!(doubt(read(&step, &unsealed(CLOSE, &good(json!({}))))), WhyKind::BadSignature);
    assert_eq!(doubt(read(&step, &unsealed(CLOSE, &error("ACQ.SYSTEM_ERROR")))), WhyKind::BadSignature);
    assert_eq!(doubt(read(&step, &HttpReply { status: 500, ..sealed(CLOSE, &good(json!({}))) })), WhyKind::NoAnswer);
}

#[test]
fn a_cancel_says_what_it_did() {
    let alipay = direct();
    let step = alipay.reverse(&attempt(&alipay, Method::AlipayBarcode), &env(NOW));
    let told = |node: &str| read(&step, &sealed(CANCEL, node));
    let did = |flag: Value, action: Value| told(&good(json!({"retry_flag": flag, "action": action})));
    assert_eq!(did(json!("N"), json!("close")), Undone::Closed);
    assert_eq!(did(json!("N"), json!("refund")), Undone::Returned);
    assert_eq!(did(json!("N"), Value::Null), Undone::NotFound);
    assert_eq!(did(json!("N"), json!("")), Undone::NotFound);
    for action in [json!("close"), json!("refund"), Value::Null] {
        assert_eq!(did(json!("Y"), action), Undone::Busy);
    }
    assert_eq!(doubt(did(Value::Null, Value::Null)), WhyKind::Unlisted);
    assert_eq!(doubt(did(json!("N"), json!("something"))), WhyKind::Unlisted);
    assert_eq!(doubt(told(&good(json!({"retry_flag": "N", "action": "close", "out_trade_no": "OTHER"})))), WhyKind::Contradiction);
    for sub in ["AQC.SYSTEM_ERROR", "ACQ.SELLER_BALANCE_NOT_ENOUGH"] {
        assert_eq!(told(&error(sub)), Undone::Busy, "{sub}");
    }
    for sub in ["ACQ.CANCEL_NOT_ALLOWED", "ACQ.REASON_TRADE_BEEN_FREEZEN", "ACQ.TRADE_CANCEL_TIME_OUT", "ACQ.TRADE_HAS_FINISHED"] {
        assert!(matches!(told(&error(sub)), Undone::Refused(failure) if failure.code == FailureCode::ChannelRefused), "{sub}");
    }
    assert_eq!(doubt(told(&error("ACQ.REASON_TRADE_REFUND_FEE_ERR"))), WhyKind::Pending);
    assert_eq!(doubt(told(&error("ACQ.TRADE_NOT_EXIST"))), WhyKind::Unlisted, "the documented word for it is success without an action");
    assert_eq!(doubt(read(&step, &unsealed(CANCEL, &good(json!({"retry_flag": "N", "action": "close"}))))), WhyKind::BadSignature);
}

#[test]
fn a_barcode_is_cancelled_and_everything_else_closed() {
    let alipay = direct();
    let unsupported = |step: Step<Undone>| matches!(step, Step::Refused(Refusal { kind: sluice_contract::RefusalKind::Unsupported, .. }));
    assert!(unsupported(alipay.close(&attempt(&alipay, Method::AlipayBarcode), &env(NOW))));
    for method in crate::profile::METHODS.iter().filter(|m| !m.is_barcode()) {
        assert!(unsupported(alipay.reverse(&attempt(&alipay, *method), &env(NOW))));
        assert!(!unsupported(alipay.close(&attempt(&alipay, *method), &env(NOW))));
    }
    for method in &alipay.profile().methods {
        assert_eq!(method.reverse.is_some(), method.method.is_barcode());
        assert_eq!(method.can_close, !method.method.is_barcode());
    }
}
