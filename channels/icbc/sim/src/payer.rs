//! The payer's phone: scanning, payment codes, the password.

use crate::fail::Family;
use crate::order::Product;
use crate::post::What;
use crate::sim::IcbcSim;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Complaint, Outcome, Scan, Scanned, State, Waiting};

fn complain<T>(text: &str) -> Result<T, Complaint> {
    Err(Complaint(text.to_owned()))
}

impl IcbcSim {
    /// 62 and 17 digits (pack §3), never a magic one: the third digit is not 9.
    pub(crate) fn issue(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        loop {
            let code = format!("62{}{}", self.draw.below(9), self.draw.digits(16));
            if self.codes.issue(&code, behaviour, balance, now) {
                return code;
            }
        }
    }

    pub(crate) fn type_password(&mut self, code: &str, now: Millis) -> Result<(), Complaint> {
        let Some(number) = self.typing.get(code).cloned() else { return complain("no order waits for the password of this code") };
        if self.orders.get(&number).is_some_and(|o| o.stubborn) {
            return complain("this code never finishes: its order stays in progress until it is reversed");
        }
        if self.capture(&number, Wallet::Icbc, &[], now) { Ok(()) } else { complain("the order can no longer be paid") }
    }

    pub(crate) fn scanned(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        let number = self.shown(scan.content, now)?;
        let Some((order, entry)) = self.entry(&number) else { return complain("no such order") };
        let (product, total, status) = (order.product, entry.total, entry.status);
        match status {
            State::Created => {}
            State::Paying if !order.stubborn => {}
            State::Paying => return complain("this order never finishes by itself"),
            State::Paid => return complain("the order was paid before"),
            State::Closed => return complain("the order is closed"),
            State::Reversed => return complain("the order was reversed"),
            State::Failed => return complain("the payment failed before"),
        }
        let open = self.wallets(product);
        let usual = if product == Product::Page { Some(&Wallet::Icbc) } else { open.first() };
        let wallet = match scan.wallet.or(usual.copied()) {
            Some(wallet) if open.contains(&wallet) => wallet,
            _ => return complain("this app does not open the code"),
        };
        let paid = match scan.outcome {
            Outcome::Abandon => false,
            Outcome::Decline => {
                self.declined(&number, product, now);
                false
            }
            Outcome::Pay if wallet == Wallet::Icbc && self.over_limit(total) => {
                return complain("99000007: over the limit of the payer's means of authentication");
            }
            Outcome::Pay if self.capture(&number, wallet, scan.discounts, now) => true,
            Outcome::Pay => return complain("the discounts are more than the order"),
        };
        Ok(Scanned { out_trade_no: number, paid })
    }

    /// Refusing the password ends a barcode payment. Elsewhere the payer may come again, and still the failed try is told (pack
    /// §1.9: notified is not paid, and failed is not the end).
    fn declined(&mut self, number: &str, product: Product, now: Millis) {
        if product == Product::Code {
            self.fail(number);
        } else {
            self.announce(number, What::Failed, now);
        }
    }

    /// The order that a number, a code, a link, an app's parameters or a page's address mean.
    fn shown(&mut self, content: &str, now: Millis) -> Result<String, Complaint> {
        let content = content.trim();
        let number = content.strip_prefix("icbc:").unwrap_or(content);
        if self.orders.contains_key(number) {
            return Ok(number.to_owned());
        }
        let words = content.split(|c: char| !c.is_ascii_alphanumeric());
        if let Some(known) = words.filter(|w| w.len() > 8).find_map(|w| self.links.get(w)) {
            return Ok(known.clone());
        }
        match self.brought(content, now) {
            Some(arrived) => arrived,
            None => complain("this is no live code, link, page or order number of the ICBC sandbox"),
        }
    }

    /// What can be paid now, in order of number.
    pub(crate) fn waiting_list(&self) -> Vec<Waiting> {
        let open = self.orders.iter().filter_map(|(number, order)| self.ledger.get(number).map(|entry| (order, entry)));
        let shown = open.filter(|(order, entry)| match entry.status {
            State::Paying => true,
            State::Created => order.product.seen_by(Family::B) || order.product == Product::Qr,
            _ => false,
        });
        let show = |(order, entry): (&crate::order::Order, &sluice_simkit::Entry)| Waiting {
            out_trade_no: entry.out_trade_no.clone(),
            content: format!("icbc:{}", entry.out_trade_no),
            subject: order.subject.clone(),
            total: entry.total,
            method: order.method.to_owned(),
            auth_code: order.auth_code.clone().filter(|_| entry.status == State::Paying),
        };
        shown.map(show).collect()
    }
}
