//! Hooks by word, for whoever holds only a `Box<dyn Simulator>`: `name` or `name value`.
//!
//! | word | what it does |
//! |---|---|
//! | `refund_fate success/fail/pending` | how refunds and undos accepted from now on end |
//! | `merchant_funds full/none` | none: refunds are refused with 01 |
//! | `undo on/off` · `reversal on/off/ignored` | off: 32, as products that do not offer it; ignored: 00, and nothing happens |
//! | `signer good/expired/test_name/merchant/foreign/sha1` | whose certificate signs from now on |
//! | `unpaid 05/34/01` · `expired 01/05/34` · `reversed 46/01` | what a query says of such an order |
//! | `late_money on/off` | on: orders outlive payTimeout, and what is paid then is 42 and goes back after five days |
//! | `pay_on_create on/off` | paid before the answer was read |
//! | `success_after_queries N/off` | a waiting password code charged from now on is paid by its Nth query |
//! | `answer API CODE` · `answer API CODE executed` | the next answer of pay, query, refund, query_refund, reverse or bill |
//! | `spoil empty/truncated/502` | the next answer's body or status |
//! | `late_files on/off` · `empty_day 98/file` | statements: not before 09:00 of the next day; nothing to tell is 98 |
//! | `refund_delay_ms N` · `notice_delay_ms N` · `time_window_s N` | |
//! | `more LIKE NUMBER:FEN:MILLIS,…` | payments like one that was made ([`sluice_simkit::more`]) |
//! | `rotate_encrypt` | a new encryption certificate; answers its certId |
//! | `terminal NUMBER` | the `termId` that an order named, `-` for none |
//! | `front_return NUMBER` | the form that the payer's browser brings back to frontUrl; answers its body |

use crate::options::{RefundFate, SignerKind};
use crate::post::News;
use crate::sim::UnionpaySim;
use sluice_contract::Millis;
use sluice_simkit::{Api, Complaint};

/// The next answer of an API, as asked for.
#[derive(Clone, Debug)]
pub(crate) struct Forced {
    pub(crate) api: Api,
    pub(crate) code: String,
    /// The call is done all the same.
    pub(crate) executed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    Empty,
    Truncated,
    BadGateway,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reversals {
    On,
    Off,
    Ignored,
}

/// The word, if it is one of those.
fn among(value: &str, words: &[&'static str]) -> Option<&'static str> {
    words.iter().find(|word| **word == value).copied()
}

impl UnionpaySim {
    pub(crate) fn hooked(&mut self, word: &str, _now: Millis) -> Result<String, Complaint> {
        let (name, value) = word.split_once(' ').unwrap_or((word, ""));
        let done = match name {
            "rotate_encrypt" => {
                self.keys.rotate_encrypt(&mut self.draw);
                return Ok(self.keys.encrypt.cert_id.clone());
            }
            "terminal" => self.orders.get(value).map(|order| Some(order.term_id.clone().unwrap_or_else(|| "-".to_owned()))),
            "more" => self.more(value).map(|()| None),
            "front_return" => self.notice(value, &News::Payment, None).map(Some),
            _ => self.switch(name, value).map(|()| None),
        };
        match done {
            Some(told) => Ok(told.unwrap_or_default()),
            None => Err(Complaint(format!("no hook {word:?}; they are listed in hooks.rs of the UnionPay simulator"))),
        }
    }

    fn switch(&mut self, name: &str, value: &str) -> Option<()> {
        let on = |on: &str, off: &str| {
            among(value, &["on", "off", "full", "none", "98", "file"]).filter(|v| [on, off].contains(v)).map(|v| v == on)
        };
        let count = || value.parse::<i64>().ok().filter(|n| *n >= 0);
        match name {
            "refund_fate" => self.refund_fate = RefundFate::from_word(value)?,
            "merchant_funds" => self.funded = on("full", "none")?,
            "undo" => self.undo = on("on", "off")?,
            "reversal" => {
                self.reversals = match value {
                    "on" => Reversals::On,
                    "off" => Reversals::Off,
                    "ignored" => Reversals::Ignored,
                    _ => return None,
                };
            }
            "signer" => {
                self.signer = SignerKind::from_word(value)?;
                if self.signer == SignerKind::Sha1 {
                    self.keys.mint_sha1();
                }
            }
            "unpaid" => self.unpaid_shows = among(value, &["05", "34", "01"])?,
            "expired" => self.expired_shows = among(value, &["05", "34", "01"])?,
            "reversed" => self.reversed_shows = among(value, &["46", "01"])?,
            "late_money" => self.late_money = on("on", "off")?,
            "pay_on_create" => self.pay_on_create = on("on", "off")?,
            "success_after_queries" if value == "off" => self.success_after_queries = None,
            "success_after_queries" => self.success_after_queries = Some(value.parse().ok().filter(|n| *n > 0)?),
            "answer" => self.forced = Some(forced(value)?),
            "spoil" => {
                self.spoil = Some(match value {
                    "empty" => Spoil::Empty,
                    "truncated" => Spoil::Truncated,
                    "502" => Spoil::BadGateway,
                    _ => return None,
                });
            }
            "late_files" => self.options.late_files = on("on", "off")?,
            "empty_day" => self.empty_day_is_98 = on("98", "file")?,
            "refund_delay_ms" => self.options.refund_delay_ms = count()?,
            "notice_delay_ms" => self.options.notice_delay_ms = count()?,
            "time_window_s" => self.options.time_window_s = count()?,
            _ => return None,
        }
        Some(())
    }
}

fn forced(value: &str) -> Option<Forced> {
    let mut words = value.split(' ');
    let (api, code) = (Api::from_word(words.next()?)?, words.next()?.to_owned());
    let executed = match words.next() {
        None => false,
        Some("executed") => true,
        Some(_) => return None,
    };
    Some(Forced { api, code, executed })
}
