//! The payer's phone: scanning, payment codes, the password.

use crate::order::Product;
use crate::sim::WechatSim;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Complaint, Draw, Outcome, Scan, Scanned, State, Waiting};

impl WechatSim {
    /// 18 digits, first two 10 to 14 (pack §3.6), never a magic one: the third digit is not 9.
    pub(crate) fn issue(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        loop {
            let code = fresh_code(&mut self.draw);
            if self.codes.issue(&code, behaviour, balance, now) {
                return code;
            }
        }
    }

    pub(crate) fn use_code(&mut self, code: &str, number: &str) {
        self.codes.take(code, "wechat", number);
        // A code used again under magic rules belongs to the newest order.
        if let Some(order) = self.orders.get_mut(number) {
            order.auth_code = Some(code.to_owned());
        }
    }

    pub(crate) fn type_password(&mut self, code: &str, now: Millis) -> Result<(), Complaint> {
        let Some(number) = self.typing.get(code).cloned() else {
            return Err(Complaint("no order waits for the password of this code".to_owned()));
        };
        if self.orders.get(&number).is_some_and(|o| o.stubborn) {
            return Err(Complaint("this code never finishes: its order stays in progress until it is reversed".to_owned()));
        }
        if self.capture(&number, &[], now) { Ok(()) } else { Err(Complaint("the order can no longer be paid".to_owned())) }
    }

    pub(crate) fn scanned(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        let number = self.meant(scan.content, now)?;
        if scan.wallet.is_some_and(|wallet| wallet != Wallet::Wechat) {
            return Err(Complaint("only WeChat opens this code".to_owned()));
        }
        let complain = |text: &str| Err(Complaint(text.to_owned()));
        let Some((order, entry)) = self.entry(&number) else { return complain("no such order") };
        match entry.status {
            State::Created => {}
            State::Paying if !order.stubborn => {}
            State::Paying => return complain("this order never finishes by itself"),
            State::Paid => return complain("the order was paid before"),
            State::Closed => return complain("the order is closed"),
            State::Reversed => return complain("the order was reversed"),
            State::Failed => return complain("the payment failed before"),
        }
        if now > order.pay_until {
            return complain("the order has expired");
        }
        let barcode = order.product == Product::Codepay;
        let paid = match scan.outcome {
            Outcome::Abandon => false,
            Outcome::Decline => {
                // Leaving the cashier changes nothing; refusing the password ends a barcode payment.
                if barcode {
                    self.fail(&number);
                }
                false
            }
            Outcome::Pay if self.capture(&number, scan.discounts, now) => true,
            Outcome::Pay => return complain("the discounts are more than the order"),
        };
        Ok(Scanned { out_trade_no: number, paid })
    }

    /// The order that QR text, link, prepay id, a cashier's parameters or `wechat:NUMBER` mean.
    fn meant(&self, content: &str, now: Millis) -> Result<String, Complaint> {
        let content = content.trim();
        let number = content.strip_prefix("wechat:").unwrap_or(content);
        if self.orders.contains_key(number) {
            return Ok(number.to_owned());
        }
        let words = content.split(|c: char| !c.is_ascii_alphanumeric());
        let Some(link) = words.filter(|w| w.len() > 8).find_map(|w| self.links.get(w)) else {
            return Err(Complaint("this is no live code, link or order number of the WeChat sandbox".to_owned()));
        };
        if now > link.until { Err(Complaint("the code has expired".to_owned())) } else { Ok(link.number.clone()) }
    }

    /// What can be paid now, in order of number.
    pub(crate) fn waiting_list(&self) -> Vec<Waiting> {
        let open = self.orders.iter().filter_map(|(number, order)| self.ledger.get(number).map(|entry| (order, entry)));
        let show = |(order, entry): (&crate::order::Order, &sluice_simkit::Entry)| {
            let paying = entry.status == State::Paying;
            if !(paying || entry.status == State::Created && order.product != Product::Codepay) {
                return None;
            }
            Some(Waiting {
                out_trade_no: entry.out_trade_no.clone(),
                content: format!("wechat:{}", entry.out_trade_no),
                subject: order.description.clone(),
                total: entry.total,
                method: order.product.method().to_owned(),
                auth_code: order.auth_code.clone().filter(|_| paying),
            })
        };
        open.filter_map(show).collect()
    }
}

fn fresh_code(draw: &mut Draw) -> String {
    format!("1{}{}{}", draw.below(5), draw.below(9), draw.digits(15))
}
