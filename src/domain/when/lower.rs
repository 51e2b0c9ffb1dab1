//! From CEL's tree to ours. What our tree does not know stays in `cel`, the smallest condition around it, and is named.

use super::cel::Foreign;
use super::eval::{Compare, Cond, Keys, Operation, Term, TextTest};
use super::facts::{Field, Read};
use super::names::{Place, literal_text, place, shown, spelled};
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use regex::Regex;
use sluice_contract::Millis;

/// The lowered predicate of a tree that was checked, and why parts of it stay in `cel`.
pub(super) fn lower(tree: &IdedExpr) -> (Cond, Vec<String>) {
    let mut lowering = Lowering { stays: Vec::new() };
    let cond = lowering.cond(tree);
    (cond, lowering.stays)
}

struct Lowering {
    stays: Vec<String>,
}

impl Lowering {
    fn cond(&mut self, expr: &IdedExpr) -> Cond {
        if let Expr::Call(call) = &expr.expr {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND, [_, _]) => return Cond::All(self.joined(expr, operators::LOGICAL_AND)),
                (operators::LOGICAL_OR, [_, _]) => return Cond::Any(self.joined(expr, operators::LOGICAL_OR)),
                (operators::LOGICAL_NOT, [of]) => return Cond::Not(Box::new(self.cond(of))),
                (operators::CONDITIONAL, [cond, then, otherwise]) => {
                    return Cond::If(Box::new([self.cond(cond), self.cond(then), self.cond(otherwise)]));
                }
                _ => {}
            }
        }
        self.leaf(expr).unwrap_or_else(|why| {
            if !self.stays.contains(&why) {
                self.stays.push(why);
            }
            Cond::Foreign(Foreign::new(expr))
        })
    }

    /// `a && b && c` is one list, however it is bracketed.
    fn joined(&mut self, expr: &IdedExpr, by: &str) -> Box<[Cond]> {
        let mut parts = Vec::new();
        let mut rest = vec![expr];
        while let Some(at) = rest.pop() {
            match &at.expr {
                Expr::Call(call) if call.func_name == by => rest.extend(call.args.iter().rev()),
                _ => parts.push(self.cond(at)),
            }
        }
        parts.into()
    }

    /// A condition that is no connective.
    ///
    /// # Errors
    /// What of it our tree does not know.
    fn leaf(&mut self, expr: &IdedExpr) -> Result<Cond, String> {
        match &expr.expr {
            Expr::Literal(LiteralValue::Boolean(truth)) => Ok(Cond::Const(*truth.inner())),
            Expr::Select(select) if select.test => match spelled(&select.operand).map(|parts| place(&parts)) {
                Some(Ok(Place::Metadata(keys))) => Ok(Cond::Has(owned(&keys), select.field.as_str().into())),
                _ => Err("has() of something other than metadata".to_owned()),
            },
            Expr::Call(call) if is_boolean(call) => self.comparison(call, expr),
            _ => Ok(Cond::Truth(self.term(expr)?)),
        }
    }

    fn comparison(&mut self, call: &CallExpr, expr: &IdedExpr) -> Result<Cond, String> {
        let name = call.func_name.as_str();
        let (left, right) = match (call.target.as_deref(), call.args.as_slice()) {
            (Some(left), [right]) | (None, [left, right]) => (left, right),
            _ => return Err(stays(expr)),
        };
        match name {
            operators::IN => return self.one_of(left, right),
            "matches" => {
                let pattern = literal_text(right).and_then(|pattern| Regex::new(pattern).ok()).ok_or_else(|| stays(expr))?;
                return Ok(Cond::Pattern(self.term(left)?, pattern));
            }
            _ => {}
        }
        let (left, right) = (self.term(left)?, self.term(right)?);
        if let Some(test) = text_test(name) {
            return Ok(Cond::Test(left, test, right));
        }
        let compare = Compare::named(name).ok_or_else(|| stays(expr))?;
        Ok(match (left, right) {
            (Term::Field(Field { read: Read::Int(read), .. }), Term::Int(number)) => Cond::IntIs(*read, compare, number),
            (Term::Field(Field { read: Read::Text(read), .. }), Term::Text(text)) if compare == Compare::Equals => {
                Cond::TextIs(*read, true, text)
            }
            (Term::Field(Field { read: Read::Text(read), .. }), Term::Text(text)) if compare == Compare::NotEquals => {
                Cond::TextIs(*read, false, text)
            }
            (left, Term::Int(number)) if left.is_int() => Cond::NumberIs(left, compare, number),
            (left, right) => Cond::Compared(left, compare, right),
        })
    }

    /// Elements that can fail stay in `cel`, which computes all of them whether or not one before was the one.
    fn one_of(&mut self, of: &IdedExpr, list: &IdedExpr) -> Result<Cond, String> {
        let Expr::List(list) = &list.expr else { return Err("`in` something other than a list of values".to_owned()) };
        let of = self.term(of)?;
        let texts: Option<Box<[Box<str>]>> = list.elements.iter().map(|element| literal_text(element).map(Box::from)).collect();
        if let (Term::Field(Field { read: Read::Text(read), .. }), Some(texts)) = (&of, texts) {
            return Ok(Cond::TextIn(*read, texts));
        }
        let terms = list.elements.iter().map(|element| self.term(element)).collect::<Result<Vec<_>, _>>()?;
        let simple =
            |term: &Term| matches!(term, Term::Null | Term::Bool(_) | Term::Int(_) | Term::Uint(_) | Term::Text(_) | Term::Field(_));
        if terms.iter().all(simple) { Ok(Cond::OneOf(of, terms.into())) } else { Err("a list with computed elements".to_owned()) }
    }

    fn term(&mut self, expr: &IdedExpr) -> Result<Term, String> {
        if let Some(parts) = spelled(expr) {
            return match place(&parts)? {
                Place::Field(field) => Ok(Term::Field(field)),
                Place::Metadata(keys) if keys.is_empty() => Err("the whole of `order.metadata`".to_owned()),
                Place::Metadata(keys) => Ok(Term::Metadata(owned(&keys))),
            };
        }
        match &expr.expr {
            Expr::Literal(LiteralValue::Null) => Ok(Term::Null),
            Expr::Literal(LiteralValue::Boolean(truth)) => Ok(Term::Bool(*truth.inner())),
            Expr::Literal(LiteralValue::Int(number)) => Ok(Term::Int(*number.inner())),
            Expr::Literal(LiteralValue::UInt(number)) => Ok(Term::Uint(*number.inner())),
            Expr::Literal(LiteralValue::String(text)) => Ok(Term::Text(text.inner().into())),
            Expr::Select(select) if select.test => Ok(Term::Of(Box::new(self.cond(expr)))),
            Expr::Call(call) if is_boolean(call) => Ok(Term::Of(Box::new(self.cond(expr)))),
            Expr::Call(call) => self.call(call, expr),
            _ => Err(stays(expr)),
        }
    }

    fn call(&mut self, call: &CallExpr, expr: &IdedExpr) -> Result<Term, String> {
        match (call.func_name.as_str(), &call.target, call.args.as_slice()) {
            (operators::CONDITIONAL, None, [cond, then, otherwise]) => {
                Ok(Term::Choose(Box::new((self.cond(cond), self.term(then)?, self.term(otherwise)?))))
            }
            (operators::NEGATE, None, [of]) => {
                let of = self.term(of)?;
                if of.is_int() { Ok(Term::Negated(Box::new(of))) } else { Err(stays(expr)) }
            }
            ("size", None, [of]) => Ok(Term::Size(Box::new(self.term(of)?))),
            ("size", Some(of), []) => Ok(Term::Size(Box::new(self.term(of)?))),
            (name, Some(of), []) if spelled(of).is_some_and(|parts| parts == ["now"]) => {
                clock(name).map(Term::Clock).ok_or_else(|| stays(expr))
            }
            (name, None, [left, right]) => {
                let operation = operation(name).ok_or_else(|| stays(expr))?;
                let sides = [self.term(left)?, self.term(right)?];
                // Two metadata values may be texts or fractions: what `+` then gives is nothing our tree holds.
                if sides.iter().any(Term::is_int) { Ok(Term::Sum(Box::new(sides), operation)) } else { Err(stays(expr)) }
            }
            _ => Err(stays(expr)),
        }
    }
}

