//! Content encryption: encrypted before it is signed, verified before it is decrypted.

use super::{NOW, alipay, attempt, direct, env, is_signed, order, read, reading, sealed, sent_by, trade};
use crate::Alipay;
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, HttpReply, Method, Pay, Step, WhyKind};
use sluice_kit::aes::AesKey;

const KEY: &str = "aYA0GP8JEW+D7/UFaskCWA==";
const OTHER: &str = "aa4BtZ4tspm2wnXLb1ThQA==";
const QUERY: &str = "alipay.trade.query";

fn encrypting() -> Alipay {
    alipay(json!({"encrypt_key": KEY, "previous": {"encrypt_key": OTHER}}))
}

fn sealed_under(key: &str, node: &str) -> HttpReply {
    sealed(QUERY, &format!("\"{}\"", AesKey::read(key).unwrap().seal(node.as_bytes()).unwrap()))
}

#[test]
fn content_goes_out_encrypted_and_its_signature_covers_the_cipher() {
    let alipay = encrypting();
    for method in [Method::AlipayQr, Method::AlipayBarcode, Method::AlipayJsapi] {
        let attempt = attempt(&alipay, method);
        let sent = sent_by(&alipay.pay(&attempt, &order(), &env(NOW)));
        assert_eq!(sent["encrypt_type"], "AES");
        let plain = AesKey::read(KEY).unwrap().open(&sent["biz_content"]).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap()["total_amount"], "88.88");
        assert!(is_signed(&sent));
    }
    match alipay.pay(&attempt(&alipay, Method::AlipayPage), &order(), &env(NOW)) {
        Step::Done(Pay::Waiting(Action::Form { url, fields }, _)) => {
            assert!(url.contains("encrypt_type=AES") && !fields["biz_content"].contains('{'));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn replies_are_verified_with_their_quotes_and_then_decrypted() {
    let alipay = encrypting();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    for key in [KEY, OTHER] {
        assert!(matches!(read(&step, &sealed_under(key, &trade(json!({})))), Pay::Paid(_)), "a former key still decrypts");
    }
    assert!(matches!(read(&step, &sealed(QUERY, &trade(json!({})))), Pay::Paid(_)), "sealed is sealed");
    let kind = |reply: &HttpReply| match read(&step, reply) {
        Pay::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    };
    let third = AesKey::read("AAAAAAAAAAAAAAAAAAAAAA==").unwrap().seal(trade(json!({})).as_bytes()).unwrap();
    assert_eq!(kind(&sealed(QUERY, &format!("\"{third}\""))), WhyKind::Unreadable);
    for node in ["\"\"", "\"!!\"", "\"AAAA\"", "7", "null", "[]"] {
        assert_eq!(kind(&sealed(QUERY, node)), WhyKind::Unreadable, "{node}");
    }
    assert_eq!(kind(&sealed_under(KEY, "[1]")), WhyKind::Unreadable);
    assert_eq!(kind(&sealed_under(KEY, "{\"code\":\"10000\",\"code\":\"10000\"}")), WhyKind::Unreadable);
    let swapped = String::from_utf8(sealed_under(KEY, &trade(json!({}))).bytes().to_vec()).unwrap();
    let other = AesKey::read(KEY).unwrap().seal(trade(json!({"trade_status": "TRADE_CLOSED"})).as_bytes()).unwrap();
    let (start, rest) = swapped.split_at(swapped.find(":\"").unwrap() + 2);
    let bent = format!("{start}{other}{}", &rest[rest.find('"').unwrap()..]);
    assert_eq!(kind(&super::reply(&bent)), WhyKind::BadSignature);
}

#[test]
fn an_account_without_a_key_does_not_read_cipher() {
    let alipay = direct();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    assert!(matches!(reading(&step, &sealed_under(KEY, &trade(json!({})))), sluice_contract::Reading::Is(Pay::Unknown(_))));
}
