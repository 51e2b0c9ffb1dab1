//! Family A: charging a payment code (pack §1.6 pay).
//!
//! Magic codes: 19 digits `6299 KK SS xxxxxxxxxxx`, any number of times, `x` free.
//!
//! | KK | what happens |
//! |---|---|
//! | 01 | paid at once |
//! | 02 | asks for the password; paid when it is queried for the third time |
//! | 03 | asks for the password; paid SS seconds later (divided by `fast`) |
//! | 04 | paying for ever, until it is reversed |
//! | 05 | 99000002 not enough money, the order is failed |
//! | 06 | 99000012 (unlisted), but paid |
//! | 07 | 99000012, paying for ever |
//! | 08 | 99000012, and the order is not known |
//! | 09 | 99000003 declined, the order is failed |
//! | 10 | 99000005 expired code, no order |
//! | 11 | 99000004 unknown code, no order |
//! | 12 | 99000006 used code, no order |
//! | 13 | paid entirely by points: `payment_amt` 0 |
//! | 14 | paid with a random discount of merchant and bank |
//! | 15 | 99000007 over the limit of the payer's means of authentication, the order is failed |
//! | 16 | paid with a random discount after 99000012 |

use crate::check::Fields;
use crate::fail::Snag;
use crate::order::{Order, Product, digit_a};
use crate::party::merchant;
use crate::reply::{Answer, Body, Told};
use crate::sim::{IcbcSim, Timer, all_by_points};
use crate::wire::Asked;
use sluice_contract::{Fen, Millis, Wallet};
use sluice_simkit::{Behaviour, Shown};

/// Whose money comes with which discount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    Nothing,
    Points,
    Luck,
}

/// What charging a code comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Pays(With),
    /// The answer is an error although it was paid.
    PaysUnsure(With),
    /// The payer types the password: after some time, after some queries, or when told to.
    Types {
        after_ms: Option<i64>,
        after_queries: Option<u32>,
    },
    Never,
    NeverUnsure,
    /// The order fails with this answer.
    Fails(Snag),
    /// Nothing is booked.
    Refused(Snag),
}

impl IcbcSim {
    pub(crate) fn pay(&mut self, asked: &Asked, now: Millis) -> Answer {
        let fields = Fields(&asked.biz);
        let mer_id = merchant(&fields)?;
        let code = fields.must("qr_code", 64)?.to_owned();
        let number = fields.number("out_trade_no", "_-")?.to_owned();
        let total = fields.fen("order_amt")?;
        fields.trade_time()?;
        let attach = fields.attach()?.unwrap_or_default();
        if self.orders.contains_key(&number) {
            return Err(Snag::Repeat.into());
        }
        let fate = self.fate(&code, total, now);
        if let Fate::Refused(snag) = fate {
            return Err(snag.into());
        }
        let order = Order {
            product: Product::Code,
            api: asked.path.clone(),
            mer_id,
            order_id: String::new(),
            subject: "付款码".to_owned(),
            attach,
            store_code: None,
            method: "icbc_barcode",
            // The call has no field for it: a barcode order is not called back.
            notify_url: None,
            tells_failures: false,
            access_type: String::new(),
            open_id: String::new(),
            until: None,
            fingerprint: String::new(),
            links: Vec::new(),
            auth_code: Some(code.clone()),
            stubborn: matches!(fate, Fate::Never | Fate::NeverUnsure),
            queries_to_pay: None,
            settled: None,
        };
        self.admit(&number, total, order, now)?;
        self.codes.take(&code, "icbc", &number);
        self.play(&number, &code, fate, now)?;
        self.paid_answer(&number)
    }

