//! What a predicate can answer before there is an order, for those who look for rules that never match. It says too much rather than
//! too little: what it says cannot be, cannot be.

use super::eval::{Cond, Term};
use super::facts::{Asked, Facts, Read, ReadText};
use serde_json::Map;
use sluice_contract::{Fen, Millis, Payer};

/// What is known of every order that is asked about. Empty: not known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    pub method: &'a str,
    pub account: &'a str,
    pub channel: &'a str,
}

/// The answers that are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    pub hold: bool,
    pub not_hold: bool,
    pub fail: bool,
}

impl May {
    const ANYTHING: May = May { hold: true, not_hold: true, fail: true };

    /// Whether it holds for every order.
    #[must_use]
    pub const fn must_hold(self) -> bool {
        !self.not_hold && !self.fail
    }

    const fn must_not_hold(self) -> bool {
        !self.hold && !self.fail
    }
}

pub(super) fn may(cond: &Cond, known: &Known<'_>) -> May {
    let (payer, metadata) = (Payer::default(), Map::new());
    // What is not known reads as nothing or as an empty text, which no known name is.
    let order = Asked {
        merchant_order_no: "",
        amount: Fen::ZERO,
        currency: "CNY",
        subject: "",
        method: known.method,
        app_id: None,
        store: None,
        operator_id: None,
        auth_means: None,
        h5_type: None,
        client_ip: None,
        expires_in: None,
        account: None,
        terminal: None,
        metadata: &metadata,
    };
    let (account, channel) = (known.account, known.channel);
    of(cond, &Facts { order, payer: &payer, merchant_id: "", merchant_name: "", account, channel, now: Millis(0) })
}

fn of(cond: &Cond, facts: &Facts<'_>) -> May {
    match cond {
        Cond::Not(cond) => {
            let may = of(cond, facts);
            May { hold: may.not_hold, not_hold: may.hold, fail: may.fail }
        }
        Cond::All(conds) => {
            let parts: Vec<May> = conds.iter().map(|cond| of(cond, facts)).collect();
            // A false one decides, whatever fails beside it.
            let fail = parts.iter().any(|part| part.fail) && !parts.iter().any(|part| part.must_not_hold());
            May { hold: parts.iter().all(|part| part.hold), not_hold: parts.iter().any(|part| part.not_hold), fail }
        }
        Cond::Any(conds) => {
            let parts: Vec<May> = conds.iter().map(|cond| of(cond, facts)).collect();
            let fail = parts.iter().any(|part| part.fail) && !parts.iter().any(|part| part.must_hold());
            May { hold: parts.iter().any(|part| part.hold), not_hold: parts.iter().all(|part| part.not_hold), fail }
        }
        Cond::If(parts) => {
            let [cond, then, otherwise] = &**parts;
            let (cond, then, otherwise) = (of(cond, facts), of(then, facts), of(otherwise, facts));
            let either = |part: fn(May) -> bool| (cond.hold && part(then)) || (cond.not_hold && part(otherwise));
            May { hold: either(|may| may.hold), not_hold: either(|may| may.not_hold), fail: cond.fail || either(|may| may.fail) }
        }
        leaf if is_known(leaf, facts) => match leaf.holds(facts) {
            Ok(truth) => May { hold: truth, not_hold: !truth, fail: false },
            Err(_) => May { fail: true, ..May::default() },
        },
        _ => May::ANYTHING,
    }
}

/// Whether a condition that is no connective reads nothing but what is known.
fn is_known(leaf: &Cond, facts: &Facts<'_>) -> bool {
    let term = |term: &Term| is_known_term(term, facts);
    match leaf {
        Cond::Const(_) => true,
        Cond::TextIs(read, ..) | Cond::TextIn(read, _) => is_known_text(*read, facts),
        Cond::Compared(left, _, right) | Cond::Test(left, _, right) => term(left) && term(right),
        Cond::OneOf(of, list) => term(of) && list.iter().all(term),
        Cond::NumberIs(of, ..) | Cond::Pattern(of, _) | Cond::Truth(of) => term(of),
        _ => false,
    }
}

fn is_known_term(term: &Term, facts: &Facts<'_>) -> bool {
    match term {
        Term::Null | Term::Bool(_) | Term::Int(_) | Term::Uint(_) | Term::Text(_) => true,
        Term::Field(field) => {
            if let Read::Text(read) = field.read {
                is_known_text(read, facts)
            } else {
                false
            }
        }
        Term::Negated(of) | Term::Size(of) => is_known_term(of, facts),
        Term::Sum(sides, _) => sides.iter().all(|side| is_known_term(side, facts)),
        _ => false,
    }
}

fn is_known_text(read: ReadText, facts: &Facts<'_>) -> bool {
    read(facts).is_some_and(|text| !text.is_empty())
}
