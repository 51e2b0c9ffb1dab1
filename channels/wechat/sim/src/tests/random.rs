//! The books stay sound under any sequence of calls, and never disagree with what the API says.

use super::{Client, order};
use crate::{APP_ID, MCHID, Options, RefundFate};
use proptest::prelude::*;
use serde_json::json;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, HttpReply};
use sluice_simkit::{Behaviour, Fault, Outcome, RefundState, Scan, Simulator, State};

#[derive(Clone, Debug)]
enum Step {
    Native(u8),
    Code(u8, u8),
    Scan(u8, bool, i64),
    Confirm,
    Close(u8),
    Reverse(u8),
    Refund(u8, u8, i64),
    Fate(u8),
    Callbacks(bool),
    Wait(i64),
    Fault(Option<Fault>),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_u8;
    prop_oneof![
        n.clone().prop_map(Step::Native),
        (n.clone(), 0..12_u8).prop_map(|(n, kind)| Step::Code(n, kind)),
        (n.clone(), any::<bool>(), 0..120_i64).prop_map(|(n, pay, discount)| Step::Scan(n, pay, discount)),
        Just(Step::Confirm),
        n.clone().prop_map(Step::Close),
        n.clone().prop_map(Step::Reverse),
        (n.clone(), 0..6_u8, 1..101_i64).prop_map(|(n, r, amount)| Step::Refund(n, r, amount)),
        (0..3_u8).prop_map(Step::Fate),
        any::<bool>().prop_map(Step::Callbacks),
        prop_oneof![Just(500), Just(20_000), Just(70_000), Just(700_000_000)].prop_map(Step::Wait),
        prop_oneof![Just(None), Just(Some(Fault::Error500)), Just(Some(Fault::Garbage))].prop_map(Step::Fault),
    ]
}

fn number(n: u8) -> String {
    format!("RANDOM{n}")
}

/// Calls without checking what they answer: garbage and refusals are part of the game.
fn post(client: &mut Client, target: &str, body: &serde_json::Value) {
    let call = client.call(sluice_contract::Verb::Post, target, &body.to_string());
    client.raw(&call);
}

fn play(client: &mut Client, step: &Step, last_code: &mut String) {
    match step {
        Step::Native(n) => post(client, "/v3/pay/transactions/native", &order(&number(*n), 100)),
        Step::Code(n, kind) => {
            let behaviours = [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout];
            *last_code = match behaviours.get(usize::from(*kind)) {
                Some(behaviour) => client.sim.issue_auth_code(*behaviour, Fen(150), client.now),
                None => format!("1399{:02}05000000000{n}", kind - 3),
            };
            let mut body = order(&number(*n), 100);
            body["payer"] = json!({"auth_code": last_code});
            body["scene_info"] = json!({"device_id": "1"});
            post(client, "/v3/pay/transactions/codepay", &body);
        }
        Step::Scan(n, pay, discount) => {
            let outcome = if *pay { Outcome::Pay } else { Outcome::Decline };
            let off = [Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(*discount) }];
            let _ = client.sim.scan(&Scan { discounts: &off, ..Scan::of(&number(*n), outcome) }, client.now);
        }
        Step::Confirm => {
            let _ = client.sim.confirm(last_code, client.now);
        }
        Step::Close(n) => {
            post(client, &format!("/v3/pay/transactions/out-trade-no/{}/close", number(*n)), &json!({"mchid": MCHID}));
        }
        Step::Reverse(n) => {
            let target = format!("/v3/pay/transactions/out-trade-no/{}/reverse", number(*n));
            post(client, &target, &json!({"appid": APP_ID, "mchid": MCHID}));
        }
        Step::Refund(n, r, amount) => {
            let body = json!({
                "out_trade_no": number(*n), "out_refund_no": format!("R{r}"), "notify_url": "http://127.0.0.1/n",
                "amount": {"refund": amount, "total": 100, "currency": "CNY"},
            });
            post(client, "/v3/refund/domestic/refunds", &body);
        }
        Step::Fate(f) => {
            let fates = [RefundFate::Success, RefundFate::Closed, RefundFate::Abnormal];
            client.sim.set_refund_fate(fates[usize::from(*f)]);
        }
        Step::Callbacks(taken) => {
            for delivery in client.due() {
                let reply = HttpReply::new(if *taken { 204 } else { 500 }, &[], "");
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
            let ended = matches!(old.status, State::Closed | State::Reversed);
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
            let shown = client.query(&entry.out_trade_no).1;
            let paid = matches!(entry.status, State::Paid | State::Reversed) && entry.charges == 1;
            prop_assert_eq!(shown.get("transaction_id").is_some(), paid, "{:?} shown as {}", entry, shown);
        }
    }
}
