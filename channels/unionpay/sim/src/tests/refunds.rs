//! Refunds and undos: what they refer to, how much, how long, and how they end.

use super::{BACK, Client, code};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy};
use sluice_simkit::{Outcome, RefundState, Scan, Simulator};

fn undo(client: &mut Client, number: &str, fen: i64, query_id: &str) -> String {
    let amount = fen.to_string();
    let more = [("txnAmt", amount.as_str()), ("backUrl", "http://127.0.0.1/n"), ("origQryId", query_id)];
    let message = client.ask("31/00", "000000", number, &more);
    code(&client.send(BACK, message)).to_owned()
}

#[test]
fn a_refund_is_accepted_then_done_and_queried_by_its_own_number() {
    let mut client = Client::new();
    let id = client.paid("PAID0001", 100);
    let time = client.clock();
    let answer = client.refund("BACK0001", 60, &id);
    assert_eq!((code(&answer), answer["origQryId"].as_str(), answer["queryId"].len()), ("00", id.as_str(), 21));
    assert_eq!(client.state("BACK0001", &time), ("00".to_owned(), "05".to_owned()));
    client.pass_s(1);
    let told = client.query_at("BACK0001", &time);
    let seen = [&told["origRespCode"], &told["txnType"], &told["txnAmt"], &told["settleDate"], &told["queryId"]];
    assert_eq!(seen, ["00", "04", "60", "1123", &answer["queryId"]]);
    assert_eq!(client.state("PAID0001", &time).1, "00", "the payment does not change");
    assert_eq!(code(&client.refund("BACK0001", 60, &id)), "12", "the same number again");
    assert_eq!(code(&client.refund("BACK0002", 41, &id)), "36");
    assert_eq!(code(&client.refund("BACK0003", 40, &id)), "00");
    assert_eq!(code(&client.refund("BACK0004", 1, &id)), "36");
    assert_eq!(client.entry("PAID0001").remaining(), Fen::ZERO);
}

#[test]
fn the_payment_is_named_by_its_serial_or_by_number_and_time() {
    let mut client = Client::new();
    let (id, time) = (client.paid("PAID0002", 100), client.clock());
    client.paid("PAID0003", 100);
    let mut asked = |number: &str, more: &[(&str, &str)]| {
        let mut all = vec![("txnAmt", "10"), ("backUrl", "http://127.0.0.1/n")];
        all.extend(more);
        let message = client.ask("04/00", "000000", number, &all);
        code(&client.send(BACK, message)).to_owned()
    };
    assert_eq!(asked("BACK0005", &[("origOrderId", "PAID0002"), ("origTxnTime", &time)]), "00");
    assert_eq!(asked("BACK0006", &[("origOrderId", "PAID0002"), ("origTxnTime", "20261123085900")]), "35");
    assert_eq!(asked("BACK0006", &[("origQryId", &id), ("origOrderId", "PAID0003"), ("origTxnTime", &time)]), "36");
    assert_eq!(asked("BACK0006", &[]), "13");
    assert_eq!(asked("BACK0006", &[("origQryId", "000000000000000000000")]), "35");
    assert_eq!(asked("BACK0006", &[("origQryId", &id), ("bizType", "000201")]), "36", "another family of products");
    assert_eq!(asked("BACK0006", &[("origQryId", &id), ("currencyCode", "840")]), "10");
    assert_eq!(asked("BACK0006", &[("origQryId", &id), ("txnTime", "20261123080000")]), "10");
    assert_eq!(asked("PAID0003", &[("origQryId", &id)]), "12", "numbers are one kind");
}

#[test]
fn a_refund_of_a_refund_or_of_nothing_is_35() {
    let mut client = Client::new();
    let id = client.paid("PAID0004", 100);
    let back = client.refund("BACK0007", 10, &id)["queryId"].clone();
    assert_eq!(code(&client.refund("BACK0008", 1, &back)), "35");
    let stuck = client.consume("PAID0005", 100, "6299030000000000000")["queryId"].clone();
    assert_eq!(code(&client.refund("BACK0008", 1, &stuck)), "35");
}

