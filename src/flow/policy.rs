//! What is done with every kind of answer, for each method of an account: a table made by asking the code that decides (the reading of
//! answers, the pace, the domain) about an order of its own. Nothing here decides anything, and none of it is written a second time.

use super::ask::Answer;
use super::pace::Pace;
use super::query::{Heard, meaning};
use super::refund;
use crate::domain::life::{Attempt, Intent, Life, Order, OrderFacts, RefundOrigin, Undo};
use crate::domain::pay::Source;
use crate::domain::refund::{NewRefund, RefundTold};
use crate::domain::undo::UndoTold;
use crate::domain::{Candidate, OrderId, OrderStatus};
use serde::Serialize;
use serde_json::Value;
use sluice_contract::{
    Action, CallbackIs, Failure, FailureCode, Fault, Fen, MethodProfile, Millis, Notes, Pay, Payment, Profile, Refund, Refunded, Refusal,
    Stuck, Undone, Why, WhyKind,
};

/// One answer and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub heard: &'static str,
    pub then: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerbPolicy {
    pub verb: &'static str,
    /// When it is called by itself, and when no more.
    pub when: String,
    pub answers: Vec<Line>,
}

/// What is done for the orders of some methods, which the channel treats alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    pub methods: Vec<&'static str>,
    pub verbs: Vec<VerbPolicy>,
}

/// The tables of a channel, methods with the same one together.
#[must_use]
pub fn policies(profile: &Profile, pace: Pace) -> Vec<Policy> {
    let mut policies: Vec<Policy> = Vec::new();
    for method in &profile.methods {
        let verbs = Asked { profile, method, pace }.verbs();
        match policies.iter_mut().find(|policy| policy.verbs == verbs) {
            Some(policy) => policy.methods.push(method.method.word()),
            None => policies.push(Policy { methods: vec![method.method.word()], verbs }),
        }
    }
    policies
}

/// When the order of the table is placed.
const PLACED: Millis = Millis(1_800_000_000_000);
const AMOUNT: Fen = Fen(1_000);

/// One method that is asked about.
struct Asked<'a> {
    profile: &'a Profile,
    method: &'a MethodProfile,
    pace: Pace,
}

