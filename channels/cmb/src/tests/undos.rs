//! Close and cancel: what each answer means.

use super::{MER, NOW, NUMBER, OTHER, attempt, bad, direct, env, good, good_by, read};
use serde_json::json;
use sluice_contract::{Channel, HttpReply, Method, RefusalKind, Step, Undone, WhyKind};

fn steps() -> [(Step<Undone>, &'static str); 2] {
    let cmb = direct();
    let close = cmb.close(&attempt(&cmb, Method::CmbQr), &env(NOW));
    let cancel = cmb.reverse(&attempt(&cmb, Method::CmbBarcode), &env(NOW));
    [(close, "closeState"), (cancel, "cancelState")]
}

fn doubt(undone: Undone) -> WhyKind {
    match undone {
        Undone::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

#[test]
fn each_state_of_each_call_has_one_meaning() {
    for (step, name) in steps() {
        let told = |state: &str| read(&step, &good(&json!({"merId": MER, "origOrderId": NUMBER, name: state})));
        assert_eq!(told("C"), Undone::Closed);
        assert!(matches!(told("F"), Undone::Refused(_)));
        match name {
            "cancelState" => assert_eq!(told("D"), Undone::Closed),
            _ => assert_eq!(doubt(told("D")), WhyKind::Unlisted, "only a cancel revokes"),
        }
        assert_eq!(doubt(told("S")), WhyKind::Unlisted);
        assert_eq!(doubt(read(&step, &good(&json!({"origOrderId": NUMBER})))), WhyKind::Unreadable);
        assert_eq!(doubt(read(&step, &good(&json!({"tradeState": "C"})))), WhyKind::Unreadable);
        assert_eq!(read(&step, &good(&json!({name: "C"}))), Undone::Closed);
        for lie in [json!({"origOrderId": "X", name: "C"}), json!({"orderId": "X", name: "C"}), json!({"merId": "X", name: "C"})] {
            assert_eq!(doubt(read(&step, &good(&lie))), WhyKind::Contradiction, "{lie}");
        }
    }
}

#[test]
fn each_refusal_has_one_meaning() {
    for (step, _) in steps() {
        let told = |code: &str| read(&step, &bad(code));
        assert_eq!(told("ORDER_PAID"), Undone::Paid);
        assert_eq!(told("ORDERID_INVALID"), Undone::Closed);
        assert_eq!(told("ORDERID_NOT_EXIST"), Undone::NotFound);
        assert_eq!(told("OPERATING_FREQUENTLY"), Undone::Busy);
        assert!(matches!(told("NOT_ALLOWED"), Undone::Refused(failure) if failure.channel_code.as_deref() == Some("NOT_ALLOWED")));
        for (code, kind) in [
            ("SYSTERM_ERROR", WhyKind::Pending),
            ("SIGN_ERROR", WhyKind::Configuration),
            ("NEW", WhyKind::Unlisted),
            ("UNPAIED_ORDER", WhyKind::Unlisted),
        ] {
            assert_eq!(doubt(told(code)), kind, "{code}");
        }
    }
}

#[test]
fn what_the_bank_did_not_sign_undoes_nothing() {
    for (step, name) in steps() {
        assert_eq!(doubt(read(&step, &good_by(OTHER, &json!({name: "C"})))), WhyKind::BadSignature);
        let unsigned = format!(r#"{{"returnCode":"SUCCESS","respCode":"SUCCESS","biz_content":"{{\"{name}\":\"C\"}}"}}"#);
        assert_eq!(doubt(read(&step, &HttpReply::new(200, &[], unsigned))), WhyKind::BadSignature);
        assert_eq!(
            doubt(read(&step, &HttpReply::new(200, &[], r#"{"returnCode":"FAIL","errCode":"ORDERID_INVALID"}"#))),
            WhyKind::BadSignature
        );
    }
}

#[test]
fn a_code_is_not_closed_and_a_qr_order_is_not_reversed() {
    let cmb = direct();
    let kind = |step: Step<Undone>| match step {
        Step::Refused(refusal) => refusal.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(cmb.close(&attempt(&cmb, Method::CmbBarcode), &env(NOW))), RefusalKind::Unsupported);
    assert_eq!(kind(cmb.reverse(&attempt(&cmb, Method::CmbQr), &env(NOW))), RefusalKind::Unsupported);
}
