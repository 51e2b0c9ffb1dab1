//! Placing orders: what is sent, what is refused before, what each answer means.

use super::{
    APP, NOW, attempt, direct, env, error, json_of, opened, order, partner, read, reading_at, request_of, sealed, sealed_by, signer_of,
    transaction, unsealed, with,
};
use crate::Wechat;
use crate::invoke::lines;
use serde_json::json;
use sluice_contract::{
    Action, Channel, DiscountKind, FailureCode, Fault, Fen, FundedBy, Method, Notes, Pay, PayOrder, Reading, Refusal, RefusalKind, Step,
    Store, Terminal, Wallet, WhyKind,
};
use std::sync::Arc;

const ONLINE: [Method; 5] = [Method::WechatNative, Method::WechatJsapi, Method::WechatMini, Method::WechatApp, Method::WechatH5];

fn pay(wechat: &Wechat, method: Method) -> Step<Pay> {
    wechat.pay(&attempt(wechat, method), &order(), &env(NOW))
}

#[test]
fn each_method_goes_to_its_own_path_with_its_own_members() {
    let wechat = direct();
    for (method, path) in ONLINE.into_iter().zip(["native", "jsapi", "jsapi", "app", "h5"]) {
        let step = pay(&wechat, method);
        assert_eq!(request_of(&step).url, format!("https://api.mch.weixin.qq.com/v3/pay/transactions/{path}"));
        let body = json_of(&step);
        assert_eq!(body["amount"], json!({"total": 100, "currency": "CNY"}));
        assert_eq!((&body["appid"], &body["mchid"]), (&json!(APP), &json!("1900000100")));
        assert_eq!(body["notify_url"], "https://pay.example.com/notify/wx-main");
        assert_eq!(body["time_expire"], "2025-06-01T10:50:00+08:00");
        assert_eq!(body["payer"]["openid"].is_string(), path == "jsapi", "{path}");
        assert_eq!(body["scene_info"]["payer_client_ip"], "203.0.113.7");
        assert_eq!(body["scene_info"]["h5_info"]["type"].as_str(), (path == "h5").then_some("Wap"));
    }
    let step = pay(&wechat, Method::WechatBarcode);
    assert_eq!(request_of(&step).timeout_ms, 30_000);
    let body = json_of(&step);
    assert_eq!(body["payer"], json!({"auth_code": "130061098828009406"}));
    assert_eq!(body["scene_info"], json!({"store_info": {"out_id": "1900000100"}}));
    assert!(body["notify_url"].is_null() && body["time_expire"].is_null());
}

#[test]
fn stores_and_terminals_become_scene_info() {
    let wechat = direct();
    let order = PayOrder {
        store: Some(Store {
            id: "S1".into(),
            name: Some("东门店".into()),
            store_code: Some("0001".into()),
            term_id: Some("T9".into()),
            ..Store::default()
        }),
        terminal: Some(Terminal { ip: Some("192.0.2.9".into()), ..Terminal::default() }),
        ..order()
    };
    let body = |method| json_of(&wechat.pay(&attempt(&wechat, method), &order, &env(NOW)))["scene_info"].clone();
    assert_eq!(
        body(Method::WechatBarcode),
        json!({"store_info": {"id": "0001", "out_id": "S1"}, "device_id": "T9", "device_ip": "192.0.2.9"})
    );
    let native = json!({"payer_client_ip": "203.0.113.7", "device_id": "T9", "store_info": {"id": "S1", "name": "东门店"}});
    assert_eq!(body(Method::WechatNative), native);
}

#[test]
fn the_same_order_is_the_same_bytes_at_any_time() {
    let wechat = direct();
    for method in ONLINE {
        let attempt = attempt(&wechat, method);
        let first = wechat.pay(&attempt, &order(), &env(NOW));
        let mut later = env(NOW.plus(600));
        later.entropy = [9; 32];
        let second = wechat.pay(&attempt, &order(), &later);
        assert_eq!(request_of(&first).body, request_of(&second).body);
        assert_ne!(request_of(&first).headers, request_of(&second).headers);
    }
}

