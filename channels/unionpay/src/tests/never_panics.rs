//! Arbitrary bytes: nothing panics, and nothing that nobody signed is believed.

use super::callbacks::Notice;
use super::{NOW, attempt, direct, env, keyed, order, refund_of, split};
use crate::UnionPay;
use crate::bill::{Whose, rows};
use crate::statement::unpacked;
use proptest::prelude::*;
use sluice_contract::{Channel, HttpReply, KeyHint, Method, Notes, Pay, Reading, Refund, Renewed, Statement, Step, Undone, Verb};
use std::sync::LazyLock;

static RSA: LazyLock<UnionPay> = LazyLock::new(direct);
static KEY: LazyLock<UnionPay> = LazyLock::new(keyed);

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200_u16), 1 => Just(302_u16), 1 => Just(500_u16), 1 => any::<u16>()]
}

/// Bytes that look like something: fields of the protocol, brackets, escapes, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = "(respCode=00|origRespCode=00|txnAmt=100|version=5.1.0|signMethod=(01|11)|signature=[A-Za-z0-9+/=]{0,40}|signPubKeyCert=|-----BEGIN CERTIFICATE-----|-----END CERTIFICATE-----|&|=|\\{|\\}|\\[|\\]|%|%0D%0A|\\+|成功|orderId=A20260601ABCDEFGHJKMNPQRST0)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.join("&").into_bytes()),
    ]
}

fn reading<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> Option<T> {
    match step {
        Step::Send(exchange) => match exchange.read(reply, &env(NOW)) {
            Reading::Is(value) => Some(value),
            Reading::Then(_) | Reading::NeedKeys(_) => None,
        },
        other => panic!("nothing is sent: {other:?}"),
    }
}

/// Signed by the account's own secure key, as UnionPay would: what is verified is still read with care.
fn signed(fields: &Notes) -> HttpReply {
    let mut fields = fields.clone();
    for (name, value) in [("version", "5.1.0"), ("encoding", "UTF-8")] {
        fields.insert(name.into(), value.into());
    }
    let signed = KEY.account.signer.sign(&fields).unwrap();
    HttpReply::new(200, &[], super::body_of(&signed))
}

fn field() -> impl Strategy<Value = (String, String)> {
    let name = "(respCode|origRespCode|txnAmt|txnType|txnSubType|orderId|txnTime|merId|currencyCode|qrCode|tn|queryId|traceTime|settleDate|fileName|fileContent|encryptPubKeyCert|subMerId)";
    let value = prop_oneof![
        Just("00".to_owned()),
        Just("01".to_owned()),
        Just("46".to_owned()),
        Just("100".to_owned()),
        Just("156".to_owned()),
        Just(super::MER_ID.to_owned()),
        Just(super::NUMBER.to_owned()),
        Just(super::AT.compact()),
        "[0-9]{0,14}",
        "[ -%'-<>-z中]{0,20}"
    ];
    (name, value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn notices_of_noise_are_rejected(body in body(), get in any::<bool>()) {
        let notice = Notice { verb: if get { Verb::Get } else { Verb::Post }, target: "/".into(), body };
        prop_assert!(notice.take(&RSA, NOW).is_err());
        prop_assert!(notice.take(&KEY, NOW).is_err());
    }

    #[test]
    fn no_reply_of_noise_settles_anything(status in status(), body in body()) {
        let reply = HttpReply::new(status, &[], body);
        for channel in [&*RSA, &*KEY] {
            let barcode = attempt(channel, Method::UnionpayBarcode);
            let qr = attempt(channel, Method::UnionpayQr);
            let refund = refund_of(barcode.clone());
            for step in [channel.pay(&barcode, &order(), &env(NOW)), channel.pay(&qr, &order(), &env(NOW)), channel.query(&qr, &env(NOW))] {
                prop_assert!(matches!(reading(&step, &reply), Some(Pay::Unknown(_))));
            }
            prop_assert!(matches!(reading(&channel.reverse(&barcode, &env(NOW)), &reply), Some(Undone::Unknown(_))));
            for step in [channel.refund(&refund, &env(NOW)), channel.query_refund(&refund, &env(NOW))] {
                prop_assert!(matches!(reading(&step, &reply), Some(Refund::Unknown(_))));
            }
            let renewed = reading(&channel.renew(&KeyHint { key_id: "X".into() }, &env(NOW)), &reply);
            prop_assert!(matches!(renewed, Some(Renewed::Unknown(_))));
            let statement = reading(&channel.statement(NOW.day(), None, &env(NOW)), &reply);
            prop_assert!(matches!(statement, Some(Statement::Unknown(_))));
        }
    }

    #[test]
    fn signed_fields_of_noise_are_paid_only_if_they_are_about_the_order(fields in proptest::collection::btree_map("[a-zA-Z]{1,6}", ".{0,9}", 0..3), known in proptest::collection::vec(field(), 0..14)) {
        let mut all: Notes = fields;
        all.extend(known);
        let reply = signed(&all);
        let barcode = attempt(&KEY, Method::UnionpayBarcode);
        for step in [KEY.query(&barcode, &env(NOW)), KEY.pay(&barcode, &order(), &env(NOW))] {
            if let Some(Pay::Paid(_) | Pay::Failed(_) | Pay::Reversed | Pay::Closed | Pay::NotFound) = reading(&step, &reply) {
                prop_assert_eq!(all.get("orderId").map(String::as_str), Some(super::NUMBER));
                prop_assert_eq!(all.get("merId").map(String::as_str), Some(super::MER_ID));
                prop_assert_eq!(all.get("txnTime"), Some(&super::AT.compact()));
            }
        }
        let _ = reading(&KEY.reverse(&barcode, &env(NOW)), &reply);
        let _ = reading(&KEY.refund(&refund_of(barcode.clone()), &env(NOW)), &reply);
        let _ = reading(&KEY.query_refund(&refund_of(barcode), &env(NOW)), &reply);
        let _ = reading(&KEY.statement(NOW.day(), None, &env(NOW)), &reply);
        let _ = reading(&KEY.renew(&KeyHint { key_id: "X".into() }, &env(NOW)), &reply);
    }

    #[test]
    fn readers_of_plain_bytes_do_not_panic(body in body(), text in ".{0,200}") {
        let _ = split(&text);
        let _ = split(&String::from_utf8_lossy(&body));
        let _ = unpacked(text.as_bytes(), &sluice_contract::Body::Bytes(Vec::new()));
        let _ = rows(body.as_slice(), Whose { day: NOW.day(), mer_id: super::MER_ID.to_owned() }).take(100).count();
        let padded: Vec<u8> = body.iter().copied().cycle().take(if body.is_empty() { 0 } else { 1300 }).collect();
        let _ = rows(padded.as_slice(), Whose { day: NOW.day(), mer_id: super::MER_ID.to_owned() }).take(100).count();
        let _ = sluice_kit::field::decrypt(&text, &text, sluice_kit::field::Padding::Pkcs1, |_| true);
        let _ = crate::keys::cert_id(&text);
        let _ = crate::dates::nearest(NOW, &text);
    }

    #[test]
    fn what_is_joined_is_split_again(fields in proptest::collection::btree_map("[a-zA-Z]{1,12}", "[^&{}\\[\\]]{0,20}", 1..20)) {
        prop_assert_eq!(split(&super::body_of(&fields)), Some(fields));
    }
}
