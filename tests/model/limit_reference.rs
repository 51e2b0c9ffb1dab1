//! The reference of the limits: a list of attempts, added up anew for every question. It shares no code with the limit centre.

use sluice_contract::Millis;
use std::collections::BTreeMap;

pub const MAX: i64 = 100;
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Held,
    Ended,
    Paid,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    order: usize,
    account: &'static str,
    amount: i64,
    at: i64,
    expires_at: i64,
    abandoned: bool,
    pub state: State,
    paid_at: i64,
    pub late: bool,
    /// By merchants' refunds, and by those that late money causes.
    given_back: [i64; 2],
    /// By rule.
    over: BTreeMap<&'static str, i64>,
}

#[derive(Default)]
pub struct Reference {
    pub attempts: Vec<Attempt>,
}

const RULES: [(&str, i64); 6] = [("day", MAX), ("orders", 5), ("rolling", MAX), ("kept", 3 * MAX), ("post", MAX), ("paid", 2 * MAX)];

fn day(at: i64) -> i64 {
    (at + 8 * 3_600_000).div_euclid(DAY_MS) * DAY_MS - 8 * 3_600_000
}

impl Attempt {
    fn subject(&self, rule: &str) -> &'static str {
        if matches!(rule, "day" | "orders" | "post") { self.account } else { "m" }
    }

    /// The windows it is held in, and after it is paid the one it counts in.
    fn windows(&self, rule: &str) -> Vec<i64> {
        match (rule, self.state) {
            ("day", _) => vec![day(self.at)],
            ("post", State::Held) => Vec::new(),
            ("post" | "paid", State::Paid) => vec![day(self.paid_at)],
            ("paid", _) if day(self.at) != day(self.expires_at) => vec![day(self.at), day(self.expires_at)],
            ("paid", _) => vec![day(self.at)],
            _ => vec![0],
        }
    }

    /// Reserved, confirmed, overrun.
    fn share(&self, rule: &str, now: i64) -> [i64; 3] {
        let size = if rule == "orders" { 1 } else { self.amount };
        let over = self.over.get(rule).copied().unwrap_or(0);
        if self.state == State::Held {
            return [size, 0, over];
        }
        if self.state == State::Ended || (rule == "rolling" && self.at <= now - 20_000) {
            return [0; 3];
        }
        let fen = if rule == "kept" { self.given_back[1] } else { self.given_back[0] + self.given_back[1] };
        let back = if rule == "orders" { i64::from(fen >= self.amount) } else { fen };
        [0, size - back, (over - back).max(0)]
    }
}

impl Reference {
    pub fn amount(&self, n: usize) -> i64 {
        self.attempts.iter().find(|a| a.order == n).map_or(1, |a| a.amount)
    }

    fn newest(&mut self, n: usize) -> Option<&mut Attempt> {
        self.attempts.iter_mut().rev().find(|a| a.order == n)
    }

    fn used(&self, rule: &str, subject: &str, window: i64, now: i64) -> i64 {
        let of = |a: &&Attempt| a.subject(rule) == subject && a.windows(rule).contains(&window);
        self.attempts.iter().filter(of).map(|a| a.share(rule, now)).map(|[r, c, o]| r + c - o).sum()
    }

    fn fits(&self, attempt: &Attempt) -> bool {
        RULES.iter().all(|(rule, max)| {
            let size = if *rule == "orders" { 1 } else { attempt.amount };
            let windows = if *rule == "post" { vec![day(attempt.at)] } else { attempt.windows(rule) };
            windows.iter().all(|window| self.used(rule, attempt.subject(rule), *window, attempt.at) + size <= *max)
        })
    }

