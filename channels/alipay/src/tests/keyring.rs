//! Tokens and certificates: renewed when a reply asks for it, trusted by what they are, installed.

use super::{
    MERCHANT, NOW, alipay_key, attempt, certs, direct, env, error_of, good, next, opened, order, other_key, provider, read, reading,
    refund_of, reply, sealed, sealed_by, sent_by, trade, unsealed,
};
use crate::{Alipay, certificate};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sluice_contract::{Channel, FailureCode, HttpReply, KeyHint, KeyItem, KeyUpdate, Method, Pay, Reading, Renewed, Second, Step, WhyKind};
use std::sync::Arc;

const TOKEN: &str = "alipay.open.auth.token.app";
const CERT: &str = "alipay.open.app.alipaycert.download";
const QUERY: &str = "alipay.trade.query";

fn hint(id: &str) -> KeyHint {
    KeyHint { key_id: id.into() }
}

fn token_id() -> String {
    format!("app_auth_token:{MERCHANT}")
}

fn tokens(members: Value) -> String {
    let mut tree = json!({"code": "10000", "msg": "Success", "auth_app_id": MERCHANT, "user_id": "2088000000000009", "app_auth_token": "TOKEN-2",
        "app_refresh_token": "REFRESH-2", "expires_in": 31536000, "re_expires_in": "32140800"});
    for (name, value) in members.as_object().unwrap() {
        tree[name] = value.clone();
    }
    tree.to_string()
}

#[test]
fn a_bindings_secrets_are_keys_that_name_its_merchant() {
    let items = provider().sub_keys(&super::sub()).items;
    let ids: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, [token_id().as_str(), &format!("app_refresh_token:{MERCHANT}")]);
    assert!(!format!("{items:?}").contains("TOKEN-1"));
    let fields = |sub: &sluice_contract::Notes| provider().check_sub(sub).into_iter().map(|p| p.field).collect::<Vec<_>>();
    assert!(fields(&super::sub()).is_empty());
    assert_eq!(fields(&sluice_contract::Notes::new()), ["auth_app_id", "app_auth_token"]);
    for (name, value) in
        [("auth_app_id", "wx"), ("app_auth_token", "a b"), ("app_refresh_token", ""), ("seller_id", "9"), ("sub_mchid", "1")]
    {
        let mut sub = super::sub();
        sub.insert(name.into(), value.into());
        assert_eq!(fields(&sub), [name]);
    }
    assert_eq!(direct().check_sub(&super::sub()).len(), 3, "a direct account has no bindings");
}

