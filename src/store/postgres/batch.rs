//! One batch, one transaction, two round trips: the first takes and locks what the batch names ([`super::load`]); then `decide`, as for
//! every engine; the second writes and commits.

use super::load::{Loaded, Places, Wanted};
use super::sql::Sql;
use super::trip::{Answers, Lost, Prepared, Trip};
use crate::store::StoreError;
use crate::store::command::{Command, Outcome};
use crate::store::decide::fold;
use crate::store::statement::Type::{Bytes, Int, Text};
use crate::store::statement::{Statement, Write};
use crate::store::writes::{self, kind};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Client;

/// A claim that was taken before it was decided, put right.
pub static FIX_CLAIM: Statement = Statement::Update {
    table: "claims",
    keys: &[("merchant_id", Text), ("kind", Int), ("number", Text)],
    guards: &[],
    sets: &[("target", Text), ("fingerprint", Bytes)],
    also: None,
};
/// A claim that was taken and is not needed: its command was refused.
pub static DROP_CLAIM: Statement = Statement::Remove { table: "claims", keys: &[("merchant_id", Text), ("kind", Int), ("number", Text)] };
pub static DROP_NONCE: Statement = Statement::Remove { table: "nonces", keys: &[("bucket", Int), ("key_id", Text), ("nonce", Text)] };

/// A round trip may wait for other gateways' locks; the server gives up on those after five seconds.
const TRIP_MAX: Duration = Duration::from_secs(15);

/// A connection that batches are carried out on.
pub struct Session {
    pub client: Client,
    pub prepared: Prepared,
    /// The row of `writers` that belongs to this writer.
    pub mark: i64,
}

/// Why a batch was not carried out.
#[derive(Debug)]
pub enum Ended {
    /// The server refused it. Nothing was stored, and the session may be used again.
    Refused(String),
    /// The session is lost, and nothing was stored: no COMMIT had been sent.
    Gone(String),
    /// The session is lost after the COMMIT was sent. These are the answers if it took place.
    Unsettled(Outcomes, String),
}

pub type Outcomes = Vec<Result<Outcome, StoreError>>;

impl Session {
    pub async fn carry_out(&self, batch: &[&Command], batch_no: i64) -> Result<Outcomes, Ended> {
        let mut loaded = match self.load(batch, batch_no).await {
            Ok(loaded) => loaded,
            Err(Lost::Gone(why)) => return Err(Ended::Gone(why)),
            Err(Lost::Refused(why)) => return Err(self.roll_back(why).await),
        };
        let scans = &mut loaded.scans;
        let nothing_leased = scans.values().all(is_nothing);
        let outcomes = fold(&mut loaded.view, batch, |at, _| Ok(scans.remove(&at).unwrap_or(Outcome::Done)));
        let (corrections, writes) = (corrections(&loaded), writes::writes(&loaded.view));
        let mut trip = Trip::new(&self.client, &self.prepared);
        corrections.iter().chain(&writes).for_each(|write| trip.write(write));
        let nothing_taken = loaded.taken_claims.is_empty() && loaded.taken_nonces.is_empty();
        // Nothing to keep, nothing to make durable: what was answered was committed by others.
        let idle = writes.is_empty() && nothing_taken && nothing_leased;
        trip.say(if idle { "ROLLBACK" } else { "COMMIT" });
        match within(trip).await {
            Ok(_) => Ok(outcomes),
            // The COMMIT behind a refused statement is answered with ROLLBACK.
            Err(Lost::Refused(why)) => Err(Ended::Refused(why)),
            Err(Lost::Gone(why)) => Err(Ended::Unsettled(outcomes, why)),
        }
    }

    async fn load(&self, batch: &[&Command], batch_no: i64) -> Result<Loaded, Lost> {
        let wanted = Wanted::of(batch);
        let (answers, places) = self.ask(&wanted, batch, batch_no).await?;
        Ok(wanted.read(&answers, &places, batch)?)
    }

    async fn ask(&self, wanted: &Wanted, batch: &[&Command], batch_no: i64) -> Result<(Answers, Places), Lost> {
        let mut trip = Trip::new(&self.client, &self.prepared);
        trip.say("BEGIN");
        let mark = trip.ask(Sql::Mark, vec![Box::new(self.mark), Box::new(batch_no)]);
        let places = wanted.ask(&mut trip, batch);
        let answers = within(trip).await?;
        if answers.rows(Some(mark)).is_empty() {
            // It rested for more than a day and its row was cleared away: a new session gets a new one.
            return Err(Lost::Gone("this writer's row is gone".into()));
        }
        Ok((answers, places))
    }

    async fn roll_back(&self, why: String) -> Ended {
        let mut trip = Trip::new(&self.client, &self.prepared);
        trip.say("ROLLBACK");
        match within(trip).await {
            Ok(_) => Ended::Refused(why),
            Err(_) => Ended::Gone(why),
        }
    }
}

/// A leased nothing changed nothing; pruning does not say.
fn is_nothing(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Orders(orders) => orders.is_empty(),
        Outcome::Notices(notices) => notices.is_empty(),
        Outcome::Pruned(orders) => *orders == 0,
        _ => false,
    }
}

async fn within(trip: Trip<'_>) -> Result<Answers, Lost> {
    tokio::time::timeout(TRIP_MAX, trip.go())
        .await
        .unwrap_or_else(|_| Err(Lost::Gone(format!("no answer within {} s", TRIP_MAX.as_secs()))))
}

/// Between what was taken beforehand and what was decided.
fn corrections(loaded: &Loaded) -> [Write<'_>; 3] {
    let view = &loaded.view;
    let (mut fixed, mut dropped) = (Vec::new(), Vec::new());
    for (key, guess) in &loaded.taken_claims {
        let name = || vec![key.merchant_id.as_str().into(), kind(key.kind).into(), key.number.as_str().into()];
        match view.claims.get(key) {
            None => dropped.push(name()),
            Some(decided) if decided == guess => {}
            Some(decided) => {
                let mut row = name();
                row.extend([decided.target.as_str().into(), decided.fingerprint.as_slice().into()]);
                fixed.push(row);
            }
        }
    }
    let used: BTreeSet<(i64, &str, &str)> = view.new_nonces.iter().map(|n| (n.bucket(), n.key_id.as_str(), n.nonce.as_str())).collect();
    let taken = loaded.taken_nonces.iter().map(|(bucket, key_id, nonce)| (*bucket, key_id.as_str(), nonce.as_str()));
    let unused = taken.filter(|taken| !used.contains(taken));
    let nonces = unused.map(|(bucket, key_id, nonce)| vec![bucket.into(), key_id.into(), nonce.into()]).collect();
    [
        Write { statement: &FIX_CLAIM, rows: fixed },
        Write { statement: &DROP_CLAIM, rows: dropped },
        Write { statement: &DROP_NONCE, rows: nonces },
    ]
}
