//! The part of the language that runs in the crate `cel`, with the contract's two rules written into its tree: an ordering against null
//! is false, and `has(…)` asks whether a key is there although a missing one reads null.

use super::Failed;
use super::facts::Facts;
use super::names::{literal_text, spelled, symbol};
use super::native::Names;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, operators};
use cel::common::types::{CelBool, CelNull, CelString, DYN_TYPE, Kind};
use cel::common::value::{CowVal, Val};
use cel::{Context, Env, ExecutionError};
use sluice_contract::{Millis, Second};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, LazyLock};

/// A condition that `cel` answers.
#[derive(Debug)]
pub(super) struct Foreign(IdedExpr);

impl Foreign {
    pub fn new(expr: &IdedExpr) -> Foreign {
        Foreign(rewritten(expr))
    }

    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        let room = room()?;
        let names = Names(*facts);
        let root: &Context<'_, '_> = &room.context;
        let mut scope = root.new_inner_scope();
        scope.set_variable_resolver(&names);
        let value = cel::Value::resolve_val(&self.0, &scope).map_err(|error| failed(&error))?;
        let truth = value.downcast_ref::<CelBool>().map(|truth| *truth.inner());
        truth.ok_or(Failed::why("the condition gave something that is not true or false"))
    }
}

/// Whether an expression without names can be computed at all.
pub(super) fn constant(expr: &IdedExpr) -> Result<(), Failed> {
    let room = room()?;
    cel::Value::resolve_val(expr, &room.context).map(drop).map_err(|error| failed(&error))
}

/// The functions and the root scope, built once: building them costs more than twenty evaluations.
struct Room {
    env: Arc<Env>,
    context: Context<'static, 'static>,
}

static ROOM: LazyLock<Result<Room, Failed>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    let both = || vec![DYN_TYPE, DYN_TYPE];
    env.add_overload("@<", "when_less", both(), |sides| ordered(&sides, operators::LESS, Ordering::is_lt))
        .and_then(|()| {
            env.add_overload("@<=", "when_less_equals", both(), |sides| ordered(&sides, operators::LESS_EQUALS, Ordering::is_le))
        })
        .and_then(|()| env.add_overload("@>", "when_greater", both(), |sides| ordered(&sides, operators::GREATER, Ordering::is_gt)))
        .and_then(|()| {
            env.add_overload("@>=", "when_greater_equals", both(), |sides| ordered(&sides, operators::GREATER_EQUALS, Ordering::is_ge))
        })
        .and_then(|()| env.add_overload(HAS, "when_has", both(), |sides| has(&sides)))
        .map_err(|error| Failed(Cow::Owned(error.to_string())))?;
    let env = Arc::new(env);
    Ok(Room { context: Context::with_env(Arc::clone(&env)), env })
});

const HAS: &str = "@has";

fn room() -> Result<&'static Room, Failed> {
    ROOM.as_ref().map_err(Clone::clone)
}

fn ordered<'b, 'v>(sides: &[CowVal<'b, 'v>], operator: &str, is: fn(Ordering) -> bool) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [left, right] = sides else { return Err(ExecutionError::MissingArgumentOrTarget) };
    if [left, right].iter().any(|side| side.downcast_ref::<CelNull>().is_some()) {
        return Ok(CowVal::owned(CelBool::from(false)));
    }
    let order = left.as_comparer().and_then(|left| left.compare(right.as_ref()).ok());
    order.map(|order| CowVal::owned(CelBool::from(is(order)))).ok_or_else(|| overload(operator, sides))
}

fn has<'b, 'v>(sides: &[CowVal<'b, 'v>]) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let [table, key] = sides else { return Err(ExecutionError::MissingArgumentOrTarget) };
    let table = table.as_container().filter(|_| table.get_type().kind() == Kind::Map);
    let has = table.ok_or_else(|| overload("has", sides))?.contains(key.as_ref())?;
    Ok(CowVal::owned(CelBool::from(has)))
}

