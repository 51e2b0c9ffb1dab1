//! Arbitrary bytes: nothing panics, and nothing that nobody signed is believed.

use super::callbacks::Notice;
use super::{NOW, attempt, direct, env, order, refund_of, unsealed, v2};
use crate::{Wechat, identify, xml};
use proptest::prelude::*;
use sluice_contract::{Channel, Headers, HttpReply, KeyHint, Method, Pay, Reading, Refund, Renewed, Statement, Step, Undone, Verb};
use std::sync::LazyLock;

static V3: LazyLock<Wechat> = LazyLock::new(direct);
static V2: LazyLock<Wechat> = LazyLock::new(v2);

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![Just(200_u16), Just(202), Just(204), Just(400), Just(403), Just(404), Just(429), Just(500), any::<u16>()]
}

/// Bytes that look like something: JSON of the API's words, XML, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word =
        "(code|ORDER_NOT_EXIST|SUCCESS|trade_state|amount|total|sign|return_code|xml|<|>|\\{|\\}|\"|:|,|&|;|!\\[CDATA\\[|\\]\\]|1|null)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        "\\{\"code\":\"[A-Z_]{0,20}\",\"message\":\".{0,20}\"\\}".prop_map(String::into_bytes),
        "<xml><[a-z_]{1,9}>.{0,20}</[a-z_]{1,9}></xml>".prop_map(String::into_bytes),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        Just("Wechatpay-Timestamp"),
        Just("Wechatpay-Nonce"),
        Just("Wechatpay-Serial"),
        Just("Wechatpay-Signature"),
        Just("Wechatpay-Signature-Type")
    ];
    let value =
        prop_oneof![Just("1748745300".to_owned()), Just(super::SERIAL.to_owned()), Just("WECHATPAY2-SHA256-RSA2048".to_owned()), ".{0,40}"];
    proptest::collection::vec((name, value), 0..7).prop_map(|lines| Headers(lines.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()))
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn callbacks_of_noise_are_rejected(headers in headers(), body in body(), get in any::<bool>()) {
        let notice = Notice { verb: if get { Verb::Get } else { Verb::Post }, headers, body };
        prop_assert!(notice.take(&V3, NOW).is_err());
        prop_assert!(notice.take(&V2, NOW).is_err());
    }

    #[test]
    fn no_reply_of_noise_settles_a_barcode_a_query_or_a_refund(status in status(), headers in headers(), body in body()) {
        let reply = HttpReply { headers, ..HttpReply::new(status, &[], body) };
        for wechat in [&*V3, &*V2] {
            let barcode = attempt(wechat, Method::WechatBarcode);
            let refund = refund_of(barcode.clone());
            for step in [wechat.pay(&barcode, &order(), &env(NOW)), wechat.query(&barcode, &env(NOW))] {
                prop_assert!(matches!(reading(&step, &reply), None | Some(Pay::Unknown(_))));
            }
            prop_assert!(matches!(reading(&wechat.reverse(&barcode, &env(NOW)), &reply), None | Some(Undone::Unknown(_) | Undone::Busy)));
            for step in [wechat.refund(&refund, &env(NOW)), wechat.query_refund(&refund, &env(NOW))] {
                prop_assert!(matches!(reading(&step, &reply), None | Some(Refund::Unknown(_))));
            }
        }
    }

    #[test]
    fn no_reply_of_noise_places_or_closes_an_order_or_brings_keys(status in status(), headers in headers(), body in body()) {
        let reply = HttpReply { headers, ..HttpReply::new(status, &[], body) };
        let native = attempt(&V3, Method::WechatNative);
        prop_assert!(matches!(reading(&V3.pay(&native, &order(), &env(NOW)), &reply), None | Some(Pay::Unknown(_) | Pay::Failed(_))));
        prop_assert!(matches!(reading(&V3.close(&native, &env(NOW)), &reply), None | Some(Undone::Unknown(_) | Undone::Busy)));
        let renewed = reading(&V3.renew(&KeyHint { key_id: "X".into() }, &env(NOW)), &reply);
        prop_assert!(matches!(renewed, Some(Renewed::Unknown(_) | Renewed::Refused(_))));
        let day = NOW.day();
        let statement = reading(&V3.statement(day, None, &env(NOW)), &reply);
        prop_assert!(matches!(statement, None | Some(Statement::Unknown(_) | Statement::NotYet)));
    }

    #[test]
    fn readers_of_plain_bytes_do_not_panic(body in body()) {
        let _ = xml::read(&body);
        let _ = identify::read(&HttpReply::new(200, &[], body.clone()));
        let _ = crate::bill::rows(Box::new(std::io::Cursor::new(body.clone())), &super::direct().account).take(100).count();
        let _ = crate::v2_sign::open_req_info(&String::from_utf8_lossy(&body), super::V2_KEY);
        prop_assert!(unsealed(200, "").is_success());
    }

    #[test]
    fn what_xml_writes_it_reads(members in proptest::collection::btree_map("[a-z_]{1,12}", "[ -~中-龥]{0,30}", 0..20)) {
        prop_assert_eq!(xml::read(xml::write(&members).as_bytes()), Some(members));
    }
}
