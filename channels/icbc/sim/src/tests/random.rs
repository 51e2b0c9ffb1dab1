//! The books stay sound under any sequence of calls, and never disagree with what both families say.

use super::{CONSUMPTION, Client, GENERATE, MER_REFUND, ORDER_QUERY, PAY, REJECT, REVERSE, all_apps, barcode, qr};
use crate::{MER_ID, Options};
use proptest::prelude::*;
use serde_json::{Value, json};
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, HttpReply};
use sluice_simkit::{Behaviour, Entry, Fault, Outcome, RefundEntry, RefundState, Scan, Simulator, State};

#[derive(Clone, Debug)]
enum Step {
    Generate(u8),
    Consumption(u8),
    Code(u8, u8),
    Scan(u8, bool, i64),
    Confirm,
    Close(u8),
    Reverse(u8),
    Reject(u8, u8, i64),
    MerRefund(u8, u8, i64),
    Hook(&'static str),
    Callbacks,
    Wait(i64),
    Fault(Option<Fault>),
}

const HOOKS: [&str; 8] = [
    "refund_fate success",
    "refund_fate fail",
    "refund_fate pending",
    "merchant_funds none",
    "merchant_funds full",
    "random_discount on",
    "points_pay_all on",
    "begin RANDOM1",
];

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_u8;
    prop_oneof![
        n.clone().prop_map(Step::Generate),
        n.clone().prop_map(Step::Consumption),
        (n.clone(), 0..20_u8).prop_map(|(n, kind)| Step::Code(n, kind)),
        (n.clone(), any::<bool>(), 0..120_i64).prop_map(|(n, pay, discount)| Step::Scan(n, pay, discount)),
        Just(Step::Confirm),
        n.clone().prop_map(Step::Close),
        n.clone().prop_map(Step::Reverse),
        (n.clone(), 0..6_u8, 1..101_i64).prop_map(|(n, r, amount)| Step::Reject(n, r, amount)),
        (n, 0..6_u8, 1..101_i64).prop_map(|(n, r, amount)| Step::MerRefund(n, r, amount)),
        (0..HOOKS.len()).prop_map(|at| Step::Hook(HOOKS[at])),
        Just(Step::Callbacks),
        prop_oneof![Just(500), Just(6_000), Just(901_000)].prop_map(Step::Wait),
        prop_oneof![Just(None), Just(Some(Fault::Error500)), Just(Some(Fault::Garbage))].prop_map(Step::Fault),
    ]
}

fn number(n: u8) -> String {
    format!("RANDOM{n}")
}

/// Calls without checking what they answer: garbage and refusals are part of the game.
fn post(client: &mut Client, path: &str, biz: &Value) {
    let call = client.call(path, biz);
    client.raw(&call);
}

fn play(client: &mut Client, step: &Step, last_code: &mut String) {
    match step {
        Step::Generate(n) => post(client, GENERATE, &qr(&number(*n), 100)),
        Step::Consumption(n) => post(client, CONSUMPTION, &all_apps(&number(*n), 100)),
        Step::Code(n, kind) => {
            let behaviours = [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout];
            *last_code = match behaviours.get(usize::from(*kind)) {
                Some(behaviour) => client.sim.issue_auth_code(*behaviour, Fen(150), client.now),
                None => format!("6299{:02}0500000000000", kind - 3),
            };
            post(client, PAY, &barcode(&number(*n), 100, last_code));
        }
        Step::Scan(n, pay, discount) => {
            let outcome = if *pay { Outcome::Pay } else { Outcome::Decline };
            let off = [Discount { kind: DiscountKind::Points, funded_by: FundedBy::Bank, amount: Fen(*discount) }];
            let _ = client.sim.scan(&Scan { discounts: &off, ..Scan::of(&number(*n), outcome) }, client.now);
        }
        Step::Confirm => drop(client.sim.confirm(last_code, client.now)),
        Step::Close(n) => post(client, ORDER_QUERY, &json!({"mer_id": MER_ID, "out_trade_no": number(*n), "deal_flag": "1"})),
        Step::Reverse(n) => post(client, REVERSE, &json!({"mer_id": MER_ID, "out_trade_no": number(*n)})),
        Step::Reject(n, r, amount) => {
            let biz = json!({
                "mer_id": MER_ID, "out_trade_no": number(*n), "reject_no": format!("R{r}"), "reject_amt": amount.to_string(),
            });
            post(client, REJECT, &biz);
        }
        Step::MerRefund(n, r, amount) => {
            let biz = json!({
                "mer_id": MER_ID, "out_trade_no": number(*n), "outtrx_serial_no": format!("R{r}"), "ret_total_amt": amount.to_string(),
                "trnsc_ccy": "001",
            });
            post(client, MER_REFUND, &biz);
        }
        Step::Hook(word) => drop(client.sim.hook(word, client.now)),
        Step::Callbacks => {
            for delivery in client.due() {
                client.sim.delivered(delivery.id, Some(&HttpReply::new(500, &[], "")), client.now);
            }
        }
        Step::Wait(ms) => client.pass_ms(*ms),
        Step::Fault(fault) => client.fault = *fault,
    }
}

/// What never goes back: captures, ends, and refunds that succeeded.
fn monotone(before: &[Entry], after: &[Entry]) -> bool {
    before.iter().all(|old| {
        after.iter().find(|new| new.out_trade_no == old.out_trade_no).is_some_and(|new| {
            let ended = matches!(old.status, State::Closed | State::Reversed);
            let kept = |r: &RefundEntry| r.status == RefundState::Pending || new.refunds.contains(r);
            new.charges >= old.charges && (!ended || new.status == old.status) && old.refunds.iter().all(kept)
        })
    })
}

/// Each family's word for paid, where it knows the order.
fn says_paid(client: &mut Client, number: &str) -> bool {
    let a = client.query(number);
    let b = client.order_query(number, "0");
    match (a["pay_status"].as_str(), b["pay_status"].as_str()) {
        (Some(a), None) => ["1", "5", "6", "7"].contains(&a),
        (None, Some(b)) => b == "0",
        other => panic!("an order of one family is known to one: {other:?}"),
    }
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
            let paid = says_paid(&mut client, &entry.out_trade_no);
            // A query may be what a magic payer waits for: the books of now are compared.
            prop_assert_eq!(paid, client.entry(&entry.out_trade_no).status == State::Paid, "{:?}", entry);
        }
    }
}
