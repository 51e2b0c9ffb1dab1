//! The books stay sound under any sequence of calls and payers, and never disagree with what the API says.

use super::{Client, order};
use crate::Options;
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy};
use sluice_simkit::{Behaviour, Fault, Outcome, RefundState, Scan, Simulator, State};

#[derive(Clone, Debug)]
enum Step {
    Precreate(u8),
    Code(u8, u8),
    Wap(u8),
    Scan(u8, u8, i64),
    Confirm,
    Close(u8),
    Cancel(u8),
    Refund(u8, u8, i64),
    Hook(u8),
    Notices(bool),
    Wait(i64),
    Fault(Option<Fault>),
}

const HOOKS: [&str; 8] = [
    "refund_fate success",
    "refund_fate fail",
    "refund_fate pending",
    "refund_fate lost",
    "merchant_funds none",
    "merchant_funds full",
    "cancel_retry 1",
    "answer refund after 20000 isp.unknow-error",
];

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_u8;
    prop_oneof![
        n.clone().prop_map(Step::Precreate),
        (n.clone(), 0..19_u8).prop_map(|(n, kind)| Step::Code(n, kind)),
        n.clone().prop_map(Step::Wap),
        (n.clone(), 0..3_u8, 0..120_i64).prop_map(|(n, outcome, off)| Step::Scan(n, outcome, off)),
        Just(Step::Confirm),
        n.clone().prop_map(Step::Close),
        n.clone().prop_map(Step::Cancel),
        (n.clone(), 0..6_u8, 1..101_i64).prop_map(|(n, r, amount)| Step::Refund(n, r, amount)),
        (0..8_u8).prop_map(Step::Hook),
        any::<bool>().prop_map(Step::Notices),
        prop_oneof![Just(500), Just(4_000), Just(70_000), Just(11_000_000), Just(100_000_000)].prop_map(Step::Wait),
        prop_oneof![Just(None), Just(Some(Fault::Error500)), Just(Some(Fault::Garbage)), Just(Some(Fault::WrongAmount))]
            .prop_map(Step::Fault),
    ]
}

fn number(n: u8) -> String {
    format!("RANDOM{n}")
}

/// Calls without checking what they answer: garbage and refusals are part of the game.
fn post(client: &mut Client, method: &str, biz: &Value) {
    let call = client.call(&super::signed(client.pairs(method, biz)));
    client.raw(&call);
}

fn play(client: &mut Client, step: &Step, last_code: &mut String) {
    match step {
        Step::Precreate(n) => post(client, "alipay.trade.precreate", &order(&number(*n), "1.00")),
        Step::Code(n, kind) => {
            let behaviours = [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout];
            *last_code = match behaviours.get(usize::from(*kind)) {
                Some(behaviour) => client.sim.issue_auth_code(*behaviour, Fen(150), client.now),
                None => format!("2899{:02}05000000000{n}", kind - 3),
            };
            let mut biz = order(&number(*n), "1.00");
            biz["auth_code"] = json!(last_code);
            biz["scene"] = json!("bar_code");
            post(client, "alipay.trade.pay", &biz);
        }
        Step::Wap(n) => {
            let mut biz = order(&number(*n), "1.00");
            biz["product_code"] = json!("QUICK_WAP_WAY");
            let string = client.order_string("alipay.trade.wap.pay", &biz);
            let _ = client.sim.scan(&Scan::of(&string, Outcome::Abandon), client.now);
        }
        Step::Scan(n, outcome, off) => {
            let outcome = [Outcome::Pay, Outcome::Decline, Outcome::Abandon][usize::from(*outcome)];
            let funded_by = if off % 2 == 0 { FundedBy::Channel } else { FundedBy::Merchant };
            let discounts = [Discount { kind: DiscountKind::Coupon, funded_by, amount: Fen(*off) }];
            let _ = client.sim.scan(&Scan { discounts: &discounts, ..Scan::of(&number(*n), outcome) }, client.now);
        }
        Step::Confirm => {
            let _ = client.sim.confirm(last_code, client.now);
        }
        Step::Close(n) => post(client, "alipay.trade.close", &json!({"out_trade_no": number(*n)})),
        Step::Cancel(n) => post(client, "alipay.trade.cancel", &json!({"out_trade_no": number(*n)})),
        Step::Refund(n, r, amount) => {
            let biz = json!({"out_trade_no": number(*n), "out_request_no": format!("R{r}"), "refund_amount": Fen(*amount).to_yuan()});
            post(client, "alipay.trade.refund", &biz);
        }
        Step::Hook(n) => {
            client.hook(HOOKS[usize::from(*n)]);
        }
        Step::Notices(taken) => {
            for delivery in client.due() {
                let reply = sluice_contract::HttpReply::new(200, &[], if *taken { "success" } else { "fail" });
                client.sim.delivered(delivery.id, Some(&reply), client.now);
            }
        }
        Step::Wait(ms) => client.pass_ms(*ms),
        Step::Fault(fault) => client.fault = *fault,
    }
}

/// What never goes back: captures, ends, and refunds that succeeded.
fn monotone(before: &[sluice_simkit::Entry], after: &[sluice_simkit::Entry]) -> bool {
    before.iter().all(|old| {
        after.iter().find(|new| new.out_trade_no == old.out_trade_no).is_some_and(|new| {
            let ended = matches!(old.status, State::Closed | State::Reversed | State::Failed);
            let kept = |r: &sluice_simkit::RefundEntry| r.status == RefundState::Pending || new.refunds.contains(r);
            new.charges >= old.charges && (!ended || new.status == old.status) && old.refunds.iter().all(kept)
        })
    })
}

/// The parts that went back are together what was refunded, and no part gives back more than it was.
fn splits_add_up(client: &Client) -> bool {
    client.sim.refunds.iter().all(|((_, _), r)| r.backs.iter().map(|b| b.0).sum::<i64>() == r.amount.0)
        && client.sim.orders.iter().filter_map(|(n, o)| o.settled.as_ref().map(|s| (n, s))).all(|(number, settled)| {
            settled
                .parts
                .iter()
                .enumerate()
                .all(|(at, part)| client.sim.of_order(number).map(|(_, r)| r.backs[at].0).sum::<i64>() <= part.amount.0)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_books_stay_sound(steps in prop::collection::vec(step(), 1..40), seed in 0..1_000_u64) {
        let mut client = Client::with(Options::fixed(seed));
        let mut last_code = String::new();
        let mut before = Vec::new();
        for step in &steps {
            play(&mut client, step, &mut last_code);
            prop_assert_eq!(client.sim.ledger().audit(), Ok(()), "after {:?}", step);
            prop_assert!(splits_add_up(&client), "after {:?}", step);
            let after: Vec<_> = client.sim.ledger().entries().cloned().collect();
            prop_assert!(monotone(&before, &after), "after {:?}: {:?} became {:?}", step, before, after);
            before = after;
        }
        client.fault = None;
        for entry in before {
            let shown = client.query(&entry.out_trade_no);
            prop_assert_eq!(shown.get("send_pay_date").is_some(), entry.charges == 1, "{:?} shown as {}", entry, shown);
            let waits = matches!(entry.status, State::Created | State::Paying);
            prop_assert_eq!(shown["trade_status"] == "WAIT_BUYER_PAY", waits, "{:?} shown as {}", entry, shown);
        }
    }
}
