//! The shared statements in PostgreSQL's words: all rows of a statement at once, a column as an array. What changed is counted inside
//! the statement and a wrong count ends the transaction there, because the COMMIT travels together with the writes.

use crate::store::statement::{Cell, Column, Statement, Type, Write};
use tokio_postgres::types::ToSql;

/// A parameter of a statement: a number, or one column of many rows.
pub type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// A column of texts.
pub fn texts<'a>(values: impl Iterator<Item = &'a str>) -> Param<'a> {
    Box::new(values.collect::<Vec<_>>())
}

/// A column of integers.
pub fn ints<'a>(values: impl Iterator<Item = i64>) -> Param<'a> {
    Box::new(values.collect::<Vec<_>>())
}

/// The rows of a write, column by column.
#[must_use]
pub fn columns<'a>(write: &'a Write<'_>) -> Vec<Param<'a>> {
    let column = |(at, (_, kind)): (usize, &Column)| -> Param<'a> {
        let cells = write.rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
        match kind {
            Type::Int => Box::new(cells.map(int).collect::<Vec<_>>()),
            Type::Text => Box::new(cells.map(text).collect::<Vec<_>>()),
            Type::Bytes => Box::new(cells.map(bytes).collect::<Vec<_>>()),
        }
    };
    write.statement.columns().enumerate().map(column).collect()
}

const fn int(cell: &Cell<'_>) -> Option<i64> {
    if let Cell::Int(value) = cell { Some(*value) } else { None }
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}

const fn bytes<'a>(cell: &Cell<'a>) -> Option<&'a [u8]> {
    if let Cell::Bytes(bytes) = cell { Some(bytes) } else { None }
}

/// Parameters are the columns, keys, guards and new values in this order; the last one is the number of rows where they are counted.
#[must_use]
pub fn spell(statement: &Statement) -> String {
    let table = statement.table();
    let names: Vec<&str> = statement.columns().map(|(name, _)| *name).collect();
    let rows = unnest(statement.columns());
    let equal = |from: usize, count: usize, left: &str, join: &str| {
        let one = |(at, name): (usize, &&str)| format!("{left}{name} = v.c{}", from.saturating_add(at).saturating_add(1));
        names.iter().skip(from).take(count).enumerate().map(one).collect::<Vec<_>>().join(join)
    };
    match statement {
        Statement::Insert { .. } => format!("INSERT INTO {table} ({}) SELECT v.* FROM {rows}", names.join(", ")),
        Statement::Put { keys, .. } => {
            let (key, rest) = names.split_at(*keys);
            let set: Vec<String> = rest.iter().map(|name| format!("{name} = excluded.{name}")).collect();
            let insert = format!("INSERT INTO {table} ({}) SELECT v.* FROM {rows}", names.join(", "));
            format!("{insert} ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), set.join(", "))
        }
        Statement::Remove { keys, .. } => {
            format!("DELETE FROM {table} USING {rows} WHERE {}", equal(0, keys.len(), &format!("{table}."), " AND "))
        }
        Statement::Update { keys, guards, sets, also, .. } => {
            let found = keys.len().saturating_add(guards.len());
            let mut condition = equal(0, found, &format!("{table}."), " AND ");
            if let Some(also) = also {
                let new = |text: String, (at, name): (usize, &&str)| {
                    text.replace(&format!("{{{name}}}"), &format!("v.c{}", at.saturating_add(1)))
                };
                condition = format!("{condition} AND {}", names.iter().enumerate().skip(found).fold((*also).to_owned(), new));
            }
            let update = format!("UPDATE {table} SET {} FROM {rows} WHERE {condition}", equal(found, sets.len(), "", ", "));
            let count = names.len().saturating_add(1);
            format!("WITH changed AS ({update} RETURNING 1) SELECT must_be(count(*), ${count}::bigint, '{table}') FROM changed")
        }
    }
}

/// Whether [`spell`] wants the number of rows as its last parameter. Inserts need none: they change every row given, or fail.
#[must_use]
pub const fn counts_itself(statement: &Statement) -> bool {
    matches!(statement, Statement::Update { .. })
}

fn unnest(columns: impl Iterator<Item = &'static Column>) -> String {
    let (mut arrays, mut names) = (Vec::new(), Vec::new());
    for (at, (_, kind)) in columns.enumerate() {
        let number = at.saturating_add(1);
        let kind = match kind {
            Type::Int => "bigint",
            Type::Text => "text",
            Type::Bytes => "bytea",
        };
        arrays.push(format!("${number}::{kind}[]"));
        names.push(format!("c{number}"));
    }
    format!("unnest({}) AS v({})", arrays.join(", "), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::spell;
    use crate::store::writes::{INSERT_NONCE, PUT_RECORD, REMOVE_RECORD, UPDATE_ATTEMPT, UPDATE_NOTICE};

    #[test]
    fn statements_are_spelled_with_their_guards_and_counted() {
        let rows = "unnest($1::bigint[], $2::text[], $3::text[]) AS v(c1, c2, c3)";
        assert_eq!(spell(&INSERT_NONCE), format!("INSERT INTO nonces (bucket, key_id, nonce) SELECT v.* FROM {rows}"));
        assert!(spell(&PUT_RECORD).ends_with("ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc"));
        assert!(spell(&REMOVE_RECORD).ends_with("WHERE records.kind = v.c1 AND records.id = v.c2"));
        let notice = spell(&UPDATE_NOTICE);
        assert!(notice.contains("SET status = v.c2, tries = v.c3, next_at = v.c4, last = v.c5 FROM unnest("), "{notice}");
        assert!(notice.ends_with("RETURNING 1) SELECT must_be(count(*), $6::bigint, 'notices') FROM changed"), "{notice}");
        let attempt = spell(&UPDATE_ATTEMPT);
        assert!(attempt.contains("attempts.refunding = v.c5 AND v.c8 + v.c9 <= v.c7 AND v.c7 <= attempts.amount"), "{attempt}");
    }
}
