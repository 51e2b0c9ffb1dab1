//! Bills that are no bills: each is refused, and says at which line. The bank has published none, so there is no vector: the one here has
//! every column that a mapping may name.

use super::bills::{HEAD, PAID, account, bill, columns, file, rows, rows_of, zipped};
use super::{MER, NOW, env};
use serde_json::{Value, json};
use sluice_contract::{BillRow, HttpReply, Reading, Statement};

#[track_caller]
fn refused(name: &str, rows: &[Result<BillRow, String>]) -> String {
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1, "{name}: {rows:?}");
    rows.last().unwrap().clone().unwrap_err()
}

#[test]
fn a_file_that_is_cut_off_or_bent_anywhere_is_refused() {
    let cmb = account(json!({}));
    let packed = zipped(&[("b.csv", bill().as_bytes())]);
    let is_refused = |body: Vec<u8>| match file(&cmb, super::bills::FILE).unwrap().read(&HttpReply::new(200, &[], body), &env(NOW)) {
        Reading::Is(Statement::Rows(rows)) => rows.into_iter().any(|row| row.is_err()),
        Reading::Is(Statement::Unknown(_)) => true,
        other => panic!("{other:?}"),
    };
    for sixteenth in 0..16 {
        assert!(is_refused(packed[..packed.len() * sixteenth / 16].to_vec()), "{sixteenth}");
    }
    for at in (40..packed.len() - 100).step_by(20) {
        let mut bent = packed.clone();
        bent[at] ^= 0x55;
        assert!(is_refused(bent), "{at}");
    }
    assert!(!is_refused(packed.clone()));
    assert_eq!(rows(&cmb, &HttpReply::new(200, &[], packed)).len(), 3);
}

#[test]
fn a_text_that_is_cut_off_anywhere_is_refused_or_whole() {
    let cmb = account(json!({}));
    let text = bill();
    let whole = rows_of(&cmb, text.as_bytes());
    for sixteenth in 0..16 {
        let rows = rows_of(&cmb, &text.as_bytes()[..text.len() * sixteenth / 16]);
        assert!(rows == whole || refused("cut", &rows).starts_with("line "), "{sixteenth}: {rows:?}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let cmb = account(json!({}));
    let text = bill();
    for (name, bent, says) in [
        ("a second header", text.replace("\r\n\r\n", &format!("\r\n{HEAD}\r\n")), "line 5: "),
        ("a column twice", text.replace(",备注", ",状态"), "line 3: the bill has the column 状态 twice"),
        ("a cell more", text.replace(PAID, &format!("{PAID},more")), "line 4: a bill row has 10 values for 9 columns"),
        ("a cell less", text.replace(",S,20261122093000", ",20261122093000"), "line 4: a bill row has 8 values for 9 columns"),
        ("a zero byte", text.replace("苹果", "苹\0"), "line 4: the bill has a zero byte"),
        ("an exponent", text.replace("1280", "1e3"), "line 4: no amount: 1e3"),
        ("a negative amount", text.replace("1280", "-1"), "line 4: "),
        ("yuan where fen are", text.replace("1280", "12.80"), "line 4: no amount: 12.80"),
        ("an amount with a comma", text.replace("1280", "\"1,234.56\""), "line 4: no amount: 1,234.56"),
        ("no time", text.replace("20261122093000", "noon"), "line 4: no time: noon"),
        ("no summary", text.split("合计").next().unwrap().to_owned(), "line 8: the bill ends without its summary"),
    ] {
        assert_ne!(bent, text, "{name}");
        let why = refused(name, &rows_of(&cmb, bent.as_bytes()));
        assert!(why.starts_with(says), "{name}: {why}");
    }
    // The middle of it in another encoding.
    let (before, after) = text.split_at(text.find("退款,A1").unwrap());
    let mixed = [before.as_bytes(), b"\xcd\xcb\xbf\xee", after.trim_start_matches("退款").as_bytes()].concat();
    assert_eq!(refused("mixed", &rows_of(&cmb, &mixed)), "line 6: the bill is neither all in UTF-8 nor all in GBK");
}

#[test]
fn the_merchant_columns_are_looked_at_where_the_mapping_has_them() {
    let mapping: Value = super::merge(columns(), &json!({"merchant": "商户号", "sub_merchant": "子商户号"}));
    let cmb = account(json!({"statement_columns": mapping}));
    let bill = |mer: &str, sub: &str| format!("{HEAD},商户号,子商户号\n{PAID},{mer},{sub}\n合计,1");
    let subs: Vec<_> = rows_of(&cmb, bill(MER, "S1").as_bytes()).into_iter().map(|row| row.unwrap().sub).collect();
    assert_eq!(subs, [Some("S1".to_owned())]);
    assert_eq!(rows_of(&cmb, bill(MER, "").as_bytes()).remove(0).unwrap().sub, Some(String::new()));
    let why = refused("other", &rows_of(&cmb, bill("308999199999999", "").as_bytes()));
    assert!(why.starts_with("line 2: the row is of merchant 308999199999999 and not of"), "{why}");
    let without = refused("no such column", &rows_of(&cmb, format!("{HEAD}\n{PAID}\n合计,1").as_bytes()));
    assert!(without.contains("has no column 商户号"), "{without}");
}
