//! Random orders under tight limits, on the engine, beside a reference that keeps a list of attempts and adds everything up anew each time.
//! `SLUICE_CASES` sets how many sequences; the seed of a failing one is printed by proptest.

use super::books::Books;
use super::limit_reference::{MAX, Reference, State};
use super::store::order;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use sluice::domain::life::{Intent, Undo};
use sluice::domain::limit::{Limit, Limits, Measure, Mode, Per, Subjects, Window};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::{NewRefund, RefundTold};
use sluice::domain::undo::UndoTold;
use sluice::domain::when::{Asked, Facts};
use sluice::domain::{Candidate, Life, OrderId, RefundOrigin};
use sluice::store::{Answer, Command, Outcome, Query};
use sluice_contract::{Failure, FailureCode, Fault, Fen, Millis, Pay, Payer, Payment, Refund as RefundSaid, Refunded, Undone};
use std::sync::Arc;

pub const ACCOUNTS: [&str; 2] = ["a", "b"];
/// A little before midnight in Shanghai, so that sequences cross it.
const BEGIN: i64 = 1_763_913_600_000 - 20_000;

#[derive(Clone, Debug)]
enum Op {
    Place {
        first: usize,
        amount: i64,
    },
    Pay {
        n: usize,
    },
    /// The account's own fault: the other account is next, where the limits have room.
    Fail {
        n: usize,
    },
    Close {
        n: usize,
    },
    Abandon {
        n: usize,
    },
    Refund {
        n: usize,
        part: i64,
    },
    Wait {
        ms: i64,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..2_usize, 1..60_i64).prop_map(|(first, amount)| Op::Place { first, amount }),
        5 => (0..12_usize).prop_map(|n| Op::Pay { n }),
        2 => (0..12_usize).prop_map(|n| Op::Fail { n }),
        2 => (0..12_usize).prop_map(|n| Op::Close { n }),
        1 => (0..12_usize).prop_map(|n| Op::Abandon { n }),
        3 => (0..12_usize, 1..60_i64).prop_map(|(n, part)| Op::Refund { n, part }),
        3 => (1..15_000_i64).prop_map(|ms| Op::Wait { ms }),
    ];
    prop::collection::vec(op, 1..40)
}

/// The rules that the reference knows by name.
pub fn rules() -> Limits {
    let rule = |name: &str, per: Per, window: Window, max: i64| Limit::new(name, &[per], Measure::Amount, window, max);
    let rules = [
        rule("day", Per::Account, Window::Day(0), MAX),
        Limit { measure: Measure::Count, ..rule("orders", Per::Account, Window::Lifetime, 5) },
        rule("rolling", Per::Merchant, Window::Rolling(20_000), MAX),
        Limit { keeps: true, ..rule("kept", Per::Merchant, Window::Lifetime, 3 * MAX) },
        Limit { mode: Mode::Post, ..rule("post", Per::Account, Window::Day(0), MAX) },
        Limit { at_paid: true, ..rule("paid", Per::Merchant, Window::Day(0), 2 * MAX) },
    ];
    Limits(rules.map(Arc::new).to_vec())
}

struct Run {
    books: Books,
    reference: Reference,
    orders: Vec<OrderId>,
    now: Millis,
}

