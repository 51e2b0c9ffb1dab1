//! The state of a pretend WeChat Pay and what moves it besides calls: time and bookings.

use crate::bill::Bills;
use crate::keys::Keys;
use crate::oauth::OAuth;
use crate::options::{KeyMode, Options, RefundFate};
use crate::order::{Order, Product, Promotion, Revoked, Settled};
use crate::party::APPS;
use crate::post::{News, RETRY_S};
use crate::refund::Refunding;
use sluice_contract::{Discount, Fen, Millis};
use sluice_simkit::keys::{KeySource, os_draw, secret};
use sluice_simkit::{Codes, Draw, Entry, Ledger, Post, State, Timers};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Auto-revocation of a barcode order that nobody finishes (pack §5.3).
const AUTO_REVOKE_MS: i64 = 45_000;
/// An unpaid order closes by itself (pack §3.8).
const AUTO_CLOSE_S: i64 = 7 * 86_400;

/// What happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    AutoClose(String),
    AutoRevoke(String),
    /// The payer of a magic code types the password.
    PayLater(String),
    RefundEnds(String),
}

/// A live prepay id or code token.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) number: String,
    pub(crate) until: Millis,
}

/// The pretend WeChat Pay. Open it with [`WechatSim::open`]; drive it through [`sluice_simkit::Simulator`].
pub struct WechatSim {
    pub(crate) options: Options,
    pub(crate) mode: KeyMode,
    pub(crate) fast: i64,
    pub(crate) refund_fate: RefundFate,
    /// Whether the merchant's balance can pay refunds.
    pub(crate) funded: bool,
    pub(crate) keys: Keys,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) by_transaction: BTreeMap<String, String>,
    pub(crate) refunds: BTreeMap<String, Refunding>,
    pub(crate) links: BTreeMap<String, Link>,
    pub(crate) codes: Codes,
    /// Payment codes whose order waits for the payer.
    pub(crate) typing: BTreeMap<String, String>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) post: Post<News>,
    pub(crate) bills: Bills,
    pub(crate) oauth: OAuth,
    /// The address clients were told, for links when a call has no `Host`.
    pub(crate) base_url: Mutex<String>,
}

impl WechatSim {
    #[must_use]
    pub fn open(options: Options) -> WechatSim {
        let keys = Keys::open(&options);
        let (mut draw, fresh) = match options.keys {
            KeySource::Fixed => (Draw::new(options.seed), false),
            KeySource::Fresh => (os_draw(), true),
        };
        let secrets = APPS.map(|app| (app.to_owned(), if fresh { secret() } else { draw.hex(16) }));
        WechatSim {
            mode: options.mode,
            fast: options.fast.max(1),
            refund_fate: RefundFate::Success,
            funded: true,
            keys,
            draw,
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            by_transaction: BTreeMap::new(),
            refunds: BTreeMap::new(),
            links: BTreeMap::new(),
            codes: Codes::default(),
            typing: BTreeMap::new(),
            timers: Timers::default(),
            post: Post::new(&RETRY_S),
            bills: Bills::default(),
            oauth: OAuth::new(secrets),
            base_url: Mutex::new("https://api.mch.weixin.qq.com".to_owned()),
            options,
        }
    }

    /// A new platform certificate takes over; the former stays listed and valid.
    pub fn rotate_platform_key(&mut self) {
        self.keys.rotate(&mut self.draw);
    }

    pub fn set_key_mode(&mut self, mode: KeyMode) {
        self.mode = mode;
    }

    /// How refunds accepted from now on end.
    pub fn set_refund_fate(&mut self, fate: RefundFate) {
        self.refund_fate = fate;
    }

    /// Whether refunds find money; without it they answer `NOT_ENOUGH` and the same number may be repeated.
    pub fn set_merchant_funds(&mut self, funded: bool) {
        self.funded = funded;
    }

    pub fn set_probe_callbacks(&mut self, on: bool) {
        self.options.probe_callbacks = on;
    }

    /// An order is paid the moment it is created: its callback comes before its answer was read.
    pub fn set_pay_on_create(&mut self, on: bool) {
        self.options.pay_on_create = on;
    }

    /// The platform serial or public key id that signs now, as `Wechatpay-Serial` would say it (certificate in mixed mode).
    #[must_use]
    pub fn platform_serial(&self) -> &str {
        match self.mode {
            KeyMode::PublicKey => &self.keys.public.serial,
            _ => self.keys.certificates.last().map_or(self.keys.public.serial.as_str(), |c| c.signer.serial.as_str()),
        }
    }

