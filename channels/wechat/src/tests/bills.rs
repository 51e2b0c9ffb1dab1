//! Bills: the signed link, the checked file, its rows.

use super::{NOW, direct, env, error, partner, read, reading_at, request_of, sealed, str_of, unsealed, vectors};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_contract::{
    BillFate, BillKind, BillRow, Body, Channel, Day, Exchange, Fen, HttpReply, Into as Keep, Notes, Reading, Statement, Step, WhyKind,
};

const FILE: &str = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=abc&tartype=gzip";

fn step() -> Step<Statement> {
    direct().statement(Day::parse("2025-05-31").unwrap(), None, &env(NOW))
}

fn link(changes: Value) -> HttpReply {
    let mut tree = json!({"hash_type": "SHA1", "hash_value": "77ab13b08df69e32c9e6cd3501c3ed298fe3de3f", "download_url": FILE});
    for (name, value) in changes.as_object().unwrap() {
        tree[name] = value.clone();
    }
    sealed(200, &tree.to_string())
}

pub fn file(hash: &str) -> Exchange<Statement> {
    match reading_at(&step(), &link(json!({"hash_value": hash})), NOW) {
        Reading::Then(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

fn rows(exchange: &Exchange<Statement>, reply: &HttpReply) -> Vec<Result<BillRow, String>> {
    match exchange.read(reply, &env(NOW)) {
        Reading::Is(Statement::Rows(rows)) => rows.collect(),
        other => panic!("{other:?}"),
    }
}

fn doubt(reading: Reading<Statement>) -> WhyKind {
    match reading {
        Reading::Is(Statement::Unknown(why)) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

/// The rows of a text.
pub fn text_rows(text: &[u8]) -> Vec<Result<BillRow, String>> {
    crate::bill::rows(Box::new(std::io::Cursor::new(text.to_vec())), &direct().account).collect()
}

#[test]
fn bill_vectors_packed_plain_and_from_a_file() {
    for vector in vectors!("bill").into_iter().filter(|v| v["kind"] == "tradebill") {
        let id = str_of(&vector, "id");
        let exchange = file(str_of(&vector, "sha1_hex"));
        let plain = unsealed(200, str_of(&vector, "text"));
        if id == "neg-hash" {
            assert_eq!(doubt(exchange.read(&plain, &env(NOW))), WhyKind::BadSignature);
            continue;
        }
        let packed = HttpReply::new(200, &[], STANDARD.decode(str_of(&vector, "gzip_base64")).unwrap());
        let path = std::env::temp_dir().join(format!("sluice-wechat-{}-{id}", std::process::id()));
        std::fs::write(&path, packed.bytes()).unwrap();
        let in_file = HttpReply { body: Body::File(path.clone()), ..unsealed(200, "") };
        let first = rows(&exchange, &plain);
        for reply in [&packed, &in_file] {
            assert_eq!(rows(&exchange, reply), first, "{id}");
        }
        std::fs::remove_file(path).unwrap();
        check(&vector, first);
    }
}

fn check(vector: &Value, rows: Vec<Result<BillRow, String>>) {
    let rows: Vec<BillRow> = rows.into_iter().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let sum = |kinds: &[BillKind]| rows.iter().filter(|row| kinds.contains(&row.kind)).map(|row| row.amount.0).sum::<i64>();
    assert_eq!(json!(sum(&[BillKind::Payment])), vector["expect"]["total_order_amount_fen"]);
    assert_eq!(json!(sum(&[BillKind::Refund, BillKind::Reversal])), vector["expect"]["applied_refund_total_fen"]);
    let [paid, refunded, reversed] = &rows[..] else { panic!("three rows") };
    assert_eq!((paid.kind, paid.amount, paid.fee, paid.state.as_str()), (BillKind::Payment, Fen(100), Some(Fen(1)), "SUCCESS"));
    assert_eq!((paid.number.as_str(), paid.refund_number.as_deref()), ("SLUICE20250531000001", None));
    assert_eq!(paid.at.map(|at| at.plain()).as_deref(), Some("2025-05-31 10:34:56"));
    assert_eq!((refunded.kind, refunded.refund_number.as_deref()), (BillKind::Refund, Some("RSLUICE20250531000001")));
    assert_eq!((reversed.kind, reversed.number.as_str(), reversed.amount), (BillKind::Reversal, "SLUICE20250531000002", Fen(200)));
}

#[test]
fn the_fund_flow_vector_is_no_trade_bill_and_says_so() {
    let vector = vectors!("bill").into_iter().find(|v| v["id"] == "fundflow-basic").unwrap();
    let packed = HttpReply::new(200, &[], STANDARD.decode(str_of(&vector, "gzip_base64")).unwrap());
    let rows = rows(&file(str_of(&vector, "sha1_hex")), &packed);
    assert!(matches!(&rows[..], [Err(note)] if note.contains("交易状态")), "{rows:?}");
}

#[test]
fn the_link_is_signed_and_points_at_our_host() {
    let step = step();
    let url = "https://api.mch.weixin.qq.com/v3/bill/tradebill?bill_date=2025-05-31&bill_type=ALL&tar_type=GZIP";
    assert_eq!(request_of(&step).url, url);
    let exchange = file(&"0".repeat(40));
    assert_eq!(exchange.request.url, FILE);
    assert!(exchange.request.headers.only("Authorization").is_some());
    assert!(matches!(exchange.request.into, Keep::File { .. }));
    for other in [
        "https://evil.example/v3/file",
        "https://api.mch.weixin.qq.com.evil.example/x",
        "http://api.mch.weixin.qq.com/x",
        "https://api.mch.weixin.qq.com@evil.example/",
        "https://api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com/a b",
    ] {
        assert_eq!(doubt(reading_at(&step, &link(json!({"download_url": other})), NOW)), WhyKind::Unreadable, "{other}");
    }
    for hole in [
        json!({"hash_type": "MD5"}),
        json!({"hash_type": null}),
        json!({"hash_value": "zz"}),
        json!({"hash_value": "00"}),
        json!({"download_url": null}),
    ] {
        assert_eq!(doubt(reading_at(&step, &link(hole.clone()), NOW)), WhyKind::Unreadable, "{hole}");
    }
    let sub = Notes::from([("sub_mchid".to_owned(), "1900000109".to_owned())]);
    let step = partner().statement(Day::parse("2025-05-31").unwrap(), Some(&sub), &env(NOW));
    assert!(request_of(&step).url.ends_with("&sub_mchid=1900000109"));
}

#[test]
fn no_bill_yet_and_no_trade_are_different_and_signed() {
    let step = step();
    assert!(matches!(read(&step, &sealed(400, &error("NO_STATEMENT_EXIST"))), Statement::Empty));
    assert!(matches!(read(&step, &sealed(400, &error("STATEMENT_CREATING"))), Statement::NotYet));
    assert!(matches!(read(&step, &sealed(500, &error("SYSTEM_ERROR"))), Statement::NotYet));
    assert_eq!(doubt(reading_at(&step, &unsealed(400, &error("NO_STATEMENT_EXIST")), NOW)), WhyKind::BadSignature);
    assert_eq!(doubt(reading_at(&step, &unsealed(200, "{}"), NOW)), WhyKind::BadSignature);
    assert_eq!(doubt(file(&"0".repeat(40)).read(&unsealed(403, "expired"), &env(NOW))), WhyKind::Unreadable);
}

#[test]
fn a_broken_bill_is_an_error_and_then_the_end() {
    let head = "交易时间,微信订单号,商户订单号,交易状态,订单金额,申请退款金额,退款状态,商户退款单号,手续费\n";
    let good = "`2025-05-31 10:34:56,`4200,`A1,`SUCCESS,`1.00,`0.00,`,`0,`0.01000\n";
    let parse = |text: &str| text_rows(text.as_bytes());
    // As lax as a published one.
    let summary = "总交易单数,订单总金额\n`1.0,`1.0\n";
    assert_eq!(parse(&format!("{head}{good}{summary}")).iter().filter(|row| row.is_ok()).count(), 1);
    assert!(parse(&format!("{head}{}", summary.replace("1.0", "0.0"))).is_empty());
    for broken in [
        format!("{head}{good}"),
        String::new(),
        format!("{good}{summary}"),
        format!("{head}`a,`b\n{summary}"),
        format!("{head}{}{summary}", good.replace("1.00", "1.001")),
        format!("{head}{}{summary}", good.replace("1.00", "1e2")),
        format!("{head}{}{summary}", good.replace("SUCCESS", "NEW")),
        format!("{head}{}", "x".repeat(100_000)),
        format!("{head}{}{summary}", good.replace("`A1", "`A\n1")),
    ] {
        let rows = parse(&broken);
        assert!(rows.last().is_some_and(Result::is_err), "{broken:.80}");
        assert_eq!(rows.iter().filter(|row| row.is_err()).count(), 1);
    }
}

#[test]
fn a_row_says_what_became_of_it_and_a_payment_that_was_not_taken_is_a_row_too() {
    let head = "交易时间,微信订单号,商户订单号,交易状态,订单金额,申请退款金额,退款状态,商户退款单号,手续费\n";
    let row = |state: &str, back: &str| format!("`2025-05-31 10:34:56,`4200,`A1,`{state},`1.00,`0.50,`{back},`R1,`0.01000\n");
    let all = [("SUCCESS", ""), ("REVOKED", ""), ("PAYERROR", ""), ("REFUND", "SUCCESS"), ("REFUND", "PROCESSING"), ("REFUND", "CHANGE")];
    let text: String = all.iter().map(|(state, back)| row(state, back)).collect();
    let bytes = format!("{head}{text}总交易单数\n`6\n").into_bytes();
    let rows = text_rows(&bytes).into_iter().map(Result::unwrap);
    let told: Vec<_> = rows.map(|row| (row.kind, row.fate, row.amount.0)).collect();
    let (done, open, void) = (BillFate::Done, BillFate::Open, BillFate::Void);
    let back = |fate| (BillKind::Refund, fate, 50);
    let paid = |fate| (BillKind::Payment, fate, 100);
    assert_eq!(told, [paid(done), (BillKind::Reversal, done, 50), paid(void), back(done), back(open), back(void)]);
}
