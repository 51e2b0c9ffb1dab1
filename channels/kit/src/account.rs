//! Reading an account's credentials: every problem is collected, each with its key.

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

#[cfg(test)]
mod tests {
    use super::word;
    use sluice_contract::Reader;

    #[test]
    fn a_word_that_is_not_listed_is_a_problem_and_an_absent_one_the_default() {
        let tree = serde_json::json!({"mode": "both"});
        let table = Reader::root("credentials", &tree);
        let words = [("direct", 1), ("partner", 2), ("third", 3)];
        assert_eq!((word(&table, "mode", &words, 1), word(&table, "other", &words, 3)), (1, 3));
        assert_eq!(table.found().first().map(|p| p.reason.as_str()), Some("must be one of: direct, partner, third"));
    }
}