impl Run {
    fn new() -> Run {
        Run { books: Books::chosen(), reference: Reference::default(), orders: Vec::new(), now: Millis(BEGIN) }
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Place { first, amount } => self.place(first, amount),
            Op::Pay { n } => self.told(n, Pay::Paid(Payment::of(Fen(self.reference.amount(n))))),
            Op::Fail { n } => self.told(n, Pay::Failed(failure())),
            Op::Close { n } => self.close(n),
            Op::Abandon { n } => self.abandon(n),
            Op::Refund { n, part } => self.refund(n, part),
            Op::Wait { ms } => self.now = self.now.plus_ms(ms),
        }
        self.compare();
    }

    fn candidates(&self, draft: &Candidate, from: usize, amount: i64, expires_at: Millis) -> Vec<Candidate> {
        let accounts = ACCOUNTS.iter().cycle().skip(from).take(ACCOUNTS.len());
        let candidate = |account: &&str| {
            let (payer, metadata) = (Payer::default(), serde_json::Map::new());
            let asked = Asked {
                merchant_order_no: "M",
                amount: Fen(amount),
                currency: "CNY",
                subject: "Tea",
                method: "wechat_native",
                app_id: None,
                store: None,
                operator_id: None,
                auth_means: None,
                h5_type: None,
                client_ip: None,
                expires_in: None,
                account: None,
                terminal: None,
                metadata: &metadata,
            };
            let facts =
                Facts { order: asked, payer: &payer, merchant_id: "m", merchant_name: "M", account, channel: "wechat", now: self.now };
            let asked = rules().ask(&facts, Subjects { payer: None, customer: None }, expires_at);
            // An amount above a max is refused before the store is asked; the reference leaves these out too.
            asked.ok().map(|asked| Candidate { account: (*account).into(), asks: asked.asks, ..draft.clone() })
        };
        accounts.filter_map(candidate).collect()
    }

    fn place(&mut self, first: usize, amount: i64) {
        let (mut order, candidates) = order(self.orders.len() as u128 + 1 + self.now.0 as u128 * 1_000);
        order.created_at = self.now;
        order.expires_at = self.now.plus_ms(15_000);
        order.amount = Fen(amount);
        order.id = OrderId::new(self.now, (self.orders.len() as u128 + 1).to_be_bytes());
        order.merchant_order_no = order.id.to_string();
        let candidates = self.candidates(&candidates[0], first, amount, order.expires_at);
        let (id, expires_at) = (order.id.clone(), order.expires_at);
        let outcome = self.one(Command::PlaceOrder { nonce: None, order: Box::new(order), candidates });
        let expected = self.reference.place([ACCOUNTS[first], ACCOUNTS[1 - first]], amount, self.now, expires_at);
        match (outcome, expected) {
            (Outcome::Placed(life), Some(account)) => {
                assert_eq!(life.order.account, account, "another account was chosen");
                self.orders.push(id);
            }
            (Outcome::NotAdmitted(_), None) => {}
            (outcome, expected) => panic!("{outcome:?}; the reference says {expected:?}"),
        }
    }

    /// The newest attempt is told about.
    fn told(&mut self, n: usize, said: Pay) {
        let Some(life) = self.life(n) else { return };
        let attempt = life.attempts.last().expect("an attempt").clone();
        let paid_at = matches!(said, Pay::Paid(_)).then_some(self.now);
        let fallback = match attempt.account.as_str() {
            "a" if life.attempts.len() == 1 => vec!["b"],
            "b" if life.attempts.len() == 1 => vec!["a"],
            _ => Vec::new(),
        };
        let draft = order(1).1.remove(0);
        let others = self.candidates(&draft, 0, attempt.amount.0, life.order.expires_at);
        let told = PayTold {
            attempt_seq: attempt.seq,
            said: said.clone(),
            source: Source::Query,
            asked_at: self.now.plus_ms(1),
            at: self.now,
            next_at: self.now.plus_s(5),
            undo_at: self.now,
            not_found_final: false,
            payable_until: self.now,
            payer_sealed: None,
            action_expires_at: None,
            fallback: others.into_iter().filter(|c| fallback.contains(&c.account.as_str())).collect(),
            refund_gap_ms: 0,
            counters: life.counters_of(attempt.seq, paid_at),
            inner: json!(null),
        };
        self.one(Command::TakePay { order_id: life.order.id.clone(), told: Box::new(told) });
        match said {
            Pay::Paid(_) => self.reference.pay(n, self.now),
            _ => self.reference.fail(n, fallback.first().copied(), self.now, life.order.expires_at),
        }
    }

    fn close(&mut self, n: usize) {
        let Some(life) = self.life(n) else { return };
        let (order_id, seq) = (life.order.id.clone(), life.attempts.last().expect("an attempt").seq);
        let wish =
            Command::Wish { order_id: order_id.clone(), intent: Intent::MerchantClose, verb: Undo::Close, at: self.now, due_at: self.now };
        self.one(wish);
        let told = UndoTold {
            attempt_seq: seq,
            verb: Undo::Close,
            said: Undone::Closed,
            at: self.now,
            next_at: self.now,
            not_found_final: false,
            counters: life.counters_of(seq, None),
            fallback: Vec::new(),
            inner: json!(null),
        };
        self.one(Command::TakeUndone { order_id, told: Box::new(told) });
        self.reference.end(n);
    }

    fn abandon(&mut self, n: usize) {
        let Some(life) = self.life(n) else { return };
        let seq = life.attempts.last().expect("an attempt").seq;
        self.one(Command::Abandon { order_id: life.order.id, attempt_seq: seq, payable_until: self.now.plus_s(600), at: self.now });
        self.reference.abandon(n);
    }

    fn refund(&mut self, n: usize, part: i64) {
        let Some(life) = self.life(n) else { return };
        let new = NewRefund {
            merchant_id: "m".into(),
            merchant_refund_no: Some(format!("{n}-{}-{}", life.refunds.len(), self.now.0)),
            ..NewRefund::automatic(life.order.winner.unwrap_or(1), Fen(part), RefundOrigin::Merchant, self.now, 0)
        };
        let asked = Command::RequestRefund { nonce: None, order_id: life.order.id.clone(), new: Box::new(new) };
        let made = match self.one(asked) {
            Outcome::RefundCreated { refund_seq, .. } => Some(refund_seq),
            _ => None,
        };
        // Late money goes back by itself; here each of its refunds succeeds when one of the order is asked for.
        let Some(life) = self.life(n) else { return };
        let waiting: Vec<u32> = life.refunds.iter().filter(|r| r.next_at.is_some()).map(|r| r.seq).collect();
        for seq in waiting {
            let refund = life.refund(seq).expect("it is there").clone();
            let done = Refunded { at: None, payer_amount: None, settle_date: None, handles: Default::default() };
            let told = RefundTold {
                refund_seq: seq,
                said: RefundSaid::Succeeded(done),
                at: self.now,
                next_at: self.now,
                queried: true,
                counters: life.counters_of(refund.attempt_seq, None),
                inner: json!(null),
            };
            self.one(Command::TakeRefund { order_id: life.order.id.clone(), told: Box::new(told) });
            self.reference.refunded(n, refund.amount.0, made == Some(seq));
        }
    }

    fn one(&mut self, command: Command) -> Outcome {
        self.books.apply(&[&command]).remove(0).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    fn life(&self, n: usize) -> Option<Life> {
        self.orders.get(n).and_then(|id| self.books.life(id).expect("readable"))
    }

    /// Every counter, as operators see it, against the reference; and against the entries.
    fn compare(&self) {
        for rule in &rules().0 {
            let edge = rule.window.rolling_ms().map(|ms| self.now.plus_ms(-ms));
            let query = Query::LimitUse { limit: rule.name.clone(), from: i64::MIN, edge, top: 100 };
            let Ok(Answer::LimitUse(rows)) = self.books.answer(&query) else { panic!("{} cannot be read", rule.name) };
            let mut found: Vec<_> = rows
                .into_iter()
                .map(|(key, c)| (key.subject, key.start, c.reserved, c.confirmed, c.overrun))
                .filter(|r| r.2 > 0 || r.3 > 0)
                .collect();
            found.sort();
            assert_eq!(found, self.reference.counters(&rule.name, self.now), "{} at {}", rule.name, self.now.0 - BEGIN);
        }
        let Ok(Answer::Drift { drifted, .. }) = self.books.answer(&Query::Drift) else { panic!("drift cannot be read") };
        assert_eq!(drifted, [], "counters are not the sums of their entries");
    }
}