    fn play(&mut self, number: &str, code: &str, fate: Fate, now: Millis) -> Result<(), Snag> {
        match fate {
            Fate::Pays(with) => self.charge(number, with, now),
            Fate::PaysUnsure(with) => {
                self.charge(number, with, now);
                return Err(Snag::Unsure);
            }
            Fate::Types { after_ms, after_queries } => {
                self.begin(number, code);
                if let Some(order) = self.orders.get_mut(number) {
                    order.queries_to_pay = after_queries;
                }
                if let Some(after_ms) = after_ms {
                    let when = now.plus_ms(self.paced(after_ms));
                    self.timers.at(when, Timer::PayLater(number.to_owned()));
                }
            }
            Fate::Never => self.begin(number, code),
            Fate::NeverUnsure => {
                self.begin(number, code);
                return Err(Snag::Unsure);
            }
            Fate::Fails(snag) => {
                self.fail(number);
                return Err(snag);
            }
            Fate::Refused(snag) => return Err(snag),
        }
        Ok(())
    }

    fn charge(&mut self, number: &str, with: With, now: Millis) {
        let total = self.ledger.get(number).map_or(Fen::ZERO, |entry| entry.total);
        let discounts = match with {
            With::Nothing => Vec::new(),
            With::Points => all_by_points(total),
            With::Luck => self.random_discount(total),
        };
        self.capture(number, Wallet::Icbc, &discounts, now);
    }

    pub(crate) fn begin(&mut self, number: &str, code: &str) {
        if self.ledger.begin(number).is_ok() {
            self.typing.insert(code.to_owned(), number.to_owned());
        }
    }

    fn paid_answer(&self, number: &str) -> Answer {
        let (order, entry) = self.entry(number).ok_or(Snag::System)?;
        let mut body = Body::default();
        if self.options.pay_tells_status {
            body.put("pay_status", digit_a(entry, self.options.wide_states));
        }
        order.show_a(entry, &mut body);
        if !order.attach.is_empty() {
            body.put("attach", &order.attach);
        }
        Ok(Told::from(body))
    }

    /// A code of the bank's shape, which is UnionPay's (pack §3): no other wallet is carried here.
    fn fate(&self, code: &str, total: Fen, now: Millis) -> Fate {
        if code.len() != 19 || !code.starts_with("62") || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Fate::Refused(Snag::CodeUnknown);
        }
        if let Some(magic) = code.strip_prefix("6299") {
            return magic_fate(magic);
        }
        let (behaviour, balance) = match self.codes.shown(code, now) {
            Shown::Live(behaviour, balance) => (behaviour, balance),
            Shown::Used => return Fate::Refused(Snag::CodeUsed),
            Shown::Expired => return Fate::Refused(Snag::CodeExpired),
            Shown::Unknown => return Fate::Refused(Snag::CodeUnknown),
        };
        match behaviour {
            Behaviour::Decline => Fate::Fails(Snag::Declined),
            _ if balance < total => Fate::Fails(Snag::NotEnough),
            _ if self.over_limit(total) => Fate::Fails(Snag::OverLimit),
            Behaviour::Pay => Fate::Pays(With::Nothing),
            Behaviour::Password => Fate::Types { after_ms: None, after_queries: None },
            Behaviour::Timeout => Fate::Never,
        }
    }
}

fn magic_fate(rest: &str) -> Fate {
    let seconds: i64 = rest.get(2..4).and_then(|s| s.parse().ok()).unwrap_or(0);
    match rest.get(..2).unwrap_or_default() {
        "01" => Fate::Pays(With::Nothing),
        "02" => Fate::Types { after_ms: None, after_queries: Some(3) },
        "03" => Fate::Types { after_ms: Some(seconds.saturating_mul(1000)), after_queries: None },
        "04" => Fate::Never,
        "05" => Fate::Fails(Snag::NotEnough),
        "06" => Fate::PaysUnsure(With::Nothing),
        "07" => Fate::NeverUnsure,
        "08" => Fate::Refused(Snag::Unsure),
        "09" => Fate::Fails(Snag::Declined),
        "10" => Fate::Refused(Snag::CodeExpired),
        "12" => Fate::Refused(Snag::CodeUsed),
        "13" => Fate::Pays(With::Points),
        "14" => Fate::Pays(With::Luck),
        "15" => Fate::Fails(Snag::OverLimit),
        "16" => Fate::PaysUnsure(With::Luck),
        _ => Fate::Refused(Snag::CodeUnknown),
    }
}
