//! Statements: signed, unpacked within bounds, sliced by bytes.

use super::{BASE, MER_ID, NOW, changed, direct, env, list, notes, read_at, reply, request_of, sandbox, sent, str_of, vectors};
use crate::bill::{self, WIDTHS, Whose};
use crate::statement::unpacked;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::GBK;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};
use sluice_contract::{BillKind, BillRow, Body, Channel, Day, Fen, HttpReply, Into as Keep, Second, Statement, WhyKind};
use std::io::{Cursor, Read, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub fn day() -> Day {
    Day::parse("2026-01-03").unwrap()
}

pub fn whose(day: Day) -> Whose {
    Whose { day, mer_id: MER_ID.to_owned() }
}

pub fn asked(day: Day, reply: &HttpReply) -> Statement {
    read_at(&direct().statement(day, None, &env(NOW)), reply, NOW)
}

pub fn rows(statement: Statement) -> Vec<Result<BillRow, String>> {
    match statement {
        Statement::Rows(rows) => rows.collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_request_goes_to_the_file_host() {
    let step = direct().statement(day(), None, &env(NOW));
    let request = request_of(&step);
    assert_eq!(request.url, "https://filedownload.95516.com/");
    assert!(matches!(request.into, Keep::File { max_bytes } if max_bytes > 1 << 28));
    let fields = sent(request);
    let expected =
        json!({"txnType": "76", "txnSubType": "01", "bizType": "000000", "settleDate": "0103", "fileType": "00", "merId": MER_ID});
    for (name, value) in notes(&expected) {
        assert_eq!(fields[&name], value, "{name}");
    }
    assert!(!fields.contains_key("channelType"));
    let file = vectors!("sign_request");
    let vector = list(&file, "vectors").iter().find(|v| v["id"] == "own-a-file-download").unwrap();
    assert_eq!(fields.keys().filter(|n| *n != "signature").collect::<Vec<_>>(), notes(&vector["signed_fields"]).keys().collect::<Vec<_>>());
    assert_eq!(request_of(&sandbox(json!({}), true).statement(day(), None, &env(NOW))).url, format!("{BASE}/"));
}

#[test]
fn the_published_statement_is_read_row_by_row() {
    let file = vectors!("file_download");
    let vector = &list(&file, "vectors")[0];
    let read = rows(asked(day(), &HttpReply::new(200, &[], str_of(&vector["response"], "body"))));
    let records = vector["zm_records"].as_array().unwrap();
    assert_eq!(read.len(), records.len());
    for (row, record) in read.into_iter().zip(records) {
        let row = row.unwrap();
        let is_payment = record["20"] == "01";
        let (number, refund) = if is_payment { ("12", None) } else { ("41", record["12"].as_str()) };
        assert_eq!((row.number.as_str(), row.refund_number.as_deref()), (str_of(record, number), refund));
        assert_eq!(row.kind, if is_payment { BillKind::Payment } else { BillKind::Refund });
        assert_eq!(row.amount.0, str_of(record, "7").parse::<i64>().unwrap());
        assert_eq!(row.channel_trade_no.as_deref(), record["10"].as_str());
        let fee: i64 = str_of(record, "16").get(1..).unwrap().parse().unwrap();
        assert_eq!(row.fee, Some(Fen(if str_of(record, "16").starts_with('D') { fee } else { -fee })));
        assert_eq!(row.at, Second::from_rfc3339("2026-01-03T10:15:00+08:00"));
        assert_eq!(row.state, str_of(record, "20"));
    }
    let none = HttpReply::new(200, &[], str_of(&file["no_file"], "body"));
    assert!(matches!(asked(Day::parse("2026-01-04").unwrap(), &none), Statement::NotYet));
    assert!(matches!(asked(day(), &none), Statement::Unknown(why) if why.kind == WhyKind::Contradiction), "another day's answer");
}

#[test]
fn the_widths_are_those_of_the_vectors() {
    let file = vectors!("file_download");
    let theirs: Vec<usize> = file["zm_widths"].as_array().unwrap().iter().map(|w| usize::try_from(w.as_u64().unwrap()).unwrap()).collect();
    assert_eq!(WIDTHS.as_slice(), &theirs[..41]);
    for vector in list(&file, "small") {
        let kept = unpacked(str_of(vector, "fileContent").as_bytes(), &Body::Bytes(Vec::new())).unwrap();
        let mut plain = String::new();
        kept.whole().read_to_string(&mut plain).unwrap();
        assert_eq!(plain, str_of(vector, "plain"));
    }
}

fn deflated(bytes: &[u8]) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

pub fn content(members: &[(&str, Vec<u8>)]) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    deflated(&writer.finish().unwrap().into_inner())
}

pub fn answer(changes: Value) -> HttpReply {
    let fields = json!({
        "txnType": "76", "txnSubType": "01", "bizType": "000000", "merId": MER_ID, "txnTime": NOW.compact(), "settleDate": "0103",
        "fileType": "00", "respCode": "00", "respMsg": "成功[0000000]", "fileName": "777290058110048_20260103.zip",
    });
    reply(changed(notes(&fields), &changes))
}

/// A row in GBK with some columns set.
pub fn line(columns: &[(usize, &str)]) -> Vec<u8> {
    let mut line = Vec::new();
    for (index, width) in WIDTHS.iter().enumerate() {
        let text = columns.iter().find(|(number, _)| *number == index + 1).map_or("", |(_, text)| text);
        let mut bytes = GBK.encode(text).0.into_owned();
        bytes.resize(*width, b' ');
        line.extend_from_slice(&bytes);
        line.push(b' ');
    }
    line.extend_from_slice(b"reserved\r\n");
    line
}

pub fn payment() -> Vec<(usize, &'static str)> {
    vec![
        (5, "0103101500"),
        (7, "000000002599"),
        (10, "260103101500000002001"),
        (12, "SL20260103000124"),
        (16, "D000000000010"),
        (20, "01"),
        (31, "测试二级商户"),
        (28, MER_ID),
    ]
}

pub const MEMBER: &str = "INN26010388ZM_777290058110048";

#[test]
fn chinese_columns_do_not_make_later_ones_slip() {
    let mut refund = payment();
    refund[5] = (20, "04");
    refund.extend([(41, "SL20260103000100"), (35, "备注：中文")]);
    let text = [line(&payment()), line(&refund)].concat();
    let read = rows(asked(day(), &answer(json!({"fileContent": content(&[(MEMBER, text)])}))));
    assert_eq!(read.len(), 2);
    let refund = read[1].as_ref().unwrap();
    assert_eq!((refund.number.as_str(), refund.refund_number.as_deref()), ("SL20260103000100", Some("SL20260103000124")));
}

#[test]
fn errors_and_strangers_beside_the_day_are_not_its_rows() {
    let disputes = ("INN26010388ZME_777290058110048", b"E74 what".to_vec());
    let other = ("INN26010488ZM_777290058110048", b"nonsense".to_vec());
    let members = [disputes.clone(), other, ("PED_x", Vec::new()), (MEMBER, line(&payment()))];
    assert_eq!(rows(asked(day(), &answer(json!({"fileContent": content(&members)})))).len(), 1);
    assert_eq!(rows(asked(day(), &answer(json!({"fileContent": content(&[(MEMBER, Vec::new())])})))).len(), 0);
    let without = asked(day(), &answer(json!({"fileContent": content(&[disputes])})));
    assert!(matches!(without, Statement::Unknown(_)), "{without:?}");
}

#[test]
fn bombs_noise_and_lies_are_refused() {
    for changes in [
        json!({"fileContent": deflated(&vec![b'0'; (384 << 20) + 1])}),
        json!({"fileContent": "not base64!"}),
        json!({"fileContent": STANDARD.encode("no zlib")}),
        json!({"fileContent": deflated(b"no zip")}),
        json!({"fileContent": null}),
        json!({"fileContent": content(&[(MEMBER, line(&payment()))]), "fileName": "777290058110048_20250103.zip"}),
        json!({"fileContent": content(&[(MEMBER, line(&payment()))]), "settleDate": "0104"}),
        json!({"fileContent": content(&[(MEMBER, line(&payment()))]), "merId": "777290058110097"}),
        json!({"fileContent": content(&[(MEMBER, line(&payment()))]), "txnType": "00"}),
        json!({"respCode": "11"}),
        json!({"respCode": "ZZ"}),
        json!({"respCode": "A6", "fileContent": content(&[(MEMBER, line(&payment()))])}),
    ] {
        let statement = asked(day(), &answer(changes));
        assert!(matches!(statement, Statement::Unknown(_)), "{statement:?}");
    }
    let genuine = String::from_utf8(answer(json!({"fileContent": content(&[(MEMBER, line(&payment()))])})).bytes().to_vec()).unwrap();
    for bent in [genuine.replace("0103.zip", "0103.zap"), genuine.replace("respCode=00", "respCode=98")] {
        assert!(matches!(asked(day(), &HttpReply::new(200, &[], bent)), Statement::Unknown(why) if why.kind == WhyKind::BadSignature));
    }
}

#[test]
fn a_broken_row_ends_the_statement_with_one_error() {
    let bent = |number: usize, text: &'static str| {
        let mut columns = payment();
        columns.retain(|(n, _)| *n != number);
        columns.push((number, text));
        line(&columns)
    };
    let mut invalid = line(&payment());
    invalid[155] = 0xff;
    for broken in [
        bent(20, "02"),
        bent(20, ""),
        bent(7, "12.00"),
        bent(7, "-00000000001"),
        bent(16, "X000000000001"),
        bent(12, ""),
        bent(12, "a b"),
        bent(20, "04"),
        line(&payment())[1..].to_vec(),
        [b"\xef\xbb\xbf".to_vec(), line(&payment())].concat(),
        b"short\r\n".to_vec(),
    ] {
        let text = [line(&payment()), broken, line(&payment())].concat();
        let read: Vec<_> = bill::rows(Cursor::new(text), whose(day())).collect();
        assert_eq!(read.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false], "{read:?}");
    }
}

#[test]
fn a_row_of_new_years_eve_belongs_to_the_old_year() {
    let mut columns = payment();
    columns[0] = (5, "1231235900");
    let read: Vec<_> = bill::rows(Cursor::new(line(&columns)), whose(Day::parse("2027-01-01").unwrap())).collect();
    assert_eq!(read[0].as_ref().unwrap().at, Second::from_rfc3339("2026-12-31T23:59:00+08:00"));
}
