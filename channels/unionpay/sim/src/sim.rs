//! The state of a pretend UnionPay and what moves it besides calls: time and bookings.

use crate::back::Back;
use crate::hooks::{Forced, Reversals, Spoil};
use crate::keys::Keys;
use crate::options::{Options, RefundFate, SignerKind};
use crate::order::{Order, Product, Settled, Trace};
use crate::post::{News, RETRY_OLD_S, RETRY_S};
use crate::statement::Planted;
use sluice_contract::{Discount, Fen, Millis};
use sluice_simkit::keys::{KeySource, os_draw};
use sluice_simkit::{Codes, Draw, Entry, Ledger, Post, State, Timers};
use std::collections::BTreeMap;

/// UnionPay returns a net bank's late money in about five working days (pack §4, code 42).
const LATE_RETURN_S: i64 = 5 * 86_400;

/// What happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// payTimeout has passed.
    PayEnds(String),
    /// The payer of a magic code types the password.
    PayLater(String),
    /// A payment that was accepted fails after all.
    FailLater(String),
    RefundEnds(String),
    LateReturns(String),
}

/// The pretend UnionPay. Open it with [`UnionpaySim::open`]; drive it through [`sluice_simkit::Simulator`].
pub struct UnionpaySim {
    pub(crate) options: Options,
    pub(crate) fast: i64,
    pub(crate) keys: Keys,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) backs: BTreeMap<String, Back>,
    /// queryId to number, of payments, refunds and undos.
    pub(crate) serials: BTreeMap<String, String>,
    /// The live tails of QR addresses and `tn`s, to their orders.
    pub(crate) links: BTreeMap<String, String>,
    pub(crate) codes: Codes,
    /// Payment codes whose order waits for the payer.
    pub(crate) typing: BTreeMap<String, String>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) post: Post<News>,
    pub(crate) planted: Planted,
    traces: u32,
    // What hooks set; said at the door of `hooks`.
    pub(crate) signer: SignerKind,
    pub(crate) refund_fate: RefundFate,
    pub(crate) funded: bool,
    pub(crate) undo: bool,
    pub(crate) reversals: Reversals,
    pub(crate) reversed_shows: &'static str,
    pub(crate) unpaid_shows: &'static str,
    pub(crate) expired_shows: &'static str,
    pub(crate) empty_day_is_98: bool,
    pub(crate) late_money: bool,
    pub(crate) pay_on_create: bool,
    pub(crate) success_after_queries: Option<u32>,
    pub(crate) forced: Option<Forced>,
    pub(crate) spoil: Option<Spoil>,
}

impl UnionpaySim {
    #[must_use]
    pub fn open(options: Options) -> UnionpaySim {
        let draw = match options.keys {
            KeySource::Fixed => Draw::new(options.seed),
            KeySource::Fresh => os_draw(),
        };
        UnionpaySim {
            fast: options.fast.max(1),
            keys: Keys::open(&options),
            draw,
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            backs: BTreeMap::new(),
            serials: BTreeMap::new(),
            links: BTreeMap::new(),
            codes: Codes::default(),
            typing: BTreeMap::new(),
            timers: Timers::default(),
            post: Post::new(if options.older_retries { &RETRY_OLD_S } else { &RETRY_S }),
            planted: Planted::default(),
            traces: 0,
            signer: SignerKind::Good,
            refund_fate: RefundFate::Success,
            funded: true,
            undo: true,
            reversals: Reversals::On,
            reversed_shows: "46",
            unpaid_shows: "05",
            expired_shows: "01",
            empty_day_is_98: false,
            late_money: false,
            pay_on_create: false,
            success_after_queries: None,
            forced: None,
            spoil: None,
            options,
        }
    }

    pub(crate) fn paced(&self, ms: i64) -> i64 {
        ms.checked_div(self.fast).unwrap_or(ms)
    }

    /// Runs every timer due by `now`, in order.
    pub(crate) fn pass(&mut self, now: Millis) {
        while let Some((when, timer)) = self.timers.pop(now) {
            self.strike(timer, when);
        }
    }

    fn strike(&mut self, timer: Timer, when: Millis) {
        match timer {
            Timer::PayEnds(number) => self.end_pay(&number, when),
            Timer::PayLater(number) => {
                if self.state_of(&number) == Some(State::Paying) {
                    self.capture(&number, &[], "00", when);
                }
            }
            Timer::FailLater(number) => self.fail(&number, "01", when),
            Timer::RefundEnds(number) => self.end_back(&number, when),
            Timer::LateReturns(number) => {
                // The money goes back by itself, unless the merchant gave it back first.
                let whole = self.ledger.get(&number).is_some_and(|e| e.status == State::Paid && e.remaining() == e.total);
                if whole && self.ledger.reverse(&number).is_ok() {
                    self.forget(&number);
                }
            }
        }
    }

