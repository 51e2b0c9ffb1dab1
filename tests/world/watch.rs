//! Stands beside every commit and compares the rows before and after it with a transition table of its own and with the channel's
//! ledger: I5, I6, I8 at the very commit, and that events are written with the change they tell.

use super::core::{Core, short};
use sluice::domain::{Attempt, AttemptStatus as A, Life, OrderId, OrderStatus as O, RefundStatus as R};
use sluice::store::{Answer, Command, Notice, Outcome, Query, StoreError};
use sluice_simkit::{RefundState, State};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Watch {
    pub orders: BTreeSet<OrderId>,
    /// Every notification that was ever committed, as it first stood.
    pub notices: BTreeMap<String, Notice>,
    /// True time of the commit that ended an order.
    pub ended_at: BTreeMap<OrderId, i64>,
    pub commits: u64,
}

/// The command's name and order, for the trace.
pub fn name(command: &Command) -> String {
    let debug = format!("{command:?}");
    let word = debug.split([' ', '{', '(']).next().unwrap_or_default();
    let said = match command {
        Command::TakePay { told, .. } => format!(" {:?} {:?}", told.source, told.said),
        Command::TakeUndone { told, .. } => format!(" {:?} {:?}", told.verb, told.said),
        Command::TakeRefund { told, .. } => format!(" R{} queried={} {:?}", told.refund_seq, told.queried, told.said),
        Command::Wish { intent, .. } => format!(" {intent:?}"),
        Command::AskNow { why, .. } => format!(" {why}"),
        Command::RequestRefund { new, .. } => format!(" {:?} {}", new.merchant_refund_no, new.amount),
        Command::TakeDelivery { event_id, delivery, .. } => format!(" {} {delivery:?}", short(event_id)),
        _ => String::new(),
    };
    let cut = said.char_indices().nth(140).map_or(said.len(), |(at, _)| at);
    format!("{word} {}{}", command.order_id().map(|id| short(id.as_str())).unwrap_or_default(), &said[..cut])
}

fn life(core: &Core, id: &OrderId) -> Option<Life> {
    core.engine.life(id).expect("a stored order can be read")
}

/// Applies a batch and judges what it did.
pub fn apply(core: &mut Core, commands: &[&Command]) -> Vec<Result<Outcome, StoreError>> {
    let ids: BTreeSet<OrderId> = commands.iter().filter_map(|c| c.order_id().cloned()).collect();
    let before: BTreeMap<OrderId, Option<Life>> = ids.iter().map(|id| (id.clone(), life(core, id))).collect();
    let outcomes = core.engine.apply(commands);
    core.watch.commits += 1;
    super::limits::at_commit(core);
    for event in commands.iter().map(|c| name(c)).filter_map(|n| n.split(' ').next().map(str::to_owned)) {
        core.see(event);
    }
    for outcome in &outcomes {
        if let Err(error) = outcome {
            core.complain(format!("the store refused a command: {error}"));
        }
    }
    for (id, before) in before {
        match (before, life(core, &id)) {
            (None, None) => {}
            (Some(_), None) => core.complain(format!("{id} is gone")),
            (before, Some(after)) => {
                core.watch.orders.insert(id.clone());
                judge(core, before.as_ref(), &after);
            }
        }
    }
    outcomes
}

const OPEN: [A; 3] = [A::Sending, A::AwaitingPayer, A::Unknown];

/// Written here once more, from DESIGN section 4; `domain::state` is what is judged.
fn attempt_may(from: A, to: A) -> bool {
    from == to
        || (to != A::Sending && OPEN.contains(&from))
        || (to == A::Succeeded && from != A::Succeeded)
        || (from == A::Abandoned && to == A::Closed)
}

/// The order as its merchant sees it, but for its version.
fn shown(life: &Life) -> serde_json::Value {
    let mut order = sluice::domain::show::order(life);
    order["version"] = serde_json::Value::Null;
    order
}

