//! What must be true at rest, judged from the ledger, the stored rows and what the merchant was told; never from our logs.

use super::core::{Core, short};
use super::watch::end_event;
use sluice::domain::{AttemptStatus, Life, OrderId, OrderStatus, PendingReason, Refund, RefundOrigin, RefundStatus};
use sluice::store::NoticeStatus;
use sluice_contract::CallbackIs;
use sluice_simkit::{Entry, State};

/// A lease, a close that has to wait for the channel's word on a number it does not know, and the slowest repeat of an undo.
const END_GRACE_MS: i64 = 700_000;

/// How long after a hint somebody asks: a lease of one who died, and another one's way.
const HINT_MS: i64 = 100_000;

/// A callback that was answered 2xx has left a trace that survives a crash (C10).
pub fn acknowledged(core: &mut Core, number: &str, about_refund: bool, came_at: i64) {
    let Some((id, seq)) = OrderId::of_attempt(number) else { return };
    let Ok(Some(life)) = core.engine.life(&id) else {
        return core.complain(format!("a callback about {number} was acknowledged and its order is not stored"));
    };
    let asks = match core.engine.answer(&sluice::store::Query::Events(id)) {
        Ok(sluice::store::Answer::Events(events)) => events
            .iter()
            .any(|e| matches!(e.kind.as_str(), "order.ask_now" | "attempt.paid_unsettled" | "refund.asked" | "refund.attention")),
        _ => false,
    };
    let booked = match about_refund {
        false => life.attempt(seq).is_some_and(|a| a.status() == AttemptStatus::Succeeded),
        true => life.refunds.iter().any(|r| r.attempt_seq == seq && r.status() != RefundStatus::Pending),
    };
    if !booked && !asks {
        core.complain(format!("C10: a callback about {number} was acknowledged before anything was committed"));
    }
    if core.scene.profile.callback == CallbackIs::Hint {
        hinted(core, &life, seq, came_at);
    }
}

/// A hint moves nothing by itself: whatever of the order is not settled must be asked about after it.
fn hinted(core: &mut Core, life: &Life, seq: u32, came_at: i64) {
    let attempt = life.attempt(seq).filter(|a| a.status() != AttemptStatus::Succeeded).map(|a| life.order.id.attempt_number(a.seq));
    let refunds = life.refunds.iter().filter(|r| r.status() == RefundStatus::Pending && r.sent_at.is_some());
    let numbers: Vec<String> = attempt.into_iter().chain(refunds.map(|r| life.order.id.refund_id(r.seq))).collect();
    core.hinted.extend(numbers.into_iter().map(|number| (number, came_at)));
}

/// What was hinted at and not asked about since was settled by a question that was under way, or was forgotten.
fn forgotten_hints(core: &mut Core) {
    for (number, at) in std::mem::take(&mut core.hinted) {
        let asked = core.asked.get(&number).and_then(|times| times.iter().find(|asked| **asked >= at)).copied();
        if asked.is_some_and(|asked| asked <= at + HINT_MS) {
            continue;
        }
        let booked = OrderId::of_attempt(&number).is_some_and(|(id, seq)| {
            let life = core.engine.life(&id).ok().flatten();
            life.and_then(|life| life.attempt(seq).map(|a| a.status())).is_some_and(|status| status == AttemptStatus::Succeeded)
        });
        let ended = OrderId::of_refund(&number).is_some_and(|(id, seq)| {
            let life = core.engine.life(&id).ok().flatten();
            life.and_then(|life| life.refund(seq).map(|r| r.status())).is_some_and(|status| status != RefundStatus::Pending)
        });
        if !booked && !ended {
            core.complain(format!("a callback hinted at {number} at {at} and it was asked about at {asked:?}"));
        }
    }
}

pub fn at_rest(core: &mut Core, heal_at: i64) {
    let ids: Vec<OrderId> = core.watch.orders.iter().cloned().collect();
    for id in ids {
        let Ok(Some(life)) = core.engine.life(&id) else {
            core.complain(format!("I1: {id} is gone"));
            continue;
        };
        let mut wrong = Vec::new();
        order(core, &life, heal_at, &mut wrong);
        told(core, &life, &mut wrong);
        for what in wrong {
            core.complain(format!("{}: {what}", short(id.as_str())));
        }
    }
    for index in 0..core.clients.len() {
        client(core, index);
    }
    strangers(core);
    forgotten_hints(core);
    if !core.tame {
        super::limits::at_rest(core);
    }
}

