//! Charging a payment code (pack §2.3, §3.4).
//!
//! Magic codes: 18 digits `2899 KK SS xxxxxxxxxx`, any number of times, `x` free.
//!
//! | KK | what happens |
//! |---|---|
//! | 01 | paid at once |
//! | 02 | 10003, paid SS seconds later (divided by `fast`) |
//! | 03 | 10003 for ever, until it is cancelled or its time is over |
//! | 04 | `BUYER_BALANCE_NOT_ENOUGH`; the trade waits, and the payer may still pay it otherwise |
//! | 05 | `PAYMENT_AUTH_CODE_INVALID`, no trade |
//! | 06 | 20000, but paid |
//! | 07 | 20000, the trade waits |
//! | 08 | 20000, and there is no trade |
//! | 09 | 10000, but the debit is rolled back: the trade is closed (od:00f7ns) |
//! | 10 | `PAYMENT_FAIL` (declined), the trade is closed |
//! | 11 | `BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR`, no trade |
//! | 12 | `BEYOND_PER_RECEIPT_RESTRICTION` (the merchant's limit), no trade |
//! | 13 | `SELLER_BEEN_BLOCKED`, no trade |
//! | 14 | 40005 `isv.app-call-limited`, no trade |
//! | 15 | `ACQ.SYSTEM_ERROR`, but paid |

use crate::check::{Biz, wrong};
use crate::fail::{Fail, Snag};
use crate::gateway::{Answer, Asked};
use crate::order::{Order, Product};
use crate::sim::{AlipaySim, Timer};
use serde_json::{Map, Value, json};
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Behaviour, Shown, State};

/// What charging a code comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pays,
    /// The payer types the password: some time later by itself, or when [`sluice_simkit::Simulator::confirm`] says so.
    Types {
        after_ms: Option<i64>,
    },
    Never,
    /// This answer; the trade waits.
    Waits(Snag),
    /// This answer, though it was paid.
    PaysBut(Snag),
    /// This answer; the trade is closed.
    Fails(Snag),
    /// Said to be paid, and is not.
    RolledBack,
    /// Nothing is booked.
    Refused(Snag),
}

impl AlipaySim {
    pub(crate) fn pay(&mut self, asked: &Asked, biz: &Biz<'_>, now: Millis) -> Answer {
        let (number, total, mut order) = self.common(Product::Barcode, asked, biz, now)?;
        if !matches!(biz.must("scene", 32)?, "bar_code" | "security_code") {
            return Err(wrong("scene"));
        }
        let code = biz.must("auth_code", 64)?.trim().to_owned();
        order.core.push_str(&code);
        if self.drafts.contains_key(&number) {
            return Err(Snag::Inconsistent.into());
        }
        if self.free(&number, &order)?.is_some() {
            // The same code again may answer 10003 again (pack §2.3).
            return self.pay_answer(&number, biz, true);
        }
        let fate = self.fate(&code, total, now);
        if let Fate::Refused(snag) = fate {
            return Err(snag.into());
        }
        order.stubborn = fate == Fate::Never;
        order.auth_code = Some(code.clone());
        self.charge(&number, total, order, fate, now)?;
        self.pay_answer(&number, biz, matches!(fate, Fate::Types { .. } | Fate::Never))
    }

    fn charge(&mut self, number: &str, total: Fen, order: Order, fate: Fate, now: Millis) -> Result<(), Fail> {
        let code = order.auth_code.clone().unwrap_or_default();
        self.codes.take(&code, "alipay", number);
        self.admit(number, total, order, now);
        if fate != Fate::Pays && self.ledger.begin(number).is_ok() {
            self.typing.insert(code, number.to_owned());
        }
        match fate {
            Fate::Pays => {
                self.capture(number, &[], now);
            }
            Fate::Types { after_ms: Some(after_ms) } => {
                let when = now.plus_ms(self.paced(after_ms));
                self.timers.at(when, Timer::PayLater(number.to_owned()));
            }
            Fate::Types { after_ms: None } | Fate::Never => {}
            Fate::RolledBack => self.fail(number),
            Fate::PaysBut(snag) => {
                self.capture(number, &[], now);
                return Err(snag.into());
            }
            Fate::Fails(snag) => {
                self.fail(number);
                return Err(snag.into());
            }
            Fate::Waits(snag) | Fate::Refused(snag) => return Err(snag.into()),
        }
        Ok(())
    }

    /// Marks the trade failed; its code is no longer waited for.
    pub(crate) fn fail(&mut self, number: &str) {
        if self.ledger.fail(number).is_ok() {
            self.forget_code(number);
        }
    }

    fn pay_answer(&self, number: &str, biz: &Biz<'_>, pending: bool) -> Answer {
        let (order, entry) = self.entry(number).ok_or(Snag::System)?;
        let mut out: Map<String, Value> = order.json(entry, self.options.payer_ids, |field| biz.asks_for(field));
        if pending && entry.status != State::Paid {
            out.retain(|name, _| matches!(name.as_str(), "trade_no" | "out_trade_no" | "buyer_logon_id" | "total_amount"));
            out.insert("code".to_owned(), json!("10003"));
            out.insert("msg".to_owned(), json!(" order success pay inprocess"));
        }
        if let Some(settled) = &order.settled {
            out.insert("gmt_payment".to_owned(), json!(settled.at.second().plain()));
        }
        Ok(out)
    }

    fn fate(&self, code: &str, total: Fen, now: Millis) -> Fate {
        if !is_payment_code(code) {
            return Fate::Refused(Snag::AuthCode);
        }
        if let Some(magic) = code.strip_prefix("2899").filter(|_| code.len() == 18) {
            return magic_fate(magic);
        }
        // Used, expired and unknown codes look alike.
        let Shown::Live(behaviour, balance) = self.codes.shown(code, now) else { return Fate::Refused(Snag::AuthCode) };
        match behaviour {
            Behaviour::Decline => Fate::Fails(Snag::PaymentFail),
            // A pending trade may stand behind this answer (pack §3.3).
            _ if balance < total => Fate::Waits(Snag::Balance),
            Behaviour::Timeout => Fate::Never,
            Behaviour::Password => Fate::Types { after_ms: None },
            Behaviour::Pay if self.options.password_above.is_some_and(|most| total > most) => Fate::Types { after_ms: None },
            Behaviour::Pay => Fate::Pays,
        }
    }
}

/// 16 to 24 digits from 25 to 30 (pack §7).
fn is_payment_code(code: &str) -> bool {
    let prefix = code.get(..2).unwrap_or_default();
    (16..=24).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit()) && ("25"..="30").contains(&prefix)
}

fn magic_fate(rest: &str) -> Fate {
    let seconds: i64 = rest.get(2..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match rest.get(..2).unwrap_or_default() {
        "01" => Fate::Pays,
        "02" => Fate::Types { after_ms: Some(seconds.saturating_mul(1000)) },
        "03" => Fate::Never,
        "04" => Fate::Waits(Snag::Balance),
        "06" => Fate::PaysBut(Snag::Unknown),
        "07" => Fate::Waits(Snag::UnknownAcq),
        "08" => Fate::Refused(Snag::Unknown),
        "09" => Fate::RolledBack,
        "10" => Fate::Fails(Snag::PaymentFail),
        "11" => Fate::Refused(Snag::DayLimit),
        "12" => Fate::Refused(Snag::ReceiptLimit),
        "13" => Fate::Refused(Snag::Blocked),
        "14" => Fate::Refused(Snag::Limited),
        "15" => Fate::PaysBut(Snag::System),
        _ => Fate::Refused(Snag::AuthCode),
    }
}
