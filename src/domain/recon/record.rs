//! What is written down of a run, and how its findings change what earlier runs and people have written: a rerun changes nothing, what a
//! person has settled stays settled, and what a bill no longer shows is over.

use super::discrepancy::{Found, Key, Standing};
use sha2::{Digest, Sha256};
use sluice_contract::{Day, Millis};
use std::collections::BTreeMap;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Done,
    /// The channel has no bill of the day yet.
    NotYet,
    /// There was one, and it was refused whole; or the channel gave none.
    Refused,
}

impl RunState {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            RunState::Done => "done",
            RunState::NotYet => "not_yet",
            RunState::Refused => "refused",
        }
    }

    #[must_use]
    pub fn from_word(word: &str) -> Option<RunState> {
        [RunState::Done, RunState::NotYet, RunState::Refused].into_iter().find(|state| state.word() == word)
    }
}

/// The newest run of an account's day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRun {
    pub account: String,
    pub day: Day,
    pub at: Millis,
    pub state: RunState,
    /// Why it is not done, for operators.
    pub why: Option<String>,
    pub rows: i64,
    pub matched: i64,
}

/// A discrepancy as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub account: String,
    pub found: Found,
    pub first_seen: Millis,
    pub last_seen: Millis,
    /// Who settled it: an operator, or the run that no longer found it.
    pub settled_by: Option<String>,
    pub settled_at: Option<Millis>,
    /// What an operator proposed, until another one agrees.
    pub proposal: Option<Proposal>,
    /// Why it was settled.
    pub reason: Option<String>,
}

/// Money-relevant settling takes two people: this is the first one's half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub by: String,
    pub reason: String,
    pub at: Millis,
}

/// The one that settles what a later run no longer finds.
pub const BY_RUN: &str = "reconciliation";

impl Stored {
    #[must_use]
    pub fn key(&self) -> Key {
        Key { account: self.account.clone(), day: self.found.day, kind: self.found.kind, number: self.found.number.clone() }
    }

    /// Its name in the API: made of its key, so that it needs no counter and a rerun gives the same.
    #[must_use]
    pub fn id(&self) -> String {
        id(&self.key())
    }
}

/// `D` and 24 hexadecimal digits.
#[must_use]
pub fn id(key: &Key) -> String {
    let hash = Sha256::digest(format!("{}\n{}\n{}\n{}", key.account, key.day, key.kind.word(), key.number));
    format!("D{}", hex::encode(hash.get(..12).unwrap_or_default()))
}

/// What came of somebody's wish to settle one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Another person has to agree.
    Proposed(Stored),
    Done(Stored),
    /// Who proposed it may not agree to it.
    SamePerson,
    /// It is settled already, or waits for the next bill.
    NotOpen(Stored),
}

/// Settles one. Where money is missing or too much, two people say so: the second one's word settles it.
#[must_use]
pub fn settle(known: &Stored, by: &str, reason: &str, at: Millis) -> Settled {
    if known.found.standing != Standing::Open {
        return Settled::NotOpen(known.clone());
    }
    match &known.proposal {
        None if known.found.gap.0 != 0 => {
            let proposal = Proposal { by: by.to_owned(), reason: reason.to_owned(), at };
            Settled::Proposed(Stored { proposal: Some(proposal), ..known.clone() })
        }
        Some(proposal) if proposal.by == by => Settled::SamePerson,
        _ => Settled::Done(Stored {
            found: Found { standing: Standing::Settled, ..known.found.clone() },
            settled_by: Some(by.to_owned()),
            settled_at: Some(at),
            reason: Some(reason.to_owned()),
            ..known.clone()
        }),
    }
}

/// The rows that a run changes, of those that are written down for its account: of its day, and of the day after for what it carries.
#[must_use]
pub fn take(known: &BTreeMap<Key, Stored>, run: &BillRun, found: &[Found]) -> Vec<Stored> {
    let mut changed = Vec::new();
    let mut seen = BTreeMap::new();
    for finding in found {
        let key = Key { account: run.account.clone(), day: finding.day, kind: finding.kind, number: finding.number.clone() };
        let now = match known.get(&key) {
            None => Stored {
                account: run.account.clone(),
                found: finding.clone(),
                first_seen: run.at,
                last_seen: run.at,
                settled_by: None,
                settled_at: None,
                proposal: None,
                reason: None,
            },
            Some(known) => again(known, finding, run.at),
        };
        seen.insert(key, ());
        changed.push(now);
    }
    // What this day's bill shows no longer: it came right by itself, or by a repair.
    let gone = known.values().filter(|stored| stored.found.day == run.day && !seen.contains_key(&stored.key()));
    changed.extend(gone.filter(|stored| stored.found.standing != Standing::Settled).map(|stored| Stored {
        found: Found { standing: Standing::Settled, ..stored.found.clone() },
        settled_by: Some(BY_RUN.to_owned()),
        settled_at: Some(run.at),
        proposal: None,
        reason: Some("the bill and the books agree now".to_owned()),
        ..stored.clone()
    }));
    changed
}

/// The same one, found again. What a person settled stays so, and what one proposed waits on, for the sum that they saw: another sum is
/// another matter. What a run settled opens again.
fn again(known: &Stored, finding: &Found, at: Millis) -> Stored {
    let same = known.found.gap == finding.gap;
    let by_run = known.settled_by.as_deref() == Some(BY_RUN);
    if known.found.standing == Standing::Settled && !by_run && same {
        return Stored { last_seen: at, ..known.clone() };
    }
    let proposal = known.proposal.clone().filter(|_| same);
    Stored { found: finding.clone(), last_seen: at, settled_by: None, settled_at: None, reason: None, proposal, ..known.clone() }
}