fn judge(core: &mut Core, before: Option<&Life>, after: &Life) {
    let id = after.order.id.clone();
    let tag = short(id.as_str());
    let mut wrong: Vec<String> = Vec::new();
    let was = before.map_or(O::Pending, |life| life.order.status());
    let is = after.order.status();
    if was != is && was != O::Pending {
        wrong.push(format!("I6: the order went from {} to {}", was.word(), is.word()));
    }
    if let Some(before) = before {
        if before.order.amount != after.order.amount || before.order.fingerprint != after.order.fingerprint {
            wrong.push("the order became another order".into());
        }
        if shown(before) != shown(after) && after.order.version <= before.order.version {
            wrong.push(format!("what its merchant sees changed and the order's version did not grow: {}", after.order.version));
        }
    }
    for attempt in &after.attempts {
        let old = before.and_then(|life| life.attempt(attempt.seq));
        let from = old.map_or(A::Sending, |a| a.status());
        let to = attempt.status();
        let number = id.attempt_number(attempt.seq);
        if !attempt_may(from, to) {
            wrong.push(format!("I6: attempt {} went from {} to {}", attempt.seq, from.word(), to.word()));
        }
        if old.is_some_and(|old| old.captured > attempt.captured || old.refunded > attempt.refunded) {
            wrong.push(format!("attempt {}: money un-happened", attempt.seq));
        }
        if from != to {
            core.say(format!("  {tag} attempt {} {} -> {}", attempt.seq, from.word(), to.word()));
            core.see(format!("attempt {} -> {}", from.word(), to.word()));
            let entry = core.booths.iter().find_map(|booth| booth.sim.ledger().get(&number));
            let there = entry.map(|e| (e.status, e.remaining().0));
            match (to, there) {
                (A::Succeeded, Some((State::Paid, _))) => {}
                (A::Succeeded, other) => wrong.push(format!("attempt {} is booked paid, the ledger says {other:?}", attempt.seq)),
                // By a clock that was wrong the code had died.
                (A::Closed, _) if from == A::Abandoned && core.clock_jumped => {}
                (A::Failed | A::Closed | A::Reversed, Some((State::Created | State::Paying | State::Paid, left)))
                    if left > 0 || there.is_some_and(|(s, _)| s != State::Paid) =>
                {
                    wrong.push(format!("I8: attempt {} is booked {}, the ledger says {there:?}", attempt.seq, to.word()));
                }
                _ => {}
            }
        }
        refund_sums(after, attempt, &mut wrong);
    }
    for refund in &after.refunds {
        let from = before.and_then(|life| life.refund(refund.seq)).map_or(R::Pending, |r| r.status());
        let to = refund.status();
        if from == to {
            continue;
        }
        core.say(format!("  {tag} refund {} {} -> {}", refund.seq, from.word(), to.word()));
        core.see(format!("refund {} -> {}", from.word(), to.word()));
        if from != R::Pending {
            wrong.push(format!("I6: refund {} went from {} to {}", refund.seq, from.word(), to.word()));
        }
        let there = ledger_refund(core, &id.attempt_number(refund.attempt_seq), &id.refund_id(refund.seq));
        let agrees = match to {
            R::Succeeded => there == Some(RefundState::Succeeded),
            _ => matches!(there, None | Some(RefundState::Failed)),
        };
        if !agrees {
            wrong.push(format!("refund {} is booked {}, the ledger says {there:?}", refund.seq, to.word()));
        }
    }
    if was != is {
        core.say(format!("  {tag} ORDER {} -> {}", was.word(), is.word()));
        core.see(format!("order {} -> {}", was.word(), is.word()));
        core.watch.ended_at.insert(id.clone(), core.now_ms);
    }
    one_account_at_a_time(core, before, after, &mut wrong);
    events_written(core, before, after, &mut wrong);
    for what in wrong {
        core.complain(format!("{tag}: {what}"));
    }
}

fn ledger_refund(core: &Core, attempt: &str, refund: &str) -> Option<RefundState> {
    let entry = core.booths.iter().find_map(|booth| booth.sim.ledger().get(attempt))?;
    entry.refunds.iter().find(|r| r.out_refund_no == refund).map(|r| r.status)
}

/// I5 in the store, recounted from the refunds.
fn refund_sums(life: &Life, attempt: &Attempt, wrong: &mut Vec<String>) {
    let sum = |status: R| -> i64 {
        life.refunds.iter().filter(|r| r.attempt_seq == attempt.seq && r.status() == status).map(|r| r.amount.0).sum()
    };
    let (done, pending) = (sum(R::Succeeded), sum(R::Pending));
    if done != attempt.refunded.0 || pending != attempt.refunding.0 {
        wrong.push(format!("I5: attempt {}: columns and refunds differ", attempt.seq));
    }
    if done + pending > attempt.captured.0 || attempt.captured > attempt.amount || life.order.amount != attempt.amount {
        wrong.push(format!("I5: attempt {}: {done} + {pending} refunded of {} captured", attempt.seq, attempt.captured));
    }
}

