//! Refunds of both families: amounts, states, lists, refusals, lies.

use super::{NOW, NUMBER, REFUND, answer, attempt, changed, direct, env, error, family_b, notes, read, refund_of, sealed};
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, Fen, HttpReply, Method, Refund, RefundRef, Refunded, Second, WhyKind};

fn of_a() -> RefundRef {
    refund_of(attempt(&direct(), Method::IcbcQr))
}

fn of_b() -> RefundRef {
    refund_of(attempt(&family_b(), Method::IcbcQr))
}

/// A refund of 400, 100 of it points.
fn rejected(changes: Value) -> Value {
    let told = json!({
        "return_code": 0, "reject_no": REFUND, "outtrx_serial_no": REFUND, "out_trade_no": NUMBER, "reject_amt": "400",
        "real_reject_amt": "300", "reject_point": "100", "reject_ecoupon": "0", "reject_mer_disc_amt": "0", "reject_bank_disc_amt": "0",
    });
    changed(told, changes)
}

fn sent(refund: &RefundRef, reply: &HttpReply) -> Refund {
    read(&direct().refund(refund, &env(NOW)), reply)
}

fn asked(refund: &RefundRef, reply: &HttpReply) -> Refund {
    read(&direct().query_refund(refund, &env(NOW)), reply)
}

/// Family A's list: JSON text inside the JSON.
fn list(items: &[Value]) -> HttpReply {
    answer(json!({"return_code": 0, "refundJsonList": Value::from(items.to_vec()).to_string()}))
}

