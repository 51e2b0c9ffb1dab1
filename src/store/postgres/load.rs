//! The first round trip of a batch: takes every number and nonce that the batch names, locks every row it names, and reads what is there.

use super::columns::Columns;
use super::scan;
use super::spell::{Param, ints, texts};
use super::sql::Sql;
use super::trip::{Answers, Lost, Place, Trip};
use crate::domain::OrderId;
use crate::domain::life::{Attempt, Life, Refund};
use crate::domain::limit::CounterKey;
use crate::store::bill_rows;
use crate::store::command::{ClaimKey, Command, Kind, Outcome};
use crate::store::limit_rows;
use crate::store::rows::{self, Row, Unreadable};
use crate::store::view::{ClaimRow, Held, Keys, View, claim_of};
use crate::store::writes::kind;
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::Row as PgRow;

/// What a batch names and what it asks of the claims, kept while the questions are on their way.
pub struct Wanted {
    keys: Keys,
    /// What a claim is taken with: the first command that names the number will get it, as a rule. Sorted by key.
    claims: BTreeMap<ClaimKey, ClaimRow>,
}

/// What was found, and what this batch took before it decided.
pub struct Loaded {
    pub view: View,
    pub taken_claims: BTreeMap<ClaimKey, ClaimRow>,
    /// By bucket, key id and nonce.
    pub taken_nonces: BTreeSet<(i64, String, String)>,
    /// What the commands leased that name no rows beforehand, by their place in the batch.
    pub scans: BTreeMap<usize, Outcome>,
}

/// Where the answers will be.
#[derive(Default)]
pub struct Places {
    taken_claims: Option<Place>,
    claims: Option<Place>,
    taken_nonces: Option<Place>,
    nonces: Option<Place>,
    orders: Option<Place>,
    attempts: Option<Place>,
    refunds: Option<Place>,
    notices: Option<Place>,
    records: Option<Place>,
    counters: Option<Place>,
    left: Option<Place>,
    runs: Option<Place>,
    discrepancies: Vec<Place>,
    scans: BTreeMap<usize, Place>,
}

impl Wanted {
    #[must_use]
    pub fn of(batch: &[&Command]) -> Wanted {
        let mut claims = BTreeMap::new();
        for command in batch {
            if let Some(key) = claim_of(command) {
                claims.entry(key).or_insert_with(|| first_guess(command));
            }
        }
        Wanted { keys: Keys::of(batch), claims }
    }

