//! Bills: the signed link, the file, its rows by the account's mapping.

use super::{BANK, NOW, OTHER, bad, cmb, content_of, env, good, good_by, read, request_of};
use crate::Cmb;
use serde_json::{Value, json};
use sluice_contract::{
    BillFate, BillKind, BillRow, Body, Channel, Day, Exchange, Fen, HttpReply, Into as Keep, Reading, Statement, Step, Verb, WhyKind,
};
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub const FILE: &str = "https://api.cmbchina.com/bill/20261122.zip?token=abc";

pub fn columns() -> Value {
    json!({
        "kind": "交易类型", "payment": "消费", "refund": "退款", "reversal": "撤销", "number": "商户订单号", "refund_number": "退款单号",
        "channel_trade_no": "平台订单号", "amount": "金额", "fee": "手续费", "state": "状态", "at": "时间", "summary": "合计",
    })
}

pub fn account(changes: Value) -> Cmb {
    cmb(super::merge(json!({"statement_columns": columns()}), &changes))
}

fn step_of(cmb: &Cmb) -> Step<Statement> {
    cmb.statement(Day::parse("2026-11-22").unwrap(), None, &env(NOW))
}

fn reading(step: &Step<Statement>, reply: &HttpReply) -> Reading<Statement> {
    match step {
        Step::Send(exchange) => exchange.read(reply, &env(NOW)),
        other => panic!("{other:?}"),
    }
}

pub fn file(cmb: &Cmb, url: &str) -> Option<Exchange<Statement>> {
    match reading(&step_of(cmb), &good(&json!({"fileDownloadUrl": url}))) {
        Reading::Then(exchange) => Some(exchange),
        Reading::Is(Statement::Unknown(why)) if why.kind == WhyKind::Unreadable => None,
        other => panic!("{other:?}"),
    }
}

pub fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn rows(cmb: &Cmb, reply: &HttpReply) -> Vec<Result<BillRow, String>> {
    match file(cmb, FILE).unwrap().read(reply, &env(NOW)) {
        Reading::Is(Statement::Rows(rows)) => rows.collect(),
        other => panic!("{other:?}"),
    }
}

pub fn rows_of(cmb: &Cmb, text: &[u8]) -> Vec<Result<BillRow, String>> {
    rows(cmb, &HttpReply::new(200, &[], zipped(&[("对账单.csv", text)])))
}

pub const HEAD: &str = "交易类型,商户订单号,退款单号,平台订单号,金额,手续费,状态,时间,备注";
pub const PAID: &str = "消费,`A1,,0032,1280,5,S,20261122093000,\"苹果, \"\"红\"\"\"";
const BACK: &str = "退款,A1,R1,0033,280,0,S,2026-11-22 10:00:00,";
const UNDONE: &str = "撤销,A2,,0034,100,,D,2026-11-22T11:00:00+08:00,";

pub fn bill() -> String {
    format!("招商银行对账单\r\n日期,2026-11-22\r\n{HEAD}\r\n{PAID}\r\n\r\n{BACK}\r\n{UNDONE}\r\n合计,3,,,,,,,\r\n总手续费,5\r\n")
}

fn check(rows: Vec<Result<BillRow, String>>) {
    let rows: Vec<BillRow> = rows.into_iter().map(Result::unwrap).collect();
    let [paid, back, undone] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((paid.kind, paid.number.as_str(), paid.refund_number.as_deref()), (BillKind::Payment, "A1", None));
    assert_eq!((paid.amount, paid.fee, paid.state.as_str()), (Fen(1280), Some(Fen(5)), "S"));
    assert_eq!(paid.channel_trade_no.as_deref(), Some("0032"));
    assert_eq!((back.kind, back.refund_number.as_deref(), back.amount), (BillKind::Refund, Some("R1"), Fen(280)));
    assert_eq!((undone.kind, undone.fee), (BillKind::Reversal, None));
    let times: Vec<String> = rows.iter().filter_map(|row| row.at).map(|at| at.plain()).collect();
    assert_eq!(times, ["2026-11-22 09:30:00", "2026-11-22 10:00:00", "2026-11-22 11:00:00"]);
}

