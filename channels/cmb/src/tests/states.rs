//! The state table of the pack: every case of CMB, through the readers of the verbs, as the bank would sign it.

use super::{ENVELOPE, NOW, attempt, direct, env, order, read, refund_of, signed_by, str_of, vectors};
use serde_json::{Value, json};
use sluice_contract::{Channel, HttpReply, Method, Pay, Refund, Undone};

/// The reply of a case: what is the envelope's stays outside, the rest is the content.
fn reply(case: &Value) -> HttpReply {
    let all = case["response"].as_object().unwrap();
    let outer = |name: &str| ["returnCode", "respCode", "errCode"].contains(&name);
    let mut content = json!({"txnAmt": "100"});
    for (name, value) in all.iter().filter(|(name, _)| !outer(name)) {
        content[name] = value.clone();
    }
    let content = content.to_string();
    let mut members: Vec<(&str, &str)> = ENVELOPE.to_vec();
    members.extend(all.iter().filter(|(name, _)| outer(name)).map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
    members.push(("biz_content", &content));
    signed_by(super::BANK, &members)
}

fn pay_word(pay: &Pay) -> &'static str {
    match pay {
        Pay::Paid(_) => "SUCCESS",
        Pay::Waiting(..) => "PAYING",
        Pay::NotFound => "NOT_FOUND",
        Pay::Closed => "CLOSED",
        Pay::Reversed => "REVOKED",
        Pay::Failed(_) => "FAILED",
        Pay::Unknown(_) => "UNKNOWN",
    }
}

#[test]
fn every_cmb_case_of_the_state_table_gives_what_it_expects() {
    let cmb = direct();
    let code = attempt(&cmb, Method::CmbBarcode);
    let refund = refund_of(code.clone());
    let mut count = 0;
    for case in vectors!("state_mapping").iter().filter(|case| str_of(case, "api").starts_with("cmb.")) {
        let reply = reply(case);
        let word = match str_of(case, "api") {
            "cmb.pay" => pay_word(&read(&cmb.pay(&code, &order(), &env(NOW)), &reply)),
            "cmb.orderquery" => pay_word(&read(&cmb.query(&code, &env(NOW)), &reply)),
            "cmb.refund" => match read(&cmb.refund(&refund, &env(NOW)), &reply) {
                Refund::Succeeded(_) => "REFUND_SUCCESS",
                Refund::Failed(_) => "REFUND_FAILED",
                Refund::Unknown(_) => "REFUND_UNKNOWN",
                other => panic!("{other:?}"),
            },
            // Closed and revoked are one to us: no money stays.
            "cmb.cancel" => match read(&cmb.reverse(&code, &env(NOW)), &reply) {
                Undone::Closed if case["expect"] == "CLOSED" => "CLOSED",
                Undone::Closed => "REVOKED",
                Undone::Refused(_) => "CANCEL_FAILED",
                other => panic!("{other:?}"),
            },
            other => panic!("unknown api {other}"),
        };
        assert_eq!(word, str_of(case, "expect"), "{}", case["id"]);
        count += 1;
    }
    assert!(count >= 19, "{count}");
}
