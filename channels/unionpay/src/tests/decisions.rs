//! The pack's decision table, row by row.

use super::callbacks::{Notice, paid_fields};
use super::{
    AT, NOW, NUMBER, REFUND_NUMBER, attempt, changed, direct, echo, env, list, order, read, reading_at, refund_of, reply, sealed, str_of,
    vectors,
};
use crate::UnionPay;
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, FailureCode, HttpReply, Method, Notes, Pay, Reading, Refund, Says, Step, WhyKind};

fn answer(fields: Notes, vector: &Value) -> HttpReply {
    match vector["respCode"].as_str() {
        // Nothing parsable came.
        None => HttpReply::new(502, &[], ""),
        Some(code) => reply(changed(fields, &json!({"respCode": code}))),
    }
}

fn paid(step: &Step<Pay>, reply: &HttpReply, decision: &str) {
    let reading = reading_at(step, reply, NOW);
    let fits = match (decision, &reading) {
        ("pending_query", Reading::Then(_)) => true,
        ("unknown_query", Reading::Is(Pay::Unknown(_) | Pay::NotFound)) => true,
        ("failed", Reading::Is(Pay::Failed(failure))) => failure.code != FailureCode::ChannelConfiguration,
        ("failed_config", Reading::Is(Pay::Failed(failure))) => failure.code == FailureCode::ChannelConfiguration,
        ("await_payer", Reading::Is(Pay::Waiting(Action::QrCode { .. }, _))) => true,
        ("paid", Reading::Is(Pay::Paid(payment))) => !payment.handles.contains_key("defective"),
        ("paid_flag", Reading::Is(Pay::Paid(payment))) => payment.handles.contains_key("defective"),
        ("query_failed", Reading::Is(Pay::Unknown(why))) => matches!(why.kind, WhyKind::Configuration | WhyKind::Pending),
        _ => false,
    };
    assert!(fits, "{decision}: {reading:?}");
}

fn refunded(channel: &UnionPay, reply: &HttpReply, decision: &str) {
    let refund = refund_of(attempt(channel, Method::UnionpayQr));
    let said = read(&channel.refund(&refund, &env(NOW)), reply);
    let fits = match decision {
        "refund_pending_query" => matches!(said, Refund::Accepted(_)),
        "refund_failed" => matches!(said, Refund::Failed(_)),
        _ => matches!(said, Refund::Unknown(_)),
    };
    assert!(fits, "{decision}: {said:?}");
}

#[test]
fn every_row_of_the_table_is_decided_as_it_says() {
    let file = vectors!("decision_table");
    let channel = direct();
    let barcode = attempt(&channel, Method::UnionpayBarcode);
    let qr = attempt(&channel, Method::UnionpayQr);
    for vector in list(&file, "vectors") {
        let decision = str_of(vector, "decision");
        match str_of(vector, "operation") {
            "pay_barcode" => paid(&channel.pay(&barcode, &order(), &env(NOW)), &answer(echo("01", "06", NUMBER, AT), vector), decision),
            "qr_apply" => {
                let fields = changed(echo("01", "07", NUMBER, AT), &json!({"qrCode": "https://qr.95516.com/1"}));
                paid(&channel.pay(&qr, &order(), &env(NOW)), &answer(fields, vector), decision);
            }
            "query" => {
                let fields = match vector["origRespCode"].as_str() {
                    Some(code) => super::state(code),
                    None => echo("00", "00", NUMBER, AT),
                };
                let reply = answer(fields, vector);
                if decision == "failed_or_retryable" {
                    assert!(matches!(read(&channel.query(&barcode, &env(NOW)), &reply), Pay::Failed(_)));
                    assert!(matches!(read(&channel.query(&qr, &env(NOW)), &reply), Pay::Waiting(Action::None, _)));
                } else {
                    paid(&channel.query(&barcode, &env(NOW)), &reply, decision);
                }
            }
            "refund" => {
                let fields = changed(echo("04", "00", REFUND_NUMBER, NOW), &json!({"txnAmt": "40"}));
                refunded(&channel, &answer(fields, vector), decision);
            }
            "notice" => {
                let fields = changed(paid_fields(), &json!({"respCode": vector["respCode"]}));
                assert_eq!(Notice::of(&sealed(fields)).take(&channel, NOW).unwrap().says, Says::Ask);
            }
            other => panic!("{other}"),
        }
    }
}