    /// After payTimeout nothing can be paid (pack §1.3), unless late money is asked for.
    fn end_pay(&mut self, number: &str, when: Millis) {
        let open = self.state_of(number).is_some_and(|state| matches!(state, State::Created | State::Paying));
        let Some(order) = self.orders.get(number).filter(|_| open) else { return };
        if order.product == Product::Barcode {
            self.fail(number, "01", when);
        } else if !self.late_money && self.ledger.close(number).is_ok() {
            self.forget(number);
        }
    }

    pub(crate) fn entry(&self, number: &str) -> Option<(&Order, &Entry)> {
        self.orders.get(number).zip(self.ledger.get(number))
    }

    pub(crate) fn state_of(&self, number: &str) -> Option<State> {
        self.ledger.get(number).map(|entry| entry.status)
    }

    /// Refunds and undos have numbers of the same kind, and none is used twice. The real rule is once per transaction date
    /// (pack §6); the books know a number for ever, so here it is for ever.
    pub(crate) fn is_used(&self, number: &str) -> bool {
        self.orders.contains_key(number) || self.backs.contains_key(number)
    }

    /// Opens the books for a new order and sets the clock of its end. The number is free: the caller looked.
    pub(crate) fn admit(&mut self, number: &str, total: Fen, order: Order, now: Millis) {
        if self.ledger.open("unionpay", number, total, now).is_err() {
            return;
        }
        if order.product != Product::Barcode || order.has_timeout {
            self.timers.at(order.pay_until.plus_ms(1), Timer::PayEnds(number.to_owned()));
        }
        self.orders.insert(number.to_owned(), order);
    }

    /// traceNo counts; queryId is two digits, YYMMDDhhmmss, traceNo and a digit, as the published ones are (pack §5).
    pub(crate) fn trace(&mut self, number: &str, now: Millis) -> Trace {
        self.traces = self.traces.wrapping_add(1);
        let trace_no = format!("{:06}", self.traces.checked_rem(1_000_000).unwrap_or(0));
        let at = now.second().compact();
        let query_id = format!("{}{}{trace_no}{}", self.draw.digits(2), at.get(2..).unwrap_or_default(), self.draw.digits(1));
        self.serials.insert(query_id.clone(), number.to_owned());
        Trace { at: now, number: trace_no, query_id }
    }

    /// The payment reached the payer's bank.
    pub(crate) fn traced(&mut self, number: &str, now: Millis) {
        if self.orders.get(number).is_some_and(|order| order.trace.is_none()) {
            let trace = self.trace(number, now);
            if let Some(order) = self.orders.get_mut(number) {
                order.trace = Some(trace);
            }
        }
    }

    /// Takes the money: ledger first, then the channel's own record, then the notice. Answers whether it was taken.
    pub(crate) fn capture(&mut self, number: &str, discounts: &[Discount], code: &'static str, now: Millis) -> bool {
        let Some(total) = self.ledger.get(number).map(|entry| entry.total) else { return false };
        let payer_total = discounts.iter().try_fold(total, |left, d| left.minus(d.amount)).filter(|left| left.0 >= 0);
        let Some(payer_total) = payer_total else { return false };
        if self.ledger.capture(number, payer_total, now).is_err() {
            return false;
        }
        if let Some(order) = self.orders.get_mut(number).filter(|order| order.product != Product::Barcode) {
            // A try that failed had a trace of its own.
            order.trace = None;
        }
        self.traced(number, now);
        self.forget(number);
        if let Some(order) = self.orders.get_mut(number) {
            order.settled = Some(Settled { at: now, code, discounts: discounts.to_vec() });
        }
        if code == "42" {
            // Late money is not announced: it shows in queries and goes back.
            self.timers.at(now.plus_ms(self.paced(LATE_RETURN_S.saturating_mul(1000))), Timer::LateReturns(number.to_owned()));
        } else {
            self.announce(number, now);
        }
        true
    }

    /// Ends a barcode payment without money. Back-office transactions are told of at their end, whatever it is (pack §5).
    pub(crate) fn fail(&mut self, number: &str, code: &'static str, now: Millis) {
        if self.ledger.fail(number).is_err() {
            return;
        }
        self.forget(number);
        if let Some(order) = self.orders.get_mut(number) {
            order.failure = Some(code);
        }
        self.announce(number, now);
    }

    fn announce(&mut self, number: &str, now: Millis) {
        let Some(url) = self.orders.get(number).map(|order| order.back_url.clone()) else { return };
        let due = now.plus_ms(self.paced(self.options.notice_delay_ms));
        self.post.announce(number, News::Payment, url, now, due, &mut self.draw);
    }

    /// An order that can no longer be paid has no live code.
    pub(crate) fn forget(&mut self, number: &str) {
        let Some(order) = self.orders.get_mut(number) else { return };
        if let Some(link) = order.link.take() {
            self.links.remove(&link);
        }
        if let Some(code) = &order.auth_code {
            self.typing.remove(code);
        }
    }
}
