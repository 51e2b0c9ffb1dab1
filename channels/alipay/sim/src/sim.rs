//! The state of a pretend Alipay and what moves it besides calls: time and bookings.

use crate::bill::Bills;
use crate::hooks::{Odd, Script};
use crate::keys::Keys;
use crate::oauth::OAuth;
use crate::options::{Options, RefundFate};
use crate::order::{Expiry, Order, Part, Settled};
use crate::party::Grants;
use crate::post::{News, RETRY_EAGER_S, RETRY_S};
use crate::refund::Refunding;
use sluice_contract::{Discount, Fen, Millis};
use sluice_simkit::keys::{KeySource, os_draw};
use sluice_simkit::{Codes, Draw, Entry, Ledger, Post, State, Timers};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// The refund window: as contracted, twelve months stated (pack §6).
pub(crate) const WINDOW_S: i64 = 365 * 86_400;

/// What happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    AutoClose(String),
    /// A code or page nobody came to is no good any more.
    DraftEnds(String),
    /// The payer of a magic code types the password.
    PayLater(String),
    RefundEnds(String, String),
}

/// A code or page that may become a trade when the payer comes (pack §2.1, §2.9).
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) order: Order,
    pub(crate) total: Fen,
    pub(crate) content: String,
    pub(crate) until: Millis,
}

/// The pretend Alipay. Open it with [`AlipaySim::open`]; drive it through [`sluice_simkit::Simulator`].
pub struct AlipaySim {
    pub(crate) options: Options,
    pub(crate) fast: i64,
    pub(crate) refund_fate: RefundFate,
    /// Whether the merchant's balance can pay refunds.
    pub(crate) funded: bool,
    pub(crate) keys: Keys,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) drafts: BTreeMap<String, Draft>,
    pub(crate) by_trade: BTreeMap<String, String>,
    /// QR tokens.
    pub(crate) links: BTreeMap<String, String>,
    /// Numbers that were cancelled before there was a trade: not to be used again (pack §2.5).
    pub(crate) burnt: BTreeSet<String>,
    pub(crate) refunds: BTreeMap<(String, String), Refunding>,
    pub(crate) codes: Codes,
    /// Payment codes whose order waits for the payer.
    pub(crate) typing: BTreeMap<String, String>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) post: Post<News>,
    pub(crate) bills: Bills,
    pub(crate) oauth: OAuth,
    pub(crate) grants: Grants,
    pub(crate) script: Vec<Script>,
    pub(crate) odd: Option<Odd>,
    /// How many cancels still answer `retry_flag=Y`.
    pub(crate) cancel_retries: u32,
    /// The address clients were told, for links when a call has no `Host`.
    pub(crate) base_url: Mutex<String>,
}

