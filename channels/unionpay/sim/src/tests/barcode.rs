//! Payment codes: the table of magic ones, the phones' own, passwords, reversals.

use super::{BACK, Client, code};
use sluice_contract::Fen;
use sluice_simkit::{Behaviour, Codes, Outcome, Simulator, State};

fn reversal(client: &mut Client, number: &str, time: &str) -> String {
    let mut message = client.ask("99/01", "000000", number, &[]);
    message.insert("txnTime".to_owned(), time.to_owned());
    code(&client.send(BACK, message)).to_owned()
}

#[test]
fn every_magic_code_does_what_the_table_says() {
    // KK, answer, the state a query tells at once and after a minute.
    let table = [
        ("01", "00", "00", "00"),
        ("02", "05", "05", "00"),
        ("03", "05", "05", "05"),
        ("04", "64", "64", "64"),
        ("05", "88", "", ""),
        ("06", "03", "00", "00"),
        ("07", "04", "04", "04"),
        ("08", "06", "", ""),
        ("09", "33", "", ""),
        ("10", "00", "05", "01"),
        ("11", "01", "01", "01"),
        ("12", "A6", "A6", "A6"),
        ("13", "01", "", ""),
        ("14", "Z9", "00", "00"),
        ("15", "00", "05", "00"),
        ("99", "88", "", ""),
    ];
    for (kind, says, at_once, later) in table {
        let mut client = Client::new();
        let time = client.clock();
        let answer = client.consume("MAGIC001", 100, &format!("6299{kind}3000000000000"));
        assert_eq!(code(&answer), says, "{kind}");
        assert_eq!(client.state("MAGIC001", &time).1, at_once, "{kind}");
        let booked = client.sim.ledger().get("MAGIC001").is_some();
        assert_eq!((booked, answer.contains_key("queryId")), (!at_once.is_empty(), !at_once.is_empty()), "{kind}");
        client.pass_s(60);
        assert_eq!(client.state("MAGIC001", &time).1, later, "{kind}");
        if let Some(entry) = client.sim.ledger().get("MAGIC001") {
            assert_eq!(entry.charges, u32::from(matches!(later, "00" | "A6")), "{kind}");
        }
    }
}

#[test]
fn codes_of_phones_pay_once_for_as_much_as_they_hold() {
    let mut client = Client::new();
    let issue = |client: &mut Client, behaviour, fen| client.sim.issue_auth_code(behaviour, Fen(fen), client.now);
    let pays = issue(&mut client, Behaviour::Pay, 100);
    assert!(pays.len() == 19 && pays.starts_with("62"));
    assert_eq!(code(&client.consume("PHONE001", 100, &pays)), "00");
    assert_eq!(code(&client.consume("PHONE002", 100, &pays)), "01", "used");
    let poor = issue(&mut client, Behaviour::Pay, 99);
    assert_eq!(code(&client.consume("PHONE003", 100, &poor)), "64");
    let declines = issue(&mut client, Behaviour::Decline, 100);
    assert_eq!(code(&client.consume("PHONE004", 100, &declines)), "01");
    let old = issue(&mut client, Behaviour::Pay, 100);
    client.pass_s(61);
    assert_eq!(code(&client.consume("PHONE005", 100, &old)), "88");
    for unknown in ["6200000000000000000", "134567890123456789", "1"] {
        assert_eq!(code(&client.consume("PHONE006", 100, unknown)), "88", "{unknown}");
    }
    assert_eq!(code(&client.consume("PHONE006", 100, "62000A0000000000000")), "10");
    assert_eq!((client.entry("PHONE001").status, client.entry("PHONE003").status), (State::Paid, State::Failed));
}

#[test]
fn a_code_that_another_channel_took_is_used_here_too() {
    let (mut client, codes) = (Client::new(), Codes::default());
    client.sim.share_codes(codes.clone());
    let ours = client.sim.issue_auth_code(Behaviour::Pay, Fen(100), client.now);
    codes.take(&ours, "cmb", "OTHER001");
    assert_eq!(code(&client.consume("SHARED01", 100, &ours)), "01");
    codes.issue("6288000000000000001", Behaviour::Pay, Fen(100), client.now);
    assert_eq!(code(&client.consume("SHARED02", 100, "6288000000000000001")), "00");
}

