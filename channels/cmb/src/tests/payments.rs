//! What each answer to pay and query means.

use super::{
    BANK, ENVELOPE, MER, NOW, NUMBER, OTHER, attempt, bad, cmb, direct, env, good, good_by, order, paid, pair, provider, read, read_at,
    signed_by,
};
use serde_json::{Value, json};
use sluice_contract::{
    Action, Channel, Discount, DiscountKind, FailureCode, Fault, Fen, FundedBy, HttpReply, Method, Notes, Pay, Step, Wallet, WhyKind,
};

fn doubt(pay: Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("not unknown: {other:?}"),
    }
}

fn steps() -> [Step<Pay>; 3] {
    let cmb = direct();
    let (qr, code) = (attempt(&cmb, Method::CmbQr), attempt(&cmb, Method::CmbBarcode));
    [cmb.pay(&code, &order(), &env(NOW)), cmb.query(&code, &env(NOW)), cmb.query(&qr, &env(NOW))]
}

#[test]
fn a_paid_order_tells_what_the_payer_paid_and_with_which_wallet() {
    for step in steps() {
        let Pay::Paid(payment) = read(&step, &good(&paid(json!({})))) else { panic!("not paid") };
        assert_eq!((payment.amount, payment.payer_amount, payment.wallet), (Fen(100), Some(Fen(85)), Some(Wallet::Wechat)));
        assert_eq!(payment.discounts, [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(15) }]);
        assert_eq!(payment.payer, Notes::from([("openid".into(), "oUpF8uMuAJO".into())]));
        assert_eq!(payment.channel_trade_no.as_deref(), Some("003226112320175970907070"));
        assert_eq!(payment.paid_at.map(|at| at.plain()).as_deref(), Some("2026-11-23 06:18:43"));
        assert_eq!(payment.handles["third_order_id"], "4200001");
        assert!(!format!("{payment:?}").contains("oUpF8uMuAJO"));
    }
}

#[test]
fn wallets_payers_times_and_discounts_follow_what_is_told() {
    let [_, step, _] = steps();
    let payment = |changes: Value| match read(&step, &good(&paid(changes.clone()))) {
        Pay::Paid(payment) => payment,
        other => panic!("{changes}: {other:?}"),
    };
    for (word, wallet, payer) in [
        ("ZF", Some(Wallet::Alipay), Some("buyer_id")),
        ("YL", Some(Wallet::Unionpay), None),
        ("EC", Some(Wallet::Ecny), None),
        ("XX", None, None),
    ] {
        let told = payment(json!({"payType": word}));
        assert_eq!((told.wallet, told.payer.keys().next().map(String::as_str)), (wallet, payer), "{word}");
    }
    // UnionPay's trades have no end.
    let begun = payment(json!({"endDate": null, "endTime": null})).paid_at.map(|at| at.plain());
    assert_eq!(begun.as_deref(), Some("2026-11-23 06:18:44"));
    assert_eq!(payment(json!({"endDate": "2026", "endTime": "x", "txnTime": "soon"})).paid_at, None);
    for (told, payer, count) in
        [(json!("0"), Some(Fen(100)), 0), (json!("100"), Some(Fen(0)), 1), (json!("101"), None, 0), (Value::Null, None, 0)]
    {
        let payment = payment(json!({"dscAmt": told}));
        assert_eq!((payment.payer_amount, payment.discounts.len()), (payer, count), "{told}");
    }
}

#[test]
fn every_state_has_one_meaning_and_a_refunded_order_was_paid() {
    let [pay, query, qr] = steps();
    let state = |step: &Step<Pay>, state: &str| read(step, &good(&paid(json!({"tradeState": state}))));
    for step in [&pay, &query, &qr] {
        assert!(matches!(state(step, "R"), Pay::Paid(_)));
        assert_eq!(state(step, "C"), Pay::Closed);
        assert_eq!(state(step, "D"), Pay::Reversed);
        assert_eq!(doubt(state(step, "X")), WhyKind::Unlisted);
        assert_eq!(doubt(state(step, "")), WhyKind::Unreadable);
        assert_eq!(doubt(read(step, &good(&paid(json!({"txnAmt": null}))))), WhyKind::Unreadable);
    }
    assert!(matches!(state(&pay, "P"), Pay::Waiting(Action::Wait { poll_after_ms: 5000 }, _)));
    assert!(matches!(state(&query, "P"), Pay::Waiting(Action::Wait { .. }, _)));
    assert!(matches!(state(&qr, "P"), Pay::Waiting(Action::None, _)));
    assert!(matches!(state(&pay, "F"), Pay::Failed(failure) if failure.channel_code.as_deref() == Some("F")));
}

