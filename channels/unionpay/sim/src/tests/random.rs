//! The books stay sound under any sequence of calls, and never disagree with what the API says.

use super::{APP, BACK, Client, FRONT, encoded};
use crate::Options;
use proptest::prelude::*;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, HttpReply};
use sluice_simkit::{Behaviour, Entry, Fault, Outcome, RefundEntry, RefundState, Scan, Simulator, State};

#[derive(Clone, Debug)]
enum Step {
    Place(u8, u8),
    Code(u8, u8),
    Scan(u8, u8, i64),
    Confirm,
    Reverse(u8),
    Back(u8, u8, i64, bool),
    Hook(u8),
    Notices(bool),
    Wait(i64),
    Fault(Option<Fault>),
}

const HOOKS: [&str; 10] = [
    "refund_fate success",
    "refund_fate fail",
    "refund_fate pending",
    "merchant_funds none",
    "merchant_funds full",
    "late_money on",
    "reversal ignored",
    "reversal on",
    "success_after_queries 1",
    "answer pay 04 executed",
];

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_u8;
    prop_oneof![
        (n.clone(), 0..3_u8).prop_map(|(n, kind)| Step::Place(n, kind)),
        (n.clone(), 0..19_u8).prop_map(|(n, kind)| Step::Code(n, kind)),
        (n.clone(), 0..3_u8, 0..120_i64).prop_map(|(n, outcome, off)| Step::Scan(n, outcome, off)),
        Just(Step::Confirm),
        n.clone().prop_map(Step::Reverse),
        (n, 0..6_u8, 1..101_i64, any::<bool>()).prop_map(|(n, r, amount, undo)| Step::Back(n, r, amount, undo)),
        (0..10_u8).prop_map(Step::Hook),
        any::<bool>().prop_map(Step::Notices),
        prop_oneof![Just(1), Just(20), Just(700), Just(50_000), Just(3_000_000)].prop_map(Step::Wait),
        prop_oneof![Just(None), Just(None), Just(Some(Fault::Error500)), Just(Some(Fault::Garbage))].prop_map(Step::Fault),
    ]
}

fn number(n: u8) -> String {
    format!("RANDOM{n:02}")
}

/// What the client remembers of an order: its first txnTime.
type Times = std::collections::BTreeMap<String, String>;

/// Calls without checking what they answer: garbage and refusals are part of the game.
fn post(client: &mut Client, path: &str, message: super::Message, times: &mut Times) {
    times.entry(message["orderId"].clone()).or_insert_with(|| message["txnTime"].clone());
    let body = encoded(&client.sign(message));
    client.raw(path, &body);
}

fn play(client: &mut Client, step: &Step, last_code: &mut String, times: &mut Times) {
    let until = client.now.plus_s(600).second().compact();
    match step {
        Step::Place(n, kind) => {
            let (path, kind, business) =
                [(BACK, "01/07", "000000"), (APP, "01/01", "000201"), (FRONT, "01/01", "000201")][usize::from(*kind)];
            let message = client.payment(kind, business, &number(*n), 100, &[("payTimeout", &until)]);
            // The time of a number that is already known is told by the books, not by a refused repeat.
            post(client, path, message, times);
        }
        Step::Code(n, kind) => {
            let behaviours = [Behaviour::Pay, Behaviour::Password, Behaviour::Decline, Behaviour::Timeout];
            *last_code = match behaviours.get(usize::from(*kind)) {
                Some(behaviour) => client.sim.issue_auth_code(*behaviour, Fen(150), client.now),
                None => format!("6299{:02}0500000000000", kind - 3),
            };
            let message = client.payment("01/06", "000000", &number(*n), 100, &[("qrNo", last_code)]);
            post(client, BACK, message, times);
        }
        Step::Scan(n, outcome, off) => {
            let outcome = [Outcome::Pay, Outcome::Decline, Outcome::Abandon][usize::from(*outcome)];
            let off = [Discount { kind: DiscountKind::Points, funded_by: FundedBy::Channel, amount: Fen(*off) }];
            let _ = client.sim.scan(&Scan { discounts: &off, ..Scan::of(&number(*n), outcome) }, client.now);
        }
        Step::Confirm => {
            let _ = client.sim.confirm(last_code, client.now);
        }
        Step::Reverse(n) => {
            let mut message = client.ask("99/01", "000000", &number(*n), &[]);
            if let Some(time) = times.get(&number(*n)) {
                message.insert("txnTime".to_owned(), time.clone());
            }
            let body = encoded(&client.sign(message));
            client.raw(BACK, &body);
        }
        Step::Back(n, r, amount, undo) => {
            let id = client.sim.orders.get(&number(*n)).and_then(|o| o.trace.clone()).map_or_else(|| "0".repeat(21), |t| t.query_id);
            let (kind, amount) = if *undo { ("31/00", "100".to_owned()) } else { ("04/00", amount.to_string()) };
            let business = client.sim.orders.get(&number(*n)).map_or("000000".to_owned(), |o| o.biz_type.clone());
            let message = client.ask(
                kind,
                &business,
                &format!("RANDBACK{r}"),
                &[("txnAmt", &amount), ("backUrl", "http://127.0.0.1/n"), ("origQryId", &id)],
            );
            post(client, BACK, message, times);
        }
        Step::Hook(h) => {
            client.hook(HOOKS[usize::from(*h)]);
        }
        Step::Notices(taken) => {
            for delivery in client.due() {
                let reply = HttpReply::new(if *taken { 200 } else { 500 }, &[], "");
                client.sim.delivered(delivery.id, Some(&reply), client.now);
            }
        }
        Step::Wait(seconds) => client.pass_s(*seconds),
        Step::Fault(fault) => client.fault = *fault,
    }
}

/// What never goes back: captures, ends, and refunds that ended.
fn monotone(before: &[Entry], after: &[Entry]) -> bool {
    before.iter().all(|old| {
        after.iter().find(|new| new.out_trade_no == old.out_trade_no).is_some_and(|new| {
            let ended = matches!(old.status, State::Closed | State::Reversed | State::Failed);
            let kept = |r: &RefundEntry| r.status == RefundState::Pending || new.refunds.contains(r);
            new.charges >= old.charges && (!ended || new.status == old.status) && old.refunds.iter().all(kept)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_books_stay_sound(steps in prop::collection::vec(step(), 1..40), seed in 0..1_000_u64) {
        let mut client = Client::with(Options::fixed(seed));
        let (mut last_code, mut times, mut before) = (String::new(), Times::new(), Vec::new());
        for step in &steps {
            play(&mut client, step, &mut last_code, &mut times);
            prop_assert_eq!(client.sim.ledger().audit(), Ok(()), "after {:?}", step);
            let after: Vec<Entry> = client.sim.ledger().entries().cloned().collect();
            prop_assert!(monotone(&before, &after), "after {:?}: {:?} became {:?}", step, before, after);
            before = after;
        }
        client.fault = None;
        client.sim.hook("success_after_queries off", client.now).unwrap();
        for entry in before {
            let time = client.sim.orders[&entry.out_trade_no].txn_time.clone();
            let told = client.query_at(&entry.out_trade_no, &time);
            let entry = client.entry(&entry.out_trade_no);
            prop_assert_eq!(told.contains_key("settleAmt"), entry.charges == 1, "{:?} told as {:?}", entry, told);
            let says_paid = matches!(told["origRespCode"].as_str(), "00" | "A6");
            prop_assert_eq!(says_paid, entry.status == State::Paid && told["origRespCode"] != "42", "{:?} told as {:?}", entry, told);
        }
    }
}