#[test]
fn descriptions_lose_what_wechat_refuses() {
    let wechat = direct();
    let described = |subject: &str| {
        let order = PayOrder { subject: subject.into(), ..order() };
        json_of(&wechat.pay(&attempt(&wechat, Method::WechatNative), &order, &env(NOW)))["description"].as_str().unwrap().to_owned()
    };
    assert_eq!(described("🍎苹果\n一箱🎉"), "苹果一箱");
    assert_eq!(described(&"苹".repeat(200)).chars().count(), 127);
    let refusal = wechat.admit(&attempt(&wechat, Method::WechatNative), &PayOrder { subject: "🎉".into(), ..order() }).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Field("subject"));
}

#[test]
fn what_wechat_would_refuse_is_refused_before_anything_is_stored() {
    let wechat = direct();
    let refused = |method: Method, change: &dyn Fn(&mut PayOrder)| {
        let mut order = order();
        change(&mut order);
        wechat.admit(&attempt(&wechat, method), &order).unwrap_err().kind
    };
    let field = RefusalKind::Field;
    assert_eq!(refused(Method::WechatJsapi, &|o| o.payer.openid = None), field("payer.openid"));
    assert_eq!(refused(Method::WechatMini, &|o| o.payer.openid = Some(String::new())), field("payer.openid"));
    assert_eq!(refused(Method::WechatH5, &|o| o.client_ip = None), field("client_ip"));
    for ip in ["127.0.0.1", "::1", "0.0.0.0", "localhost", "1.2.3"] {
        assert_eq!(refused(Method::WechatH5, &|o| o.client_ip = Some(ip.into())), field("client_ip"), "{ip}");
    }
    assert_eq!(refused(Method::WechatH5, &|o| o.h5_type = Some("tv".into())), field("h5_type"));
    for code in [None, Some("280061098828009406"), Some("13006109882800940"), Some("1300610988280094061"), Some("13006109882800940x")] {
        assert_eq!(refused(Method::WechatBarcode, &|o| o.auth_code = code.map(str::to_owned)), field("auth_code"), "{code:?}");
    }
    let mut long = attempt(&wechat, Method::WechatNative);
    long.expires_at = long.at.plus(604_801);
    assert_eq!(wechat.admit(&long, &order()).unwrap_err().kind, field("expires_in"));
    let mut wrong = attempt(&wechat, Method::WechatNative);
    wrong.amount = Fen(0);
    assert_eq!(wechat.admit(&wrong, &order()).unwrap_err().kind, field("amount"));
    wrong.amount = Fen(100);
    wrong.method = Method::AlipayQr;
    assert_eq!(wechat.admit(&wrong, &order()).unwrap_err().kind, RefusalKind::Account);
}

#[test]
fn a_sandbox_lets_its_payers_live_on_loopback() {
    let wechat = Wechat { account: Arc::new(opened(&with(json!({})), true).unwrap_or_else(|p| panic!("{p:?}"))) };
    let order = PayOrder { client_ip: Some("127.0.0.1".into()), ..order() };
    assert!(wechat.admit(&attempt(&wechat, Method::WechatH5), &order).is_ok());
}

#[test]
fn app_ids_are_chosen_among_the_known_ones_and_frozen() {
    let tree = with(json!({"app_ids": {"jsapi": "wxjsapi", "native": "wxnative"}}));
    let wechat = Wechat { account: Arc::new(opened(&tree, false).unwrap_or_else(|p| panic!("{p:?}"))) };
    let memo = |method: Method, app: Option<&str>| {
        let mut attempt = attempt(&wechat, method);
        attempt.app_id = app.map(str::to_owned);
        wechat.admit(&attempt, &order())
    };
    let frozen = |appid: &str| Ok::<Notes, Refusal>(notes(&[("appid", appid), ("dialect", "v3"), ("mchid", "1900000100")]));
    assert_eq!(memo(Method::WechatJsapi, None), frozen("wxjsapi"));
    assert_eq!(memo(Method::WechatH5, None), frozen(APP));
    assert_eq!(memo(Method::WechatJsapi, Some("wxnative")), frozen("wxnative"));
    assert_eq!(memo(Method::WechatJsapi, Some("wxother")).unwrap_err().kind, RefusalKind::Field("app_id"));
}

