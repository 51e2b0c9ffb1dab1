//! Statements: the form, the days, what stands in them, planted differences.

use super::{Client, Message, code};
use crate::zm::WIDTHS;
use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::GBK;
use flate2::read::ZlibDecoder;
use sluice_contract::{Day, Discount, DiscountKind, Fen, FundedBy};
use sluice_simkit::{Discrepancy, Outcome, Scan, Simulator};
use std::io::{Cursor, Read};
use zip::ZipArchive;

fn asked(client: &mut Client, day: &str) -> Message {
    let mut message = client.ask("76/01", "000000", "FILE0001", &[("settleDate", day), ("fileType", "00")]);
    message.remove("channelType");
    message.remove("orderId");
    client.send("/", message)
}

/// The rows of a file, by column number.
fn rows(client: &mut Client, day: &str) -> Vec<Vec<String>> {
    let answer = asked(client, day);
    assert_eq!(code(&answer), "00");
    let mut zip = Vec::new();
    ZlibDecoder::new(STANDARD.decode(&answer["fileContent"]).unwrap().as_slice()).read_to_end(&mut zip).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut bytes = Vec::new();
    let name = format!("INN26{day}88ZM_{}", crate::MER_ID);
    archive.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(archive.by_name(&name.replace("ZM", "ZME")).is_ok());
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(cells).collect()
}

fn cells(line: &[u8]) -> Vec<String> {
    let (mut from, mut out) = (0, vec![String::new()]);
    for width in WIDTHS {
        out.push(GBK.decode(&line[from..from + width]).0.trim_end().to_owned());
        from += width + 1;
    }
    out
}

#[test]
fn payments_refunds_and_undos_stand_on_their_clearing_day() {
    let mut client = Client::new();
    let id = client.paid("BILL0001", 12_800);
    client.refund("BILLBACK1", 599, &id);
    client.consume("BILL0002", 100, "6299010000000000000");
    client.apply("BILL0003", 100);
    client.pass_s(1);
    let today = rows(&mut client, "1123");
    let seen: Vec<_> =
        today.iter().map(|row| (row[20].as_str(), row[12].as_str(), row[7].as_str(), row[16].as_str(), row[17].as_str())).collect();
    assert_eq!(
        seen,
        [
            ("01", "BILL0001", "000000012800", "D000000000077", "C000000012723"),
            ("04", "BILLBACK1", "000000000599", "C000000000004", "D000000000595"),
            ("01", "BILL0002", "000000000100", "D000000000001", "C000000000099"),
        ]
    );
    assert_eq!((today[0][10].as_str(), today[1][27].as_str(), today[1][41].as_str()), (id.as_str(), id.as_str(), "BILL0001"));
    client.now = super::at("20261123225959");
    let late = client.paid("BILL0004", 100);
    client.pass_s(1);
    client.paid("BILL0005", 100);
    client.refund("BILLBACK2", 100, &late);
    client.pass_s(1);
    assert_eq!(rows(&mut client, "1123").len(), 4);
    let tomorrow: Vec<String> = rows(&mut client, "1124").into_iter().map(|row| row[12].clone()).collect();
    assert_eq!(tomorrow, ["BILL0005", "BILLBACK2"]);
}

#[test]
fn what_never_was_or_is_undone_has_no_row() {
    let mut client = Client::new();
    let time = client.clock();
    client.consume("BILL0006", 100, "6299010000000000000");
    client.consume("BILL0007", 100, "6299040000000000000");
    let mut message = client.ask("99/01", "000000", "BILL0006", &[]);
    message.insert("txnTime".to_owned(), time);
    client.send(super::BACK, message);
    let id = client.paid("BILL0008", 100);
    client.hook("refund_fate fail");
    client.refund("BILLBACK3", 100, &id);
    client.pass_s(1);
    assert_eq!(rows(&mut client, "1123").len(), 1);
}

#[test]
fn a_file_may_be_late_or_not_be() {
    let mut client = Client::new();
    assert!(rows(&mut client, "1122").is_empty(), "an empty day is an empty file");
    client.hook("empty_day 98");
    assert_eq!(code(&asked(&mut client, "1122")), "98");
    client.paid("BILL0009", 100);
    client.hook("late_files on");
    client.now = super::at("20261124085959");
    assert_eq!(code(&asked(&mut client, "1123")), "98");
    client.pass_s(1);
    assert_eq!(rows(&mut client, "1123").len(), 1);
    for bad in ["1332", "0230", "11", "x123"] {
        assert_eq!(code(&asked(&mut client, bad)), "10", "{bad}");
    }
}

#[test]
fn differences_are_planted_on_payments_of_the_day() {
    let kinds = [
        Discrepancy::MissingHere,
        Discrepancy::MissingThere,
        Discrepancy::Amount,
        Discrepancy::Status,
        Discrepancy::Duplicate,
        Discrepancy::Fee,
    ];
    let day = Day::parse("2026-11-23").unwrap();
    for kind in kinds {
        let mut client = Client::new();
        assert!(client.sim.plant(kind, 1, day).is_err(), "there is nothing to plant on");
        client.paid("PLANT001", 1_000);
        client.paid("PLANT002", 1_000);
        let clean = rows(&mut client, "1123");
        let planted = client.sim.plant(kind, 1, day).unwrap();
        let found = rows(&mut client, "1123");
        let of = |number: &str| found.iter().filter(|row| row[12] == number).collect::<Vec<_>>();
        let number = planted[0].as_str();
        match kind {
            Discrepancy::MissingHere => assert!(number == "PLANT000" && of(number).len() == 1 && found.len() == 3),
            Discrepancy::MissingThere => assert!(of(number).is_empty() && found.len() == 1),
            Discrepancy::Amount => assert_eq!(of(number)[0][7], "000000001001"),
            Discrepancy::Status => assert_eq!((of(number)[0][20].as_str(), of(number)[0][41].as_str()), ("31", number)),
            Discrepancy::Duplicate => assert_eq!(of(number).len(), 2),
            Discrepancy::Fee => assert_eq!(of(number)[0][16], "D000000000007"),
        }
        assert_eq!(clean.len(), 2);
        assert_eq!(of("PLANT002"), clean.iter().filter(|row| row[12] == "PLANT002").collect::<Vec<_>>(), "the other one is as it was");
        assert!(client.sim.plant(kind, 2, day).is_err(), "one is left");
    }
}

#[test]
fn discounts_stand_in_their_columns_and_the_till_in_its() {
    let mut client = Client::new();
    for (number, funded_by) in [("COUPON01", FundedBy::Bank), ("COUPON02", FundedBy::Merchant)] {
        let qr = client.apply(number, 1_000)["qrCode"].clone();
        let off = [Discount { kind: DiscountKind::Coupon, funded_by, amount: Fen(200) }];
        client.sim.scan(&Scan { discounts: &off, ..Scan::of(&qr, Outcome::Pay) }, client.now).unwrap();
    }
    client.consume("COUPON03", 1_000, "6299010000000000000");
    let rows = rows(&mut client, "1123");
    let seen: Vec<_> = rows.iter().map(|row| [&row[7], &row[17], &row[36], &row[37], &row[34]].map(String::as_str)).collect();
    let total = "000000001000";
    assert_eq!(seen[0], [total, "C000000000994", "C000000000200", "C000000000800", ""]);
    assert_eq!(seen[1], [total, "C000000000795", "D000000000200", "C000000000800", ""]);
    assert_eq!(seen[2], [total, "C000000000994", "", "", "00000011"]);
}
