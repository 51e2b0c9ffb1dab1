//! Words that may not stand in the tree, and floats where money is.

use super::tree::{files, none, root, rust};

/// Built from halves, so that this file does not find itself.
fn words() -> Vec<String> {
    [("to", "do!("), ("unimple", "mented!("), ("FIX", "ME"), ("XX", "X"), ("TO", "DO"), ("dbg", "!(")].map(|(a, b)| format!("{a}{b}")).into()
}

#[test]
fn nothing_unfinished_is_in_the_tree() {
    let words = words();
    let mut violations = Vec::new();
    for source in rust() {
        for (number, line) in source.text.lines().enumerate() {
            let found = words.iter().filter(|word| line.contains(word.as_str()));
            violations.extend(found.map(|word| format!("{}:{}: {word}", source.path, number + 1)));
        }
    }
    none("unfinished", &violations);
}

/// A test that never runs proves nothing. One file may have them: tests that another test runs as a process of their own.
#[test]
fn no_test_is_switched_off() {
    let switch = format!("#[{}", "ignore");
    let off = rust().into_iter().filter(|s| s.text.contains(&switch) && s.path != "src/outbound/tests/proxy.rs");
    none("tests switched off", &off.map(|s| s.path).collect::<Vec<_>>());
}

/// No float carries money, rates, limits or anything stored (DESIGN section 8).
#[test]
fn no_float_is_where_money_is() {
    let mut violations = Vec::new();
    let rooms = ["channels/contract/src", "src/domain", "src/store", "src/flow", "src/worker"];
    let mut sources: Vec<_> = rooms.iter().flat_map(|room| files(room, ".rs")).collect();
    sources.extend(files("channels", ".rs").into_iter().filter(|s| s.path.split('/').nth(2) == Some("src") && !s.path.starts_with("channels/simkit")));
    for source in sources.iter().filter(|s| !s.is_test()) {
        let code = source.code();
        for (number, line) in code.lines().enumerate() {
            // The reader of foreign trees must know a fraction to refuse it by name: nothing is computed with it.
            if line.contains("fn visit_f64") || line.contains("Number::from_f64") {
                continue;
            }
            let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            let float = words.into_iter().find(|word| ["f32", "f64"].contains(word));
            violations.extend(float.map(|word| format!("{}:{}: {word}", source.path, number + 1)));
        }
    }
    none("floats in money rooms", &violations);
}

/// The tree must build anywhere: no path of one machine, no package registry by name.
#[test]
fn no_machine_and_no_registry_is_named() {
    let banned: Vec<String> = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("crates", ".io"), ("pypi", ".org"), ("registry.", "npmjs"), ("deb.", "debian")]
        .map(|(a, b)| format!("{a}{b}"))
        .into();
    let mut sources = rust();
    for (folder, suffix) in [("", ".md"), ("", ".toml"), ("tests", ".py"), ("tests", ".mjs"), ("tests", "run"), (".ci", "run"), ("config", "")] {
        sources.extend(files(folder, suffix));
    }
    let mut violations = Vec::new();
    for source in &sources {
        for (number, line) in source.text.lines().enumerate() {
            let found = banned.iter().filter(|word| line.contains(word.as_str()));
            violations.extend(found.map(|word| format!("{}:{}: {word}", source.path, number + 1)));
        }
    }
    none("machine paths and registries", &violations);
}

/// Unknown outcomes, secrets and panics: what the lints cannot see because somebody switched them off without a word.
#[test]
fn every_lint_that_is_switched_off_says_why() {
    let mut violations = Vec::new();
    for source in rust() {
        let text = source.text.replace('\n', " ");
        for kind in ["allow(", "expect("] {
            for opening in ["#[", "#!["] {
                for rest in text.split(&format!("{opening}{kind}")).skip(1) {
                    let inside = rest.split(")]").next().unwrap_or_default();
                    if !inside.contains("reason") {
                        violations.push(format!("{}: {opening}{kind}{}…", source.path, inside.chars().take(60).collect::<String>()));
                    }
                }
            }
        }
    }
    none("lints switched off without a reason", &violations);
}

#[test]
fn the_plates_are_there() {
    for plate in ["README.md", "src/README.md", "channels/README.md", "config/README.md", "tests/README.md"] {
        let text = std::fs::read_to_string(root().join(plate)).unwrap_or_default();
        assert!(text.lines().count() >= 10, "{plate} is missing or says nothing");
    }
}
