//! The lowered tree and its evaluation: no allocation, no lookup by name.

use super::Failed;
use super::cel::Foreign;
use super::facts::{Facts, Field, Kind, Value};
use super::native;
use serde_json::Value as Json;
use sluice_contract::Millis;
use std::cmp::Ordering;

/// A condition.
#[derive(Debug)]
pub(super) enum Cond {
    Const(bool),
    Not(Box<Cond>),
    All(Box<[Cond]>),
    Any(Box<[Cond]>),
    If(Box<[Cond; 3]>),
    Same {
        left: Term,
        right: Term,
        same: bool,
    },
    Ordered {
        left: Term,
        right: Term,
        is: fn(Ordering) -> bool,
    },
    OneOf(Term, Box<[Term]>),
    /// Whether the table below these keys has this key.
    Has(Keys, Box<str>),
    Test(Term, TextTest, Term),
    /// A value that must turn out to be true or false.
    Truth(Term),
    Foreign(Foreign),
}

/// A value.
#[derive(Debug)]
pub(super) enum Term {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Box<str>),
    Field(&'static Field),
    Metadata(Keys),
    Clock(ClockPart),
    Sum(Box<[Term; 2]>, Operation),
    Negated(Box<Term>),
    Size(Box<Term>),
    Choose(Box<(Cond, Term, Term)>),
    Of(Box<Cond>),
}

pub(super) type Keys = Box<[Box<str>]>;
pub(super) type TextTest = fn(&str, &str) -> bool;
/// `None`: the result does not fit, or the divisor is zero.
pub(super) type Operation = fn(i64, i64) -> Option<i64>;
pub(super) type ClockPart = fn(Millis) -> i64;

impl Cond {
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        match self {
            Cond::Const(truth) => Ok(*truth),
            Cond::Not(cond) => cond.holds(facts).map(|truth| !truth),
            Cond::All(conds) => decided(conds, facts, false),
            Cond::Any(conds) => decided(conds, facts, true),
            Cond::If(parts) => {
                let [cond, then, otherwise] = &**parts;
                if cond.holds(facts)? { then.holds(facts) } else { otherwise.holds(facts) }
            }
            Cond::Same { left, right, same } => Ok(equal(left.value(facts)?, right.value(facts)?) == *same),
            Cond::Ordered { left, right, is } => Ok(order(left.value(facts)?, right.value(facts)?)?.is_some_and(is)),
            Cond::OneOf(term, list) => one_of(term.value(facts)?, list, facts),
            Cond::Has(keys, key) => Ok(table(keys, facts)?.contains_key(&**key)),
            Cond::Test(text, test, with) => match (text.value(facts)?, with.value(facts)?) {
                (Value::Text(text), Value::Text(with)) => Ok(test(text, with)),
                _ => Err(NOT_TEXT),
            },
            Cond::Truth(term) => match term.value(facts)? {
                Value::Bool(truth) => Ok(truth),
                _ => Err(NOT_BOOL),
            },
            Cond::Foreign(foreign) => foreign.holds(facts),
        }
    }
}

/// `&&` (decided by a false one) and `||` (by a true one): whatever fails beside the one that decides does not matter.
fn decided(conds: &[Cond], facts: &Facts<'_>, by: bool) -> Result<bool, Failed> {
    let mut failed = None;
    for cond in conds {
        match cond.holds(facts) {
            Ok(truth) if truth == by => return Ok(by),
            Ok(_) => {}
            Err(why) => failed = Some(why),
        }
    }
    failed.map_or(Ok(!by), Err)
}

