//! Everything that can be known wrong before there is an order: names, types, nesting. All of it is said at once.

use super::LEVELS_MAX;
use super::facts::Kind;
use super::functions;
use super::names::{Place, place, shown, spelled, symbol};
use ::cel::ParseErrors;
use ::cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};

/// Loops inside loops are refused beyond this: the time of one question must stay bounded.
const LOOPS_MAX: usize = 2;

/// # Errors
/// Brackets nested too deep; seen before the text is parsed, so that no text can exhaust the parser's stack.
pub(super) fn brackets(text: &str) -> Result<(), String> {
    let mut open = 0usize;
    for letter in text.chars() {
        match letter {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > LEVELS_MAX {
            return Err(too_deep());
        }
    }
    Ok(())
}

fn too_deep() -> String {
    format!("is nested deeper than {LEVELS_MAX} levels; split the rule in two")
}

/// What the parser said, one sentence a place.
pub(super) fn syntax(errors: &ParseErrors) -> Vec<String> {
    errors.errors.iter().map(|error| format!("is not CEL at line {}, column {}: {}", error.pos.0, error.pos.1, error.msg)).collect()
}

/// # Errors
/// Every problem of a parsed predicate.
pub(super) fn check(tree: &IdedExpr) -> Result<(), Vec<String>> {
    let mut checker = Checker { scope: Vec::new(), problems: Vec::new(), loops: 0, level: 0 };
    checker.condition(tree);
    if checker.problems.is_empty() { Ok(()) } else { Err(checker.problems) }
}

pub(super) struct Checker<'e> {
    /// What the loops around have named.
    scope: Vec<(&'e str, Kind)>,
    problems: Vec<String>,
    loops: usize,
    level: usize,
}

impl<'e> Checker<'e> {
    /// One sentence, once. What is wrong already is not blamed for anything else.
    pub(super) fn problem(&mut self, problem: String) -> Kind {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        Kind::Dyn
    }

    fn condition(&mut self, expr: &'e IdedExpr) {
        let kind = self.value(expr);
        if !matches!(kind, Kind::Bool | Kind::Dyn) {
            self.problem(format!("{} is {}, not a condition: compare it with something", shown(expr), kind.said()));
        }
    }

    /// The kind of something that is one value.
    pub(super) fn value(&mut self, expr: &'e IdedExpr) -> Kind {
        match self.kind(expr) {
            Kind::Table => self.problem(format!("{} is a table: ask for one of its keys", shown(expr))),
            kind => kind,
        }
    }

    pub(super) fn kind(&mut self, expr: &'e IdedExpr) -> Kind {
        if self.level >= LEVELS_MAX {
            return self.problem(too_deep());
        }
        self.level += 1;
        let kind = self.kind_within(expr);
        self.level -= 1;
        kind
    }

    fn kind_within(&mut self, expr: &'e IdedExpr) -> Kind {
        if let Some(parts) = spelled(expr) {
            return match self.local(&parts) {
                Some(kind) if parts.len() == 1 || kind == Kind::Dyn => kind,
                Some(kind) => {
                    self.problem(format!("`{}` does not exist: `{}` is {}", parts.join("."), parts.first().unwrap_or(&""), kind.said()))
                }
                None => match place(&parts) {
                    Ok(Place::Field(field)) => field.kind(),
                    Ok(Place::Metadata(keys)) if keys.is_empty() => Kind::Table,
                    Ok(Place::Metadata(_)) => Kind::Dyn,
                    Err(problem) => self.problem(problem),
                },
            };
        }
        match &expr.expr {
            Expr::Literal(literal) => literal_kind(literal),
            Expr::Select(select) if select.test => self.has(select),
            Expr::Select(select) => match self.kind(&select.operand) {
                Kind::Table | Kind::Dyn => Kind::Dyn,
                kind => self.problem(format!("{} is {} and has no field `{}`", shown(&select.operand), kind.said(), select.field)),
            },
            Expr::Call(call) => self.call(call, expr),
            Expr::List(list) => {
                for element in &list.elements {
                    self.value(element);
                }
                Kind::List
            }
            Expr::Comprehension(of) => self.comprehension(of),
            Expr::Map(_) | Expr::Struct(_) => self.problem("a table `{ }` cannot be written in a predicate".to_owned()),
            Expr::Ident(_) | Expr::Unspecified => self.problem("a part of the predicate is missing".to_owned()),
        }
    }

    /// `has(…)`: known names are always there, so only metadata can be asked.
    fn has(&mut self, select: &'e SelectExpr) -> Kind {
        if let Some(mut parts) = spelled(&select.operand).filter(|parts| self.local(parts).is_none()) {
            parts.push(&select.field);
            return match place(&parts) {
                Ok(Place::Metadata(keys)) if !keys.is_empty() => Kind::Bool,
                Ok(_) => self.problem(format!(
                    "has(…) asks for metadata keys; known names are always there: compare `{}` with null",
                    parts.join(".")
                )),
                Err(problem) => self.problem(problem),
            };
        }
        match self.kind(&select.operand) {
            Kind::Table | Kind::Dyn => Kind::Bool,
            kind => self.problem(format!("has(…) asks for metadata keys; {} is {}", shown(&select.operand), kind.said())),
        }
    }

    /// What the loops around have named, innermost first.
    fn local(&self, parts: &[&str]) -> Option<Kind> {
        self.scope.iter().rev().find(|(name, _)| parts.first() == Some(name)).map(|(_, kind)| *kind)
    }

    fn call(&mut self, call: &'e CallExpr, expr: &'e IdedExpr) -> Kind {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [_, _]) => {
                // A long chain is one level: it is lowered to one list.
                for part in chain(expr, name) {
                    self.condition(part);
                }
                Kind::Bool
            }
            (operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE, [of]) => {
                self.condition(of);
                Kind::Bool
            }
            (operators::CONDITIONAL, [cond, then, otherwise]) => {
                self.condition(cond);
                let (a, b) = (self.value(then), self.value(otherwise));
                self.same(a, b, "the two sides of `? :` are")
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                self.compared(left, right, symbol(name));
                Kind::Bool
            }
            (operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS, [left, right]) => {
                self.compared(left, right, symbol(name));
                Kind::Bool
            }
            (operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO, [left, right]) => {
                self.arithmetic(symbol(name), left, right)
            }
            (operators::NEGATE, [of]) => match self.value(of) {
                kind @ (Kind::Int | Kind::Fraction | Kind::Duration | Kind::Dyn) => kind,
                kind => self.problem(format!("`-` cannot be asked of {}, which is {}", shown(of), kind.said())),
            },
            (operators::IN, [of, list]) => self.within(of, list),
            (operators::INDEX, [of, at]) => self.index(of, at),
            _ => self.function(call, expr),
        }
    }

    /// A call of one of CEL's functions; what is called on something counts that as the first argument.
    fn function(&mut self, call: &'e CallExpr, expr: &'e IdedExpr) -> Kind {
        let name = call.func_name.as_str();
        let args: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        let kinds: Vec<Kind> = args.iter().map(|arg| if name == "size" { self.kind(arg) } else { self.value(arg) }).collect();
        let Some((takes, gives)) = functions::known(name) else { return self.problem(functions::unknown(name)) };
        let written = takes.fits(call.target.is_some(), kinds.len());
        if !written {
            return self.problem(format!("`{name}(…)` is not written like that: {}", takes.written(name)));
        }
        for (place, (arg, kind)) in args.iter().zip(&kinds).enumerate() {
            if *kind != Kind::Dyn && !takes.accepts(place, *kind) {
                self.problem(format!("`{name}(…)` cannot be asked of {}, which is {}", shown(arg), kind.said()));
            }
        }
        if let Some(problem) = functions::given(call, expr) {
            self.problem(problem);
        }
        gives
    }

    fn comprehension(&mut self, of: &'e ComprehensionExpr) -> Kind {
        if self.loops >= LOOPS_MAX {
            return self.problem(format!("loops (`all`, `exists`, …) are nested deeper than {LOOPS_MAX}"));
        }
        let item = match self.kind(&of.iter_range) {
            Kind::Table => Kind::Text,
            Kind::Dyn => Kind::Dyn,
            Kind::List => self.item(&of.iter_range),
            kind => self.problem(format!("a loop needs a list: {} is {}", shown(&of.iter_range), kind.said())),
        };
        let start = self.value(&of.accu_init);
        self.loops += 1;
        self.scope.push((&of.accu_var, start));
        self.scope.push((&of.iter_var, item));
        self.condition(&of.loop_cond);
        self.value(&of.loop_step);
        self.scope.pop();
        let result = self.value(&of.result);
        self.scope.pop();
        self.loops -= 1;
        result
    }

    /// What a written list holds, if it is all of one kind.
    fn item(&mut self, list: &'e IdedExpr) -> Kind {
        let Expr::List(list) = &list.expr else { return Kind::Dyn };
        let kinds: Vec<Kind> = list.elements.iter().map(|element| self.value(element)).collect();
        kinds.first().copied().filter(|first| kinds.iter().all(|kind| kind == first)).unwrap_or(Kind::Dyn)
    }
}

/// The parts of `a && b && c`.
fn chain<'e>(expr: &'e IdedExpr, by: &str) -> Vec<&'e IdedExpr> {
    let mut parts = Vec::new();
    let mut rest = vec![expr];
    while let Some(at) = rest.pop() {
        match &at.expr {
            Expr::Call(call) if call.func_name == by => rest.extend(call.args.iter().rev()),
            _ => parts.push(at),
        }
    }
    parts
}

const fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::Boolean(_) => Kind::Bool,
        LiteralValue::Bytes(_) => Kind::Bytes,
        LiteralValue::Double(_) => Kind::Fraction,
        LiteralValue::Int(_) => Kind::Int,
        LiteralValue::Null => Kind::Null,
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::UInt(_) => Kind::Uint,
    }
}
