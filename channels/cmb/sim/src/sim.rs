//! The state of a pretend CMB and what moves it besides calls: time and bookings.

use crate::bill::Bills;
use crate::fail::{Fail, Snag};
use crate::hooks::Script;
use crate::keys::Keys;
use crate::options::{Options, RefundFate};
use crate::order::{Kind, Order, Settled};
use crate::post::{News, RETRY_S};
use crate::refund::Refunding;
use sluice_contract::{Discount, Fen, Millis};
use sluice_simkit::keys::os_draw;
use sluice_simkit::{Codes, Draw, Entry, KeySource, Ledger, Post, State, Timers};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The QR dies unpaid.
    Expires(String),
    /// The payer of a magic code types the password.
    PayLater(String),
    RefundEnds(String),
}

/// The pretend CMB. Open it with [`CmbSim::open`]; drive it through [`sluice_simkit::Simulator`].
pub struct CmbSim {
    pub(crate) options: Options,
    pub(crate) fast: i64,
    pub(crate) refund_fate: RefundFate,
    /// Whether the merchant's balance can pay refunds.
    pub(crate) funded: bool,
    /// Cancel and close answer F and change nothing.
    pub(crate) undo_fails: bool,
    pub(crate) single_limit: Option<Fen>,
    pub(crate) daily_quota: Option<Fen>,
    pub(crate) script: Script,
    pub(crate) keys: Keys,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) refunds: BTreeMap<String, Refunding>,
    /// CMB's own numbers of orders and refunds, to ours.
    pub(crate) by_cmb: BTreeMap<String, String>,
    /// What stands in QR texts.
    pub(crate) tokens: BTreeMap<String, String>,
    pub(crate) codes: Codes,
    /// Payment codes whose order waits for the payer.
    pub(crate) typing: BTreeMap<String, String>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) post: Post<News>,
    pub(crate) bills: Bills,
    /// The address clients were told, for links when a call has no `Host`.
    pub(crate) base_url: Mutex<String>,
}

impl CmbSim {
    #[must_use]
    pub fn open(options: Options) -> CmbSim {
        let (keys, draw) = match options.keys {
            KeySource::Fixed => (Keys::fixed(), Draw::new(options.seed)),
            KeySource::Fresh => (Keys::fresh(), os_draw()),
        };
        CmbSim {
            fast: options.fast.max(1),
            refund_fate: RefundFate::Success,
            funded: true,
            undo_fails: false,
            single_limit: None,
            daily_quota: None,
            script: Script::default(),
            keys,
            draw,
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            refunds: BTreeMap::new(),
            by_cmb: BTreeMap::new(),
            tokens: BTreeMap::new(),
            codes: Codes::default(),
            typing: BTreeMap::new(),
            timers: Timers::default(),
            post: Post::new(&RETRY_S),
            bills: Bills::default(),
            base_url: Mutex::new("https://api.cmbchina.com".to_owned()),
            options,
        }
    }

    pub(crate) fn paced(&self, ms: i64) -> i64 {
        ms.checked_div(self.fast).unwrap_or(ms)
    }

    /// Runs every timer due by `now`, in order.
    pub(crate) fn pass(&mut self, now: Millis) {
        while let Some((when, timer)) = self.timers.pop(now) {
            match timer {
                Timer::Expires(number) => self.expire(&number),
                Timer::PayLater(number) => {
                    if self.state_of(&number) == Some(State::Paying) {
                        self.capture(&number, &[], when);
                    }
                }
                Timer::RefundEnds(number) => self.end_refund(&number, when),
            }
        }
    }

    fn expire(&mut self, number: &str) {
        if self.ledger.close(number).is_ok()
            && let Some(order) = self.orders.get_mut(number)
        {
            order.expired = true;
        }
    }

    pub(crate) fn entry(&self, number: &str) -> Option<(&Order, &Entry)> {
        self.orders.get(number).zip(self.ledger.get(number))
    }

    pub(crate) fn state_of(&self, number: &str) -> Option<State> {
        self.ledger.get(number).map(|e| e.status)
    }

    /// A number is unique over payments and refunds (pack §2.4); what a taken one answers depends on what it is.
    pub(crate) fn free(&self, number: &str, total: Fen) -> Result<(), Fail> {
        if self.refunds.contains_key(number) {
            return Err(Snag::OrderTwice.into());
        }
        let Some(entry) = self.ledger.get(number) else { return Ok(()) };
        Err(match entry.status {
            State::Paid => Snag::OrderPaid,
            State::Closed | State::Reversed => Snag::OrderInvalid,
            _ if entry.total != total => Snag::AmountDiffers,
            _ => Snag::OrderTwice,
        }
        .into())
    }

    /// The two limits that have codes (pack §2.6).
    pub(crate) fn within_limits(&self, total: Fen, now: Millis) -> Result<(), Fail> {
        if self.single_limit.is_some_and(|most| total > most) {
            return Err(Snag::SingleLimit.into());
        }
        let Some(quota) = self.daily_quota else { return Ok(()) };
        let today = now.second().day();
        let paid = self.ledger.entries().filter(|e| e.paid_at.is_some_and(|at| at.second().day() == today));
        let sum = paid.fold(total.0, |sum, e| sum.saturating_add(e.total.0));
        if sum > quota.0 { Err(Snag::DailyQuota.into()) } else { Ok(()) }
    }

    /// Opens the books for a new order. The number is free: the caller looked.
    pub(crate) fn admit(&mut self, number: &str, total: Fen, order: Order, now: Millis) {
        if self.ledger.open("cmb", number, total, now).is_err() {
            return;
        }
        if order.kind == Kind::Qr {
            self.timers.at(order.pay_until, Timer::Expires(number.to_owned()));
        }
        self.by_cmb.insert(order.cmb_order_id.clone(), number.to_owned());
        self.orders.insert(number.to_owned(), order);
    }

    /// 24 digits with the day inside, as in the document's samples.
    pub(crate) fn cmb_order_id(&mut self, now: Millis) -> String {
        loop {
            let day = now.second().day().compact();
            let id = format!("0032{}{}", day.get(2..).unwrap_or_default(), self.draw.digits(14));
            if !self.by_cmb.contains_key(&id) {
                return id;
            }
        }
    }

    /// Takes the money: ledger first, then the bank's own record, then the callback. Answers whether it was taken.
    pub(crate) fn capture(&mut self, number: &str, discounts: &[Discount], now: Millis) -> bool {
        let Some(total) = self.ledger.get(number).map(|e| e.total) else { return false };
        let payer_total = discounts.iter().try_fold(total, |left, d| if d.amount.0 < 0 { None } else { left.minus(d.amount) });
        let Some(payer_total) = payer_total.filter(|left| left.0 >= 0) else { return false };
        if self.ledger.capture(number, payer_total, now).is_err() {
            return false;
        }
        let settled = Settled {
            at: now,
            discounts: discounts.iter().filter(|d| d.amount.is_positive()).cloned().collect(),
            third_order_id: format!("{}{}", now.second().compact(), self.draw.digits(14)),
            open_id: format!("o{}", self.draw.text(27)),
        };
        let Some(order) = self.orders.get_mut(number) else { return false };
        order.settled = Some(settled);
        let url = order.notify_url.clone();
        self.typing.retain(|_, waiting| waiting != number);
        self.announce(number, News::Paid, url, now);
        true
    }

    pub(crate) fn announce(&mut self, number: &str, news: News, url: String, now: Millis) {
        let due = now.plus_ms(self.paced(self.options.callback_delay_ms));
        self.post.announce(number, news, url, now, due, &mut self.draw);
    }
}
