//! What the bank would refuse is refused before anything is stored, with the field it is about.

use super::{ALIPAY_CODE, NUMBER, UNIONPAY_CODE, WECHAT_CODE, bare, cmb, direct, order, provider};
use crate::Cmb;
use serde_json::json;
use sluice_contract::{AttemptRef, Channel, Fen, Method, Notes, PayOrder, Refusal, RefusalKind, Store, Terminal};

fn refused(cmb: &Cmb, attempt: &AttemptRef, order: &PayOrder) -> Refusal {
    cmb.admit(attempt, order).err().unwrap_or_else(|| panic!("{attempt:?} was admitted"))
}

fn field(cmb: &Cmb, attempt: &AttemptRef, order: &PayOrder) -> Option<&'static str> {
    match refused(cmb, attempt, order).kind {
        RefusalKind::Field(name) => Some(name),
        _ => None,
    }
}

fn with_code(code: &str) -> PayOrder {
    PayOrder { auth_code: Some(code.into()), ..order() }
}

#[test]
fn each_method_takes_its_wallets_codes_and_cmbs_own_takes_any() {
    let cmb = direct();
    let codes = [UNIONPAY_CODE, WECHAT_CODE, ALIPAY_CODE];
    let taken = |method| codes.map(|code| cmb.admit(&bare(method), &with_code(code)).is_ok());
    assert_eq!(taken(Method::CmbBarcode), [true, true, true]);
    assert_eq!(taken(Method::UnionpayBarcode), [true, false, false]);
    assert_eq!(taken(Method::WechatBarcode), [false, true, false]);
    assert_eq!(taken(Method::AlipayBarcode), [false, false, true]);
}

#[test]
fn a_code_that_is_none_is_refused_and_never_repeated() {
    let cmb = direct();
    for code in
        ["", "621234567890123456", "9912345678901234567", "https://qr.95516.com/03080000/1", "0112345678901234567", "62１2345678901234567"]
    {
        let refusal = refused(&cmb, &bare(Method::CmbBarcode), &with_code(code));
        assert_eq!(refusal.kind, RefusalKind::Field("auth_code"), "{code}");
        assert!(code.is_empty() || !format!("{refusal:?}").contains(code), "{refusal:?}");
    }
    assert_eq!(field(&cmb, &bare(Method::CmbBarcode), &PayOrder { auth_code: None, ..order() }), Some("auth_code"));
    assert!(super::cmb(json!({"ecny_payment": "1"})).admit(&bare(Method::CmbBarcode), &with_code("0112345678901234567")).is_ok());
}

#[test]
fn a_payment_code_needs_a_terminal_that_fits() {
    let cmb = cmb(json!({"term_id": null}));
    let code = bare(Method::CmbBarcode);
    assert_eq!(field(&cmb, &code, &order()), Some("terminal.id"));
    let till = |id: &str| PayOrder { terminal: Some(Terminal { id: Some(id.into()), ..Terminal::default() }), ..order() };
    assert_eq!(field(&cmb, &code, &till("123456789")), Some("terminal.id"));
    assert!(cmb.admit(&code, &till("12345678")).is_ok());
    let store = PayOrder { store: Some(Store { term_id: Some("1".into()), ..Store::default() }), ..till("123456789") };
    assert!(cmb.admit(&code, &store).is_ok(), "the store's stands in");
    assert!(cmb.admit(&bare(Method::CmbQr), &order()).is_ok(), "a QR code needs none");
}

#[test]
fn amounts_numbers_lives_and_methods_are_bounded() {
    let cmb = direct();
    let qr = bare(Method::CmbQr);
    let edges = [(Fen(1), true), (Fen(9_999_999_999_999), true), (Fen(0), false), (Fen(10_000_000_000_000), false)];
    for (amount, fits) in edges {
        assert_eq!(cmb.admit(&AttemptRef { amount, ..qr.clone() }, &order()).is_ok(), fits, "{amount}");
    }
    assert_eq!(field(&cmb, &AttemptRef { amount: Fen(0), ..qr.clone() }, &order()), Some("amount"));
    assert_eq!(field(&cmb, &AttemptRef { expires_at: qr.at.plus(7201), ..qr.clone() }, &order()), Some("expires_in"));
    for number in [String::new(), "A".repeat(33), "A-1".into()] {
        assert_eq!(refused(&cmb, &AttemptRef { number, ..qr.clone() }, &order()).kind, RefusalKind::Account);
    }
    assert_eq!(refused(&cmb, &bare(Method::WechatJsapi), &order()).kind, RefusalKind::Account);
    assert_eq!(qr.number, NUMBER);
}

#[test]
fn a_sub_merchant_is_required_of_a_provider_and_refused_of_a_direct_account() {
    let (qr, sub) = (bare(Method::CmbQr), Notes::from([("sub_mer_id".to_owned(), "308999150570099".to_owned())]));
    assert_eq!(refused(&provider(), &qr, &order()).kind, RefusalKind::Account);
    assert!(provider().admit(&AttemptRef { sub: sub.clone(), ..qr.clone() }, &order()).is_ok());
    assert_eq!(refused(&direct(), &AttemptRef { sub: sub.clone(), ..qr }, &order()).kind, RefusalKind::Account);
    let fields = |cmb: &Cmb, sub: &Notes| cmb.check_sub(sub).into_iter().map(|p| p.field).collect::<Vec<_>>();
    assert_eq!(fields(&direct(), &sub), ["sub_mer_id"]);
    let odd = Notes::from([
        ("sub_mer_id".to_owned(), "x y".to_owned()),
        ("sub_store_id".to_owned(), String::new()),
        ("pid".to_owned(), "1".to_owned()),
    ]);
    assert_eq!(fields(&provider(), &odd), ["pid", "sub_mer_id", "sub_store_id"]);
    assert!(provider().sub_keys(&sub).items.is_empty());
}
