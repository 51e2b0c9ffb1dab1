//! Hooks by word, for whoever holds only a `Box<dyn Simulator>`: `name` or `name value`.

use crate::options::{AuthMeans, RefundFate};
use crate::sim::IcbcSim;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Complaint, State};

const WORDS: &str = "refund_fate success/fail/pending/stuck | merchant_funds full/none | refund_delay_ms N | callback_delay_ms N | \
     pay_status on/off | wide_states on/off | reverse_same_day on/off | spaced on/off | double_keys on/off | \
     encrypted_callbacks on/off | odd_times on/off | random_discount on/off | points_pay_all on/off | support_apps BITS | \
     auth_means free/sms/card/token/ukey | auth_limit MEANS FEN | begin NUMBER | store NUMBER";

fn unknown() -> Complaint {
    Complaint(format!("unknown hook; there are: {WORDS}"))
}

impl IcbcSim {
    pub(crate) fn hooked(&mut self, word: &str, _now: Millis) -> Result<String, Complaint> {
        let (name, value) = word.split_once(' ').unwrap_or((word, ""));
        let on = || match value {
            "on" => Ok(true),
            "off" => Ok(false),
            _ => Err(unknown()),
        };
        let ms = || value.parse::<i64>().ok().filter(|ms| *ms >= 0).ok_or_else(unknown);
        match name {
            "refund_fate" => self.refund_fate = RefundFate::from_word(value).ok_or_else(unknown)?,
            "merchant_funds" => {
                self.funded = match value {
                    "full" => true,
                    "none" => false,
                    _ => return Err(unknown()),
                }
            }
            "refund_delay_ms" => self.options.refund_delay_ms = ms()?,
            "callback_delay_ms" => self.options.callback_delay_ms = ms()?,
            "pay_status" => self.options.pay_tells_status = on()?,
            "wide_states" => self.options.wide_states = on()?,
            "reverse_same_day" => self.options.reverse_same_day = on()?,
            "spaced" => self.options.spaced = on()?,
            "double_keys" => self.options.double_keys = on()?,
            "encrypted_callbacks" => self.options.encrypted_callbacks = on()?,
            "odd_times" => self.options.odd_times = on()?,
            "random_discount" => self.options.random_discount = on()?,
            "points_pay_all" => self.options.points_pay_all = on()?,
            "support_apps" if value.len() == 4 && value.bytes().all(|b| matches!(b, b'0' | b'1')) => {
                value.clone_into(&mut self.options.support_apps);
            }
            "auth_means" => self.options.auth_means = AuthMeans::from_word(value).ok_or_else(unknown)?,
            "auth_limit" => self.limit(value)?,
            "store" => {
                let named = self.orders.get(value).and_then(|order| order.store_code.clone());
                return named.ok_or_else(|| Complaint("this order names no store".to_owned()));
            }
            "begin" => self.begin_by_hand(value)?,
            _ => return Err(unknown()),
        }
        Ok(String::new())
    }

    fn limit(&mut self, value: &str) -> Result<(), Complaint> {
        let (means, fen) = value.split_once(' ').ok_or_else(unknown)?;
        let means = AuthMeans::from_word(means).ok_or_else(unknown)?;
        let fen: i64 = fen.parse().map_err(|_| unknown())?;
        self.options.auth_limits.retain(|(known, _)| *known != means);
        self.options.auth_limits.push((means, Fen(fen)));
        Ok(())
    }

    /// The payer of an open order is in the middle of it: it can be neither closed nor called failed.
    fn begin_by_hand(&mut self, number: &str) -> Result<(), Complaint> {
        match self.state_of(number) {
            Some(State::Created) if self.ledger.begin(number).is_ok() => Ok(()),
            _ => Err(Complaint("no such order waits for its payer".to_owned())),
        }
    }
}
