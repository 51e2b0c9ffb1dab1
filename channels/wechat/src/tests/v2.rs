//! API v2: signatures, XML, and what each answer means.

use super::{APP, NOW, NUMBER, V2_KEY, attempt, env, order, read, refund_of, request_of, str_of, unsealed, v2, vectors};
use crate::v2_sign::{self, SignType};
use crate::{Wechat, xml};
use serde_json::json;
use sluice_contract::{
    Action, Channel, Discount, DiscountKind, FailureCode, Fen, FundedBy, HttpReply, Method, Notes, Pay, Refund, Step, Stuck, Undone,
    WhyKind,
};

fn kind_of(word: &str) -> SignType {
    if word == "MD5" { SignType::Md5 } else { SignType::HmacSha256 }
}

#[test]
fn v2_vectors() {
    for vector in vectors!("v2_sign") {
        let id = str_of(&vector, "id");
        match vector["kind"].as_str() {
            None => {
                let members: Notes =
                    vector["params"].as_object().unwrap().iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
                assert_eq!(v2_sign::text(&members, str_of(&vector, "key")), str_of(&vector, "string_to_sign"), "{id}");
                let sign = v2_sign::sign(&members, str_of(&vector, "key"), kind_of(str_of(&vector, "sign_type")));
                assert_eq!(sign, str_of(&vector, "sign"), "{id}");
            }
            Some("xml_verify") => {
                let members = xml::read(str_of(&vector, "xml").as_bytes()).unwrap();
                assert_eq!(members["sign"], str_of(&vector, "sign"));
                let holds = v2_sign::verifies(&members, str_of(&vector, "key"), kind_of(str_of(&vector, "sign_type")));
                assert_eq!(holds, str_of(&vector, "expect").starts_with("accept"), "{id}");
            }
            Some("xml_parse") => assert_eq!(xml::read(str_of(&vector, "xml").as_bytes()), None, "{id}"),
            Some("req_info") if id == "refund-req_info" => {
                let plain = v2_sign::open_req_info(str_of(&vector, "ciphertext"), str_of(&vector, "key")).unwrap();
                assert_eq!(String::from_utf8(plain).unwrap(), str_of(&vector, "plaintext"));
            }
            Some("req_info") => raw_key_must_fail(str_of(&vector, "ciphertext"), str_of(&vector, "key")),
            Some(other) => panic!("{id}: unknown kind {other}"),
        }
    }
}

fn raw_key_must_fail(ciphertext: &str, key: &str) {
    use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
    use base64::Engine;
    let mut bytes = base64::engine::general_purpose::STANDARD.decode(ciphertext).unwrap();
    let raw = PaddedBlockDecryptingKey::ecb_pkcs7(UnboundCipherKey::new(&AES_256, key.as_bytes()).unwrap()).unwrap();
    assert!(raw.decrypt(&mut bytes, DecryptionContext::None).is_err());
    assert_eq!(v2_sign::open_req_info(ciphertext, "another key"), None);
}

