//! What may happen next in a state, and what becomes of it. Our side's steps are the commands of the flow, allowed whenever the domain has
//! something due: the flow may do less, never more.

use super::Rules;
use super::state::{Asked, BEFORE, FAR, NOW, State, There, index};
use crate::model::told::{failure, pay_told, refund_told, undo_told};
use crate::model::words::{Back, Said, Undone};
use sluice::domain::life::{Intent, Undo};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::NewRefund;
use sluice::domain::undo::UndoTold;
use sluice::domain::{AttemptStatus, Candidate, OrderStatus, RefundOrigin, RefundStatus};
use sluice::store::{Command, Outcome};
use sluice_contract::{Action, Fault, Fen, Millis, Notes, Pay};

/// How the channel takes a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Opens,
    Charges,
    /// For certain, for a reason that another account may not have.
    Refuses,
    /// A payment code that has to be reversed before anybody knows.
    Declines,
    /// The request is lost.
    Eaten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    PayArrives(usize, Way),
    PayHeard(usize),
    PayLost(usize),
    PayerPays(usize),
    CodeDies(usize),
    CallbackRead(usize),
    CallbackTaken(usize),
    Ask(usize),
    AskHeard(usize),
    Wish(Intent),
    GiveUp(usize),
    WantNext(usize),
    Abandon(usize),
    BeginUndo(usize),
    /// `stray`: a request that nobody waits for any more.
    UndoArrives {
        n: usize,
        stray: bool,
        way: Way,
    },
    UndoHeard(usize),
    UndoLost(usize),
    RequestRefund,
    BeginRefund(usize),
    ReturnArrives {
        k: usize,
        stray: bool,
        way: Way,
    },
    ReturnHeard(usize),
    ReturnLost(usize),
    ReturnEnds(usize, Back),
    AskReturn(usize),
    AskReturnHeard(usize),
    Crash,
}

impl Act {
    /// What comes about by itself once nothing fails any more: nobody dies, loses, refuses, pays or wants anything.
    pub fn is_fair(self) -> bool {
        match self {
            Act::PayArrives(_, way) | Act::UndoArrives { way, .. } | Act::ReturnArrives { way, .. } => {
                !matches!(way, Way::Refuses | Way::Declines)
            }
            Act::PayLost(_) | Act::UndoLost(_) | Act::ReturnLost(_) | Act::Crash => false,
            Act::PayerPays(_) | Act::RequestRefund | Act::ReturnEnds(_, Back::Failed) => false,
            Act::Wish(intent) => intent == Intent::Expiry,
            _ => true,
        }
    }
}

