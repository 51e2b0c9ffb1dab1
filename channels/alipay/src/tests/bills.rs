//! Bills: the link, the host, the zip, its rows and its sums.

use super::{
    NOW, direct, env, error, error_of, good, next_exchange, opened, provider, read, reading, request_of, sealed, sent_by, str_of, unsealed,
    vectors, with,
};
use crate::Alipay;
use crate::bill::{Whose, is_detail, rows as read_rows};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::GBK;
use serde_json::{Value, json};
use sluice_contract::{
    BillKind, BillRow, Body, Channel, Day, Exchange, Fen, HttpReply, Into as Keep, Notes, Reading, Statement, Step, Verb, WhyKind,
};
use std::io::{Cursor, Write};
use std::sync::Arc;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const API: &str = "alipay.data.dataservice.bill.downloadurl.query";
const FILE: &str = "http://dwbillcenter.alipay.com/downloadBillFile.resource?bizType=trade&token=x";

pub fn vector() -> Value {
    super::cases(&vectors!("bill")).remove(0)
}

fn step_of(alipay: &Alipay, day: &str, sub: Option<&Notes>) -> Step<Statement> {
    alipay.statement(Day::parse(day).unwrap(), sub, &env(NOW))
}

fn step() -> Step<Statement> {
    step_of(&direct(), "2026-11-22", None)
}

fn file() -> Exchange<Statement> {
    next_exchange(&step(), &sealed(API, &good(json!({"bill_download_url": FILE}))))
}

pub fn rows(reply: &HttpReply) -> Result<Vec<Result<BillRow, String>>, WhyKind> {
    match file().read(reply, &env(NOW)) {
        Reading::Is(Statement::Rows(rows)) => Ok(rows.collect()),
        Reading::Is(Statement::Unknown(why)) => Err(why.kind),
        other => panic!("{other:?}"),
    }
}

fn zipped(files: &[(&str, &[u8])]) -> HttpReply {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    HttpReply::new(200, &[], writer.finish().unwrap().into_inner())
}

pub fn gbk(text: &str) -> Vec<u8> {
    GBK.encode(text).0.into_owned()
}

fn read_text(bytes: Vec<u8>) -> Result<Vec<BillRow>, String> {
    read_rows(Cursor::new(bytes), Whose::default()).collect()
}

#[test]
fn the_vectors_bill_is_read_row_by_row() {
    let vector = vector();
    let packed = STANDARD.decode(str_of(&vector, "zip_b64")).unwrap();
    let path = std::env::temp_dir().join(format!("sluice-alipay-{}-bill", std::process::id()));
    std::fs::write(&path, &packed).unwrap();
    let in_file = HttpReply { body: Body::File(path.clone()), ..HttpReply::new(200, &[], "") };
    let from_file = rows(&in_file).unwrap();
    std::fs::remove_file(path).unwrap();
    let found: Vec<BillRow> = rows(&HttpReply::new(200, &[], packed)).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(from_file.into_iter().map(Result::unwrap).collect::<Vec<_>>(), found);
    let wanted = vector["expect_rows"].as_array().unwrap();
    assert_eq!(found.len(), wanted.len());
    let fen = |row: &Value, name: &str| Fen::from_yuan(str_of(row, name)).unwrap().0;
    for (row, wanted) in found.iter().zip(wanted) {
        let is_refund = wanted["type"] == "退款";
        assert_eq!(row.kind, if is_refund { BillKind::Refund } else { BillKind::Payment });
        assert_eq!(row.amount.0, fen(wanted, "order_amount").abs());
        assert_eq!(row.fee.unwrap().0, -fen(wanted, "service_fee"), "what the merchant pays is positive");
        assert_eq!((row.number.as_str(), row.channel_trade_no.as_deref()), (str_of(wanted, "out_trade_no"), wanted["trade_no"].as_str()));
        assert_eq!(row.refund_number.as_deref(), wanted["refund_request_no"].as_str().filter(|no| !no.is_empty()));
    }
    assert_eq!(found[0].at.unwrap().plain(), "2024-01-01 10:00:05");
    let expect = &vector["expect"];
    let signed = |row: &BillRow| if row.kind == BillKind::Refund { -row.amount.0 } else { row.amount.0 };
    assert_eq!(found.iter().map(signed).sum::<i64>(), expect["order_amount_cents"].as_i64().unwrap());
    assert_eq!(-found.iter().map(|row| row.fee.unwrap().0).sum::<i64>(), expect["service_fee_cents"].as_i64().unwrap());
}

