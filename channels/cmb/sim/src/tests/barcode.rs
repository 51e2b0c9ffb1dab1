//! Orders by payment code: behaviours, wallets, terminal information, cancel.

use super::{Client, ENVELOPE, merged, order, sm4};
use crate::{MER_ID, USER_ID};
use serde_json::{Value, json};
use sluice_contract::Fen;
use sluice_simkit::{Behaviour, Codes, Simulator, State};

fn issued(client: &mut Client, behaviour: Behaviour) -> String {
    client.sim.issue_auth_code(behaviour, Fen(1_000), client.now)
}

#[test]
fn a_code_pays_once_and_dies_after_a_minute() {
    let mut client = Client::new();
    let code = issued(&mut client, Behaviour::Pay);
    assert!(code.len() == 19 && code.starts_with("62"));
    let paid = client.pay("CODE0001", 100, &code);
    assert_eq!((paid.get("tradeState"), paid.get("payType"), paid.get("txnAmt")), ("S", "YL", "100"));
    assert!(paid.biz.get("endDate").is_none(), "UnionPay has none there");
    assert_eq!(client.query("CODE0001").get("endDate"), "20261123");
    assert_eq!(client.hook("terminal CODE0001"), r#"{"device_type":"11","location":"31.23/121.47"}"#);
    assert_eq!(client.pay("CODE0002", 100, &code).err(), "AUTHCODE_NOT_LAWFUL");
    let late = issued(&mut client, Behaviour::Pay);
    client.pass_ms(60_001);
    assert_eq!(client.pay("CODE0002", 100, &late).err(), "AUTHCODE_NOT_LAWFUL");
    assert_eq!(client.query("CODE0002").err(), "CMBORDERID_NOT_EXIST", "a refused code leaves no order");
    assert_eq!(client.pay("CODE0001", 100, &late).err(), "ORDER_PAID", "the number is looked at before the code");
}

#[test]
fn a_password_is_waited_for() {
    let mut client = Client::new();
    let code = issued(&mut client, Behaviour::Password);
    assert_eq!(client.pay("PASS0001", 100, &code).get("tradeState"), "P");
    assert_eq!(client.sim.waiting()[0].auth_code.as_deref(), Some(code.as_str()));
    assert_eq!(client.query("PASS0001").get("tradeState"), "P");
    client.sim.confirm(&code, client.now).unwrap();
    assert_eq!(client.query("PASS0001").get("tradeState"), "S");
    assert!(client.sim.confirm(&code, client.now).is_err());
}

#[test]
fn who_declines_or_has_too_little_fails() {
    let mut client = Client::new();
    let declined = issued(&mut client, Behaviour::Decline);
    let poor = issued(&mut client, Behaviour::Pay);
    for (number, code, total) in [("FAIL0001", declined, 100), ("FAIL0002", poor, 1_001)] {
        let answer = client.pay(number, total, &code);
        assert!(answer.get("tradeState") == "F" && answer.members.contains_key("respMsg"));
        assert_eq!(client.query(number).get("tradeState"), "F");
        assert_eq!(client.entry(number).status, State::Failed);
    }
}

#[test]
fn codes_of_other_wallets_are_taken_through_the_shared_book() {
    let mut client = Client::new();
    let book = Codes::default();
    client.sim.share_codes(book.clone());
    for (n, code, pay_type) in [(0, "134737690209713402", "WX"), (1, "281234567890123456", "ZF"), (2, "6212345678901234567", "YL")] {
        assert_eq!(client.pay("X", 100, code).err(), "AUTHCODE_NOT_LAWFUL", "no book knows it");
        book.issue(code, Behaviour::Pay, Fen(500), client.now);
        let number = format!("SHARED0{n}");
        let paid = client.pay(&number, 100, code);
        assert_eq!((paid.get("tradeState"), paid.get("payType"), paid.biz.get("endTime").is_some()), ("S", pay_type, pay_type != "YL"));
    }
    for code in ["62123456789012345678", "16123456789012345", "161234567890123456", "24123456789012345", "62x2345678901234567"] {
        book.issue(code, Behaviour::Pay, Fen(500), client.now);
        assert_eq!(client.pay("X", 100, code).err(), "AUTHCODE_NOT_LAWFUL", "{code}");
    }
    book.issue("0112345678901234567", Behaviour::Pay, Fen(500), client.now);
    assert_eq!(client.pay("X", 100, "0112345678901234567").err(), "UNDEFINED_PRAM", "ecnyPayment is missing");
}

#[test]
fn magic_codes_play_the_odd_cases() {
    let mut client = Client::new();
    let magic = |kk: u8| format!("6299{kk:02}0500000000000");
    assert_eq!(client.pay("MAGIC01", 100, &magic(1)).get("tradeState"), "S");
    assert_eq!(client.pay("MAGIC02", 100, &magic(2)).get("tradeState"), "P");
    client.pass_ms(5_000);
    assert_eq!(client.query("MAGIC02").get("tradeState"), "S");
    assert_eq!(client.pay("MAGIC04", 100, &magic(4)).get("tradeState"), "F");
    let errors = [(5, "AUTHCODE_NOT_LAWFUL"), (6, "SYSTERM_ERROR"), (7, "SYSTERM_ERROR"), (8, "SYSTERM_ERROR"), (9, "SYSTERM_MAINTAINING")];
    for (kk, code) in errors {
        assert_eq!(client.pay(&format!("MAGIC{kk:02}"), 100, &magic(kk)).err(), code);
    }
    assert_eq!(client.pay("MAGIC10", 100, &magic(10)).err(), "TRADEAMOUNT_LIMITED");
    assert_eq!(client.pay("MAGIC11", 100, &magic(11)).err(), "MCH_DAILY_QUOTA_EXCEED");
    assert_eq!(client.query("MAGIC06").get("tradeState"), "S", "said an error, and took the money");
    assert_eq!(client.query("MAGIC07").get("tradeState"), "P");
    assert_eq!(client.query("MAGIC08").err(), "CMBORDERID_NOT_EXIST");
    client.pass_ms(15_000);
    assert_eq!(client.post("cancel", json!({"origOrderId": "MAGIC07"})).get("cancelState"), "C");
    assert_eq!(client.query("MAGIC07").get("tradeState"), "C");
    let mute = client.pay("MAGIC12", 100, &magic(12));
    assert!(mute.biz.get("tradeState").is_none() && client.entry("MAGIC12").charges == 1);
}

#[test]
fn cancel_keeps_its_window_and_never_touches_money() {
    let mut client = Client::new();
    let code = issued(&mut client, Behaviour::Timeout);
    client.pay("CANCEL01", 100, &code);
    assert!(client.sim.confirm(&code, client.now).is_err(), "never finishes");
    client.pass_ms(14_999);
    let ask = json!({"origOrderId": "CANCEL01"});
    assert_eq!(client.post("cancel", ask.clone()).err(), "OPERATING_FREQUENTLY");
    client.pass_ms(1);
    client.hook("undo_fate fail");
    assert_eq!(client.post("cancel", ask.clone()).get("cancelState"), "F");
    assert_eq!(client.query("CANCEL01").get("tradeState"), "P");
    client.hook("undo_fate success");
    for _ in 0..2 {
        assert_eq!(client.post("cancel", ask.clone()).get("cancelState"), "D");
    }
    assert_eq!((client.query("CANCEL01").get("tradeState"), client.entry("CANCEL01").status), ("D", State::Reversed));
    let code = issued(&mut client, Behaviour::Pay);
    client.pay("CANCEL02", 100, &code);
    client.pass_ms(15_000);
    assert_eq!(client.post("cancel", json!({"origOrderId": "CANCEL02"})).err(), "ORDER_PAID");
    assert_eq!(client.post("close", ask).err(), "NOT_ALLOWED");
    let code = issued(&mut client, Behaviour::Timeout);
    client.pay("CANCEL03", 100, &code);
    client.pass_ms(7 * 86_400_000 + 1);
    assert_eq!(client.post("cancel", json!({"origOrderId": "CANCEL03"})).err(), "NOT_ALLOWED");
}

#[test]
fn a_cancelled_password_can_no_longer_be_typed() {
    let mut client = Client::new();
    let code = issued(&mut client, Behaviour::Password);
    client.pay("TYPED001", 100, &code);
    client.pass_ms(15_000);
    assert_eq!(client.post("cancel", json!({"origOrderId": "TYPED001"})).get("cancelState"), "D");
    assert!(client.sim.confirm(&code, client.now).is_err());
    assert_eq!(client.entry("TYPED001").charges, 0);
}

/// A charge with another terminal part.
fn with_terminal(client: &mut Client, part: Value, key: Option<&str>) -> super::Reply {
    let code = issued(client, Behaviour::Pay);
    let own = json!({"merId": MER_ID, "userId": USER_ID, "authCode": code, "termId": "1"});
    let number = format!("TERM{}", client.sim.ledger().entries().count());
    let mut members = Client::members(&merged(merged(order(&number, 100), own), part));
    if let Some(key) = key {
        members.insert("encryptKey".to_owned(), key.to_owned());
    }
    let call = client.call("pay", members);
    client.send(&call)
}

#[test]
fn terminal_information_must_be_there_and_must_open() {
    let mut client = Client::new();
    let good = sm4("b3ec5decc1db9bed", "{}");
    assert_eq!(with_terminal(&mut client, json!({}), None).err(), "UNDEFINED_PRAM");
    assert_eq!(with_terminal(&mut client, json!({"encryptTerminalInfo": good}), None).err(), "UNDEFINED_PRAM");
    assert_eq!(with_terminal(&mut client, json!({"encryptTerminalInfo": good}), Some("AAAA")).err(), "UNDEFINED_PRAM");
    for bad in [sm4("0000000000000000", "{}"), sm4("b3ec5decc1db9bed", "[]"), "AAAA".to_owned()] {
        assert_eq!(with_terminal(&mut client, json!({"encryptTerminalInfo": bad}), Some(ENVELOPE)).err(), "UNDEFINED_PRAM");
    }
    assert_eq!(with_terminal(&mut client, json!({"terminalInfo": "x"}), None).err(), "UNDEFINED_PRAM");
    assert_eq!(with_terminal(&mut client, json!({"terminalInfo": "{}"}), None).get("tradeState"), "S");
    assert_eq!(with_terminal(&mut client, json!({"encryptTerminalInfo": good}), Some(ENVELOPE)).get("tradeState"), "S");
    client.hook("terminal_required off");
    assert_eq!(with_terminal(&mut client, json!({}), None).get("tradeState"), "S");
    assert_eq!(with_terminal(&mut client, json!({"termId": null}), None).err(), "UNDEFINED_PRAM");
    assert_eq!(with_terminal(&mut client, json!({"limitPay": "all"}), None).err(), "UNDEFINED_PRAM");
}
