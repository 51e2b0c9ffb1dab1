//! Query, cancel and close (pack §2.4, §2.6).

use crate::account::MER_ID;
use crate::check::Fields;
use crate::fail::{Fail, Snag};
use crate::order::{Face, Kind};
use crate::sim::CmbSim;
use crate::wire::{Answer, Told};
use serde_json::{Map, json};
use sluice_contract::Millis;
use sluice_simkit::State;

const QUERY_BACK_S: i64 = 15 * 86_400;
const CANCEL_EARLIEST_MS: i64 = 15_000;
const CANCEL_LATEST_S: i64 = 7 * 86_400;

impl CmbSim {
    pub(crate) fn query(&self, fields: &Fields<'_>, now: Millis) -> Answer {
        fields.party()?;
        // The pack lists no ORDERID_NOT_EXIST for this call: a number nobody used is an order that is not there yet.
        let number = self.meant(fields, "orderId", "cmbOrderId")?.map_err(|_| Snag::NoCmbOrder)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::NoCmbOrder)?;
        if now > order.at.plus_s(QUERY_BACK_S) {
            // Which code is open; this one is not among the answers that mean "unpaid".
            return Err(Snag::NoOrder.about("older than 15 days"));
        }
        if order.expired {
            return Err(Snag::OrderInvalid.into());
        }
        // Scanned but not paid is P, not scanned is unpaid.
        if entry.status == State::Created && order.wallet.is_none() {
            return Err(Snag::Unpaid.into());
        }
        Ok(order.json(entry, Face::Query).into())
    }

    /// A payment-code order that is not paid: D when the payer had been asked, C when not.
    pub(crate) fn cancel(&mut self, fields: &Fields<'_>, now: Millis) -> Answer {
        let number = self.to_undo(fields, Kind::Code)?;
        let (order, entry) = self.entry(&number).ok_or(Snag::NoOrder)?;
        if entry.status == State::Reversed {
            return Ok(self.undone(&number, "cancelState", "D"));
        }
        if now > order.at.plus_s(CANCEL_LATEST_S) {
            return Err(Snag::NotAllowed.about("later than 7 days"));
        }
        if now < order.at.plus_ms(self.paced(CANCEL_EARLIEST_MS)) {
            return Err(Snag::TooOften.about("earlier than 15 s"));
        }
        let (status, fails) = (entry.status, self.undo_fails);
        let state = match status {
            _ if fails => "F",
            State::Paying => {
                self.ledger.reverse(&number).map_err(|_| Snag::System)?;
                "D"
            }
            State::Created => {
                self.ledger.close(&number).map_err(|_| Snag::System)?;
                "C"
            }
            // A failed payment has nothing to give back.
            _ => "C",
        };
        self.typing.retain(|_, waiting| *waiting != number || fails);
        Ok(self.undone(&number, "cancelState", state))
    }

    /// Closing again is as good as closing, an expired one too.
    pub(crate) fn close(&mut self, fields: &Fields<'_>) -> Answer {
        let number = self.to_undo(fields, Kind::Qr)?;
        let state = match self.state_of(&number) {
            Some(State::Closed) => "C",
            _ if self.undo_fails => "F",
            _ => {
                self.ledger.close(&number).map_err(|_| Snag::System)?;
                "C"
            }
        };
        Ok(self.undone(&number, "closeState", state))
    }

    fn to_undo(&self, fields: &Fields<'_>, kind: Kind) -> Result<String, Fail> {
        fields.party()?;
        let number = self.meant(fields, "origOrderId", "origCmbOrderId")??;
        let (order, entry) = self.entry(&number).ok_or(Snag::NoOrder)?;
        if order.kind != kind {
            return Err(Snag::NotAllowed.about("another kind of order"));
        }
        if entry.status == State::Paid { Err(Snag::OrderPaid.into()) } else { Ok(number) }
    }

    fn undone(&self, number: &str, name: &str, state: &str) -> Told {
        let cmb_order_id = self.orders.get(number).map_or("", |o| o.cmb_order_id.as_str());
        let mut out = Map::new();
        for (name, value) in [("merId", MER_ID), ("origOrderId", number), ("origCmbOrderId", cmb_order_id), (name, state)] {
            out.insert(name.to_owned(), json!(value));
        }
        out.into()
    }

    /// The order meant by one of two fields; CMB's own number wins. The outer error is a bad request, the inner one a number
    /// that nobody used.
    pub(crate) fn meant(&self, fields: &Fields<'_>, ours: &str, theirs: &str) -> Result<Result<String, Fail>, Fail> {
        if let Some(cmb) = fields.text(theirs, 64)? {
            let number = self.by_cmb.get(cmb).filter(|number| self.orders.contains_key(*number));
            return Ok(number.cloned().ok_or_else(|| Snag::NoCmbOrder.into()));
        }
        if fields.text(ours, 32)?.is_none() {
            return Err(Snag::Undefined.about(&format!("one of {ours} and {theirs} is missing")));
        }
        let number = fields.number(ours)?;
        let known = self.orders.contains_key(number);
        Ok(if known { Ok(number.to_owned()) } else { Err(Snag::NoOrder.into()) })
    }
}
