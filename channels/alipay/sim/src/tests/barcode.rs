//! Pack §2.3, §2.5, §3.4: payment codes and cancel.

use super::{Client, code};
use serde_json::{Value, json};
use sluice_contract::Fen;
use sluice_simkit::{Behaviour, Outcome, Scan, Simulator, State};

fn cancel(client: &mut Client, number: &str) -> Value {
    client.ask("alipay.trade.cancel", &json!({"out_trade_no": number}))
}

/// `action` and `retry_flag`.
fn how(node: &Value) -> (&str, &str) {
    (node["action"].as_str().unwrap_or("none"), node["retry_flag"].as_str().unwrap_or(""))
}

#[test]
fn codes_do_what_their_phone_does() {
    let mut client = Client::new();
    let code_of = |client: &mut Client, behaviour| client.sim.issue_auth_code(behaviour, Fen(150), client.now);
    let pays = code_of(&mut client, Behaviour::Pay);
    let paid = client.charge("BAR1", "1.00", &pays);
    assert_eq!((code(&paid).0, paid["gmt_payment"].as_str()), ("10000", Some("2026-11-23 09:00:00")));
    assert_eq!(code(&client.charge("BAR1", "1.00", &pays)).1, "ACQ.TRADE_HAS_SUCCESS");
    assert_eq!(code(&client.charge("BAR2", "1.00", &pays)).1, "ACQ.PAYMENT_AUTH_CODE_INVALID", "a code pays once");
    assert_eq!(client.status("BAR2"), "ACQ.TRADE_NOT_EXIST");

    let types = code_of(&mut client, Behaviour::Password);
    let waits = client.charge("BAR3", "1.00", &types);
    assert_eq!((code(&waits), client.status("BAR3").as_str()), (("10003", ""), "WAIT_BUYER_PAY"));
    assert_eq!(code(&client.charge("BAR3", "1.00", &types)).0, "10003", "and again");
    assert_eq!(code(&client.charge("BAR3", "1.01", &types)).1, "ACQ.CONTEXT_INCONSISTENT");
    assert_eq!(client.sim.waiting()[0].auth_code.as_deref(), Some(types.as_str()));
    client.sim.confirm(&types, client.now).unwrap();
    assert_eq!(client.status("BAR3"), "TRADE_SUCCESS");

    let declines = code_of(&mut client, Behaviour::Decline);
    assert_eq!(code(&client.charge("BAR4", "1.00", &declines)).1, "ACQ.PAYMENT_FAIL");
    assert_eq!((client.status("BAR4").as_str(), client.entry("BAR4").status), ("TRADE_CLOSED", State::Failed));
    let poor = code_of(&mut client, Behaviour::Pay);
    assert_eq!(code(&client.charge("BAR5", "1.51", &poor)).1, "ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(client.status("BAR5"), "WAIT_BUYER_PAY", "a pending trade stands behind it");

    let never = code_of(&mut client, Behaviour::Timeout);
    assert_eq!(code(&client.charge("BAR6", "1.00", &never)).0, "10003");
    assert!(client.sim.confirm(&never, client.now).is_err());
    assert!(client.sim.scan(&Scan::of("BAR6", Outcome::Pay), client.now).is_err());
    client.pass_ms(3 * 3_600_000);
    assert_eq!(client.status("BAR6"), "TRADE_CLOSED");
    client.hook("password_above 99");
    let asks = code_of(&mut client, Behaviour::Pay);
    assert_eq!(code(&client.charge("BAR7", "1.00", &asks)).0, "10003");
    client.pass_ms(61_000);
    let old = code_of(&mut client, Behaviour::Pay);
    client.pass_ms(61_000);
    assert_eq!(code(&client.charge("BAR8", "1.00", &old)).1, "ACQ.PAYMENT_AUTH_CODE_INVALID");
    assert_eq!(code(&client.charge("BAR8", "1.00", "134567890123456789")).1, "ACQ.PAYMENT_AUTH_CODE_INVALID");
}

#[test]
fn magic_codes_answer_by_the_table() {
    for (kk, answer, status, charges) in [
        ("01", "10000 ", "TRADE_SUCCESS", 1),
        ("02", "10003 ", "WAIT_BUYER_PAY", 0),
        ("03", "10003 ", "WAIT_BUYER_PAY", 0),
        ("04", "40004 ACQ.BUYER_BALANCE_NOT_ENOUGH", "WAIT_BUYER_PAY", 0),
        ("05", "40004 ACQ.PAYMENT_AUTH_CODE_INVALID", "ACQ.TRADE_NOT_EXIST", 0),
        ("06", "20000 isp.unknow-error", "TRADE_SUCCESS", 1),
        ("07", "20000 aop.ACQ.SYSTEM_ERROR", "WAIT_BUYER_PAY", 0),
        ("08", "20000 isp.unknow-error", "ACQ.TRADE_NOT_EXIST", 0),
        ("09", "10000 ", "TRADE_CLOSED", 0),
        ("10", "40004 ACQ.PAYMENT_FAIL", "TRADE_CLOSED", 0),
        ("11", "40004 ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "ACQ.TRADE_NOT_EXIST", 0),
        ("12", "40004 ACQ.BEYOND_PER_RECEIPT_RESTRICTION", "ACQ.TRADE_NOT_EXIST", 0),
        ("13", "40004 ACQ.SELLER_BEEN_BLOCKED", "ACQ.TRADE_NOT_EXIST", 0),
        ("14", "40005 isv.app-call-limited", "ACQ.TRADE_NOT_EXIST", 0),
        ("15", "40004 ACQ.SYSTEM_ERROR", "TRADE_SUCCESS", 1),
    ] {
        let mut client = Client::new();
        let node = client.charge("MAGIC1", "1.00", &format!("2899{kk}050000000000"));
        assert_eq!(format!("{} {}", code(&node).0, code(&node).1), answer, "{kk}");
        assert_eq!(client.status("MAGIC1"), status, "{kk}");
        assert_eq!(client.sim.ledger().get("MAGIC1").map_or(0, |e| e.charges), charges, "{kk}");
        client.pass_ms(5_000);
        assert_eq!(client.status("MAGIC1") == "TRADE_SUCCESS", charges == 1 || kk == "02", "{kk}");
        assert_eq!(client.sim.ledger().audit(), Ok(()));
    }
}

#[test]
fn cancel_closes_what_waits_and_returns_what_was_paid() {
    let mut client = Client::new();
    client.charge("UNDO1", "1.00", "289903000000000000");
    assert_eq!(how(&cancel(&mut client, "UNDO1")), ("close", "N"));
    assert_eq!((how(&cancel(&mut client, "UNDO1")), client.entry("UNDO1").status), (("close", "N"), State::Closed));
    client.charge("UNDO2", "1.00", "289901000000000000");
    client.hook("merchant_funds none");
    assert_eq!(code(&cancel(&mut client, "UNDO2")).1, "ACQ.SELLER_BALANCE_NOT_ENOUGH");
    client.hook("merchant_funds full");
    client.hook("cancel_retry 1");
    assert_eq!((how(&cancel(&mut client, "UNDO2")), client.entry("UNDO2").status), (("none", "Y"), State::Paid));
    assert_eq!(how(&cancel(&mut client, "UNDO2")), ("refund", "N"));
    assert_eq!((how(&cancel(&mut client, "UNDO2")), client.entry("UNDO2").status), (("refund", "N"), State::Reversed));
    let node = client.query("UNDO2");
    assert_eq!((node["trade_status"].as_str(), node["ext_infos"].as_str()), (Some("TRADE_CLOSED"), Some("{\"action\":\"cancel\"}")));
    assert_eq!(code(&client.charge("UNDO2", "1.00", "289901000000000000")).1, "ACQ.TRADE_HAS_CLOSE");
}

#[test]
fn cancel_of_nothing_succeeds_without_an_action_and_burns_the_number() {
    let mut client = Client::new();
    let node = cancel(&mut client, "UNDO3");
    assert_eq!((code(&node).0, how(&node), node["trade_no"].as_str()), ("10000", ("none", "N"), None));
    assert_eq!(code(&client.charge("UNDO3", "1.00", "289901000000000000")).1, "ACQ.TRADE_HAS_CLOSE");
}

#[test]
fn cancel_has_its_limits() {
    let mut client = Client::new();
    client.charge("LIMIT1", "1.00", "289901000000000000");
    client.refund("LIMIT1", "R1", "0.50");
    assert_eq!(code(&cancel(&mut client, "LIMIT1")).1, "ACQ.REASON_TRADE_REFUND_FEE_ERR");
    client.charge("LIMIT2", "1.00", "289901000000000000");
    client.pass_ms(86_400_001);
    assert_eq!(code(&cancel(&mut client, "LIMIT2")).1, "ACQ.TRADE_CANCEL_TIME_OUT");
    let mut biz = super::order("LIMIT3", "1.00");
    biz["product_code"] = json!("QUICK_WAP_WAY");
    let string = client.order_string("alipay.trade.wap.pay", &biz);
    client.scan(&string).unwrap();
    assert_eq!(code(&cancel(&mut client, "LIMIT3")).1, "ACQ.CANCEL_NOT_ALLOWED");
}