    fn try_one(&mut self, order: usize, account: &'static str, amount: i64, now: Millis, expires_at: Millis) -> bool {
        let (given_back, over) = ([0; 2], BTreeMap::new());
        let (at, expires_at) = (now.0, expires_at.0.max(now.0));
        let new = Attempt {
            order,
            account,
            amount,
            at,
            expires_at,
            abandoned: false,
            state: State::Held,
            paid_at: 0,
            late: false,
            given_back,
            over,
        };
        let fits = self.fits(&new);
        if fits {
            self.attempts.push(new);
        }
        fits
    }

    /// The account that takes it.
    pub fn place(&mut self, accounts: [&'static str; 2], amount: i64, now: Millis, expires_at: Millis) -> Option<&'static str> {
        let order = self.attempts.iter().map(|a| a.order + 1).max().unwrap_or(0);
        accounts.into_iter().find(|account| self.try_one(order, account, amount, now, expires_at))
    }

    pub fn pay(&mut self, n: usize, now: Millis) {
        let won = self.attempts.iter().any(|a| a.order == n && a.state == State::Paid);
        let Some(mut attempt) = self.newest(n).filter(|a| a.state != State::Paid).cloned() else { return };
        let ended = attempt.state == State::Ended || attempt.abandoned;
        (attempt.late, attempt.paid_at) = (ended || won, now.0);
        let was_held_in = |rule: &str| {
            attempt.state == State::Held && (rule != "post" && (rule != "paid" || attempt.windows("paid").contains(&day(now.0))))
        };
        let unheld: Vec<_> = RULES.iter().filter(|(rule, _)| !was_held_in(rule)).collect();
        for (rule, max) in unheld {
            let size = if *rule == "orders" { 1 } else { attempt.amount };
            let window = if matches!(*rule, "post" | "paid") { day(now.0) } else { 0 };
            let over = if ended { size } else { (self.used(rule, attempt.subject(rule), window, now.0) + size - max).clamp(0, size) };
            attempt.over.insert(rule, over);
        }
        attempt.state = State::Paid;
        if let Some(known) = self.newest(n) {
            *known = attempt;
        }
    }

    pub fn fail(&mut self, n: usize, next: Option<&'static str>, now: Millis, expires_at: Millis) {
        let Some(attempt) = self.newest(n).filter(|a| a.state == State::Held) else { return };
        attempt.state = State::Ended;
        // An abandoned one's order has ended: it goes nowhere any more.
        let (amount, goes_on) = (attempt.amount, !attempt.abandoned && now < expires_at);
        if let Some(account) = next.filter(|_| goes_on) {
            self.try_one(n, account, amount, now, expires_at);
        }
    }

    pub fn end(&mut self, n: usize) {
        if let Some(attempt) = self.newest(n).filter(|a| a.state == State::Held) {
            attempt.state = State::Ended;
        }
    }

    pub fn abandon(&mut self, n: usize) {
        if let Some(attempt) = self.newest(n).filter(|a| a.state == State::Held) {
            attempt.abandoned = true;
        }
    }

    pub fn refunded(&mut self, n: usize, fen: i64, by_merchant: bool) {
        if let Some(attempt) = self.attempts.iter_mut().find(|a| a.order == n && a.state == State::Paid) {
            attempt.given_back[usize::from(!by_merchant)] += fen;
        }
    }

    /// Subject, window, reserved, confirmed, overrun; without those that are nothing.
    pub fn counters(&self, rule: &str, now: Millis) -> Vec<(String, i64, i64, i64, i64)> {
        let mut sums: BTreeMap<(String, i64), [i64; 3]> = BTreeMap::new();
        for attempt in &self.attempts {
            for window in attempt.windows(rule) {
                let sum = sums.entry((attempt.subject(rule).to_owned(), window)).or_default();
                sum.iter_mut().zip(attempt.share(rule, now.0)).for_each(|(sum, part)| *sum += part);
            }
        }
        sums.into_iter().filter(|(_, s)| s[0] > 0 || s[1] > 0).map(|((subject, window), [r, c, o])| (subject, window, r, c, o)).collect()
    }
}
