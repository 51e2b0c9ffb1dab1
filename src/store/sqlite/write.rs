//! Writes what a batch changed: the shared statements in SQLite's words, a row at a time, the row count checked.

use crate::store::StoreError;
use crate::store::statement::{Cell, Statement, Write};
use crate::store::view::View;
use crate::store::writes;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ToSql, params_from_iter};
use std::collections::BTreeMap;

/// The SQL of the statements run so far. A statement is a static, so its address names it.
#[derive(Default)]
pub struct Spelled(BTreeMap<usize, String>);

impl Spelled {
    fn sql(&mut self, statement: &'static Statement) -> &str {
        self.0.entry(std::ptr::from_ref(statement).addr()).or_insert_with(|| spell(statement))
    }
}

pub fn view(conn: &Connection, spelled: &mut Spelled, view: &View) -> Result<(), StoreError> {
    let first = [writes::nonces(&view.new_nonces), writes::claims(view)];
    first.iter().chain(&writes::writes(view)).try_for_each(|write| run(conn, spelled.sql(write.statement), write))
}

fn run(conn: &Connection, sql: &str, write: &Write<'_>) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    for row in &write.rows {
        let changed = statement.execute(params_from_iter(row))?;
        if write.statement.is_counted() && changed != 1 {
            return Err(StoreError::Failed(format!("{}: {changed} rows changed where one was expected", write.statement.table())));
        }
    }
    Ok(())
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Cell::Null => ToSqlOutput::Owned(Value::Null),
            Cell::Int(value) => ToSqlOutput::Owned(Value::Integer(*value)),
            Cell::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Cell::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// Parameters are numbered as the cells come: keys, guards, new values.
fn spell(statement: &Statement) -> String {
    let table = statement.table();
    let names: Vec<&str> = statement.columns().map(|(name, _)| *name).collect();
    let numbered = |from: usize, count: usize, join: &str| {
        let equal = |(at, name): (usize, &&str)| format!("{name} = ?{}", from.saturating_add(at).saturating_add(1));
        names.iter().skip(from).take(count).enumerate().map(equal).collect::<Vec<_>>().join(join)
    };
    match statement {
        Statement::Insert { .. } => insert(table, &names),
        Statement::Put { keys, .. } => {
            let (key, rest) = names.split_at(*keys);
            let set: Vec<String> = rest.iter().map(|name| format!("{name} = excluded.{name}")).collect();
            format!("{} ON CONFLICT ({}) DO UPDATE SET {}", insert(table, &names), key.join(", "), set.join(", "))
        }
        Statement::Remove { keys, .. } => format!("DELETE FROM {table} WHERE {}", numbered(0, keys.len(), " AND ")),
        Statement::Update { keys, guards, sets, also, .. } => {
            let found = keys.len().saturating_add(guards.len());
            let mut condition = numbered(0, found, " AND ");
            if let Some(also) = also {
                let new =
                    |text: String, (at, name): (usize, &&str)| text.replace(&format!("{{{name}}}"), &format!("?{}", at.saturating_add(1)));
                condition = format!("{condition} AND {}", names.iter().enumerate().skip(found).fold((*also).to_owned(), new));
            }
            format!("UPDATE {table} SET {} WHERE {condition}", numbered(found, sets.len(), ", "))
        }
    }
}

fn insert(table: &str, names: &[&str]) -> String {
    let marks: Vec<String> = (1..=names.len()).map(|at| format!("?{at}")).collect();
    format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), marks.join(", "))
}

#[cfg(test)]
mod tests {
    use super::spell;
    use crate::store::writes::{INSERT_NONCE, PUT_RECORD, REMOVE_RECORD, UPDATE_ATTEMPT, UPDATE_REFUND};

    #[test]
    fn statements_are_spelled_with_their_guards() {
        assert_eq!(spell(&INSERT_NONCE), "INSERT INTO nonces (bucket, key_id, nonce) VALUES (?1, ?2, ?3)");
        assert_eq!(
            spell(&PUT_RECORD),
            "INSERT INTO records (kind, id, doc) VALUES (?1, ?2, ?3) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc"
        );
        assert_eq!(spell(&REMOVE_RECORD), "DELETE FROM records WHERE kind = ?1 AND id = ?2");
        let refund = spell(&UPDATE_REFUND);
        assert!(refund.ends_with("WHERE order_id = ?1 AND seq = ?2 AND status = ?3 AND version = ?4"), "{refund}");
        let attempt = spell(&UPDATE_ATTEMPT);
        assert!(attempt.ends_with("AND refunding = ?5 AND ?8 + ?9 <= ?7 AND ?7 <= attempts.amount"), "{attempt}");
    }
}
