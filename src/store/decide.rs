//! The one pure decision: what a command does to the rows it names. Both engines fold batches with it, so that two commands for one
//! order in one batch see each other, and so that there is one place to read, test and break.

use super::StoreError;
use super::command::{Command, Delivery, Notice, NoticeStatus, Outcome, Record};
use super::view::{ClaimRow, Held, View, claim_of};
use crate::domain::life::{Broken, Life};
use crate::domain::limit::{self, PassedOver, Touched};
use crate::domain::pay::PayTold;
use crate::domain::recon::record;
use crate::domain::recon::{BillRun, Found, RunState, Settled, Standing, Stored};
use crate::domain::refund::NewRefund;
use crate::domain::undo::UndoTold;
use crate::domain::{Candidate, Order, OrderId};
use serde_json::json;
use sluice_contract::Millis;

/// Decides a batch in the order given: each command sees what those before it changed. `scan` answers the commands that name no rows
/// beforehand, which only the engine can find; it gets the command's place in the batch.
pub fn fold(
    view: &mut View,
    batch: &[&Command],
    mut scan: impl FnMut(usize, &Command) -> Result<Outcome, StoreError>,
) -> Vec<Result<Outcome, StoreError>> {
    let one = |(at, command): (usize, &&Command)| match decide(view, command) {
        Ok(Outcome::Done) => scan(at, command),
        Ok(outcome) => Ok(outcome),
        Err(broken) => Err(StoreError::Broken(broken.to_string())),
    };
    batch.iter().enumerate().map(one).collect()
}

/// Decides one command. On `Err` nothing of the view has changed.
pub fn decide(view: &mut View, command: &Command) -> Result<Outcome, Broken> {
    if command.nonce().is_some_and(|nonce| view.used_nonces.contains(&nonce.name())) {
        return Ok(Outcome::NonceReused);
    }
    let outcome = apply(view, command)?;
    if let Some(nonce) = command.nonce() {
        view.used_nonces.insert(nonce.name());
        view.new_nonces.push(nonce.clone());
    }
    Ok(outcome)
}

fn apply(view: &mut View, command: &Command) -> Result<Outcome, Broken> {
    match command {
        Command::PlaceOrder { order, candidates, .. } => place(view, command, order, candidates),
        Command::Choose { order_id, attempt_seq, candidates, at } => choose(view, order_id, *attempt_seq, candidates, *at),
        Command::RequestRefund { order_id, new, .. } => request_refund(view, command, order_id, new),
        Command::TakePay { order_id, told } => take_pay(view, order_id, told),
        Command::TakeUndone { order_id, told } => take_undone(view, order_id, told),
        Command::TakeRefund { order_id, told } => change(view, order_id, told.at, |life| life.take_refund(told)),
        Command::Wish { order_id, intent, verb, at, due_at } => {
            change(view, order_id, *at, |life| life.wish(*intent, *verb, *at, *due_at).map(|_| ()))
        }
        Command::WantUndone { order_id, attempt_seq, verb, at, due_at, why } => {
            change(view, order_id, *at, |life| life.want_undone(*attempt_seq, *verb, *at, *due_at, why))
        }
        Command::WantNext { order_id, attempt_seq, failure, at } => {
            change(view, order_id, *at, |life| life.want_next(*attempt_seq, failure, *at))
        }
        Command::Postpone { order_id, attempt_seq, at, until } => {
            change(view, order_id, *at, |life| life.postpone(*attempt_seq, *at, *until))
        }
        Command::Abandon { order_id, attempt_seq, payable_until, at } => {
            change(view, order_id, *at, |life| life.abandon(*attempt_seq, *payable_until, *at))
        }
        Command::Suspend { order_id, attempt_seq, at, why } => change(view, order_id, *at, |life| life.suspend(*attempt_seq, *at, why)),
        Command::AskNow { order_id, at, why } => change(view, order_id, *at, |life| {
            life.ask_now(*at, why);
            Ok(())
        }),
        Command::BeginUndo { order_id, attempt_seq, at, lease_until } => {
            begin(view, order_id, *at, |life| life.begin_undo(*attempt_seq, *at, *lease_until))
        }
        Command::BeginRefund { order_id, refund_seq, at, lease_until } => {
            begin(view, order_id, *at, |life| life.begin_refund(*refund_seq, *at, *lease_until))
        }
        Command::TakeDelivery { event_id, delivery, note, .. } => Ok(take_delivery(view, event_id, delivery, note)),
        Command::Replay { event_id, at, audit } => Ok(replay(view, event_id, *at, audit)),
        Command::PutRecords { records, audit, only_new } => {
            let any = put_records(view, records, *only_new);
            view.audits.extend(audit.iter().cloned());
            Ok(if any || records.is_empty() { Outcome::Done } else { Outcome::Known })
        }
        Command::TakeBill { run, found } => Ok(take_bill(view, run, found)),
        Command::SettleDiscrepancy { id, by, reason, at, audit } => Ok(settle_discrepancy(view, id, by, reason, *at, audit)),
        // Scans are the engine's: they name no rows beforehand.
        Command::UseNonce { .. }
        | Command::ClaimOrders { .. }
        | Command::ClaimNotices { .. }
        | Command::PruneOrders { .. }
        | Command::PruneNonces { .. } => Ok(Outcome::Done),
        Command::Recount { audit, .. } => {
            view.audits.push(audit.clone());
            Ok(Outcome::Done)
        }
    }
}