#[test]
fn a_refund_that_fails_leaves_its_money_to_another() {
    let mut client = Client::new();
    let (id, time) = (client.paid("PAID0006", 100), client.clock());
    client.hook("refund_fate fail");
    assert_eq!(code(&client.refund("BACK0009", 100, &id)), "00");
    client.pass_s(1);
    assert_eq!(client.state("BACK0009", &time).1, "01");
    client.hook("refund_fate pending");
    let again = client.clock();
    assert_eq!(code(&client.refund("BACK0010", 100, &id)), "00");
    client.pass_s(86_400);
    assert_eq!(client.state("BACK0010", &again).1, "05");
    let states: Vec<RefundState> = client.entry("PAID0006").refunds.iter().map(|r| r.status).collect();
    assert_eq!(states, [RefundState::Failed, RefundState::Pending]);
    client.hook("merchant_funds none");
    let other = client.paid("PAID0007", 100);
    assert_eq!(code(&client.refund("BACK0011", 1, &other)), "01");
    client.hook("merchant_funds full");
    assert_eq!(code(&client.refund("BACK0011", 1, &other)), "00", "a refused number is free");
}

#[test]
fn windows_are_thirty_days_for_qr_and_330_for_the_rest() {
    let mut client = Client::new();
    let qr = client.paid("PAID0008", 100);
    let front = client.sign(client.payment("01/01", "000201", "PAID0009", 100, &[("channelType", "07")]));
    client.raw(super::FRONT, &super::encoded(&front));
    client.scan("PAID0009", Outcome::Pay).unwrap();
    let time = client.clock();
    let web = client.query_at("PAID0009", &time)["queryId"].clone();
    client.pass_s(30 * 86_400);
    assert_eq!(code(&client.refund("BACK0012", 1, &qr)), "00");
    client.pass_s(1);
    assert_eq!(code(&client.refund("BACK0013", 1, &qr)), "35");
    let mut asked = |number: &str| {
        let more = [("txnAmt", "1"), ("backUrl", "http://127.0.0.1/n"), ("origQryId", web.as_str())];
        let message = client.ask("04/00", "000201", number, &more);
        let answer = code(&client.send(BACK, message)).to_owned();
        client.pass_s(300 * 86_400 - 1);
        answer
    };
    assert_eq!([asked("BACK0014"), asked("BACK0015"), asked("BACK0016")], ["00", "00", "35"]);
}

#[test]
fn an_undo_is_for_the_whole_of_the_same_clearing_day() {
    let mut client = Client::new();
    let (first, second, third) = (client.paid("PAID0010", 100), client.paid("PAID0011", 100), client.paid("PAID0012", 100));
    assert_eq!(undo(&mut client, "UNDO0010", 99, &first), "36");
    assert_eq!(undo(&mut client, "UNDO0010", 100, &first), "00");
    assert_eq!(undo(&mut client, "UNDO0011", 100, &first), "45");
    assert_eq!(code(&client.refund("BACK0017", 1, &first)), "45");
    assert_eq!(code(&client.refund("BACK0018", 1, &second)), "00");
    assert_eq!(undo(&mut client, "UNDO0012", 100, &second), "45", "part of it went back before");
    client.hook("undo off");
    assert_eq!(undo(&mut client, "UNDO0013", 100, &third), "32");
    client.hook("undo on");
    client.now = super::at("20261123230000");
    assert_eq!(undo(&mut client, "UNDO0013", 100, &third), "35");
    client.now = super::at("20261123225959");
    assert_eq!(undo(&mut client, "UNDO0013", 100, &third), "00");
    client.pass_s(1);
    assert_eq!(client.entry("PAID0012").refunds[0].status, RefundState::Succeeded);
}

#[test]
fn discounts_split_in_proportion_and_the_last_refund_takes_the_rest() {
    let mut client = Client::new();
    let qr = client.apply("PAID0013", 100)["qrCode"].clone();
    let off = |fen| Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Bank, amount: Fen(fen) };
    assert!(client.sim.scan(&Scan { discounts: &[off(101)], ..Scan::of(&qr, Outcome::Pay) }, client.now).is_err());
    assert!(client.sim.scan(&Scan { discounts: &[off(33)], ..Scan::of(&qr, Outcome::Pay) }, client.now).unwrap().paid);
    let time = client.clock();
    let id = client.query_at("PAID0013", &time)["queryId"].clone();
    assert_eq!((client.entry("PAID0013").total, client.entry("PAID0013").payer_total), (Fen(100), Fen(67)));
    for (number, fen) in [("BACK0019", 33), ("BACK0020", 33), ("BACK0021", 34)] {
        assert_eq!(code(&client.refund(number, fen, &id)), "00");
    }
    let parts: Vec<i64> = client.sim.backs.values().map(|back| back.payer_part.0).collect();
    assert_eq!(parts, [22, 22, 23]);
}
