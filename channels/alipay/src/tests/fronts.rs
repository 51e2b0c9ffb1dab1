//! What goes to a payer's own browser or app, a provider's calls, and how a payment was paid.

use super::{NOW, attempt, direct, env, is_signed, order, provider, read, sealed, sent_by, trade};
use serde_json::{Value, json};
use sluice_contract::{Action, Channel, Fen, Method, Notes, Pay, PayOrder, Step, WhyKind};
use sluice_kit::form::decode_pairs;

#[test]
fn front_ends_get_signed_strings_and_nothing_is_sent() {
    let alipay = direct();
    let order = PayOrder { return_url: Some("https://pay.example.com/return/x?o=1".into()), ..order() };
    let action = |method| match alipay.pay(&attempt(&alipay, method), &order, &env(NOW)) {
        Step::Done(Pay::Waiting(action, handles)) => {
            assert_eq!(handles["placed"], "yes");
            action
        }
        other => panic!("{other:?}"),
    };
    let whole = |text: &str| decode_pairs(text.as_bytes()).unwrap().into_iter().collect::<Notes>();
    let Action::Redirect { url } = action(Method::AlipayWap) else { panic!("wap redirects") };
    let (place, query) = url.split_once('?').unwrap();
    assert_eq!(place, "https://openapi.alipay.com/gateway.do");
    let Action::Form { url, fields } = action(Method::AlipayPage) else { panic!("page is a form") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["biz_content"]);
    let mut page = whole(url.split_once('?').unwrap().1);
    page.extend(fields);
    let Action::App { params } = action(Method::AlipayApp) else { panic!("an app string") };
    assert!(!params["orderString"].contains(['+', ' ', '"']), "a space is %20");
    for (sent, name, product, returns) in [
        (whole(query), "alipay.trade.wap.pay", "QUICK_WAP_WAY", true),
        (page, "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY", true),
        (whole(&params["orderString"]), "alipay.trade.app.pay", "QUICK_MSECURITY_PAY", false),
    ] {
        assert!(is_signed(&sent), "{name}");
        assert_eq!(sent["method"], name);
        assert_eq!(sent.contains_key("return_url"), returns, "{name}");
        let biz: Value = serde_json::from_str(&sent["biz_content"]).unwrap();
        assert_eq!((&biz["product_code"], &biz["time_expire"]), (&json!(product), &json!("2026-11-23 14:39:27")));
    }
}

#[test]
fn a_provider_calls_with_the_merchants_token_and_pins_the_payee_where_the_binding_does() {
    let alipay = provider();
    let mut attempt = attempt(&alipay, Method::AlipayQr);
    let sent = |attempt: &sluice_contract::AttemptRef| sent_by(&alipay.pay(attempt, &order(), &env(NOW)));
    let plain = sent(&attempt);
    assert_eq!(plain["app_auth_token"], "TOKEN-1");
    assert!(is_signed(&plain) && !plain["biz_content"].contains("seller_id"));
    attempt.sub.insert("seller_id".into(), "2088000000000099".into());
    let biz: Value = serde_json::from_str(&sent(&attempt)["biz_content"]).unwrap();
    assert_eq!((&biz["seller_id"], &biz["passback_params"]), (&json!("2088000000000099"), &json!("seller")));
    attempt.sub.insert("auth_app_id".into(), "2021000000000998".into());
    assert!(matches!(alipay.pay(&attempt, &order(), &env(NOW)), Step::Refused(_)), "no token, no call");
}

#[test]
fn an_address_that_alipay_would_cut_is_refused() {
    let alipay = direct();
    let long = format!("https://pay.example.com/{}", "n".repeat(256));
    let env = sluice_contract::Env { notify_url: &long, ..env(NOW) };
    for method in [Method::AlipayQr, Method::AlipayWap] {
        assert!(matches!(alipay.pay(&attempt(&alipay, method), &order(), &env), Step::Refused(_)));
    }
}

#[test]
fn what_paid_is_told_by_the_funds_or_by_the_sums() {
    let alipay = direct();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    let paid = |change: Value| match read(&step, &sealed("alipay.trade.query", &trade(change))) {
        Pay::Paid(payment) => (payment.payer_amount.map(|fen| fen.0), payment.discounts.iter().map(|d| d.amount.0).collect::<Vec<_>>()),
        other => panic!("{other:?}"),
    };
    let sums = json!({"fund_bill_list": null, "discount_amount": "1.00", "mdiscount_amount": "0.00", "point_amount": "0.5"});
    assert_eq!(paid(sums), (Some(7888), vec![100, 50]));
    assert_eq!(paid(json!({"buyer_pay_amount": null})), (Some(7888), vec![500, 500]), "what the list leaves");
    let open = json!([{"fund_channel": "ALIPAYACCOUNT", "amount": "80.00"}, {"fund_channel": "NEWCHANNEL", "amount": "8.88"}]);
    assert_eq!(paid(json!({"buyer_pay_amount": null, "fund_bill_list": open})), (None, vec![]), "an unknown fund may be anybody's");
    // Amounts may be numbers (pack §7), and short ones are the same amount.
    let number = trade(json!({})).replace("\"total_amount\":\"88.88\"", "\"total_amount\":88.880");
    assert!(matches!(read(&step, &sealed("alipay.trade.query", &number)), Pay::Paid(p) if p.amount == Fen(8888)));
    let near = number.replace("88.880", "88.8800000000000001");
    let told = read(&step, &sealed("alipay.trade.query", &near));
    assert!(matches!(told, Pay::Unknown(why) if why.kind == WhyKind::Contradiction), "a float would not see it");
}
