//! What is not believed: forged, doubled, cut, foreign, stale and swapped messages.

use super::callbacks::{Notice, take};
use super::{AES, MER, NOW, NUMBER, answer, attempt, block, changed, direct, env, icbc, order, read, refund_of, sealed, sign};
use crate::Icbc;
use serde_json::{Value, json};
use sluice_contract::{Channel, HttpReply, Method, Pay, Refund, Rejected, Says, Undone, Verb, WhyKind};
use sluice_kit::aes::AesKey;
use sluice_kit::form::encode_pairs;

fn is_forged(told: &Result<sluice_contract::Callback, Rejected>) -> bool {
    matches!(told, Err(Rejected::Forged { .. }))
}

fn is_unreadable(told: &Result<sluice_contract::Callback, Rejected>) -> bool {
    matches!(told, Err(Rejected::Unreadable { .. }))
}

#[test]
fn a_forged_notice_is_at_most_worth_a_question() {
    let icbc = direct();
    let genuine = Notice::paid(json!({}));
    let tampered = block(json!({"return_code": "0", "mer_id": MER, "total_amt": "91000"})).to_string();
    match genuine.clone().set("biz_content", &tampered).take(&icbc) {
        Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER)),
        other => panic!("{other:?}"),
    }
    let signature = genuine.params.iter().find(|(name, _)| name == "sign").unwrap().1.clone();
    for (name, value) in [
        ("timestamp", "2026-11-23 06:20:01"),
        ("api", "/api/qrcode/V2/pay"),
        ("app_id", "10000000000000099002"),
        ("extra", "1"),
        ("sign", ""),
        ("sign", "AAAA"),
        ("sign", "***"),
        ("sign", &format!("{signature}AAAA")),
        ("sign", &signature[..signature.len() - 4]),
    ] {
        assert!(is_forged(&genuine.clone().set(name, value).take(&icbc)), "{name}");
    }
    let mut unsigned = genuine.clone();
    unsigned.params.retain(|(name, _)| name != "sign");
    assert!(is_forged(&unsigned.take(&icbc)));
}

#[test]
fn another_sign_type_is_no_way_around_the_key() {
    for word in ["RSA2", "CA", "SM2", "NONE", ""] {
        let notice = Notice::paid(json!({})).set("sign_type", word).signed("/notify/icbc-main");
        assert!(is_forged(&notice.take(&direct())), "{word}");
    }
}

#[test]
fn names_that_stand_twice_are_refused_in_the_form_and_in_its_content() {
    let icbc = direct();
    let mut doubled = Notice::paid(json!({})).body();
    doubled.extend_from_slice(b"&app_id=10000000000000099001");
    assert!(is_unreadable(&take(&icbc, Verb::Post, &doubled, &env(NOW))));
    let mut escaped = Notice::paid(json!({})).body();
    escaped.extend_from_slice(b"&biz%5Fcontent=%7B%7D");
    assert!(is_unreadable(&take(&icbc, Verb::Post, &escaped, &env(NOW))));
    let content = format!("{{\"mer_id\":\"{MER}\",\"out_trade_no\":\"{NUMBER}\",\"out_trade_no\":\"A2\",\"total_amt\":\"1000\"}}");
    assert!(is_unreadable(&Notice::of(&content).take(&icbc)), "validly signed, and still ambiguous");
}

#[test]
fn cut_oversized_and_odd_notices_are_refused() {
    let icbc = direct();
    let body = Notice::paid(json!({})).body();
    for end in (0..body.len()).step_by(7) {
        assert!(take(&icbc, Verb::Post, &body[..end], &env(NOW)).is_err(), "{end}");
    }
    assert!(is_unreadable(&take(&icbc, Verb::Get, &body, &env(NOW))));
    let mut flood = body.clone();
    flood.extend_from_slice(&vec![b'&'; 300 * 1024]);
    assert!(is_unreadable(&take(&icbc, Verb::Post, &flood, &env(NOW))));
    let gbk = b"biz_content=%D6%D0&sign=x&sign_type=RSA";
    assert!(is_unreadable(&take(&icbc, Verb::Post, gbk, &env(NOW))), "GBK is not UTF-8");
    for content in ["[]", "null", "{}", "\"x\"", "{\"out_trade_no\":7}"] {
        assert!(Notice::of(content).take(&icbc).is_err(), "{content}");
    }
    assert!(is_unreadable(&Notice::paid(json!({"out_trade_no": ""})).take(&icbc)), "it names no order");
}

#[test]
fn a_notice_of_another_app_or_merchant_is_not_ours() {
    let icbc = direct();
    for mer_id in [json!("020001020009"), json!(""), Value::Null, json!(20_001_020_001_i64)] {
        assert!(is_forged(&Notice::paid(json!({"mer_id": mer_id})).take(&icbc)), "{mer_id}");
    }
    let other_app = Notice::paid(json!({})).set("app_id", "10000000000000099002").signed("/notify/icbc-main");
    assert!(is_forged(&other_app.take(&icbc)));
}

#[test]
fn a_replayed_notice_is_only_ever_a_question() {
    // The pack names no window, and the bank's own retries keep their time: what is old asks again and moves nothing.
    let old = Notice::paid(json!({})).set("timestamp", "2020-01-01 00:00:00").signed("/notify/icbc-main");
    for _ in 0..2 {
        assert_eq!(old.take(&direct()).unwrap().says, Says::Ask);
    }
}