fn entry<'a>(core: &'a Core, number: &str) -> Option<&'a Entry> {
    core.booths.iter().find_map(|b| b.sim.ledger().get(number))
}

/// What only a person or the bill can end: the payee cannot take it, or nobody knows whether the channel ever heard of it, and under
/// this channel's rules it may not be sent again.
struct Waiting {
    payee: i64,
    never_heard_of: i64,
}

fn waiting(core: &Core, life: &Life, attempt_seq: u32) -> Waiting {
    let sum = |of: &dyn Fn(&Refund) -> bool| {
        let refunds = life.refunds.iter().filter(|r| r.attempt_seq == attempt_seq && r.status() == RefundStatus::Pending);
        refunds.filter(|r| of(r)).map(|r| r.amount.0).sum()
    };
    Waiting { payee: sum(&|r| r.pending_reason == PendingReason::PayeeAccount), never_heard_of: sum(&|r| never_heard_of(core, life, r)) }
}

/// Sent, never repeated, and not in the channel's books.
fn never_heard_of(core: &Core, life: &Life, refund: &Refund) -> bool {
    let number = life.order.id.refund_id(refund.seq);
    let there =
        entry(core, &life.order.id.attempt_number(refund.attempt_seq)).is_some_and(|e| e.refunds.iter().any(|r| r.out_refund_no == number));
    !core.scene.profile.refund.can_repeat
        && refund.status() == RefundStatus::Pending
        && refund.pending_reason == PendingReason::Unknown
        && refund.sent_at.is_some()
        && refund.next_at.is_some()
        && !there
}

fn order(core: &Core, life: &Life, heal_at: i64, wrong: &mut Vec<String>) {
    let status = life.order.status();
    if status == OrderStatus::Pending && !life.is_suspended() {
        let attempts: Vec<_> = life.attempts.iter().map(|a| (a.status().word(), a.undo, a.next_at)).collect();
        wrong.push(format!("I10: still pending, intent {:?}, {attempts:?}", life.order.intent));
    }
    let expires = life.order.expires_at.0 - super::core::BASE_MS;
    if let Some(at) = core.watch.ended_at.get(&life.order.id) {
        let latest = expires.max(heal_at) + END_GRACE_MS;
        if *at > latest {
            wrong.push(format!("I10: ended {} s too late", (at - latest) / 1000));
        }
    }
    let mut kept = 0;
    for attempt in &life.attempts {
        let number = life.order.id.attempt_number(attempt.seq);
        let entry = entry(core, &number);
        let there = entry.map_or(0, |e| e.remaining().0);
        let waits = waiting(core, life, attempt.seq);
        let here = attempt.captured.0 - attempt.refunded.0 - waits.payee;
        let returned = life.refunds.iter().filter(|r| r.attempt_seq == attempt.seq && r.status() == RefundStatus::Failed);
        let failed_return: Vec<RefundOrigin> = returned.map(|r| r.origin).collect();
        // What is left to a person is not guessed: the channel may have taken it or not.
        let left_to_a_person = attempt.suspended && attempt.status().is_open();
        if (here != there && !left_to_a_person) || attempt.refunding.0 != waits.payee + waits.never_heard_of {
            let state = entry.map(|e| e.status);
            wrong.push(format!(
                "I3: attempt {} ({}): {here} kept here and {there} at the channel ({state:?}), {} under way",
                attempt.seq,
                attempt.status().word(),
                attempt.refunding
            ));
        }
        let is_winner = life.order.winner == Some(attempt.seq);
        if there > 0 && !is_winner && failed_return.is_empty() && !left_to_a_person && waits.never_heard_of == 0 {
            wrong.push(format!("I2: {there} of attempt {} were taken, not won and not given back", attempt.seq));
        }
        kept += i64::from(there > 0 && waits.never_heard_of == 0);
        let payable = entry.is_some_and(|e| matches!(e.status, State::Created | State::Paying));
        // Of a ghost nobody could know.
        if payable && !left_to_a_person && status != OrderStatus::Pending && !core.haunted.contains(&number) {
            wrong.push(format!("the order is {} and attempt {} can still be paid at the channel", status.word(), attempt.seq));
        }
        if !life.is_suspended() && attempt.status().is_open() {
            wrong.push(format!("I10: attempt {} is still {}", attempt.seq, attempt.status().word()));
        }
    }
    let any_failed_return = life.refunds.iter().any(|r| r.origin != RefundOrigin::Merchant && r.status() == RefundStatus::Failed);
    if kept > 1 && !any_failed_return {
        wrong.push(format!("I2: {kept} payments were kept"));
    }
    let waits = |r: &&Refund| {
        r.status() == RefundStatus::Pending && r.pending_reason != PendingReason::PayeeAccount && !never_heard_of(core, life, r)
    };
    for refund in life.refunds.iter().filter(waits) {
        wrong.push(format!("I10: refund {} is still pending ({:?}), next {:?}", refund.seq, refund.pending_reason, refund.next_at));
    }
}