fn failure() -> Failure {
    Failure { code: FailureCode::ChannelUnavailable, fault: Fault::Account, message: "no".into(), channel_code: None }
}

#[test]
fn counters_are_what_a_list_of_attempts_adds_up_to() {
    #[expect(clippy::disallowed_methods, reason = "the test's own parameter")]
    let cases = std::env::var("SLUICE_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() });
    let (mut placed, mut refused, mut late) = (0, 0, 0);
    let result = runner.run(&ops(), |ops| {
        let mut run = Run::new();
        ops.iter().for_each(|op| run.step(op));
        Ok(())
    });
    if let Err(failed) = result {
        panic!("{failed}");
    }
    // The sequences reach what they are for.
    let mut run = Run::new();
    for op in
        [Op::Place { first: 0, amount: 50 }, Op::Close { n: 0 }, Op::Place { first: 0, amount: 60 }, Op::Pay { n: 0 }, Op::Pay { n: 1 }]
    {
        run.step(&op);
        placed += usize::from(matches!(op, Op::Place { .. }));
    }
    late += run.reference.attempts.iter().filter(|a| a.state == State::Paid && a.late).count();
    for _ in 0..8 {
        let before = run.orders.len();
        run.step(&Op::Place { first: 0, amount: 40 });
        refused += usize::from(run.orders.len() == before);
    }
    assert!(placed == 2 && late == 1 && refused > 0, "{placed} placed, {late} late, {refused} refused");
}
