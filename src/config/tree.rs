//! TOML text to the tree that `sluice_contract::Reader` reads, with the line of every key, so that a problem can say where.
//!
//! Floats and dates are refused here: money, rates and times are text or whole numbers everywhere in the config.

use serde_json::{Map, Value};
use sluice_contract::Problem;
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One problem of the config folder. Prints as `sluice.toml:3: http.listen: must be an address such as 127.0.0.1:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's name inside the folder.
    pub file: String,
    /// Counted from 1; `None` when the problem is a thing that stands nowhere.
    pub line: Option<usize>,
    /// Dotted path of the key: `merchant[0].keys[1].secret`; empty for a syntax error.
    pub key: String,
    /// What is wrong and what to do. Never holds a secret.
    pub reason: String,
}

impl Finding {
    /// A finding that has no line.
    #[must_use]
    pub fn new(file: &str, key: &str, reason: impl Into<String>) -> Finding {
        Finding { file: file.to_owned(), line: None, key: key.to_owned(), reason: reason.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// One parsed file.
pub(super) struct Document {
    file: &'static str,
    pub tree: Value,
    lines: BTreeMap<String, usize>,
    problems: Vec<Problem>,
    broken: Vec<Finding>,
    /// Whether its problems are told at all.
    told: bool,
}

impl Document {
    /// Parses a file's text. Syntax errors become findings; what could be read is still read.
    pub fn parse(file: &'static str, text: &str) -> Document {
        let (table, errors) = DeTable::parse_recoverable(text);
        let broken =
            errors.iter().map(|e| Finding { line: e.span().map(|s| line_of(text, s.start)), ..Finding::new(file, "", e.message()) });
        let mut reading = Conversion { text, lines: BTreeMap::new(), problems: Vec::new() };
        let tree = reading.table("", table.get_ref());
        Document { file, tree, lines: reading.lines, problems: reading.problems, broken: broken.collect(), told: true }
    }

    /// Stands for a file that could not be read; what reading nothing finds is not told.
    pub fn unread(file: &'static str) -> Document {
        Document { told: false, ..Document::parse(file, "") }
    }

    /// The findings of this file: its syntax errors, or else what converting and reading it found. A file with syntax errors
    /// tells only those, since everything else would be guessed from half a file.
    pub fn findings(&self, read: Vec<Problem>) -> Vec<Finding> {
        if !self.broken.is_empty() || !self.told {
            return self.broken.clone();
        }
        self.problems.iter().cloned().chain(read).map(|p| self.finding(p)).collect()
    }

    pub fn finding(&self, problem: Problem) -> Finding {
        Finding { file: self.file.to_owned(), line: self.line(&problem.field), key: problem.field, reason: problem.reason }
    }

    /// The line of a key, or of the nearest table around a key that is missing.
    fn line(&self, key: &str) -> Option<usize> {
        let mut path = key;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.rfind(['.', '[']).and_then(|end| path.get(..end))?;
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

struct Conversion<'t> {
    text: &'t str,
    lines: BTreeMap<String, usize>,
    problems: Vec<Problem>,
}

impl Conversion<'_> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) -> Value {
        let mut fields = Map::new();
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.lines.insert(at.clone(), line_of(self.text, key.span().start));
            fields.insert(name, self.value(&at, value));
        }
        Value::Object(fields)
    }

    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::from(number),
                Err(_) => self.refuse(path, number.as_str(), "is a number that is too large"),
            },
            DeValue::Float(number) => self.refuse(path, number.as_str(), "is a float: write the decimal as text, such as \"0.006\""),
            DeValue::Datetime(time) => self.refuse(path, &time.to_string(), "is a date: write it as text"),
            DeValue::Array(items) => {
                let mut list = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let at = format!("{path}[{index}]");
                    self.lines.insert(at.clone(), line_of(self.text, item.span().start));
                    list.push(self.value(&at, item));
                }
                Value::Array(list)
            }
            DeValue::Table(table) => self.table(path, table),
        }
    }

    /// Records the problem; the text stands in, so that the reader adds no second problem for the same value.
    fn refuse(&mut self, path: &str, text: &str, reason: &str) -> Value {
        self.problems.push(Problem::new(path, reason));
        Value::String(text.to_owned())
    }
}
