//! Every function fits a screen, every file a sitting, every module has a door (DESIGN section 9).

use super::tree::{Source, none, rust};

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_P90: usize = 400;
const FILE_LINES_MEDIAN: usize = 150;
const FUNCTION_LINES_MAX: usize = 80;

/// Files that are a table, and why they may be long.
const TABLES: &[(&str, &str)] = &[];

#[test]
fn files_are_short() {
    let sources = rust();
    let mut lengths: Vec<usize> = sources.iter().map(|s| s.text.lines().count()).collect();
    lengths.sort_unstable();
    let is_table = |source: &Source| TABLES.iter().any(|(path, _)| *path == source.path);
    let long = sources.iter().filter(|s| !is_table(s) && s.text.lines().count() > FILE_LINES_MAX);
    none("files too long", &long.map(|s| format!("{}: {} lines", s.path, s.text.lines().count())).collect::<Vec<_>>());
    let (median, p90) = (lengths[lengths.len() / 2], lengths[lengths.len() * 9 / 10]);
    assert!(median <= FILE_LINES_MEDIAN && p90 <= FILE_LINES_P90, "median {median}, p90 {p90}");
}

/// The line count of every function, by the indentation that `rustfmt` keeps: from `fn` to the brace in the same column.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().take(5).collect();
        let Some(at) = words.iter().position(|word| *word == "fn") else { continue };
        let plain = words[..at].iter().all(|word| matches!(*word, "pub" | "const" | "async" | "unsafe") || word.starts_with("pub("));
        if !plain || line.trim_end().ends_with(';') || line.trim_end().ends_with('}') {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
            let name = words.get(at + 1).map_or("", |name| name.split(['(', '<']).next().unwrap_or_default());
            found.push((format!("{}:{} {name}", source.path, start + 1), length + 1));
        }
    }
    found
}

#[test]
fn functions_fit_a_screen() {
    let all: Vec<(String, usize)> = rust().iter().flat_map(functions).collect();
    assert!(all.len() > 800, "only {} functions were found", all.len());
    let long = all.iter().filter(|(_, lines)| *lines > FUNCTION_LINES_MAX);
    none("functions too long", &long.map(|(name, lines)| format!("{name}: {lines} lines")).collect::<Vec<_>>());
}

#[test]
fn every_module_has_a_door() {
    let without = rust().into_iter().filter(|s| !s.text.starts_with("//!"));
    none("modules without a door comment", &without.map(|s| s.path).collect::<Vec<_>>());
}