#[test]
fn a_partner_names_both_merchants_and_the_right_openid() {
    let wechat = partner();
    let mut attempt = attempt(&wechat, Method::WechatJsapi);
    let body = json_of(&wechat.pay(&attempt, &order(), &env(NOW)));
    assert_eq!((&body["sp_mchid"], &body["sub_mchid"]), (&json!("1900000100"), &json!("1900000109")));
    assert_eq!((body["appid"].is_null(), body["mchid"].is_null(), body["sub_appid"].is_null()), (true, true, true));
    assert!(body["payer"]["sp_openid"].is_string());
    attempt.sub.insert("sub_appid".into(), "wxsub".into());
    attempt.app_id = Some("wxsub".into());
    attempt.memo = wechat.admit(&attempt, &order()).unwrap();
    let step = wechat.pay(&attempt, &order(), &env(NOW));
    assert_eq!(request_of(&step).url, "https://api.mch.weixin.qq.com/v3/pay/partner/transactions/jsapi");
    let body = json_of(&step);
    assert!(body["payer"]["sub_openid"].is_string() && body["payer"]["sp_openid"].is_null());
    assert_eq!((&body["sub_appid"], &body["sp_appid"]), (&json!("wxsub"), &json!("wx8888888888888888")));
    match read(&step, &sealed(200, r#"{"prepay_id":"wx1"}"#)) {
        Pay::Waiting(Action::Jsapi { params }, _) => assert_eq!(params["appId"], "wxsub"),
        other => panic!("{other:?}"),
    }
    attempt.sub.remove("sub_mchid");
    assert_eq!(wechat.admit(&attempt, &order()).unwrap_err().kind, RefusalKind::Account);
}

fn notes(pairs: &[(&str, &str)]) -> Notes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_placed_order_shows_the_payer_what_to_do() {
    let wechat = direct();
    let waiting = |method, body: &str| match read(&pay(&wechat, method), &sealed(200, body)) {
        Pay::Waiting(action, handles) => {
            assert_eq!(handles["placed"], "yes");
            action
        }
        other => panic!("{other:?}"),
    };
    let content = "weixin://wxpay/bizpayurl?pr=x".to_owned();
    assert_eq!(waiting(Method::WechatNative, r#"{"code_url":"weixin://wxpay/bizpayurl?pr=x"}"#), Action::QrCode { content });
    let url = "https://wx.tenpay.com/x?prepay_id=1".to_owned();
    assert_eq!(waiting(Method::WechatH5, r#"{"h5_url":"https://wx.tenpay.com/x?prepay_id=1"}"#), Action::Redirect { url });
    let nonce = "07070707070707070707070707070707";
    for method in [Method::WechatJsapi, Method::WechatMini] {
        let Action::Jsapi { params } = waiting(method, r#"{"prepay_id":"wx1"}"#) else { panic!("no JSAPI") };
        let signature = signer_of("merchant").sign(&lines(&[APP, "1748745300", nonce, "prepay_id=wx1"])).unwrap();
        let fixed = [("appId", APP), ("timeStamp", "1748745300"), ("nonceStr", nonce), ("package", "prepay_id=wx1"), ("signType", "RSA")];
        assert_eq!(params, notes(&[&fixed[..], &[("paySign", &signature)]].concat()));
    }
    let Action::App { params } = waiting(Method::WechatApp, r#"{"prepay_id":"wx1"}"#) else { panic!("no APP") };
    let signature = signer_of("merchant").sign(&lines(&[APP, "1748745300", nonce, "wx1"])).unwrap();
    assert_eq!(
        (params["partnerId"].as_str(), params["prepayId"].as_str(), params["sign"].as_str()),
        ("1900000100", "wx1", signature.as_str())
    );
    assert_eq!(params["packageValue"], "Sign=WXPay");
}

#[test]
fn an_h5_payer_comes_back_to_our_page() {
    let wechat = direct();
    let order = PayOrder { return_url: Some("https://pay.example.com/return/a?b=c".into()), ..order() };
    let step = wechat.pay(&attempt(&wechat, Method::WechatH5), &order, &env(NOW));
    let url = "https://wx.tenpay.com/x?p=1&redirect_url=https%3A%2F%2Fpay.example.com%2Freturn%2Fa%3Fb%3Dc".to_owned();
    match read(&step, &sealed(200, r#"{"h5_url":"https://wx.tenpay.com/x?p=1"}"#)) {
        Pay::Waiting(action, _) => assert_eq!(action, Action::Redirect { url }),
        other => panic!("{other:?}"),
    }
}

fn kind(pay: Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

#[test]
fn what_is_no_clear_answer_is_unknown() {
    let wechat = direct();
    let code_url = r#"{"code_url":"weixin://x"}"#;
    for method in [Method::WechatNative, Method::WechatBarcode] {
        let step = pay(&wechat, method);
        for (reply, wanted) in [
            (unsealed(200, code_url), WhyKind::BadSignature),
            (sealed_by("other_merchant", super::SERIAL, 200, code_url, NOW), WhyKind::BadSignature),
            (sealed_by("platform", super::SERIAL, 200, code_url, NOW.plus(-301)), WhyKind::BadSignature),
            (sealed_by("other_merchant", super::SERIAL, 400, &error("PARAM_ERROR"), NOW), WhyKind::BadSignature),
            (sealed(200, "{}"), WhyKind::Unreadable),
            (sealed(200, "not json"), WhyKind::Unreadable),
            (sealed(200, r#"{"code_url":1,"code_url":2}"#), WhyKind::Unreadable),
            (sealed(204, ""), WhyKind::Unreadable),
            (sealed(302, ""), WhyKind::Unreadable),
            (unsealed(502, "<html>bad gateway</html>"), WhyKind::NoAnswer),
            (unsealed(500, &error("SYSTEM_ERROR")), WhyKind::Pending),
            (sealed(500, &error("SYSTEM_ERROR")), WhyKind::Pending),
            (sealed(500, &error("BANK_ERROR")), WhyKind::Pending),
            (sealed(429, &error("FREQUENCY_LIMITED")), WhyKind::Pending),
            (unsealed(500, &error("OPENID_MISMATCH")), WhyKind::BadSignature),
            (sealed(400, &error("NEVER_SEEN")), WhyKind::Unlisted),
            (sealed(403, &error("OUT_TRADE_NO_USED")), WhyKind::Pending),
            (sealed(403, &error("ORDERPAID")), WhyKind::Pending),
            (sealed(404, "<html/>"), WhyKind::Unreadable),
        ] {
            assert_eq!(kind(read(&step, &reply)), wanted, "{method:?} {reply:?}");
        }
        match reading_at(&step, &sealed_by("platform", "ABCDEF", 200, code_url, NOW), NOW) {
            Reading::NeedKeys(hint) => assert_eq!(hint.key_id, "ABCDEF"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refused_create_fails_even_unsigned_but_never_once_a_code_was_shown() {
    let wechat = direct();
    for (code, status, failure, fault) in [
        ("PARAM_ERROR", 400, FailureCode::RequestInvalid, Fault::Request),
        ("NO_AUTH", 403, FailureCode::ChannelConfiguration, Fault::Account),
        ("SIGN_ERROR", 401, FailureCode::ChannelConfiguration, Fault::Account),
        ("APPID_MCHID_NOT_MATCH", 400, FailureCode::ChannelConfiguration, Fault::Account),
        ("RULE_LIMIT", 403, FailureCode::ChannelLimit, Fault::Account),
        ("ORDER_CLOSED", 400, FailureCode::OrderClosed, Fault::Request),
        ("ACCOUNT_ERROR", 403, FailureCode::PayerAccount, Fault::Payer),
    ] {
        for reply in [sealed(status, &error(code)), unsealed(status, &error(code))] {
            match read(&pay(&wechat, Method::WechatNative), &reply) {
                Pay::Failed(found) => {
                    assert_eq!((found.code, found.fault, found.channel_code.as_deref()), (failure, fault, Some(code)));
                    assert_eq!(found.message, "说明");
                }
                other => panic!("{code}: {other:?}"),
            }
            let mut shown = attempt(&wechat, Method::WechatNative);
            shown.handles.insert("placed".into(), "yes".into());
            assert_eq!(kind(read(&wechat.pay(&shown, &order(), &env(NOW)), &reply)), WhyKind::Pending, "{code}");
        }
    }
    match read(&pay(&wechat, Method::WechatJsapi), &sealed(500, &error("OPENID_MISMATCH"))) {
        Pay::Failed(failure) => assert_eq!(failure.code, FailureCode::PayerMismatch),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_barcode_fails_only_by_a_signed_word_that_takes_nothing() {
    let wechat = direct();
    let step = pay(&wechat, Method::WechatBarcode);
    for (code, failure) in [
        ("AUTHCODEEXPIRE", FailureCode::AuthCodeExpired),
        ("AUTH_CODE_EXPIRED", FailureCode::AuthCodeExpired),
        ("AUTH_CODE_INVALID", FailureCode::AuthCodeInvalid),
        ("AUTH_CODE_ERROR", FailureCode::AuthCodeInvalid),
        ("NOTENOUGH", FailureCode::InsufficientFunds),
        ("NOT_ENOUGH", FailureCode::InsufficientFunds),
        ("NOTSUPORTCARD", FailureCode::CardNotSupported),
        ("RULE_LIMIT", FailureCode::ChannelLimit),
        ("PARAM_ERROR", FailureCode::RequestInvalid),
    ] {
        match read(&step, &sealed(403, &error(code))) {
            Pay::Failed(found) => assert_eq!(found.code, failure, "{code}"),
            other => panic!("{code}: {other:?}"),
        }
        assert_eq!(kind(read(&step, &unsealed(403, &error(code)))), WhyKind::BadSignature, "{code}");
    }
    for code in ["PAYERROR", "TRADE_ERROR"] {
        match read(&step, &sealed(403, &error(code))) {
            Pay::Unknown(why) => assert!(why.kind == WhyKind::Declined && why.declined.is_some(), "{code}"),
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_barcode_is_paid_waiting_or_declined_by_its_transaction() {
    let wechat = direct();
    let step = pay(&wechat, Method::WechatBarcode);
    match read(&step, &sealed(200, &transaction(json!({})))) {
        Pay::Paid(payment) => {
            assert_eq!((payment.amount, payment.payer_amount, payment.wallet), (Fen(100), Some(Fen(90)), Some(Wallet::Wechat)));
            assert_eq!(payment.channel_trade_no.as_deref(), Some("4200002681202506012345678901"));
            assert_eq!(payment.handles["transaction_id"], "4200002681202506012345678901");
            assert_eq!(payment.payer["openid"], "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
            let told = &payment.discounts[0];
            assert_eq!((told.kind, told.funded_by, told.amount), (DiscountKind::Coupon, FundedBy::Channel, Fen(10)));
            assert_eq!(payment.paid_at.map(|at| at.rfc3339()).as_deref(), Some("2025-06-01T10:34:56+08:00"));
        }
        other => panic!("{other:?}"),
    }
    let waits = Pay::Waiting(Action::Wait { poll_after_ms: 5000 }, Notes::new());
    assert_eq!(read(&step, &sealed(202, &error("USERPAYING"))), waits);
    assert_eq!(read(&step, &sealed(400, &error("USER_PAYING"))), waits);
    assert_eq!(read(&step, &sealed(200, &transaction(json!({"trade_state": "USERPAYING"})))), waits);
    assert_eq!(kind(read(&step, &unsealed(202, &error("USERPAYING")))), WhyKind::BadSignature);
    match read(&step, &sealed(200, &transaction(json!({"trade_state": "PAYERROR"})))) {
        Pay::Unknown(why) => assert_eq!(why.declined.map(|f| f.code), Some(FailureCode::PayerDeclined)),
        other => panic!("{other:?}"),
    }
    assert_eq!(kind(read(&step, &sealed(200, &transaction(json!({"amount": {"total": 1, "currency": "CNY"}}))))), WhyKind::Contradiction);
    assert!(matches!(
        wechat.pay(&attempt(&wechat, Method::WechatBarcode), &PayOrder { auth_code: None, ..order() }, &env(NOW)),
        Step::Refused(_)
    ));
}
