//! The payer's phone: scanning, payment codes, the password.

use crate::order::Product;
use crate::sim::AlipaySim;
use crate::wire::Params;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Complaint, Draw, Outcome, Scan, Scanned, State, Waiting};

fn complain<T>(text: &str) -> Result<T, Complaint> {
    Err(Complaint(text.to_owned()))
}

impl AlipaySim {
    /// 18 digits from 25 to 28 (pack §7), never a magic one: the third digit is not 9.
    pub(crate) fn issue(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        loop {
            let code = fresh_code(&mut self.draw);
            if self.codes.issue(&code, behaviour, balance, now) {
                return code;
            }
        }
    }

    pub(crate) fn type_password(&mut self, code: &str, now: Millis) -> Result<(), Complaint> {
        let Some(number) = self.typing.get(code).cloned() else { return complain("no order waits for the password of this code") };
        if self.orders.get(&number).is_some_and(|o| o.stubborn) {
            return complain("this code never finishes: its order waits until it is cancelled or its time is over");
        }
        if self.capture(&number, &[], now) { Ok(()) } else { complain("the order can no longer be paid") }
    }

    pub(crate) fn scanned(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        let number = self.pointed_at(scan.content, now)?;
        if scan.wallet.is_some_and(|wallet| wallet != Wallet::Alipay) {
            return complain("only Alipay opens this code");
        }
        if !self.orders.contains_key(&number) && !self.payer_comes(&number, scan, now)? {
            return Ok(Scanned { out_trade_no: number, paid: false });
        }
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
        let paid = match scan.outcome {
            Outcome::Abandon => false,
            Outcome::Decline => {
                // Leaving the cashier changes nothing; refusing the password ends a barcode payment.
                if order.product == Product::Barcode {
                    self.fail(&number);
                }
                false
            }
            Outcome::Pay if self.capture(&number, scan.discounts, now) => true,
            Outcome::Pay => return complain("the discounts are more than the order"),
        };
        Ok(Scanned { out_trade_no: number, paid })
    }

    /// The trade comes to be with its payer (pack §3.1): a QR code's or a page's when it is looked at, that of wap and app
    /// after password or login, so not when the payer only looks. Answers whether there is one now.
    fn payer_comes(&mut self, number: &str, scan: &Scan<'_>, now: Millis) -> Result<bool, Complaint> {
        let Some(draft) = self.drafts.get(number).cloned() else { return complain("no such order") };
        if now > draft.until {
            return complain("the code or page has expired");
        }
        let given = scan.discounts.iter().fold(0_i64, |sum, d| sum.saturating_add(d.amount.0));
        if given > draft.total.0 {
            return complain("the discounts are more than the order");
        }
        if draft.order.product.tells_ends() && scan.outcome == Outcome::Abandon {
            return Ok(false);
        }
        self.admit(number, draft.total, draft.order, now);
        Ok(true)
    }

    /// The order that a QR text, a page's address, an order string, a trade number or `alipay:NUMBER` mean.
    fn pointed_at(&mut self, content: &str, now: Millis) -> Result<String, Complaint> {
        let content = content.trim();
        let number = content.strip_prefix("alipay:").unwrap_or(content);
        if self.orders.contains_key(number) || self.drafts.contains_key(number) {
            return Ok(number.to_owned());
        }
        if let Some(number) = self.by_trade.get(number) {
            return Ok(number.clone());
        }
        if content.contains("method=") && content.contains("sign=") {
            let query = content.split_once('?').map_or(content, |(_, query)| query);
            let params = Params::of_text(query).ok_or_else(|| Complaint("this is no form text".to_owned()))?;
            return self.arrive(&params, now).map_err(|fail| Complaint(format!("Alipay refuses it: {} {}", fail.code, fail.sub_code)));
        }
        let token = content.rsplit('/').next().unwrap_or_default();
        match self.links.get(token) {
            Some(number) => Ok(number.clone()),
            None => complain("this is no live code, link or order number of the Alipay sandbox"),
        }
    }

    /// What can be paid now: trades, then codes and pages nobody came to yet.
    pub(crate) fn waiting_list(&self) -> Vec<Waiting> {
        let mut list = Vec::new();
        for (number, order) in &self.orders {
            let Some(entry) = self.ledger.get(number).filter(|e| matches!(e.status, State::Created | State::Paying)) else { continue };
            list.push(Waiting {
                out_trade_no: number.clone(),
                content: format!("alipay:{number}"),
                subject: order.subject.clone(),
                total: entry.total,
                method: order.product.method().to_owned(),
                auth_code: order.auth_code.clone(),
            });
        }
        list.extend(self.drafts.iter().map(|(number, draft)| Waiting {
            out_trade_no: number.clone(),
            content: draft.content.clone(),
            subject: draft.order.subject.clone(),
            total: draft.total,
            method: draft.order.product.method().to_owned(),
            auth_code: None,
        }));
        list
    }
}

fn fresh_code(draw: &mut Draw) -> String {
    format!("2{}{}{}", draw.below(4).saturating_add(5), draw.below(9), draw.digits(15))
}