/// Every reader's verdict on a reply: true when any of them settled anything.
fn settles(icbc: &Icbc, reply: &HttpReply) -> bool {
    let barcode = attempt(icbc, Method::IcbcBarcode);
    let page = attempt(icbc, Method::IcbcH5);
    let refund = refund_of(barcode.clone());
    let pays = [icbc.pay(&barcode, &order(), &env(NOW)), icbc.query(&barcode, &env(NOW)), icbc.query(&page, &env(NOW))];
    let undoes = [icbc.reverse(&barcode, &env(NOW)), icbc.close(&page, &env(NOW))];
    let refunds = [icbc.refund(&refund, &env(NOW)), icbc.query_refund(&refund, &env(NOW))];
    pays.iter().any(|step| !matches!(read(step, reply), Pay::Unknown(_)))
        || undoes.iter().any(|step| !matches!(read(step, reply), Undone::Unknown(_)))
        || refunds.iter().any(|step| !matches!(read(step, reply), Refund::Unknown(_)))
}

#[test]
fn an_unsigned_altered_or_rearranged_reply_settles_nothing() {
    let icbc = direct();
    let paid = block(json!({"pay_status": "1"})).to_string();
    let signature = sign(&paid);
    let respaced = paid.replace("\":", "\": ");
    for body in [
        paid.clone(),
        format!("{{\"response_biz_content\":{paid}}}"),
        format!("{{\"response_biz_content\":{paid},\"sign\":\"\"}}"),
        format!("{{\"response_biz_content\":{respaced},\"sign\":\"{signature}\"}}"),
        format!("{{\"response_biz_content\":{},\"sign\":\"{signature}\"}}", paid.replace("550", "551")),
        format!("{{\"response_biz_content\":{{\"pay_status\":\"2\"}},\"response_biz_content\":{paid},\"sign\":\"{signature}\"}}"),
        format!("{{\"sign\":\"{signature}\",\"response_biz_content\":{paid}}}"),
        format!("{{\"response_biz_content\":{paid},\"sign\":\"{signature}\",\"sign\":\"x\"}}"),
        format!("{{\"response_biz_content\":{paid},\"sign\":\"{signature}\"}}trailing"),
        format!("{{\"response_biz_content\":{paid},\"sign\":\"{signature}"),
    ] {
        assert!(!settles(&icbc, &HttpReply::new(200, &[], body.clone())), "{body}");
    }
    assert!(matches!(read(&icbc.query(&attempt(&icbc, Method::IcbcBarcode), &env(NOW)), &sealed(&paid)), Pay::Paid(_)), "the genuine one");
}

#[test]
fn a_status_that_is_no_success_settles_nothing_even_with_a_seal() {
    let genuine = answer(block(json!({"pay_status": "1"})));
    for status in [199, 301, 400, 404, 429, 500, 503] {
        let reply = HttpReply { status, ..genuine.clone() };
        assert!(!settles(&direct(), &reply), "{status}");
    }
}

#[test]
fn a_sealed_reply_with_doubled_names_or_noise_is_unknown() {
    let icbc = direct();
    let query = icbc.query(&attempt(&icbc, Method::IcbcBarcode), &env(NOW));
    let doubled = block(json!({})).to_string().replacen('{', "{\"pay_status\":\"2\",\"pay_status\":\"1\",", 1);
    let nested = "[".repeat(40) + &"]".repeat(40);
    for content in [doubled.as_str(), "nonsense", "[]", "7", "\"not base64\"", nested.as_str(), "{}"] {
        match read(&query, &sealed(content)) {
            Pay::Unknown(why) => assert_eq!(why.kind, WhyKind::Unreadable, "{content}"),
            other => panic!("{content}: {other:?}"),
        }
    }
}

#[test]
fn an_encrypted_reply_is_verified_with_its_quotes_and_then_opened() {
    let icbc = icbc(json!({"encrypt_key": AES}));
    let plain = block(json!({"pay_status": "1"})).to_string();
    let cipher = AesKey::read(AES).unwrap().seal(plain.as_bytes()).unwrap();
    let query = icbc.query(&attempt(&icbc, Method::IcbcBarcode), &env(NOW));
    assert!(matches!(read(&query, &sealed(&format!("\"{cipher}\""))), Pay::Paid(_)));
    let unquoted = format!("{{\"response_biz_content\":\"{cipher}\",\"sign\":\"{}\"}}", sign(&cipher));
    assert!(matches!(read(&query, &HttpReply::new(200, &[], unquoted)), Pay::Unknown(why) if why.kind == WhyKind::BadSignature));
    let keyless = direct();
    let query = keyless.query(&attempt(&keyless, Method::IcbcBarcode), &env(NOW));
    assert!(matches!(read(&query, &sealed(&format!("\"{cipher}\""))), Pay::Unknown(why) if why.kind == WhyKind::Unreadable));
}

#[test]
fn the_reply_to_one_order_is_not_the_reply_to_another() {
    let icbc = direct();
    let mut other = attempt(&icbc, Method::IcbcBarcode);
    other.number = "A01ARZ3NDEKTSV4RRFFQ69G5FAW".into();
    let genuine = answer(changed(block(json!({})), json!({"pay_status": "1"})));
    for step in [icbc.pay(&other, &order(), &env(NOW)), icbc.query(&other, &env(NOW))] {
        assert!(matches!(read(&step, &genuine), Pay::Unknown(why) if why.kind == WhyKind::Contradiction));
    }
    let form = encode_pairs([("a", "1")]);
    assert!(is_forged(&take(&icbc, Verb::Post, form.as_bytes(), &env(NOW))));
}