#[test]
fn a_bill_is_asked_for_by_day_and_its_link_is_followed_to_the_banks_host_only() {
    let cmb = account(json!({}));
    let step = step_of(&cmb);
    assert_eq!(request_of(&step).url, format!("{}/polypay/v1.0/mchorders/statementurl", super::BASE));
    assert_eq!(content_of(&step), json!({"merId": super::MER, "billDate": "20261122", "billType": "zip"}));
    let exchange = file(&cmb, FILE).unwrap();
    assert_eq!((exchange.request.verb, exchange.request.url.as_str()), (Verb::Get, FILE));
    assert!(exchange.request.headers.get("apisign").is_none() && exchange.request.headers.get("appid").is_none());
    assert!(matches!(exchange.request.into, Keep::File { .. }));
    for other in [
        "https://evil.example/bill.zip",
        "https://api.cmbchina.com.evil.example/x",
        "http://api.cmbchina.com/x",
        "https://api.cmbchina.com@evil.example/",
        "https://api.cmbchina.com",
        "https://api.cmbchina.com/a b",
        "",
    ] {
        assert!(file(&cmb, other).is_none(), "{other}");
    }
    let elsewhere = account(json!({"file_base_url": "https://files.cmbchina.com"}));
    assert!(file(&elsewhere, "https://files.cmbchina.com/x.zip").is_some() && file(&elsewhere, FILE).is_some());
    assert!(file(&elsewhere, "https://files.cmbchina.com.evil.example/x.zip").is_none());
}

#[test]
fn a_link_that_the_bank_did_not_sign_is_not_followed() {
    let cmb = account(json!({}));
    let doubt = |reply: &HttpReply| match read(&step_of(&cmb), reply) {
        Statement::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(doubt(&good_by(OTHER, &json!({"fileDownloadUrl": FILE}))), WhyKind::BadSignature);
    assert_eq!(doubt(&bad("SYSTERM_ERROR")), WhyKind::Pending);
    assert_eq!(doubt(&bad("MERID_NOT_EXIST")), WhyKind::Configuration);
    assert_eq!(doubt(&bad("NO_BILL")), WhyKind::Unlisted);
    assert_eq!(doubt(&HttpReply::new(500, &[], "")), WhyKind::NoAnswer);
    assert!(file(&cmb, FILE).is_some() && BANK != OTHER);
}

#[test]
fn rows_are_read_in_utf8_with_or_without_a_mark_and_in_gbk() {
    let cmb = account(json!({}));
    check(rows_of(&cmb, bill().as_bytes()));
    check(rows_of(&cmb, format!("\u{feff}{}", bill().split_once("\r\n").unwrap().1).as_bytes()));
    let text = bill();
    let (gbk, _, lost) = encoding_rs::GBK.encode(&text);
    assert!(!lost && std::str::from_utf8(&gbk).is_err());
    check(rows_of(&cmb, &gbk));
    let noise = rows_of(&cmb, &[0xff; 20]);
    assert!(matches!(&noise[..], [Err(_)]), "{noise:?}");
}

#[test]
fn a_bill_is_read_from_a_file_and_from_several() {
    let cmb = account(json!({}));
    let packed = zipped(&[("b.CSV", bill().as_bytes()), ("read me.md", b"x"), ("c.txt", bill().as_bytes())]);
    let path = std::env::temp_dir().join(format!("sluice-cmb-bill-{}", std::process::id()));
    std::fs::write(&path, &packed).unwrap();
    let reply = HttpReply { body: Body::File(path.clone()), ..HttpReply::new(200, &[], "") };
    let found = rows(&cmb, &reply);
    std::fs::remove_file(path).unwrap();
    assert_eq!(found.len(), 6);
    assert!(found.iter().all(Result::is_ok));
}

#[test]
fn what_is_no_archive_or_has_no_bill_is_unknown() {
    let cmb = account(json!({}));
    let exchange = file(&cmb, FILE).unwrap();
    let good = zipped(&[("b.csv", bill().as_bytes())]);
    let cut = good[..good.len() - 30].to_vec();
    for (status, body) in [(200, b"<html>".to_vec()), (200, vec![]), (200, cut), (200, zipped(&[("x.md", b"x")])), (404, good)] {
        match exchange.read(&HttpReply::new(status, &[], body), &env(NOW)) {
            Reading::Is(Statement::Unknown(why)) => assert_eq!(why.kind, WhyKind::Unreadable),
            other => panic!("{other:?}"),
        }
    }
    let gone = HttpReply { body: Body::File("/nowhere/at/all".into()), ..HttpReply::new(200, &[], "") };
    assert!(matches!(exchange.read(&gone, &env(NOW)), Reading::Is(Statement::Unknown(_))));
}

#[test]
fn a_crowd_and_a_file_without_an_end_are_no_bill() {
    let cmb = account(json!({}));
    let names: Vec<String> = (0..9).map(|n| format!("{n}.csv")).collect();
    let crowd = zipped(&names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect::<Vec<_>>());
    let read = file(&cmb, FILE).unwrap().read(&HttpReply::new(200, &[], crowd), &env(NOW));
    assert!(matches!(read, Reading::Is(Statement::Unknown(_))));
    // A bomb without a line end costs the longest line and no more.
    let bomb = zipped(&[("b.csv", vec![b'0'; 64 << 20].as_slice())]);
    assert!(bomb.len() < 1 << 20, "it packs well");
    let found = rows(&cmb, &HttpReply::new(200, &[], bomb));
    assert!(matches!(&found[..], [Err(why)] if why.contains("64 KiB")), "{found:?}");
}

#[test]
fn a_broken_bill_is_an_error_and_then_the_end() {
    let cmb = account(json!({}));
    for broken in [
        String::new(),
        PAID.to_owned(),
        format!("{HEAD}\n{PAID},more\n{BACK}"),
        format!("{HEAD}\n消费,A1\n{BACK}"),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("1280", "12.80")),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("1280", "-5")),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("1280", "")),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("消费", "分期")),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("消费", "")),
        format!("{HEAD}\n{}\n{BACK}", PAID.replace("`A1", "")),
        format!("{}\n{}", HEAD.replace("手续费", "费"), PAID),
    ] {
        let rows = rows_of(&cmb, broken.as_bytes());
        assert!(rows.last().is_some_and(Result::is_err), "{broken}");
        assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "{broken}");
    }
    assert_eq!(rows_of(&cmb, format!("{HEAD}\n合计,0").as_bytes()).len(), 0, "a day without trade");
    assert!(matches!(&rows_of(&cmb, HEAD.as_bytes())[..], [Err(why)] if why.contains("without its summary")));
}