/// One payable code, and the next account only when nothing can be taken at those before it: by the ledger, and by what is under way.
fn one_account_at_a_time(core: &Core, before: Option<&Life>, after: &Life, wrong: &mut Vec<String>) {
    let entry = |number: &str| core.booths.iter().find_map(|booth| booth.sim.ledger().get(number));
    let number = |attempt: &Attempt| after.order.id.attempt_number(attempt.seq);
    let is_payable = |number: &str| entry(number).is_some_and(|e| matches!(e.status, State::Created | State::Paying));
    // By a clock that was wrong a code had died that nobody closes; of a ghost nobody could know.
    let closes = |a: &Attempt| core.scene.profile.methods.iter().any(|m| m.method == a.method && m.can_close);
    let outlived = |a: &Attempt| core.clock_jumped && a.status() == A::Closed && !closes(a);
    let known: Vec<&Attempt> = after.attempts.iter().filter(|a| !outlived(a) && !core.haunted.contains(&number(a))).collect();
    let payable = known.iter().filter(|a| a.status() != A::Abandoned && is_payable(&number(a))).count();
    let open = after.attempts.iter().filter(|a| a.status().is_open()).count();
    if payable > 1 || open > 1 {
        wrong.push(format!("{payable} codes can be paid and {open} attempts are open"));
    }
    let newest = after.attempts.last().filter(|a| before.is_some_and(|before| before.attempt(a.seq).is_none()));
    let Some(newest) = newest else { return };
    let chosen = after.order.method.is_none();
    // What a payer has left and no channel closes stands beside his next choice until it dies (DESIGN 4).
    for earlier in known.into_iter().filter(|a| a.seq != newest.seq && !(chosen && a.status() == A::Abandoned)) {
        let number = number(earlier);
        let taken = entry(&number).map_or(0, |e| e.remaining().0);
        // A request that still travels makes no code of a number that its channel has ended.
        let may_come = entry(&number).is_none() && core.is_on_its_way(&number);
        if is_payable(&number) || taken > 0 || may_come {
            wrong.push(format!("B6: attempt {} was opened while {number} can be paid or was: {taken}", newest.seq));
        }
        if earlier.account == newest.account && !chosen {
            wrong.push(format!("{} was tried twice", newest.account));
        }
        if earlier.notes.route.get("pinned").is_some() {
            wrong.push(format!("an order pinned to {} went on to {}", earlier.account, newest.account));
        }
    }
}

/// The event of a change is in the outbox in the same commit, and what stands there never changes.
fn events_written(core: &mut Core, before: Option<&Life>, after: &Life, wrong: &mut Vec<String>) {
    let Ok(Answer::Notices(rows)) = core.engine.answer(&Query::NoticesOf(after.order.id.clone())) else { return };
    let mut fresh: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        match core.watch.notices.get(&row.event_id) {
            Some(known) if known.data == row.data && known.kind == row.kind => {}
            Some(_) => wrong.push(format!("the stored event {} changed", row.event_id)),
            None => {
                *fresh.entry(row.kind.clone()).or_default() += 1;
                core.say(format!("  {} tells {}", short(after.order.id.as_str()), row.kind));
                core.see(row.kind.clone());
                core.watch.notices.insert(row.event_id.clone(), row);
            }
        }
    }
    let mut due: BTreeMap<&str, usize> = BTreeMap::new();
    if before.map_or(O::Pending, |life| life.order.status()) != after.order.status() {
        due.insert(end_event(after.order.status()), 1);
    }
    for refund in after.refunds.iter().filter(|r| r.status() != R::Pending) {
        if before.and_then(|life| life.refund(refund.seq)).is_none_or(|old| old.status() == R::Pending) {
            let kind = if refund.status() == R::Succeeded { "refund.succeeded" } else { "refund.failed" };
            *due.entry(kind).or_default() += 1;
        }
    }
    for attempt in after.attempts.iter().filter(|a| a.late && after.order.winner != Some(a.seq)) {
        if before.and_then(|life| life.attempt(attempt.seq)).is_none_or(|old| !old.late) {
            *due.entry("order.paid_late").or_default() += 1;
        }
    }
    fresh.remove("refund.attention");
    let fresh: BTreeMap<&str, usize> = fresh.iter().map(|(kind, n)| (kind.as_str(), *n)).collect();
    if fresh != due {
        wrong.push(format!("I7: the commit tells {fresh:?} and should tell {due:?}"));
    }
}

pub fn end_event(status: O) -> &'static str {
    match status {
        O::Pending => "nothing",
        O::Paid => "order.paid",
        O::Failed => "order.failed",
        O::Closed => "order.closed",
        O::Reversed => "order.reversed",
    }
}
