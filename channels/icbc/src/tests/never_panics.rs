//! Arbitrary bytes: nothing panics, and nothing that nobody signed is believed; sealed noise settles nothing either.

use super::callbacks::take;
use super::{NOW, attempt, direct, env, family_b, order, refund_of, sealed};
use crate::{Icbc, codes, sign};
use proptest::prelude::*;
use serde_json::json;
use sluice_contract::{Ack, Channel, Headers, HttpReply, Method, Pay, RawCallback, Reading, Refund, Step, Undone, Verb};
use std::sync::LazyLock;

static A: LazyLock<Icbc> = LazyLock::new(direct);
static B: LazyLock<Icbc> = LazyLock::new(family_b);
static AES: LazyLock<Icbc> = LazyLock::new(|| super::icbc(json!({"encrypt_key": super::AES})));

/// Bytes that look like something: envelopes, forms, the API's words, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = "(response_biz_content|return_code|pay_status|out_trade_no|total_amt|reject_no|sign|biz_content|sign_type=RSA|=|&|%7B|%|\\+|\\{|\\}|\\[|\"|:|,|0|1|2|null)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        "\\{\"response_biz_content\":.{0,40},\"sign\":\"[A-Za-z0-9+/=]{0,20}\"\\}".prop_map(String::into_bytes),
        "sign_type=RSA&biz_content=.{0,40}&sign=[A-Za-z0-9]{0,20}".prop_map(String::into_bytes),
    ]
}

/// JSON that was validly signed and says nothing that settles money: states and names of its own.
fn content() -> impl Strategy<Value = String> {
    let name = "(return_code|pay_status|out_trade_no|total_amt|reject_no|reject_status|refundJsonList|outtrx_serial_no|order_id|qrcode)";
    let value = prop_oneof![
        Just("0".to_owned()),
        Just("\"0\"".to_owned()),
        Just("\"1\"".to_owned()),
        Just("null".to_owned()),
        Just("\"[]\"".to_owned()),
        "\"[a-z0-9]{0,9}\"",
    ];
    proptest::collection::btree_map(name, value, 0..8).prop_map(|members| {
        format!("{{{}}}", members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect::<Vec<_>>().join(","))
    })
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![Just(200_u16), Just(200), Just(204), Just(400), Just(404), Just(429), Just(500), any::<u16>()]
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

/// The questions about money that an account can ask, each with a reply.
fn pays(icbc: &Icbc, reply: &HttpReply) -> Vec<Option<Pay>> {
    let mut told = Vec::new();
    for method in [Method::IcbcQr, Method::IcbcBarcode, Method::WechatJsapi] {
        let attempt = attempt(icbc, method);
        told.push(reading(&icbc.pay(&attempt, &order(), &env(NOW)), reply));
        told.push(reading(&icbc.query(&attempt, &env(NOW)), reply));
    }
    told
}

fn undoes(icbc: &Icbc, reply: &HttpReply) -> [Option<Undone>; 2] {
    let (barcode, page) = (attempt(icbc, Method::IcbcBarcode), attempt(icbc, Method::IcbcH5));
    [reading(&icbc.reverse(&barcode, &env(NOW)), reply), reading(&icbc.close(&page, &env(NOW)), reply)]
}

fn refunds(icbc: &Icbc, reply: &HttpReply) -> Vec<Option<Refund>> {
    let mut told = Vec::new();
    for method in [Method::IcbcBarcode, Method::IcbcH5] {
        let refund = refund_of(attempt(icbc, method));
        told.push(reading(&icbc.refund(&refund, &env(NOW)), reply));
        told.push(reading(&icbc.query_refund(&refund, &env(NOW)), reply));
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn notices_of_noise_are_rejected_and_answered(body in body(), get in any::<bool>()) {
        let verb = if get { Verb::Get } else { Verb::Post };
        for icbc in [&*A, &*AES] {
            prop_assert!(take(icbc, verb, &body, &env(NOW)).is_err());
        }
        let headers = Headers::default();
        let raw = RawCallback { verb, target: "/", headers: &headers, body: &body };
        prop_assert_eq!(A.acknowledge(&raw, Ack::Taken, &env(NOW)).status, 200);
    }

    #[test]
    fn no_reply_of_noise_settles_anything(status in status(), body in body()) {
        let reply = HttpReply::new(status, &[], body);
        for icbc in [&*A, &*B, &*AES] {
            prop_assert!(pays(icbc, &reply).iter().all(|told| matches!(told, Some(Pay::Unknown(_)))));
            prop_assert!(undoes(icbc, &reply).iter().all(|told| matches!(told, Some(Undone::Unknown(_)))));
            prop_assert!(refunds(icbc, &reply).iter().all(|told| matches!(told, Some(Refund::Unknown(_)))));
        }
    }

    #[test]
    fn no_sealed_noise_pays_fails_closes_or_refunds(content in content()) {
        let reply = sealed(&content);
        for icbc in [&*A, &*B] {
            for told in pays(icbc, &reply).into_iter().flatten() {
                prop_assert!(matches!(told, Pay::Unknown(_) | Pay::Waiting(..)), "{:?}", told);
            }
            for told in undoes(icbc, &reply).into_iter().flatten() {
                prop_assert!(matches!(told, Undone::Unknown(_)), "{:?}", told);
            }
            for told in refunds(icbc, &reply).into_iter().flatten() {
                prop_assert!(matches!(told, Refund::Unknown(_) | Refund::NotFound), "{:?}", told);
            }
        }
    }

    #[test]
    fn readers_of_plain_text_do_not_panic(text in ".{0,200}", code in "[-0-9A-Za-z]{0,12}") {
        let _ = sign::content_of(&text);
        prop_assert!(sign::path_of(&text).starts_with('/'));
        let _ = codes::class(codes::Api::Pay, &code);
        let signed = format!("{{\"response_biz_content\":{text},\"sign\":\"AAAA\"}}");
        prop_assert_eq!(sign::content_of(&signed).map(|(content, _)| content), Some(text.as_str()));
    }
}