#[test]
fn a_dead_token_is_renewed_once_and_the_call_made_again_under_the_new_one() {
    let alipay = provider();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    for sub in ["aop.invalid-app-auth-token", "aop.app-auth-token-time-out", "aop.invalid-app-auth-token-no-api"] {
        match reading(&step, &sealed(QUERY, &error_of("20001", sub))) {
            Reading::NeedKeys(hint) => assert_eq!(hint.key_id, token_id()),
            other => panic!("{other:?}"),
        }
    }
    let dead = sealed(QUERY, &error_of("20001", "aop.app-auth-token-time-out"));
    let renewal = alipay.renew(&hint(&token_id()), &env(NOW));
    let sent = sent_by(&renewal);
    assert_eq!(
        (sent["method"].as_str(), sent["biz_content"].as_str()),
        (TOKEN, r#"{"grant_type":"refresh_token","refresh_token":"REFRESH-1"}"#)
    );
    assert!(!sent.contains_key("app_auth_token"));
    let Renewed::Keys(update) = read(&renewal, &sealed(TOKEN, &tokens(json!({})))) else { panic!("no tokens") };
    assert_eq!(update.items[0].until, Some(NOW.plus(31_536_000)));
    assert_eq!(update.items[1].until, None, "the token's end renews both");
    alipay.install(&update).unwrap();
    let again = next(&step, &dead);
    assert_eq!(sent_by(&again)["app_auth_token"], "TOKEN-2");
    assert_eq!(sent_by(&again)["biz_content"], sent_by(&step)["biz_content"]);
    assert!(matches!(read(&again, &sealed(QUERY, &trade(json!({})))), Pay::Paid(_)));
    assert!(matches!(read(&again, &dead), Pay::Unknown(why) if why.kind == WhyKind::Configuration), "never twice");
    assert_eq!(
        sent_by(&alipay.renew(&hint(&token_id()), &env(NOW)))["biz_content"],
        r#"{"grant_type":"refresh_token","refresh_token":"REFRESH-2"}"#
    );
}

#[test]
fn every_verb_of_a_merchant_asks_for_its_dead_token_and_an_unsigned_word_does_not() {
    let alipay = provider();
    let (online, barcode) = (attempt(&alipay, Method::AlipayQr), attempt(&alipay, Method::AlipayBarcode));
    let refund = refund_of(online.clone());
    let node = error_of("20001", "aop.invalid-app-auth-token");
    fn dies<T: std::fmt::Debug>(step: &Step<T>, method: &str, node: &str) {
        assert!(matches!(reading(step, &sealed(method, node)), Reading::NeedKeys(_)), "{method}");
        assert!(matches!(reading(step, &unsealed(method, node)), Reading::Is(_)), "{method}");
    }
    dies(&alipay.pay(&barcode, &order(), &env(NOW)), "alipay.trade.pay", &node);
    dies(&alipay.close(&online, &env(NOW)), "alipay.trade.close", &node);
    dies(&alipay.reverse(&barcode, &env(NOW)), "alipay.trade.cancel", &node);
    dies(&alipay.refund(&refund, &env(NOW)), "alipay.trade.refund", &node);
    dies(&alipay.query_refund(&refund, &env(NOW)), "alipay.trade.fastpay.refund.query", &node);
    let ours = direct();
    let step = ours.query(&attempt(&ours, Method::AlipayQr), &env(NOW));
    assert!(
        matches!(read(&step, &sealed(QUERY, &node)), Pay::Unknown(why) if why.kind == WhyKind::Configuration),
        "we have no token to renew"
    );
}

#[test]
fn a_renewal_that_cannot_be_is_refused_and_one_that_is_unclear_is_unknown() {
    let alipay = provider();
    let step = alipay.renew(&hint(&token_id()), &env(NOW));
    for sub in ["isv.refresh-token-invalid", "isv.refresh-token-time-out", "isv.refreshed-token-invalid"] {
        assert!(matches!(read(&step, &sealed(TOKEN, &error_of("40002", sub))), Renewed::Refused(_)), "{sub}");
        assert!(matches!(read(&step, &unsealed(TOKEN, &error_of("40002", sub))), Renewed::Unknown(_)), "{sub}");
    }
    for node in [
        error_of("20000", "isp.unknow-error"),
        error_of("49999", "new"),
        tokens(json!({"auth_app_id": "2021000000000998"})),
        tokens(json!({"app_auth_token": ""})),
        tokens(json!({"app_refresh_token": null})),
    ] {
        assert!(matches!(read(&step, &sealed(TOKEN, &node)), Renewed::Unknown(_)), "{node}");
    }
    assert!(matches!(read(&step, &unsealed(TOKEN, &tokens(json!({})))), Renewed::Unknown(_)));
    for id in ["app_auth_token:2021000000000998", "app_auth_token:x", "", "0123456789abcdef0123456789abcdef", "x:y"] {
        assert!(matches!(alipay.renew(&hint(id), &env(NOW)), Step::Done(Renewed::Refused(_))), "{id}");
    }
}

#[test]
fn what_a_dead_token_was_refused_has_failed_once_nobody_renews_it() {
    let alipay = provider();
    let pay = || alipay.pay(&attempt(&alipay, Method::AlipayBarcode), &order(), &env(NOW));
    let dead = sealed("alipay.trade.pay", &error_of("20001", "aop.app-auth-token-time-out"));
    let renewal = alipay.renew(&hint(&token_id()), &env(NOW));
    assert!(matches!(read(&renewal, &sealed(TOKEN, &error_of("20000", "isp.unknow-error"))), Renewed::Unknown(_)));
    let step = pay();
    assert!(matches!(reading(&step, &dead), Reading::NeedKeys(_)), "an unclear renewal is tried again");
    assert!(matches!(read(&renewal, &sealed(TOKEN, &error_of("40002", "isv.refresh-token-time-out"))), Renewed::Refused(_)));
    assert!(matches!(read(&step, &dead), Pay::Failed(failure) if failure.code == FailureCode::ChannelConfiguration));
    assert!(matches!(read(&pay(), &unsealed("alipay.trade.pay", &error_of("20001", "x"))), Pay::Unknown(_)), "only if Alipay says so");
    let query = alipay.query(&attempt(&alipay, Method::AlipayBarcode), &env(NOW));
    let asked = sealed(QUERY, &error_of("20001", "aop.app-auth-token-time-out"));
    assert!(matches!(read(&query, &asked), Pay::Unknown(why) if why.kind == WhyKind::Configuration), "a question refused is no answer");
    // The merchant authorises again: the new token is another one.
    let item = KeyItem { id: token_id(), value: "TOKEN-9".into(), from: None, until: None };
    alipay.install(&KeyUpdate { items: vec![item] }).unwrap();
    assert!(matches!(reading(&pay(), &dead), Reading::NeedKeys(_)));
}

fn certified() -> Alipay {
    let account = opened(&certs::credentials(), false).unwrap_or_else(|p| panic!("{p:?}"));
    Alipay { account: Arc::new(account) }
}

fn sn(pem: &str) -> String {
    certificate::read(pem).unwrap().sn
}

/// A reply that brings a certificate, signed by a key.
fn brings(key: &str, pem: &str) -> HttpReply {
    let node = json!({"code": "10000", "msg": "Success", "alipay_cert_content": STANDARD.encode(pem)}).to_string();
    sealed_by(key, CERT, &node, &format!("\"alipay_cert_sn\":\"{}\",", sn(pem)))
}

#[test]
fn requests_in_certificate_mode_name_both_serial_numbers() {
    let alipay = certified();
    let sent = sent_by(&alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW)));
    let files = certs::files();
    assert_eq!((&sent["app_cert_sn"], &sent["alipay_root_cert_sn"]), (&sn(&files.app), &sn(&files.root)));
    assert!(!sent_by(&direct().query(&attempt(&direct(), Method::AlipayQr), &env(NOW))).contains_key("app_cert_sn"));
}

