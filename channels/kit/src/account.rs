//! Reading an account's credentials: every problem is collected, each with its key.

use crate::rsa::PrivateKey;
use sluice_contract::{AccountConfig, AttemptRef, Method, Notes, PayOrder, Problem, Profile, Reader, Refusal};

/// The methods an account serves: those it lists, or all that the channel has. `channel` is its name in messages.
#[must_use]
pub fn methods(table: &Reader<'_>, wanted: Option<&[Method]>, all: &[Method], channel: &str) -> Vec<Method> {
    let Some(wanted) = wanted else { return all.to_vec() };
    for method in wanted.iter().filter(|m| !all.contains(m)) {
        table.problem("methods", format!("{} is not a method of {channel}", method.word()));
    }
    all.iter().filter(|m| wanted.contains(m)).copied().collect()
}

/// A word of a short list; absent is the first.
#[must_use]
pub fn word<T: Copy, const N: usize>(table: &Reader<'_>, field: &str, words: &[(&str, T); N], default: T) -> T {
    let Some(text) = table.text(field) else { return default };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    table.problem(field, format!("must be one of: {}", list.join(", ")));
    default
}

/// An http(s) address without a slash at its end, or the default.
#[must_use]
pub fn url(table: &Reader<'_>, field: &str, default: &str) -> String {
    let url = table.text(field).unwrap_or(default);
    if !url.starts_with("http") || url.ends_with('/') {
        table.problem(field, "must be an http(s) URL without a slash at its end");
    }
    url.to_owned()
}

/// A text that must be there and fit; the problem is told once.
#[must_use]
pub fn checked(table: &Reader<'_>, field: &str, fits: impl Fn(&str) -> bool, reason: &str) -> String {
    let text = table.need_text(field);
    if !text.is_empty() && !fits(text) {
        table.problem(field, reason);
    }
    text.to_owned()
}

/// A text that must fit where it is given.
#[must_use]
pub fn optional(table: &Reader<'_>, field: &str, fits: impl Fn(&str) -> bool, reason: &str) -> Option<String> {
    let text = table.text(field)?;
    if !fits(text) {
        table.problem(field, reason);
    }
    Some(text.to_owned())
}

/// What `read` makes of a text, or its problem. Empty is absent: whoever must have it has complained.
pub fn parsed<T>(table: &Reader<'_>, field: &str, text: &str, read: impl FnOnce(&str) -> Result<T, &'static str>) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    read(text).map_err(|reason| table.problem(field, reason)).ok()
}

/// What `read` makes of an optional text, or its problem. Here empty is given, and a problem.
pub fn read<T>(table: &Reader<'_>, field: &str, read: impl FnOnce(&str) -> Result<T, &'static str>) -> Option<T> {
    read(table.text(field)?).map_err(|reason| table.problem(field, reason)).ok()
}

/// The merchant's RSA key, which must be there.
#[must_use]
pub fn private_key(table: &Reader<'_>) -> Option<PrivateKey> {
    parsed(table, "private_key", table.need_text("private_key"), PrivateKey::read)
}

/// A window in days, as seconds.
#[must_use]
pub fn days_s(table: &Reader<'_>, field: &str, default: i64, max: i64) -> i64 {
    table.int(field, 1..=max).unwrap_or(default).saturating_mul(86_400)
}

/// Ends the reading of both tables and answers all problems. `names` are the keys of the account's table, with a space between them:
/// a complete old table may stand under `previous`. `take` gets it first.
#[must_use]
pub fn finish(config: &AccountConfig<'_>, names: &str, take: impl FnOnce(&Reader<'_>)) -> Vec<Problem> {
    let _ = config.credentials.raw("previous");
    config.credentials.finish();
    if let Some(old) = &config.previous {
        take(old);
        finish_previous(old, &names.split_whitespace().chain(["previous"]).collect::<Vec<_>>());
    }
    problems(config)
}

/// Ends the reading of the former credentials: every key of the account's table may stand there.
pub fn finish_previous(previous: &Reader<'_>, names: &[&str]) {
    for name in names {
        let _ = previous.raw(name);
    }
    previous.finish();
}

