//! What a reply to a new order means, in either family.

use super::{NOW, NUMBER, answer, attempt, block, direct, env, error, family_b, order, read, read_two};
use crate::Icbc;
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, Failure, FailureCode, Fault, Fen, HttpReply, Method, Pay, Step, WhyKind};

fn pay(icbc: &Icbc, method: Method) -> Step<Pay> {
    icbc.pay(&attempt(icbc, method), &order(), &env(NOW))
}

fn unknown(pay: &Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_placed_order_has_its_code() {
    let code = "https://qr.95516.com/01020000/abc?x=1&y=\"q\"";
    let told = read(&pay(&direct(), Method::IcbcQr), &answer(json!({"return_code": 0, "qrcode": code, "attach": "a"})));
    assert!(matches!(told, Pay::Waiting(Action::QrCode { content }, _) if content == code));
    let reply = answer(json!({"return_code": "0", "codeUrl": code, "supportAppType": "1010", "order_id": "O1"}));
    match read(&pay(&family_b(), Method::IcbcQr), &reply) {
        Pay::Waiting(Action::QrCode { content }, handles) => assert_eq!((content.as_str(), handles["order_id"].as_str()), (code, "O1")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_without_a_code_or_with_the_other_familys_is_unknown() {
    for body in [json!({"return_code": 0}), json!({"return_code": 0, "qrcode": ""}), json!({"return_code": 0, "codeUrl": "x"})] {
        assert_eq!(unknown(&read(&pay(&direct(), Method::IcbcQr), &answer(body))), WhyKind::Unreadable);
    }
    assert_eq!(unknown(&read(&pay(&family_b(), Method::IcbcQr), &answer(json!({"return_code": "0", "qrcode": "x"})))), WhyKind::Unreadable);
}

#[test]
fn a_reply_about_another_order_is_an_alarm() {
    for other in [json!({"out_trade_no": "X"}), json!({"total_amt": "1"}), json!({"mer_id": "020001020009"})] {
        let body = super::changed(json!({"return_code": "0", "codeUrl": "x"}), other.clone());
        assert_eq!(unknown(&read(&pay(&family_b(), Method::IcbcQr), &answer(body))), WhyKind::Contradiction, "{other}");
        let body = super::changed(json!({"return_code": "0"}), other.clone());
        assert_eq!(unknown(&read(&pay(&direct(), Method::IcbcBarcode), &answer(body))), WhyKind::Contradiction, "{other}");
    }
}

fn purchased(method: Method, package: Value) -> Pay {
    let body = super::changed(json!({"return_code": "0", "out_trade_no": NUMBER, "total_amt": "1000"}), package);
    read(&pay(&direct(), method), &answer(body))
}

#[test]
fn a_wallets_package_becomes_its_parameters() {
    let package = json!({"wx_data_package": r#"{"appId":"wx0","paySign":"s"}"#, "zzz_data_package": ""});
    let told = purchased(Method::WechatJsapi, package.clone());
    assert!(matches!(told, Pay::Waiting(Action::Jsapi { params }, _) if params["paySign"] == "s" && params.len() == 2));
    assert!(matches!(purchased(Method::WechatApp, package), Pay::Waiting(Action::App { params }, _) if params["appId"] == "wx0"));
    let object = json!({"wx_data_package": {"appId": "wx0"}});
    assert!(matches!(purchased(Method::WechatMini, object), Pay::Waiting(Action::Jsapi { params }, _) if params["appId"] == "wx0"));
    let plain = json!({"any_data_package": "2026112322001"});
    let told = purchased(Method::AlipayJsapi, plain);
    assert!(matches!(told, Pay::Waiting(Action::Jsapi { params }, _) if params["any_data_package"] == "2026112322001"));
}

#[test]
fn no_package_two_or_a_strange_one_is_unknown() {
    for strange in [
        json!({}),
        json!({"wx_data_package": ""}),
        json!({"wx_data_package": 7}),
        json!({"wx_data_package": {"a": 1}}),
        json!({"wx_data_package": "x", "b_data_package": "y"}),
    ] {
        assert_eq!(unknown(&purchased(Method::WechatJsapi, strange.clone())), WhyKind::Unreadable, "{strange}");
    }
}

#[test]
fn a_barcode_paid_at_once_is_paid_and_a_password_is_waited_for() {
    let step = pay(&direct(), Method::IcbcBarcode);
    match read(&step, &answer(block(json!({"pay_status": "1"})))) {
        Pay::Paid(payment) => assert_eq!((payment.amount, payment.payer_amount), (Fen(1000), Some(Fen(550)))),
        other => panic!("{other:?}"),
    }
    assert!(matches!(read(&step, &answer(block(json!({"pay_status": 0})))), Pay::Waiting(Action::Wait { .. }, _)));
}

#[test]
fn a_barcode_without_a_state_is_asked_about_at_once() {
    let step = pay(&direct(), Method::IcbcBarcode);
    let (api, told) = read_two(&step, &answer(block(json!({}))), &answer(block(json!({"pay_status": "1"}))));
    assert!(matches!((api, told), ("qrcode.query", Pay::Paid(_))));
}

#[test]
fn a_barcodes_bad_news_are_believed_from_the_query_only() {
    let step = pay(&direct(), Method::IcbcBarcode);
    for state in ["2", "-1", "9"] {
        let first = answer(block(json!({"pay_status": state})));
        let (_, told) = read_two(&step, &first, &answer(block(json!({"pay_status": "2"}))));
        assert!(matches!(told, Pay::Failed(Failure { code: FailureCode::ChannelRefused, fault: Fault::Payer, .. })), "{state}");
        let (_, told) = read_two(&step, &first, &answer(block(json!({"pay_status": "1"}))));
        assert!(matches!(told, Pay::Paid(_)), "{state}");
        let (_, told) = read_two(&step, &first, &HttpReply::new(502, &[], ""));
        assert_eq!(unknown(&told), WhyKind::NoAnswer, "{state}");
    }
}

#[test]
fn an_order_that_exists_already_is_asked_about() {
    let step = pay(&direct(), Method::IcbcBarcode);
    let (api, told) = read_two(&step, &error("00005031"), &answer(block(json!({"pay_status": "0"}))));
    assert!(matches!((api, told), ("qrcode.query", Pay::Waiting(..))));
    assert_eq!(unknown(&read(&pay(&direct(), Method::IcbcQr), &error("00005031"))), WhyKind::Pending);
}

#[test]
fn refusals_are_definite_only_where_the_pack_says_so() {
    for method in [Method::IcbcQr, Method::IcbcBarcode, Method::WechatMini] {
        let step = pay(&direct(), method);
        match read(&step, &error("400011")) {
            Pay::Failed(failure) => {
                assert_eq!((failure.code, failure.fault), (FailureCode::RequestInvalid, Fault::Request));
                assert_eq!(failure.channel_code.as_deref(), Some("400011"));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(read(&step, &error("400017")), Pay::Failed(Failure { fault: Fault::Account, .. })));
        for code in ["20000002", "12001081", "5940021", "400019", "85502"] {
            assert_eq!(unknown(&read(&step, &error(code))), WhyKind::Pending, "{code}");
        }
        for code in ["1", "-1", "99", "SANDBOX_LIMIT", "00", "4000110"] {
            assert_eq!(unknown(&read(&step, &error(code))), WhyKind::Unlisted, "{code}");
        }
    }
}

#[test]
fn a_code_as_a_number_is_the_same_code() {
    let step = pay(&direct(), Method::IcbcQr);
    assert!(matches!(read(&step, &answer(json!({"return_code": 400_011, "return_msg": "x"}))), Pay::Failed(_)));
    assert_eq!(unknown(&read(&step, &answer(json!({"return_code": 5031})))), WhyKind::Pending);
    assert_eq!(unknown(&read(&step, &answer(json!({"qrcode": "x"})))), WhyKind::Unreadable, "no code is no success");
    assert_eq!(unknown(&read(&step, &answer(json!({"return_code": null, "qrcode": "x"})))), WhyKind::Unreadable);
}
