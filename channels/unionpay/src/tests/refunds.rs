//! Refunds: a number and a time of their own, accepted first, succeeded by a query only.

use super::{
    AT, MER_ID, NOW, NUMBER, QUERY_ID, REFUND_NUMBER, attempt, attempt_at, changed, direct, echo, env, list, notes, read, refund_of, reply,
    request_of, sent, unionpay, vectors,
};
use crate::UnionPay;
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, Fen, HttpReply, Method, Notes, Refund, RefundRef, Second, WhyKind};

fn paid(channel: &UnionPay, method: Method) -> RefundRef {
    let mut payment = attempt(channel, method);
    payment.handles.insert("queryId".into(), QUERY_ID.into());
    refund_of(payment)
}

fn answer(changes: Value) -> HttpReply {
    reply(changed(
        echo("04", "00", REFUND_NUMBER, NOW),
        &changed_with(json!({"txnAmt": "40", "queryId": "9", "origQryId": QUERY_ID}), &changes),
    ))
}

fn changed_with(mut tree: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree
}

fn said(changes: Value) -> Refund {
    let channel = direct();
    read(&channel.refund(&paid(&channel, Method::UnionpayQr), &env(NOW)), &answer(changes))
}

fn told(changes: Value) -> Refund {
    let channel = direct();
    let base = json!({"origRespCode": "00", "traceTime": "0601120001", "settleDate": "0602", "currencyCode": "156"});
    read(&channel.query_refund(&paid(&channel, Method::UnionpayQr), &env(NOW)), &answer(changed_with(base, &changes)))
}

#[test]
fn a_refund_names_its_payment_and_goes_by_its_family() {
    let channel = direct();
    for (method, biz_type, channel_type) in
        [(Method::UnionpayQr, "000000", "08"), (Method::UnionpayWeb, "000201", "07"), (Method::UnionpayB2b, "000202", "07")]
    {
        let step = channel.refund(&paid(&channel, method), &env(NOW.plus(77)));
        let expected = json!({
            "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "69910000021", "txnType": "04", "txnSubType": "00",
            "bizType": biz_type, "channelType": channel_type, "accessType": "0", "merId": MER_ID, "orderId": REFUND_NUMBER,
            "txnTime": NOW.compact(), "txnAmt": "40", "currencyCode": "156",
            "backUrl": "https://pay.example.com/notify/up-main/refund", "origQryId": QUERY_ID,
        });
        assert_eq!(changed(sent(request_of(&step)), &json!({"signature": null})), notes(&expected), "{method:?}");
    }
    let by_number = channel.refund(&refund_of(attempt(&channel, Method::UnionpayBarcode)), &env(NOW));
    let fields = sent(request_of(&by_number));
    assert_eq!((fields["origOrderId"].as_str(), &fields["origTxnTime"]), (NUMBER, &AT.compact()));
    assert!(!fields.contains_key("origQryId"));
    let file = vectors!("sign_request");
    let vector = list(&file, "vectors").iter().find(|v| v["id"] == "own-a-refund-by-orig-order").unwrap();
    let names: Vec<&String> = fields.keys().filter(|name| *name != "signature").collect();
    assert_eq!(names, notes(&vector["signed_fields"]).keys().collect::<Vec<_>>());
}

#[test]
fn a_refund_is_asked_about_by_its_own_number_and_time() {
    let channel = direct();
    let fields = sent(request_of(&channel.query_refund(&paid(&channel, Method::UnionpayQr), &env(NOW.plus(9000)))));
    assert_eq!((fields["txnType"].as_str(), fields["orderId"].as_str(), &fields["txnTime"]), ("00", REFUND_NUMBER, &NOW.compact()));
}

