//! What operators may be asked of, by what is known of their operands before there is an order.

use super::check::Checker;
use super::facts::Kind;
use super::names::shown;
use cel::common::ast::{Expr, IdedExpr};

const FEN: &str = "write fen as a whole number";

impl<'e> Checker<'e> {
    pub(super) fn compared(&mut self, left: &'e IdedExpr, right: &'e IdedExpr, operator: &str) {
        let (a, b) = (self.value(left), self.value(right));
        self.comparable(a, b, || format!("{} is {} and {} is {}", shown(left), a.said(), shown(right), b.said()), operator);
        if operator.starts_with(['<', '>']) && (a == Kind::List || b == Kind::List) {
            self.problem(format!("`{operator}`: lists have no order"));
        }
    }

    fn comparable(&mut self, a: Kind, b: Kind, which: impl FnOnce() -> String, operator: &str) {
        let loose = |kind| matches!(kind, Kind::Dyn | Kind::Null);
        let whole = |kind| matches!(kind, Kind::Int | Kind::Uint);
        if loose(a) || loose(b) || a == b || (whole(a) && whole(b)) {
            return;
        }
        let hint = if (a == Kind::Fraction && whole(b)) || (whole(a) && b == Kind::Fraction) { FEN } else { "they can never be compared" };
        self.problem(format!("`{operator}`: {}: {hint}", which()));
    }

    /// The one kind of two; null goes with everything.
    pub(super) fn same(&mut self, a: Kind, b: Kind, what: &str) -> Kind {
        match (a, b) {
            _ if a == b => a,
            (Kind::Null, other) | (other, Kind::Null) => other,
            (Kind::Dyn, _) | (_, Kind::Dyn) => Kind::Dyn,
            _ => self.problem(format!("{what} of two kinds: {} and {}", a.said(), b.said())),
        }
    }

    pub(super) fn arithmetic(&mut self, operator: &str, left: &'e IdedExpr, right: &'e IdedExpr) -> Kind {
        use Kind::{Bytes, Duration, Dyn, Fraction, Int, List, Text, Time, Uint};
        let (a, b) = (self.value(left), self.value(right));
        match (operator, a, b) {
            (_, Dyn, Dyn) => Dyn,
            (_, Dyn, kind @ (Int | Uint | Fraction)) | (_, kind @ (Int | Uint | Fraction), Dyn) => kind,
            (_, Int, Int) => Int,
            (_, Uint, Uint) => Uint,
            ("+" | "-" | "*" | "/", Fraction, Fraction) => Fraction,
            ("+", Text, Text | Dyn) | ("+", Dyn, Text) => Text,
            ("+", Bytes, Bytes | Dyn) | ("+", Dyn, Bytes) => Bytes,
            ("+", List, List | Dyn) | ("+", Dyn, List) => List,
            ("+" | "-", Time, Duration) | ("+", Duration, Time) => Time,
            ("-", Time, Time) | ("+" | "-", Duration, Duration) => Duration,
            ("+" | "-", Time | Duration, Dyn) | ("+" | "-", Dyn, Time | Duration) => Dyn,
            (_, Int, Fraction) | (_, Fraction, Int) => {
                self.problem(format!("`{operator}` mixes {} with {}: {FEN}", shown(left), shown(right)))
            }
            _ => {
                self.problem(format!("`{operator}` cannot be asked of {} ({}) and {} ({})", shown(left), a.said(), shown(right), b.said()))
            }
        }
    }

    pub(super) fn within(&mut self, of: &'e IdedExpr, list: &'e IdedExpr) -> Kind {
        let kind = self.value(of);
        if let Expr::List(list) = &list.expr {
            for element in &list.elements {
                let b = self.value(element);
                self.comparable(kind, b, || format!("{} is {} and {} is {}", shown(of), kind.said(), shown(element), b.said()), "in");
            }
            return Kind::Bool;
        }
        match self.kind(list) {
            Kind::List | Kind::Dyn => {}
            Kind::Table if matches!(kind, Kind::Text | Kind::Dyn) => {}
            Kind::Table => drop(self.problem(format!("`in`: {} is {}, and the keys of {} are text", shown(of), kind.said(), shown(list)))),
            other => drop(self.problem(format!("`in` needs a list: {} is {}", shown(list), other.said()))),
        }
        Kind::Bool
    }

    pub(super) fn index(&mut self, of: &'e IdedExpr, at: &'e IdedExpr) -> Kind {
        match (self.kind(of), self.value(at)) {
            (Kind::Dyn, _) | (Kind::Table, Kind::Text | Kind::Dyn) | (Kind::List, Kind::Int | Kind::Uint | Kind::Dyn) => Kind::Dyn,
            (of_kind, kind) => self.problem(format!("`[ ]`: {} is {} and cannot be asked for {}", shown(of), of_kind.said(), kind.said())),
        }
    }
}
