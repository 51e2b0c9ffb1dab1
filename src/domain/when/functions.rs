//! The functions of CEL a predicate may call: how each is written, what it takes and what it gives.

use super::facts::Kind;
use super::names::literal_text;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};
use cel::common::types::CelString;

pub(super) fn known(name: &str) -> Option<(&'static Takes, Kind)> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, takes, gives)| (takes, *gives))
}

pub(super) fn unknown(name: &str) -> String {
    let known: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
    format!("`{name}(…)` does not exist; there are: {}, and all, exists, exists_one, map, filter, has", known.join(", "))
}

/// A call whose answer hangs on what is written alone: `timestamp("…")`, and the pattern of `matches("…")`.
pub(super) fn constant(call: &CallExpr, expr: &IdedExpr) -> Option<IdedExpr> {
    let last = call.args.last().filter(|last| literal_text(last).is_some())?;
    match (call.func_name.as_str(), call.args.len()) {
        ("matches", _) => {
            let empty = IdedExpr { id: expr.id, expr: Expr::Literal(LiteralValue::String(CelString::from(String::new()))) };
            let matches = CallExpr { func_name: call.func_name.clone(), target: Some(Box::new(empty)), args: vec![last.clone()] };
            Some(IdedExpr { id: expr.id, expr: Expr::Call(matches) })
        }
        (_, 1) if call.target.is_none() => Some(expr.clone()),
        _ => None,
    }
}

/// How a function is written and what it takes.
pub(super) enum Takes {
    One(&'static [Kind]),
    Size,
    OnText,
    Pattern,
    OnTime,
}

impl Takes {
    /// Whether it may be written on something, and with so many arguments, that one included.
    pub fn fits(&self, on: bool, args: usize) -> bool {
        match self {
            Takes::One(_) => !on && args == 1,
            Takes::Size => args == 1,
            Takes::OnText => on && args == 2,
            Takes::Pattern => args == 2,
            Takes::OnTime => on && (1..=2).contains(&args),
        }
    }

    pub fn accepts(&self, place: usize, kind: Kind) -> bool {
        match self {
            Takes::One(kinds) => kinds.contains(&kind),
            Takes::Size => matches!(kind, Kind::Text | Kind::Bytes | Kind::List | Kind::Table),
            Takes::OnText | Takes::Pattern => kind == Kind::Text,
            Takes::OnTime if place == 0 => matches!(kind, Kind::Time | Kind::Duration),
            Takes::OnTime => kind == Kind::Text,
        }
    }

    pub fn written(&self, name: &str) -> String {
        match self {
            Takes::One(_) | Takes::Size => format!("{name}(value)"),
            Takes::OnText | Takes::Pattern => format!("text.{name}(text)"),
            Takes::OnTime => format!("now.{name}()"),
        }
    }
}

const FUNCTIONS: &[(&str, Takes, Kind)] = &[
    ("size", Takes::Size, Kind::Int),
    ("contains", Takes::OnText, Kind::Bool),
    ("startsWith", Takes::OnText, Kind::Bool),
    ("endsWith", Takes::OnText, Kind::Bool),
    ("matches", Takes::Pattern, Kind::Bool),
    ("int", Takes::One(&[Kind::Int, Kind::Uint, Kind::Fraction, Kind::Text, Kind::Time]), Kind::Int),
    ("uint", Takes::One(&[Kind::Int, Kind::Uint, Kind::Fraction, Kind::Text]), Kind::Uint),
    ("double", Takes::One(&[Kind::Int, Kind::Uint, Kind::Fraction, Kind::Text]), Kind::Fraction),
    ("bool", Takes::One(&[Kind::Bool, Kind::Text]), Kind::Bool),
    (
        "string",
        Takes::One(&[Kind::Bool, Kind::Int, Kind::Uint, Kind::Fraction, Kind::Text, Kind::Bytes, Kind::Time, Kind::Duration]),
        Kind::Text,
    ),
    ("timestamp", Takes::One(&[Kind::Text, Kind::Int, Kind::Time]), Kind::Time),
    ("duration", Takes::One(&[Kind::Text, Kind::Duration]), Kind::Duration),
    ("getFullYear", Takes::OnTime, Kind::Int),
    ("getMonth", Takes::OnTime, Kind::Int),
    ("getDayOfYear", Takes::OnTime, Kind::Int),
    ("getDayOfMonth", Takes::OnTime, Kind::Int),
    ("getDate", Takes::OnTime, Kind::Int),
    ("getDayOfWeek", Takes::OnTime, Kind::Int),
    ("getHours", Takes::OnTime, Kind::Int),
    ("getMinutes", Takes::OnTime, Kind::Int),
    ("getSeconds", Takes::OnTime, Kind::Int),
    ("getMilliseconds", Takes::OnTime, Kind::Int),
];
