//! `[[barcode]]` of `routing.toml`: how payment codes are recognised.

use super::methods;
use sluice_codes::payment::{Rule, Rules};
use sluice_contract::Reader;

/// The longest prefix that says anything about a wallet.
const PREFIX_MAX: usize = 12;
const DIGITS: std::ops::RangeInclusive<i64> = 10..=32;

/// The recognition rules: the built-in table with what the file changes of it, by `kind`, or adds to it.
pub(super) fn read(root: &Reader<'_>) -> Rules {
    let mut rules = Rules::default();
    let mut seen: Vec<String> = Vec::new();
    for table in root.tables("barcode") {
        let kind = table.need_text("kind").to_owned();
        if !kind.is_empty() && !super::is_id(&kind) {
            table.problem("kind", "must be 1 to 64 letters, digits, _ or -");
        }
        if seen.contains(&kind) {
            table.problem("kind", format!("{kind} is told by an earlier [[barcode]]"));
        }
        let at = rules.0.iter().position(|rule| rule.kind == kind);
        let rule = rule(&table, &kind, at.and_then(|at| rules.0.get(at)));
        table.finish();
        seen.push(kind);
        match at.and_then(|at| rules.0.get_mut(at)) {
            Some(known) => *known = rule,
            None => rules.0.push(rule),
        }
    }
    rules
}

/// One `[[barcode]]`: what it does not say stays as the built-in rule of that kind has it.
fn rule(table: &Reader<'_>, kind: &str, known: Option<&Rule>) -> Rule {
    let prefixes: Option<Vec<String>> = table.texts("prefixes").map(|list| list.into_iter().map(str::to_owned).collect());
    for prefix in prefixes.iter().flatten() {
        if !(1..=PREFIX_MAX).contains(&prefix.len()) || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            table.problem("prefixes", format!("must each have 1 to {PREFIX_MAX} digits"));
        }
    }
    let digits = |field: &str| table.int(field, DIGITS).and_then(|n| usize::try_from(n).ok());
    let (min, max) = (digits("digits_min"), digits("digits_max"));
    let listed = methods(table, "methods");
    for method in listed.iter().flatten().filter(|method| !method.is_barcode()) {
        table.problem("methods", format!("{} charges no payment code", method.word()));
    }
    let rule = Rule {
        kind: kind.to_owned(),
        prefixes: prefixes.or_else(|| known.map(|k| k.prefixes.clone())).unwrap_or_default(),
        digits: (min.or(known.map(|k| k.digits.0)).unwrap_or_default(), max.or(known.map(|k| k.digits.1)).unwrap_or_default()),
        methods: listed.or_else(|| known.map(|k| k.methods.clone())).unwrap_or_default(),
        enabled: table.flag("enabled").unwrap_or(true),
    };
    if known.is_none() && rule.prefixes.is_empty() {
        table.problem("prefixes", "is required: there is no built-in rule of this kind");
    }
    if rule.digits.0 == 0 || rule.digits.0 > rule.digits.1 {
        table.problem("digits_min", "and digits_max are required, the first not above the second");
    }
    rule
}
