//! The payer's phone: scanning, payment codes, the password.

use crate::create::QR_PREFIX;
use crate::order::{Kind, Order, pay_type};
use crate::sim::CmbSim;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Complaint, Entry, Outcome, Scan, Scanned, State, Waiting};

impl CmbSim {
    /// UnionPay's shape, 62 and 17 digits (pack §3), never a magic one and never one that looks like CCB's.
    pub(crate) fn issue(&mut self, behaviour: Behaviour, balance: Fen, now: Millis) -> String {
        loop {
            let code = format!("6210{}", self.draw.digits(15));
            if self.codes.issue(&code, behaviour, balance, now) {
                return code;
            }
        }
    }

    pub(crate) fn type_password(&mut self, code: &str, now: Millis) -> Result<(), Complaint> {
        let Some(number) = self.typing.get(code).cloned() else {
            return Err(Complaint("no order waits for the password of this code".to_owned()));
        };
        if self.orders.get(&number).is_some_and(|o| o.stubborn) {
            return Err(Complaint("this code never finishes: its order stays in progress until it is cancelled".to_owned()));
        }
        if self.capture(&number, &[], now) { Ok(()) } else { Err(Complaint("the order can no longer be paid".to_owned())) }
    }

    pub(crate) fn scanned(&mut self, scan: &Scan<'_>, now: Millis) -> Result<Scanned, Complaint> {
        let number = self.read(scan.content)?;
        let complain = |text: &str| Err(Complaint(text.to_owned()));
        let Some((order, entry)) = self.entry(&number) else { return complain("no such order") };
        match entry.status {
            State::Created if order.kind == Kind::Qr => {}
            State::Paying if !order.stubborn => {}
            State::Created | State::Paying => return complain("this order never finishes by itself"),
            State::Paid => return complain("the order was paid before"),
            State::Closed => return complain("the order is closed"),
            State::Reversed => return complain("the order was reversed"),
            State::Failed => return complain("the payment failed before"),
        }
        // Who scanned first, or whose code it is: another wallet is refused (pack §2.4).
        let (held, wallet) = (order.wallet, scan.wallet.or(order.wallet).unwrap_or(Wallet::Cmb));
        if held.is_some_and(|held| pay_type(held) != pay_type(wallet)) {
            return complain("another wallet has this order");
        }
        let code_order = order.kind == Kind::Code;
        if let Some(order) = self.orders.get_mut(&number) {
            order.wallet = Some(held.unwrap_or(wallet));
        }
        let paid = match scan.outcome {
            Outcome::Abandon => false,
            Outcome::Decline => {
                // Leaving the cashier changes nothing; refusing the password ends a payment by code.
                if code_order {
                    self.fail(&number);
                }
                false
            }
            Outcome::Pay if self.capture(&number, scan.discounts, now) => true,
            Outcome::Pay => return complain("the discounts are more than the order"),
        };
        Ok(Scanned { out_trade_no: number, paid })
    }

    /// The order that a QR text, a number or `cmb:NUMBER` means.
    fn read(&self, content: &str) -> Result<String, Complaint> {
        let content = content.trim();
        let number = content.strip_prefix("cmb:").unwrap_or(content);
        if self.orders.contains_key(number) {
            return Ok(number.to_owned());
        }
        let token = content.strip_prefix(QR_PREFIX).map(|rest| rest.split(['?', '#']).next().unwrap_or_default());
        let found = token.and_then(|token| self.tokens.get(token)).cloned();
        found.ok_or_else(|| Complaint("this is no QR text or order number of the CMB sandbox".to_owned()))
    }

    /// What can be paid now, in order of number.
    pub(crate) fn waiting_list(&self) -> Vec<Waiting> {
        let open = self.orders.keys().filter_map(|number| self.entry(number));
        open.filter_map(|(order, entry)| show(order, entry)).collect()
    }
}

fn show(order: &Order, entry: &Entry) -> Option<Waiting> {
    let paying = entry.status == State::Paying;
    if !(paying || entry.status == State::Created && order.kind == Kind::Qr) {
        return None;
    }
    Some(Waiting {
        out_trade_no: entry.out_trade_no.clone(),
        content: match &order.token {
            Some(token) => format!("{QR_PREFIX}{token}"),
            None => format!("cmb:{}", entry.out_trade_no),
        },
        subject: order.subject.clone(),
        total: entry.total,
        method: order.kind.method().to_owned(),
        auth_code: order.auth_code.clone().filter(|_| paying),
    })
}