    /// Probes (`WECHATPAY/SIGNTEST/`) that were answered as if they were true: each is a hole in the receiver.
    #[must_use]
    pub const fn probes_swallowed(&self) -> u32 {
        self.post.probes_swallowed
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
            Timer::AutoClose(number) => {
                if self.ledger.close(&number).is_ok() {
                    self.forget_links(&number);
                }
            }
            Timer::AutoRevoke(number) => {
                if self.state_of(&number).is_some_and(|s| matches!(s, State::Created | State::Paying)) {
                    self.revoke(&number, when);
                }
            }
            Timer::PayLater(number) => {
                if self.state_of(&number) == Some(State::Paying) {
                    self.capture(&number, &[], when);
                }
            }
            Timer::RefundEnds(number) => self.end_refund(&number, when),
        }
    }

    pub(crate) fn entry(&self, number: &str) -> Option<(&Order, &Entry)> {
        self.orders.get(number).zip(self.ledger.get(number))
    }

    pub(crate) fn state_of(&self, number: &str) -> Option<State> {
        self.ledger.get(number).map(|e| e.status)
    }

    /// Opens the books for a new order and sets the clock of its end. The number is free: the caller looked.
    pub(crate) fn admit(&mut self, number: &str, total: Fen, order: Order, now: Millis) {
        if self.ledger.open("wechat", number, total, now).is_err() {
            return;
        }
        if order.product == Product::Codepay {
            let when = now.plus_ms(self.paced(AUTO_REVOKE_MS));
            self.timers.at(when, Timer::AutoRevoke(number.to_owned()));
        } else {
            let last = Millis(order.pay_until.0.max(now.plus_s(AUTO_CLOSE_S).0));
            self.timers.at(last, Timer::AutoClose(number.to_owned()));
        }
        self.orders.insert(number.to_owned(), order);
    }

    /// Takes the money: ledger first, then the channel's own record, then the callback. Answers whether it was taken.
    pub(crate) fn capture(&mut self, number: &str, discounts: &[Discount], now: Millis) -> bool {
        let Some(total) = self.ledger.get(number).map(|e| e.total) else { return false };
        let payer_total = discounts.iter().try_fold(total, |left, d| left.minus(d.amount)).filter(|left| left.0 >= 0);
        let Some(payer_total) = payer_total else { return false };
        if self.ledger.capture(number, payer_total, now).is_err() {
            return false;
        }
        let transaction_id =
            format!("42000{}{}{}", self.draw.digits(5), now.second().day().to_string().replace('-', ""), self.draw.digits(10));
        let promotions = discounts.iter().map(|d| Promotion { coupon_id: self.draw.digits(6), discount: d.clone() }).collect::<Vec<_>>();
        self.forget_links(number);
        self.by_transaction.insert(transaction_id.clone(), number.to_owned());
        let Some(order) = self.orders.get_mut(number) else { return true };
        let openid = order.openid.clone().unwrap_or_else(|| crate::oauth::openid(&order.parties.appid, crate::oauth::FIRST_USER));
        order.settled = Some(Settled { transaction_id, openid, at: now, promotions });
        if let Some(url) = order.notify_url.clone() {
            let due = now.plus_ms(self.paced(self.options.callback_delay_ms));
            self.post.announce_after_probe(number, News::Paid, url, now, due, self.options.probe_callbacks, &mut self.draw);
        }
        true
    }

    /// Reverses in the books; money that was taken goes back.
    pub(crate) fn revoke(&mut self, number: &str, now: Millis) {
        let paid = self.state_of(number) == Some(State::Paid);
        let before = self.state_of(number);
        if before == Some(State::Reversed) || self.ledger.reverse(number).is_err() {
            return;
        }
        let refund_id = self.refund_id(now);
        self.forget_links(number);
        if let Some(order) = self.orders.get_mut(number).filter(|_| paid) {
            order.revoked = Some(Revoked { refund_id, at: now });
        }
    }

    pub(crate) fn refund_id(&mut self, now: Millis) -> String {
        format!("50{}{}{}", self.draw.digits(8), now.second().day().to_string().replace('-', ""), self.draw.digits(11))
    }

    /// An order that can no longer be paid has no live codes.
    pub(crate) fn forget_links(&mut self, number: &str) {
        let Some(order) = self.orders.get_mut(number) else { return };
        for link in order.links.drain(..) {
            self.links.remove(&link);
        }
        if let Some(code) = &order.auth_code {
            self.typing.remove(code);
        }
    }
}
