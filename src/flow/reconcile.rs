//! Reconciliation (对账) of one account's day: fetches the channel's bill, compares it with the books, repairs lost orders (掉单) by asking
//! the channel, and writes down what is left.
//!
//! A bill is read to its end before anything is repaired or written: one that breaks off, or is not the one that was asked for, changes
//! nothing. A repair is the ordinary query and the ordinary transition; the merchant is told as ever.

use super::ask::Answer;
use super::directory::Account;
use super::{Code, Gateway, Refused};
use crate::domain::AttemptStatus;
use crate::domain::life::Life;
use crate::domain::pay::Source;
use crate::domain::recon::books::{order_facts, order_of};
use crate::domain::recon::{BillDay, BillRun, Books, Found, Lost, Matching, RunState, Standing, Stored};
use crate::domain::{OrderId, RefundStatus};
use crate::store::{Answer as Read, Command, DiscrepancyFilter, Query};
use sluice_contract::{BillRow, Day, ListedBy, Millis, Notes, Pay, Second, Statement, StatementRule};
use std::collections::{BTreeMap, BTreeSet};

type Rows = Box<dyn Iterator<Item = Result<BillRow, String>> + Send>;

/// Read at once.
const PAGE: u32 = 2_000;
/// Orders read at once, with all that they have.
const LIVES: usize = 500;
/// Beside the longest life of an order: a day for its money to be heard of.
const LATE_S: i64 = 86_400;
/// The longest a refund is on its way.
const REFUND_LIFE_S: i64 = 31 * 86_400;
/// By how much the channel's time of a payment may differ from ours and still be believed, and some.
const CLOCK_S: i64 = 600;
/// Rows between two breaths for whoever else is served.
const BREATH: u64 = 8_192;
const FOUND_MAX: u32 = 200_000;

/// A day that was compared.
#[derive(Debug)]
pub struct Reconciled {
    pub run: BillRun,
    /// Numbers that were lost and are booked now.
    pub repaired: Vec<String>,
    /// What stands open of this day, in the order of kinds and numbers.
    pub open: Vec<Stored>,
    /// What waits for the next day's bill.
    pub carried: usize,
}

/// Why a day was not compared.
#[derive(Debug)]
pub enum NotReconciled {
    /// The account's channel gives none.
    NoBill,
    NotYet {
        ready_at: Second,
    },
    /// In words for an operator.
    Refused(String),
    Store(Refused),
}

impl From<Refused> for NotReconciled {
    fn from(refused: Refused) -> NotReconciled {
        NotReconciled::Store(refused)
    }
}

/// What the channel gave.
enum Bill {
    Rows(Vec<Rows>),
    NotYet,
}

impl Gateway {
    /// Compares a day of an account with its bill.
    pub async fn reconcile(&self, account: &Account, day: Day) -> Result<Reconciled, NotReconciled> {
        let rule = account.channel.profile().statement.ok_or(NotReconciled::NoBill)?;
        let asked_at = self.now();
        let compared = self.compare(account, &rule, day, asked_at).await;
        let (state, why) = match &compared {
            Err(NotReconciled::NotYet { .. }) => (RunState::NotYet, "the channel has no bill of this day yet".to_owned()),
            Err(NotReconciled::Refused(why)) => (RunState::Refused, why.clone()),
            _ => return compared,
        };
        let run = BillRun { account: account.id.to_string(), day, at: asked_at, state, why: Some(why), rows: 0, matched: 0 };
        self.submit(Command::TakeBill { run: Box::new(run), found: Vec::new() }).await?;
        compared
    }

    async fn compare(&self, account: &Account, rule: &StatementRule, day: Day, asked_at: Millis) -> Result<Reconciled, NotReconciled> {
        let bill = self.bill(account, rule, day).await?;
        let books = self.books(account, rule, day, asked_at).await?;
        let rows = match bill {
            Bill::Rows(rows) => rows,
            // Some channels do not tell a day without trades from a bill that is not ready: in time, and with nothing in our books, it is one.
            Bill::NotYet if books.is_empty() && asked_at.second() >= day.plus(2).start() => Vec::new(),
            Bill::NotYet => return Err(NotReconciled::NotYet { ready_at: day.plus(1).start().plus(rule.ready_at_s) }),
        };
        let mut matching = Matching::new(books);
        self.read(&mut matching, rows).await?;
        let named: Vec<OrderId> = matching.to_look_up().into_iter().collect();
        for page in named.chunks(LIVES) {
            self.named(page).await?.iter().for_each(|life| matching.learn(life));
        }
        matching.place_strangers().and_then(|()| matching.is_of_this_account()).map_err(NotReconciled::Refused)?;
        let repaired = self.repair(account, &mut matching).await?;
        let had_before = !matching.wants_the_bill_before() || self.take_before(account, rule, &mut matching).await;
        let outcome = matching.finish(had_before);
        let mut found = outcome.found;
        for page in found.chunks_mut(LIVES) {
            self.explain(page).await?;
        }
        let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let (rows, matched) = (count(outcome.rows), count(outcome.matched));
        let run = BillRun { account: account.id.to_string(), day, at: asked_at, state: RunState::Done, why: None, rows, matched };
        let carried = found.iter().filter(|finding| finding.standing == Standing::Carried).count();
        self.submit(Command::TakeBill { run: Box::new(run.clone()), found }).await?;
        Ok(Reconciled { open: self.open_discrepancies(&account.id, day).await?, run, repaired, carried })
    }

