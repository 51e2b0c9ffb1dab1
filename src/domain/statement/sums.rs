//! Lines added up: of the whole period, by channel and method, by day and by merchant; and the number that tells whether anything came since.

use super::{Booking, Kind};
use sha2::{Digest, Sha256};
use sluice_contract::{Day, Fen};
use std::collections::BTreeMap;

/// What some lines are worth together. All amounts are above zero: what came in, and what went back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Payments, late and duplicate ones among them.
    pub payments: i64,
    pub paid: Fen,
    pub payer: Fen,
    pub discounts: Fen,
    /// Of the payments: those that were late or duplicate.
    pub late: i64,
    pub late_paid: Fen,
    pub refunds: i64,
    pub refunded: Fen,
    pub fee: Fen,
    /// What channels said they gave back of their fees.
    pub fee_refunded: Fen,
    /// Payments at accounts without a tariff: their fee is not known and counts as none.
    pub without_fee: i64,
}

impl Sums {
    /// What is left for the merchant: paid − refunded − fee + fee refunded.
    #[must_use]
    pub fn net(&self) -> Option<Fen> {
        self.paid.minus(self.refunded)?.minus(self.fee)?.plus(self.fee_refunded)
    }

    /// `None`: a sum grew beyond what can be counted in fen.
    #[must_use]
    pub fn with(mut self, line: &Booking) -> Option<Sums> {
        match line.kind() {
            Kind::Refund => {
                self.refunds = self.refunds.checked_add(1)?;
                self.refunded = self.refunded.minus(line.amount())?;
                self.fee_refunded = self.fee_refunded.minus(line.fee().unwrap_or_default())?;
            }
            kind => {
                self.payments = self.payments.checked_add(1)?;
                self.paid = self.paid.plus(line.amount())?;
                self.payer = self.payer.plus(line.payer_amount().unwrap_or_default())?;
                self.discounts = self.discounts.plus(line.discounts()?)?;
                self.fee = self.fee.plus(line.fee().unwrap_or_default())?;
                self.without_fee = self.without_fee.checked_add(i64::from(line.fee().is_none()))?;
                if kind != Kind::Payment {
                    self.late = self.late.checked_add(1)?;
                    self.late_paid = self.late_paid.plus(line.amount())?;
                }
            }
        }
        Some(self)
    }
}

/// A period's sums, while its lines go by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub totals: Sums,
    /// By channel and method.
    pub by: BTreeMap<(String, &'static str), Sums>,
    pub days: BTreeMap<Day, Sums>,
    pub merchants: BTreeMap<String, Sums>,
    /// The sum of all lines' hashes: the same lines in any order give the same.
    mark: u128,
}

impl Tally {
    /// `None`: a sum grew beyond what can be counted in fen.
    #[must_use]
    pub fn add(&mut self, line: &Booking) -> Option<()> {
        self.totals = self.totals.with(line)?;
        let by = self.by.entry((line.attempt.channel.clone(), line.attempt.method.word())).or_default();
        *by = by.with(line)?;
        let day = self.days.entry(line.at().second().day()).or_default();
        *day = day.with(line)?;
        // The name is copied once for a merchant, not once for a line.
        if !self.merchants.contains_key(&line.order.merchant_id) {
            self.merchants.insert(line.order.merchant_id.clone(), Sums::default());
        }
        let merchant = self.merchants.get_mut(&line.order.merchant_id)?;
        *merchant = merchant.with(line)?;
        self.mark = self.mark.wrapping_add(hash(line));
        Some(())
    }

    /// What a statement is called that has exactly these lines: whoever keeps it sees whether something came since.
    #[must_use]
    pub fn version(&self) -> String {
        hex::encode(self.mark.to_be_bytes())
    }
}

/// Everything on a line that is worth something or names it.
fn hash(line: &Booking) -> u128 {
    let (id, seq) = (&line.order.id, line.refund.as_ref().map_or(0, |refund| refund.seq));
    let worth = [Some(line.amount()), line.payer_amount(), line.discounts(), line.fee()];
    let mut hash = Sha256::new();
    hash.update(id.attempt_number(line.attempt.seq));
    for number in [i64::from(seq), line.at().0].into_iter().chain(worth.map(|fen| fen.map_or(i64::MIN, |fen| fen.0))) {
        hash.update(number.to_be_bytes());
    }
    for text in [line.kind().word(), &line.attempt.account, line.attempt.notes.channel_trade_no.as_deref().unwrap_or_default()] {
        hash.update(text);
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest.iter().take(16).fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}