/// Problems of both tables. They may share one list, when `previous` is nested in the credentials.
#[must_use]
pub fn problems(config: &AccountConfig<'_>) -> Vec<Problem> {
    let mut problems = config.credentials.found();
    for problem in config.previous.iter().flat_map(Reader::found) {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems
}

/// Names of the binding's `sub` table: unknown ones and missing required ones are problems, and so is a value that `fits` refuses.
#[must_use]
pub fn check_sub(profile: &Profile, sub: &Notes, fits: impl Fn(&str, &str) -> bool) -> Vec<Problem> {
    let known = &profile.sub_fields;
    let mut problems = Vec::new();
    for name in sub.keys().filter(|name| !known.iter().any(|field| field.name == *name)) {
        problems.push(Problem::new(name, "is not a field of this account's sub table"));
    }
    for field in known {
        let fits = sub.get(field.name).map_or(!field.required, |value| fits(field.name, value));
        if !fits {
            problems.push(Problem::new(field.name, "must be what the channel gave the sub-merchant"));
        }
    }
    problems
}

/// What every channel refuses before T1: a method, an amount, a number or a life that its profile excludes.
///
/// # Errors
/// The first of them, with the field it is about.
pub fn admit(profile: &Profile, attempt: &AttemptRef, order: &PayOrder) -> Result<(), Refusal> {
    let Some(method) = profile.method(attempt.method) else {
        return Err(Refusal::account("the method is not served by this account"));
    };
    if attempt.amount < profile.amount_min || attempt.amount > profile.amount_max {
        return Err(Refusal::field("amount", format!("must be {} to {} fen", profile.amount_min, profile.amount_max)));
    }
    let number_fits = (profile.number.len_min..=profile.number.len_max).contains(&attempt.number.len());
    if !number_fits || !attempt.number.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Refusal::account("the attempt's number does not fit the channel's rule"));
    }
    let life_s = attempt.expires_at.0.saturating_sub(attempt.at.0);
    if !attempt.method.is_barcode() && life_s > method.expires_in_max_s {
        return Err(Refusal::field("expires_in", format!("must be at most {} s", method.expires_in_max_s)));
    }
    if attempt.method.is_barcode() && order.auth_code.is_none() {
        return Err(Refusal::field("auth_code", "is required"));
    }
    Ok(())
}

/// As [`admit`], and the binding's table by the channel's own `check_sub`.
///
/// # Errors
/// The first of them.
pub fn admit_sub(profile: &Profile, attempt: &AttemptRef, order: &PayOrder, sub: &[Problem]) -> Result<(), Refusal> {
    admit(profile, attempt, order)?;
    sub.first().map_or(Ok(()), |problem| Err(Refusal::account(format!("sub.{problem}"))))
}

/// The payer's code, of the channel's own shape. No message repeats it.
///
/// # Errors
/// When it is missing or does not fit.
pub fn auth_code<'a>(order: &'a PayOrder, fits: impl Fn(&str) -> bool, reason: &str) -> Result<&'a str, Refusal> {
    let code = order.auth_code.as_deref().ok_or_else(|| Refusal::field("auth_code", "is required"))?;
    if fits(code) { Ok(code) } else { Err(Refusal::field("auth_code", reason)) }
}

/// What the till is called: its own id, then what this account calls it at the store.
pub fn terminals(order: &PayOrder) -> impl Iterator<Item = &str> {
    let own = order.terminal.as_ref().and_then(|terminal| terminal.id.as_deref());
    own.into_iter().chain(order.store.as_ref().and_then(|store| store.term_id.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::{checked, days_s, finish, optional, private_key, word};
    use sluice_contract::AccountConfig;
    use sluice_contract::Reader;

    #[test]
    fn a_word_that_is_not_listed_is_a_problem_and_an_absent_one_the_default() {
        let tree = serde_json::json!({"mode": "both"});
        let table = Reader::root("credentials", &tree);
        let words = [("direct", 1), ("partner", 2), ("third", 3)];
        assert_eq!((word(&table, "mode", &words, 1), word(&table, "other", &words, 3)), (1, 3));
        assert_eq!(table.found().first().map(|p| p.reason.as_str()), Some("must be one of: direct, partner, third"));
    }

    #[test]
    fn every_credential_is_told_once_and_a_former_table_may_hold_the_same_keys() {
        let tree = serde_json::json!({"id": "x-1", "key": "", "days": 400, "previous": {}});
        let old = serde_json::json!({"id": "x-0", "typo": 1});
        let (credentials, previous) = (Reader::root("credentials", &tree), Some(Reader::root("previous", &old)));
        let config = AccountConfig { id: "a", base_url: "", sandbox: true, methods: None, credentials, previous };
        let table = &config.credentials;
        assert_eq!(checked(table, "id", |id| id == "x", "is not x"), "x-1");
        assert_eq!(optional(table, "key", |key| !key.is_empty(), "is empty").as_deref(), Some(""));
        assert_eq!(days_s(table, "days", 30, 365), 30 * 86_400);
        assert!(private_key(table).is_none());
        let mut former = String::new();
        let found = finish(&config, "id key days", |old| old.need_text("id").clone_into(&mut former));
        let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["id", "key", "days", "private_key", "typo"]);
        assert_eq!(former, "x-0");
    }
}
