//! Every way we know to forge, bend or replay a callback. None may be believed, and none may panic.

use super::callbacks::{Notice, envelope, paid_notice, sealed_notice};
use super::{API_KEY, NOW, SERIAL, direct, partner, transaction};
use serde_json::json;
use sluice_contract::{Rejected, Second, Verb};

type Bend = (&'static str, fn(&mut Notice));

/// Bends of a genuine notice, each alone.
const BENDS: &[Bend] = &[
    ("no signature header", |n| n.headers.0.retain(|l| l.0 != "Wechatpay-Signature")),
    ("no timestamp header", |n| n.headers.0.retain(|l| l.0 != "wechatpay-timestamp")),
    ("no nonce header", |n| n.headers.0.retain(|l| l.0 != "WECHATPAY-NONCE")),
    ("no serial header", |n| n.headers.0.retain(|l| l.0 != "Wechatpay-Serial")),
    ("no headers at all", |n| n.headers.0.clear()),
    ("doubled signature", |n| n.headers.push("wechatpay-signature", &n.get("Wechatpay-Signature"))),
    ("doubled timestamp", |n| n.headers.push("Wechatpay-Timestamp", "1748745300")),
    ("doubled nonce", |n| n.headers.push("Wechatpay-Nonce", "nonce")),
    ("doubled serial", |n| n.headers.push("Wechatpay-Serial", SERIAL)),
    ("doubled signature type", |n| n.headers.push("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")),
    ("SM2 signature type", |n| n.set("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3")),
    ("empty signature type", |n| n.set("Wechatpay-Signature-Type", "")),
    ("empty signature", |n| n.set("Wechatpay-Signature", "")),
    ("signature probe", |n| n.set("Wechatpay-Signature", &format!("WECHATPAY/SIGNTEST/{}", n.get("Wechatpay-Signature")))),
    ("signature with a space", |n| n.set("Wechatpay-Signature", &format!(" {}", n.get("Wechatpay-Signature")))),
    ("signature without padding", |n| n.set("Wechatpay-Signature", n.get("Wechatpay-Signature").trim_end_matches('='))),
    ("signature in url alphabet", |n| n.set("Wechatpay-Signature", &n.get("Wechatpay-Signature").replace('+', "-").replace('/', "_"))),
    ("signature twice", |n| n.set("Wechatpay-Signature", &n.get("Wechatpay-Signature").repeat(2))),
    ("signature cut", |n| n.set("Wechatpay-Signature", &n.get("Wechatpay-Signature").chars().take(340).collect::<String>())),
    ("signature not ascii", |n| n.set("Wechatpay-Signature", "签名")),
    ("another nonce", |n| n.set("Wechatpay-Nonce", "nonces")),
    ("empty nonce", |n| n.set("Wechatpay-Nonce", "")),
    ("nonce with a line in it", |n| n.set("Wechatpay-Nonce", "nonce\nx")),
    ("another time in the window", |n| n.set("Wechatpay-Timestamp", "1748745301")),
    ("time with a sign", |n| n.set("Wechatpay-Timestamp", "+1748745300")),
    ("time with a space", |n| n.set("Wechatpay-Timestamp", " 1748745300")),
    ("time in milliseconds", |n| n.set("Wechatpay-Timestamp", "1748745300000")),
    ("time too large", |n| n.set("Wechatpay-Timestamp", "99999999999999999999999")),
    ("time of words", |n| n.set("Wechatpay-Timestamp", "now")),
    ("empty time", |n| n.set("Wechatpay-Timestamp", "")),
    ("one byte of the body", |n| n.body[20] ^= 1),
    ("body with a space more", |n| n.body.push(b' ')),
    ("body cut", |n| n.body.truncate(100)),
    ("empty body", |n| n.body.clear()),
    ("event type swapped", |n| swap(n, "TRANSACTION.SUCCESS", "REFUND.SUCCESS")),
    ("body of another notice", |n| {
        n.body = envelope("TRANSACTION.SUCCESS", &transaction(json!({"out_trade_no": "SLUICE9"})), API_KEY).into_bytes()
    }),
    ("serial with a path in it", |n| n.set("Wechatpay-Serial", "../../etc")),
    ("serial too long", |n| n.set("Wechatpay-Serial", &"A".repeat(65))),
    ("empty serial", |n| n.set("Wechatpay-Serial", "")),
    ("a GET", |n| n.verb = Verb::Get),
    ("too large a body", |n| n.body = vec![b' '; 300 * 1024]),
];

fn swap(notice: &mut Notice, from: &str, to: &str) {
    notice.body = String::from_utf8_lossy(&notice.body).replace(from, to).into_bytes();
}

#[test]
fn the_genuine_notice_is_believed() {
    assert!(paid_notice().take(&direct(), NOW).is_ok());
}

#[test]
fn no_bend_of_a_genuine_notice_is_believed() {
    let wechat = direct();
    for (name, bend) in BENDS {
        let mut notice = paid_notice();
        bend(&mut notice);
        match notice.take(&wechat, NOW) {
            Err(Rejected::Forged { number, .. }) => assert_eq!(number, None, "{name}: what is encrypted is not readable without trust"),
            Err(Rejected::Unreadable { .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(BENDS.len() >= 40);
}

#[test]
fn a_genuine_notice_is_stale_after_300_s_and_not_before() {
    let wechat = direct();
    for (seconds, believed) in [(0, true), (300, true), (301, false), (-300, true), (-301, false), (86_400, false), (i64::MIN / 2, false)] {
        assert_eq!(paid_notice().take(&wechat, Second(NOW.0.saturating_add(seconds))).is_ok(), believed, "{seconds}");
    }
}

#[test]
fn other_keys_are_not_wechats() {
    let wechat = direct();
    let body = envelope("TRANSACTION.SUCCESS", &transaction(json!({})), API_KEY);
    for key in ["other_merchant", "merchant"] {
        assert!(matches!(sealed_notice(key, SERIAL, NOW, &body).take(&wechat, NOW), Err(Rejected::Forged { .. })), "{key}");
    }
    for serial in ["5F1C72E2A8931B72A2E13AF8DEE92471EB397115", "d7ce59d1f522d701", "PUB_KEY_ID_1", "0D7CE59D1F522D701"] {
        match sealed_notice("platform", serial, NOW, &body).take(&wechat, NOW) {
            Err(Rejected::NeedKeys(hint)) => assert_eq!(hint.key_id, serial),
            other => panic!("{serial}: {other:?}"),
        }
    }
    // The certificate's own validity: ten years on, its key is no longer known.
    let late = Second(NOW.0 + 10 * 366 * 86_400);
    assert!(matches!(sealed_notice("platform", SERIAL, late, &body).take(&wechat, late), Err(Rejected::NeedKeys(_))));
}

#[test]
fn sealed_nonsense_is_not_believed_either() {
    let sealed = |body: &str| sealed_notice("platform", SERIAL, NOW, body).take(&direct(), NOW);
    let plain = |event: &str, text: &str| sealed(&envelope(event, text, API_KEY));
    for body in ["", "null", "[]", "{}", "{\"resource\":{}}", "{\"resource\":7}", "{\"id\":1,\"id\":2}", "<xml></xml>", "\u{feff}{}"] {
        assert!(sealed(body).is_err(), "{body}");
    }
    for text in ["", "null", "{}", "not json", r#"{"mchid":"1900000100"}"#, r#"{"mchid":"1900000100","mchid":"1900000100"}"#] {
        assert!(plain("TRANSACTION.SUCCESS", text).is_err(), "{text}");
        assert!(plain("REFUND.SUCCESS", text).is_err(), "{text}");
    }
    let genuine = envelope("TRANSACTION.SUCCESS", &transaction(json!({})), API_KEY);
    for (from, to) in [
        ("AEAD_AES_256_GCM", "AEAD_SM4_GCM"),
        ("\"nonce\":\"abcdefghijkl\"", "\"nonce\":\"abcdefghijk\""),
        ("\"associated_data\":\"transaction\"", "\"associated_data\":\"\""),
        ("\"ciphertext\":\"", "\"ciphertext\":\"AAAA"),
        ("\"ciphertext\":\"", "\"ciphertext\":\"!"),
    ] {
        assert!(genuine.contains(from));
        assert!(sealed(&genuine.replace(from, to)).is_err(), "{to}");
    }
    assert!(sealed(&envelope("TRANSACTION.SUCCESS", &transaction(json!({})), "b7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb")).is_err());
}

#[test]
fn another_merchants_genuine_notice_is_forged_for_us() {
    for tree in [
        json!({"mchid": "1900000101"}),
        json!({"mchid": null}),
        json!({"sp_mchid": "1900000101"}),
        json!({"mchid": null, "sp_mchid": "1900000101"}),
    ] {
        let notice = sealed_notice("platform", SERIAL, NOW, &envelope("TRANSACTION.SUCCESS", &transaction(tree.clone()), API_KEY));
        for wechat in [direct(), partner()] {
            match notice.take(&wechat, NOW) {
                Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(super::NUMBER), "{tree}"),
                other => panic!("{tree}: {other:?}"),
            }
        }
    }
}
