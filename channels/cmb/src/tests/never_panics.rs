//! Arbitrary bytes: nothing panics, and nothing that the bank did not sign is believed. Signed arbitrary content is never believed to be
//! about our order with another amount.

use super::callbacks::take;
use super::{BANK, NOW, attempt, cmb, direct, env, good, order, refund_of};
use crate::bill::{self, Columns};
use crate::keys::lenient;
use crate::{Cmb, sign};
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_contract::{Channel, Exchange, Fen, HttpReply, Method, Pay, Reader, Reading, Refund, Statement, Step, Undone, Verb};
use sluice_kit::form;
use std::sync::LazyLock;

static CMB: LazyLock<Cmb> = LazyLock::new(direct);
static BILLS: LazyLock<Cmb> = LazyLock::new(|| cmb(json!({"statement_columns": {"number": "n", "amount": "a"}})));

/// One step of every kind: what it sent does not matter here, and signing it again and again would.
struct Steps {
    pay: [Step<Pay>; 4],
    undo: [Step<Undone>; 2],
    refund: [Step<Refund>; 2],
    statement: Exchange<Statement>,
}

static STEPS: LazyLock<Steps> = LazyLock::new(|| {
    let (qr, code, env) = (attempt(&CMB, Method::CmbQr), attempt(&CMB, Method::CmbBarcode), env(NOW));
    let refund = refund_of(qr.clone());
    Steps {
        pay: [CMB.query(&qr, &env), CMB.query(&code, &env), CMB.pay(&qr, &order(), &env), CMB.pay(&code, &order(), &env)],
        undo: [CMB.close(&qr, &env), CMB.reverse(&code, &env)],
        refund: [CMB.refund(&refund, &env), CMB.query_refund(&refund, &env)],
        statement: match BILLS.statement(NOW.day(), None, &env) {
            Step::Send(exchange) => exchange,
            other => panic!("{other:?}"),
        },
    }
});

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![4 => Just(200_u16), 1 => Just(204), 1 => Just(400), 1 => Just(500), 1 => any::<u16>()]
}

/// Bytes that look like something: JSON of the API's words, forms, or noise.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let word = "(returnCode|respCode|errCode|SUCCESS|FAIL|biz_content|sign|signMethod|02|tradeState|txnAmt|S|ORDERID_INVALID|\\{|\\}|\"|:|,|&|=|%7B|1|null)";
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        proptest::collection::vec(word, 0..40).prop_map(|words| words.concat().into_bytes()),
        ("(SUCCESS|FAIL)", "(SUCCESS|FAIL)", "(ORDERID_INVALID|ORDER_PAID|NOT_ENOUGH|[A-Z_]{0,12})", "[MEY+/=A-Za-z0-9]{0,96}").prop_map(
            |(outer, inner, code, sign)| {
                let content = r#"{"tradeState":"S","refundState":"S","closeState":"C","cancelState":"C","txnAmt":"100"}"#;
                json!({"returnCode": outer, "respCode": inner, "errCode": code, "sign": sign, "signMethod": "02", "biz_content": content})
                    .to_string()
                    .into_bytes()
            }
        ),
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn callbacks_of_noise_are_rejected(body in body(), get in any::<bool>()) {
        let verb = if get { Verb::Get } else { Verb::Post };
        prop_assert!(take(&CMB, verb, &body).is_err());
    }

    #[test]
    fn no_reply_of_noise_settles_anything(status in status(), body in body()) {
        let reply = HttpReply::new(status, &[], body);
        for step in &STEPS.pay {
            prop_assert!(matches!(reading(step, &reply), Some(Pay::Unknown(_))));
        }
        for step in &STEPS.undo {
            prop_assert!(matches!(reading(step, &reply), Some(Undone::Unknown(_))));
        }
        for step in &STEPS.refund {
            prop_assert!(matches!(reading(step, &reply), Some(Refund::Unknown(_))));
        }
        prop_assert!(matches!(STEPS.statement.read(&reply, &env(NOW)), Reading::Is(Statement::Unknown(_))));
    }

    #[test]
    fn readers_of_plain_bytes_do_not_panic(body in body()) {
        let _ = lenient(&body);
        let tree = json!({"number": "S", "amount": "1"});
        let _ = bill::rows(body.as_slice(), Columns::read(&Reader::root("columns", &tree)), "m".to_owned()).count();
    }

    #[test]
    fn strict_der_is_read_and_read_back(r in proptest::array::uniform32(1_u8..=0xfe), s in proptest::array::uniform32(1_u8..=0xfe)) {
        let signature = sm2::dsa::Signature::from_slice(&[r, s].concat());
        prop_assume!(signature.is_ok());
        let signature = signature.unwrap();
        prop_assert_eq!(lenient(signature.to_der().as_bytes()), Some(signature));
    }
}

/// A content with the names that readers look at and any values.
fn content() -> impl Strategy<Value = Value> {
    let name = "(merId|orderId|origOrderId|txnAmt|dscAmt|refundAmt|refundDscAmt|tradeState|refundState|closeState|cancelState|payType|currencyCode|endDate|endTime|txnTime|qrCode|cmbOrderId|fileDownloadUrl)";
    let value = prop_oneof![
        "(S|P|F|C|D|R|100|99|0|156|WX|20261123|99999999999999|-1)".prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        any::<bool>().prop_map(Value::from),
    ];
    proptest::collection::btree_map(name, value, 0..12).prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn signed_arbitrary_content_is_never_paid_with_another_amount(content in content()) {
        let reply = good(&content);
        for step in &STEPS.pay {
            if let Some(Pay::Paid(payment)) = reading(step, &reply) {
                prop_assert_eq!(payment.amount, Fen(100));
                prop_assert!(payment.payer_amount.is_none_or(|paid| (0..=100).contains(&paid.0)));
            }
        }
        let _ = (STEPS.undo.each_ref().map(|step| reading(step, &reply)), STEPS.statement.read(&reply, &env(NOW)));
        for step in &STEPS.refund {
            if let Some(Refund::Succeeded(refunded)) = reading(step, &reply) {
                prop_assert!(refunded.payer_amount.is_none_or(|back| (0..=50).contains(&back.0)));
            }
        }
        let text = content.to_string();
        let members = [("biz_content", text.as_str()), ("signMethod", "02")];
        let signature = super::signer(BANK).sign(&sign::text(members), &[1; 32]).unwrap();
        let body = form::encode_pairs(members.into_iter().chain([("sign", signature.as_str())]));
        let _ = take(&CMB, Verb::Post, body.as_bytes());
    }
}