#[test]
fn a_bill_in_utf8_with_a_mark_and_with_other_line_ends_is_the_same_bill() {
    let vector = vector();
    let text = str_of(&vector, "detail_csv_utf8");
    let plain = read_text(gbk(text)).unwrap();
    assert_eq!(plain.len(), 4);
    assert_eq!(read_text(gbk(&text.replace('\n', "\r\n"))).unwrap(), plain);
    assert_eq!(read_text(format!("\u{feff}{text}").into_bytes()).unwrap(), plain);
    assert!(read_text(text.as_bytes().to_vec()).is_err(), "UTF-8 without a mark is not GBK");
}

#[test]
fn columns_are_found_by_name_and_commas_belong_to_the_product() {
    let vector = vector();
    let text = str_of(&vector, "detail_csv_utf8");
    let plain = read_text(gbk(text)).unwrap();
    let comma = text.replace(",商品A,", ",商品A, 大, 红,");
    assert_eq!(read_text(gbk(&comma)).unwrap(), plain);
    let moved: String =
        text.lines().map(|line| if line.starts_with('#') { format!("{line}\n") } else { format!("交易方式,{line}\n") }).collect();
    assert_eq!(read_text(gbk(&moved)).unwrap(), plain);
}

#[test]
fn a_bill_that_does_not_add_up_ends_in_an_error() {
    let vector = vector();
    let text = str_of(&vector, "detail_csv_utf8");
    let lines: Vec<&str> = text.lines().collect();
    let without = |at: usize| lines.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, line)| format!("{line}\n")).collect::<String>();
    for (name, bent) in [
        ("a missing row", without(5)),
        ("a missing refund", without(7)),
        ("no columns", without(4)),
        ("no sums", text.split("#交易合计").next().unwrap().to_owned()),
        ("no refund sums", text.replace("#退款合计", "#另")),
        ("a wrong count", text.replace("3笔", "4笔")),
        ("a new kind", text.replacen("退款\t", "撤销\t", 1)),
        ("no amount", text.replace("100.00,95.00", "一百,95.00")),
        ("a refund that pays", text.replace("-30.00,-30.00", "30.00,-30.00")),
        ("a payment that takes", text.replace("20.00,20.00", "-20.00,20.00")),
        ("a short row", text.replace(",0.18,0.00,", ",0.18")),
        ("a nameless column", text.replace("订单金额（元）", "金额")),
        ("no number", text.replace("SL0002", "")),
        ("empty", String::new()),
    ] {
        let found = read_text(gbk(&bent));
        assert!(found.is_err(), "{name}: {found:?}");
    }
    assert!(read_text([gbk(text), vec![b'x'; 70_000]].concat()).is_err());
    assert!(read_text(gbk(text).into_iter().chain([0xff, b'\n']).collect()).is_err());
    assert_eq!(read_rows(Cursor::new(b"nonsense\nmore\n"), Whose::default()).count(), 1, "one error, then the end");
}

#[test]
fn an_empty_bill_has_no_rows_and_no_errors() {
    let text = "#支付宝业务明细查询\n业务类型,商户订单号\n#交易合计：0笔，商家实收共0.00元\n#退款合计：0笔，x\n";
    assert_eq!(read_text(gbk(text)), Ok(vec![]));
}

#[test]
fn archives_are_bounded_and_have_one_detail() {
    let detail = gbk("业务类型\n#交易合计：0笔\n#退款合计：0笔\n");
    assert!(is_detail(&gbk("20880000000000010156_20240101_业务明细.csv")) && is_detail("x_业务明细.csv".as_bytes()));
    assert!(!is_detail(&gbk("x_业务明细(汇总).csv")) && !is_detail(b"x.csv"));
    assert_eq!(rows(&zipped(&[("a_业务明细.csv", &detail), ("a_业务明细(汇总).csv", b"x")])).unwrap().len(), 0);
    for reply in [
        zipped(&[("a_业务明细(汇总).csv", &detail)]),
        zipped(&[("a_业务明细.csv", &detail), ("b_业务明细.csv", &detail)]),
        zipped(&[("a.csv", &detail)]),
        HttpReply::new(200, &[], "no zip"),
        HttpReply::new(404, &[], detail.clone()),
        HttpReply { body: Body::File(std::env::temp_dir().join("sluice-alipay-no-such-bill")), ..HttpReply::new(200, &[], "") },
    ] {
        assert_eq!(rows(&reply).unwrap_err(), WhyKind::Unreadable);
    }
    let names: Vec<String> = (0..20).map(|n| format!("{n}.csv")).collect();
    let crowd: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_eq!(rows(&zipped(&crowd)).unwrap_err(), WhyKind::Unreadable);
}

