//! Discounts: the payer's pocket and the order's amount are two things, in the payment and in every refund of it.

use crate::harness::control::Paying;
use crate::harness::till::{Offer, body_of, id_of, plain_offers, refunded};
use crate::harness::World;
use serde_json::{Value, json};

fn discount(kind: &str, funded_by: &str, amount: i64) -> Value {
    json!({"kind": kind, "funded_by": funded_by, "amount": amount})
}

/// Of 1000 fen, refunded as 333, 333 and 334.
struct Case {
    channel: &'static str,
    given: Vec<Value>,
    /// What the order shows.
    shown: Vec<Value>,
    /// What left the payer's pocket.
    payer: i64,
    /// What each refund puts back there; `None` where the channel does not tell.
    back: [Option<i64>; 3],
}

fn case(channel: &'static str, given: &[Value], shown: &[Value], payer: i64, back: [i64; 3]) -> Case {
    Case { channel, given: given.to_vec(), shown: shown.to_vec(), payer, back: back.map(Some) }
}

fn cases() -> Vec<Case> {
    let coupon = |by, amount| discount("coupon", by, amount);
    let (merchant, bank) = (|amount| discount("merchant_discount", "merchant", amount), |amount| discount("bank_discount", "bank", amount));
    let points = |by, amount| discount("points", by, amount);
    let same = |channel, list: &[Value], payer, back| case(channel, list, list, payer, back);
    vec![
        // WeChat: in proportion.
        same("wechat", &[coupon("channel", 150)], 850, [283, 283, 284]),
        same("wechat", &[coupon("channel", 100), merchant(50)], 850, [283, 283, 284]),
        same("wechat", &[bank(200)], 800, [266, 266, 268]),
        // Alipay: the payer's own money first, discounts last.
        same("alipay", &[coupon("channel", 150)], 850, [333, 333, 184]),
        same("alipay", &[coupon("channel", 100), merchant(50)], 850, [333, 333, 184]),
        same("alipay", &[points("channel", 400)], 600, [333, 267, 0]),
        // ICBC: in proportion, and points may pay for all of it.
        same("icbc", &[merchant(30), bank(120)], 850, [283, 283, 284]),
        same("icbc", &[points("bank", 100), bank(50)], 850, [283, 283, 284]),
        same("icbc", &[coupon("bank", 150)], 850, [283, 283, 284]),
        same("icbc", &[points("bank", 1000)], 0, [0, 0, 0]),
        // CMB tells the sum of all discounts.
        case("cmb", &[coupon("channel", 150)], &[coupon("channel", 150)], 850, [283, 283, 284]),
        case("cmb", &[coupon("channel", 100), merchant(50)], &[coupon("channel", 150)], 850, [283, 283, 284]),
        // UnionPay tells nothing of discounts.
        Case { back: [None; 3], ..case("unionpay", &[coupon("channel", 150)], &[], 1000, [0; 3]) },
    ]
}

/// In the order of the contract's words: channels list their parts in an order of their own.
fn sorted(list: &Value) -> Vec<String> {
    let mut lines: Vec<String> = list.as_array().unwrap().iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

async fn plays(world: &World, offer: &Offer, case: &Case) {
    let what = format!("{} with {:?}", offer.name(), case.given);
    let placed = world.demo.place(&body_of(world, offer, 1000).await).await;
    let id = id_of(&placed);
    world.control.take(&placed, &Paying { discounts: case.given.clone(), wallet: None }).await.expect(200);
    let paid = world.demo.until_status(id, "paid").await;
    assert_eq!((&paid["paid_amount"], &paid["payer_paid_amount"]), (&json!(1000), &json!(case.payer)), "{what}");
    assert_eq!(sorted(&paid["discounts"]), sorted(&json!(case.shown)), "{what}");
    let entry = world.entry_of(id).await;
    let given: i64 = case.given.iter().map(|d| d["amount"].as_i64().unwrap()).sum();
    assert_eq!((&entry["total"], &entry["payer_total"]), (&json!(1000), &json!(1000 - given)), "{what}");
    let mut sum = 0;
    for (amount, back) in [333, 333, 334].into_iter().zip(case.back) {
        let refund = refunded(world, id, amount).await;
        assert_eq!((&refund["amount"], &refund["payer_refund_amount"]), (&json!(amount), &json!(back)), "{what}");
        sum += back.unwrap_or_default();
    }
    assert!(case.back[0].is_none() || sum == case.payer, "{what}: {sum} of {} went back to the payer", case.payer);
    let order = world.demo.order(id).await;
    assert_eq!((&order["refunded_amount"], &order["payer_paid_amount"]), (&json!(1000), &json!(case.payer)), "{what}");
}

#[tokio::test]
async fn discounts_are_told_and_refunds_put_back_what_left_the_payers_pocket() {
    let world = World::shared();
    let offers = plain_offers(&world).await;
    let cases = cases();
    let at = |case: &Case| offers.iter().find(|offer| offer.channel == case.channel).unwrap();
    futures_util::future::join_all(cases.iter().map(|case| plays(&world, at(case), case))).await;
}
