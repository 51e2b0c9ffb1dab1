//! Statements that are no statements: each is refused, and says at which line.

use super::bills::{MEMBER, answer, asked, content, day, line, payment, rows, whose};
use super::{MER_ID, list, str_of, vectors};
use crate::bill;
use serde_json::json;
use sluice_contract::{BillRow, Body, Fen, HttpReply, Statement};
use std::io::Cursor;

fn text_rows(text: Vec<u8>) -> Vec<Result<BillRow, String>> {
    bill::rows(Cursor::new(text), whose(day())).collect()
}

fn with(columns: &[(usize, &'static str)]) -> Vec<u8> {
    let mut all = payment();
    all.retain(|(number, _)| columns.iter().all(|(other, _)| number != other));
    all.extend(columns);
    line(&all)
}

#[test]
fn every_row_of_every_statement_of_the_vectors_is_read() {
    let file = vectors!("file_download");
    let mut read = 0;
    for vector in list(&file, "vectors") {
        let found = rows(asked(day(), &HttpReply::new(200, &[], str_of(&vector["response"], "body"))));
        assert!(found.iter().all(Result::is_ok), "{found:?}");
        assert_eq!(found.len(), vector["zm_records"].as_array().unwrap().len());
        read += found.len();
    }
    assert_eq!(read, 4);
}

#[test]
fn an_answer_that_is_cut_off_or_bent_anywhere_is_refused_from_memory_and_from_a_file() {
    let file = vectors!("file_download");
    let whole = str_of(&list(&file, "vectors")[0]["response"], "body").as_bytes().to_vec();
    let path = std::env::temp_dir().join(format!("sluice-unionpay-bent-{}", std::process::id()));
    let both = |body: &[u8]| {
        std::fs::write(&path, body).unwrap();
        let in_file = HttpReply { body: Body::File(path.clone()), ..HttpReply::new(200, &[], "") };
        [HttpReply::new(200, &[], body.to_vec()), in_file].map(|reply| match asked(day(), &reply) {
            Statement::Rows(rows) => rows.filter(|row| row.is_ok()).count(),
            Statement::Unknown(_) => 0,
            other => panic!("{other:?}"),
        })
    };
    for sixteenth in 0..16 {
        assert_eq!(both(&whole[..whole.len() * sixteenth / 16]), [0, 0], "{sixteenth}");
    }
    for at in (0..whole.len()).step_by(whole.len() / 60) {
        let mut bent = whole.clone();
        bent[at] ^= 1;
        assert_eq!(both(&bent), [0, 0], "{at}");
    }
    assert_eq!(both(&whole), [4, 4]);
    std::fs::remove_file(&path).unwrap();
    assert!(!path.with_extension("unpacked").exists(), "what was unpacked is left behind");
}

#[test]
fn a_content_that_is_named_twice_or_is_none_is_refused() {
    let genuine = String::from_utf8(answer(json!({"fileContent": content(&[(MEMBER, line(&payment()))])})).bytes().to_vec()).unwrap();
    for bent in [
        format!("{genuine}&fileContent=eJw"),
        format!("fileContent=eJw&{genuine}"),
        genuine.replace("fileContent=", "fileContent"),
        genuine.replace("&fileContent=", "&other={&fileContent="),
    ] {
        assert!(matches!(asked(day(), &HttpReply::new(200, &[], bent.clone())), Statement::Unknown(_)), "{bent}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let good = line(&payment());
    let cut = good[..good.len() - 60].to_vec();
    let mut zero = good.clone();
    zero[300] = 0;
    for (name, bent, says) in [
        ("another merchant", with(&[(28, "777290058110097")]), "the row is of merchant 777290058110097 and not of 777290058110048"),
        ("no merchant", with(&[(28, "")]), "the row is of merchant"),
        ("cut off", [cut, b"\n".to_vec()].concat(), "a statement row has"),
        ("a zero byte", zero, "the bill has a zero byte"),
        ("an exponent", with(&[(7, "1e3")]), "txnAmt of a statement row is no amount"),
        ("a negative amount", with(&[(7, "-00000000001")]), "txnAmt of a statement row is no amount"),
        ("an amount with a comma", with(&[(7, "0001,234.56")]), "txnAmt of a statement row is no amount"),
        ("a fee without a sign", with(&[(16, "0000000000010")]), "column 16 of a statement row is no signed amount"),
        ("no time", with(&[(5, "0231101500")]), "traceTime of a statement row is no time"),
        ("a discount that is no amount", with(&[(36, "C00000001e30")]), "column 36 of a statement row is no signed amount"),
        ("a discount of more than it all", with(&[(36, "D000000002600")]), "the discount or the payer's part"),
        ("a payer's part of more than it all", with(&[(37, "C000000002600")]), "the discount or the payer's part"),
        ("another encoding", with(&[(20, "银")]), "the statement has a row of an unlisted kind"),
    ] {
        let rows = text_rows([good.clone(), bent, good.clone()].concat());
        assert!(matches!(&rows[..], [Ok(_), Err(why)] if why.starts_with(&format!("line 2: {says}"))), "{name}: {rows:?}");
    }
}

/// Columns 30, 36 and 37.
#[test]
fn a_row_tells_the_sub_merchant_and_what_the_merchant_gave_itself() {
    let told = |columns: &[(usize, &'static str)]| {
        let row = text_rows(with(columns)).remove(0).unwrap();
        (row.sub, row.own_discount)
    };
    assert_eq!(told(&[]), (Some(String::new()), None));
    assert_eq!(told(&[(30, "988460101800204")]), (Some("988460101800204".into()), None));
    assert_eq!(told(&[(36, "D000000000599"), (37, "C000000002000")]), (Some(String::new()), Some(Fen(599))));
    assert_eq!(told(&[(36, "C000000000599"), (37, "C000000002000")]), (Some(String::new()), Some(Fen(0))), "what others gave");
    assert!(MER_ID.len() == 15);
}
