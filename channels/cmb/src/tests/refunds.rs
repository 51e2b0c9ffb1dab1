//! Refunds: what each answer means.

use super::{MER, NOW, NUMBER, OTHER, REFUND, attempt, bad, direct, env, good, good_by, merge, read, refund_of};
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, Fen, HttpReply, Method, Refund, RefundRef, Step, Stuck, WhyKind};

fn told(changes: Value) -> Value {
    let tree = json!({
        "merId": MER, "orderId": REFUND, "origOrderId": NUMBER, "cmbOrderId": "0099", "refundAmt": "50", "refundDscAmt": "5", "txnAmt": "100",
        "currencyCode": "156", "refundState": "S", "tradeState": "S", "txnTime": "20261123070000",
    });
    merge(tree, &changes)
}

fn state(state: &str) -> Value {
    told(json!({"refundState": state, "tradeState": state}))
}

fn doubt(refund: Refund) -> WhyKind {
    match refund {
        Refund::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

fn refund() -> RefundRef {
    refund_of(attempt(&direct(), Method::CmbQr))
}

fn steps() -> [Step<Refund>; 2] {
    let (cmb, refund) = (direct(), refund());
    [cmb.refund(&refund, &env(NOW)), cmb.query_refund(&refund, &env(NOW))]
}

#[test]
fn every_state_has_one_meaning() {
    for step in steps() {
        match read(&step, &good(&state("S"))) {
            Refund::Succeeded(refunded) => {
                assert_eq!((refunded.payer_amount, refunded.handles["cmb_refund_id"].as_str()), (Some(Fen(45)), "0099"));
                assert_eq!(refunded.at.map(|at| at.plain()).as_deref(), Some("2026-11-23 07:00:00"));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(read(&step, &good(&state("P"))), Refund::Accepted(handles) if handles["cmb_refund_id"] == "0099"));
        assert!(matches!(read(&step, &good(&state("F"))), Refund::Failed(_)));
        assert_eq!(doubt(read(&step, &good(&state("R")))), WhyKind::Unlisted);
        assert_eq!(doubt(read(&step, &good(&state("")))), WhyKind::Unreadable);
    }
    let [refund, query] = steps();
    assert_eq!(doubt(read(&refund, &good(&told(json!({"refundState": null}))))), WhyKind::Unreadable);
    assert_eq!(doubt(read(&query, &good(&told(json!({"tradeState": null}))))), WhyKind::Unreadable);
}

#[test]
fn what_goes_back_to_the_payer_is_told_or_not_known() {
    for step in steps() {
        for (changes, wanted) in [
            (json!({"refundDscAmt": null}), None),
            (json!({"refundDscAmt": "0"}), Some(Fen(50))),
            (json!({"refundDscAmt": "51"}), None),
            (json!({"refundAmt": null}), Some(Fen(45))),
        ] {
            match read(&step, &good(&told(changes.clone()))) {
                Refund::Succeeded(refunded) => assert_eq!(refunded.payer_amount, wanted, "{changes}"),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_reply_about_something_else_decides_nothing() {
    for step in steps() {
        for lie in [
            json!({"orderId": NUMBER}),
            json!({"origOrderId": REFUND}),
            json!({"refundAmt": "51"}),
            json!({"currencyCode": "840"}),
            json!({"merId": "1"}),
        ] {
            assert_eq!(doubt(read(&step, &good(&told(lie.clone())))), WhyKind::Contradiction, "{lie}");
        }
        let bare = json!({"refundState": "S", "tradeState": "S"});
        assert!(matches!(read(&step, &good(&bare)), Refund::Succeeded(_)), "absent is answered by the exchange");
        for (reply, wanted) in [
            (good_by(OTHER, &state("F")), WhyKind::BadSignature),
            (HttpReply::new(200, &[], r#"{"returnCode":"FAIL","errCode":"NOT_ENOUGH"}"#), WhyKind::BadSignature),
            (HttpReply::new(504, &[], ""), WhyKind::NoAnswer),
            (bad("SYSTERM_ERROR"), WhyKind::Pending),
            (bad("SIGN_ERROR"), WhyKind::Configuration),
            (bad("NEW_CODE"), WhyKind::Unlisted),
        ] {
            assert_eq!(doubt(read(&step, &reply)), wanted);
        }
    }
}

#[test]
fn refused_refunds_fail_but_for_want_of_money_or_a_history() {
    let (cmb, mut refund) = (direct(), refund());
    for (code, wanted) in [
        ("TRADE_OVERDUE", FailureCode::RefundWindowPassed),
        ("REFUNDAMT_ERROR", FailureCode::RefundExceedsPaid),
        ("TRADESTATE_NOT_LAWFUL", FailureCode::ChannelRefused),
        ("TXNAMT_ERROR", FailureCode::RequestInvalid),
        ("UNPAIED_ORDER", FailureCode::ChannelRefused),
        ("ORDERID_NOT_EXIST", FailureCode::RequestInvalid),
    ] {
        refund.handles.clear();
        assert!(matches!(read(&cmb.refund(&refund, &env(NOW)), &bad(code)), Refund::Failed(failure) if failure.code == wanted), "{code}");
        // Accepted before: what a repeat is refused for says nothing.
        refund.handles.insert("cmb_refund_id".into(), "0099".into());
        assert_eq!(doubt(read(&cmb.refund(&refund, &env(NOW)), &bad(code))), WhyKind::Pending, "{code}");
    }
    let [create, query] = steps();
    for code in ["NOT_ENOUGH", "MCH_EXSRFN_AMOUNT_LESS", "MCH_FORWARD_AMOUNT_LESS"] {
        assert!(matches!(read(&create, &bad(code)), Refund::Stuck(Stuck::MerchantBalance, ..)), "{code}");
        assert_eq!(doubt(read(&query, &bad(code))), WhyKind::Unlisted);
    }
    assert_eq!(doubt(read(&create, &bad("ORDERID_DUPLICATION"))), WhyKind::Pending);
    for code in ["ORDERID_NOT_EXIST", "CMBORDERID_NOT_EXIST"] {
        assert_eq!(read(&query, &bad(code)), Refund::NotFound);
    }
}
