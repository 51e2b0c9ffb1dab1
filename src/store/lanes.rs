//! The two lanes in front of a writer. Completions finish work already begun: they wait and go first. Intake is new work: it is bounded
//! and refused when full, before any side effect. A writer takes what is there and no timer waits: batches grow with the load.

use super::{Command, Outcome, StoreError, Ticket};
use crate::domain::months::keep_from;
use sluice_contract::Millis;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

const BATCH_MAX: usize = 256;
/// Commands waiting at intake before the store says busy: about a second of work at full rate.
const INTAKE_MAX: usize = 4096;

type Reply = oneshot::Sender<Result<Outcome, StoreError>>;

/// Commands taken together, in the order they came, and who waits for them.
#[derive(Default)]
pub struct Batch(Vec<(Command, Reply)>);

impl Batch {
    #[must_use]
    pub fn commands(&self) -> Vec<&Command> {
        self.0.iter().map(|(command, _)| command).collect()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Answers in the order the commands came.
    pub fn answer(self, outcomes: Vec<Result<Outcome, StoreError>>) {
        for ((_, reply), outcome) in self.0.into_iter().zip(outcomes) {
            if let Err(StoreError::Broken(rule)) = &outcome {
                tracing::error!(%rule, "a command would have broken a money rule and was refused");
            }
            // Nobody waits any more when the caller was cancelled; the commit stands.
            let _ = reply.send(outcome);
        }
    }
}

#[derive(Default)]
struct Queues {
    completions: VecDeque<(Command, Reply)>,
    intake: VecDeque<(Command, Reply)>,
    closed: bool,
}

impl Queues {
    fn take(&mut self) -> Batch {
        let finishing = self.completions.len().min(BATCH_MAX);
        let mut batch: Vec<_> = self.completions.drain(..finishing).collect();
        let beginning = self.intake.len().min(BATCH_MAX.saturating_sub(finishing));
        batch.extend(self.intake.drain(..beginning));
        Batch(batch)
    }

    fn is_empty(&self) -> bool {
        self.completions.is_empty() && self.intake.is_empty()
    }
}

/// Shared by the store, which puts commands in, and its writers: a thread ([`Lanes::take_or_rest`]) or tasks ([`Lanes::take`]).
#[derive(Default)]
pub struct Lanes {
    queues: Mutex<Queues>,
    arrived: Condvar,
    called: Notify,
}

impl Lanes {
    /// Puts a command into its lane. The ticket answers after the commit.
    pub fn submit(self: &Arc<Lanes>, command: Command) -> Ticket<'static, Outcome> {
        let (reply, answer) = oneshot::channel();
        let queued = match self.queues.lock() {
            Err(_) => Err(StoreError::Busy),
            Ok(queues) if queues.closed => Err(StoreError::Busy),
            Ok(queues) if command.is_intake() && queues.intake.len() >= INTAKE_MAX => Err(StoreError::Busy),
            Ok(mut queues) => {
                let lane = if command.is_intake() { &mut queues.intake } else { &mut queues.completions };
                lane.push_back((command, reply));
                Ok(())
            }
        };
        self.arrived.notify_one();
        self.called.notify_one();
        Box::pin(async move {
            queued?;
            answer.await.unwrap_or_else(|_| Err(StoreError::Unknown("the store stopped before it answered".into())))
        })
    }

    /// Nothing more comes in; writers finish what is there and end.
    pub fn close(&self) {
        if let Ok(mut queues) = self.queues.lock() {
            queues.closed = true;
        }
        self.arrived.notify_all();
        self.called.notify_waiters();
        // A writer that is not waiting just now finds this when it comes back.
        self.called.notify_one();
    }

    /// Blocks this thread for what is there; an empty batch, once, when nothing came for `rest`; `None` when the lanes are closed.
    pub fn take_or_rest(&self, rest: Duration, rested: bool) -> Option<Batch> {
        let mut queues = self.queues.lock().ok()?;
        while queues.is_empty() {
            if queues.closed {
                return None;
            }
            if rested {
                queues = self.arrived.wait(queues).ok()?;
                continue;
            }
            let (held, waited) = self.arrived.wait_timeout(queues, rest).ok()?;
            queues = held;
            if waited.timed_out() {
                break;
            }
        }
        Some(queues.take())
    }

    /// Waits for what is there; `None` when the lanes are closed. Of several writers one is called for a batch, and calls the next if
    /// it leaves something behind.
    pub async fn take(&self) -> Option<Batch> {
        loop {
            let called = self.called.notified();
            let (batch, left, closed) = {
                let mut queues = self.queues.lock().ok()?;
                (queues.take(), !queues.is_empty(), queues.closed)
            };
            if left || closed {
                self.called.notify_one();
            }
            if !batch.is_empty() {
                return Some(batch);
            }
            if closed {
                return None;
            }
            called.await;
        }
    }
}

/// Orders put away by one commit: a few milliseconds for the others to wait.
const PRUNE_MAX: u32 = 200;

/// Puts a slice of old orders away. Answers whether there may be more.
pub async fn prune(lanes: &Arc<Lanes>, now: Millis, keep_months: Option<u32>) -> Result<bool, StoreError> {
    let Some(keep_months) = keep_months else { return Ok(false) };
    let command = Command::PruneOrders { before: keep_from(now, keep_months), limit: PRUNE_MAX };
    Ok(matches!(lanes.submit(command).await?, Outcome::Pruned(PRUNE_MAX)))
}