fn one_of(value: Value<'_>, list: &[Term], facts: &Facts<'_>) -> Result<bool, Failed> {
    for term in list {
        if equal(value, term.value(facts)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Term {
    pub fn value<'a>(&'a self, facts: &Facts<'a>) -> Result<Value<'a>, Failed> {
        Ok(match self {
            Term::Null => Value::Null,
            Term::Bool(truth) => Value::Bool(*truth),
            Term::Int(number) => Value::Int(*number),
            Term::Uint(number) => Value::Uint(*number),
            Term::Text(text) => Value::Text(text),
            Term::Field(field) => (field.read)(facts),
            Term::Metadata(keys) => metadata(keys, facts)?,
            Term::Clock(part) => Value::Int(part(facts.now)),
            Term::Sum(sides, operation) => {
                let [left, right] = &**sides;
                Value::Int(operation(left.int(facts)?, right.int(facts)?).ok_or(NO_RESULT)?)
            }
            Term::Negated(term) => Value::Int(term.int(facts)?.checked_neg().ok_or(NO_RESULT)?),
            Term::Size(term) => Value::Int(size(term.value(facts)?)?),
            Term::Choose(parts) => {
                let (cond, then, otherwise) = &**parts;
                if cond.holds(facts)? { then.value(facts)? } else { otherwise.value(facts)? }
            }
            Term::Of(cond) => Value::Bool(cond.holds(facts)?),
        })
    }

    /// Whether it can be nothing but an int or null.
    pub fn is_int(&self) -> bool {
        match self {
            Term::Int(_) | Term::Clock(_) | Term::Sum(..) | Term::Negated(_) | Term::Size(_) => true,
            Term::Field(field) => field.kind == Kind::Int,
            Term::Choose(parts) => parts.1.is_int() && parts.2.is_int(),
            _ => false,
        }
    }

    fn int(&self, facts: &Facts<'_>) -> Result<i64, Failed> {
        match self.value(facts)? {
            Value::Int(number) => Ok(number),
            _ => Err(NOT_INT),
        }
    }
}

const NOT_TEXT: Failed = Failed::why("startsWith, endsWith and contains need text on both sides, and one side is not (or is null)");
const NOT_BOOL: Failed = Failed::why("a metadata value used as a condition is not true or false");
const NOT_INT: Failed = Failed::why("one side of an arithmetic operation is not a whole number (or is null)");
const NO_RESULT: Failed = Failed::why("an arithmetic operation has no result: it overflows or divides by zero");
const NOT_ORDERED: Failed = Failed::why("<, <=, > or >= was asked of two values that have no order, such as text and a number");
const NO_FIELDS: Failed = Failed::why("a field was asked of a metadata value that is not a table");
const NO_SIZE: Failed = Failed::why("size() was asked of a value that is neither text nor a list nor a table");

/// Null where a key is missing; an error where what a key is asked of is no table.
fn metadata<'a>(keys: &'a [Box<str>], facts: &Facts<'a>) -> Result<Value<'a>, Failed> {
    let Some((last, above)) = keys.split_last() else { return Err(NO_FIELDS) };
    Ok(table(above, facts)?.get(&**last).map_or(Value::Null, Value::of))
}

fn table<'a>(keys: &[Box<str>], facts: &Facts<'a>) -> Result<&'a serde_json::Map<String, Json>, Failed> {
    let mut at = facts.order.metadata;
    for key in keys {
        at = at.get(&**key).and_then(Json::as_object).ok_or(NO_FIELDS)?;
    }
    Ok(at)
}

/// CEL's equality: numbers by value whatever their type, across other types false.
fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Uint(a), Value::Uint(b)) => a == b,
        (Value::Int(a), Value::Uint(b)) | (Value::Uint(b), Value::Int(a)) => i128::from(a) == i128::from(b),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Json(_), _) | (_, Value::Json(_)) => native::equal(left, right),
        _ => false,
    }
}

/// `None` with null on either side: every ordering is then false.
fn order(left: Value<'_>, right: Value<'_>) -> Result<Option<Ordering>, Failed> {
    Ok(Some(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => return Ok(None),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(&b),
        (Value::Int(a), Value::Int(b)) => a.cmp(&b),
        (Value::Uint(a), Value::Uint(b)) => a.cmp(&b),
        (Value::Int(a), Value::Uint(b)) => i128::from(a).cmp(&i128::from(b)),
        (Value::Uint(a), Value::Int(b)) => i128::from(a).cmp(&i128::from(b)),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(&b),
        (Value::Json(_), _) | (_, Value::Json(_)) => native::order(left, right).ok_or(NOT_ORDERED)?,
        _ => return Err(NOT_ORDERED),
    }))
}

fn size(value: Value<'_>) -> Result<i64, Failed> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Json(Json::Array(list)) => list.len(),
        Value::Json(Json::Object(table)) => table.len(),
        _ => return Err(NO_SIZE),
    };
    i64::try_from(size).map_err(|_| NO_SIZE)
}