/// Whether any of them was put.
fn put_records(view: &mut View, records: &[Record], only_new: bool) -> bool {
    let mut any = false;
    for record in records {
        let key = (record.kind.clone(), record.id.clone());
        if only_new && view.records.contains(&key) {
            continue;
        }
        any = true;
        view.put_records.push(record.clone());
        if record.doc.is_some() {
            view.records.insert(key)
        } else {
            view.records.remove(&key)
        };
    }
    any
}

fn place(view: &mut View, command: &Command, order: &Order, candidates: &[Candidate]) -> Result<Outcome, Broken> {
    let Some(key) = claim_of(command) else { return Ok(Outcome::Missing) };
    if let Some(known) = view.claims.get(&key) {
        let target = known.target.clone();
        return Ok(if known.fingerprint == order.fingerprint { Outcome::Replayed { target } } else { Outcome::Conflict { target } });
    }
    let (first, near) = match order.method {
        None => (None, Vec::new()),
        Some(_) => match admit(view, &order.id, candidates)? {
            Ok((admitted, near)) => (Some(admitted), near),
            Err(passed_over) => return Ok(Outcome::NotAdmitted(passed_over)),
        },
    };
    let mut life = Life::begin(order.clone(), first.as_ref());
    tell_limits(&mut life, &near, order.created_at);
    life.order.version = 1;
    life.check()?;
    view.settle(None, &mut life, order.created_at)?;
    view.claims.insert(key.clone(), ClaimRow { target: order.id.to_string(), fingerprint: order.fingerprint.clone() });
    view.new_claims.insert(key);
    view.lives.insert(order.id.clone(), Held { before: None, now: life.clone() });
    Ok(Outcome::Placed(Box::new(life)))
}

/// A choice that somebody else made first, or that comes too late, changes nothing and asks no limit.
fn choose(view: &mut View, order_id: &OrderId, seq: u32, candidates: &[Candidate], at: Millis) -> Result<Outcome, Broken> {
    let Some(life) = view.lives.get(order_id).map(|held| &held.now) else { return Ok(Outcome::Missing) };
    if !life.may_choose(seq, at) {
        return begin(view, order_id, at, |_| Ok(false));
    }
    let (admitted, near) = match admit(view, order_id, candidates)? {
        Ok(admitted) => admitted,
        Err(passed_over) => return Ok(Outcome::NotAdmitted(passed_over)),
    };
    begin(view, order_id, at, |life| {
        let chosen = life.choose(&admitted, seq, at);
        tell_limits(life, &near, at);
        Ok(chosen)
    })
}

/// The candidate with the rules it brings near their max, or everybody who was passed over.
type Admitted = Result<(Candidate, Vec<String>), Vec<PassedOver>>;

/// The first candidate that the limits have room for, with those they passed over in its decision, and the rules it brings near their max.
fn admit(view: &View, order_id: &OrderId, candidates: &[Candidate]) -> Result<Admitted, Broken> {
    let counters = view.counters(limit::admit::keys(candidates));
    admit_by(&counters, order_id, candidates)
}

fn admit_by(counters: &limit::Counters, order_id: &OrderId, candidates: &[Candidate]) -> Result<Admitted, Broken> {
    let verdict = limit::admit(order_id, counters, candidates)?;
    let Some(admitted) = verdict.admitted.and_then(|place| candidates.get(place)) else { return Ok(Err(verdict.passed_over)) };
    Ok(Ok((Candidate { passed: verdict.passed_over, ..admitted.clone() }, verdict.near)))
}

/// Operators are warned by lines of the trail.
fn tell_limits(life: &mut Life, near: &[String], at: Millis) {
    for limit in near {
        life.event(at, "limit.near", json!({"limit": limit}), None);
    }
}

