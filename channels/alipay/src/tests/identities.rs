//! Silent authorisation: where browsers go, what comes back, and whose id it is.

use super::{APP, BUYER, MERCHANT, NOW, alipay, direct, env, error_of, next, notes, provider, read, reply, sealed, sent_by, sub, unsealed};
use crate::Alipay;
use serde_json::{Value, json};
use sluice_contract::{Channel, Method, Notes, Person, RefusalKind, Step, Visitor};

const API: &str = "alipay.system.oauth.token";
const OPEN: &str = "000TESTopenid_simulator_0000000000000000000000001";

fn visit<'a>(sub: &'a Notes, app_id: Option<&'a str>) -> Visitor<'a> {
    Visitor { method: Method::AlipayJsapi, app_id, sub }
}

pub(crate) fn identify(alipay: &Alipay, query: &str) -> Step<Person> {
    alipay.identify(&visit(&Notes::new(), None), query, &env(NOW))
}

/// What a reply's body makes of a code.
pub(crate) fn exchange(alipay: &Alipay, body: &str) -> Person {
    read(&identify(alipay, "auth_code=abc"), &reply(body))
}

fn payer(members: Value) -> String {
    let mut tree =
        json!({"access_token": "A", "refresh_token": "B", "expires_in": 1296000, "alipay_user_id": "20880000000000000000000000000001"});
    for (name, value) in members.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree.to_string()
}

#[test]
fn browsers_are_sent_to_the_authorisation_page() {
    let url = direct().authorize(&visit(&Notes::new(), None), "https://pay.example.com/oauth/back", "0123456789abcdef").unwrap();
    assert_eq!(
        url,
        "https://openauth.alipay.com/oauth2/publicAppAuthorize.htm?app_id=2021000122671080&scope=auth_base\
         &redirect_uri=https%3A%2F%2Fpay.example.com%2Foauth%2Fback&state=0123456789abcdef"
    );
    let sandbox = alipay(json!({"oauth_base_url": "http://127.0.0.1:9"}));
    assert!(sandbox.authorize(&visit(&Notes::new(), None), "x", "s").unwrap().starts_with("http://127.0.0.1:9/oauth2/"));
    for state in ["", "a b", &"s".repeat(101), "中"] {
        assert!(direct().authorize(&visit(&Notes::new(), None), "x", state).is_err(), "{state}");
    }
    let qr = Visitor { method: Method::AlipayQr, app_id: None, sub: &Notes::new() };
    assert!(direct().authorize(&qr, "x", "s").is_err());
}

#[test]
fn a_return_is_read_by_its_code_and_another_apps_is_not() {
    let alipay = direct();
    for query in [
        format!("?app_id={APP}&source=alipay_wallet&scope=auth_base&state=s&auth_code=abc"),
        format!("auth_code=abc&userOutputs=auth_user&alipay_token=&app_id={APP}"),
        "code=abc".to_owned(),
    ] {
        let sent = sent_by(&identify(&alipay, &query));
        assert_eq!((sent["code"].as_str(), sent["grant_type"].as_str()), ("abc", "authorization_code"), "{query}");
        assert!(!sent.contains_key("biz_content"));
    }
    for query in [
        "",
        "state=s",
        "auth_code=",
        "auth_code=a&auth_code=b",
        "auth_code=a%20b",
        "app_id=2021999999999999&auth_code=abc",
        "state=s&code=abc",
        "auth_code=%",
        &format!("auth_code={}", "a".repeat(41)),
    ] {
        assert!(matches!(identify(&alipay, query), Step::Done(Person::AskAgain(_))), "{query}");
    }
}

#[test]
fn one_id_comes_out_and_never_the_retired_one() {
    let both = payer(json!({"user_id": BUYER, "open_id": OPEN}));
    let told = |alipay: &Alipay, node: &str| read(&identify(alipay, "auth_code=abc"), &sealed(API, node));
    let known = |name: &str, id: &str| Person::Known(notes(&[(name, id)]));
    assert_eq!(told(&direct(), &both), known("buyer_id", BUYER));
    assert_eq!(told(&alipay(json!({"payer_id": "open_id"})), &both), known("buyer_open_id", OPEN));
    assert_eq!(told(&direct(), &payer(json!({"open_id": OPEN}))), known("buyer_open_id", OPEN));
    assert_eq!(told(&alipay(json!({"payer_id": "open_id"})), &payer(json!({"user_id": BUYER}))), known("buyer_id", BUYER));
    for node in
        [payer(json!({})), payer(json!({"user_id": ""})), payer(json!({"user_id": "20880000000000000000000000000001"})), "{}".into()]
    {
        assert!(matches!(told(&direct(), &node), Person::Unknown(_)), "{node}");
    }
    assert!(matches!(read(&identify(&direct(), "auth_code=a"), &unsealed(API, &both)), Person::Unknown(_)), "an unsigned success");
    assert!(matches!(read(&identify(&direct(), "auth_code=a"), &sealed("error_response", &both)), Person::Unknown(_)));
}

#[test]
fn errors_ask_again_or_alarm() {
    let step = identify(&direct(), "auth_code=abc");
    for root in [API, "error_response"] {
        let told = |code: &str, sub: &str| read(&step, &sealed(root, &error_of(code, sub)));
        assert!(matches!(told("40002", "isv.code-invalid"), Person::AskAgain(_)));
        assert!(matches!(told("40002", "isv.unmatched-app-id"), Person::Refused(_)));
        assert!(matches!(told("40002", "isv.invalid-signature"), Person::Refused(_)));
        assert!(matches!(told("49999", "isv.new"), Person::Unknown(_)));
        let again = next(&step, &sealed(root, &error_of("20000", "isp.unknow-error")));
        assert_eq!(sent_by(&again)["code"], "abc", "once more with the same code");
        assert!(matches!(read(&again, &sealed(root, &error_of("20000", "isp.unknow-error"))), Person::AskAgain(_)));
        assert!(matches!(read(&step, &unsealed(root, &error_of("40002", "isv.code-invalid"))), Person::Unknown(_)));
    }
}

#[test]
fn a_provider_asks_in_the_merchants_app_or_in_its_own() {
    let merchants = provider();
    let table = sub();
    let url = merchants.authorize(&visit(&table, None), "x", "s").unwrap();
    assert!(url.contains(&format!("app_id={MERCHANT}")));
    let sent = sent_by(&merchants.identify(&visit(&table, None), &format!("app_id={MERCHANT}&auth_code=abc"), &env(NOW)));
    assert_eq!((sent["app_id"].as_str(), sent["app_auth_token"].as_str()), (APP, "TOKEN-1"));
    assert!(
        matches!(merchants.identify(&visit(&table, Some(APP)), "auth_code=abc", &env(NOW)), Step::Refused(r) if r.kind == RefusalKind::Field("app_id"))
    );
    assert!(matches!(merchants.identify(&visit(&Notes::new(), None), "auth_code=abc", &env(NOW)), Step::Refused(_)));
    let own = alipay(json!({"mode": "provider", "oauth_app": "provider"}));
    assert!(own.authorize(&visit(&table, None), "x", "s").unwrap().contains(&format!("app_id={APP}")));
    let step = own.identify(&visit(&table, None), "auth_code=abc", &env(NOW));
    assert!(!sent_by(&step).contains_key("app_auth_token"));
    assert!(matches!(read(&step, &sealed(API, &payer(json!({"open_id": OPEN})))), Person::Refused(_)), "its open_id is of no use");
    assert!(matches!(read(&step, &sealed(API, &payer(json!({"user_id": BUYER})))), Person::Known(_)));
}