/// Everything that may happen now.
pub fn possible(state: &State, rules: &Rules, acts: &mut Vec<Act>) {
    let mut may = |allowed: bool, act: Act| {
        if allowed {
            acts.push(act)
        }
    };
    let (order, loses) = (&state.life.order, state.losses > 0);
    for (n, (attempt, desk)) in state.attempts().enumerate() {
        let (open, due) = (attempt.status().is_open(), attempt.next_at.is_some());
        let arrives = desk.pay.flying || desk.pay.stray;
        may(arrives, Act::PayArrives(n, Way::Opens));
        may(arrives, Act::PayArrives(n, Way::Refuses));
        may(arrives && rules.barcode, Act::PayArrives(n, Way::Charges));
        may(arrives && rules.barcode, Act::PayArrives(n, Way::Declines));
        may(desk.pay.stray, Act::PayArrives(n, Way::Eaten));
        may(desk.pay.answer.is_some(), Act::PayHeard(n));
        may(desk.pay.is_waited_for() && loses, Act::PayLost(n));
        may(desk.there == There::Unpaid && !desk.dead && (rules.barcode || attempt.notes.action.is_some()), Act::PayerPays(n));
        may(!rules.closes && !desk.dead && desk.pay.is_settled(), Act::CodeDies(n));
        may(desk.callbacks > 0 && desk.read.is_none(), Act::CallbackRead(n));
        may(desk.read.is_some(), Act::CallbackTaken(n));
        may(due && desk.ask.is_none(), Act::Ask(n));
        may(desk.ask.is_some(), Act::AskHeard(n));
        may(open && attempt.undo.is_none() && rules.barcode, Act::GiveUp(n));
        may(attempt.status() == AttemptStatus::Unknown && goes_on(state, rules, n), Act::WantNext(n));
        let (wanted, abandons) = (open && attempt.undo.is_some(), attempt.undo == Some(Undo::Close) && !rules.closes);
        may(wanted && abandons, Act::Abandon(n));
        may(wanted && !abandons && due && !desk.undo.is_waited_for(), Act::BeginUndo(n));
        for stray in [false, true] {
            let arrives = if stray { desk.undo.stray } else { desk.undo.flying };
            may(arrives, Act::UndoArrives { n, stray, way: Way::Opens });
            may(arrives && !rules.barcode, Act::UndoArrives { n, stray, way: Way::Refuses });
            may(arrives && stray, Act::UndoArrives { n, stray, way: Way::Eaten });
        }
        may(desk.undo.answer.is_some(), Act::UndoHeard(n));
        may(desk.undo.is_waited_for() && loses, Act::UndoLost(n));
    }
    let pending = order.status() == OrderStatus::Pending && order.intent.is_none();
    let by_merchant = if rules.barcode { Intent::MerchantReverse } else { Intent::MerchantClose };
    may(pending, Act::Wish(Intent::Expiry));
    may(pending, Act::Wish(by_merchant));
    may(order.status() == OrderStatus::Paid && state.asked < rules.refunds.len(), Act::RequestRefund);
    for (k, (refund, back)) in state.life.refunds.iter().zip(&state.returns).enumerate() {
        let due = refund.status() == RefundStatus::Pending && refund.next_at.is_some();
        may(due && refund.sent_at.is_none() && !back.call.is_waited_for(), Act::BeginRefund(k));
        for stray in [false, true] {
            let arrives = if stray { back.call.stray } else { back.call.flying };
            may(arrives, Act::ReturnArrives { k, stray, way: Way::Opens });
            may(arrives && back.there == Back::NotFound, Act::ReturnArrives { k, stray, way: Way::Refuses });
            may(arrives && stray, Act::ReturnArrives { k, stray, way: Way::Eaten });
        }
        may(back.call.answer.is_some(), Act::ReturnHeard(k));
        may(back.call.is_waited_for() && loses, Act::ReturnLost(k));
        may(back.there == Back::Accepted, Act::ReturnEnds(k, Back::Succeeded));
        may(back.there == Back::Accepted, Act::ReturnEnds(k, Back::Failed));
        may(due && refund.sent_at.is_some() && back.ask.is_none(), Act::AskReturn(k));
        may(back.ask.is_some(), Act::AskReturnHeard(k));
    }
    may(state.crashes > 0, Act::Crash);
}

/// Whether the order may go to the other account: nobody has a code of the first, and nobody wants it undone.
fn goes_on(state: &State, rules: &Rules, n: usize) -> bool {
    let attempt = &state.life.attempts[n];
    rules.next && n == 0 && state.life.attempts.len() == 1 && attempt.notes.action.is_none() && state.life.order.intent.is_none()
}

