//! Charging a payment code: pay (pack §2.4, §3), and its terminal information (pack §2.3).
//!
//! Codes come from the book all pretend channels share, whatever wallet issued them: WX, ZF, YL or EC by shape. A code of good
//! shape that no book knows is refused. Magic codes: 19 digits `6299 KK SS xxxxxxxxxxx`, any number of times, `x` free.
//!
//! | KK | what happens |
//! |---|---|
//! | 01 | paid at once |
//! | 02 | P, paid SS seconds later (divided by `fast`) |
//! | 03 | P for ever: the pack knows no auto-close of such an order; cancel ends it |
//! | 04 | F, the payer has not enough |
//! | 05 | `AUTHCODE_NOT_LAWFUL`, no order |
//! | 06 | `SYSTERM_ERROR`, but paid |
//! | 07 | `SYSTERM_ERROR`, the order stands unpaid (cancel answers C) |
//! | 08 | `SYSTERM_ERROR`, and the order is not known |
//! | 09 | `SYSTERM_MAINTAINING`, and the order is not known |
//! | 10 | `TRADEAMOUNT_LIMITED`, no order |
//! | 11 | `MCH_DAILY_QUOTA_EXCEED`, no order |
//! | 12 | paid, but the answer lacks `tradeState` |

use crate::check::Fields;
use crate::create::common;
use crate::fail::{Fail, Snag};
use crate::keys::decrypted;
use crate::order::{Face, Kind};
use crate::sim::{CmbSim, Timer};
use crate::wire::{Answer, Told};
use serde_json::Value;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Shown};

/// What charging a code comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pays { state_told: bool },
    Types { after_ms: Option<i64> },
    Never,
    Fails(&'static str),
    Errs { paid: bool },
    Refused(Snag),
}

const POOR: &str = "付款账户余额不足";
const DECLINED: &str = "用户取消支付";

impl CmbSim {
    pub(crate) fn pay(&mut self, fields: &Fields<'_>, encrypt_key: Option<&str>, now: Millis) -> Answer {
        let party = fields.party()?;
        let number = fields.number("orderId")?.to_owned();
        let mut order = common(Kind::Code, party, fields, now)?;
        let total = fields.fen("txnAmt", Snag::TxnAmount)?;
        let code = fields.must("authCode", 128)?.to_owned();
        check_optional(fields)?;
        fields.must("termId", 8)?;
        order.terminal = self.terminal(fields, encrypt_key)?;
        let wallet = wallet_of(&code).ok_or(Snag::AuthCode)?;
        if wallet == Wallet::Ecny && fields.text("ecnyPayment", 4_000)?.is_none() {
            return Err(Snag::Undefined.about("ecnyPayment is missing"));
        }
        self.free(&number, total)?;
        self.within_limits(total, now)?;
        let fate = self.fate(&code, total, now);
        if let Fate::Refused(snag) = fate {
            return Err(snag.into());
        }
        self.codes.take(&code, "cmb", &number);
        order.cmb_order_id = self.cmb_order_id(now);
        order.wallet = Some(wallet);
        order.auth_code = Some(code.clone());
        order.stubborn = matches!(fate, Fate::Never | Fate::Errs { paid: false });
        self.admit(&number, total, order, now);
        self.play(fate, &number, &code, now)
    }

    fn play(&mut self, fate: Fate, number: &str, code: &str, now: Millis) -> Answer {
        let mut says = None;
        match fate {
            Fate::Pays { .. } => {
                self.capture(number, &[], now);
            }
            Fate::Types { after_ms } => {
                self.begin(number, code);
                if let Some(after_ms) = after_ms {
                    let when = now.plus_ms(self.paced(after_ms));
                    self.timers.at(when, Timer::PayLater(number.to_owned()));
                }
            }
            Fate::Never => self.begin(number, code),
            Fate::Fails(text) => {
                self.fail(number);
                says = Some(text);
            }
            Fate::Errs { paid } => {
                if paid {
                    self.capture(number, &[], now);
                }
                return Err(Snag::System.into());
            }
            Fate::Refused(snag) => return Err(snag.into()),
        }
        let (order, entry) = self.entry(number).ok_or(Snag::System)?;
        let mut biz = order.json(entry, Face::Pay);
        if fate == (Fate::Pays { state_told: false }) {
            biz.remove("tradeState");
        }
        Ok(Told { biz, says })
    }

    /// Marks the order failed; its code is no longer waited for.
    pub(crate) fn fail(&mut self, number: &str) {
        if self.ledger.fail(number).is_ok() {
            self.typing.retain(|_, waiting| waiting != number);
        }
    }