#[test]
fn a_failed_try_does_not_end_a_qr_code_that_is_still_alive() {
    let [_, _, qr] = steps();
    let failed = good(&paid(json!({"tradeState": "F"})));
    assert_eq!(doubt(read_at(&qr, &failed, NOW.plus(899))), WhyKind::Pending);
    assert!(matches!(read_at(&qr, &failed, NOW.plus(900)), Pay::Failed(_)));
}

#[test]
fn a_qr_code_comes_back_as_what_the_payer_scans() {
    let cmb = direct();
    let mut attempt = attempt(&cmb, Method::CmbQr);
    let step = cmb.pay(&attempt, &order(), &env(NOW));
    let content = json!({"merId": MER, "orderId": NUMBER, "cmbOrderId": "0032", "qrCode": "https://qr.95516.com/03080000/1", "txnTime": "20261123061844"});
    let handles = Notes::from([("placed".into(), "yes".into()), ("cmb_order_id".into(), "0032".into())]);
    let wanted = Pay::Waiting(Action::QrCode { content: "https://qr.95516.com/03080000/1".into() }, handles.clone());
    assert_eq!(read(&step, &good(&content)), wanted);
    for broken in [json!({"qrCode": null}), json!({"qrCode": ""}), json!({"qrCode": "a b"}), json!({"qrCode": "x".repeat(301)})] {
        assert_eq!(doubt(read(&step, &good(&super::merge(content.clone(), &broken)))), WhyKind::Unreadable, "{broken}");
    }
    assert_eq!(doubt(read(&step, &good(&super::merge(content, &json!({"orderId": "OTHER"}))))), WhyKind::Contradiction);
    // Somebody may hold a code by now: no refusal of a repeat fails the order.
    assert!(matches!(read(&step, &bad("TXNAMT_NOT_LAWFUL")), Pay::Failed(_)));
    attempt.handles = handles;
    for code in ["TXNAMT_NOT_LAWFUL", "SIGN_ERROR"] {
        assert_eq!(doubt(read(&cmb.pay(&attempt, &order(), &env(NOW)), &bad(code))), WhyKind::Pending, "{code}");
    }
}

#[test]
fn refused_orders_fail_by_a_signed_and_listed_word_only() {
    let cmb = direct();
    let qr = cmb.pay(&attempt(&cmb, Method::CmbQr), &order(), &env(NOW));
    let [code, query, _] = steps();
    for (word, wanted, fault) in [
        ("AUTHCODE_NOT_LAWFUL", FailureCode::AuthCodeInvalid, Fault::Payer),
        ("TRADEAMOUNT_LIMITED", FailureCode::ChannelLimit, Fault::Account),
        ("MCH_DAILY_QUOTA_EXCEED", FailureCode::ChannelLimit, Fault::Account),
        ("MERID_NOT_EXIST", FailureCode::ChannelConfiguration, Fault::Account),
        ("JSON_FORMAT_ERROR", FailureCode::RequestInvalid, Fault::Request),
        ("ORDERID_INVALID", FailureCode::OrderClosed, Fault::Request),
    ] {
        for step in [&qr, &code] {
            match read(step, &bad(word)) {
                Pay::Failed(failure) => {
                    assert_eq!((failure.code, failure.fault, failure.channel_code.as_deref()), (wanted, fault, Some(word)));
                    assert_eq!(failure.message, "说明");
                }
                other => panic!("{word}: {other:?}"),
            }
        }
    }
    for word in ["SYSTERM_ERROR", "SYSTERM_MAINTAINING", "ORDERID_DUPLICATION", "ORDER_PAID", "AMT_MISMATCHED_ORDER"] {
        assert_eq!(doubt(read(&code, &bad(word))), WhyKind::Pending, "{word}");
    }
    assert!(
        matches!(read(&qr, &bad("SYSTERM_ERROR")), Pay::Failed(f) if f.code == FailureCode::ChannelUnavailable && f.fault == Fault::Account)
    );
    assert_eq!(doubt(read(&qr, &bad("ORDERID_DUPLICATION"))), WhyKind::Pending);
    for step in [&qr, &code, &query] {
        assert_eq!(doubt(read(step, &bad("SOMETHING_NEW"))), WhyKind::Unlisted);
        assert_eq!(doubt(read(step, &bad(""))), WhyKind::Unreadable);
    }
}