#[test]
fn a_small_mapping_in_yuan_is_enough() {
    let cmb = account(json!({"statement_columns": {"number": "no", "amount": "amt", "refund_number": "back", "unit": "yuan"}}));
    let found = rows_of(&cmb, b"no,amt,back\nA1,12.80,\nA1,0.80,R1\n");
    let found: Vec<BillRow> = found.into_iter().map(Result::unwrap).collect();
    let short: Vec<_> = found.iter().map(|row| (row.kind, row.amount, row.refund_number.as_deref())).collect();
    assert_eq!(short, [(BillKind::Payment, Fen(1280), None), (BillKind::Refund, Fen(80), Some("R1"))]);
}

#[test]
fn a_rows_word_says_what_became_of_it() {
    let fates = |changes: Value| -> Vec<BillFate> {
        let cmb = account(json!({"statement_columns": super::merge(columns(), &changes)}));
        let rows = [PAID.to_owned(), PAID.replace(",S,", ",P,"), PAID.replace(",S,", ",F,"), UNDONE.to_owned()];
        rows_of(&cmb, format!("{HEAD}\n{}\n合计,4", rows.join("\n")).as_bytes()).into_iter().map(|row| row.unwrap().fate).collect()
    };
    assert_eq!(fates(json!({})), [BillFate::Done, BillFate::Open, BillFate::Void, BillFate::Done]);
    assert_eq!(fates(json!({"done": "F", "open": "S"})), [BillFate::Open, BillFate::Void, BillFate::Done, BillFate::Done]);
}
