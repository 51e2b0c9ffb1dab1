//! From rules and one candidate to what the order asks of the limits: pure, before anything is stored.

use super::hold::Hold;
use super::rule::{Limit, Measure, Mode, Per};
use super::window::Window;
use crate::domain::when::Facts;
use serde::{Deserialize, Serialize};
use sluice_contract::{Fen, Millis};
use std::sync::Arc;

/// One hold that the order wants, and the windows in which there must be room for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub hold: Hold,
    pub starts: Vec<i64>,
    /// The room is taken at once; otherwise it is only looked for.
    pub reserves: bool,
    /// From this use on operators are warned; fen or orders.
    pub warn_at: i64,
}

impl Ask {
    /// The same for an attempt that is stored at `now`: its own time decides the window, not that of the order.
    #[must_use]
    pub fn at(mut self, now: Millis, expires_at: Millis) -> Ask {
        let until = if self.hold.by_paid && self.reserves { expires_at.max(now) } else { now };
        self.starts = self.hold.window.starts(now, until);
        self.hold.starts = if self.reserves { self.starts.clone() } else { Vec::new() };
        self
    }
}

/// A rule that could not be checked; kept with the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotChecked {
    pub limit: String,
    /// `missing`: the order has no such subject. `error`: `when` could not be evaluated.
    pub why: String,
}

/// What a candidate asks of every rule that concerns it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub asks: Vec<Ask>,
    pub not_checked: Vec<NotChecked>,
}

/// An account that a limit passed over, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub account: String,
    pub limit: String,
    pub why: Why,
    /// When there may be room again; `None`: not by itself, or not known here (rolling windows).
    pub opens_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The room is taken, and so much of it would have to come back. A rolling window's opening has to be looked up.
    Full {
        key: Box<super::CounterKey>,
        need: i64,
        rolling_ms: Option<i64>,
    },
    /// The merchant's own unpaid orders hold their share.
    OpenShare,
    TooSmall {
        min: i64,
    },
    TooLarge {
        max: i64,
        counts_orders: bool,
    },
    Missing(Per),
    /// `when` could not be evaluated and the rule says to refuse then.
    Error(String),
}

/// Who pays and for whom, as counters name them. Payers and customers are keyed hashes.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    pub payer: Option<&'a str>,
    pub customer: Option<&'a str>,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct Limits(pub Vec<Arc<Limit>>);

impl Limits {
    /// Whether a rule counts by this subject.
    #[must_use]
    pub fn count_by(&self, per: Per) -> bool {
        self.0.iter().any(|limit| limit.per.contains(&per))
    }

    /// What the candidate of `facts` asks, or the first rule that refuses it by itself.
    pub fn ask(&self, facts: &Facts<'_>, subjects: Subjects<'_>, expires_at: Millis) -> Result<Asked, PassedOver> {
        let mut asked = Asked::default();
        for limit in self.0.iter().filter(|limit| !limit.suspended) {
            one(limit, facts, subjects, expires_at, &mut asked)?;
        }
        Ok(asked)
    }
}

fn one(limit: &Limit, facts: &Facts<'_>, subjects: Subjects<'_>, expires_at: Millis, asked: &mut Asked) -> Result<(), PassedOver> {
    let refuse = |why: Why| PassedOver { account: facts.account.to_owned(), limit: limit.name.clone(), why, opens_at: None };
    let mut not_checked = |why: &str| asked.not_checked.push(NotChecked { limit: limit.name.clone(), why: why.to_owned() });
    let checked = match limit.when.matches(facts) {
        Ok(false) => return Ok(()),
        Ok(true) => true,
        Err(failed) if !limit.allow_errors => return Err(refuse(Why::Error(failed.to_string()))),
        Err(_) => {
            not_checked("error");
            false
        }
    };
    let subject = match subject(limit, facts, subjects) {
        Ok(subject) => subject,
        Err(per) if limit.deny_missing => return Err(refuse(Why::Missing(per))),
        Err(_) => {
            if checked {
                not_checked("missing");
            }
            return Ok(());
        }
    };
    let amount = facts.order.amount;
    if limit.window == Window::Transaction {
        return match (limit.min, limit.max) {
            _ if !checked => Ok(()),
            (Some(min), _) if amount.0 < min => Err(refuse(Why::TooSmall { min })),
            (_, Some(max)) if amount.0 > max => Err(refuse(Why::TooLarge { max, counts_orders: false })),
            _ => Ok(()),
        };
    }
    let ask = ask(limit, subject, amount, facts.now, expires_at, checked);
    if checked && ask.hold.size > ask.hold.max {
        return Err(refuse(Why::TooLarge { max: ask.hold.max, counts_orders: limit.measure == Measure::Count }));
    }
    if let Some(ppm) = limit.open_share_ppm {
        let hold = Hold { holder: facts.merchant_id.to_owned(), max: limit.share_of_max(ppm), ..ask.hold.clone() };
        asked.asks.push(Ask { hold, starts: ask.starts.clone(), reserves: true, warn_at: i64::MAX });
    }
    asked.asks.push(ask);
    Ok(())
}

