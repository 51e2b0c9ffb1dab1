//! The lowered tree and its evaluation: no allocation, no lookup by name.

use super::Failed;
use super::cel::Foreign;
use super::facts::{Facts, Field, Kind, Read, ReadInt, ReadText, Value};
use super::native;
use cel::common::ast::operators;
use regex::Regex;
use serde_json::{Map, Value as Json};
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
    Compared(Term, Compare, Term),
    OneOf(Term, Box<[Term]>),
    // What nearly every rule is made of, without a value in between.
    IntIs(ReadInt, Compare, i64),
    /// Of a term that [`Term::is_int`].
    NumberIs(Term, Compare, i64),
    TextIs(ReadText, bool, Box<str>),
    TextIn(ReadText, Box<[Box<str>]>),
    /// Whether the table below these keys has this key.
    Has(Keys, Box<str>),
    Test(Term, TextTest, Term),
    Pattern(Term, Regex),
    /// A value that must turn out to be true or false.
    Truth(Term),
    Foreign(Foreign),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equals,
    NotEquals,
    Less,
    LessEquals,
    Greater,
    GreaterEquals,
}

impl Compare {
    pub fn named(operator: &str) -> Option<Compare> {
        Some(match operator {
            operators::EQUALS => Compare::Equals,
            operators::NOT_EQUALS => Compare::NotEquals,
            operators::LESS => Compare::Less,
            operators::LESS_EQUALS => Compare::LessEquals,
            operators::GREATER => Compare::Greater,
            operators::GREATER_EQUALS => Compare::GreaterEquals,
            _ => return None,
        })
    }

    /// With null only `!=` holds.
    fn number(self, number: Option<i64>, with: i64) -> bool {
        number.map_or(self == Compare::NotEquals, |number| self.is(number.cmp(&with)))
    }

    const fn is(self, order: Ordering) -> bool {
        match self {
            Compare::Equals => order.is_eq(),
            Compare::NotEquals => order.is_ne(),
            Compare::Less => order.is_lt(),
            Compare::LessEquals => order.is_le(),
            Compare::Greater => order.is_gt(),
            Compare::GreaterEquals => order.is_ge(),
        }
    }
}

/// Why there is no answer: two words, so that an answer stays in registers; the sentence is made once it is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why<'p> {
    Known(&'static Failed),
    Foreign(&'p Foreign),
}

impl Why<'_> {
    pub fn said(self, facts: &Facts<'_>) -> Failed {
        match self {
            Why::Known(failed) => failed.clone(),
            Why::Foreign(foreign) => foreign.holds(facts).err().unwrap_or(Failed::why("a condition that runs in cel failed")),
        }
    }
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
    pub fn holds<'p>(&'p self, facts: &Facts<'p>) -> Result<bool, Why<'p>> {
        match self {
            Cond::Const(truth) => Ok(*truth),
            Cond::Not(cond) => cond.holds(facts).map(|truth| !truth),
            Cond::All(conds) => decided(conds, facts, false),
            Cond::Any(conds) => decided(conds, facts, true),
            Cond::If(parts) => {
                let [cond, then, otherwise] = &**parts;
                if cond.holds(facts)? { then.holds(facts) } else { otherwise.holds(facts) }
            }
            Cond::Compared(left, Compare::Equals, right) => Ok(equal(left.value(facts)?, right.value(facts)?)),
            Cond::Compared(left, Compare::NotEquals, right) => Ok(!equal(left.value(facts)?, right.value(facts)?)),
            Cond::Compared(left, compare, right) => {
                Ok(order(left.value(facts)?, right.value(facts)?)?.is_some_and(|order| compare.is(order)))
            }
            Cond::IntIs(read, compare, with) => Ok(compare.number(read(facts), *with)),
            Cond::NumberIs(term, compare, with) => Ok(compare.number(term.number(facts)?, *with)),
            Cond::TextIs(read, same, text) => Ok((read(facts) == Some(&**text)) == *same),
            Cond::TextIn(read, list) => Ok(read(facts).is_some_and(|text| list.iter().any(|one| **one == *text))),
            Cond::OneOf(term, list) => one_of(term.value(facts)?, list, facts),
            Cond::Has(keys, key) => Ok(table(keys, facts)?.contains_key(&**key)),
            Cond::Test(text, test, with) => match (text.value(facts)?, with.value(facts)?) {
                (Value::Text(text), Value::Text(with)) => Ok(test(text, with)),
                _ => Err(NOT_TEXT),
            },
            Cond::Pattern(text, pattern) => match text.value(facts)? {
                Value::Text(text) => Ok(pattern.is_match(text)),
                _ => Err(NOT_TEXT),
            },
            Cond::Truth(term) => match term.value(facts)? {
                Value::Bool(truth) => Ok(truth),
                _ => Err(NOT_BOOL),
            },
            Cond::Foreign(foreign) => foreign.holds(facts).map_err(|_| Why::Foreign(foreign)),
        }
    }
}