#[test]
fn a_reissued_certificate_is_fetched_checked_and_used() {
    let alipay = certified();
    let files = certs::files();
    let step = alipay.query(&attempt(&alipay, Method::AlipayQr), &env(NOW));
    let named = |key: &str, pem: &str| sealed_by(key, QUERY, &trade(json!({})), &format!("\"alipay_cert_sn\":\"{}\",", sn(pem)));
    assert!(matches!(read(&step, &named(&alipay_key(), &files.alipay)), Pay::Paid(_)));
    assert!(matches!(read(&step, &sealed(QUERY, &trade(json!({})))), Pay::Paid(_)), "named by nobody, signed by Alipay");
    let fresh = named(&other_key(), &files.reissued);
    let Reading::NeedKeys(asked) = reading(&step, &fresh) else { panic!("the new certificate is not asked for") };
    assert_eq!(asked.key_id, sn(&files.reissued));
    let renewal = alipay.renew(&asked, &env(NOW));
    assert_eq!(sent_by(&renewal)["biz_content"], json!({"alipay_cert_sn": asked.key_id}).to_string());
    let Renewed::Keys(update) = read(&renewal, &brings(&other_key(), &files.reissued)) else { panic!("no certificate") };
    alipay.install(&update).unwrap();
    assert!(matches!(read(&step, &fresh), Pay::Paid(_)));
    assert!(matches!(read(&step, &named(&alipay_key(), &files.reissued)), Pay::Unknown(why) if why.kind == WhyKind::BadSignature));
    for odd in ["", "ABC", "../../x", &"A".repeat(32)] {
        let body = sealed_by(&alipay_key(), QUERY, &trade(json!({})), &format!("\"alipay_cert_sn\":\"{odd}\","));
        assert!(matches!(read(&step, &body), Pay::Unknown(why) if why.kind == WhyKind::BadSignature), "{odd}");
    }
}

