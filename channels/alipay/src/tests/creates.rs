//! Placing orders: what is sent and signed, what is refused before, what each answer means.

use super::{
    APP, BUYER, MERCHANT, NOW, NUMBER, PID, alipay, attempt, biz_of, direct, env, error, error_of, good, is_signed, next, order, provider,
    read, reading, request_of, sealed, sent, sent_by, trade, unsealed,
};
use crate::Alipay;
use serde_json::{Value, json};
use sluice_contract::{
    Action, Channel, DiscountKind, FailureCode, Fault, Fen, FundedBy, HttpReply, Method, Pay, PayOrder, Payer, Reading, RefusalKind, Step,
    Store, Terminal, Wallet, WhyKind,
};

const SENT: [(Method, &str); 3] = [
    (Method::AlipayQr, "alipay.trade.precreate"),
    (Method::AlipayJsapi, "alipay.trade.create"),
    (Method::AlipayBarcode, "alipay.trade.pay"),
];

fn pay(alipay: &Alipay, method: Method) -> Step<Pay> {
    alipay.pay(&attempt(alipay, method), &order(), &env(NOW))
}

fn kind(pay: Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

#[test]
fn each_call_is_signed_with_its_public_parameters_in_the_query_and_its_content_in_the_body() {
    let alipay = direct();
    for (method, name) in SENT {
        let step = pay(&alipay, method);
        let request = request_of(&step);
        assert_eq!(request.place(), "https://openapi.alipay.com/gateway.do");
        assert!(request.body.starts_with(b"biz_content=%7B"), "{name}");
        let sent = sent_by(&step);
        assert!(is_signed(&sent), "{name}");
        let wanted = [
            ("app_id", APP),
            ("method", name),
            ("format", "JSON"),
            ("charset", "utf-8"),
            ("sign_type", "RSA2"),
            ("version", "1.0"),
            ("timestamp", "2026-11-23 14:24:27"),
            ("notify_url", "https://pay.example.com/notify/ali-main"),
        ];
        for (name, value) in wanted {
            assert_eq!(sent[name], value);
        }
        assert_eq!(sent.len(), wanted.len() + 2, "nothing else but sign and biz_content: {:?}", sent.keys());
        assert!(sent.values().all(|value| !value.is_empty()), "an empty value is never sent");
        assert!(!format!("{request:?}").contains("biz_content"), "a request is printed without its content");
    }
}

#[test]
fn the_content_is_the_order() {
    let alipay = direct();
    let biz = |method| biz_of(&pay(&alipay, method));
    let shared = json!({"out_trade_no": NUMBER, "total_amount": "88.88", "subject": "一箱苹果", "product_code": "FACE_TO_FACE_PAYMENT"});
    let plus = |more: Value| {
        let mut tree = shared.clone();
        tree.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tree
    };
    assert_eq!(biz(Method::AlipayQr), plus(json!({"time_expire": "2026-11-23 14:39:27"})));
    assert_eq!(biz(Method::AlipayJsapi), plus(json!({"time_expire": "2026-11-23 14:39:27", "buyer_id": BUYER})));
    assert_eq!(biz(Method::AlipayBarcode), plus(json!({"auth_code": "280061098828009406", "scene": "bar_code"})));
}

#[test]
fn stores_tills_operators_and_addresses_go_where_alipay_has_a_place_for_them() {
    let alipay = alipay(json!({"sys_service_provider_id": "2088000000000077", "products": {"qr": "QR_CODE_OFFLINE"}}));
    let store =
        |code: Option<&str>| Store { id: "S1".into(), store_code: code.map(str::to_owned), term_id: Some("T1".into()), ..Store::default() };
    let order = PayOrder {
        store: Some(store(Some("NJ_001"))),
        terminal: Some(Terminal { id: Some("T9".into()), ..Terminal::default() }),
        operator_id: Some("o".repeat(40)),
        client_ip: Some("203.0.113.7".into()),
        ..order()
    };
    let biz = |order: &PayOrder| biz_of(&alipay.pay(&attempt(&alipay, Method::AlipayQr), order, &env(NOW)));
    let full = biz(&order);
    assert_eq!((&full["store_id"], &full["terminal_id"], &full["operator_id"]), (&json!("NJ_001"), &json!("T9"), &json!("o".repeat(28))));
    assert_eq!(full["extend_params"], json!({"sys_service_provider_id": "2088000000000077"}));
    assert_eq!(full["business_params"], json!({"mc_create_trade_ip": "203.0.113.7"}));
    assert_eq!(full["product_code"], "QR_CODE_OFFLINE");
    let bare = biz(&PayOrder { store: Some(store(None)), terminal: None, ..order });
    assert!(bare["store_id"].is_null(), "our own id of a store would be refused");
    assert_eq!(bare["terminal_id"], "T1");
}

#[test]
fn the_same_order_is_the_same_content_at_any_time() {
    let alipay = direct();
    for (method, name) in SENT {
        let attempt = attempt(&alipay, method);
        let first = alipay.pay(&attempt, &order(), &env(NOW));
        let second = alipay.pay(&attempt, &order(), &env(NOW.plus(600)));
        assert_eq!(request_of(&first).body, request_of(&second).body, "{name}");
        assert_ne!(request_of(&first).url, request_of(&second).url, "{name}");
    }
}

#[test]
fn subjects_lose_what_alipay_refuses() {
    let alipay = direct();
    let shown = |subject: &str| {
        let order = PayOrder { subject: subject.into(), ..order() };
        biz_of(&alipay.pay(&attempt(&alipay, Method::AlipayQr), &order, &env(NOW)))["subject"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown(" a/b=c&d,e\n "), "a／b＝c＆d，e");
    assert_eq!(shown("100% + 1").as_str(), "100% + 1");
    assert_eq!(shown(&"苹".repeat(300)).chars().count(), 256);
    for subject in ["\n\t", "pay total_fee", "out_trade_no=7"] {
        let refusal = alipay.admit(&attempt(&alipay, Method::AlipayQr), &PayOrder { subject: subject.into(), ..order() }).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::Field("subject"), "{subject}");
    }
}

#[test]
fn what_alipay_would_refuse_is_refused_before_anything_is_stored() {
    let alipay = direct();
    let refused = |method: Method, change: &dyn Fn(&mut PayOrder)| {
        let mut order = order();
        change(&mut order);
        alipay.admit(&attempt(&alipay, method), &order).unwrap_err().kind
    };
    let field = RefusalKind::Field;
    assert_eq!(refused(Method::AlipayJsapi, &|o| o.payer = Payer::default()), field("payer.buyer_id"));
    for id in ["2088", "20880000000000000000000000000001", "1088000000000002", "208800000000000x"] {
        assert_eq!(refused(Method::AlipayJsapi, &|o| o.payer.buyer_id = Some(id.into())), field("payer.buyer_id"), "{id}");
    }
    let open = |id: &str| Payer { buyer_open_id: Some(id.into()), ..Payer::default() };
    assert_eq!(refused(Method::AlipayJsapi, &|o| o.payer = open("a b")), field("payer.buyer_open_id"));
    let codes =
        [None, Some("130061098828009406"), Some("310061098828009406"), Some("280061098828009"), Some("28006109882800940x"), Some("fp12")];
    for code in codes.into_iter().chain([Some("2800610988280094060000000"), Some("240061098828009406"), Some("")]) {
        assert_eq!(refused(Method::AlipayBarcode, &|o| o.auth_code = code.map(str::to_owned)), field("auth_code"), "{code:?}");
    }
    assert_eq!(refused(Method::AlipayPage, &|o| o.return_url = Some("x".repeat(257))), RefusalKind::Account);
    let wrong = |change: &dyn Fn(&mut sluice_contract::AttemptRef)| {
        let mut attempt = attempt(&alipay, Method::AlipayQr);
        change(&mut attempt);
        alipay.admit(&attempt, &order()).unwrap_err().kind
    };
    assert_eq!(wrong(&|a| a.expires_at = a.at.plus(7201)), field("expires_in"));
    assert_eq!(wrong(&|a| a.amount = Fen(0)), field("amount"));
    assert_eq!(wrong(&|a| a.amount = Fen(10_000_000_001)), field("amount"));
    assert_eq!(wrong(&|a| a.app_id = Some("2021999999999999".into())), field("app_id"));
    assert_eq!(wrong(&|a| a.method = Method::WechatNative), RefusalKind::Account);
    assert_eq!(wrong(&|a| drop(a.sub.insert("auth_app_id".into(), MERCHANT.into()))), RefusalKind::Account);
}

#[test]
fn payment_codes_of_every_length_are_taken_and_scanner_line_ends_fall_off() {
    let alipay = direct();
    for (code, scene) in
        [("2500000000000000", "bar_code"), ("300000000000000000000000", "bar_code"), ("280061098828009406\r\n", "bar_code")]
    {
        let order = PayOrder { auth_code: Some(code.into()), ..order() };
        let biz = biz_of(&alipay.pay(&attempt(&alipay, Method::AlipayBarcode), &order, &env(NOW)));
        assert_eq!((biz["auth_code"].as_str(), biz["scene"].as_str()), (Some(code.trim()), Some(scene)));
    }
    let face = format!("fp{}", "a1".repeat(16) + "b");
    let order = PayOrder { auth_code: Some(face.clone()), ..order() };
    let biz = biz_of(&alipay.pay(&attempt(&alipay, Method::AlipayBarcode), &order, &env(NOW)));
    assert_eq!((biz["auth_code"].as_str(), biz["scene"].as_str()), (Some(face.as_str()), Some("security_code")));
}

#[test]
fn a_payer_is_named_once_and_by_the_right_name() {
    let both = Payer { buyer_id: Some(BUYER.into()), buyer_open_id: Some("0A_b-c".into()), ..Payer::default() };
    for (alipay, payer, name) in [
        (direct(), both.clone(), "buyer_id"),
        (alipay(json!({"payer_id": "open_id"})), both.clone(), "buyer_open_id"),
        (direct(), Payer { buyer_id: None, ..both.clone() }, "buyer_open_id"),
        (alipay(json!({"payer_id": "open_id"})), Payer { buyer_open_id: None, ..both }, "buyer_id"),
    ] {
        let biz = biz_of(&alipay.pay(&attempt(&alipay, Method::AlipayJsapi), &PayOrder { payer, ..order() }, &env(NOW)));
        let names: Vec<&String> = biz.as_object().unwrap().keys().filter(|key| key.starts_with("buyer")).collect();
        assert_eq!(names, [name]);
    }
}

#[test]
fn facts_are_frozen() {
    let memo = attempt(&direct(), Method::AlipayQr).memo;
    assert_eq!(memo, super::notes(&[("app_id", APP), ("auth_app_id", APP), ("seller_id", PID)]));
    assert_eq!(attempt(&provider(), Method::AlipayQr).memo, super::notes(&[("app_id", APP)]));
}

#[test]
fn a_placed_order_tells_the_payer_what_to_do() {
    let alipay = direct();
    let node = good(json!({"qr_code": "https:\\u002fx"})).replace("https:\\\\u002fx", "https:\\/\\/qr.alipay.com\\/bavh4wjlxf12tper3a");
    match read(&pay(&alipay, Method::AlipayQr), &sealed("alipay.trade.precreate", &node)) {
        Pay::Waiting(Action::QrCode { content }, handles) => {
            assert_eq!((content.as_str(), handles["placed"].as_str()), ("https://qr.alipay.com/bavh4wjlxf12tper3a", "yes"));
        }
        other => panic!("{other:?}"),
    }
    match read(&pay(&alipay, Method::AlipayJsapi), &sealed("alipay.trade.create", &good(json!({"trade_no": "T1"})))) {
        Pay::Waiting(Action::Jsapi { params }, handles) => {
            assert_eq!((params["tradeNO"].as_str(), handles["trade_no"].as_str()), ("T1", "T1"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(kind(read(&pay(&alipay, Method::AlipayQr), &sealed("alipay.trade.precreate", &good(json!({}))))), WhyKind::Unreadable);
    let other = good(json!({"out_trade_no": "ANOTHER", "qr_code": "x"}));
    assert_eq!(kind(read(&pay(&alipay, Method::AlipayQr), &sealed("alipay.trade.precreate", &other))), WhyKind::Contradiction);
}

#[test]
fn a_paid_barcode_is_believed_by_the_query_that_follows() {
    let alipay = direct();
    let step = pay(&alipay, Method::AlipayBarcode);
    let paid = sealed("alipay.trade.pay", &trade(json!({"code": "10000"})));
    let query = next(&step, &paid);
    let sent = sent(request_of(&query));
    assert_eq!(sent["method"], "alipay.trade.query");
    assert!(is_signed(&sent));
    let asked = |node: &str| read(&query, &sealed("alipay.trade.query", node));
    match asked(&trade(json!({}))) {
        Pay::Paid(payment) => {
            assert_eq!((payment.amount, payment.payer_amount), (Fen(8888), Some(Fen(7888))));
            assert_eq!(payment.wallet, Some(Wallet::Alipay));
            assert_eq!(payment.payer["buyer_id"], BUYER);
            assert_eq!(payment.paid_at.unwrap().plain(), "2026-11-23 14:25:00");
            let discounts: Vec<_> = payment.discounts.iter().map(|d| (d.kind, d.funded_by, d.amount.0)).collect();
            assert_eq!(discounts, [(DiscountKind::Points, FundedBy::Channel, 500), (DiscountKind::Merchant, FundedBy::Merchant, 500)]);
            assert!(!format!("{payment:?}").contains(BUYER));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(asked(&trade(json!({"trade_status": "WAIT_BUYER_PAY"}))), Pay::Waiting(Action::Wait { .. }, _)));
    assert_eq!(kind(asked(&error("ACQ.TRADE_NOT_EXIST"))), WhyKind::Pending, "paid and not there is no definite no");
    assert_eq!(kind(read(&query, &unsealed("alipay.trade.query", &trade(json!({}))))), WhyKind::BadSignature);
    for change in [json!({"out_trade_no": "OTHER"}), json!({"total_amount": "88.89"}), json!({"total_amount": "no"})] {
        assert_eq!(kind(read(&step, &sealed("alipay.trade.pay", &trade(change.clone())))), WhyKind::Contradiction, "{change}");
    }
}

#[test]
fn a_barcode_that_waits_for_a_password_waits() {
    let alipay = direct();
    let step = pay(&alipay, Method::AlipayBarcode);
    for node in [json!({"code": "10003", "msg": "order success pay inprocess", "trade_no": "T1"}), json!({"code": "10003", "sub_code": ""})]
    {
        assert!(matches!(
            read(&step, &sealed("alipay.trade.pay", &node.to_string())),
            Pay::Waiting(Action::Wait { poll_after_ms: 3000 }, _)
        ));
        assert_eq!(kind(read(&step, &unsealed("alipay.trade.pay", &node.to_string()))), WhyKind::BadSignature);
    }
    let other = json!({"code": "10003", "out_trade_no": "OTHER"}).to_string();
    assert_eq!(kind(read(&step, &sealed("alipay.trade.pay", &other))), WhyKind::Contradiction);
    let create = pay(&alipay, Method::AlipayJsapi);
    assert_eq!(kind(read(&create, &sealed("alipay.trade.create", &json!({"code": "10003"}).to_string()))), WhyKind::Pending);
}

#[test]
fn each_class_of_error_has_its_meaning() {
    let alipay = direct();
    for (method, name) in SENT {
        let step = pay(&alipay, method);
        let told = |node: &str| read(&step, &sealed(name, node));
        let failed = |node: &str| match told(node) {
            Pay::Failed(failure) => (failure.code, failure.fault, failure.channel_code.unwrap()),
            other => panic!("{name}: {other:?}"),
        };
        let limit = failed(&error("ACQ.BEYOND_PER_RECEIPT_RESTRICTION"));
        assert_eq!(limit, (FailureCode::ChannelLimit, Fault::Account, "ACQ.BEYOND_PER_RECEIPT_RESTRICTION".to_owned()));
        assert_eq!(failed(&error("ACQ.BUYER_SELLER_EQUAL")).1, Fault::Payer);
        assert_eq!(failed(&error_of("40002", "isv.invalid-signature")).0, FailureCode::ChannelConfiguration);
        for sub in ["ACQ.SYSTEM_ERROR", "ACQ.TRADE_HAS_SUCCESS", "ACQ.CONTEXT_INCONSISTENT"] {
            assert_eq!(kind(told(&error(sub))), WhyKind::Pending, "{name} {sub}");
        }
        assert_eq!(kind(told(&error_of("20000", "isp.unknow-error"))), WhyKind::Pending);
        assert_eq!(kind(told(&error_of("40005", "isv.app-call-limited"))), WhyKind::Pending);
        assert_eq!(kind(told(&error("ACQ.SOMETHING_NEW"))), WhyKind::Unlisted);
        // The gateway's own root for errors is accepted, for errors only.
        assert!(matches!(read(&step, &sealed("error_response", &error("ACQ.BUYER_SELLER_EQUAL"))), Pay::Failed(_)));
        assert_eq!(kind(read(&step, &sealed("error_response", &good(json!({"qr_code": "x", "trade_no": "x"}))))), WhyKind::Unreadable);
        // Unsigned: never a verdict.
        assert_eq!(kind(read(&step, &unsealed(name, &error("ACQ.BUYER_SELLER_EQUAL")))), WhyKind::BadSignature);
        assert_eq!(kind(read(&step, &unsealed(name, &error_of("40002", "isv.invalid-app-id")))), WhyKind::Configuration);
    }
    match read(&pay(&alipay, Method::AlipayBarcode), &sealed("alipay.trade.pay", &error("ACQ.BUYER_BALANCE_NOT_ENOUGH"))) {
        Pay::Unknown(why) => assert_eq!(why.declined.unwrap().code, FailureCode::InsufficientFunds),
        other => panic!("{other:?}"),
    }
}

#[test]
fn once_a_code_was_given_out_no_refusal_fails_the_attempt() {
    let alipay = direct();
    let mut placed = attempt(&alipay, Method::AlipayJsapi);
    placed.handles.insert("placed".into(), "yes".into());
    let step = alipay.pay(&placed, &order(), &env(NOW));
    for node in [error("ACQ.BUYER_SELLER_EQUAL"), error_of("40002", "isv.invalid-signature")] {
        assert!(matches!(read(&step, &sealed("alipay.trade.create", &node)), Pay::Unknown(_)));
    }
}

#[test]
fn replies_that_are_no_replies_are_unknown() {
    let alipay = direct();
    let step = pay(&alipay, Method::AlipayBarcode);
    let whole = sealed("alipay.trade.pay", &trade(json!({})));
    let text = String::from_utf8(whole.bytes().to_vec()).unwrap();
    let node = trade(json!({}));
    let doubled = text.replacen('{', &format!("{{\"alipay_trade_pay_response\":{node},"), 1);
    let both = text.replacen('{', "{\"error_response\":{\"code\":\"40004\"},", 1);
    for (body, wanted) in [
        (text.replace("88.88", "88.89"), WhyKind::BadSignature),
        (text.replace("TRADE_SUCCESS", "TRADE_FINISHED"), WhyKind::BadSignature),
        (text.replace("\"sign\":\"", "\"sign\":\"A"), WhyKind::BadSignature),
        (text.replace("\"sign\":\"", "\"sign\":null,\"x\":\""), WhyKind::BadSignature),
        (text.replace("\"sign\"", "\"Sign\""), WhyKind::BadSignature),
        (text.replace("alipay_trade_pay_response", "alipay_trade_query_response"), WhyKind::Unreadable),
        (text.replace("alipay_trade_pay_response", "alipay_trade_pay\\u005fresponse"), WhyKind::Unreadable),
        (doubled, WhyKind::Unreadable),
        (both, WhyKind::Unreadable),
        (text.chars().take(text.len() / 2).collect(), WhyKind::Unreadable),
        (String::new(), WhyKind::Unreadable),
        ("<html>".into(), WhyKind::Unreadable),
        ("{\"alipay_trade_pay_response\":7,\"sign\":\"x\"}".into(), WhyKind::BadSignature),
        ("{\"alipay_trade_pay_response\":{}}".into(), WhyKind::Unreadable),
    ] {
        assert_eq!(kind(read(&step, &super::reply(&body))), wanted, "{body}");
    }
    for status in [201, 302, 403, 500, 502] {
        assert_eq!(kind(read(&step, &HttpReply { status, ..whole.clone() })), WhyKind::NoAnswer, "{status}");
    }
    assert!(matches!(reading(&step, &whole), Reading::Then(_)), "and the whole one is believed");
}
