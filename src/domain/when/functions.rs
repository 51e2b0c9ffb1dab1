//! The functions of CEL a predicate may call: how each is written, what it takes and what it gives.

use super::cel;
use super::facts::Kind;
use super::names::literal_text;
use ::cel::common::ast::{CallExpr, IdedExpr};
use regex::Regex;

pub(super) fn known(name: &str) -> Option<(&'static Takes, Kind)> {
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, takes, gives)| (takes, *gives))
}

pub(super) fn unknown(name: &str) -> String {
    let known: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
    format!("`{name}(…)` does not exist; there are: {}, and all, exists, exists_one, map, filter, has", known.join(", "))
}

/// What is wrong with the text a call is given, where it is written out: `timestamp("…")`, the pattern of `matches("…")`.
pub(super) fn given(call: &CallExpr, expr: &IdedExpr) -> Option<String> {
    let name = call.func_name.as_str();
    let written = call.args.last().and_then(literal_text);
    if name == "matches" {
        let Some(pattern) = written else { return Some("`matches(…)` needs its pattern written out".to_owned()) };
        return Regex::new(pattern).err().map(|_| format!("`matches(…)`: \"{pattern}\" is not a regular expression"));
    }
    let alone = written.is_some() && call.target.is_none() && call.args.len() == 1;
    let why = alone.then(|| cel::constant(expr).err()).flatten()?;
    Some(format!("`{name}(…)` never has an answer here: {why}"))
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
            Takes::Pattern => on && args == 2,
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
    // Not of a whole number: amounts are, and no float carries money.
    ("double", Takes::One(&[Kind::Fraction, Kind::Text]), Kind::Fraction),
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