    pub fn ask<'a>(&'a self, trip: &mut Trip<'a>, batch: &[&'a Command]) -> Places {
        let mut places = Places::default();
        self.ask_claims(trip, &mut places);
        self.ask_nonces(trip, &mut places);
        if !self.keys.orders.is_empty() {
            let ids = || texts(self.keys.orders.iter().map(OrderId::as_str));
            places.orders = Some(trip.ask(Sql::Orders, vec![ids()]));
            places.attempts = Some(trip.ask(Sql::Attempts, vec![ids()]));
            places.refunds = Some(trip.ask(Sql::Refunds, vec![ids()]));
        }
        if !self.keys.notices.is_empty() {
            places.notices = Some(trip.ask(Sql::Notices, vec![texts(self.keys.notices.iter().map(String::as_str))]));
        }
        if !self.keys.records.is_empty() {
            trip.ask(Sql::LockRecords, Vec::new());
            let (kinds, ids) =
                (self.keys.records.iter().map(|(kind, _)| kind.as_str()), self.keys.records.iter().map(|(_, id)| id.as_str()));
            places.records = Some(trip.ask(Sql::Records, vec![texts(kinds), texts(ids)]));
        }
        self.ask_counters(trip, &mut places);
        self.ask_bills(trip, &mut places);
        for (at, command) in batch.iter().enumerate() {
            if let Some(place) = scan::ask(trip, command) {
                places.scans.insert(at, place);
            }
        }
        places
    }

    fn ask_counters<'a>(&'a self, trip: &mut Trip<'a>, places: &mut Places) {
        let counters = &self.keys.counters;
        if counters.is_empty() {
            return;
        }
        trip.ask(Sql::TakeCounters, counter_names(counters.keys()));
        places.counters = Some(trip.ask(Sql::Counters, counter_names(counters.keys())));
        let rolling = || counters.iter().filter_map(|(key, edge)| edge.map(|edge| (key, edge)));
        if rolling().next().is_some() {
            let mut params = counter_names(rolling().map(|(key, _)| key));
            params.push(ints(rolling().map(|(_, edge)| edge.0)));
            places.left = Some(trip.ask(Sql::Left, params));
        }
    }

    fn ask_bills<'a>(&'a self, trip: &mut Trip<'a>, places: &mut Places) {
        let (bills, ids) = (&self.keys.bills, &self.keys.discrepancies);
        if bills.is_empty() && ids.is_empty() {
            return;
        }
        trip.ask(Sql::LockBills, Vec::new());
        if !bills.is_empty() {
            let days = || -> Vec<Param<'a>> {
                vec![
                    texts(bills.iter().map(|(account, _)| account.as_str())),
                    Box::new(bills.iter().map(|(_, day)| day.to_string()).collect::<Vec<_>>()),
                ]
            };
            places.runs = Some(trip.ask(Sql::BillRuns, days()));
            places.discrepancies.push(trip.ask(Sql::Discrepancies, days()));
        }
        if !ids.is_empty() {
            places.discrepancies.push(trip.ask(Sql::DiscrepanciesById, vec![texts(ids.iter().map(String::as_str))]));
        }
    }

    fn ask_claims<'a>(&'a self, trip: &mut Trip<'a>, places: &mut Places) {
        if self.claims.is_empty() {
            return;
        }
        let key = || -> Vec<Param<'a>> {
            let keys = self.claims.keys();
            let merchants = texts(keys.clone().map(|key| key.merchant_id.as_str()));
            vec![merchants, ints(keys.clone().map(|key| kind(key.kind))), texts(keys.map(|key| key.number.as_str()))]
        };
        let mut whole = key();
        whole.push(texts(self.claims.values().map(|row| row.target.as_str())));
        whole.push(Box::new(self.claims.values().map(|row| row.fingerprint.as_slice()).collect::<Vec<_>>()));
        places.taken_claims = Some(trip.ask(Sql::TakeClaims, whole));
        places.claims = Some(trip.ask(Sql::ReadClaims, key()));
    }

    fn ask_nonces<'a>(&'a self, trip: &mut Trip<'a>, places: &mut Places) {
        if self.keys.nonces.is_empty() {
            return;
        }
        // By bucket, key and nonce: the order of their table's key, each once.
        let by_key: BTreeSet<(i64, &str, &str)> =
            self.keys.nonces.iter().map(|n| (n.bucket(), n.key_id.as_str(), n.nonce.as_str())).collect();
        let names = |keys: &BTreeSet<(i64, &'a str, &'a str)>| -> Vec<Param<'a>> {
            let keys = keys.iter();
            vec![ints(keys.clone().map(|key| key.0)), texts(keys.clone().map(|key| key.1)), texts(keys.map(|key| key.2))]
        };
        // The window is 300 s either way, so the same nonce with another signed time is in this bucket or next to it. Two gateways that
        // see such a pair at the same instant may both miss it; it takes the key itself to make one, a replay has the same time.
        let near = |(bucket, key_id, nonce): &(i64, &'a str, &'a str)| {
            let (bucket, key_id, nonce) = (*bucket, *key_id, *nonce);
            (-2..=2).map(move |off| (bucket.saturating_add(off), key_id, nonce))
        };
        places.taken_nonces = Some(trip.ask(Sql::TakeNonces, names(&by_key)));
        places.nonces = Some(trip.ask(Sql::ReadNonces, names(&by_key.iter().flat_map(near).collect())));
    }

    pub fn read(self, answers: &Answers, places: &Places, batch: &[&Command]) -> Result<Loaded, Unreadable> {
        let mut loaded =
            Loaded { view: View::default(), taken_claims: BTreeMap::new(), taken_nonces: BTreeSet::new(), scans: BTreeMap::new() };
        read_claims(self.claims, answers, places, &mut loaded)?;
        read_nonces(answers, places, &mut loaded)?;
        loaded.view.lives = lives(answers.rows(places.orders), answers.rows(places.attempts), answers.rows(places.refunds))?
            .into_iter()
            .map(|life| (life.order.id.clone(), Held { before: Some(life.clone()), now: life }))
            .collect();
        for row in answers.rows(places.notices) {
            let notice = rows::notice(&Columns::of(row))?;
            loaded.view.notices.insert(notice.event_id.clone(), notice);
        }
        for row in answers.rows(places.records) {
            let row = Columns::of(row);
            loaded.view.records.insert((row.text(0)?, row.text(1)?));
        }
        read_counters(&self.keys, answers, places, &mut loaded)?;
        for row in answers.rows(places.runs) {
            let run = bill_rows::run(&Columns::of(row))?;
            loaded.view.runs.insert((run.account.clone(), run.day), run);
        }
        for row in places.discrepancies.iter().flat_map(|place| answers.rows(Some(*place))) {
            loaded.view.hold_discrepancy(bill_rows::stored(&Columns::of(row))?);
        }
        for (at, place) in &places.scans {
            if let Some(command) = batch.get(*at) {
                loaded.scans.insert(*at, scan::read(answers.rows(Some(*place)), command)?);
            }
        }
        Ok(loaded)
    }
}