/// `&&` (decided by a false one) and `||` (by a true one): whatever fails beside the one that decides does not matter.
fn decided<'p>(conds: &'p [Cond], facts: &Facts<'p>, by: bool) -> Result<bool, Why<'p>> {
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

fn one_of<'p>(value: Value<'_>, list: &'p [Term], facts: &Facts<'p>) -> Result<bool, Why<'p>> {
    for term in list {
        if equal(value, term.value(facts)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Term {
    pub fn value<'a>(&'a self, facts: &Facts<'a>) -> Result<Value<'a>, Why<'a>> {
        Ok(match self {
            Term::Null => Value::Null,
            Term::Bool(truth) => Value::Bool(*truth),
            Term::Int(number) => Value::Int(*number),
            Term::Uint(number) => Value::Uint(*number),
            Term::Text(text) => Value::Text(text),
            Term::Field(field) => field.value(facts),
            Term::Metadata(keys) => metadata(keys, facts)?,
            Term::Clock(_) | Term::Sum(..) | Term::Negated(_) | Term::Size(_) => self.number(facts)?.map_or(Value::Null, Value::Int),
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
            Term::Field(field) => field.kind() == Kind::Int,
            Term::Choose(parts) => parts.1.is_int() && parts.2.is_int(),
            _ => false,
        }
    }

    /// `None` is null.
    fn number<'p>(&'p self, facts: &Facts<'p>) -> Result<Option<i64>, Why<'p>> {
        Ok(Some(match self {
            Term::Int(number) => *number,
            Term::Field(Field { read: Read::Int(read), .. }) => return Ok(read(facts)),
            Term::Clock(part) => part(facts.now),
            Term::Sum(sides, operation) => {
                let [left, right] = &**sides;
                operation(left.int(facts)?, right.int(facts)?).ok_or(NO_RESULT)?
            }
            Term::Negated(term) => term.int(facts)?.checked_neg().ok_or(NO_RESULT)?,
            Term::Size(term) => size(term.value(facts)?)?,
            _ => match self.value(facts)? {
                Value::Int(number) => number,
                Value::Null => return Ok(None),
                _ => return Err(NOT_INT),
            },
        }))
    }

    fn int<'p>(&'p self, facts: &Facts<'p>) -> Result<i64, Why<'p>> {
        self.number(facts)?.ok_or(NOT_INT)
    }
}

const NOT_TEXT: Why<'static> =
    Why::Known(&Failed::why("startsWith, endsWith, contains and matches need text, and a value is not (or is null)"));
const NOT_BOOL: Why<'static> = Why::Known(&Failed::why("a metadata value used as a condition is not true or false"));
const NOT_INT: Why<'static> = Why::Known(&Failed::why("one side of an arithmetic operation is not a whole number (or is null)"));
const NO_RESULT: Why<'static> = Why::Known(&Failed::why("an arithmetic operation has no result: it overflows or divides by zero"));
const NOT_ORDERED: Why<'static> =
    Why::Known(&Failed::why("<, <=, > or >= was asked of two values that have no order, such as text and a number"));
const NO_FIELDS: Why<'static> = Why::Known(&Failed::why("a field was asked of a metadata value that is not a table"));
const NO_SIZE: Why<'static> = Why::Known(&Failed::why("size() was asked of a value that is neither text nor a list nor a table"));

/// Null where a key is missing; an error where what a key is asked of is no table.
fn metadata<'a>(keys: &'a [Box<str>], facts: &Facts<'a>) -> Result<Value<'a>, Why<'a>> {
    let Some((last, above)) = keys.split_last() else { return Err(NO_FIELDS) };
    Ok(table(above, facts)?.get(&**last).map_or(Value::Null, Value::of))
}

fn table<'a>(keys: &[Box<str>], facts: &Facts<'a>) -> Result<&'a Map<String, Json>, Why<'static>> {
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
fn order(left: Value<'_>, right: Value<'_>) -> Result<Option<Ordering>, Why<'static>> {
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

fn size(value: Value<'_>) -> Result<i64, Why<'static>> {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Json(Json::Array(list)) => list.len(),
        Value::Json(Json::Object(table)) => table.len(),
        _ => return Err(NO_SIZE),
    };
    i64::try_from(size).map_err(|_| NO_SIZE)
}
