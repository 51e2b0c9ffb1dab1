//! Charging a payment code (pack §2.4, §2.5).
//!
//! Magic codes: 19 digits `6299 KK SS xxxxxxxxxxx`, any number of times, `x` free. "Later" is SS seconds, divided by `fast`.
//!
//! | KK | answer | what happens |
//! |---|---|---|
//! | 01 | 00 | paid at once |
//! | 02 | 05 | paid later |
//! | 03 | 05 | stays in progress until it is reversed |
//! | 04 | 64 | failed, no balance |
//! | 05 | 88 | no such code, no order |
//! | 06 | 03 | paid although the answer does not know it |
//! | 07 | 04 | stays unclear until it is reversed |
//! | 08 | 06 | busy, no order |
//! | 09 | 33 | over the limit, no order |
//! | 10 | 00 | accepted, then fails later |
//! | 11 | 01 | failed, declined |
//! | 12 | A6 | paid with a defect |
//! | 13 | 01 | a used code, no order |
//! | 14 | Z9 | an answer that no list has, paid |
//! | 15 | 00 | accepted, paid later |

use crate::fail::{Fail, message};
use crate::message::Ask;
use crate::order::Product;
use crate::serve::{Answer, fields};
use crate::sign::Fields;
use crate::sim::{Timer, UnionpaySim};
use sluice_contract::Millis;
use sluice_simkit::{Behaviour, Shown};

/// What charging a code comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Paid with this code, answered with that one.
    Pays {
        code: &'static str,
        says: &'static str,
    },
    /// In progress, answered with this code; some time later paid by itself, or when the password is typed.
    Types {
        says: &'static str,
        after_s: Option<i64>,
    },
    Never(&'static str),
    /// Accepted, and fails.
    FailsLater(i64),
    Fails(&'static str),
    /// Nothing is booked.
    Refused(&'static str),
}

impl UnionpaySim {
    pub(crate) fn consume(&mut self, ask: &Ask<'_>, form: &Fields, now: Millis) -> Answer {
        ask.channel_type()?;
        let number = ask.number("orderId")?.to_owned();
        let code = ask.digits("qrNo", 1, 20)?.to_owned();
        let (total, mut order) = self.new_order(ask, form, Product::Barcode, now)?;
        let fate = self.fate(&code, total.0, now);
        if let Fate::Refused(refusal) = fate {
            return Err(Fail::of(refusal));
        }
        order.stubborn = matches!(fate, Fate::Never(_) | Fate::FailsLater(_));
        order.auth_code = Some(code.clone());
        if let Fate::Types { after_s: None, .. } = fate {
            order.queries_left = self.success_after_queries;
        }
        self.codes.take(&code, "unionpay", &number);
        self.admit(&number, total, order, now);
        self.traced(&number, now);
        let says = self.play(&number, &code, fate, now);
        let query_id = self.orders.get(&number).and_then(|order| order.trace.as_ref()).map(|trace| trace.query_id.clone());
        Ok(fields([
            ("respCode", says.to_owned()),
            ("respMsg", message(says)),
            ("queryId", query_id.unwrap_or_default()),
            ("txnAmt", total.0.to_string()),
            ("currencyCode", "156".to_owned()),
        ]))
    }

    fn play(&mut self, number: &str, code: &str, fate: Fate, now: Millis) -> &'static str {
        let later = |sim: &UnionpaySim, seconds: i64| now.plus_ms(sim.paced(seconds.saturating_mul(1000)));
        match fate {
            Fate::Pays { code, says } => {
                self.capture(number, &[], code, now);
                says
            }
            Fate::Types { says, after_s } => {
                self.begin(number, code, says);
                if let Some(seconds) = after_s {
                    self.timers.at(later(self, seconds), Timer::PayLater(number.to_owned()));
                }
                says
            }
            Fate::Never(says) => {
                self.begin(number, code, says);
                says
            }
            Fate::FailsLater(seconds) => {
                self.begin(number, code, "05");
                self.timers.at(later(self, seconds), Timer::FailLater(number.to_owned()));
                "00"
            }
            Fate::Fails(says) => {
                self.fail(number, says, now);
                says
            }
            Fate::Refused(says) => says,
        }
    }

    fn begin(&mut self, number: &str, code: &str, says: &'static str) {
        if self.ledger.begin(number).is_ok() {
            self.typing.insert(code.to_owned(), number.to_owned());
        }
        if let Some(order) = self.orders.get_mut(number) {
            order.pending = if says == "00" { "05" } else { says };
        }
    }

    fn fate(&self, code: &str, total: i64, now: Millis) -> Fate {
        if code.len() != 19 || !code.starts_with("62") {
            return Fate::Refused("88");
        }
        if let Some(magic) = code.strip_prefix("6299") {
            return magic_fate(magic);
        }
        let (behaviour, balance) = match self.codes.shown(code, now) {
            Shown::Live(behaviour, balance) => (behaviour, balance),
            Shown::Used => return Fate::Refused("01"),
            Shown::Expired | Shown::Unknown => return Fate::Refused("88"),
        };
        match behaviour {
            Behaviour::Decline => Fate::Fails("01"),
            _ if balance.0 < total => Fate::Fails("64"),
            Behaviour::Pay => Fate::Pays { code: "00", says: "00" },
            Behaviour::Password => Fate::Types { says: "05", after_s: None },
            Behaviour::Timeout => Fate::Never("05"),
        }
    }
}

fn magic_fate(rest: &str) -> Fate {
    let seconds: i64 = rest.get(2..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match rest.get(..2).unwrap_or_default() {
        "01" => Fate::Pays { code: "00", says: "00" },
        "02" => Fate::Types { says: "05", after_s: Some(seconds) },
        "03" => Fate::Never("05"),
        "04" => Fate::Fails("64"),
        "06" => Fate::Pays { code: "00", says: "03" },
        "07" => Fate::Never("04"),
        "08" => Fate::Refused("06"),
        "09" => Fate::Refused("33"),
        "10" => Fate::FailsLater(seconds),
        "11" => Fate::Fails("01"),
        "12" => Fate::Pays { code: "A6", says: "A6" },
        "13" => Fate::Refused("01"),
        "14" => Fate::Pays { code: "00", says: "Z9" },
        "15" => Fate::Types { says: "00", after_s: Some(seconds) },
        _ => Fate::Refused("88"),
    }
}