impl Asked<'_> {
    fn verbs(&self) -> Vec<VerbPolicy> {
        let sending = self.placed();
        let waiting = self.pay(&sending, Answer::Is(Pay::Waiting(Action::None, Notes::new())), Source::Pay, false, 1);
        let ended = self.pay(&waiting, Answer::Is(Pay::Closed), Source::Query, false, 2);
        let mut verbs = vec![
            VerbPolicy { verb: "pay", when: "once, when the order is placed".to_owned(), answers: self.payments(&sending, Source::Pay, 1) },
            VerbPolicy { verb: "query", when: self.queries(&sending), answers: self.payments(&waiting, Source::Query, 2) },
            VerbPolicy { verb: "query after the end", when: self.late(), answers: self.payments(&ended, Source::Query, 3) },
        ];
        verbs.extend(self.undo(&waiting));
        verbs.extend(self.refunds(&waiting));
        verbs
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            account: "account".to_owned(),
            channel: self.profile.channel.to_owned(),
            method: self.method.method,
            choice: None,
            app_id: None,
            sub: Notes::new(),
            memo: Notes::new(),
            fee: None,
            route: Default::default(),
            asks: Vec::new(),
            not_checked: Vec::new(),
            passed: Vec::new(),
            next_at: self.pace.first_query(self.method, PLACED),
        }
    }

    fn placed(&self) -> Life {
        let order = Order {
            id: OrderId::new(PLACED, [0; 16]),
            merchant_id: String::new(),
            merchant_order_no: String::new(),
            fingerprint: Vec::new(),
            livemode: false,
            status: OrderStatus::Pending,
            amount: AMOUNT,
            method: Some(self.method.method),
            facts: OrderFacts::default(),
            sealed: Vec::new(),
            created_at: PLACED,
            expires_at: PLACED.plus_s(self.method.expires_in_max_s),
            account: String::new(),
            channel: String::new(),
            winner: None,
            intent: None,
            failure: None,
            paid_at: None,
            closed_at: None,
            version: 1,
            last_seq: 0,
        };
        Life::begin(order, Some(&self.candidate()))
    }

    /// What becomes of an order by an answer about its payment, heard so many seconds after it was placed.
    fn pay(&self, life: &Life, answer: Answer<Pay>, source: Source, not_found_final: bool, at_s: i64) -> Life {
        let mut after = life.clone();
        let Some(attempt) = life.attempts.last() else { return after };
        let at = PLACED.plus_s(at_s);
        let goes_on = answer.lets_go_on(source, not_found_final) && attempt.status().is_open();
        let heard = Heard { said: meaning(answer, source), source, asked_at: at, at };
        let mut told = self.pace.told(self.method, &self.profile.refund, life, attempt, heard);
        told.not_found_final |= not_found_final;
        told.fallback = if goes_on { vec![self.candidate()] } else { Vec::new() };
        let _refused = after.take_pay(&told);
        after
    }

    fn payments(&self, before: &Life, source: Source, at_s: i64) -> Vec<Line> {
        let line = |(heard, answer, is_final): (&'static str, Answer<Pay>, bool)| {
            let after = self.pay(before, answer, source, is_final, at_s);
            Line { heard, then: then(before, &after, PLACED) }
        };
        // Only a payment code is declined and not yet known to have failed.
        let is_said = |heard: &str| heard != DECLINED || self.method.reverse.is_some();
        payments().into_iter().filter(|(heard, ..)| is_said(heard)).map(line).collect()
    }

    fn undo(&self, waiting: &Life) -> Vec<VerbPolicy> {
        let close = self.method.can_close.then(|| VerbPolicy {
            verb: "close",
            when: "when the order's time is over, or its merchant or its payer wants it".to_owned(),
            answers: undoings(waiting, Intent::Expiry, Undo::Close),
        });
        let reverse = self.method.reverse.map(|rule| {
            let day = rule.day_ends_at_s.map_or(String::new(), |s| format!(", or second {s} of the channel's day"));
            VerbPolicy {
                verb: "reverse",
                when: format!(
                    "{} s after the pay call, or when its merchant wants it; not before {} s; after {} s{day}: suspended for a person",
                    rule.give_up_after_s, rule.earliest_s, rule.window_s
                ),
                answers: undoings(waiting, Intent::MerchantReverse, Undo::Reverse),
            }
        });
        close.into_iter().chain(reverse).collect()
    }

    fn refunds(&self, waiting: &Life) -> Vec<VerbPolicy> {
        let rule = &self.profile.refund;
        let mut paid = self.pay(waiting, Answer::Is(Pay::Paid(Payment::of(AMOUNT))), Source::Query, false, 2);
        let new = NewRefund {
            attempt_seq: None,
            send_now: true,
            lease_until: self.pace.lease_until(PLACED),
            ..NewRefund::automatic(1, AMOUNT, RefundOrigin::Merchant, PLACED, 0)
        };
        let _refused = paid.request_refund(&new);
        let window_s = self.method.refund_window_s.unwrap_or(rule.window_s);
        let sent = format!("within {window_s} s of the payment, at most {}, {} s apart", count(rule.count_max), rule.gap_s);
        vec![
            VerbPolicy { verb: "refund", when: sent, answers: self.refund_answers(&paid, false) },
            VerbPolicy { verb: "query_refund", when: self.refund_queries(&paid), answers: self.refund_answers(&paid, true) },
        ]
    }

    fn refund_answers(&self, before: &Life, queried: bool) -> Vec<Line> {
        let Some(refund) = before.refund(1) else { return Vec::new() };
        let rule = &self.profile.refund;
        let line = |(heard, answer, age_s): (&'static str, Answer<Refund>, i64)| {
            let (mut after, at) = (before.clone(), PLACED.plus_s(age_s));
            let said = refund::meaning(answer, rule, refund, queried, at, self.pace);
            let (said, next_at) = refund::schedule(said, refund, rule, at, self.pace);
            let (counters, inner) = (Vec::new(), Value::Null);
            let _refused = after.take_refund(&RefundTold { refund_seq: 1, said, at, next_at, queried, counters, inner });
            Line { heard, then: then(before, &after, at) }
        };
        refunds(rule.not_found_final_after_s).into_iter().map(line).collect()
    }

    /// The times of the questions while nothing is known.
    fn queries(&self, life: &Life) -> String {
        let Some(attempt) = life.attempts.last() else { return String::new() };
        let first = self.pace.first_query(self.method, attempt.at);
        let next = |now| self.pace.next_query(self.method, attempt, now);
        format!("{} after the pay call", rhythm(attempt.at, first, self.method.query_then_every_s, next))
    }

    fn refund_queries(&self, life: &Life) -> String {
        let Some(refund) = life.refund(1) else { return String::new() };
        let next = |now| self.pace.next_refund_query(&self.profile.refund, refund, now);
        let sent = refund.sent_at.unwrap_or(refund.at);
        format!("{} after it was sent", rhythm(sent, next(sent), self.profile.refund.query_then_every_s, next))
    }

    fn late(&self) -> String {
        let callback = match (self.method.calls_back, self.profile.callback) {
            (false, _) => "this method has no callback",
            (true, CallbackIs::Proof) => "a callback is proof, and of a reversed one makes us ask",
            (true, CallbackIs::Hint) => "a callback only makes us ask",
        };
        let Some(attempt) = self.placed().attempts.last().cloned() else { return callback.to_owned() };
        let expires = PLACED.plus_s(self.method.expires_in_max_s);
        let watched_s = self.pace.payable_until(self.method, &attempt, expires).since_ms(expires).div_euclid(1000);
        if self.method.can_close || self.method.reverse.is_some() {
            callback.to_owned()
        } else {
            format!("{callback}; no close is confirmed here: watched until {watched_s} s after its code has died")
        }
    }
}