    /// The bill of a day, one for each binding where the channel bills so.
    async fn bill(&self, account: &Account, rule: &StatementRule, day: Day) -> Result<Bill, NotReconciled> {
        let mut all = Vec::new();
        for sub in self.billed(account, rule) {
            let step = account.channel.statement(day, sub.as_ref(), &self.env(account));
            match self.ask(account, step).await.answer {
                Answer::Is(Statement::Rows(rows)) => all.push(rows),
                Answer::Is(Statement::Empty) => {}
                Answer::Is(Statement::NotYet) => return Ok(Bill::NotYet),
                Answer::Is(Statement::Unknown(why)) => {
                    return Err(NotReconciled::Refused(format!("{}: {}", why.kind.word(), why.note)));
                }
                Answer::NotSent(note) | Answer::MaybeSent(note) => return Err(NotReconciled::Refused(note)),
                Answer::Refused(refusal) => return Err(NotReconciled::Refused(refusal.inner)),
            }
        }
        Ok(Bill::Rows(all))
    }

    fn billed(&self, account: &Account, rule: &StatementRule) -> Vec<Option<Notes>> {
        if !rule.per_sub {
            return vec![None];
        }
        let directory = self.directory.load();
        let bindings = directory.merchants.values().filter_map(|merchant| merchant.binding(&account.id));
        let subs: BTreeSet<Notes> = bindings.map(|binding| binding.sub.clone()).collect();
        subs.into_iter().map(Some).collect()
    }

    /// Our side: what the bill should list. Orders by the time in their ids, refunds by the time they were sent.
    async fn books(&self, account: &Account, rule: &StatementRule, day: Day, asked_at: Millis) -> Result<Books, NotReconciled> {
        let mut books = Books::new(&account.id, day, rule, asked_at);
        let (from, to) = BillDay::new(day, rule).reach();
        let first_of = |at: Second| OrderId::new(at.millis(), [0; 16]);
        let lives_s = account.channel.profile().methods.iter().map(|method| method.expires_in_max_s).max().unwrap_or_default();
        let mut after = (first_of(from.plus(lives_s.saturating_add(LATE_S).saturating_neg())).to_string(), 0);
        loop {
            let query = Query::PaidAttempts {
                account: account.id.to_string(),
                after,
                until: first_of(to.plus(CLOCK_S)),
                booked_from: from.plus(-CLOCK_S).millis(),
                limit: PAGE,
            };
            let Read::Attempts(page) = self.store.read(query).await.map_err(Refused::from)? else { break };
            page.iter().for_each(|(order, attempt)| books.attempt(order, attempt));
            match page.last().filter(|_| is_full(page.len())) {
                Some((order, attempt)) => after = (order.to_string(), attempt.seq),
                None => break,
            }
        }
        let sent_from = if rule.refunds_by == ListedBy::Begun { from } else { from.plus(-REFUND_LIFE_S) };
        let mut after = (sent_from.millis(), String::new(), 0);
        loop {
            let query = Query::SentRefunds { account: account.id.to_string(), after, until: to.millis(), limit: PAGE };
            let Read::Refunds(page) = self.store.read(query).await.map_err(Refused::from)? else { break };
            page.iter().for_each(|(order, refund)| books.refund(order, refund));
            match page.last().filter(|_| is_full(page.len())) {
                Some((order, refund)) => after = (refund.sent_at.unwrap_or_default(), order.to_string(), refund.seq),
                None => break,
            }
        }
        Ok(books)
    }

    /// To the last row or not at all.
    async fn read(&self, matching: &mut Matching, bills: Vec<Rows>) -> Result<(), NotReconciled> {
        for row in bills.into_iter().flatten() {
            let place = matching.rows.saturating_add(1);
            // A row that cannot be read names its line itself.
            let taken = row.and_then(|row| matching.take(row).map_err(|why| format!("row {place}: {why}")));
            taken.map_err(|why| NotReconciled::Refused(format!("{why}; nothing of this bill was used")))?;
            if place.is_multiple_of(BREATH) {
                self.clock.sleep_ms(0).await;
            }
        }
        Ok(())
    }