impl AlipaySim {
    #[must_use]
    pub fn open(options: Options) -> AlipaySim {
        let keys = Keys::open(&options);
        let mut draw = if options.keys == KeySource::Fixed { Draw::new(options.seed) } else { os_draw() };
        AlipaySim {
            refund_fate: RefundFate::Success,
            funded: true,
            keys,
            grants: Grants::open(&mut draw),
            draw,
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            drafts: BTreeMap::new(),
            by_trade: BTreeMap::new(),
            links: BTreeMap::new(),
            burnt: BTreeSet::new(),
            refunds: BTreeMap::new(),
            codes: Codes::default(),
            typing: BTreeMap::new(),
            timers: Timers::default(),
            post: Post::new(if options.immediate_resends { &RETRY_EAGER_S } else { &RETRY_S }),
            bills: Bills::default(),
            oauth: OAuth::default(),
            script: Vec::new(),
            odd: None,
            cancel_retries: 0,
            base_url: Mutex::new("https://openapi.alipay.com".to_owned()),
            fast: options.fast.max(1),
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
                Timer::AutoClose(number) => {
                    self.close_books(&number, when);
                }
                Timer::DraftEnds(number) => {
                    if self.drafts.get(&number).is_some_and(|draft| draft.until <= when) {
                        self.drafts.remove(&number);
                    }
                }
                Timer::PayLater(number) => {
                    if self.state_of(&number) == Some(State::Paying) {
                        self.capture(&number, &[], when);
                    }
                }
                Timer::RefundEnds(number, out_request_no) => self.end_refund(&number, &out_request_no, when),
            }
        }
    }

    pub(crate) fn entry(&self, number: &str) -> Option<(&Order, &Entry)> {
        self.orders.get(number).zip(self.ledger.get(number))
    }

    pub(crate) fn state_of(&self, number: &str) -> Option<State> {
        self.ledger.get(number).map(|e| e.status)
    }

    /// Not refundable any more.
    pub(crate) fn is_finished(&self, order: &Order, now: Millis) -> bool {
        order.finished || order.settled.as_ref().is_some_and(|s| now > s.at.plus_s(WINDOW_S))
    }

    /// A code or page for the payer to come to.
    pub(crate) fn put_draft(&mut self, number: &str, draft: Draft) {
        // The last moment is still good.
        self.timers.at(draft.until.plus_ms(1), Timer::DraftEnds(number.to_owned()));
        self.drafts.insert(number.to_owned(), draft);
    }

    /// The trade comes to be, and the clock of its end starts. The number is free: the caller looked.
    pub(crate) fn admit(&mut self, number: &str, total: Fen, mut order: Order, now: Millis) {
        if self.ledger.open("alipay", number, total, now).is_err() {
            return;
        }
        order.trade_no = format!("{}22001{}", now.second().day().compact(), self.draw.digits(15));
        order.pay_until = match order.expiry {
            Expiry::At(at) => at,
            Expiry::AfterMs(ms) => now.plus_ms(ms),
        };
        self.timers.at(order.pay_until, Timer::AutoClose(number.to_owned()));
        self.by_trade.insert(order.trade_no.clone(), number.to_owned());
        self.drafts.remove(number);
        self.orders.insert(number.to_owned(), order);
    }

    /// Takes the money: ledger first, then the channel's own record, then the callback. Answers whether it was taken.
    pub(crate) fn capture(&mut self, number: &str, discounts: &[Discount], now: Millis) -> bool {
        let Some(total) = self.ledger.get(number).map(|e| e.total) else { return false };
        let own = discounts.iter().try_fold(total, |left, d| left.minus(d.amount)).filter(|left| left.0 >= 0);
        let Some(own) = own.filter(|_| discounts.iter().all(|d| d.amount.0 >= 0)) else { return false };
        if self.ledger.capture(number, own, now).is_err() {
            return false;
        }
        let mut parts: Vec<Part> = own.is_positive().then(|| Part::own(own)).into_iter().collect();
        let given = discounts.iter().filter(|d| d.amount.is_positive());
        parts.extend(given.map(|d| Part::of(d, &mut self.draw)).collect::<Vec<_>>());
        if let Some(order) = self.orders.get_mut(number) {
            order.settled = Some(Settled { at: now, parts });
        }
        self.forget_code(number);
        self.announce(number, News::Paid, now);
        true
    }

    /// Ends an unpaid trade. Answers whether it did.
    pub(crate) fn close_books(&mut self, number: &str, now: Millis) -> bool {
        if self.ledger.close(number).is_err() {
            return false;
        }
        self.forget_code(number);
        if self.orders.get(number).is_some_and(|o| o.product.tells_ends()) {
            self.announce(number, News::Closed, now);
        }
        true
    }

    /// News of a trade, if it has an address for them.
    pub(crate) fn announce(&mut self, number: &str, news: News, now: Millis) {
        let Some(url) = self.orders.get(number).and_then(|o| o.notify_url.clone()) else { return };
        let due = now.plus_ms(self.paced(self.options.callback_delay_ms));
        self.post.announce(number, news, url, now, due, &mut self.draw);
    }

    /// The code of a trade that can no longer be paid is not waited for.
    pub(crate) fn forget_code(&mut self, number: &str) {
        if let Some(code) = self.orders.get(number).and_then(|o| o.auth_code.as_ref())
            && self.typing.get(code).is_some_and(|n| n == number)
        {
            self.typing.remove(code);
        }
    }
}