fn take_pay(view: &mut View, order_id: &OrderId, told: &PayTold) -> Result<Outcome, Broken> {
    match next_account(view, order_id, told.attempt_seq, &told.fallback, &told.counters, told.at)? {
        None => change(view, order_id, told.at, |life| life.take_pay(told)),
        Some((fallback, near)) => {
            let told = PayTold { fallback, ..told.clone() };
            go_on(view, order_id, told.at, &near, |life| life.take_pay(&told))
        }
    }
}

fn take_undone(view: &mut View, order_id: &OrderId, told: &UndoTold) -> Result<Outcome, Broken> {
    match next_account(view, order_id, told.attempt_seq, &told.fallback, &told.counters, told.at)? {
        None => change(view, order_id, told.at, |life| life.take_undone(told)),
        Some((fallback, near)) => {
            let told = UndoTold { fallback, ..told.clone() };
            go_on(view, order_id, told.at, &near, |life| life.take_undone(&told))
        }
    }
}

/// The account that is next, if there is one, and the rules it brings near their max.
type Next = (Vec<Candidate>, Vec<String>);

/// The next account is tried only where the limits have room, once the attempt has given its own back.
/// `None`: no limit has a say.
fn next_account(
    view: &View,
    order_id: &OrderId,
    seq: u32,
    fallback: &[Candidate],
    touched: &[Touched],
    at: Millis,
) -> Result<Option<Next>, Broken> {
    let Some(life) = view.lives.get(order_id).map(|held| &held.now) else { return Ok(None) };
    let open = life.attempt(seq).is_some_and(|attempt| attempt.status().is_open());
    if !open || fallback.iter().all(|candidate| candidate.asks.is_empty()) {
        return Ok(None);
    }
    let mut counters = view.counters(limit::admit::keys(fallback).into_iter().chain(touched.iter().map(|touched| touched.key.clone())));
    limit::settle::give_back(life, seq, &mut counters, at)?;
    Ok(Some(match admit_by(&counters, order_id, fallback)? {
        Ok((admitted, near)) => (vec![admitted], near),
        Err(_) => (Vec::new(), Vec::new()),
    }))
}

fn go_on(
    view: &mut View,
    order_id: &OrderId,
    at: Millis,
    near: &[String],
    act: impl FnOnce(&mut Life) -> Result<(), Broken>,
) -> Result<Outcome, Broken> {
    change(view, order_id, at, |life| {
        let attempts = life.attempts.len();
        act(life)?;
        if life.attempts.len() > attempts {
            tell_limits(life, near, at);
        }
        Ok(())
    })
}

fn request_refund(view: &mut View, command: &Command, order_id: &OrderId, new: &NewRefund) -> Result<Outcome, Broken> {
    let key = claim_of(command);
    if let Some(known) = key.as_ref().and_then(|key| view.claims.get(key)) {
        let target = known.target.clone();
        return Ok(if known.fingerprint == new.fingerprint { Outcome::Replayed { target } } else { Outcome::Conflict { target } });
    }
    let Some(current) = view.life(order_id) else { return Ok(Outcome::Missing) };
    let mut life = current.clone();
    let seq = match life.request_refund(new)? {
        Ok(seq) => seq,
        Err(refused) => return Ok(Outcome::RefundRefused(refused)),
    };
    keep(view, order_id, &mut life, new.at)?;
    if let Some(key) = key {
        view.claims.insert(key.clone(), ClaimRow { target: order_id.refund_id(seq), fingerprint: new.fingerprint.clone() });
        view.new_claims.insert(key);
    }
    Ok(Outcome::RefundCreated { life: Box::new(life), refund_seq: seq })
}

fn change(view: &mut View, order_id: &OrderId, at: Millis, act: impl FnOnce(&mut Life) -> Result<(), Broken>) -> Result<Outcome, Broken> {
    let Some(current) = view.life(order_id) else { return Ok(Outcome::Missing) };
    let mut life = current.clone();
    act(&mut life)?;
    keep(view, order_id, &mut life, at)?;
    Ok(Outcome::Life(Box::new(life)))
}

fn begin(view: &mut View, order_id: &OrderId, at: Millis, act: impl FnOnce(&mut Life) -> Result<bool, Broken>) -> Result<Outcome, Broken> {
    let Some(current) = view.life(order_id) else { return Ok(Outcome::Missing) };
    let mut life = current.clone();
    let go = act(&mut life)?;
    keep(view, order_id, &mut life, at)?;
    Ok(Outcome::Begun { life: Box::new(life), go })
}