#[test]
fn the_link_is_asked_for_by_day_and_merchant_and_fetched_bare() {
    let step = step();
    let sent = sent_by(&step);
    assert_eq!((sent["method"].as_str(), sent["biz_content"].as_str()), (API, r#"{"bill_date":"2026-11-22","bill_type":"trade"}"#));
    let of_merchant = step_of(&provider(), "2026-11-22", Some(&super::sub()));
    assert_eq!(sent_by(&of_merchant)["app_auth_token"], "TOKEN-1");
    assert!(!sent_by(&step_of(&provider(), "2026-11-22", None)).contains_key("app_auth_token"));
    let file = file();
    assert_eq!((file.request.verb, file.request.url.as_str(), file.request.body.len()), (Verb::Get, FILE, 0));
    assert!(matches!(file.request.into, Keep::File { .. }));
    assert!(request_of(&step).url.starts_with("https://openapi.alipay.com/gateway.do?"));
}

#[test]
fn a_link_to_another_host_is_not_followed() {
    let link = |alipay: &Alipay, url: &str| {
        let step = step_of(alipay, "2026-11-22", None);
        matches!(reading(&step, &sealed(API, &good(json!({"bill_download_url": url})))), Reading::Then(_))
    };
    for url in [
        "http://evil.example/x",
        "http://dwbillcenter.alipay.com.evil.example/",
        "http://dwbillcenter.alipay.com@evil.example/",
        "http://dwbillcenter.alipay.com:81/",
        "ftp://dwbillcenter.alipay.com/",
        "//dwbillcenter.alipay.com/",
        "",
        "file:///x",
        "http://dwbillcenter.alipay.com\\@evil.example/",
        "http://dwbillcenter.alipay.com/a b",
        "https://openapi.alipay.com/bill",
    ] {
        assert!(!link(&direct(), url), "{url}");
    }
    assert!(link(&direct(), "https://DWBILLCENTER.alipay.com/x"));
    let more = super::alipay(json!({"bill_hosts": ["bills.example:8443"]}));
    assert!(link(&more, "https://bills.example:8443/x") && !link(&more, "https://bills.example/x"));
    let sandbox = Alipay { account: Arc::new(opened(&with(json!({})), true).unwrap_or_else(|p| panic!("{p:?}"))) };
    assert!(link(&sandbox, "https://openapi.alipay.com/bill"));
}

#[test]
fn a_day_without_a_bill_is_empty_or_not_ready() {
    let told = |day: &str, node: &str| read(&step_of(&direct(), day, None), &sealed(API, node));
    for sub in ["isp.bill_not_exist", "BILL_NOT_EXIST", "NO_BILL_DATA", "isv.bill-not-exist"] {
        assert!(matches!(told("2026-11-22", &error(sub)), Statement::NotYet), "{sub}");
        assert!(matches!(told("2026-11-20", &error(sub)), Statement::Empty), "{sub}");
    }
    assert!(matches!(told("2026-11-20", &error_of("20000", "isp.bill_not_exist")), Statement::Empty), "bills have their own numbers");
    assert!(matches!(told("2026-11-23", &error("isv.invalid_arguments")), Statement::NotYet), "today");
    assert!(matches!(told("2026-11-20", &error("INVAILID_ARGUMENTS")), Statement::Unknown(_)));
    assert!(matches!(told("2026-11-20", &error("BILL_DATE_BEFORE_REGISTRATION")), Statement::Empty));
    assert!(matches!(told("2026-11-20", &error("UNKNOWN_ERROR")), Statement::NotYet));
    assert!(matches!(told("2026-11-20", &error("NEW")), Statement::Unknown(_)));
    assert!(matches!(told("2026-11-20", &good(json!({"bill_file_code": "EMPTY_DATA_WITH_BILL_FILE"}))), Statement::Empty));
    let unsigned = read(&step(), &unsealed(API, &error("NO_BILL_DATA")));
    assert!(matches!(unsigned, Statement::Unknown(why) if why.kind == WhyKind::BadSignature));
}