    fn begin(&mut self, number: &str, code: &str) {
        if self.ledger.begin(number).is_ok() {
            self.typing.insert(code.to_owned(), number.to_owned());
        }
    }

    fn fate(&self, code: &str, total: Fen, now: Millis) -> Fate {
        let (behaviour, balance) = match (self.codes.shown(code, now), code.strip_prefix("6299")) {
            (Shown::Live(behaviour, balance), _) => (behaviour, balance),
            (Shown::Unknown, Some(magic)) => return magic_fate(magic),
            _ => return Fate::Refused(Snag::AuthCode),
        };
        match behaviour {
            Behaviour::Decline => Fate::Fails(DECLINED),
            _ if balance < total => Fate::Fails(POOR),
            Behaviour::Pay => Fate::Pays { state_told: true },
            Behaviour::Password => Fate::Types { after_ms: None },
            Behaviour::Timeout => Fate::Never,
        }
    }

    /// Everything encrypted must open: the SM4 key for us, the fields with it, JSON inside. A merchant that does not encrypt
    /// sends `terminalInfo` in the clear; the pack names only the encrypted form, so this is a courtesy.
    fn terminal(&self, fields: &Fields<'_>, encrypt_key: Option<&str>) -> Result<Option<String>, Fail> {
        let mut terminal = None;
        for name in ["encryptTerminalInfo", "encryptIdentity", "encryptTradeAddressInfo"] {
            let Some(text) = fields.text(name, 6_000)? else { continue };
            let bad = |what: &str| Snag::Undefined.about(&format!("{name}: {what}"));
            let envelope = encrypt_key.ok_or_else(|| bad("encryptKey is missing"))?;
            let key = self.keys.bank.open(envelope).filter(|key| key.len() == 16).ok_or_else(|| bad("encryptKey does not open"))?;
            let plain = decrypted(&key, text).filter(|plain| is_object(plain)).ok_or_else(|| bad("does not open to JSON"))?;
            if name == "encryptTerminalInfo" {
                terminal = Some(plain);
            }
        }
        if terminal.is_none()
            && let Some(plain) = fields.text("terminalInfo", 6_000)?
        {
            terminal = Some(plain.to_owned()).filter(|plain| is_object(plain));
            terminal.as_ref().ok_or_else(|| Snag::Undefined.about("terminalInfo must be JSON"))?;
        }
        if terminal.is_none() && self.options.terminal_required {
            return Err(Snag::Undefined.about("encryptTerminalInfo is missing"));
        }
        Ok(terminal)
    }
}

fn check_optional(fields: &Fields<'_>) -> Result<(), Fail> {
    fields.text("itemDiscount", 6_000)?;
    fields.text("subAppId", 32)?;
    match fields.text("limitPay", 32)? {
        None | Some("no_credit") => Ok(()),
        Some(_) => Err(Snag::Undefined.about("limitPay must be no_credit")),
    }
}

fn is_object(text: &str) -> bool {
    matches!(serde_json::from_str(text), Ok(Value::Object(_)))
}

/// By shape (pack §3); CMB's own code has UnionPay's.
pub(crate) fn wallet_of(code: &str) -> Option<Wallet> {
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let starts = |from: &str, to: &str| code.get(..2).is_some_and(|two| (from..=to).contains(&two));
    match code.len() {
        18 if starts("10", "15") => Some(Wallet::Wechat),
        19 if starts("62", "62") => Some(Wallet::Unionpay),
        19 if starts("01", "01") => Some(Wallet::Ecny),
        16..=24 if starts("25", "30") => Some(Wallet::Alipay),
        _ => None,
    }
}

fn magic_fate(rest: &str) -> Fate {
    let seconds: i64 = rest.get(2..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match rest.get(..2).unwrap_or_default() {
        "01" => Fate::Pays { state_told: true },
        "02" => Fate::Types { after_ms: Some(seconds.saturating_mul(1000)) },
        "03" => Fate::Never,
        "04" => Fate::Fails(POOR),
        "06" => Fate::Errs { paid: true },
        "07" => Fate::Errs { paid: false },
        "08" => Fate::Refused(Snag::System),
        "09" => Fate::Refused(Snag::Maintaining),
        "10" => Fate::Refused(Snag::SingleLimit),
        "11" => Fate::Refused(Snag::DailyQuota),
        "12" => Fate::Pays { state_told: false },
        _ => Fate::Refused(Snag::AuthCode),
    }
}
