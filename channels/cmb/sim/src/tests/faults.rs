//! Faults of calls, answers a test chose, and determinism.

use super::{Client, from_bank, text_of};
use crate::Options;
use serde_json::{Value, json};
use sluice_contract::Fen;
use sluice_simkit::{Behaviour, Fault, Simulator};
use std::collections::BTreeMap;

#[test]
fn an_error_500_comes_before_and_the_rest_after_executing() {
    let mut client = Client::new();
    let code = client.sim.issue_auth_code(Behaviour::Pay, Fen(500), client.now);
    let call = client.pay_call("FAULT001", 100, &code);
    client.fault = Some(Fault::Error500);
    let reply = client.raw(&call);
    let body: Value = serde_json::from_slice(reply.bytes()).unwrap();
    assert_eq!((reply.status, body["errCode"].as_str(), body.get("sign")), (500, Some("SYSTERM_ERROR"), None));
    assert!(client.sim.ledger().get("FAULT001").is_none());
    client.fault = Some(Fault::Garbage);
    let reply = client.raw(&call);
    assert!(serde_json::from_slice::<Value>(reply.bytes()).is_err() && client.entry("FAULT001").charges == 1);
}

#[test]
fn a_bad_signature_is_of_something_else_and_lies_are_well_signed() {
    let mut client = Client::new();
    client.paid("FAULT001", 100, None);
    let query =
        client.call("orderquery", Client::members(&json!({"merId": crate::MER_ID, "userId": crate::USER_ID, "orderId": "FAULT001"})));
    client.fault = Some(Fault::BadSignature);
    let members: BTreeMap<String, String> = serde_json::from_slice(client.raw(&query).bytes()).unwrap();
    assert!(!from_bank(&text_of(&members), &members["sign"]));
    client.fault = Some(Fault::WrongAmount);
    assert_eq!(client.query("FAULT001").get("txnAmt"), "101");
    assert_eq!(client.refund("FAULT001", "R1", 100, 10).get("refundAmt"), "11");
    client.fault = Some(Fault::WrongOrder);
    assert_eq!(client.query("FAULT001").get("orderId"), "FAULT000");
    client.apply("FAULT002", 100);
    assert_eq!(client.post("close", json!({"origOrderId": "FAULT002"})).get("origOrderId"), "FAULT000");
    client.fault = None;
    assert_eq!((client.query("FAULT001").get("orderId"), client.entry("FAULT001").refunds[0].amount), ("FAULT001", Fen(10)));
}

#[test]
fn a_test_chooses_an_answer_before_or_after_executing() {
    let mut client = Client::new();
    client.hook("refuse pay SYSTERM_MAINTAINING");
    assert_eq!(client.apply("HOOK0001", 100).err(), "SYSTERM_MAINTAINING");
    client.apply("HOOK0001", 100);
    client.hook("after close SYSTERM_ERROR");
    client.hook("refuse query SOMETHING_NEW");
    assert_eq!(client.post("close", json!({"origOrderId": "HOOK0001"})).err(), "SYSTERM_ERROR");
    assert_eq!(client.query("HOOK0001").err(), "SOMETHING_NEW");
    assert_eq!(client.query("HOOK0001").get("tradeState"), "C");
    for word in ["refuse pay", "refuse nothing X", "refund_fate maybe", "merchant_funds", "terminal NOBODY", "single_limit -1", "what"] {
        assert!(client.sim.hook(word, client.now).is_err(), "{word}");
    }
}

#[test]
fn the_same_seed_calls_and_times_give_the_same_bytes() {
    let run = |seed: u64| {
        let mut client = Client::with(Options::fixed(seed));
        let mut bytes = Vec::new();
        let code = client.sim.issue_auth_code(Behaviour::Pay, Fen(500), client.now);
        let call = client.pay_call("SAME0001", 100, &code);
        bytes.extend_from_slice(client.raw(&call).bytes());
        client.paid("SAME0002", 100, None);
        client.refund("SAME0002", "R1", 100, 10);
        for delivery in client.due() {
            bytes.extend(delivery.body);
        }
        let biz = json!({"merId": crate::MER_ID, "billDate": "20261123"});
        let call = client.call("statementurl", Client::members(&biz));
        bytes.extend_from_slice(client.raw(&call).bytes());
        (code, bytes)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
