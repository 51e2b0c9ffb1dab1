//! The state of a pretend ICBC and what moves it besides calls: time and bookings.

use crate::fail::{Family, Snag};
use crate::keys::Keys;
use crate::options::{Options, RefundFate};
use crate::order::{Order, Product, Settled};
use crate::parts::Parts;
use crate::post::{News, RETRY_S, What};
use crate::refund::Refunding;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Millis, Wallet};
use sluice_simkit::keys::os_draw;
use sluice_simkit::{Codes, Draw, Entry, KeySource, Ledger, Post, State, Timers};
use std::collections::{BTreeMap, BTreeSet};

/// What happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    AutoClose(String),
    /// The payer of a magic code types the password.
    PayLater(String),
    RefundEnds(String),
}

/// The pretend ICBC. Open it with [`IcbcSim::open`]; drive it through [`sluice_simkit::Simulator`].
pub struct IcbcSim {
    pub(crate) options: Options,
    pub(crate) fast: i64,
    pub(crate) refund_fate: RefundFate,
    /// Whether the merchant's balance can pay refunds.
    pub(crate) funded: bool,
    pub(crate) keys: Keys,
    pub(crate) draw: Draw,
    pub(crate) ledger: Ledger,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) by_order_id: BTreeMap<String, String>,
    pub(crate) refunds: BTreeMap<String, Refunding>,
    /// QR texts' tails, prepay ids, `tn`s: the number each means.
    pub(crate) links: BTreeMap<String, String>,
    pub(crate) codes: Codes,
    /// Payment codes whose order waits for the payer.
    pub(crate) typing: BTreeMap<String, String>,
    /// Every `msg_id` that was executed.
    pub(crate) messages: BTreeSet<String>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) post: Post<News>,
    /// What the acknowledgement of a delivery must name.
    pub(crate) acks: BTreeMap<u64, String>,
}

