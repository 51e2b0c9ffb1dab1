//! What ICBC would refuse is refused before anything is stored; what must not change is frozen.

use super::{APP, CODE, MER, NOW, PRTCL, attempt, direct, family_b, icbc, notes, order, provider};
use crate::Icbc;
use serde_json::json;
use sluice_contract::{AttemptRef, Channel, Fen, Method, Notes, PayOrder, Payer, RefusalKind, Store};

fn refused(icbc: &Icbc, method: Method, change: impl Fn(&mut AttemptRef, &mut PayOrder)) -> RefusalKind {
    let (mut attempt, mut order) = (attempt(icbc, method), order());
    change(&mut attempt, &mut order);
    icbc.admit(&attempt, &order).unwrap_err().kind
}

#[test]
fn the_family_and_the_numbers_are_frozen() {
    let a = attempt(&direct(), Method::IcbcQr).memo;
    assert_eq!(a, notes(&[("family", "A"), ("app_id", APP), ("mer_id", MER)]));
    let b = attempt(&family_b(), Method::IcbcQr).memo;
    assert_eq!((b["family"].as_str(), b["mer_prtcl_no"].as_str(), b["icbc_appid"].as_str()), ("B", PRTCL, APP));
    for (method, family) in [(Method::IcbcBarcode, "A"), (Method::IcbcH5, "B"), (Method::IcbcApp, "B"), (Method::WechatMini, "B")] {
        assert_eq!(attempt(&family_b(), method).memo["family"], family, "{method:?}");
    }
    assert_eq!(attempt(&direct(), Method::WechatJsapi).memo["shop_appid"], "wx0000000000000000");
}

#[test]
fn a_providers_attempt_is_the_sub_merchants() {
    let memo = attempt(&provider(), Method::WechatJsapi).memo;
    assert_eq!((memo["mer_id"].as_str(), memo["mer_prtcl_no"].as_str()), ("020001020002", "0200010200020201"));
    assert!(!memo.contains_key("mer_acct"), "our account is not the sub-merchant's");
}

#[test]
fn a_binding_is_checked_by_the_accounts_mode() {
    let fields = |icbc: &Icbc, sub: &Notes| icbc.check_sub(sub).into_iter().map(|p| p.field).collect::<Vec<_>>();
    assert_eq!(fields(&direct(), &notes(&[("mer_id", MER)])), ["mer_id"]);
    assert_eq!(fields(&provider(), &Notes::new()), ["mer_id"]);
    assert_eq!(fields(&provider(), &notes(&[("mer_id", "12"), ("mer_prtcl_no", "x")])), ["mer_id", "mer_prtcl_no"]);
    assert!(fields(&provider(), &notes(&[("mer_id", "020001020001234")])).is_empty());
    assert_eq!(refused(&provider(), Method::IcbcQr, |attempt, _| attempt.sub = Notes::new()), RefusalKind::Account);
}

#[test]
fn only_a_code_of_62_and_17_digits_is_shown_to_the_bank() {
    for code in [
        "",
        "134737690209713402",
        "621111111111111111",
        "62351246745593945401",
        "623512467455939454x",
        "281234567890123456",
        " 6235124674559394540",
    ] {
        let kind = refused(&direct(), Method::IcbcBarcode, |_, order| order.auth_code = Some(code.into()));
        assert_eq!(kind, RefusalKind::Field("auth_code"), "{code}");
    }
    assert_eq!(refused(&direct(), Method::IcbcBarcode, |_, order| order.auth_code = None), RefusalKind::Field("auth_code"));
    for code in [CODE, "6200000035925925599"] {
        let order = PayOrder { auth_code: Some(code.into()), ..order() };
        assert!(direct().admit(&attempt(&direct(), Method::IcbcBarcode), &order).is_ok(), "{code}");
    }
}

#[test]
fn no_refusal_tells_the_code() {
    let order = PayOrder { auth_code: Some("62351246745593945".into()), ..order() };
    let refusal = direct().admit(&attempt(&direct(), Method::IcbcBarcode), &order).unwrap_err();
    assert!(!format!("{refusal:?}").contains("62351246"), "{refusal:?}");
}

#[test]
fn amounts_lives_payers_and_subjects_are_checked() {
    let icbc = direct();
    assert_eq!(refused(&icbc, Method::IcbcQr, |attempt, _| attempt.amount = Fen(0)), RefusalKind::Field("amount"));
    assert_eq!(refused(&icbc, Method::IcbcQr, |attempt, _| attempt.expires_at = NOW.plus(86_400)), RefusalKind::Field("expires_in"));
    assert_eq!(refused(&icbc, Method::IcbcQr, |attempt, _| attempt.number = "a-b".into()), RefusalKind::Account);
    assert_eq!(refused(&icbc, Method::IcbcQr, |attempt, _| attempt.method = Method::CmbQr), RefusalKind::Account);
    let nobody = |_: &mut AttemptRef, order: &mut PayOrder| order.payer = Payer::default();
    assert_eq!(refused(&icbc, Method::WechatJsapi, nobody), RefusalKind::Field("payer.openid"));
    assert_eq!(refused(&icbc, Method::AlipayJsapi, nobody), RefusalKind::Field("payer.buyer_id"));
    assert_eq!(refused(&icbc, Method::IcbcH5, |_, order| order.subject = "🍎".into()), RefusalKind::Field("subject"));
    let other_app = |attempt: &mut AttemptRef, _: &mut PayOrder| attempt.app_id = Some("wx1".into());
    assert_eq!(refused(&icbc, Method::WechatJsapi, other_app), RefusalKind::Field("app_id"));
}

#[test]
fn a_code_to_scan_in_family_a_needs_a_store_the_bank_knows() {
    let icbc = icbc(json!({"store_code": null}));
    let mut bare = attempt(&icbc, Method::IcbcBarcode);
    bare.method = Method::IcbcQr;
    assert_eq!(icbc.admit(&bare, &order()).unwrap_err().kind, RefusalKind::Account);
    let store = Store { id: "s1".into(), store_code: Some("S9".into()), ..Store::default() };
    assert!(icbc.admit(&bare, &PayOrder { store: Some(store), ..order() }).is_ok());
    assert!(family_b().admit(&attempt(&family_b(), Method::IcbcQr), &order()).is_ok());
}

#[test]
fn what_the_channel_has_not_is_refused_in_so_many_words() {
    let icbc = direct();
    let env = super::env(NOW);
    let kind = |step: String| assert!(step.contains("Unsupported"), "{step}");
    kind(format!("{:?}", icbc.statement(NOW.day(), None, &env)));
    kind(format!("{:?}", icbc.renew(&sluice_contract::KeyHint { key_id: "x".into() }, &env)));
    kind(format!("{:?}", icbc.install(&sluice_contract::KeyUpdate::default())));
    let sub = Notes::new();
    let who = sluice_contract::Visitor { method: Method::WechatJsapi, app_id: None, sub: &sub };
    kind(format!("{:?}", icbc.authorize(&who, "https://x", "s")));
    kind(format!("{:?}", icbc.identify(&who, "code=1", &env)));
    kind(format!("{:?}", icbc.close(&attempt(&icbc, Method::IcbcQr), &env)));
    kind(format!("{:?}", icbc.reverse(&attempt(&icbc, Method::IcbcQr), &env)));
    assert!(icbc.sub_keys(&sub).items.is_empty());
}