/// The plan's times, and the rhythm after them.
fn rhythm(from: Millis, first: Millis, every_s: i64, next: impl Fn(Millis) -> Millis) -> String {
    let (mut times, mut now) = (Vec::new(), first);
    while times.len() < 40 {
        times.push(now.since_ms(from).div_euclid(1000).to_string());
        let then = next(now);
        if then.since_ms(now) == every_s.saturating_mul(1000) && next(then).since_ms(then) == then.since_ms(now) {
            break;
        }
        now = then;
    }
    format!("{} s, then every {every_s} s", times.join(", "))
}

fn count(most: u32) -> String {
    if most == u32::MAX { "any number".to_owned() } else { most.to_string() }
}

fn undoings(waiting: &Life, intent: Intent, verb: Undo) -> Vec<Line> {
    let (mut before, at) = (waiting.clone(), PLACED.plus_s(1));
    let _refused = before.wish(intent, verb, at, at).and_then(|_| before.begin_undo(1, at, at.plus_s(40)));
    let line = |(heard, said, not_found_final): (&'static str, Undone, bool)| {
        let (mut after, counters, fallback, inner) = (before.clone(), Vec::new(), Vec::new(), Value::Null);
        let told = UndoTold { attempt_seq: 1, verb, said, at, next_at: at, not_found_final, fallback, counters, inner };
        let _refused = after.take_undone(&told);
        Line { heard, then: then(&before, &after, at) }
    };
    undos().into_iter().map(line).collect()
}

/// What has changed, in the words of the books.
fn then(before: &Life, after: &Life, from: Millis) -> String {
    let mut words = Vec::new();
    let after_s = |at: Millis| at.since_ms(from).div_euclid(1000);
    for (old, new) in before.attempts.iter().zip(&after.attempts) {
        if old.status() != new.status() {
            words.push(format!("the attempt is {}{}", new.status().word(), if new.late { ", late" } else { "" }));
        }
        words.extend(next_step(old, new, &after_s));
    }
    if after.attempts.len() > before.attempts.len() {
        words.push("the next account is tried; without one the order has failed".to_owned());
    }
    for (nth, new) in after.refunds.iter().enumerate() {
        match before.refunds.get(nth) {
            None => words.push(format!("a refund is made of {}", word(new.origin))),
            Some(old) if old.status() != new.status() => words.push(format!("the refund is {}", new.status().word())),
            Some(_) => words.push(match new.sent_at {
                None => {
                    format!("waits ({}), sent again under its number after {} s", word(new.pending_reason), new.next_at.map_or(0, after_s))
                }
                Some(_) => format!("pending ({}), asked again after {} s", word(new.pending_reason), new.next_at.map_or(0, after_s)),
            }),
        }
    }
    if before.order.status() != after.order.status() {
        words.push(format!("the order is {}", after.order.status().word()));
    }
    let told = after.effects.iter().skip(before.effects.len()).map(|effect| format!("its merchant is told {}", effect.kind));
    words.extend(told);
    if words.is_empty() { "nothing changes".to_owned() } else { words.join("; ") }
}

