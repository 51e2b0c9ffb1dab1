//! Reads a foreign tree (a JSON body, a TOML file) field by field and collects *every* problem, each with its path.
//!
//! Two steps: bytes become a tree that refuses duplicate keys ([`parse_json`]); then a [`Reader`] takes known fields one by
//! one. What is left over at [`Reader::finish`] is an unknown field and a problem too.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

/// One thing wrong, and where. `field` is a dotted path from the root: `payer.openid`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub field: String,
    pub reason: String,
}

impl Problem {
    #[must_use]
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Problem {
        Problem { field: field.into(), reason: reason.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// Deeper trees are refused: no body or config of ours needs more, and depth is an attack on the stack.
const DEPTH_MAX: usize = 16;

/// JSON bytes to a tree. Refuses duplicate keys, trailing bytes and more than 16 levels.
pub fn parse_json(bytes: &[u8]) -> Result<Value, Problem> {
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let read = Strict { depth: 0 }.deserialize(&mut parser);
    let tree = read.map_err(|e| Problem::new("body", format!("is not acceptable JSON: {e}")))?;
    parser.end().map_err(|e| Problem::new("body", format!("has bytes after the JSON value: {e}")))?;
    Ok(tree)
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(serde::de::Error::custom(format!("more than {DEPTH_MAX} levels")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict { depth: self.depth.saturating_add(1) })? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(Strict { depth: self.depth.saturating_add(1) })?;
            if fields.contains_key(&key) {
                return Err(serde::de::Error::custom(format!("the key {key:?} stands there twice")));
            }
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

/// Reads the fields of one table. Cheap to nest: all readers of one tree share one list of problems.
pub struct Reader<'a> {
    path: String,
    table: Option<&'a Map<String, Value>>,
    taken: RefCell<BTreeSet<String>>,
    problems: Rc<RefCell<Vec<Problem>>>,
}

impl<'a> Reader<'a> {
    /// The reader of a whole tree; a root that is no table is a problem of `name`.
    #[must_use]
    pub fn root(name: &str, tree: &'a Value) -> Reader<'a> {
        let problems = Rc::new(RefCell::new(Vec::new()));
        let reader = Reader { path: String::new(), table: tree.as_object(), taken: RefCell::default(), problems };
        if reader.table.is_none() {
            reader.problem_at(name.to_owned(), "must be an object");
        }
        reader
    }

    /// Records a problem of a field of this table.
    pub fn problem(&self, field: &str, reason: impl Into<String>) {
        self.problem_at(self.at(field), reason);
    }

    /// Takes over problems found elsewhere (a channel's), with their fields under this table.
    pub fn problems(&self, found: Vec<Problem>) {
        for problem in found {
            self.problem(&problem.field, problem.reason);
        }
    }

    /// The raw value; null counts as absent.
    #[must_use]
    pub fn raw(&self, field: &str) -> Option<&'a Value> {
        self.taken.borrow_mut().insert(field.to_owned());
        self.table.and_then(|t| t.get(field)).filter(|v| !v.is_null())
    }

    /// Text, or absent. Another type is a problem.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&'a str> {
        self.typed(field, "must be text", Value::as_str)
    }

    /// Text that must be there and not be empty.
    #[must_use]
    pub fn need_text(&self, field: &str) -> &'a str {
        match self.text(field) {
            Some(text) if !text.is_empty() => text,
            Some(_) => {
                self.problem(field, "must not be empty");
                ""
            }
            None => {
                self.missing(field);
                ""
            }
        }
    }

    /// Text of `min` to `max` characters, or absent.
    #[must_use]
    pub fn text_of(&self, field: &str, min: usize, max: usize) -> Option<&'a str> {
        let text = self.text(field)?;
        let length = text.chars().count();
        if length < min || length > max {
            self.problem(field, format!("must have {min} to {max} characters"));
            return None;
        }
        Some(text)
    }

    /// A whole number in a range, or absent. `1.0`, `"1"` and `1e3` are problems.
    #[must_use]
    pub fn int(&self, field: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.typed(field, "must be a whole number", Value::as_i64)?;
        if range.contains(&value) {
            return Some(value);
        }
        self.problem(field, format!("must be {} to {}", range.start(), range.end()));
        None
    }

    #[must_use]
    pub fn flag(&self, field: &str) -> Option<bool> {
        self.typed(field, "must be true or false", Value::as_bool)
    }

    /// A list of text, or absent.
    #[must_use]
    pub fn texts(&self, field: &str) -> Option<Vec<&'a str>> {
        let items = self.typed(field, "must be a list", Value::as_array)?;
        let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
        if texts.len() == items.len() {
            return Some(texts);
        }
        self.problem(field, "must be a list of text");
        None
    }