    /// The rows of the bill before this one, for what lies at its edge. Answers whether it was there.
    async fn take_before(&self, account: &Account, rule: &StatementRule, matching: &mut Matching) -> bool {
        let Ok(Bill::Rows(bills)) = self.bill(account, rule, matching.day().day.plus(-1)).await else { return false };
        for row in bills.into_iter().flatten() {
            match row {
                Ok(row) => matching.take_before(&row),
                Err(_) => return false,
            }
        }
        true
    }

    /// Asks about what the channel says was done and we do not know of. What it confirms is booked as any answer is.
    async fn repair(&self, account: &Account, matching: &mut Matching) -> Result<Vec<String>, NotReconciled> {
        let mut repaired = Vec::new();
        for lost in matching.lost() {
            let Some(life) = self.life(&lost.order).await? else { continue };
            let asked = if lost.refund { self.query_refund(&life, lost.seq).await } else { self.ask_again(account, &life, lost.seq).await };
            match asked {
                Ok(life) => {
                    repaired.extend(done_now(&life, &lost));
                    matching.learn(&life);
                }
                Err(refused) if refused.code == Code::StoreUnavailable => return Err(refused.into()),
                Err(refused) => {
                    tracing::error!(order = %lost.order, why = refused.inner.unwrap_or(refused.detail), "ALARM: a lost order could not be booked");
                }
            }
        }
        Ok(repaired)
    }

    /// Books "paid" and nothing else: whatever the channel says besides is for the order's own schedule, which knows how it goes on.
    async fn ask_again(&self, account: &Account, life: &Life, seq: u32) -> Result<Life, Refused> {
        let Some(attempt) = life.attempt(seq) else { return Ok(life.clone()) };
        let step = account.channel.query(&attempt.reference(&life.order), &self.env(account));
        let asked = self.ask(account, step).await;
        if !matches!(asked.answer, Answer::Is(Pay::Paid(_))) {
            return Ok(life.clone());
        }
        self.book(life, attempt, account, asked, Source::Query, None).await
    }

    /// Adds what our books have of their orders, as they stand now.
    async fn explain(&self, found: &mut [Found]) -> Result<(), NotReconciled> {
        let orders: BTreeSet<OrderId> = found.iter().filter_map(order_named).collect();
        let lives = self.named(&orders.into_iter().collect::<Vec<_>>()).await?;
        let lives: BTreeMap<&OrderId, &Life> = lives.iter().map(|life| (&life.order.id, life)).collect();
        for finding in found {
            if let Some(life) = order_named(finding).and_then(|order| lives.get(&order)) {
                explain(finding, life);
            }
        }
        Ok(())
    }

    /// Those of these orders that are there.
    async fn named(&self, orders: &[OrderId]) -> Result<Vec<Life>, Refused> {
        match self.store.read(Query::Named(orders.to_vec())).await.map_err(Refused::from)? {
            Read::Lives(lives) => Ok(lives),
            _ => Err(Refused::inner("an unexpected answer to Named")),
        }
    }

    async fn open_discrepancies(&self, account: &str, day: Day) -> Result<Vec<Stored>, Refused> {
        let filter =
            DiscrepancyFilter { account: Some(account.to_owned()), day: Some(day), standing: Some(Standing::Open), limit: FOUND_MAX };
        match self.store.read(Query::Discrepancies(filter)).await.map_err(Refused::from)? {
            Read::Discrepancies(open) => Ok(open),
            _ => Err(Refused::inner("an unexpected answer to Discrepancies")),
        }
    }
}

fn order_named(found: &Found) -> Option<OrderId> {
    order_of(&found.number).or_else(|| order_of(&found.channel_order_no))
}

fn explain(found: &mut Found, life: &Life) {
    if let Some(refund) = OrderId::of_refund(&found.number).and_then(|(_, seq)| life.refund(seq)) {
        found.channel_order_no = life.order.id.attempt_number(refund.attempt_seq);
    }
    if let Some(evidence) = found.evidence.as_object_mut() {
        evidence.insert("order".to_owned(), order_facts(&life.order));
    }
}

fn is_full(rows: usize) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= PAGE)
}

/// The number, if it is booked now.
fn done_now(life: &Life, lost: &Lost) -> Option<String> {
    let number = if lost.refund { lost.order.refund_id(lost.seq) } else { lost.order.attempt_number(lost.seq) };
    let done = if lost.refund {
        life.refund(lost.seq)?.status() == RefundStatus::Succeeded
    } else {
        life.attempt(lost.seq)?.status() == AttemptStatus::Succeeded
    };
    done.then_some(number)
}
