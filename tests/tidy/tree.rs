//! The sources as these tests see them.

use std::path::{Path, PathBuf};

/// One source file: its path from the root, and its text.
pub struct Source {
    pub path: String,
    pub text: String,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name ends so, sorted. Build output and hidden folders are left out.
pub fn files(folder: &str, suffix: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut |path| {
        if path.to_string_lossy().ends_with(suffix) {
            let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push(Source { path: path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), text });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" && name != "__pycache__" {
                walk(&path, visit);
            }
        } else {
            visit(&path);
        }
    }
}

/// Every Rust file of the product and of its tests.
pub fn rust() -> Vec<Source> {
    let mut all = files("src", ".rs");
    all.extend(files("channels", ".rs"));
    all.extend(files("tests", ".rs"));
    assert!(all.len() > 150, "only {} files were found", all.len());
    all
}

impl Source {
    /// A file that only tests are in.
    pub fn is_test(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The text before the file's own test module, without comments and without what stands in quotes.
    pub fn code(&self) -> String {
        let product = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        product.lines().map(bare).collect::<Vec<_>>().join("\n")
    }

    /// The text before the file's own test module, without comments.
    pub fn uncommented(&self) -> String {
        let product = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        product.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    }
}

/// A line without its strings and its comment. Good enough for lines that `rustfmt` has laid out.
fn bare(line: &str) -> String {
    let (mut out, mut inside, mut escaped, mut last) = (String::new(), false, false, ' ');
    for c in line.chars() {
        match c {
            '"' if !escaped && last != '\'' => inside = !inside,
            '/' if !inside && last == '/' => {
                out.pop();
                return out;
            }
            _ if !inside => out.push(c),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        last = c;
    }
    out
}

/// Fails with every violation at once.
#[track_caller]
pub fn none(what: &str, violations: &[String]) {
    assert!(violations.is_empty(), "{what}:\n  {}", violations.join("\n  "));
}