pub fn happen(state: &mut State, rules: &Rules, next: &Candidate, act: Act) {
    let (order_id, at) = (state.life.order.id.clone(), Millis(NOW));
    let fallback = |state: &State, n: usize| if goes_on(state, rules, n) { vec![next.clone()] } else { Vec::new() };
    let (verb, lease_until) = (if rules.barcode { Undo::Reverse } else { Undo::Close }, at);
    let ours = match act {
        Act::PayArrives(n, way) => return pay_arrives(state, n, way),
        Act::PayHeard(n) | Act::PayLost(n) => {
            let said = state.desks[n].pay.answer.take().filter(|_| matches!(act, Act::PayHeard(_))).unwrap_or(Said::Unknown);
            state.desks[n].pay.forget();
            state.losses -= u8::from(matches!(act, Act::PayLost(_)));
            take_pay(state, n, Asked { said, dead: false, stale: true }, Source::Pay, fallback(state, n))
        }
        Act::PayerPays(n) => return paid(state, n, rules),
        Act::CodeDies(n) => return state.desks[n].dead = true,
        Act::CallbackRead(n) => {
            state.desks[n].callbacks -= 1;
            if state.life.attempts[n].status() != AttemptStatus::Reversed {
                return state.desks[n].read = Some(Asked { said: Said::Paid, dead: false, stale: false });
            }
            Command::AskNow { order_id, at, why: "a hint" }
        }
        Act::CallbackTaken(n) => match state.desks[n].read.take() {
            Some(asked) => take_pay(state, n, asked, Source::Callback, Vec::new()),
            None => return,
        },
        Act::Ask(n) => return state.desks[n].ask = Some(answer_of(state, rules, n)),
        Act::AskHeard(n) => match state.desks[n].ask.take() {
            Some(asked) => take_pay(state, n, asked, Source::Query, fallback(state, n)),
            None => return,
        },
        Act::Wish(intent) => Command::Wish { order_id, intent, verb, at, due_at: at },
        Act::GiveUp(n) => Command::WantUndone { order_id, attempt_seq: seq(n), verb, at, due_at: at, why: "given up" },
        Act::WantNext(n) => Command::WantNext { order_id, attempt_seq: seq(n), failure: failure(Fault::Account), at },
        Act::Abandon(n) => Command::Abandon { order_id, attempt_seq: seq(n), payable_until: at, at },
        Act::BeginUndo(n) => Command::BeginUndo { order_id, attempt_seq: seq(n), at, lease_until },
        Act::UndoArrives { n, stray, way } => return undo_arrives(state, rules, n, stray, way),
        Act::UndoHeard(n) | Act::UndoLost(n) => {
            let said = state.desks[n].undo.answer.take().filter(|_| matches!(act, Act::UndoHeard(_))).unwrap_or(Undone::Busy);
            state.desks[n].undo.forget();
            state.losses -= u8::from(matches!(act, Act::UndoLost(_)));
            let told = UndoTold { fallback: fallback(state, n), ..undo_told(seq(n), verb, said, at) };
            Command::TakeUndone { order_id, told: Box::new(told) }
        }
        Act::RequestRefund => {
            let amount = Fen(rules.refunds[state.asked]);
            state.asked += 1;
            let new = NewRefund {
                merchant_id: "m1".into(),
                merchant_refund_no: Some(format!("F{}", state.asked)),
                attempt_seq: None,
                send_now: true,
                ..NewRefund::automatic(1, amount, RefundOrigin::Merchant, at, 0)
            };
            Command::RequestRefund { nonce: None, order_id, new: Box::new(new) }
        }
        Act::BeginRefund(k) => Command::BeginRefund { order_id, refund_seq: seq(k), at, lease_until },
        Act::ReturnArrives { k, stray, way } => return return_arrives(state, k, stray, way),
        Act::ReturnHeard(k) | Act::ReturnLost(k) => {
            let call = &mut state.returns[k].call;
            let said = call.answer.take().filter(|_| matches!(act, Act::ReturnHeard(_))).unwrap_or(Back::Unknown);
            call.forget();
            state.losses -= u8::from(matches!(act, Act::ReturnLost(_)));
            Command::TakeRefund { order_id, told: Box::new(refund_told(seq(k), said, false, at)) }
        }
        Act::ReturnEnds(k, end) => return state.returns[k].there = end,
        Act::AskReturn(k) => {
            let back = &mut state.returns[k];
            // "Never heard of it" is believed only once nothing can be on its way.
            let unsure = back.there == Back::NotFound && !back.call.is_settled();
            return back.ask = Some(if unsure { Back::Unknown } else { back.there });
        }
        Act::AskReturnHeard(k) => {
            let said = state.returns[k].ask.take().unwrap_or(Back::Unknown);
            Command::TakeRefund { order_id, told: Box::new(refund_told(seq(k), said, true, at)) }
        }
        Act::Crash => return state.crash(),
    };
    let outcome = state.commit(&ours);
    send(state, act, outcome.as_ref());
}

fn seq(n: usize) -> u32 {
    u32::try_from(n + 1).unwrap()
}