fn unknown(refund: &Refund) -> WhyKind {
    match refund {
        Refund::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn family_a_refunds_at_once_and_tells_cash_apart_from_points() {
    match sent(&of_a(), &answer(rejected(json!({})))) {
        Refund::Succeeded(refunded) => assert_eq!(refunded.payer_amount, Some(Fen(300))),
        other => panic!("{other:?}"),
    }
    let all_points = sent(&of_a(), &answer(rejected(json!({"real_reject_amt": "0", "reject_point": "400"}))));
    assert!(matches!(all_points, Refund::Succeeded(Refunded { payer_amount: Some(Fen(0)), .. })));
    let silent = sent(&of_a(), &answer(rejected(json!({"real_reject_amt": null}))));
    assert_eq!(silent, Refund::Accepted(notes(&[])), "without its amounts it was only taken");
}

#[test]
fn a_refund_with_discounts_is_ours_in_either_reading() {
    for (amounts, ours) in [
        (json!({"reject_amt": "400", "reject_mer_disc_amt": "60", "reject_bank_disc_amt": "40"}), true),
        (json!({"reject_amt": "300", "reject_mer_disc_amt": "60", "reject_bank_disc_amt": "40"}), true),
        (json!({"reject_amt": "300", "reject_total_disc_amt": "100"}), true),
        (json!({"reject_amt": "250", "reject_total_disc_amt": "100", "reject_ecoupon": "50"}), true),
        (json!({"reject_amt": "300", "reject_total_disc_amt": "99"}), false),
        (json!({"reject_amt": "300"}), false),
        (json!({"reject_amt": "401"}), false),
    ] {
        let told = sent(&of_a(), &answer(rejected(amounts.clone())));
        assert_eq!(matches!(told, Refund::Succeeded(_)), ours, "{amounts}");
        assert!(ours || unknown(&told) == WhyKind::Contradiction, "{amounts}");
    }
}

#[test]
fn family_b_takes_a_refund_and_its_query_tells() {
    let taken = rejected(json!({"return_code": "0", "intrx_serial_no": "I1", "refund_time": "20261123060200"}));
    assert_eq!(sent(&of_b(), &answer(taken.clone())), Refund::Accepted(notes(&[("intrx_serial_no", "I1")])));
    match asked(&of_b(), &answer(changed(taken.clone(), json!({"pay_status": "0"})))) {
        Refund::Succeeded(refunded) => {
            assert_eq!((refunded.payer_amount, refunded.at), (Some(Fen(300)), Some(Second(NOW.0 + 60))));
            assert_eq!(refunded.handles, notes(&[("intrx_serial_no", "I1")]));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(asked(&of_b(), &answer(changed(taken.clone(), json!({"pay_status": 1})))), Refund::Failed(f) if f.code == FailureCode::RefundClosed)
    );
    assert_eq!(unknown(&asked(&of_b(), &answer(changed(taken.clone(), json!({"pay_status": "2"}))))), WhyKind::Pending);
    assert_eq!(unknown(&asked(&of_b(), &answer(changed(taken.clone(), json!({"pay_status": "3"}))))), WhyKind::Unlisted);
    assert_eq!(unknown(&asked(&of_b(), &answer(taken))), WhyKind::Unreadable, "a query must tell a state");
}

#[test]
fn family_as_list_is_read_for_our_number() {
    let item = |number: &str, state: &str| rejected(json!({"reject_no": number, "reject_status": state, "icbc_reject_sq": "SQ1"}));
    match asked(&of_a(), &list(&[item("R2", "2"), item(REFUND, "1")])) {
        Refund::Succeeded(refunded) => assert_eq!(refunded.handles, notes(&[("icbc_reject_sq", "SQ1")])),
        other => panic!("{other:?}"),
    }
    assert!(matches!(asked(&of_a(), &list(&[item(REFUND, "2")])), Refund::Failed(_)));
    assert_eq!(unknown(&asked(&of_a(), &list(&[item(REFUND, "0")]))), WhyKind::Pending);
    assert_eq!(unknown(&asked(&of_a(), &list(&[item(REFUND, "5")]))), WhyKind::Unlisted);
    assert_eq!(asked(&of_a(), &list(&[item("R2", "1")])), Refund::NotFound);
    assert_eq!(asked(&of_a(), &list(&[])), Refund::NotFound);
    assert_eq!(unknown(&asked(&of_a(), &list(&[item(REFUND, "1"), item(REFUND, "2")]))), WhyKind::Unreadable);
    assert_eq!(unknown(&asked(&of_a(), &list(&[json!({"reject_status": "1"})]))), WhyKind::Unreadable);
    let open = answer(json!({"return_code": 0, "refundJsonList": [item(REFUND, "1")]}));
    assert!(matches!(asked(&of_a(), &open), Refund::Succeeded(_)), "a list that is no text");
}

#[test]
fn a_list_that_cannot_be_read_is_unknown_not_missing() {
    for body in [
        json!({"return_code": 0}),
        json!({"return_code": 0, "refundJsonList": "nonsense"}),
        json!({"return_code": 0, "refundJsonList": {"reject_no": REFUND}}),
        json!({"return_code": 0, "refundJsonList": format!("[{{\"reject_no\":\"{REFUND}\",\"reject_no\":\"R2\"}}]")}),
    ] {
        assert_eq!(unknown(&asked(&of_a(), &answer(body.clone()))), WhyKind::Unreadable, "{body}");
    }
}

#[test]
fn refusals_are_definite_only_where_the_pack_says_so() {
    for refund in [of_a(), of_b()] {
        assert!(matches!(sent(&refund, &error("400011")), Refund::Failed(f) if f.code == FailureCode::RequestInvalid));
        assert_eq!(sent(&refund, &error("00070038")), Refund::Accepted(notes(&[])));
        assert_eq!(asked(&refund, &error("70038")), Refund::Accepted(notes(&[])));
        for code in ["93008595", "5920006", "5940021", "00005031"] {
            assert_eq!(unknown(&sent(&refund, &error(code))), WhyKind::Pending, "{code}");
        }
        assert_eq!(unknown(&sent(&refund, &error("400017"))), WhyKind::Configuration);
        assert_eq!(unknown(&sent(&refund, &error("5"))), WhyKind::Unlisted);
        for code in ["12001081", "5940021", "5940022"] {
            assert_eq!(asked(&refund, &error(code)), Refund::NotFound, "{code}");
        }
        assert_eq!(unknown(&asked(&refund, &error("400011"))), WhyKind::Pending, "a query fails nothing");
    }
}

#[test]
fn a_refund_of_another_number_payment_merchant_or_currency_is_an_alarm() {
    for lie in [
        json!({"reject_no": "R2", "outtrx_serial_no": "R2"}),
        json!({"out_trade_no": "A2"}),
        json!({"mer_id": "020001020009"}),
        json!({"trnsc_ccy": "840"}),
        json!({"reject_amt": "399"}),
    ] {
        for refund in [of_a(), of_b()] {
            assert_eq!(unknown(&sent(&refund, &answer(rejected(lie.clone())))), WhyKind::Contradiction, "{lie}");
        }
        let told = asked(&of_b(), &answer(changed(rejected(lie.clone()), json!({"pay_status": "0"}))));
        assert_eq!(unknown(&told), WhyKind::Contradiction, "{lie}");
    }
    assert_eq!(unknown(&sent(&of_a(), &answer(json!({"return_code": 0})))), WhyKind::Unreadable);
    let twice =
        format!("{{\"return_code\":0,\"reject_no\":\"{REFUND}\",\"reject_amt\":\"400\",\"reject_amt\":\"1\",\"real_reject_amt\":\"1\"}}");
    assert_eq!(unknown(&sent(&of_a(), &sealed(&twice))), WhyKind::Unreadable);
}