/// Checks the money rules, moves the limits and puts the changed order back into the view. What is answered shows this command's own lines
/// of the trail and effects only.
fn keep(view: &mut View, order_id: &OrderId, life: &mut Life, at: Millis) -> Result<(), Broken> {
    life.check()?;
    let Some(mut held) = view.lives.remove(order_id) else { return Ok(()) };
    let kept = keep_changed(view, &mut held.now, life, at);
    view.lives.insert(order_id.clone(), held);
    kept
}

fn keep_changed(view: &mut View, current: &mut Life, life: &mut Life, at: Millis) -> Result<(), Broken> {
    let (events, effects) = (current.events.len(), current.effects.len());
    if current != life {
        view.settle(Some(current), life, at)?;
        life.count_change(current, effects);
        current.clone_from(life);
    }
    life.events.drain(..events);
    life.effects.drain(..effects);
    Ok(())
}

/// A run that came to no end says so, and changes nothing that was found before.
fn take_bill(view: &mut View, run: &BillRun, found: &[Found]) -> Outcome {
    let key = (run.account.clone(), run.day);
    let done = run.state == RunState::Done;
    if done || view.runs.get(&key).is_none_or(|known| known.state != RunState::Done) {
        view.runs.insert(key.clone(), run.clone());
        view.changed_runs.insert(key);
    }
    let of_account = |key: &crate::domain::recon::Key| key.account == run.account;
    let known = view.discrepancies.iter().filter(|(key, _)| of_account(key)).map(|(key, stored)| (key.clone(), stored.clone())).collect();
    let changed = if done { record::take(&known, run, found) } else { Vec::new() };
    changed.iter().for_each(|stored| view.put_discrepancy(stored.clone()));
    Outcome::Discrepancies(changed)
}

fn settle_discrepancy(view: &mut View, id: &str, by: &str, reason: &str, at: Millis, audit: &super::command::Audit) -> Outcome {
    let Some(known) = view.discrepancies.values().find(|stored| stored.id() == id) else { return Outcome::Missing };
    let settled = record::settle(known, by, reason, at);
    if let Settled::Proposed(stored) | Settled::Done(stored) = &settled {
        view.put_discrepancy(stored.clone());
        view.audits.push(of_settling(audit, stored));
    }
    Outcome::Settled(Box::new(settled))
}

/// The line in the log says what was settled, of how much, and which of the two words it was.
fn of_settling(audit: &super::command::Audit, stored: &Stored) -> super::command::Audit {
    let (mut audit, found) = (audit.clone(), &stored.found);
    if let Some(detail) = audit.detail.as_object_mut() {
        let word = if found.standing == Standing::Settled { "settled" } else { "proposed" };
        detail.insert("result".to_owned(), word.into());
        detail.insert(
            "of".to_owned(),
            json!({"account": stored.account, "day": found.day.to_string(), "kind": found.kind,
            "number": found.number, "gap": found.gap}),
        );
    }
    audit
}

fn take_delivery(view: &mut View, event_id: &str, delivery: &Delivery, note: &serde_json::Value) -> Outcome {
    let Some(notice) = view.notices.get_mut(event_id) else { return Outcome::Missing };
    if notice.status != NoticeStatus::Waiting {
        return Outcome::Done;
    }
    (notice.status, notice.next_at) = match delivery {
        Delivery::Done => (NoticeStatus::Delivered, None),
        Delivery::Kept => (NoticeStatus::Kept, None),
        Delivery::Again { at } => (NoticeStatus::Waiting, Some(*at)),
        Delivery::Parked => (NoticeStatus::Parked, None),
    };
    notice.tries = notice.tries.saturating_add(1);
    notice.last = Some(note.clone());
    view.changed_notices.insert(event_id.to_owned());
    Outcome::Done
}

fn replay(view: &mut View, event_id: &str, at: Millis, audit: &super::command::Audit) -> Outcome {
    let Some(notice) = view.notices.get_mut(event_id) else { return Outcome::Missing };
    notice.status = NoticeStatus::Waiting;
    notice.next_at = Some(at);
    notice.tries = 0;
    view.changed_notices.insert(event_id.to_owned());
    view.audits.push(audit.clone());
    Outcome::Done
}

/// The outbox rows an order's change adds: written in the same transaction.
#[must_use]
pub fn notices_of(life: &Life) -> Vec<Notice> {
    let row = |effect: &crate::domain::Effect| Notice {
        event_id: effect.event_id.clone(),
        order_id: life.order.id.clone(),
        merchant_id: life.order.merchant_id.clone(),
        kind: effect.kind.clone(),
        at: effect.at,
        data: effect.data.clone(),
        status: NoticeStatus::Waiting,
        tries: 0,
        next_at: Some(effect.at),
        last: None,
    };
    life.effects.iter().map(row).collect()
}