#[test]
fn a_query_that_is_refused_tells_of_the_order_or_of_nothing() {
    let [_, code, qr] = steps();
    for step in [&code, &qr] {
        assert_eq!(read(step, &bad("ORDERID_NOT_EXIST")), Pay::NotFound);
        assert_eq!(read(step, &bad("ORDERID_INVALID")), Pay::Closed);
        assert_eq!(doubt(read(step, &bad("SIGN_ERROR"))), WhyKind::Configuration);
        assert_eq!(doubt(read(step, &bad("SYSTERM_ERROR"))), WhyKind::Pending);
    }
    for word in ["UNPAIED_ORDER", "CMBORDERID_NOT_EXIST"] {
        assert!(matches!(read(&qr, &bad(word)), Pay::Waiting(Action::None, _)), "{word}");
        assert!(matches!(read(&code, &bad(word)), Pay::Waiting(Action::Wait { .. }, _)), "{word}");
    }
}

#[test]
fn an_order_too_old_to_be_known_is_not_asked_about() {
    let cmb = direct();
    let attempt = attempt(&cmb, Method::CmbQr);
    let at = |days: i64| cmb.query(&attempt, &env(NOW.plus(days * 86_400)));
    assert!(matches!(at(15), Step::Send(_)));
    assert!(matches!(cmb.query(&attempt, &env(NOW.plus(15 * 86_400 + 1))), Step::Refused(_)));
}

#[test]
fn a_reply_about_something_else_decides_nothing() {
    for step in steps() {
        for lie in [
            json!({"orderId": "AB2CD3EF4GH5JK6MN7PQ8RS9TV1"}),
            json!({"txnAmt": "101"}),
            json!({"txnAmt": 99}),
            json!({"currencyCode": "840"}),
            json!({"merId": "3089991701207X8"}),
            json!({"subMerId": "1"}),
        ] {
            for state in ["S", "F", "C", "D", "P", "R"] {
                let content = super::merge(paid(json!({"tradeState": state})), &lie);
                assert_eq!(doubt(read(&step, &good(&content))), WhyKind::Contradiction, "{state} {lie}");
            }
        }
        // What a reply does not repeat, the exchange itself answers.
        assert!(matches!(read(&step, &good(&paid(json!({"orderId": null, "merId": null, "currencyCode": null})))), Pay::Paid(_)));
    }
    let cmb = provider();
    let attempt = attempt(&cmb, Method::CmbQr);
    let step = cmb.query(&attempt, &env(NOW));
    assert!(matches!(read(&step, &good(&paid(json!({"subMerId": "308999150570099"})))), Pay::Paid(_)));
    assert_eq!(doubt(read(&step, &good(&paid(json!({"subMerId": "308999150570098"}))))), WhyKind::Contradiction);
}

/// The genuine paid reply as text.
fn genuine() -> String {
    String::from_utf8(good(&paid(json!({}))).bytes().to_vec()).unwrap()
}