fn next_step(old: &Attempt, new: &Attempt, after_s: &impl Fn(Millis) -> i64) -> Option<String> {
    match (old.undo, new.undo, new.next_at) {
        (None, Some(undo), Some(at)) => {
            Some(format!("{} from {} s after the pay call on", if undo == Undo::Close { "closed" } else { "reversed" }, after_s(at)))
        }
        (Some(_), Some(_), Some(_)) => Some("asked, then tried again".to_owned()),
        (Some(_), None, Some(_)) if new.status().is_open() => Some("asked, and no longer to be undone".to_owned()),
        (None, None, Some(at)) if new.status().is_open() => Some(format!("asked again {} s after the pay call", after_s(at))),
        (None, None, Some(_)) => Some("asked again".to_owned()),
        _ => None,
    }
}

/// A word as it is stored.
fn word(of: impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn failure(code: FailureCode, fault: Fault) -> Failure {
    Failure { code, fault, message: String::new(), channel_code: None }
}

const DECLINED: &str = "declined, and to be undone to be sure";

/// Every kind of answer about a payment; whether "not found" is final by then.
fn payments() -> Vec<(&'static str, Answer<Pay>, bool)> {
    let is = Answer::Is;
    let no = |fault| is(Pay::Failed(failure(FailureCode::ChannelRefused, fault)));
    vec![
        ("provably not sent", Answer::NotSent(String::new()), false),
        ("refused by us before sending", Answer::Refused(Refusal::account("")), false),
        ("no answer", Answer::MaybeSent(String::new()), false),
        ("unreadable, unsigned or unlisted", is(Pay::Unknown(Why::new(WhyKind::Unlisted, ""))), false),
        ("paid", is(Pay::Paid(Payment::of(AMOUNT))), false),
        ("waits for the payer", is(Pay::Waiting(Action::None, Notes::new())), false),
        ("no, the account's fault", no(Fault::Account), false),
        ("no, the payer's fault", no(Fault::Payer), false),
        (DECLINED, is(Pay::Unknown(Why::declined(failure(FailureCode::ChannelRefused, Fault::Payer)))), false),
        ("closed", is(Pay::Closed), false),
        ("reversed", is(Pay::Reversed), false),
        ("number not known yet", is(Pay::NotFound), false),
        ("number never known, for certain", is(Pay::NotFound), true),
    ]
}

fn undos() -> Vec<(&'static str, Undone, bool)> {
    vec![
        ("done", Undone::Closed, false),
        ("paid", Undone::Paid, false),
        ("refused for good", Undone::Refused(failure(FailureCode::ChannelRefused, Fault::Request)), false),
        ("busy", Undone::Busy, false),
        ("number not known yet", Undone::NotFound, false),
        ("number never known, for certain", Undone::NotFound, true),
        ("no answer, or unreadable", Undone::Unknown(Why::new(WhyKind::NoAnswer, "")), false),
    ]
}

/// Every kind of answer about a refund, and how many seconds after it was sent.
fn refunds(final_after_s: Option<i64>) -> Vec<(&'static str, Answer<Refund>, i64)> {
    let is = Answer::Is;
    vec![
        ("provably not sent", Answer::NotSent(String::new()), 0),
        ("refused by us before sending", Answer::Refused(Refusal::account("")), 0),
        ("no answer", Answer::MaybeSent(String::new()), 0),
        ("unreadable, unsigned or unlisted", is(Refund::Unknown(Why::new(WhyKind::Unlisted, ""))), 0),
        ("done", is(Refund::Succeeded(Refunded::default())), 0),
        ("accepted", is(Refund::Accepted(Notes::new())), 0),
        ("refused", is(Refund::Failed(failure(FailureCode::ChannelRefused, Fault::Request))), 0),
        ("the merchant's balance is too low", is(Refund::Stuck(Stuck::MerchantBalance, String::new(), Notes::new())), 0),
        ("the payee cannot take it", is(Refund::Stuck(Stuck::PayeeAccount, String::new(), Notes::new())), 0),
        ("number not known yet", is(Refund::NotFound), 0),
        ("number not known in the end", is(Refund::NotFound), final_after_s.unwrap_or(0).saturating_add(1)),
    ]
}
