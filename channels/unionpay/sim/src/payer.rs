//! The payer's phone: scanning, payment codes, the password.

use crate::message::read;
use crate::order::Product;
use crate::sim::UnionpaySim;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Complaint, Outcome, Scan, Scanned, State, Waiting};

fn complain<T>(text: &str) -> Result<T, Complaint> {
    Err(Complaint(text.to_owned()))
}

impl UnionpaySim {
    /// 62, a product id that is not 99 (those are magic), 15 digits (pack §2.5).
    pub(crate) fn issue(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        loop {
            let code = format!("62{:02}{}", self.draw.below(90), self.draw.digits(15));
            if self.codes.issue(&code, behaviour, balance, now) {
                return code;
            }
        }
    }

    pub(crate) fn type_password(&mut self, code: &str, now: Millis) -> Result<(), Complaint> {
        let Some(number) = self.typing.get(code).cloned() else {
            return complain("no order waits for the password of this code");
        };
        if self.orders.get(&number).is_some_and(|order| order.stubborn) {
            return complain("this code never finishes: its order stays in progress until it is reversed");
        }
        if self.capture(&number, &[], "00", now) { Ok(()) } else { complain("the order can no longer be paid") }
    }

    pub(crate) fn scanned(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        if scan.wallet.is_some_and(|wallet| !matches!(wallet, Wallet::Unionpay | Wallet::Icbc | Wallet::Cmb)) {
            return complain("UnionPay's app and the banks' open this code, no other");
        }
        let number = self.meant(scan.content, now)?;
        let Some((order, entry)) = self.entry(&number) else { return complain("no such order") };
        match entry.status {
            State::Created => {}
            State::Paying if !order.stubborn => {}
            State::Paying => return complain("this order never finishes by itself"),
            State::Paid => return complain("the order was paid before"),
            State::Closed => return complain("the order has expired"),
            State::Reversed => return complain("the order was reversed"),
            State::Failed => return complain("the payment failed before"),
        }
        let (barcode, late) = (order.product == Product::Barcode, order.has_timeout && now > order.pay_until);
        let paid = match scan.outcome {
            Outcome::Abandon => false,
            Outcome::Decline => {
                self.decline(&number, barcode, now);
                false
            }
            Outcome::Pay if self.capture(&number, scan.discounts, if late { "42" } else { "00" }, now) => true,
            Outcome::Pay => return complain("the discounts are more than the order"),
        };
        Ok(Scanned { out_trade_no: number, paid })
    }

    /// A front order that failed can be tried again until payTimeout (pack §4); a barcode cannot.
    fn decline(&mut self, number: &str, barcode: bool, now: Millis) {
        if barcode {
            self.fail(number, "01", now);
        } else {
            self.traced(number, now);
            if let Some(order) = self.orders.get_mut(number) {
                order.failure = Some("01");
            }
        }
    }

    /// The order that a number, a QR address, a `tn`, an app's order string or a front form means. A form creates its order now.
    fn meant(&mut self, content: &str, now: Millis) -> Result<String, Complaint> {
        let content = content.trim();
        let number = content.strip_prefix("unionpay:").unwrap_or(content);
        if self.orders.contains_key(number) {
            return Ok(number.to_owned());
        }
        if let Some((_, query)) = content.split_once("/gateway/api/frontTransReq.do?") {
            let Some(form) = read(query.split('#').next().unwrap_or_default()) else {
                return complain("the form cannot be read");
            };
            return self
                .front(&form, now)
                .map_err(|fail| Complaint(format!("UnionPay refuses the form: {} {}", fail.code, fail.message())));
        }
        let mut words = content.split(|c: char| !c.is_ascii_alphanumeric());
        match words.find_map(|word| self.links.get(word)) {
            Some(number) => Ok(number.clone()),
            None => complain("this is no live code, form, tn or order number of the UnionPay sandbox"),
        }
    }

    /// What can be paid now, in order of number.
    pub(crate) fn waiting_list(&self) -> Vec<Waiting> {
        let open = self.orders.iter().filter_map(|(number, order)| self.ledger.get(number).map(|entry| (order, entry)));
        let show = |(order, entry): (&crate::order::Order, &sluice_simkit::Entry)| {
            let paying = entry.status == State::Paying;
            if !(paying || entry.status == State::Created && order.product != Product::Barcode) {
                return None;
            }
            Some(Waiting {
                out_trade_no: entry.out_trade_no.clone(),
                content: format!("unionpay:{}", entry.out_trade_no),
                subject: order.order_desc.clone().unwrap_or_default(),
                total: entry.total,
                method: order.product.method().to_owned(),
                auth_code: order.auth_code.clone().filter(|_| paying),
            })
        };
        open.filter_map(show).collect()
    }
}