#[test]
fn what_the_bank_did_not_sign_decides_nothing() {
    let text = |body: &str| HttpReply::new(200, &[], body);
    for step in steps() {
        assert!(matches!(read(&step, &text(&genuine())), Pay::Paid(_)));
        for (reply, wanted) in [
            (good_by(OTHER, &paid(json!({}))), WhyKind::BadSignature),
            (good_by(super::MERCHANT, &paid(json!({}))), WhyKind::BadSignature),
            (text(&genuine().replace("20261123", "20261124")), WhyKind::BadSignature),
            (text(&genuine().replace(r#""returnCode":"SUCCESS""#, r#""returnCode":"FAIL""#)), WhyKind::BadSignature),
            (text(&genuine().replace(r#""version""#, r#""extra":"1","version""#)), WhyKind::BadSignature),
            (text(&genuine().replace(r#""version":"0.0.1""#, r#""version":"0.0.1","version":"0.0.1""#)), WhyKind::Unreadable),
            (text(&genuine().replace(r#""version":"0.0.1""#, r#""version":1"#)), WhyKind::Unreadable),
            (text(&genuine().replace(r#""signMethod":"02""#, r#""signMethod":"01""#)), WhyKind::BadSignature),
            (text(r#"{"returnCode":"FAIL","errCode":"AUTHCODE_NOT_LAWFUL"}"#), WhyKind::BadSignature),
            (text(r#"{"returnCode":"FAIL","errCode":"SYSTERM_ERROR","respMsg":"x"}"#), WhyKind::Pending),
            (text(r#"{"returnCode":"FAIL","errCode":"SIGN_ERROR","respMsg":"x"}"#), WhyKind::Configuration),
            (text(r#"{"returnCode":"FAIL","errCode":"ORDERID_INVALID","sign":""}"#), WhyKind::BadSignature),
            (text("<html>"), WhyKind::Unreadable),
            (text(""), WhyKind::Unreadable),
            (text("[]"), WhyKind::Unreadable),
            (HttpReply::new(502, &[], genuine()), WhyKind::NoAnswer),
            (HttpReply::new(302, &[], genuine()), WhyKind::NoAnswer),
        ] {
            let body = String::from_utf8_lossy(reply.bytes()).into_owned();
            assert_eq!(doubt(read(&step, &reply)), wanted, "{} {body:.200}", reply.status);
        }
    }
}

#[test]
fn validly_signed_nonsense_decides_nothing() {
    let signed = |members: &[(&str, &str)]| signed_by(BANK, &[&ENVELOPE, members].concat());
    let content = paid(json!({})).to_string();
    let doubled = content.replace(r#""txnAmt":"100""#, r#""txnAmt":"100","txnAmt":"100""#);
    assert_ne!(doubled, content);
    for step in steps() {
        for members in [
            vec![("returnCode", "SUCCESS"), ("biz_content", content.as_str())],
            vec![("returnCode", "SUCCESS"), ("respCode", "MAYBE"), ("biz_content", content.as_str())],
            vec![("respCode", "SUCCESS"), ("biz_content", content.as_str())],
            vec![("returnCode", "SUCCESS"), ("respCode", "SUCCESS")],
            vec![("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", "[]")],
            vec![("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", doubled.as_str())],
        ] {
            assert_eq!(doubt(read(&step, &signed(&members))), WhyKind::Unreadable, "{members:?}");
        }
        // Downgrade: RSA is announced and the signature happens to be ours.
        let old = signed_by(BANK, &[("signMethod", "01"), ("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", &content)]);
        assert_eq!(doubt(read(&step, &old)), WhyKind::BadSignature);
        let mute = signed_by(BANK, &[("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", &content)]);
        assert_eq!(doubt(read(&step, &mute)), WhyKind::BadSignature);
    }
}

#[test]
fn values_are_verified_decoded_and_unknown_members_are_signed_too() {
    let [_, step, _] = steps();
    let content = paid(json!({})).to_string();
    let told = [("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", content.as_str()), ("newThing", "a/b=c&d")];
    let members = [&ENVELOPE[..], &told].concat();
    let reply = signed_by(BANK, &members);
    let escaped = String::from_utf8(reply.bytes().to_vec()).unwrap().replace('/', "\\/").replace("newThing", "new\\u0054hing");
    assert!(escaped.contains("a\\/b"));
    assert!(matches!(read(&step, &HttpReply::new(200, &[], escaped)), Pay::Paid(_)));
}

#[test]
fn empty_values_are_signed_as_the_account_says() {
    let content = paid(json!({})).to_string();
    let members = [&ENVELOPE[..], &[("returnCode", "SUCCESS"), ("respCode", "SUCCESS"), ("biz_content", content.as_str())]].concat();
    let kept = signed_by(BANK, &[&members[..], &[("errCode", "")]].concat());
    let dropped = String::from_utf8(signed_by(BANK, &members).bytes().to_vec()).unwrap().replacen('{', r#"{"errCode":"","#, 1);
    let dropped = HttpReply::new(200, &[], dropped);
    for (keeps, right, wrong) in [(true, &kept, &dropped), (false, &dropped, &kept)] {
        let cmb = cmb(json!({"signs_empty": keeps}));
        let step = cmb.query(&attempt(&cmb, Method::CmbQr), &env(NOW));
        assert!(matches!(read(&step, right), Pay::Paid(_)), "{keeps}");
        assert_eq!(doubt(read(&step, wrong)), WhyKind::BadSignature, "one form, no second try");
    }
}

#[test]
fn former_keys_of_the_bank_verify_and_our_former_key_never_signs() {
    let old = cmb(json!({"previous": {"public_key": pair(OTHER).1, "private_key": pair(OTHER).0, "mer_id": "1", "app_secret": "x"}}));
    let step = old.query(&attempt(&old, Method::CmbQr), &env(NOW));
    for key in [BANK, OTHER] {
        assert!(matches!(read(&step, &good_by(key, &paid(json!({})))), Pay::Paid(_)), "{key}");
    }
    assert_eq!(doubt(read(&step, &good_by(super::MERCHANT, &paid(json!({}))))), WhyKind::BadSignature);
    super::envelope_of(super::request_of(&step));
    assert!(old.account.keys.encrypting == super::public(BANK).public);
}
