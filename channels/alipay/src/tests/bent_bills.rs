//! Bills that are no bills: each is refused, and says at which line.

use super::bills::{gbk, rows, vector};
use super::str_of;
use crate::bill::{Whose, rows as read_rows};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_contract::{BillRow, HttpReply};
use std::io::Cursor;

fn whose() -> Whose {
    Whose { account: Some("20880000000000010156".to_owned()), sub: String::new() }
}

fn text_rows(text: Vec<u8>) -> Vec<Result<BillRow, String>> {
    read_rows(Cursor::new(text), whose()).collect()
}

#[track_caller]
fn refused(name: &str, rows: &[Result<BillRow, String>]) -> String {
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "{name}: {rows:?}");
    rows.last().unwrap().clone().unwrap_err()
}

#[test]
fn every_row_of_every_bill_of_the_vectors_is_read() {
    let vector = vector();
    let rows = text_rows(gbk(str_of(&vector, "detail_csv_utf8")));
    let (payments, refunds) = (vector["expect"]["trade_count"].as_u64().unwrap(), vector["expect"]["refund_count"].as_u64().unwrap());
    assert!(rows.iter().all(Result::is_ok) && rows.len() == 4 && payments + refunds == 4, "{rows:?}");
}

#[test]
fn a_file_that_is_cut_off_or_bent_anywhere_is_refused() {
    let packed = STANDARD.decode(str_of(&vector(), "zip_b64")).unwrap();
    let is_refused = |body: Vec<u8>| rows(&HttpReply::new(200, &[], body)).map_or(true, |rows| rows.iter().any(Result::is_err));
    for sixteenth in 0..16 {
        assert!(is_refused(packed[..packed.len() * sixteenth / 16].to_vec()), "{sixteenth}");
    }
    // In the packed text itself: behind the first local header.
    for at in (80..600).step_by(40) {
        let mut bent = packed.clone();
        bent[at] ^= 0x55;
        assert!(is_refused(bent), "{at}");
    }
    assert!(!is_refused(packed));
}

#[test]
fn a_text_that_is_cut_off_anywhere_is_refused_or_whole() {
    let vector = vector();
    let text = gbk(str_of(&vector, "detail_csv_utf8"));
    let whole = text_rows(text.clone());
    let mut cuts = 0;
    for sixteenth in 0..16 {
        let rows = text_rows(text[..text.len() * sixteenth / 16].to_vec());
        // Behind its sums there is no row to lose.
        cuts += usize::from(rows != whole);
        assert!(rows == whole || refused("cut", &rows).starts_with("line "), "{sixteenth}: {rows:?}");
    }
    assert!(cuts >= 14, "{cuts}");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let vector = vector();
    let text = str_of(&vector, "detail_csv_utf8");
    let head = text.lines().find(|line| line.starts_with("支付宝交易号")).unwrap();
    for (name, bent, says) in [
        ("another account", text.replacen("[2088", "[2089", 1), "line 2: the bill is of account 20890000000000010156"),
        ("a second header", text.replacen("2024010122001400001000000002", &format!("{head}\n2024010122001400001000000002"), 1), "line 7: "),
        ("a column twice", text.replacen("操作员", "终端号", 1), "line 5: the bill has the column 终端号 twice"),
        ("a cell less", text.replacen(",0.18,0.00,", ",0.18", 1), "line 8: a bill row has fewer values than columns"),
        ("a zero byte", text.replacen("商品A", "商品\0", 1), "line 6: the bill has a zero byte"),
        ("an exponent", text.replacen("100.00,95.00", "1e3,95.00", 1), "line 6: 订单金额（元） is no amount"),
        ("a negative payment", text.replacen("0.01,0.01", "-0.01,0.01", 1), "line 7: the amount of a 交易 row has the wrong sign"),
        ("an amount with a comma", text.replacen("100.00,95.00", "1,234.56,95.00", 1), "line 6: "),
        ("another count", text.replacen("3笔", "4笔", 1), "line 14: 交易合计 says 4 rows, and there are 3"),
        ("another sum", text.replacen("115.01元", "115.10元", 1), "line 14: 交易合计 says 115.10 yuan, and the rows add up to 115.01"),
        ("another sum of refunds", text.replacen("共-30.00元", "共-3.00元", 1), "line 14: 退款合计 says -3.00 yuan"),
    ] {
        assert_ne!(bent, text, "{name}");
        let why = refused(name, &text_rows(gbk(&bent)));
        assert!(why.starts_with(says), "{name}: {why}");
    }
    // The middle of it in another encoding: its words are no words.
    let lines: Vec<Vec<u8>> =
        text.lines().enumerate().map(|(nth, line)| if nth == 7 { line.as_bytes().to_vec() } else { gbk(line) }).collect();
    assert!(refused("mixed", &text_rows(lines.join(&b'\n'))).starts_with("line 8: "));
    // Whose it is stays unknown where we do not know the merchant's number.
    let unknown: Vec<_> = read_rows(Cursor::new(gbk(text)), Whose { account: None, sub: "APP1".into() }).map(Result::unwrap).collect();
    assert!(unknown.len() == 4 && unknown.iter().all(|row| row.sub.as_deref() == Some("APP1")));
}
