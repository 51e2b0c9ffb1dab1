//! The store in the world: commands queue, and the seed chooses batch, order, and how the commit goes.

use super::core::{Event, Shared, Slot};
use sluice::store::{Answer, Command, Outcome, Query, Store, StoreError, Ticket};
use sluice_contract::Millis;

pub struct Queued {
    pub command: Command,
    pub reply: Slot<Result<Outcome, StoreError>>,
}

impl Store for Shared {
    fn submit(&self, command: Command) -> Ticket<'_, Outcome> {
        let reply = Slot::new();
        self.lock().queue.push(Queued { command, reply: reply.clone() });
        Box::pin(reply)
    }

    fn keep_house(&self, _now: Millis, _keep_months: Option<u32>) -> Ticket<'_, bool> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn read(&self, query: Query) -> Ticket<'_, Answer> {
        Box::pin(async move {
            let slow = {
                let mut core = self.lock();
                core.mishap(150).then(|| {
                    let slot = Slot::new();
                    let ms = core.dice.between(0, 40);
                    core.after(ms, Event::Fill(slot.clone()));
                    slot
                })
            };
            if let Some(slot) = slow {
                slot.await;
            }
            self.lock().engine.answer(&query)
        })
    }
}

/// How one commit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Commits,
    /// The process dies and nothing was stored.
    DiesBefore,
    /// Stored, but the process dies before anybody is told.
    DiesAfter,
    /// The engine refuses the batch.
    Fails,
    /// Nobody knows whether it was stored; it was.
    UnknownStored,
    /// Nobody knows whether it was stored; it was not.
    UnknownLost,
}

impl Shared {
    /// Commits some of what waits. Answers false if the process died.
    pub fn commit(&self) -> bool {
        let mut core = self.lock();
        let core = &mut *core;
        let most = core.queue.len();
        let size = if core.dice.permille(500) { most } else { 1 + core.dice.below(most) };
        let mut batch = Vec::new();
        for _ in 0..size {
            let index = if core.dice.permille(700) { 0 } else { core.dice.below(core.queue.len()) };
            batch.push(core.queue.remove(index));
        }
        let fate = match core.dice.below(1000) {
            _ if core.calm || core.tame => Fate::Commits,
            0..=4 => Fate::DiesBefore,
            5..=9 => Fate::DiesAfter,
            10..=12 => Fate::Fails,
            13..=15 => Fate::UnknownStored,
            16..=18 => Fate::UnknownLost,
            _ => Fate::Commits,
        };
        let names: Vec<String> = batch.iter().map(|queued| super::watch::name(&queued.command)).collect();
        core.say(format!("commit {fate:?}: {}", names.join(", ")));
        core.see(format!("commit {fate:?}"));
        let outcomes = match fate {
            Fate::DiesBefore => return false,
            Fate::Fails => batch.iter().map(|_| Err(StoreError::Failed("the disk says no".into()))).collect(),
            Fate::UnknownLost => batch.iter().map(|_| Err(StoreError::Unknown("the link broke".into()))).collect(),
            Fate::Commits | Fate::DiesAfter | Fate::UnknownStored => {
                let commands: Vec<&Command> = batch.iter().map(|queued| &queued.command).collect();
                let outcomes = super::watch::apply(core, &commands);
                match fate {
                    Fate::DiesAfter => return false,
                    Fate::UnknownStored => batch.iter().map(|_| Err(StoreError::Unknown("the link broke".into()))).collect(),
                    _ => outcomes,
                }
            }
        };
        for (queued, outcome) in batch.into_iter().zip(outcomes) {
            queued.reply.fill(outcome);
        }
        true
    }
}