fn ask(limit: &Limit, subject: String, amount: Fen, now: Millis, expires_at: Millis, checked: bool) -> Ask {
    let size = match limit.measure {
        Measure::Amount => amount.0,
        Measure::Count => 1,
    };
    let by_paid = limit.at_paid || limit.mode == Mode::Post;
    let hold = Hold {
        limit: limit.name.clone(),
        subject,
        holder: String::new(),
        size,
        max: limit.max.unwrap_or(i64::MAX),
        measure: limit.measure,
        window: limit.window,
        starts: Vec::new(),
        by_paid,
        keeps: limit.keeps,
        overrun: if checked { 0 } else { size },
        paid_at: None,
    };
    let ask = Ask { hold, starts: Vec::new(), reserves: limit.mode == Mode::Reserve, warn_at: limit.share_of_max(limit.warn_share_ppm) };
    ask.at(now, expires_at)
}

/// One value as it is; several joined by `/`, with what separates them escaped.
fn subject(limit: &Limit, facts: &Facts<'_>, subjects: Subjects<'_>) -> Result<String, Per> {
    let value = |per: &Per| -> Result<&str, Per> {
        let value = match per {
            Per::Account => Some(facts.account),
            Per::Channel => Some(facts.channel),
            Per::Merchant => Some(facts.merchant_id),
            Per::Store => facts.order.store,
            Per::Method => Some(facts.order.method),
            Per::Payer => subjects.payer,
            Per::Customer => subjects.customer,
            Per::AuthMeans => facts.order.auth_means,
        };
        value.ok_or(*per)
    };
    match limit.per.as_slice() {
        [] => Ok("all".to_owned()),
        [one] => value(one).map(str::to_owned),
        several => {
            let escaped = several.iter().map(|per| value(per).map(|text| text.replace('%', "%25").replace('/', "%2F")));
            escaped.collect::<Result<Vec<_>, _>>().map(|values| values.join("/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ask;
    use crate::domain::limit::{Limit, Measure, Mode, Window};
    use sluice_contract::{Fen, Second};

    /// E6: the next account is tried after midnight, for an order of before.
    #[test]
    fn a_later_attempt_counts_in_the_window_of_its_own_time() {
        let at = |text: &str| Second::from_rfc3339(text).map(Second::millis).unwrap_or_default();
        let day = |text: &str| Window::Day(0).start_of(at(text));
        let (before, after) = (at("2026-11-24T23:59:59+08:00"), at("2026-11-25T00:00:01+08:00"));
        let expires_at = at("2026-11-26T00:14:59+08:00");
        let rule = Limit::new("day", &[], Measure::Amount, Window::Day(0), 1_000);
        let [first, second, third] = ["2026-11-24T01:00:00+08:00", "2026-11-25T01:00:00+08:00", "2026-11-26T01:00:00+08:00"].map(day);
        let cases = [
            (rule.clone(), vec![first], vec![second], true),
            (Limit { at_paid: true, ..rule.clone() }, vec![first, second, third], vec![second, third], true),
            (Limit { mode: Mode::Post, ..rule }, vec![first], vec![second], false),
        ];
        for (limit, at_first, later, reserves) in cases {
            let asked = ask(&limit, "all".into(), Fen(1), before, expires_at, true);
            assert_eq!((&asked.starts, asked.hold.starts.is_empty()), (&at_first, !reserves));
            let moved = asked.at(after, expires_at);
            assert_eq!(moved.starts, later);
            assert_eq!(moved.hold.starts, if reserves { later } else { Vec::new() });
        }
    }
}
