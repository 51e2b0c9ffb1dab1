//! Charging a payment code, for both dialects (pack §3.6, §5.3), and the v3 face of it.
//!
//! Magic codes: 18 digits `1399 KK SS xxxxxxxxxx`, any number of times, `x` free.
//!
//! | KK | what happens |
//! |---|---|
//! | 01 | paid at once |
//! | 02 | `USERPAYING`, paid SS seconds later (divided by `fast`) |
//! | 03 | `USERPAYING` for ever; auto-revoked 45 s later (divided by `fast`) |
//! | 04 | `NOT_ENOUGH`, the order is failed |
//! | 05 | expired code, no order |
//! | 06 | `SYSTEM_ERROR`, but paid |
//! | 07 | `SYSTEM_ERROR`, not paid; auto-revoked like 03 |
//! | 08 | `SYSTEM_ERROR`, and the order is not known |
//! | 09 | `BANK_ERROR`, the order is failed |
//! | 10 | `ACCOUNT_ERROR`, the order is failed |
//! | 11 | `TRADE_ERROR` (declined), the order is failed |
//! | 12 | unknown code, no order |
//! | 13 | used code, no order |

use crate::check::Fields;
use crate::create::common;
use crate::fail::{Fail, Snag};
use crate::order::{Order, Product};
use crate::sim::{Timer, WechatSim};
use crate::v3::Answer;
use serde_json::Value;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Behaviour, Shown, State};

/// What charging a code comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Pays,
    /// The payer types the password: some time later by itself, or when [`sluice_simkit::Simulator::confirm`] says so.
    Types {
        after_ms: Option<i64>,
    },
    Never,
    /// The order fails with this answer.
    Fails(Snag),
    /// The answer is an error although the order stands, and perhaps was paid.
    Errs {
        paid: bool,
    },
    /// Nothing is booked.
    Refused(Snag),
}

impl WechatSim {
    pub(crate) fn codepay(&mut self, partner: bool, fields: &Fields<'_>, now: Millis) -> Answer {
        let (number, total, mut order) = common(Product::Codepay, partner, fields)?;
        let code = fields.must("/payer/auth_code", 1, 32)?.to_owned();
        if !fields.object("/scene_info")? {
            return Err(fields.wrong("/scene_info", "Is required"));
        }
        fields.text("/scene_info/device_ip", 45)?;
        order.auth_code = Some(code);
        self.charge(&number, total, order, now)?;
        let Some((order, entry)) = self.entry(&number) else { return Err(Snag::System.into()) };
        Ok(Some(Value::Object(order.json(entry, None))))
    }

    /// Charges the order's code. `Ok` is paid; everything else is a refusal, `USERPAYING` included.
    pub(crate) fn charge(&mut self, number: &str, total: Fen, order: Order, now: Millis) -> Result<(), Fail> {
        if let Some(state) = self.state_of(number) {
            return Err(self.charge_again(number, state, order.fingerprint).into());
        }
        let code = order.auth_code.clone().unwrap_or_default();
        let fate = self.fate(&code, total, now);
        if let Fate::Refused(snag) = fate {
            return Err(snag.into());
        }
        self.use_code(&code, number);
        let mut order = order;
        order.stubborn = fate == Fate::Never;
        self.admit(number, total, order, now);
        match fate {
            Fate::Pays => {
                self.capture(number, &[], now);
                return Ok(());
            }
            Fate::Types { after_ms } => {
                self.begin(number, &code);
                if let Some(after_ms) = after_ms {
                    let when = now.plus_ms(self.paced(after_ms));
                    self.timers.at(when, Timer::PayLater(number.to_owned()));
                }
            }
            Fate::Never => self.begin(number, &code),
            Fate::Fails(snag) => {
                self.fail(number);
                return Err(snag.into());
            }
            Fate::Errs { paid } => {
                if paid {
                    self.capture(number, &[], now);
                }
                return Err(Snag::System.into());
            }
            Fate::Refused(snag) => return Err(snag.into()),
        }
        Err(Snag::UserPaying.into())
    }

    /// Marks the order failed; its code is no longer waited for.
    pub(crate) fn fail(&mut self, number: &str) {
        if self.ledger.fail(number).is_ok() {
            self.forget_links(number);
        }
    }

    fn begin(&mut self, number: &str, code: &str) {
        if self.ledger.begin(number).is_ok() {
            self.typing.insert(code.to_owned(), number.to_owned());
        }
    }

    fn charge_again(&self, number: &str, state: State, fingerprint: [u8; 32]) -> Snag {
        let same = self.orders.get(number).is_some_and(|o| o.fingerprint == fingerprint);
        match state {
            State::Paid => Snag::OrderPaid,
            State::Reversed => Snag::OrderReversed,
            State::Closed => Snag::OrderClosed,
            State::Created | State::Paying if same => Snag::UserPaying,
            _ => Snag::NumberUsed,
        }
    }

    fn fate(&self, code: &str, total: Fen, now: Millis) -> Fate {
        let wechat =
            code.len() == 18 && code.bytes().all(|b| b.is_ascii_digit()) && code.get(..2).is_some_and(|p| ("10"..="15").contains(&p));
        if !wechat {
            return Fate::Refused(Snag::CodeInvalid);
        }
        if let Some(magic) = code.strip_prefix("1399") {
            return magic_fate(magic);
        }
        let (behaviour, balance) = match self.codes.shown(code, now) {
            Shown::Live(behaviour, balance) => (behaviour, balance),
            Shown::Used => return Fate::Refused(Snag::CodeUsed),
            Shown::Expired => return Fate::Refused(Snag::CodeExpired),
            Shown::Unknown => return Fate::Refused(Snag::CodeInvalid),
        };
        match behaviour {
            Behaviour::Decline => Fate::Fails(Snag::TradeError),
            _ if balance < total => Fate::Fails(Snag::NotEnough),
            Behaviour::Pay => Fate::Pays,
            Behaviour::Password => Fate::Types { after_ms: None },
            Behaviour::Timeout => Fate::Never,
        }
    }
}

fn magic_fate(rest: &str) -> Fate {
    let seconds: i64 = rest.get(2..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match rest.get(..2).unwrap_or_default() {
        "01" => Fate::Pays,
        "02" => Fate::Types { after_ms: Some(seconds.saturating_mul(1000)) },
        "03" => Fate::Never,
        "04" => Fate::Fails(Snag::NotEnough),
        "05" => Fate::Refused(Snag::CodeExpired),
        "06" => Fate::Errs { paid: true },
        "07" => Fate::Errs { paid: false },
        "08" => Fate::Refused(Snag::System),
        "09" => Fate::Fails(Snag::Bank),
        "10" => Fate::Fails(Snag::AccountError),
        "11" => Fate::Fails(Snag::TradeError),
        "13" => Fate::Refused(Snag::CodeUsed),
        _ => Fate::Refused(Snag::CodeInvalid),
    }
}
