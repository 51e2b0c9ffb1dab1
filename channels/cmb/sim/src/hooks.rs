//! Hooks by word, for whoever holds only a `Box<dyn Simulator>`: `name` or `name value`.
//!
//! | hook | does |
//! |---|---|
//! | `refund_fate success/fail/pending` | how refunds accepted from now on end |
//! | `refund_release` | pending ones end well; answers how many |
//! | `merchant_funds full/none` | `none`: refunds answer `NOT_ENOUGH` |
//! | `undo_fate success/fail` | `fail`: cancel and close answer F and change nothing |
//! | `refuse API CODE` | the next call of that API (words of the faults) answers this errCode and is not executed |
//! | `after API CODE` | the same, but executed: `after pay SYSTERM_ERROR` |
//! | `single_limit FEN/none`, `daily_quota FEN/none` | `TRADEAMOUNT_LIMITED`, `MCH_DAILY_QUOTA_EXCEED` |
//! | `strict_der on/off`, `terminal_required on/off`, `same_day_refunds on/off` | see [`crate::Options`] |
//! | `refund_delay_ms N`, `callback_delay_ms N` | see [`crate::Options`] |
//! | `more LIKE NUMBER:FEN:MILLIS,…` | payments like one that was made ([`sluice_simkit::more`]) |
//! | `terminal NUMBER` | answers the decrypted terminal information of an order |

use crate::fail::Fail;
use crate::options::RefundFate;
use crate::route::Route;
use crate::sim::CmbSim;
use sluice_contract::{Fen, Millis};
use sluice_simkit::{Api, Complaint};

const WORDS: &str = "refund_fate success/fail/pending | refund_release | merchant_funds full/none | undo_fate success/fail | \
     refuse API CODE | after API CODE | single_limit FEN/none | daily_quota FEN/none | strict_der on/off | \
     terminal_required on/off | same_day_refunds on/off | refund_delay_ms N | callback_delay_ms N | terminal NUMBER | more LIKE …";

/// Answers that a test chose, each for one call.
#[derive(Debug, Default)]
pub(crate) struct Script {
    before: Vec<(Api, String)>,
    after: Vec<(Api, String)>,
}

impl Script {
    pub(crate) fn before(&mut self, route: Route) -> Option<Fail> {
        take(&mut self.before, route)
    }

    pub(crate) fn after(&mut self, route: Route) -> Option<Fail> {
        take(&mut self.after, route)
    }
}

fn take(from: &mut Vec<(Api, String)>, route: Route) -> Option<Fail> {
    let at = from.iter().position(|(api, _)| Some(*api) == route.api())?;
    Some(Fail::chosen(&from.remove(at).1))
}

impl CmbSim {
    pub(crate) fn hooked(&mut self, word: &str, now: Millis) -> Result<String, Complaint> {
        let (name, value) = word.split_once(' ').unwrap_or((word, ""));
        let unknown = || Complaint(format!("unknown hook; there are: {WORDS}"));
        let either = |yes: &str, no: &str| match value {
            _ if value == yes => Ok(true),
            _ if value == no => Ok(false),
            _ => Err(unknown()),
        };
        let number = || value.parse::<i64>().ok().filter(|n| *n >= 0).ok_or_else(unknown);
        let limit = || if value == "none" { Ok(None) } else { number().map(|fen| Some(Fen(fen))) };
        let scripted = || {
            let (api, code) = value.split_once(' ').ok_or_else(unknown)?;
            Ok((Api::from_word(api).ok_or_else(unknown)?, code.to_owned()))
        };
        match name {
            "refund_fate" => self.refund_fate = RefundFate::from_word(value).ok_or_else(unknown)?,
            "refund_release" => return Ok(self.release_refunds(now).to_string()),
            "merchant_funds" => self.funded = either("full", "none")?,
            "undo_fate" => self.undo_fails = either("fail", "success")?,
            "refuse" => self.script.before.push(scripted()?),
            "after" => self.script.after.push(scripted()?),
            "single_limit" => self.single_limit = limit()?,
            "daily_quota" => self.daily_quota = limit()?,
            "strict_der" => self.options.strict_der = either("on", "off")?,
            "terminal_required" => self.options.terminal_required = either("on", "off")?,
            "same_day_refunds" => self.options.same_day_refunds = either("on", "off")?,
            "refund_delay_ms" => self.options.refund_delay_ms = number()?,
            "callback_delay_ms" => self.options.callback_delay_ms = number()?,
            "more" => self.more(value).ok_or_else(unknown)?,
            "terminal" => {
                let found = self.orders.get(value).and_then(|order| order.terminal.clone());
                return found.ok_or_else(|| Complaint("this order has no terminal information".to_owned()));
            }
            _ => return Err(unknown()),
        }
        Ok(String::new())
    }
}
