//! The executor: one thread, tasks polled in the order the dice say.

use super::core::Job;
use super::dice::Dice;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

type Ready = Arc<Mutex<BTreeSet<u64>>>;

struct Bell {
    task: u64,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ready.lock().unwrap().insert(self.task);
    }
}

#[derive(Default)]
pub struct Tasks {
    ready: Ready,
    tasks: BTreeMap<u64, (String, Job)>,
    count: u64,
}

impl Tasks {
    pub fn spawn(&mut self, name: String, job: Job) {
        self.count += 1;
        self.tasks.insert(self.count, (name, job));
        self.ready.lock().unwrap().insert(self.count);
    }

    pub fn is_idle(&self) -> bool {
        self.ready.lock().unwrap().is_empty()
    }

    /// Names of what waits.
    pub fn names(&self) -> Vec<&str> {
        self.tasks.values().map(|(name, _)| name.as_str()).collect()
    }

    /// Polls one ready task; answers its name.
    pub fn poll_one(&mut self, mut dice: Dice) -> Option<String> {
        let id = {
            let mut ready = self.ready.lock().unwrap();
            let index = dice.below(ready.len());
            let id = ready.iter().nth(index).copied()?;
            ready.remove(&id);
            id
        };
        let (name, job) = self.tasks.get_mut(&id)?;
        let name = name.clone();
        let waker = Waker::from(Arc::new(Bell { task: id, ready: Arc::clone(&self.ready) }));
        if let Poll::Ready(()) = job.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.tasks.remove(&id);
        }
        Some(name)
    }

    /// Whoever asked has hung up: one waiting task whose name begins so is dropped.
    pub fn cancel_one(&mut self, prefix: &str, mut dice: Dice) -> Option<String> {
        let found: Vec<u64> = self.tasks.iter().filter(|(_, (name, _))| name.starts_with(prefix)).map(|(id, _)| *id).collect();
        let id = found.get(dice.below(found.len()))?;
        self.ready.lock().unwrap().remove(id);
        self.tasks.remove(id).map(|(name, _)| name)
    }

    /// The process has died.
    pub fn clear(&mut self) {
        self.tasks.clear();
        self.ready.lock().unwrap().clear();
    }
}