#[test]
fn the_xml_reader_takes_flat_messages_only() {
    let read = |text: &str| xml::read(text.as_bytes());
    let members = read("<?xml version=\"1.0\"?><xml>\n <a>x &amp; &#20013;</a><b><![CDATA[<y>]]></b><c/><d> </d></xml>\n").unwrap();
    assert_eq!((members["a"].as_str(), members["b"].as_str(), members["c"].as_str()), ("x & 中", "<y>", ""));
    for text in [
        "",
        "text",
        "<xml>",
        "<xml></xml",
        "<xml><a></xml>",
        "<xml><a><b>1</b></a></xml>",
        "<xml><a>1</a><a>2</a></xml>",
        "<xml>text</xml>",
        "<xml/><xml/>",
        "<xml></xml><xml></xml>",
        "<!DOCTYPE xml><xml></xml>",
        "<xml><a>&lol;</a></xml>",
        "<xml><a>1</a><?php ?></xml>",
        "<xml><a>&#0;</a></xml>",
        "<xml><a>1</a></xml>trailing",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(xml::read(&[b"<xml><a>".as_slice(), &[0xff, 0xfe], b"</a></xml>"].concat()), None);
    let notes = Notes::from([("a".to_owned(), "]]>&<中".to_owned()), ("b".to_owned(), String::new())]);
    assert_eq!(read(&xml::write(&notes)), Some(notes));
}

/// A reply signed with our key.
fn signed(pairs: &[(&str, &str)], key: &str) -> HttpReply {
    let mut members: Notes = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    for (name, value) in [("return_code", "SUCCESS"), ("appid", APP), ("mch_id", "1900000100"), ("nonce_str", "n")] {
        members.entry(name.to_owned()).or_insert(value.to_owned());
    }
    let sign = v2_sign::sign(&members, key, SignType::Md5);
    members.insert("sign".into(), sign);
    unsealed(200, &xml::write(&members))
}

fn ok(pairs: &[(&str, &str)]) -> HttpReply {
    signed(&[pairs, &[("result_code", "SUCCESS")]].concat(), V2_KEY)
}

fn fail(code: &str) -> HttpReply {
    signed(&[("result_code", "FAIL"), ("err_code", code), ("err_code_des", "说明")], V2_KEY)
}

fn pay(wechat: &Wechat) -> Step<Pay> {
    wechat.pay(&attempt(wechat, Method::WechatBarcode), &order(), &env(NOW))
}

fn kind(pay: Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

#[test]
fn the_dialect_is_frozen_for_barcodes_only() {
    let wechat = v2();
    assert_eq!(attempt(&wechat, Method::WechatBarcode).memo["dialect"], "v2");
    assert_eq!(attempt(&wechat, Method::WechatNative).memo["dialect"], "v3");
    let barcode = attempt(&wechat, Method::WechatBarcode);
    // The account went back to v3: what was made in v2 is still asked for in v2.
    assert!(request_of(&super::direct().query(&barcode, &env(NOW))).url.ends_with("/pay/orderquery"));
}

#[test]
fn requests_are_signed_xml_and_the_reversal_shows_its_certificate() {
    let wechat = v2();
    let barcode = attempt(&wechat, Method::WechatBarcode);
    let steps = [pay(&wechat), wechat.query(&barcode, &env(NOW))];
    for (step, path) in steps.iter().zip(["/pay/micropay", "/pay/orderquery"]) {
        let request = request_of(step);
        assert_eq!(request.url, format!("https://api.mch.weixin.qq.com{path}"));
        let members = xml::read(&request.body).unwrap();
        assert!(v2_sign::verifies(&members, V2_KEY, SignType::Md5));
        assert_eq!((members["appid"].as_str(), members["mch_id"].as_str(), members["out_trade_no"].as_str()), (APP, "1900000100", NUMBER));
        assert!(request.identity.is_none());
    }
    let members = xml::read(&request_of(&steps[0]).body).unwrap();
    assert_eq!((members["total_fee"].as_str(), members["auth_code"].as_str()), ("100", "130061098828009406"));
    assert_eq!(members["spbill_create_ip"], "203.0.113.7");
    let step = wechat.reverse(&barcode, &env(NOW));
    assert!(request_of(&step).url.ends_with("/secapi/pay/reverse"));
    assert!(request_of(&step).identity.is_some());
    let partner = super::wechat(json!({"barcode_api": "v2", "mode": "partner"}));
    let members = xml::read(&request_of(&pay(&partner)).body).unwrap();
    assert_eq!((members["mch_id"].as_str(), members["sub_mch_id"].as_str()), ("1900000100", "1900000109"));
    assert_eq!(members["sign_type"], "HMAC-SHA256");
}

const PAID: &[(&str, &str)] = &[
    ("openid", "oUpF8"),
    ("trade_type", "MICROPAY"),
    ("fee_type", "CNY"),
    ("total_fee", "100"),
    ("settlement_total_fee", "97"),
    ("coupon_fee", "10"),
    ("cash_fee", "90"),
    ("transaction_id", "4200"),
    ("out_trade_no", NUMBER),
    ("time_end", "20250601103456"),
];

#[test]
fn a_micropay_is_paid_only_by_a_signed_success_about_it() {
    let step = pay(&v2());
    match read(&step, &ok(PAID)) {
        Pay::Paid(payment) => {
            assert_eq!(
                (payment.amount, payment.payer_amount, payment.channel_trade_no.as_deref()),
                (Fen(100), Some(Fen(90)), Some("4200"))
            );
            assert_eq!(payment.paid_at.map(|at| at.plain()).as_deref(), Some("2025-06-01 10:34:56"));
            let told = [
                Discount { kind: DiscountKind::Merchant, funded_by: FundedBy::Merchant, amount: Fen(3) },
                Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(7) },
            ];
            assert_eq!(payment.discounts, told);
        }
        other => panic!("{other:?}"),
    }
    let paid_with = |pairs: &[(&str, &str)]| ok(&[PAID, pairs].concat());
    for lie in [("total_fee", "1"), ("out_trade_no", "SLUICE2"), ("mch_id", "1"), ("appid", "wx1"), ("fee_type", "USD")] {
        assert_eq!(kind(read(&step, &paid_with(&[lie]))), WhyKind::Contradiction, "{lie:?}");
    }
    assert_eq!(kind(read(&step, &paid_with(&[("transaction_id", "")]))), WhyKind::Unreadable);
    for (reply, wanted) in [
        (signed(&[PAID, &[("result_code", "SUCCESS")]].concat(), "00000000000000000000000000000000"), WhyKind::BadSignature),
        (unsealed(200, "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>"), WhyKind::BadSignature),
        (unsealed(200, "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code></xml>"), WhyKind::BadSignature),
        (ok(&[("result_code", "MAYBE")]), WhyKind::Contradiction),
        (unsealed(200, "{}"), WhyKind::Unreadable),
        (unsealed(500, ""), WhyKind::NoAnswer),
    ] {
        assert_eq!(kind(read(&step, &reply)), wanted, "{reply:?}");
    }
}

#[test]
fn micropay_codes() {
    let step = pay(&v2());
    assert_eq!(read(&step, &fail("USERPAYING")), Pay::Waiting(Action::Wait { poll_after_ms: 5000 }, Notes::new()));
    for code in ["SYSTEMERROR", "BANKERROR", "ORDERPAID", "OUT_TRADE_NO_USED"] {
        assert_eq!(kind(read(&step, &fail(code))), WhyKind::Pending, "{code}");
    }
    for code in ["TRADE_ERROR", "LACK_PARAMS", "NOT_UTF8", "PAYERROR"] {
        assert_eq!(kind(read(&step, &fail(code))), WhyKind::Declined, "{code}");
    }
    assert_eq!(kind(read(&step, &fail("SOMETHING"))), WhyKind::Unlisted);
    for (code, wanted) in [
        ("AUTHCODEEXPIRE", FailureCode::AuthCodeExpired),
        ("AUTH_CODE_INVALID", FailureCode::AuthCodeInvalid),
        ("NOTENOUGH", FailureCode::InsufficientFunds),
        ("NOAUTH", FailureCode::ChannelConfiguration),
    ] {
        match read(&step, &fail(code)) {
            Pay::Failed(failure) => assert_eq!(failure.code, wanted),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_v2_query_has_the_same_states() {
    let wechat = v2();
    let step = wechat.query(&attempt(&wechat, Method::WechatBarcode), &env(NOW));
    let told = |state: &str| read(&step, &ok(&[PAID, &[("trade_state", state)]].concat()));
    assert!(matches!(told("SUCCESS"), Pay::Paid(_)) && matches!(told("REFUND"), Pay::Paid(_)));
    assert!(matches!(told("USERPAYING"), Pay::Waiting(..)) && matches!(told("NOTPAY"), Pay::Waiting(..)));
    assert_eq!((told("REVOKED"), told("CLOSED")), (Pay::Reversed, Pay::Closed));
    assert_eq!((kind(told("PAYERROR")), kind(told("NEW")), kind(told(""))), (WhyKind::Declined, WhyKind::Unlisted, WhyKind::Unlisted));
    assert_eq!(read(&step, &fail("ORDERNOTEXIST")), Pay::NotFound);
    assert_eq!(kind(read(&step, &fail("SYSTEMERROR"))), WhyKind::Pending);
    assert_eq!(kind(read(&step, &signed(&[("result_code", "FAIL"), ("err_code", "ORDERNOTEXIST")], "x"))), WhyKind::BadSignature);
}

#[test]
fn a_v2_reversal_comes_again_when_told() {
    let wechat = v2();
    let step = wechat.reverse(&attempt(&wechat, Method::WechatBarcode), &env(NOW));
    assert_eq!(read(&step, &ok(&[("recall", "N")])), Undone::Closed);
    assert_eq!(read(&step, &ok(&[("recall", "Y")])), Undone::Busy);
    let recalled = signed(&[("result_code", "FAIL"), ("err_code", "TRADE_ERROR"), ("recall", "Y")], V2_KEY);
    assert_eq!(read(&step, &recalled), Undone::Busy);
    assert_eq!(read(&step, &fail("SYSTEMERROR")), Undone::Busy);
    assert_eq!(read(&step, &fail("USERPAYING")), Undone::Busy);
    assert!(matches!(read(&step, &fail("REVERSE_EXPIRE")), Undone::Refused(_)));
    for (reply, wanted) in [
        (fail("TRADE_ERROR"), WhyKind::Pending),
        (fail("NEW"), WhyKind::Unlisted),
        (ok(&[("mch_id", "1")]), WhyKind::Contradiction),
        (unsealed(200, "<xml><return_code>FAIL</return_code></xml>"), WhyKind::BadSignature),
    ] {
        match read(&step, &reply) {
            Undone::Unknown(why) => assert_eq!(why.kind, wanted),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn refunds_of_v2_orders_go_by_v3_unless_the_account_says_v2() {
    let wechat = v2();
    let refund = refund_of(attempt(&wechat, Method::WechatBarcode));
    assert!(request_of(&wechat.refund(&refund, &env(NOW))).url.ends_with("/v3/refund/domestic/refunds"));
    let wechat = super::wechat(json!({"barcode_api": "v2", "v2_sign_type": "MD5", "v2_refund_api": "v2"}));
    let step = wechat.refund(&refund, &env(NOW));
    assert!(request_of(&step).url.ends_with("/secapi/pay/refund") && request_of(&step).identity.is_some());
    let about = [
        ("out_refund_no", refund.number.as_str()),
        ("out_trade_no", NUMBER),
        ("total_fee", "100"),
        ("refund_fee", "50"),
        ("refund_id", "5020"),
    ];
    assert!(matches!(read(&step, &ok(&about)), Refund::Accepted(handles) if handles["refund_id"] == "5020"));
    assert!(
        matches!(read(&step, &ok(&[&about[..], &[("refund_fee", "51")]].concat())), Refund::Unknown(why) if why.kind == WhyKind::Contradiction)
    );
    assert!(matches!(read(&step, &fail("NOTENOUGH")), Refund::Stuck(Stuck::MerchantBalance, ..)));
    assert!(matches!(read(&step, &fail("TRADE_OVERDUE")), Refund::Failed(failure) if failure.code == FailureCode::RefundWindowPassed));
    assert!(matches!(read(&step, &fail("BIZERR_NEED_RETRY")), Refund::Unknown(why) if why.kind == WhyKind::Pending));
    let query = wechat.query_refund(&refund, &env(NOW));
    let listed = |state: &str| {
        let pairs = [
            ("out_refund_no_0", refund.number.as_str()),
            ("out_trade_no", NUMBER),
            ("total_fee", "100"),
            ("refund_fee_0", "50"),
            ("refund_id_0", "5020"),
            ("refund_status_0", state),
        ];
        read(&query, &ok(&pairs))
    };
    assert!(matches!(listed("SUCCESS"), Refund::Succeeded(_)) && matches!(listed("PROCESSING"), Refund::Accepted(_)));
    assert!(matches!(listed("REFUNDCLOSE"), Refund::Failed(_)) && matches!(listed("CHANGE"), Refund::Stuck(..)));
    assert!(matches!(listed("NEW"), Refund::Unknown(why) if why.kind == WhyKind::Unlisted));
    assert_eq!(read(&query, &fail("REFUNDNOTEXIST")), Refund::NotFound);
}