fn overload(operator: &str, sides: &[CowVal<'_, '_>]) -> ExecutionError {
    ExecutionError::no_such_overload(operator, sides.iter().map(|side| side.get_type().name().to_owned()).collect())
}

/// Types and operators, never a value: a payer's id may be one.
fn failed(error: &ExecutionError) -> Failed {
    Failed(match error {
        ExecutionError::NoSuchOverload(error) => {
            let (name, types) = (symbol(error.function()), error.argument_types().join(" and "));
            Cow::Owned(format!("`{name}` cannot be asked of {types}"))
        }
        ExecutionError::UnexpectedType { got, want } => Cow::Owned(format!("{want} was needed, and it was {got}")),
        ExecutionError::FunctionError { function, .. } => Cow::Owned(format!("`{function}(…)` cannot read what it was given")),
        ExecutionError::UndeclaredReference(name) => Cow::Owned(format!("`{name}` does not exist")),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "a division by zero".into(),
        ExecutionError::Overflow(..) => "an arithmetic operation overflows".into(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no element at this place".into(),
        ExecutionError::UnsupportedBinaryOperator(operator, ..) => Cow::Owned(format!("`{operator}` of two values it does not know")),
        _ => "an operation was asked of a value it does not know".into(),
    })
}

/// The same tree with our orderings and our `has`, and `a["b"]` written `a.b`, so that a name is one name.
fn rewritten(expr: &IdedExpr) -> IdedExpr {
    let boxed = |expr: &IdedExpr| Box::new(rewritten(expr));
    let call = |name: &str, args: Vec<IdedExpr>| Expr::Call(CallExpr { func_name: name.to_owned(), target: None, args });
    let new = match &expr.expr {
        Expr::Select(select) if select.test => {
            let key = Expr::Literal(LiteralValue::String(CelString::from(select.field.clone())));
            call(HAS, vec![rewritten(&select.operand), IdedExpr { id: expr.id, expr: key }])
        }
        Expr::Select(select) => Expr::Select(SelectExpr { operand: boxed(&select.operand), field: select.field.clone(), test: false }),
        Expr::Call(of) => {
            let name = match of.func_name.as_str() {
                operators::LESS => "@<",
                operators::LESS_EQUALS => "@<=",
                operators::GREATER => "@>",
                operators::GREATER_EQUALS => "@>=",
                other => other,
            };
            match of.args.as_slice() {
                [table, key] if name == operators::INDEX && spelled(expr).is_some() => {
                    let field = literal_text(key).unwrap_or_default().to_owned();
                    Expr::Select(SelectExpr { operand: boxed(table), field, test: false })
                }
                args => {
                    let target = of.target.as_deref().map(boxed);
                    Expr::Call(CallExpr { func_name: name.to_owned(), target, args: args.iter().map(rewritten).collect() })
                }
            }
        }
        Expr::List(list) => {
            let elements = list.elements.iter().map(rewritten).collect();
            Expr::List(ListExpr { elements, optional_indices: list.optional_indices.clone() })
        }
        Expr::Comprehension(of) => Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range: rewritten(&of.iter_range),
            iter_var: of.iter_var.clone(),
            iter_var2: of.iter_var2.clone(),
            accu_var: of.accu_var.clone(),
            accu_init: rewritten(&of.accu_init),
            loop_cond: rewritten(&of.loop_cond),
            loop_step: rewritten(&of.loop_step),
            result: rewritten(&of.result),
        })),
        other => other.clone(),
    };
    IdedExpr { id: expr.id, expr: new }
}

/// A time that carries +08:00, read by CEL's own reader: its fields are then Shanghai's.
pub(super) fn timestamp<'v>(now: Millis) -> Option<Box<dyn Val + 'v>> {
    let second = Second(now.0.div_euclid(1000)).rfc3339();
    let text = format!("{}.{:03}+08:00", second.strip_suffix("+08:00")?, now.0.rem_euclid(1000));
    let text = vec![CowVal::owned(CelString::from(text))];
    let read = ROOM.as_ref().ok()?.env.find_overload("timestamp", &text)?;
    read(text).ok().map(CowVal::into_owned)
}
