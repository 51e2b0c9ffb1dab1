//! Arbitrary bytes: nothing panics, and nothing that nobody signed is believed.

use super::{NOW, attempt, certs, direct, env, opened, order, provider, refund_of};
use crate::{Alipay, bill, certificate, sign};
use proptest::prelude::*;
use sluice_contract::fields::parse_json;
use sluice_contract::{Channel, HttpReply, KeyHint, Method, Pay, Person, Reading, Refund, Renewed, Statement, Step, Undone, Visitor};
use sluice_kit::aes::AesKey;
use std::sync::{Arc, LazyLock};

static KEYED: LazyLock<Alipay> = LazyLock::new(direct);
static PROVIDER: LazyLock<Alipay> = LazyLock::new(provider);
static CERTIFIED: LazyLock<Alipay> =
    LazyLock::new(|| Alipay { account: Arc::new(opened(&certs::credentials(), false).unwrap_or_else(|p| panic!("{p:?}"))) });

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200_u16), 1 => Just(500), 1 => any::<u16>()]
}

/// Bytes that look like something: the gateway's words, a form, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = "(alipay_trade_(pay|query|close|cancel|refund|precreate|fastpay_refund_query)_response|error_response|code|10000|10003|40004|\
        sub_code|ACQ.TRADE_NOT_EXIST|trade_status|TRADE_SUCCESS|sign|alipay_cert_sn|fund_change|Y|\\{|\\}|\"|:|,|&|=|\\\\|%|1|null|\\[|\\])";
    let sub = "(ACQ.TRADE_NOT_EXIST|ACQ.BUYER_SELLER_EQUAL|ACQ.TRADE_HAS_CLOSE|isv.invalid-signature|ACQ.SYSTEM_ERROR|aop.invalid-app-auth-token)";
    let method = "(alipay_trade_(pay|query|close|cancel|refund|precreate|create|fastpay_refund_query)|alipay_system_oauth_token|\
        alipay_open_auth_token_app|alipay_data_dataservice_bill_downloadurl_query)";
    let code = "(10000|10003|20000|20001|40002|40004)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        (method, code, sub, "[A-Za-z0-9+/]{0,344}", any::<bool>()).prop_map(|(method, code, sub, sign, signed)| {
            let node = format!(
                "{{\"code\":\"{code}\",\"sub_code\":\"{sub}\",\"out_trade_no\":\"{}\",\"trade_status\":\"TRADE_SUCCESS\",\
                \"total_amount\":\"88.88\",\"fund_change\":\"Y\",\"retry_flag\":\"N\",\"action\":\"close\"}}",
                super::NUMBER
            );
            let sign = if signed { format!(",\"sign\":\"{sign}\"") } else { String::new() };
            format!("{{\"{method}_response\":{node}{sign}}}").into_bytes()
        }),
        "(app_id=2021000122671080&)?(out_trade_no=A1&)?(trade_status=TRADE_SUCCESS&)?(sign=[A-Za-z0-9%]{0,40}&)?(total_amount=1&)?.{0,20}"
            .prop_map(String::into_bytes),
    ]
}

fn told<T: std::fmt::Debug>(step: &Step<T>, reply: &HttpReply) -> Option<T> {
    match step {
        Step::Send(exchange) => match exchange.read(reply, &env(NOW)) {
            Reading::Is(value) => Some(value),
            Reading::Then(_) => panic!("nothing was believed, yet something follows"),
            Reading::NeedKeys(_) => None,
        },
        other => panic!("nothing is sent: {other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn callbacks_of_noise_are_rejected(body in body()) {
        for alipay in [&*KEYED, &*PROVIDER, &*CERTIFIED] {
            prop_assert!(super::callbacks::take(alipay, &body).is_err());
        }
    }

    #[test]
    fn no_reply_of_noise_settles_anything(status in status(), body in body()) {
        let reply = HttpReply::new(status, &[], body);
        for alipay in [&*KEYED, &*PROVIDER, &*CERTIFIED] {
            let (online, barcode) = (attempt(alipay, Method::AlipayQr), attempt(alipay, Method::AlipayBarcode));
            let refund = refund_of(online.clone());
            let now = env(NOW);
            for step in [alipay.pay(&barcode, &order(), &now), alipay.pay(&online, &order(), &now), alipay.query(&online, &now)] {
                prop_assert!(matches!(told(&step, &reply), None | Some(Pay::Unknown(_))));
            }
            for step in [alipay.reverse(&barcode, &now), alipay.close(&online, &now)] {
                prop_assert!(matches!(told(&step, &reply), None | Some(Undone::Unknown(_))));
            }
            for step in [alipay.refund(&refund, &now), alipay.query_refund(&refund, &now)] {
                prop_assert!(matches!(told(&step, &reply), None | Some(Refund::Unknown(_))));
            }
            let who = Visitor { method: Method::AlipayJsapi, app_id: None, sub: &online.sub };
            prop_assert!(matches!(told(&alipay.identify(&who, "auth_code=a", &now), &reply), None | Some(Person::Unknown(_))));
            prop_assert!(matches!(told(&alipay.statement(NOW.day(), None, &now), &reply), None | Some(Statement::Unknown(_))));
        }
        let token = KeyHint { key_id: format!("app_auth_token:{}", super::MERCHANT) };
        prop_assert!(matches!(told(&PROVIDER.renew(&token, &env(NOW)), &reply), None | Some(Renewed::Unknown(_))));
        let sn = KeyHint { key_id: "0123456789abcdef0123456789abcdef".into() };
        prop_assert!(matches!(told(&CERTIFIED.renew(&sn, &env(NOW)), &reply), None | Some(Renewed::Unknown(_))));
    }

    #[test]
    fn readers_of_plain_bytes_do_not_panic(body in body(), text in ".{0,60}") {
        let _ = sign::raw_member(&body, "sign");
        let _ = sign::envelope(&body, "alipay.trade.query");
        let _ = bill::rows(body.as_slice(), bill::Whose::default()).take(100).count();
        let _ = bill::is_detail(&body);
        let _ = AesKey::read("aYA0GP8JEW+D7/UFaskCWA==").unwrap().open(&text);
        let _ = certificate::read(&text);
        let _ = crate::trade::time(&text);
        let _ = super::identities::identify(&KEYED, &text);
    }

    #[test]
    fn numbers_become_text_and_nothing_else_changes(text in "[ -~中-龥]{0,20}", number in any::<i32>(), fraction in 0_u32..100) {
        let json = serde_json::json!({"a": text, "b": [number, {"c": true, "d": null}], "e1": "1e5"}).to_string();
        let with_fraction = json.replacen('}', &format!("}},{number}.{fraction:02}"), 1);
        let tree = parse_json(&sign::numbers_as_text(json.as_bytes())).unwrap();
        prop_assert_eq!(&tree, &serde_json::json!({"a": text, "b": [number.to_string(), {"c": true, "d": null}], "e1": "1e5"}));
        let _ = sign::numbers_as_text(with_fraction.as_bytes());
    }

    #[test]
    fn the_cut_out_member_is_what_a_parser_reads(text in ".{0,30}", other in ".{0,30}") {
        let tree = serde_json::json!({"first": {"inner": other, "node": 1}, "node": {"text": text}, "sign": other});
        let body = tree.to_string();
        let raw = sign::raw_member(body.as_bytes(), "node").unwrap();
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(raw).unwrap(), tree["node"].clone());
    }
}