/// Whoever committed that he sends, sends.
fn send(state: &mut State, act: Act, outcome: Option<&Outcome>) {
    let go = matches!(outcome, Some(Outcome::Begun { go: true, .. }));
    match (act, outcome) {
        (Act::BeginUndo(n), _) => state.desks[n].undo.flying |= go,
        (Act::BeginRefund(k), _) => state.returns[k].call.flying |= go,
        (Act::RequestRefund, Some(Outcome::RefundCreated { refund_seq, .. })) => state.returns[index(*refund_seq)].call.flying = true,
        _ => {}
    }
}

fn take_pay(state: &State, n: usize, asked: Asked, source: Source, fallback: Vec<Candidate>) -> Command {
    let mut told = pay_told(seq(n), asked.said, source, Millis(NOW));
    if asked.said == Said::Waiting && source == Source::Pay {
        told.said = Pay::Waiting(Action::QrCode { content: "a code".into() }, Notes::new());
    }
    let asked_at = Millis(if asked.stale { BEFORE } else { NOW });
    let payable_until = Millis(if asked.dead { 0 } else { FAR });
    let told = PayTold { asked_at, payable_until, fallback, ..told };
    Command::TakePay { order_id: state.life.order.id.clone(), told: Box::new(told) }
}

fn paid(state: &mut State, n: usize, rules: &Rules) {
    let desk = &mut state.desks[n];
    (desk.there, desk.callbacks) = (There::Paid, rules.callbacks);
}

fn pay_arrives(state: &mut State, n: usize, way: Way) {
    let desk = &mut state.desks[n];
    let stray = desk.pay.stray;
    let said = match way {
        // A number that was reversed before its payment came takes none.
        _ if desk.there == There::Returned => Said::FailedByPayer,
        Way::Opens => {
            desk.there = There::Unpaid;
            Said::Waiting
        }
        Way::Charges => {
            desk.there = There::Paid;
            Said::Paid
        }
        Way::Declines => {
            (desk.there, desk.dead) = (There::Unpaid, true);
            Said::Declined
        }
        Way::Refuses => Said::FailedByAccount,
        Way::Eaten => Said::Unknown,
    };
    desk.pay.executed(stray, said);
}

/// What the channel answers to a question now.
fn answer_of(state: &State, rules: &Rules, n: usize) -> Asked {
    let desk = &state.desks[n];
    let said = match desk.there {
        There::Nothing => Said::NotFound { is_final: desk.pay.is_settled() && (rules.closes || desk.dead) },
        There::Unpaid => Said::Waiting,
        There::Paid => Said::Paid,
        There::Closed => Said::Closed,
        There::Returned => Said::Reversed,
    };
    Asked { said, dead: desk.dead, stale: false }
}

fn undo_arrives(state: &mut State, rules: &Rules, n: usize, stray: bool, way: Way) {
    let desk = &mut state.desks[n];
    let said = match (way, desk.there) {
        (Way::Eaten, _) => Undone::Busy,
        (_, There::Nothing) => Undone::NotFound { is_final: desk.pay.is_settled() },
        (Way::Refuses, There::Unpaid) => Undone::Refused,
        (_, There::Paid) if !rules.barcode => Undone::Paid,
        (_, There::Unpaid) if !rules.barcode => {
            desk.there = There::Closed;
            Undone::Done
        }
        (_, There::Unpaid | There::Paid) => {
            desk.there = There::Returned;
            Undone::Done
        }
        (_, There::Closed | There::Returned) => Undone::Done,
    };
    desk.undo.executed(stray, said);
}

/// A refund's number is taken once, however often it comes.
fn return_arrives(state: &mut State, k: usize, stray: bool, way: Way) {
    let (amount, n) = (state.life.refunds[k].amount.0, index(state.life.refunds[k].attempt_seq));
    let kept = state.kept(n);
    let back = &mut state.returns[k];
    let said = match (way, back.there) {
        (Way::Eaten, _) => Back::Unknown,
        (Way::Refuses, _) => Back::Failed,
        (_, Back::NotFound) => {
            if kept < amount {
                state.wrong = Some(format!("a refund of {amount} of {kept} that are kept"));
            }
            back.there = Back::Accepted;
            Back::Accepted
        }
        (_, there) => there,
    };
    back.call.executed(stray, said);
}