    /// A nested table, or absent.
    #[must_use]
    pub fn table(&self, field: &str) -> Option<Reader<'a>> {
        let table = self.typed(field, "must be an object", Value::as_object)?;
        Some(self.nested(self.at(field), table))
    }

    /// A list of tables; absent is empty.
    #[must_use]
    pub fn tables(&self, field: &str) -> Vec<Reader<'a>> {
        let items = self.typed(field, "must be a list of objects", Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut readers = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = self.at(&format!("{field}[{index}]"));
            match item.as_object() {
                Some(table) => readers.push(self.nested(path, table)),
                None => self.problem_at(path, "must be an object"),
            }
        }
        readers
    }

    pub fn missing(&self, field: &str) {
        self.problem(field, "is required");
    }

    /// Names of the fields that stand in this table.
    #[must_use]
    pub fn names(&self) -> Vec<&'a str> {
        self.table.map(|t| t.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// Every field that nobody took is unknown, and a problem.
    pub fn finish(&self) {
        let taken = self.taken.borrow();
        for name in self.names() {
            if !taken.contains(name) {
                self.problem(name, "is not a known field");
            }
        }
    }

    /// All problems of the whole tree so far, in the order found.
    #[must_use]
    pub fn found(&self) -> Vec<Problem> {
        self.problems.borrow().clone()
    }

    fn typed<T>(&self, field: &str, reason: &str, convert: impl Fn(&'a Value) -> Option<T>) -> Option<T> {
        let value = self.raw(field)?;
        let converted = convert(value);
        if converted.is_none() {
            self.problem(field, reason);
        }
        converted
    }

    fn nested(&self, path: String, table: &'a Map<String, Value>) -> Reader<'a> {
        Reader { path, table: Some(table), taken: RefCell::default(), problems: Rc::clone(&self.problems) }
    }

    fn at(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    fn problem_at(&self, field: String, reason: impl Into<String>) {
        self.problems.borrow_mut().push(Problem { field, reason: reason.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, parse_json};

    #[test]
    fn duplicate_keys_trailing_bytes_and_depth_are_refused() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        for text in [r#"{"a":1,"a":2}"#, r#"{"x":{"a":1,"a":1}}"#, "{} {}", "{", "", "nul", deep.as_str()] {
            assert!(parse_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn every_problem_is_named_with_its_path() {
        let tree = parse_json(br#"{"amount":"12","payer":{"openid":7,"who":1},"list":[{"a":1},2]}"#).unwrap_or_default();
        let reader = Reader::root("body", &tree);
        assert_eq!(reader.int("amount", 1..=9), None);
        assert_eq!(reader.need_text("subject"), "");
        if let Some(payer) = reader.table("payer") {
            assert_eq!(payer.text("openid"), None);
            payer.finish();
        }
        assert_eq!(reader.tables("list").len(), 1);
        reader.finish();
        let fields: Vec<String> = reader.found().into_iter().map(|p| p.field).collect();
        assert_eq!(fields, ["amount", "subject", "payer.openid", "payer.who", "list[1]"]);
    }

    #[test]
    fn numbers_that_are_not_whole_are_refused() {
        for text in ["1.5", "1e3", "\"100\"", "9223372036854775808", "true", "-1", "0"] {
            let tree = parse_json(format!("{{\"amount\":{text}}}").as_bytes()).unwrap_or_default();
            let reader = Reader::root("body", &tree);
            assert_eq!(reader.int("amount", 1..=100), None, "{text}");
            assert_eq!(reader.found().len(), 1, "{text}");
        }
    }
}