#[test]
fn accepted_is_not_succeeded() {
    for code in ["00", "A6"] {
        assert_eq!(said(json!({"respCode": code})), Refund::Accepted(notes(&json!({"queryId": "9"}))), "{code}");
    }
    for (code, meaning) in [
        ("35", FailureCode::ChannelRefused),
        ("36", FailureCode::RefundExceedsPaid),
        ("11", FailureCode::ChannelConfiguration),
        ("13", FailureCode::RequestInvalid),
    ] {
        match said(json!({"respCode": code})) {
            Refund::Failed(failure) => assert_eq!(failure.code, meaning, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
    for code in ["03", "04", "05", "06", "12", "34", "45", "83", "99", "ZZ", ""] {
        assert!(matches!(said(json!({"respCode": code})), Refund::Unknown(_)), "{code}");
    }
}

#[test]
fn the_query_says_what_became_of_it() {
    match told(json!({})) {
        Refund::Succeeded(refunded) => {
            assert_eq!(
                (refunded.payer_amount, refunded.at, refunded.settle_date.as_deref()),
                (None, Some(NOW.plus(1)), Some("2026-06-02"))
            );
            assert_eq!(refunded.handles["queryId"], "9");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(told(json!({"origRespCode": "A6"})), Refund::Succeeded(_)));
    for code in ["35", "36", "45", "01", "30"] {
        assert!(matches!(told(json!({"origRespCode": code})), Refund::Failed(_)), "{code}");
    }
    for code in ["03", "04", "05", "12", "34", "42", "46", "ZZ", ""] {
        assert!(matches!(told(json!({"origRespCode": code})), Refund::Unknown(_)), "{code}");
    }
    assert_eq!(told(json!({"respCode": "34", "origRespCode": null, "txnType": "00"})), Refund::NotFound);
    for code in ["11", "37", "ZZ"] {
        assert!(matches!(told(json!({"respCode": code})), Refund::Unknown(_)), "{code}");
    }
}

#[test]
fn an_answer_about_another_refund_decides_nothing() {
    for changes in [
        json!({"orderId": NUMBER}),
        json!({"txnTime": AT.compact()}),
        json!({"merId": "777290058110097"}),
        json!({"txnAmt": "41"}),
        json!({"txnAmt": "100"}),
        json!({"txnType": "01"}),
        json!({"currencyCode": "840"}),
        json!({"orderId": null}),
    ] {
        for (name, refund) in [("call", said(changes.clone())), ("query", told(changes.clone()))] {
            assert!(matches!(&refund, Refund::Unknown(why) if why.kind != WhyKind::Pending), "{name} {changes}: {refund:?}");
        }
    }
    assert!(matches!(told(json!({"txnAmt": null})), Refund::Unknown(_)), "success without an amount is no success");
}

#[test]
fn the_same_day_undo_is_a_choice_of_frozen_facts_and_off_by_default() {
    let at = |text: &str| Second::from_rfc3339(text).unwrap();
    let kind =
        |channel: &UnionPay, refund: &RefundRef, now: Second| sent(request_of(&channel.refund(refund, &env(now))))["txnType"].clone();
    let on = unionpay(json!({"same_day_undo": true}));
    let full = RefundRef { amount: Fen(100), ..paid(&on, Method::UnionpayQr) };
    assert_eq!(kind(&direct(), &full, NOW), "04");
    assert_eq!(kind(&on, &full, NOW), "31");
    assert_eq!(kind(&on, &full, NOW.plus(200_000)), "31", "the clock has no say");
    assert_eq!(kind(&on, &paid(&on, Method::UnionpayQr), NOW), "04", "a part is no undo");
    assert_eq!(kind(&on, &RefundRef { amount: Fen(100), ..refund_of(attempt(&on, Method::UnionpayQr)) }, NOW), "04", "without queryId");
    let mut late = attempt_at(&on, Method::UnionpayQr, at("2026-06-01T22:59:00+08:00"));
    late.handles = Notes::from([("queryId".to_owned(), QUERY_ID.to_owned())]);
    for (sent_at, expected) in [("2026-06-01T22:59:59+08:00", "31"), ("2026-06-01T23:00:00+08:00", "04")] {
        let refund = RefundRef { amount: Fen(100), at: at(sent_at), payment: late.clone(), ..full.clone() };
        assert_eq!(kind(&on, &refund, NOW), expected, "{sent_at}");
    }
    let undone = reply(changed(echo("31", "00", REFUND_NUMBER, NOW), &json!({"txnAmt": "100"})));
    assert!(matches!(read(&on.refund(&full, &env(NOW)), &undone), Refund::Accepted(_)));
}
