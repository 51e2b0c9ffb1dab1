//! Placing orders: the bytes that go out, and what comes back.

use super::{
    AT, BASE, MER_ID, NOW, NUMBER, attempt, changed, direct, echo, env, list, notes, order, read, read_then, reading_at, reply, request_of,
    sent, state, str_of, unionpay, vectors,
};
use crate::UnionPay;
use serde_json::{Value, json};
use sluice_contract::{
    Action, AttemptRef, Channel, Fault, Fen, HttpReply, Method, Notes, Pay, PayOrder, Reading, RefusalKind, Step, Store, Terminal, WhyKind,
};

fn placed(channel: &UnionPay, method: Method) -> Step<Pay> {
    channel.pay(&attempt(channel, method), &order(), &env(NOW))
}

/// What UnionPay echoes to the pay call of a method.
fn answer(sub_type: &str, changes: Value) -> HttpReply {
    reply(changed(echo("01", sub_type, NUMBER, AT), &changes))
}

fn form(step: Step<Pay>) -> (String, Notes) {
    match step {
        Step::Done(Pay::Waiting(Action::Form { url, fields }, _)) => (url, fields),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_method_travels_under_its_own_codes_with_the_attempts_own_time() {
    let channel = direct();
    for (method, path, sub_type, biz_type, channel_type) in [
        (Method::UnionpayQr, "/gateway/api/backTransReq.do", "07", "000000", "08"),
        (Method::UnionpayBarcode, "/gateway/api/backTransReq.do", "06", "000000", "08"),
        (Method::UnionpayApp, "/gateway/api/appTransReq.do", "01", "000201", "08"),
        (Method::UnionpayWeb, "/gateway/api/frontTransReq.do", "01", "000201", "07"),
        (Method::UnionpayWap, "/gateway/api/frontTransReq.do", "01", "000201", "08"),
        (Method::UnionpayB2b, "/gateway/api/frontTransReq.do", "01", "000202", "07"),
    ] {
        let (url, fields) = match placed(&channel, method) {
            Step::Send(exchange) => (exchange.request.url.clone(), sent(&exchange.request)),
            step => form(step),
        };
        assert_eq!(url, format!("{BASE}{path}"), "{method:?}");
        let expected = json!({
            "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "69910000021", "txnType": "01", "txnSubType": sub_type,
            "bizType": biz_type, "channelType": channel_type, "accessType": "0", "merId": MER_ID, "orderId": NUMBER,
            "txnTime": AT.compact(), "txnAmt": "100", "currencyCode": "156", "backUrl": "https://pay.example.com/notify/up-main",
        });
        for (name, value) in notes(&expected) {
            assert_eq!(fields.get(&name), Some(&value), "{method:?} {name}");
        }
        let is_form = url.contains("front");
        assert_eq!(fields.contains_key("frontUrl"), is_form, "{method:?}");
        assert_eq!(fields.contains_key("qrNo"), method.is_barcode());
        assert_eq!(fields.contains_key("payTimeout"), !method.is_barcode());
        assert_eq!(fields.get("orderDesc").map(String::as_str), (!method.is_barcode()).then_some("一箱苹果 大  more"));
        let mut unsigned = fields.clone();
        let signature = unsigned.remove("signature").unwrap();
        assert_eq!(channel.account.signer.sign(&unsigned).unwrap()["signature"], signature, "{method:?}");
    }
}

#[test]
fn the_bytes_are_those_of_the_vectors() {
    let file = vectors!("sign_request");
    let channel = direct();
    for (id, method) in
        [("own-a-qr-apply", Method::UnionpayQr), ("own-a-qr-consume", Method::UnionpayBarcode), ("own-a-app-order", Method::UnionpayApp)]
    {
        let vector = list(&file, "vectors").iter().find(|v| v["id"] == id).unwrap();
        let theirs = notes(&vector["signed_fields"]);
        let ours = sent(request_of(&placed(&channel, method)));
        let names = |fields: &Notes, but: &[&str]| fields.keys().filter(|n| !but.contains(&n.as_str())).cloned().collect::<Vec<_>>();
        let but = ["signature", "orderDesc", "termId", "riskRateInfo", "reqReserved"];
        assert_eq!(names(&ours, &but), names(&theirs, &but), "{id}");
        for name in ["txnType", "txnSubType", "bizType", "channelType", "accessType", "merId", "currencyCode", "version", "encoding"] {
            assert_eq!(ours[name], theirs[name], "{id} {name}");
        }
    }
}

#[test]
fn a_repeat_sends_the_same_bytes_and_no_time_of_its_own() {
    let channel = direct();
    for method in [Method::UnionpayQr, Method::UnionpayBarcode, Method::UnionpayApp] {
        let attempt = attempt(&channel, method);
        let first = channel.pay(&attempt, &order(), &env(NOW));
        let second = channel.pay(&attempt, &order(), &env(NOW.plus(500)));
        assert_eq!(request_of(&first), request_of(&second), "{method:?}");
    }
    let attempt = attempt(&channel, Method::UnionpayWeb);
    assert_eq!(form(channel.pay(&attempt, &order(), &env(NOW))), form(channel.pay(&attempt, &order(), &env(NOW.plus(500)))));
}

#[test]
fn a_code_and_a_tn_are_the_payers_next_step_and_no_payment() {
    let channel = direct();
    let qr = read(&placed(&channel, Method::UnionpayQr), &answer("07", json!({"qrCode": "https://qr.95516.com/00010000/0101"})));
    assert_eq!(qr, Pay::Waiting(Action::QrCode { content: "https://qr.95516.com/00010000/0101".into() }, Notes::new()));
    let app = read(&placed(&channel, Method::UnionpayApp), &answer("01", json!({"tn": "521020260103"})));
    assert_eq!(app, Pay::Waiting(Action::App { params: notes(&json!({"tn": "521020260103"})) }, Notes::new()));
    for (method, sub_type, changes) in [
        (Method::UnionpayQr, "07", json!({})),
        (Method::UnionpayQr, "07", json!({"qrCode": ""})),
        (Method::UnionpayQr, "07", json!({"tn": "521020260103"})),
        (Method::UnionpayApp, "01", json!({})),
    ] {
        let said = read(&placed(&channel, method), &answer(sub_type, changes));
        assert!(matches!(&said, Pay::Unknown(why) if why.kind == WhyKind::Unreadable), "{said:?}");
    }
}

#[test]
fn a_consume_is_accepted_by_00_and_paid_by_the_query() {
    let channel = direct();
    let step = placed(&channel, Method::UnionpayBarcode);
    for code in ["00", "A6"] {
        let Reading::Then(query) = reading_at(&step, &answer("06", json!({"respCode": code, "queryId": "1"})), NOW) else {
            panic!("{code}")
        };
        let fields = sent(&query.request);
        assert_eq!((fields["txnType"].as_str(), fields["orderId"].as_str(), &fields["txnTime"]), ("00", NUMBER, &AT.compact()));
        assert!(!fields.contains_key("channelType"), "a query carries none");
    }
    let paid = read_then(&step, &answer("06", json!({})), &reply(state("00")));
    assert!(matches!(paid, Pay::Paid(_)), "{paid:?}");
    let lost = read_then(&step, &answer("06", json!({})), &HttpReply::new(502, &[], "bad gateway"));
    assert!(matches!(lost, Pay::Unknown(_)), "{lost:?}");
    let waiting = read(&step, &answer("06", json!({"respCode": "70"})));
    assert!(matches!(waiting, Pay::Waiting(Action::Wait { .. }, _)), "{waiting:?}");
}

#[test]
fn refusals_are_failures_and_doubts_are_not() {
    let channel = direct();
    for (method, sub_type) in [(Method::UnionpayQr, "07"), (Method::UnionpayBarcode, "06"), (Method::UnionpayApp, "01")] {
        let step = placed(&channel, method);
        for (code, fault) in
            [("64", Fault::Payer), ("33", Fault::Account), ("10", Fault::Request), ("11", Fault::Account), ("88", Fault::Payer)]
        {
            match read(&step, &answer(sub_type, json!({"respCode": code, "respMsg": "说明[1]"}))) {
                Pay::Failed(failure) => assert_eq!((failure.fault, failure.channel_code.as_deref()), (fault, Some(code))),
                other => panic!("{code}: {other:?}"),
            }
        }
        for code in ["03", "04", "05", "06", "12", "34", "42", "83", "99", "98", "5", "", "ZZ", "000", "A7"] {
            let said = read(&step, &answer(sub_type, json!({"respCode": code})));
            assert!(matches!(said, Pay::Unknown(_)), "{code}: {said:?}");
        }
    }
}

#[test]
fn an_answer_about_something_else_decides_nothing() {
    let channel = direct();
    let step = placed(&channel, Method::UnionpayBarcode);
    for code in ["00", "64"] {
        for changes in [
            json!({"merId": "777290058110097"}),
            json!({"orderId": "A20260601ABCDEFGHJKMNPQRST1"}),
            json!({"txnTime": NOW.compact()}),
            json!({"txnAmt": "101"}),
            json!({"txnAmt": "1", "currencyCode": "156"}),
            json!({"currencyCode": "840"}),
            json!({"txnType": "00"}),
            json!({"txnType": "99"}),
            json!({"txnSubType": "07"}),
            json!({"subMerId": "S1"}),
            json!({"orderId": null}),
            json!({"txnTime": null}),
            json!({"merId": null}),
        ] {
            let mut all = changes.clone();
            all["respCode"] = json!(code);
            let said = read(&step, &answer("06", all));
            assert!(matches!(said, Pay::Unknown(_)), "{code} {changes}: {said:?}");
        }
    }
}

#[test]
fn what_is_no_signed_200_is_no_answer() {
    let channel = direct();
    let step = placed(&channel, Method::UnionpayBarcode);
    let genuine = String::from_utf8(answer("06", json!({"respCode": "64"})).bytes().to_vec()).unwrap();
    assert!(matches!(read(&step, &HttpReply::new(200, &[], genuine.as_str())), Pay::Failed(_)));
    for (status, body) in [
        (500, genuine.clone()),
        (201, genuine.clone()),
        (302, genuine.clone()),
        (200, String::new()),
        (200, genuine.replace("respCode=64", "respCode=61")),
        (200, genuine.replace("respCode=64&", "")),
        (200, genuine.replace("\r\n", "\n")),
        (200, format!("{genuine}&extra=1")),
        (200, format!("{genuine}&respCode=64")),
        (200, genuine.replace('+', " ")),
        (200, genuine.get(..200).unwrap().to_owned()),
        (200, genuine.replace("respMsg=", "respMsg=[")),
        (200, "<html>maintenance</html>".into()),
    ] {
        let said = read(&step, &HttpReply::new(status, &[], body));
        assert!(matches!(said, Pay::Unknown(_)), "{status}: {said:?}");
    }
    let gbk = [genuine.as_bytes(), b"\xb3\xc9"].concat();
    assert!(matches!(read(&step, &HttpReply::new(200, &[], gbk)), Pay::Unknown(_)));
    let other_encoding = reply(changed(echo("01", "06", NUMBER, AT), &json!({"respCode": "64", "encoding": "GBK"})));
    assert!(matches!(read(&step, &other_encoding), Pay::Unknown(_)));
}

#[test]
fn terminals_of_eight_digits_are_named_and_others_not() {
    let channel = direct();
    let term = |id: &str, store: &str| {
        let order = PayOrder {
            terminal: Some(Terminal { id: Some(id.into()), ..Terminal::default() }),
            store: Some(Store { term_id: Some(store.into()), ..Store::default() }),
            ..order()
        };
        sent(request_of(&channel.pay(&attempt(&channel, Method::UnionpayBarcode), &order, &env(NOW)))).get("termId").cloned()
    };
    assert_eq!(term("00000011", "").as_deref(), Some("00000011"));
    assert_eq!(term("SMQ01", "00000012").as_deref(), Some("00000012"));
    assert_eq!(term("SMQ00001", "1"), None);
}

#[test]
fn a_platform_names_its_sub_merchant_and_an_acquirer_itself() {
    let platform = unionpay(json!({"access_type": "2"}));
    let mut attempt = AttemptRef {
        sub: notes(&json!({"sub_mer_id": "S1", "sub_mer_name": "测试商户", "sub_mer_abbr": "测试"})),
        ..super::attempt(&direct(), Method::UnionpayQr)
    };
    attempt.memo = platform.admit(&attempt, &order()).unwrap();
    let fields = sent(request_of(&platform.pay(&attempt, &order(), &env(NOW))));
    let named = ["accessType", "subMerId", "subMerName", "subMerAbbr"].map(|name| fields[name].as_str());
    assert_eq!(named, ["2", "S1", "测试商户", "测试"]);
    let acquirer =
        unionpay(json!({"access_type": "1", "acq_ins_code": "00010000", "mer_name": "商户", "mer_abbr": "商", "mer_cat_code": "5311"}));
    let own = super::attempt(&acquirer, Method::UnionpayQr);
    let fields = sent(request_of(&acquirer.pay(&own, &order(), &env(NOW))));
    assert_eq!(["accessType", "acqInsCode", "merCatCode"].map(|name| fields[name].as_str()), ["1", "00010000", "5311"]);
    assert_eq!(sent(request_of(&acquirer.query(&own, &env(NOW))))["acqInsCode"], "00010000");
}

#[test]
fn what_unionpay_would_refuse_is_refused_before() {
    let channel = direct();
    let good = attempt(&channel, Method::UnionpayQr);
    let refused = |attempt: AttemptRef, order: PayOrder| channel.admit(&attempt, &order).err().map(|refusal| refusal.kind);
    assert_eq!(refused(good.clone(), order()), None);
    assert_eq!(refused(AttemptRef { amount: Fen(0), ..good.clone() }, order()), Some(RefusalKind::Field("amount")));
    assert_eq!(refused(AttemptRef { amount: Fen(1_000_000_000_000), ..good.clone() }, order()), Some(RefusalKind::Field("amount")));
    assert_eq!(refused(AttemptRef { expires_at: AT.plus(7201), ..good.clone() }, order()), Some(RefusalKind::Field("expires_in")));
    assert_eq!(refused(AttemptRef { app_id: Some("wx1".into()), ..good.clone() }, order()), Some(RefusalKind::Field("app_id")));
    assert_eq!(refused(AttemptRef { method: Method::WechatNative, ..good.clone() }, order()), Some(RefusalKind::Account));
    let sub = notes(&json!({"sub_mer_id": "S1"}));
    assert_eq!(refused(AttemptRef { sub, ..good.clone() }, order()), Some(RefusalKind::Account));
    let barcode = attempt(&channel, Method::UnionpayBarcode);
    assert_eq!(refused(barcode.clone(), PayOrder { auth_code: None, ..order() }), Some(RefusalKind::Field("auth_code")));
    let file = vectors!("paycode_and_ua");
    for vector in list(&file, "paycodes") {
        let order = PayOrder { auth_code: Some(str_of(vector, "code").into()), ..order() };
        assert_eq!(refused(barcode.clone(), order).is_none(), vector["channel"] == "unionpay", "{vector}");
    }
    let file = vectors!("order_id");
    for vector in list(&file, "vectors") {
        let attempt = AttemptRef { number: str_of(vector, "orderId").into(), ..good.clone() };
        assert_eq!(refused(attempt, order()).is_none(), vector["ok"] == true, "{vector}");
    }
}

#[test]
fn identity_is_frozen_and_read_from_the_attempt() {
    let channel = direct();
    let attempt = attempt(&channel, Method::UnionpayWap);
    assert_eq!(
        attempt.memo,
        notes(&json!({"merId": MER_ID, "accessType": "0", "txnTime": AT.compact(), "bizType": "000201", "channelType": "08"}))
    );
    // Another merId in the config later changes nothing for what was begun.
    let moved = unionpay(json!({"mer_id": "777290058110097"}));
    let fields = sent(request_of(&moved.query(&attempt, &env(NOW.plus(9000)))));
    assert_eq!((fields["merId"].as_str(), &fields["txnTime"]), (MER_ID, &AT.compact()));
}

#[test]
fn nothing_that_is_printed_holds_the_payers_code() {
    let channel = direct();
    let step = placed(&channel, Method::UnionpayBarcode);
    assert!(!format!("{step:?}").contains("6220000000000001637"));
    let said = read(&step, &answer("06", json!({"respCode": "88", "accNo": "6216261000000000018"})));
    assert!(!format!("{said:?}").contains("6216261000000000018"));
}

#[test]
fn the_profile_says_what_unionpay_can_do() {
    let channel = direct();
    let profile = channel.profile();
    assert_eq!((profile.number.len_min, profile.number.len_max), (8, 32));
    let of = |method| profile.method(method).unwrap();
    assert!(profile.methods.iter().all(|m| !m.can_close && !m.can_repeat && m.calls_back));
    assert_eq!(of(Method::UnionpayBarcode).required, ["auth_code"]);
    assert_eq!(of(Method::UnionpayBarcode).reverse.as_ref().and_then(|r| r.day_ends_at_s), Some(82_800));
    assert!(profile.methods.iter().filter(|m| m.method != Method::UnionpayBarcode).all(|m| m.reverse.is_none()));
    assert_eq!(of(Method::UnionpayQr).refund_window_s, Some(30 * 86_400));
    assert_eq!(of(Method::UnionpayWeb).refund_window_s, None);
    assert_eq!(profile.refund.window_s, 330 * 86_400);
    assert_eq!(of(Method::UnionpayWeb).code_life_s, Some(900));
    assert!(!profile.refund.can_repeat);
}