fn stays(expr: &IdedExpr) -> String {
    shown(expr)
}

fn owned(keys: &[&str]) -> Keys {
    keys.iter().map(|key| Box::from(*key)).collect()
}

fn is_boolean(call: &CallExpr) -> bool {
    let name = call.func_name.as_str();
    let connects = [operators::IN, operators::LOGICAL_AND, operators::LOGICAL_OR, operators::LOGICAL_NOT, "matches"].contains(&name);
    connects || Compare::named(name).is_some() || text_test(name).is_some()
}

fn text_test(name: &str) -> Option<TextTest> {
    match name {
        "startsWith" => Some(|text, with| text.starts_with(with)),
        "endsWith" => Some(|text, with| text.ends_with(with)),
        "contains" => Some(|text, with| text.contains(with)),
        _ => None,
    }
}

fn operation(name: &str) -> Option<Operation> {
    match name {
        operators::ADD => Some(i64::checked_add),
        operators::SUBSTRACT => Some(i64::checked_sub),
        operators::MULTIPLY => Some(i64::checked_mul),
        operators::DIVIDE => Some(i64::checked_div),
        operators::MODULO => Some(i64::checked_rem),
        _ => None,
    }
}

/// Milliseconds since the epoch, by the wall clock of +08:00: China has had no other since 1991.
const fn wall(now: Millis) -> i64 {
    now.0.saturating_add(8 * HOUR)
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Counted as CEL counts: Sunday is 0, January is 0, `getDayOfMonth` starts at 0 and `getDate` at 1.
fn clock(name: &str) -> Option<fn(Millis) -> i64> {
    match name {
        "getHours" => Some(|now| wall(now).rem_euclid(DAY) / HOUR),
        "getMinutes" => Some(|now| wall(now).rem_euclid(HOUR) / 60_000),
        "getSeconds" => Some(|now| wall(now).rem_euclid(60_000) / 1000),
        "getMilliseconds" => Some(|now| wall(now).rem_euclid(1000)),
        // 1970-01-01 was a Thursday.
        "getDayOfWeek" => Some(|now| (wall(now).div_euclid(DAY) + 4).rem_euclid(7)),
        "getFullYear" => Some(|now| date(now).0),
        "getMonth" => Some(|now| date(now).1 - 1),
        "getDayOfMonth" => Some(|now| date(now).2 - 1),
        "getDate" => Some(|now| date(now).2),
        _ => None,
    }
}

/// Year, month and day of the proleptic Gregorian calendar: the year is taken to begin in March, so that a leap day ends one.
fn date(now: Millis) -> (i64, i64, i64) {
    let days = wall(now).div_euclid(DAY) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
