//! Opening accounts: every problem is told, with its key; and what an account then says of itself.

use super::{NOW, attempt, cmb, direct, env, opened, pair, with};
use crate::profile::METHODS;
use serde_json::{Value, json};
use sluice_contract::{
    AccountConfig, CallbackIs, Channel, KeyHint, KeyItem, KeyUpdate, Method, NotFoundFrom, Notes, Reader, Step, Visitor,
};

fn fields(tree: &Value) -> Vec<String> {
    opened(tree, None).err().unwrap_or_default().into_iter().map(|p| p.field).collect()
}

#[test]
fn an_empty_table_names_everything_that_is_required() {
    let found = fields(&json!({}));
    for field in ["app_id", "app_secret", "mer_id", "user_id", "private_key", "public_key"] {
        assert_eq!(found.iter().filter(|f| *f == field).count(), 1, "{field}: {found:?}");
    }
}

#[test]
fn each_mistake_is_told_with_its_key_and_no_secret() {
    let secret = "sk-very-secret-value";
    for (field, changes) in [
        ("app_id", json!({"app_id": "a b"})),
        ("app_secret", json!({"app_secret": ""})),
        ("mer_id", json!({"mer_id": "x y"})),
        ("user_id", json!({"user_id": "9".repeat(33)})),
        ("private_key", json!({"private_key": secret})),
        ("private_key", json!({"private_key": "00".repeat(32)})),
        ("private_key", json!({"private_key": "ff".repeat(32)})),
        ("private_key", json!({"private_key": "11".repeat(31)})),
        ("public_key", json!({"public_key": secret})),
        ("public_key", json!({"public_key": pair(super::MERCHANT).1})),
        ("term_id", json!({"term_id": "123456789"})),
        ("encrypt_terminal", json!({"encrypt_terminal": "yes"})),
        ("signs_empty", json!({"signs_empty": 1})),
        ("mode", json!({"mode": "both"})),
        ("expires_in_max_s", json!({"expires_in_max_s": 59})),
        ("refund_window_days", json!({"refund_window_days": 0})),
        ("file_base_url", json!({"file_base_url": "https://files.example.com/"})),
        ("statement_columns.number", json!({"statement_columns": {"amount": "a"}})),
        ("statement_columns.unit", json!({"statement_columns": {"amount": "a", "number": "n", "unit": "jiao"}})),
        ("statement_columns.colour", json!({"statement_columns": {"amount": "a", "number": "n", "colour": "c"}})),
        ("public_key", json!({"previous": {"public_key": secret}})),
        ("nonsense", json!({"previous": {"nonsense": 1}})),
        ("typo", json!({"typo": 1})),
    ] {
        let found = opened(&with(changes.clone()), None).err().unwrap_or_else(|| panic!("{changes} was taken"));
        assert!(found.iter().any(|p| p.field == field), "{field}: {found:?}");
        assert!(!format!("{found:?}").contains(secret));
    }
}

#[test]
fn an_account_serves_cmbs_own_methods_or_those_it_lists() {
    let tree = with(json!({}));
    let config = |methods| AccountConfig {
        id: "cmb-main",
        base_url: super::BASE,
        sandbox: true,
        methods,
        credentials: Reader::root("credentials", &tree),
        previous: None,
    };
    let served = |methods| -> Vec<Method> {
        let channel = crate::open(config(methods)).unwrap_or_else(|p| panic!("{p:?}"));
        channel.profile().methods.iter().map(|m| m.method).collect()
    };
    assert_eq!(served(None), [Method::CmbQr, Method::CmbBarcode]);
    assert_eq!(served(Some(&[Method::WechatNative, Method::AlipayBarcode])), [Method::WechatNative, Method::AlipayBarcode]);
    let foreign = crate::open(config(Some(&[Method::WechatJsapi]))).err().unwrap();
    assert_eq!(foreign.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["methods"]);
}

#[test]
fn a_profile_is_what_the_pack_says() {
    let cmb = direct();
    let profile = cmb.profile();
    assert_eq!((profile.methods.len(), profile.callback, profile.statement.is_some()), (METHODS.len(), CallbackIs::Proof, false));
    assert_eq!((profile.refund.count_max, profile.refund.can_repeat, profile.number.len_max), (50, true, 32));
    assert!(profile.renew_every_s.is_none() && profile.sub_fields.is_empty());
    for method in &profile.methods {
        let barcode = method.method.is_barcode();
        assert_eq!((method.can_close, method.reverse.is_some(), method.calls_back, method.can_repeat), (!barcode, barcode, true, false));
        assert_eq!(method.not_found_from == NotFoundFrom::Call, barcode);
        assert_eq!(method.required.contains(&"auth_code"), barcode);
        assert!(method.query_at_s.is_sorted() && !method.query_at_s.is_empty());
        if let Some(rule) = &method.reverse {
            assert_eq!((rule.earliest_s, rule.window_s, rule.day_ends_at_s), (15, 604_800, None));
        }
    }
    let set = super::cmb(json!({"expires_in_max_s": 900, "refund_window_days": 30, "statement_columns": {"number": "n", "amount": "a"}}));
    let profile = set.profile();
    assert_eq!((profile.methods[0].expires_in_max_s, profile.refund.window_s, profile.statement.is_some()), (900, 2_592_000, true));
}

#[test]
fn what_the_channel_has_not_it_refuses() {
    let cmb = cmb(json!({}));
    assert!(matches!(cmb.renew(&KeyHint { key_id: "x".into() }, &env(NOW)), Step::Refused(_)));
    assert!(cmb.install(&KeyUpdate::default()).is_ok());
    let item = KeyItem { id: "x".into(), value: "y".into(), from: None, until: None };
    assert!(cmb.install(&KeyUpdate { items: vec![item] }).is_err());
    let sub = Notes::new();
    let who = Visitor { method: Method::CmbQr, app_id: None, sub: &sub };
    assert!(cmb.authorize(&who, "https://pay.example.com/return/x", "s").is_err());
    assert!(matches!(cmb.identify(&who, "code=1", &env(NOW)), Step::Refused(_)));
    assert!(matches!(cmb.statement(NOW.day(), None, &env(NOW)), Step::Refused(_)));
    assert_eq!(attempt(&cmb, Method::CmbQr).memo.len(), 2);
}
