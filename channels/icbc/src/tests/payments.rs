//! What a query tells of a payment: states by family, amounts, discounts, wallets, and lies.

use super::{NOW, NUMBER, answer, attempt, block, direct, env, error, family_b, notes, read};
use crate::Icbc;
use serde_json::{Value, json};
use sluice_contract::{
    Action, AttemptRef, Channel, Discount, DiscountKind, Fen, FundedBy, HttpReply, Method, Pay, Payment, Second, Wallet, WhyKind,
};

fn asked_of(icbc: &Icbc, attempt: &AttemptRef, reply: &HttpReply) -> Pay {
    read(&icbc.query(attempt, &env(NOW)), reply)
}

fn a(changes: Value) -> Pay {
    asked_of(&direct(), &attempt(&direct(), Method::IcbcQr), &answer(block(changes)))
}

fn b(changes: Value) -> Pay {
    let changes = super::changed(json!({"return_code": "0"}), changes);
    asked_of(&family_b(), &attempt(&family_b(), Method::IcbcQr), &answer(block(changes)))
}

fn paid(pay: Pay) -> Payment {
    match pay {
        Pay::Paid(payment) => payment,
        other => panic!("{other:?}"),
    }
}

fn unknown(pay: &Pay) -> WhyKind {
    match pay {
        Pay::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn family_as_states() {
    assert!(matches!(a(json!({"pay_status": "0"})), Pay::Waiting(Action::None, _)));
    assert!(matches!(a(json!({"pay_status": "2"})), Pay::Failed(_)));
    assert_eq!(a(json!({"pay_status": "3"})), Pay::Reversed);
    assert_eq!(unknown(&a(json!({"pay_status": "4"}))), WhyKind::Pending);
    for state in ["1", "5", "6", "7"] {
        assert_eq!(paid(a(json!({"pay_status": state}))).amount, Fen(1000), "{state}");
    }
    assert_eq!(unknown(&a(json!({"pay_status": "8"}))), WhyKind::Unlisted);
    assert_eq!(unknown(&a(json!({}))), WhyKind::Unreadable);
    let waits = asked_of(&direct(), &attempt(&direct(), Method::IcbcBarcode), &answer(block(json!({"pay_status": 0}))));
    assert!(matches!(waits, Pay::Waiting(Action::Wait { .. }, _)));
}

#[test]
fn family_bs_states() {
    assert_eq!(paid(b(json!({"pay_status": "0"}))).amount, Fen(1000));
    assert!(matches!(b(json!({"pay_status": "1"})), Pay::Failed(_)));
    assert_eq!(unknown(&b(json!({"pay_status": "2"}))), WhyKind::Pending);
    for state in ["3", "5", "-1"] {
        assert_eq!(unknown(&b(json!({"pay_status": state}))), WhyKind::Unlisted, "{state}");
    }
}

#[test]
fn who_paid_how_much_is_told_in_parts() {
    let payment = paid(a(json!({"pay_status": "1", "pay_time": "20261123060130"})));
    assert_eq!((payment.payer_amount, payment.wallet), (Some(Fen(550)), Some(Wallet::Icbc)));
    let part = |kind, funded_by, amount| Discount { kind, funded_by, amount: Fen(amount) };
    let parts = [
        part(DiscountKind::Points, FundedBy::Bank, 300),
        part(DiscountKind::Merchant, FundedBy::Merchant, 100),
        part(DiscountKind::Bank, FundedBy::Bank, 50),
    ];
    assert_eq!(payment.discounts, parts);
    assert_eq!(payment.channel_trade_no.as_deref(), Some("020001020001000612611230001"));
    assert_eq!(payment.handles, notes(&[("order_id", "020001020001000612611230001")]));
    assert_eq!(payment.payer, notes(&[("buyer_id", "C1")]));
    assert_eq!(payment.paid_at, Some(Second(NOW.0 + 30)));
    assert_eq!(paid(a(json!({"pay_status": "1"}))).paid_at, None, "a date is no moment");
}

#[test]
fn points_may_pay_for_everything() {
    let all = json!({"pay_status": "1", "point_amt": "1000", "mer_disc_amt": "0", "bank_disc_amt": "0", "total_disc_amt": "0", "payment_amt": "0"});
    let payment = paid(a(all));
    assert_eq!((payment.amount, payment.payer_amount), (Fen(1000), Some(Fen(0))));
    assert_eq!(payment.discounts, [Discount { kind: DiscountKind::Points, funded_by: FundedBy::Bank, amount: Fen(1000) }]);
    let free = json!({"pay_status": "2", "payment_amt": "1000"});
    assert!(matches!(a(free), Pay::Failed(_)), "the state decides, never the amount");
}

#[test]
fn amounts_that_do_not_add_up_are_written_down_and_decide_nothing() {
    let payment = paid(a(json!({"pay_status": "1", "payment_amt": "551"})));
    assert!(payment.handles.contains_key("amounts"));
    assert!(!paid(a(json!({"pay_status": "1"}))).handles.contains_key("amounts"));
    let none = paid(a(json!({"pay_status": "1", "payment_amt": "", "point_amt": null})));
    assert_eq!((none.payer_amount, none.handles.contains_key("amounts")), (None, false));
}

#[test]
fn family_b_tells_the_wallet_its_payer_and_its_own_discounts() {
    let third = json!({
        "pay_status": 0, "pay_type": "9", "open_id": "oX", "point_amt": "0", "mer_disc_amt": "0", "bank_disc_amt": "0", "payment_amt": "900",
        "third_party_coupon_amt": "60", "union_mcht_discount_amt": "40",
    });
    let payment = paid(b(third));
    assert_eq!((payment.wallet, payment.payer.clone()), (Some(Wallet::Wechat), notes(&[("openid", "oX")])));
    assert_eq!(
        payment.discounts.iter().map(|d| (d.funded_by, d.amount.0)).collect::<Vec<_>>(),
        [(FundedBy::Channel, 60), (FundedBy::Merchant, 40)]
    );
    assert!(!payment.handles.contains_key("amounts"), "with the wallet's own discounts it adds up");
    for (pay_type, wallet) in
        [(json!("10"), Some(Wallet::Alipay)), (json!(13), Some(Wallet::Unionpay)), (json!("77"), None), (json!(""), None)]
    {
        let payment = paid(b(json!({"pay_status": "0", "pay_type": pay_type, "open_id": "2088"})));
        assert_eq!((payment.wallet, payment.payer), (wallet, notes(&[("buyer_id", "2088")])));
    }
}

#[test]
fn a_payment_of_another_order_amount_merchant_or_currency_is_an_alarm() {
    for lie in [
        json!({"out_trade_no": "A01ARZ3NDEKTSV4RRFFQ69G5FAW"}),
        json!({"total_amt": "999"}),
        json!({"total_amt": "550", "payment_amt": "1000"}),
        json!({"mer_id": "020001020009"}),
        json!({"fee_type": "840"}),
    ] {
        assert_eq!(unknown(&a(super::changed(json!({"pay_status": "1"}), lie.clone()))), WhyKind::Contradiction, "{lie}");
        assert_eq!(unknown(&b(super::changed(json!({"pay_status": "0"}), lie.clone()))), WhyKind::Contradiction, "{lie}");
    }
    assert_eq!(paid(a(json!({"pay_status": "1", "fee_type": "001", "mer_id": super::MER}))).amount, Fen(1000));
}

#[test]
fn paid_without_an_amount_or_an_order_is_not_paid() {
    for missing in [
        json!({"total_amt": null}),
        json!({"total_amt": ""}),
        json!({"total_amt": "1e3"}),
        json!({"total_amt": "-1000"}),
        json!({"out_trade_no": ""}),
    ] {
        let told = a(super::changed(json!({"pay_status": "1"}), missing.clone()));
        assert_eq!(unknown(&told), WhyKind::Unreadable, "{missing}");
    }
}

#[test]
fn the_banks_own_number_names_the_order_once_it_was_told() {
    let icbc = direct();
    let known = AttemptRef { handles: notes(&[("order_id", "O1")]), ..attempt(&icbc, Method::IcbcQr) };
    let reply = |id: &str| answer(block(json!({"pay_status": "1", "out_trade_no": null, "order_id": id})));
    assert!(matches!(asked_of(&icbc, &known, &reply("O1")), Pay::Paid(_)));
    assert_eq!(unknown(&asked_of(&icbc, &known, &reply("O2"))), WhyKind::Unreadable);
}

#[test]
fn only_the_listed_codes_say_that_there_is_no_order_and_no_query_fails_one() {
    for (icbc, method) in [(direct(), Method::IcbcBarcode), (family_b(), Method::IcbcQr)] {
        let attempt = attempt(&icbc, method);
        for code in ["12001081", "5940021", "5940022"] {
            assert_eq!(asked_of(&icbc, &attempt, &error(code)), Pay::NotFound, "{code}");
        }
        for code in ["20000002", "00070038", "93008595", "5920006", "00005031", "400011", "400019", "85502"] {
            assert_eq!(unknown(&asked_of(&icbc, &attempt, &error(code))), WhyKind::Pending, "{code}");
        }
        assert_eq!(unknown(&asked_of(&icbc, &attempt, &error("400017"))), WhyKind::Configuration);
        assert_eq!(unknown(&asked_of(&icbc, &attempt, &error("404"))), WhyKind::Unlisted);
        let lying = answer(block(json!({"return_code": "5940099", "pay_status": "1"})));
        assert_eq!(unknown(&asked_of(&icbc, &attempt, &lying)), WhyKind::Unlisted, "an error's state is not read");
    }
    assert_eq!(NUMBER.len(), 27);
}

#[test]
fn a_payer_is_not_printed() {
    let printed = format!("{:?}", b(json!({"pay_status": "0", "pay_type": "9", "open_id": "oSECRET"})));
    assert!(printed.contains("Paid") && !printed.contains("oSECRET"), "{printed}");
}