fn first_guess(command: &Command) -> ClaimRow {
    match command {
        Command::PlaceOrder { order, .. } => ClaimRow { target: order.id.to_string(), fingerprint: order.fingerprint.clone() },
        // A refund's number is known only when it is decided.
        Command::RequestRefund { new, .. } => ClaimRow { target: String::new(), fingerprint: new.fingerprint.clone() },
        _ => ClaimRow { target: String::new(), fingerprint: Vec::new() },
    }
}

fn claim_key(row: &PgRow) -> Result<ClaimKey, Unreadable> {
    let row = Columns::of(row);
    let kind = if row.int(1)? == kind(Kind::Order) { Kind::Order } else { Kind::Refund };
    Ok(ClaimKey { merchant_id: row.text(0)?, kind, number: row.text(2)? })
}

fn read_claims(
    mut wanted: BTreeMap<ClaimKey, ClaimRow>,
    answers: &Answers,
    places: &Places,
    loaded: &mut Loaded,
) -> Result<(), Unreadable> {
    for row in answers.rows(places.taken_claims) {
        loaded.taken_claims.extend(wanted.remove_entry(&claim_key(row)?));
    }
    for row in answers.rows(places.claims) {
        let key = claim_key(row)?;
        if !loaded.taken_claims.contains_key(&key) {
            let row = Columns::of(row);
            loaded.view.claims.insert(key, ClaimRow { target: row.text(3)?, fingerprint: row.bytes(4)? });
        }
    }
    Ok(())
}

fn read_nonces(answers: &Answers, places: &Places, loaded: &mut Loaded) -> Result<(), Unreadable> {
    let key = |row: &PgRow| -> Result<(i64, String, String), Unreadable> {
        let row = Columns::of(row);
        Ok((row.int(0)?, row.text(1)?, row.text(2)?))
    };
    loaded.taken_nonces = answers.rows(places.taken_nonces).iter().map(key).collect::<Result<_, _>>()?;
    for row in answers.rows(places.nonces) {
        let known = key(row)?;
        if !loaded.taken_nonces.contains(&known) {
            loaded.view.used_nonces.insert((known.1, known.2));
        }
    }
    Ok(())
}

fn counter_names<'a>(keys: impl Iterator<Item = &'a CounterKey> + Clone) -> Vec<Param<'a>> {
    let (limits, starts) = (texts(keys.clone().map(|key| key.limit.as_str())), ints(keys.clone().map(|key| key.start)));
    vec![limits, starts, texts(keys.clone().map(|key| key.subject.as_str())), texts(keys.map(|key| key.holder.as_str()))]
}

fn read_counters(keys: &Keys, answers: &Answers, places: &Places, loaded: &mut Loaded) -> Result<(), Unreadable> {
    let key = |row: &PgRow| -> Result<CounterKey, Unreadable> {
        let row = Columns::of(row);
        Ok(CounterKey { limit: row.text(0)?, start: row.int(1)?, subject: row.text(2)?, holder: row.text(3)? })
    };
    let mut left = BTreeMap::new();
    for row in answers.rows(places.left) {
        left.insert(key(row)?, (Columns::of(row).int(4)?, Columns::of(row).int(5)?));
    }
    for row in answers.rows(places.counters) {
        let key = key(row)?;
        let edge = keys.counters.get(&key).copied().flatten();
        let left = left.get(&key).copied().unwrap_or_default();
        loaded.view.hold_counter(key, Some(limit_rows::counter(&Columns::of(row), 4)?), edge, left);
    }
    Ok(())
}

/// Orders with their attempts and refunds, which come with the order's id in front.
fn lives(orders: &[PgRow], attempts: &[PgRow], refunds: &[PgRow]) -> Result<Vec<Life>, Unreadable> {
    let mut by_order: BTreeMap<String, (Vec<Attempt>, Vec<Refund>)> = BTreeMap::new();
    for row in attempts {
        by_order.entry(Columns::of(row).text(0)?).or_default().0.push(rows::attempt(&Columns::from(row, 1))?);
    }
    for row in refunds {
        by_order.entry(Columns::of(row).text(0)?).or_default().1.push(rows::refund(&Columns::from(row, 1))?);
    }
    let mut life = |row: &PgRow| -> Result<Life, Unreadable> {
        let order = rows::order(&Columns::of(row))?;
        let (attempts, refunds) = by_order.remove(order.id.as_str()).unwrap_or_default();
        Ok(rows::life(order, attempts, refunds))
    };
    orders.iter().map(&mut life).collect()
}

impl From<Unreadable> for Lost {
    fn from(error: Unreadable) -> Lost {
        Lost::Refused(error.to_string())
    }
}
