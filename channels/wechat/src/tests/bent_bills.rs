//! Bills that are no bills: each is refused, and says at which line.

use super::bills::{file, text_rows};
use super::{NOW, direct, env, str_of, vectors};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_contract::{BillRow, HttpReply, Reading, Statement};

fn vector() -> Value {
    vectors!("bill").into_iter().find(|vector| vector["id"] == "all-lf").unwrap()
}

/// Why it is refused: the last thing that is told.
#[track_caller]
fn refused(name: &str, rows: &[Result<BillRow, String>]) -> String {
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "{name}: {rows:?}");
    rows.last().unwrap().clone().unwrap_err()
}

#[test]
fn every_row_of_every_bill_of_the_vectors_is_read() {
    let mut read = Vec::new();
    for vector in vectors!("bill").into_iter().filter(|vector| vector["kind"] == "tradebill" && vector["expect"].is_object()) {
        let rows = text_rows(str_of(&vector, "text").as_bytes());
        assert!(rows.iter().all(Result::is_ok), "{rows:?}");
        assert_eq!(serde_json::json!(rows.len()), vector["expect"]["data_rows"]);
        read.push(rows.len());
    }
    assert_eq!(read, [3, 3]);
}

#[test]
fn a_file_that_is_cut_off_anywhere_or_is_another_is_refused() {
    let vector = vector();
    let packed = STANDARD.decode(str_of(&vector, "gzip_base64")).unwrap();
    let exchange = file(str_of(&vector, "sha1_hex"));
    let is_refused =
        |body: Vec<u8>| matches!(exchange.read(&HttpReply::new(200, &[], body), &env(NOW)), Reading::Is(Statement::Unknown(_)));
    for sixteenth in 0..16 {
        assert!(is_refused(packed[..packed.len() * sixteenth / 16].to_vec()), "{sixteenth}");
        let text = str_of(&vector, "text").as_bytes();
        assert!(is_refused(text[..text.len() * sixteenth / 16].to_vec()), "{sixteenth} unpacked");
    }
    let mut bent = packed.clone();
    bent[packed.len() / 2] ^= 1;
    assert!(is_refused(bent));
    assert!(is_refused(str_of(&vector, "text").replace("QQ", "QP").into_bytes()), "another text");
    assert!(!is_refused(packed));
}

#[test]
fn a_text_that_is_cut_off_anywhere_is_refused_too() {
    let vector = vector();
    let text = str_of(&vector, "text").as_bytes();
    for sixteenth in 0..16 {
        let rows = text_rows(&text[..text.len() * sixteenth / 16]);
        assert!(refused("cut", &rows).starts_with("line "), "{sixteenth}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let vector = vector();
    let text = str_of(&vector, "text");
    let head = text.lines().next().unwrap();
    for (name, bent, says) in [
        ("another merchant", text.replacen("`1900000100", "`1900000999", 1), "line 2: the row is of merchant 1900000999"),
        (
            "another merchant's last row",
            {
                let at = text.rfind("`1900000100").unwrap();
                format!("{}`1900000999{}", &text[..at], &text[at + 11..])
            },
            "line 4: the row is of merchant",
        ),
        (
            "a second header",
            text.replacen("`2025-05-31 11", &format!("{head}\n`2025-05-31 11"), 1),
            "line 3: the bill has a line that is neither",
        ),
        ("a column twice", text.replacen("设备号", "商户号", 1), "line 1: the bill has the column 商户号 twice"),
        ("a cell more", text.replacen(",`CNY", ",`CNY,`CNY", 1), "line 2: a bill row has 28 values for 27 columns"),
        ("a cell less", text.replacen(",`CNY", "", 1), "line 2: a bill row has 26 values for 27 columns"),
        ("a zero byte", text.replacen("QQ", "Q\0", 1), "line 2: the bill has a zero byte"),
        ("an exponent", text.replacen("`1.00,`0.00,`\n", "`1e3,`0.00,`\n", 1), "line 2: 订单金额 is no amount"),
        ("a negative amount", text.replacen("`1.00,`0.00,`\n", "`-0.01,`0.00,`\n", 1), "line 2: the amount of a row is negative"),
        ("an amount with a comma", text.replacen("`1.00,`0.00,`\n", "`1,234.56,`0.00,`\n", 1), "line 2: 订单金额 is no amount"),
        ("no time", text.replacen("2025-05-31 10:34:56", "31/05/2025", 1), "line 2: 交易时间 is no time"),
        ("no number", text.replacen("`SLUICE20250531000001", "`", 1), "line 2: a bill row names no order of ours"),
        ("another count", text.replacen("\n`3,", "\n`4,", 1), "line 6: the bill says it has 4 rows, and it has 3"),
        ("another sum", text.replacen("`0.01000,`1.00,`2.50\n", "`0.01000,`1.01,`2.50\n", 1), "line 6: 订单总金额 says 1.01"),
        ("another sum of refunds", text.replacen("`1.00,`2.50\n", "`1.00,`2.05\n", 1), "line 6: 申请退款总金额 says 2.05"),
        (
            "a row less",
            text.lines().enumerate().filter(|(nth, _)| *nth != 2).map(|(_, line)| format!("{line}\n")).collect(),
            "line 5: the bill says it has 3 rows",
        ),
    ] {
        assert_ne!(bent, text, "{name}");
        let why = refused(name, &text_rows(bent.as_bytes()));
        assert!(why.starts_with(says), "{name}: {why}");
    }
    // The middle of it in another encoding.
    let (before, after) = text.split_at(text.find("QQ").unwrap());
    let mixed = [before.as_bytes(), b"\xce\xd2", after.as_bytes()].concat();
    assert_eq!(refused("mixed", &text_rows(&mixed)), "line 2: the bill is not UTF-8");
    assert!(direct().account.signer.mchid == "1900000100");
}
