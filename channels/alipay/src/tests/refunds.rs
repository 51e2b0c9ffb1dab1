//! Refunds: the number that moves money once, and the query that says whether it did.

use super::{
    NOW, NUMBER, REFUND, attempt, biz_of, direct, env, error, error_of, good, next, read, refund_of, request_of, sealed, sent_by, unsealed,
};
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, Fen, Method, Refund, RefundRef, Step, Stuck, WhyKind};

const API: &str = "alipay.trade.refund";
const QUERY: &str = "alipay.trade.fastpay.refund.query";

fn refund() -> RefundRef {
    refund_of(attempt(&direct(), Method::AlipayQr))
}

fn send() -> Step<Refund> {
    direct().refund(&refund(), &env(NOW))
}

fn ask() -> Step<Refund> {
    direct().query_refund(&refund(), &env(NOW))
}

fn kind(refund: Refund) -> WhyKind {
    match refund {
        Refund::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

/// A refund that the query knows.
fn done(changes: Value) -> String {
    let mut members = json!({"out_request_no": REFUND, "total_amount": "88.88", "refund_amount": "30.00", "refund_status": "REFUND_SUCCESS",
        "trade_no": "T1", "gmt_refund_pay": "2026-11-23 15:00:00.123"});
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    good(members)
}

#[test]
fn a_refund_names_payment_number_and_amount_and_is_the_same_each_time() {
    let alipay = direct();
    let refund = RefundRef { reason: Some("坏了".into()), ..refund() };
    let step = alipay.refund(&refund, &env(NOW));
    assert_eq!(
        biz_of(&step),
        json!({"out_trade_no": NUMBER, "refund_amount": "30.00", "out_request_no": REFUND, "refund_reason": "坏了", "query_options": ["refund_detail_item_list"]})
    );
    assert_eq!(sent_by(&step)["method"], API);
    let mut known = refund.clone();
    known.payment.handles.insert("trade_no".into(), "T1".into());
    assert_eq!(request_of(&alipay.refund(&known, &env(NOW.plus(900)))).body, request_of(&step).body);
    assert_eq!(
        biz_of(&ask()),
        json!({"out_trade_no": NUMBER, "out_request_no": REFUND, "query_options": ["refund_detail_item_list", "gmt_refund_pay"]})
    );
}

#[test]
fn only_a_change_of_funds_is_a_refund() {
    let told = |node: &str| read(&send(), &sealed(API, node));
    match told(&good(json!({"trade_no": "T1", "fund_change": "Y", "refund_fee": "60.00", "gmt_refund_pay": "2026-11-23 15:00:00"}))) {
        Refund::Succeeded(done) => {
            assert_eq!((done.payer_amount, done.at.unwrap().plain()), (None, "2026-11-23 15:00:00".to_owned()));
            assert_eq!(done.handles["trade_no"], "T1");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(kind(told(&good(json!({"fund_change": "Y", "out_trade_no": "OTHER"})))), WhyKind::Contradiction);
    assert_eq!(kind(read(&send(), &unsealed(API, &good(json!({"fund_change": "Y"}))))), WhyKind::BadSignature);
    for flag in [json!("N"), Value::Null, json!("y")] {
        let query = next(&send(), &sealed(API, &good(json!({"fund_change": flag, "refund_fee": "30.00"}))));
        assert_eq!(sent_by(&query)["method"], QUERY);
        assert!(matches!(read(&query, &sealed(QUERY, &done(json!({})))), Refund::Succeeded(_)));
        assert!(matches!(read(&query, &sealed(QUERY, &good(json!({})))), Refund::Accepted(_)), "too early to believe that it is empty");
    }
}

#[test]
fn the_query_believes_its_own_refund_only() {
    let told = |node: &str| read(&ask(), &sealed(QUERY, node));
    match told(&done(json!({}))) {
        Refund::Succeeded(done) => assert_eq!(done.at.unwrap().plain(), "2026-11-23 15:00:00"),
        other => panic!("{other:?}"),
    }
    assert_eq!(told("{\"code\":\"10000\",\"msg\":\"Success\"}"), Refund::NotFound);
    assert_eq!(told(&good(json!({"out_request_no": REFUND}))), Refund::NotFound);
    assert_eq!(kind(told(&good(json!({"out_request_no": "R2"})))), WhyKind::Contradiction);
    for change in [
        json!({"refund_amount": "30.01"}),
        json!({"out_request_no": "R2"}),
        json!({"out_request_no": null}),
        json!({"out_trade_no": "OTHER"}),
        json!({"total_amount": "30.00"}),
    ] {
        assert_eq!(kind(told(&done(change.clone()))), WhyKind::Contradiction, "{change}");
    }
    assert_eq!(kind(told(&done(json!({"refund_amount": null})))), WhyKind::Unreadable);
    assert_eq!(kind(told(&done(json!({"refund_status": null})))), WhyKind::Pending);
    assert_eq!(kind(told(&done(json!({"refund_status": "REFUND_FAIL"})))), WhyKind::Unlisted);
    assert_eq!(kind(told(&good(json!({"out_request_no": REFUND, "error_code": "X"})))), WhyKind::Pending);
    assert_eq!(kind(read(&ask(), &unsealed(QUERY, &done(json!({}))))), WhyKind::BadSignature);
    assert_eq!(kind(read(&ask(), &unsealed(QUERY, &good(json!({}))))), WhyKind::BadSignature, "an unsigned nothing is no nothing");
}

#[test]
fn what_goes_back_to_the_payers_pocket_is_told_by_the_channels_own_fields() {
    let pocket = |change: Value| match read(&ask(), &sealed(QUERY, &done(change))) {
        Refund::Succeeded(done) => done.payer_amount.map(|fen| fen.0),
        other => panic!("{other:?}"),
    };
    let items = |second: &str| json!([{"fund_channel": "ALIPAYACCOUNT", "amount": "20.00"}, {"fund_channel": second, "amount": 10.00}]);
    assert_eq!(pocket(json!({})), None);
    assert_eq!(pocket(json!({"present_refund_buyer_amount": "20.00"})), Some(2000));
    assert_eq!(pocket(json!({"refund_detail_item_list": items("COUPON")})), Some(2000));
    assert_eq!(pocket(json!({"refund_detail_item_list": items("PCREDIT")})), Some(3000));
    assert_eq!(pocket(json!({"refund_detail_item_list": items("WHATEVER")})), None);
    assert_eq!(pocket(json!({"present_refund_buyer_amount": "31.00"})), None, "more than the refund is nonsense");
    assert_eq!(refund().amount, Fen(3000));
}

#[test]
fn each_refusal_has_its_meaning() {
    let told = |node: &str| read(&send(), &sealed(API, node));
    let code = |sub: &str| match told(&error(sub)) {
        Refund::Failed(failure) => failure.code,
        other => panic!("{sub}: {other:?}"),
    };
    for (sub, wanted) in [
        ("ACQ.DISCORDANT_REPEAT_REQUEST", FailureCode::RequestInvalid),
        ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", FailureCode::RefundExceedsPaid),
        ("ACQ.TRADE_HAS_FINISHED", FailureCode::RefundWindowPassed),
        ("ACQ.TRADE_HAS_CLOSE", FailureCode::RefundClosed),
        ("ACQ.BUYER_NOT_EXIST", FailureCode::PayerAccount),
        ("ACQ.INVALID_PARAMETER", FailureCode::RequestInvalid),
    ] {
        assert_eq!(code(sub), wanted, "{sub}");
    }
    assert!(matches!(told(&error("ACQ.SELLER_BALANCE_NOT_ENOUGH")), Refund::Stuck(Stuck::MerchantBalance, ..)));
    for (code, sub, wanted) in [
        ("40004", "AQC.SYSTEM_ERROR", WhyKind::Pending),
        ("20000", "isp.unknow-error", WhyKind::Pending),
        ("40004", "ACQ.NEW", WhyKind::Unlisted),
        ("40002", "isv.invalid-signature", WhyKind::Configuration),
    ] {
        assert_eq!(kind(told(&error_of(code, sub))), wanted, "{sub}");
    }
    assert_eq!(kind(read(&send(), &unsealed(API, &error("ACQ.TRADE_HAS_CLOSE")))), WhyKind::BadSignature);
    for sub in ["TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"] {
        assert_eq!(read(&ask(), &sealed(QUERY, &error(sub))), Refund::NotFound);
    }
    assert_eq!(kind(read(&ask(), &sealed(QUERY, &error("ACQ.INVALID_PARAMETER")))), WhyKind::Pending, "a query fails nothing");
}