impl IcbcSim {
    #[must_use]
    pub fn open(options: Options) -> IcbcSim {
        IcbcSim {
            fast: options.fast.max(1),
            refund_fate: RefundFate::Success,
            funded: true,
            keys: Keys::open(options.keys),
            draw: if options.keys == KeySource::Fixed { Draw::new(options.seed) } else { os_draw() },
            ledger: Ledger::default(),
            orders: BTreeMap::new(),
            by_order_id: BTreeMap::new(),
            refunds: BTreeMap::new(),
            links: BTreeMap::new(),
            codes: Codes::default(),
            typing: BTreeMap::new(),
            messages: BTreeSet::new(),
            timers: Timers::default(),
            post: Post::new(&RETRY_S),
            acks: BTreeMap::new(),
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
                Timer::AutoClose(number) => self.close(&number),
                Timer::PayLater(number) => {
                    if self.state_of(&number) == Some(State::Paying) {
                        self.capture(&number, Wallet::Icbc, &[], when);
                    }
                }
                Timer::RefundEnds(number) => self.end_refund(&number),
            }
        }
    }

    pub(crate) fn entry(&self, number: &str) -> Option<(&Order, &Entry)> {
        self.orders.get(number).zip(self.ledger.get(number))
    }

    pub(crate) fn state_of(&self, number: &str) -> Option<State> {
        self.ledger.get(number).map(|e| e.status)
    }

    /// The merchant's order as a family knows it. Both numbers, where both are given, must mean the same.
    pub(crate) fn find(&self, mer_id: &str, number: Option<&str>, order_id: Option<&str>, family: Family) -> Result<String, Snag> {
        let unknown = match (family, number) {
            (Family::A, Some(_)) => Snag::NoOrder,
            (Family::A, None) => Snag::NoOrderId,
            (Family::B, _) => Snag::NoBankOrder,
        };
        let by_id = order_id.map(|id| self.by_order_id.get(id).map(String::as_str).ok_or(unknown)).transpose()?;
        let found = by_id.or(number).ok_or(unknown)?;
        if number.is_some_and(|number| number != found) {
            return Err(unknown);
        }
        let order = self.orders.get(found).ok_or(unknown)?;
        if order.mer_id == mer_id && order.product.seen_by(family) { Ok(found.to_owned()) } else { Err(unknown) }
    }

    /// Opens the books for a new order. A number that was used, by whomever, answers 00005031 (pack §1.8).
    pub(crate) fn admit(&mut self, number: &str, total: Fen, mut order: Order, now: Millis) -> Result<(), Snag> {
        self.ledger.open("icbc", number, total, now).map_err(|_| Snag::Repeat)?;
        // Merchant number, six digits of day between constants, and a count: 27 digits (pack §1.6).
        let day = now.second().day().compact();
        let count = self.orders.len().saturating_add(1);
        order.order_id = format!("{}00061{}{count:04}", order.mer_id, day.get(2..).unwrap_or_default());
        self.by_order_id.insert(order.order_id.clone(), number.to_owned());
        if let Some(until) = order.until {
            self.timers.at(until.plus_ms(1), Timer::AutoClose(number.to_owned()));
        }
        self.orders.insert(number.to_owned(), order);
        Ok(())
    }

    /// A text that a scan takes for this order.
    pub(crate) fn link(&mut self, number: &str, token: String) {
        if let Some(order) = self.orders.get_mut(number) {
            order.links.push(token.clone());
            self.links.insert(token, number.to_owned());
        }
    }

    /// Takes the money: ledger first, then the bank's own record, then the callback. Answers whether it was taken.
    pub(crate) fn capture(&mut self, number: &str, wallet: Wallet, discounts: &[Discount], now: Millis) -> bool {
        let Some(total) = self.ledger.get(number).map(|e| e.total) else { return false };
        let drawn = if discounts.is_empty() && wallet == Wallet::Icbc { self.luck(total) } else { Vec::new() };
        let Some(parts) = Parts::of(total, if drawn.is_empty() { discounts } else { &drawn }, wallet) else { return false };
        if self.ledger.capture(number, parts.get(crate::parts::Part::Cash), now).is_err() {
            return false;
        }
        let third = wallet != Wallet::Icbc;
        let third_trade_no = if third { format!("{}{}", now.second().compact(), self.draw.digits(14)) } else { String::new() };
        self.forget_links(number);
        if let Some(order) = self.orders.get_mut(number) {
            order.settled = Some(Settled { wallet, parts, third_trade_no, at: now });
        }
        self.announce(number, What::Paid, now);
        true
    }

    /// What the bank gives by itself: all by points, or a random discount split between merchant and bank.
    fn luck(&mut self, total: Fen) -> Vec<Discount> {
        if self.options.points_pay_all {
            return all_by_points(total);
        }
        if self.options.random_discount { self.random_discount(total) } else { Vec::new() }
    }

    pub(crate) fn random_discount(&mut self, total: Fen) -> Vec<Discount> {
        let most = u64::try_from(total.0).unwrap_or(0) / 4;
        let mut part = |kind, funded_by| {
            let amount = Fen(i64::try_from(self.draw.below(most.saturating_add(1))).unwrap_or(0));
            Discount { kind, funded_by, amount }
        };
        vec![part(DiscountKind::Merchant, FundedBy::Merchant), part(DiscountKind::Bank, FundedBy::Bank)]
    }

    /// Unpaid and never to be paid.
    pub(crate) fn close(&mut self, number: &str) {
        if self.ledger.close(number).is_ok() {
            self.forget_links(number);
        }
    }

    /// Marks the order failed; its code is no longer waited for.
    pub(crate) fn fail(&mut self, number: &str) {
        if self.ledger.fail(number).is_ok() {
            self.forget_links(number);
        }
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

    /// Which apps open this order's code, the usual one first.
    pub(crate) fn wallets(&self, product: Product) -> Vec<Wallet> {
        let four = [Wallet::Icbc, Wallet::Unionpay, Wallet::Wechat, Wallet::Alipay];
        match product {
            Product::Code | Product::Qr => vec![Wallet::Icbc],
            Product::Online(wallet) => vec![wallet],
            Product::Page => four.to_vec(),
            Product::QrAll => {
                let flags = self.options.support_apps.chars();
                four.into_iter().zip(flags).filter(|(_, flag)| *flag == '1').map(|(wallet, _)| wallet).collect()
            }
        }
    }

    /// The limit of the payer's means of authentication (pack §6.3): the bank's, so of its own app only.
    pub(crate) fn over_limit(&self, total: Fen) -> bool {
        let limit = self.options.auth_limits.iter().find(|(means, _)| *means == self.options.auth_means);
        limit.is_some_and(|(_, most)| total > *most)
    }
}

pub(crate) fn all_by_points(total: Fen) -> Vec<Discount> {
    vec![Discount { kind: DiscountKind::Points, funded_by: FundedBy::Bank, amount: total }]
}
