//! Names: how an expression spells one, what it stands for, and what to say when it stands for nothing.

use super::facts::{FIELDS, Field, METADATA};
use cel::common::ast::{Expr, IdedExpr, LiteralValue, operators};

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Place<'e> {
    Field(&'static Field),
    /// The keys into `order.metadata`; none of them: the whole table.
    Metadata(Vec<&'e str>),
}

/// The parts of a name: `order.metadata["shop"]` is `order`, `metadata`, `shop`. `None` for what is not a name.
pub(super) fn spelled(expr: &IdedExpr) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut at = expr;
    loop {
        match &at.expr {
            Expr::Ident(name) => {
                parts.push(name.as_str());
                parts.reverse();
                return Some(parts);
            }
            Expr::Select(select) if !select.test => {
                parts.push(select.field.as_str());
                at = &select.operand;
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let [of, key] = call.args.as_slice() else { return None };
                parts.push(literal_text(key)?);
                at = of;
            }
            _ => return None,
        }
    }
}

pub(super) fn literal_text(expr: &IdedExpr) -> Option<&str> {
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

/// # Errors
/// A sentence that says which names exist.
pub(super) fn place<'e>(parts: &[&'e str]) -> Result<Place<'e>, String> {
    let name = parts.join(".");
    for field in &FIELDS {
        let of = field.name.split('.').count();
        let begins = parts.len() >= of && field.name.split('.').zip(parts).all(|(a, b)| a == *b);
        if begins && field.name == METADATA {
            return Ok(Place::Metadata(parts.iter().skip(of).copied().collect()));
        }
        if begins && parts.len() == of {
            return Ok(Place::Field(field));
        }
        if begins {
            return Err(format!("`{name}` does not exist: `{}` is {} and has no fields", field.name, field.kind().said()));
        }
    }
    let (group, within) = ["order.terminal", "order", "payer", "merchant"]
        .into_iter()
        .find_map(|group| Some((group, name.strip_prefix(group)?)).filter(|(_, rest)| rest.is_empty() || rest.starts_with('.')))
        .unwrap_or(("", &name));
    let have = below(group).join(", ");
    Err(match (group, within) {
        ("", _) => format!("`{name}` does not exist; the names are: {have}"),
        (_, "") => format!("`{name}` is a group of fields, not a value; it has: {have}"),
        _ => format!("`{name}` does not exist; `{group}` has: {have}"),
    })
}

/// The names directly below a group; below `""`, those that stand alone.
fn below(group: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for field in &FIELDS {
        let rest = if group.is_empty() { Some(field.name) } else { field.name.strip_prefix(group).and_then(|rest| rest.strip_prefix('.')) };
        let first = rest.and_then(|rest| rest.split('.').next());
        names.extend(first.filter(|first| !names.contains(first)));
    }
    names
}

/// How a part of the predicate is called in a sentence.
pub(super) fn shown(expr: &IdedExpr) -> String {
    if let Some(parts) = spelled(expr) {
        return format!("`{}`", parts.join("."));
    }
    match &expr.expr {
        Expr::Literal(LiteralValue::String(text)) => format!("\"{}\"", text.inner()),
        Expr::Literal(LiteralValue::Int(number)) => number.inner().to_string(),
        Expr::Literal(LiteralValue::UInt(number)) => format!("{}u", number.inner()),
        Expr::Literal(LiteralValue::Boolean(truth)) => truth.inner().to_string(),
        Expr::Literal(LiteralValue::Double(number)) => number.inner().to_string(),
        Expr::Literal(LiteralValue::Null) => "null".to_owned(),
        Expr::Literal(LiteralValue::Bytes(_)) => "the bytes".to_owned(),
        Expr::Call(call) => match call.func_name.as_str() {
            operators::CONDITIONAL => "the choice `? :`".to_owned(),
            operators::INDEX => "the part in `[ ]`".to_owned(),
            name if name.starts_with(|first: char| first.is_ascii_alphabetic()) => format!("`{name}(…)`"),
            operator => format!("what `{}` gives", symbol(operator)),
        },
        Expr::List(_) => "the list".to_owned(),
        Expr::Map(_) | Expr::Struct(_) => "the table `{ }`".to_owned(),
        Expr::Comprehension(_) => "a loop (`all`, `exists`, `exists_one`, `map`, `filter`)".to_owned(),
        Expr::Select(select) => format!("`.{}`", select.field),
        Expr::Ident(_) | Expr::Unspecified => "this".to_owned(),
    }
}

/// `_<=_` is written `<=`.
pub(super) fn symbol(operator: &str) -> &str {
    operator.trim_matches(['_', '@'])
}