#[test]
fn a_certificate_that_does_not_prove_itself_is_not_taken() {
    let alipay = certified();
    let files = certs::files();
    let wants = |pem: &str, reply: &HttpReply, now: Second| {
        let step = alipay.renew(&hint(&sn(pem)), &env(NOW));
        match &step {
            Step::Send(exchange) => match exchange.read(reply, &env(now)) {
                Reading::Is(Renewed::Unknown(why)) => why.kind,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    for pem in [&files.impostor, &files.below_a_leaf] {
        assert_eq!(wants(pem, &brings(&other_key(), pem), NOW), WhyKind::BadSignature);
        let item = KeyItem { id: sn(pem), value: pem.clone(), from: None, until: None };
        assert!(alipay.install(&KeyUpdate { items: vec![item] }).is_err());
    }
    let good_one = &files.reissued;
    assert_eq!(wants(&files.app, &brings(&other_key(), good_one), NOW), WhyKind::Contradiction, "another one than asked for");
    assert_eq!(wants(good_one, &brings(&other_key(), good_one), Second(-3_000_000_000)), WhyKind::Contradiction, "not valid yet");
    assert_eq!(wants(good_one, &brings(&super::app_key(), good_one), NOW), WhyKind::BadSignature, "signed by nobody we know");
    let node = json!({"code": "10000", "alipay_cert_content": STANDARD.encode(good_one)}).to_string();
    assert_eq!(wants(good_one, &unsealed(CERT, &node), NOW), WhyKind::BadSignature);
    for content in ["", "!!", "AAAA"] {
        let node = json!({"code": "10000", "alipay_cert_content": content}).to_string();
        assert_eq!(wants(good_one, &sealed(CERT, &node), NOW), WhyKind::Unreadable);
    }
    assert_eq!(wants(good_one, &sealed(CERT, &good(json!({}))), NOW), WhyKind::Unreadable);
    assert_eq!(wants(good_one, &reply("<html>"), NOW), WhyKind::Unreadable);
    let refused = read(&alipay.renew(&hint(&sn(good_one)), &env(NOW)), &sealed(CERT, &error_of("40002", "isv.invalid-signature")));
    assert!(matches!(refused, Renewed::Refused(_)));
}

#[test]
fn nothing_is_installed_unless_everything_fits() {
    let alipay = certified();
    let files = certs::files();
    let item = |id: &str, value: &str| KeyItem { id: id.into(), value: value.into(), from: None, until: None };
    let token = item(&token_id(), "TOKEN-9");
    let right = item(&sn(&files.reissued), &files.reissued);
    let wrong = [
        item(&sn(&files.app), &files.reissued),
        item("app_auth_token:x", "y"),
        item("mchid", "z"),
        item(&right.id, "garbage"),
        item(&token_id(), ""),
    ];
    for wrong in wrong {
        let id = wrong.id.clone();
        assert!(alipay.install(&KeyUpdate { items: vec![token.clone(), wrong] }).is_err(), "{id}");
        assert!(alipay.account.ring.token("app_auth_token", MERCHANT).is_none(), "{id}");
    }
    assert!(direct().install(&KeyUpdate { items: vec![right.clone()] }).is_err(), "key mode has no certificates");
    alipay.install(&KeyUpdate { items: vec![token, right] }).unwrap();
    assert!(alipay.account.ring.token("app_auth_token", MERCHANT).is_some());
}
