//! The books stay sound under any sequence of calls, and never disagree with what the API says.

use super::{Client, ack, order};
use crate::{MER_ID, Options, USER_ID};
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Wallet};
use sluice_simkit::{Behaviour, Entry, Fault, Outcome, RefundState, Scan, Simulator, State};

#[derive(Clone, Debug)]
enum Step {
    Apply(u8),
    Code(u8, u8),
    Scan(u8, u8, u8, i64),
    Confirm,
    Close(u8),
    Cancel(u8),
    Refund(u8, u8, i64),
    Hook(&'static str),
    Callbacks(bool),
    Wait(i64),
    Fault(Option<Fault>),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_u8;
    let hooks = ["refund_fate success", "refund_fate fail", "refund_fate pending", "refund_release", "undo_fate fail", "undo_fate success"];
    prop_oneof![
        n.clone().prop_map(Step::Apply),
        (n.clone(), 0..16_u8).prop_map(|(n, kind)| Step::Code(n, kind)),
        (n.clone(), 0..3_u8, 0..3_u8, 0..120_i64).prop_map(|(n, outcome, wallet, discount)| Step::Scan(n, outcome, wallet, discount)),
        Just(Step::Confirm),
        n.clone().prop_map(Step::Close),
        n.clone().prop_map(Step::Cancel),
        (n.clone(), 0..6_u8, 1..101_i64).prop_map(|(n, r, amount)| Step::Refund(n, r, amount)),
        prop::sample::select(hooks.to_vec()).prop_map(Step::Hook),
        any::<bool>().prop_map(Step::Callbacks),
        prop_oneof![Just(500), Just(20_000), Just(950_000), Just(700_000_000)].prop_map(Step::Wait),
        prop_oneof![Just(None), Just(Some(Fault::Error500)), Just(Some(Fault::Garbage)), Just(Some(Fault::WrongAmount))]
            .prop_map(Step::Fault),
    ]
}

fn number(n: u8) -> String {
    format!("RANDOM{n}")
}

/// Calls without checking what they answer: garbage and refusals are part of the game.
fn post(client: &mut Client, name: &str, biz: Value) {
    let own = json!({"merId": MER_ID, "userId": USER_ID});
    let call = client.call(name, Client::members(&super::merged(own, biz)));
    client.raw(&call);
}

fn play(client: &mut Client, step: &Step, last_code: &mut String) {
    match step {
        Step::Apply(n) => post(client, "qrcodeapply", order(&number(*n), 100)),
        Step::Code(n, kind) => {
            let behaviours = [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout];
            *last_code = match behaviours.get(usize::from(*kind)) {
                Some(behaviour) => client.sim.issue_auth_code(*behaviour, Fen(150), client.now),
                None => format!("6299{:02}050000000000{n}", kind - 3),
            };
            let call = client.pay_call(&number(*n), 100, last_code);
            client.raw(&call);
        }
        Step::Scan(n, outcome, wallet, discount) => {
            let outcome = [Outcome::Pay, Outcome::Decline, Outcome::Abandon][usize::from(*outcome)];
            let wallet = [None, Some(Wallet::Wechat), Some(Wallet::Alipay)][usize::from(*wallet)];
            let off = [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(*discount) }];
            let _ = client.sim.scan(&Scan { discounts: &off, wallet, ..Scan::of(&number(*n), outcome) }, client.now);
        }
        Step::Confirm => {
            let _ = client.sim.confirm(last_code, client.now);
        }
        Step::Close(n) => post(client, "close", json!({"origOrderId": number(*n)})),
        Step::Cancel(n) => post(client, "cancel", json!({"origOrderId": number(*n)})),
        Step::Refund(n, r, amount) => {
            let biz = json!({"orderId": format!("R{r}"), "origOrderId": number(*n), "txnAmt": "100", "refundAmt": amount.to_string(),
                "notifyUrl": "http://127.0.0.1/n"});
            post(client, "refund", biz);
        }
        Step::Hook(word) => {
            client.hook(word);
        }
        Step::Callbacks(taken) => {
            for delivery in client.due() {
                client.sim.delivered(delivery.id, taken.then(|| ack(|_| {})).as_ref(), client.now);
            }
        }
        Step::Wait(ms) => client.pass_ms(*ms),
        Step::Fault(fault) => client.fault = *fault,
    }
}

/// What never goes back: captures, ends, and refunds that ended.
fn monotone(before: &[Entry], after: &[Entry]) -> bool {
    before.iter().all(|old| {
        after.iter().find(|new| new.out_trade_no == old.out_trade_no).is_some_and(|new| {
            let ended = matches!(old.status, State::Closed | State::Reversed | State::Paid);
            let kept = |r: &sluice_simkit::RefundEntry| r.status == RefundState::Pending || new.refunds.contains(r);
            new.charges >= old.charges && (!ended || new.status == old.status) && old.refunds.iter().all(kept)
        })
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
            let after: Vec<_> = client.sim.ledger().entries().cloned().collect();
            prop_assert!(monotone(&before, &after), "after {:?}: {:?} became {:?}", step, before, after);
            before = after;
        }
        client.fault = None;
        for entry in before {
            let shown = client.query(&entry.out_trade_no);
            if shown.members["respCode"] == "FAIL" {
                let old = client.now > entry.created_at.plus_s(15 * 86_400);
                prop_assert!(old || entry.charges == 0, "{:?} shown as {:?}", entry, shown);
                continue;
            }
            let paid = matches!(shown.get("tradeState"), "S" | "R");
            prop_assert_eq!(paid, entry.status == State::Paid, "{:?} shown as {:?}", entry, shown);
        }
    }
}