#[test]
fn a_password_is_typed_or_refused_or_found_by_the_nth_query() {
    let mut client = Client::new();
    let time = client.clock();
    let first = client.sim.issue_auth_code(Behaviour::Password, Fen(100), client.now);
    let answer = client.consume("TYPE0001", 100, &first);
    assert_eq!(code(&answer), "05");
    assert_eq!(client.sim.waiting()[0].auth_code.as_deref(), Some(first.as_str()));
    client.sim.confirm(&first, client.now).unwrap();
    let told = client.query_at("TYPE0001", &time);
    assert_eq!((told["origRespCode"].as_str(), &told["queryId"]), ("00", &answer["queryId"]));
    assert!(client.sim.confirm(&first, client.now).is_err());
    let second = client.sim.issue_auth_code(Behaviour::Password, Fen(100), client.now);
    client.consume("TYPE0002", 100, &second);
    client.scan("TYPE0002", Outcome::Decline).unwrap();
    assert_eq!((client.state("TYPE0002", &time).1.as_str(), client.entry("TYPE0002").status), ("01", State::Failed));
    client.hook("success_after_queries 2");
    let third = client.sim.issue_auth_code(Behaviour::Password, Fen(100), client.now);
    client.consume("TYPE0003", 100, &third);
    assert_eq!([client.state("TYPE0003", &time).1, client.state("TYPE0003", &time).1], ["05", "00"]);
}

#[test]
fn a_barcode_with_pay_timeout_fails_then_and_one_without_never_ends() {
    let mut client = Client::new();
    let time = client.clock();
    let stuck = client.sim.issue_auth_code(Behaviour::Timeout, Fen(100), client.now);
    client.consume("STUCK001", 100, &stuck);
    let message = client.payment("01/06", "000000", "STUCK002", 100, &[("qrNo", "6299030000000000000"), ("payTimeout", "20261123090100")]);
    client.send(BACK, message);
    client.pass_s(40 * 86_400);
    assert_eq!((client.state("STUCK001", &time).1.as_str(), client.state("STUCK002", &time).1.as_str()), ("05", "01"));
    assert!(client.sim.confirm(&stuck, client.now).is_err());
}

#[test]
fn a_reversal_undoes_what_was_taken_or_may_be_and_may_be_repeated() {
    let mut client = Client::new();
    let time = client.clock();
    for (number, code, charges) in [("UNDO0001", "6299010000000000000", 1), ("UNDO0002", "6299030000000000000", 0)] {
        client.consume(number, 100, code);
        client.pass_s(2_000);
        for _ in 0..2 {
            assert_eq!(reversal(&mut client, number, &time), "00");
        }
        let entry = client.entry(number);
        assert_eq!((entry.status, entry.charges, client.state(number, &time).1.as_str()), (State::Reversed, charges, "46"));
        client.now = super::at("20261123090000");
    }
    client.hook("reversed 01");
    assert_eq!(client.state("UNDO0001", &time).1, "01");
    assert_eq!(reversal(&mut client, "UNDO0001", "20261123090001"), "35", "another time");
    assert_eq!(reversal(&mut client, "UNDO0009", &time), "35", "no such payment");
    client.consume("UNDO0003", 100, "6299110000000000000");
    assert_eq!(reversal(&mut client, "UNDO0003", &time), "00");
    assert_eq!(client.entry("UNDO0003").status, State::Failed, "there is nothing to undo");
}

#[test]
fn a_reversal_is_for_barcodes_of_the_same_clearing_day_only() {
    let mut client = Client::new();
    let time = client.clock();
    client.paid("QR000009", 100);
    assert_eq!(reversal(&mut client, "QR000009", &time), "35");
    client.consume("DAY00001", 100, "6299010000000000000");
    client.hook("reversal off");
    assert_eq!(reversal(&mut client, "DAY00001", &time), "32");
    client.hook("reversal ignored");
    assert_eq!((reversal(&mut client, "DAY00001", &time).as_str(), client.state("DAY00001", &time).1.as_str()), ("00", "00"));
    client.hook("reversal on");
    client.now = super::at("20261123230000");
    assert_eq!(reversal(&mut client, "DAY00001", &time), "35", "the day ended at 23:00");
    client.now = super::at("20261123225959");
    assert_eq!(reversal(&mut client, "DAY00001", &time), "00");
}