/// I7: every event was delivered, exactly one end was told, and it is the stored one.
fn told(core: &Core, life: &Life, wrong: &mut Vec<String>) {
    let query = sluice::store::Query::NoticesOf(life.order.id.clone());
    let Ok(sluice::store::Answer::Notices(rows)) = core.engine.answer(&query) else {
        return wrong.push("its notifications cannot be read".into());
    };
    for row in &rows {
        let taken = core.book.told.get(&row.event_id).is_some_and(|told| told.taken);
        if row.status != NoticeStatus::Delivered || !taken {
            wrong.push(format!("I7: {} is {} and taken={taken}", row.kind, row.status.word()));
        }
    }
    let count = |kind: &str| rows.iter().filter(|r| r.kind == kind).count();
    for status in [OrderStatus::Paid, OrderStatus::Failed, OrderStatus::Closed, OrderStatus::Reversed] {
        let expected = usize::from(life.order.status() == status);
        if count(end_event(status)) != expected {
            wrong.push(format!(
                "I7: {} was told {} times and the order is {}",
                end_event(status),
                count(end_event(status)),
                life.order.status().word()
            ));
        }
    }
    let late = life.attempts.iter().filter(|a| a.late && life.order.winner != Some(a.seq)).count();
    if count("order.paid_late") != late {
        wrong.push(format!("I7: {late} late payments, {} told", count("order.paid_late")));
    }
    for (status, kind) in [(RefundStatus::Succeeded, "refund.succeeded"), (RefundStatus::Failed, "refund.failed")] {
        let ended = life.refunds.iter().filter(|r| r.status() == status).count();
        if count(kind) != ended {
            wrong.push(format!("I7: {ended} refunds are {kind}, {} told", count(kind)));
        }
    }
}

/// I1: what a client was answered 2xx is there, as answered.
fn client(core: &mut Core, index: usize) {
    let client = &core.clients[index];
    let number = client.request.merchant_order_no.clone();
    let stored = core.stored(&number);
    let mut wrong = Vec::new();
    for (id, amount) in [(&client.id, client.request.amount.0), (&client.conflict_id, client.request.amount.0 + 1)] {
        let Some(id) = id else { continue };
        match &stored {
            Some(life) if life.order.id == *id && life.order.amount.0 == amount => {}
            other => wrong.push(format!("I1: {id} was answered, stored is {:?}", other.as_ref().map(|l| l.order.id.to_string()))),
        }
    }
    if client.id.is_none() && client.conflict_id.is_none() && !client.refused && client.tries > 0 {
        wrong.push("it was never answered".into());
    }
    for plan in client.refunds.iter().filter(|plan| plan.answered.is_some()) {
        let refund = stored.as_ref().and_then(|life| life.refund(plan.answered.unwrap_or(0)));
        if refund.is_none_or(|r| r.amount != plan.request.amount || r.merchant_refund_no.as_ref() != Some(&plan.request.merchant_refund_no))
        {
            wrong.push(format!("I1: refund {} was answered and is not stored so", plan.request.merchant_refund_no));
        }
        let same = stored
            .as_ref()
            .map_or(0, |l| l.refunds.iter().filter(|r| r.merchant_refund_no.as_ref() == Some(&plan.request.merchant_refund_no)).count());
        if same > 1 {
            wrong.push(format!("one refund number, {same} refunds"));
        }
    }
    for what in wrong {
        core.complain(format!("client {index}: {what}"));
    }
}

/// Nothing is at a channel that we have no row of: an order was stored before its first byte left.
fn strangers(core: &mut Core) {
    let mut wrong = Vec::new();
    for entry in core.booths.iter().flat_map(|b| b.sim.ledger().entries()) {
        let known = OrderId::of_attempt(&entry.out_trade_no)
            .and_then(|(id, seq)| core.engine.life(&id).ok().flatten().and_then(|life| life.attempt(seq).cloned()));
        if known.is_none() {
            wrong.push(format!("{} is at the channel and not in the store", entry.out_trade_no));
        }
    }
    for what in wrong {
        core.complain(what);
    }
}
