//! The router's decision in words, as it was kept with an attempt: what `explain` prints and the console shows.

use super::{Considered, Score};
use serde_json::Value;
use sluice_contract::Fen;

/// One line for the choice, one for every account, one for every rule that could not be asked.
pub fn lines(route: &Value) -> Vec<String> {
    let considered = route.get("considered").cloned().and_then(|lines| serde_json::from_value::<Vec<Considered>>(lines).ok());
    // What an older build kept is shown as it is.
    let Some(considered) = considered else { return vec![format!("route {route}")] };
    let mut lines = vec![choice(route)];
    let width = considered.iter().map(|line| line.account.len()).max().unwrap_or_default();
    lines.extend(considered.iter().map(|line| format!("  {:<width$}  {}", line.account, account(line))));
    if let Some(count) = route.get("not_bound") {
        lines.push(format!("  and {count} accounts that the merchant may not use"));
    }
    let failed = route.get("not_evaluated").and_then(Value::as_array).into_iter().flatten();
    lines.extend(failed.map(|failed| format!("  rule {} could not be asked: {}", text(failed, "rule"), text(failed, "why"))));
    lines
}

fn choice(route: &Value) -> String {
    let is = |name: &str| route.get(name).is_some_and(|told| *told == true);
    let by = match (text(route, "rule"), text(route, "strategy")) {
        _ if is("pinned") => "the order names it".to_owned(),
        _ if is("preferred") => "by the merchant's own preference".to_owned(),
        ("", _) => "no rule matched: the first in file order".to_owned(),
        (rule, strategy) => format!("by rule {rule} ({strategy})"),
    };
    let explored = if is("explored") { "; chosen by chance, to learn about it" } else { "" };
    let last = if is("last_resort") { "; a last resort: no healthy account was left" } else { "" };
    format!("route {}: {by}{explored}{last}", text(route, "chosen"))
}

fn account(line: &Considered) -> String {
    let words = line.dropped.map(|dropped| serde_json::to_value(dropped).unwrap_or_default());
    let dropped = words.as_ref().and_then(Value::as_str).map(|word| format!("dropped: {}", word.replace('_', " ")));
    let limit = line.limit.as_ref().map(|limit| format!("limit {limit}"));
    let place = line.place.map(|place| format!("place {place}"));
    [place, line.score.map(score), dropped, limit].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn score(score: Score) -> String {
    let yuan = |fen: i64| Fen(fen).to_yuan();
    match score {
        Score::Place(place) => format!("listed at {place}"),
        Score::Credit(credit) => format!("credit {credit}"),
        Score::FeeFen(fee) => format!("fee {} yuan", yuan(fee)),
        Score::NoFee => "no fee known".to_owned(),
        Score::Success { chance_ppm, seen } => format!("succeeds {} of {seen} seen", percent(u64::from(chance_ppm), 1_000_000)),
        Score::Value { expected_fen, chance_ppm, fee_fen } => {
            format!("worth {} yuan: succeeds {}, fee {} yuan", yuan(expected_fen), percent(u64::from(chance_ppm), 1_000_000), yuan(fee_fen))
        }
        Score::Distance(distance) => format!("distance {distance}"),
    }
}

/// A share with two digits, rounded half up: `33.33 %`; of nothing `-`.
pub fn percent(part: u64, of: u64) -> String {
    let basis = u128::from(part).saturating_mul(20_000).saturating_add(u128::from(of)).checked_div(u128::from(of).saturating_mul(2));
    basis.map_or_else(|| "-".to_owned(), |basis| format!("{}.{:02} %", basis / 100, basis % 100))
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{lines, percent};
    use serde_json::json;

    #[test]
    fn a_decision_is_told_in_words() {
        let route = json!({
            "chosen": "b", "rule": "night", "strategy": "success_rate", "explored": true, "last_resort": true, "not_bound": 3,
            "considered": [
                {"account": "a", "dropped": "limit_exceeded", "limit": "daily", "place": 1, "score": {"success": {"chance_ppm": 950_000, "seen": 12}}},
                {"account": "b", "place": 0, "score": "no_fee"},
            ],
            "not_evaluated": [{"rule": "odd", "why": "null < int"}],
        });
        assert_eq!(
            lines(&route),
            [
                "route b: by rule night (success_rate); chosen by chance, to learn about it; a last resort: no healthy account was left",
                "  a  place 1, succeeds 95.00 % of 12 seen, dropped: limit exceeded, limit daily",
                "  b  place 0, no fee known",
                "  and 3 accounts that the merchant may not use",
                "  rule odd could not be asked: null < int",
            ]
        );
        let pinned = json!({"chosen": "a", "rule": null, "strategy": null, "pinned": true, "considered": []});
        assert_eq!(lines(&pinned), ["route a: the order names it"]);
        let unruled = json!({"chosen": "a", "rule": null, "strategy": null, "considered": []});
        assert_eq!(lines(&unruled), ["route a: no rule matched: the first in file order"]);
        assert_eq!(lines(&json!({"old": 1})), [r#"route {"old":1}"#]);
    }

    #[test]
    fn shares_are_rounded_half_up() {
        for (part, of, text) in
            [(1, 3, "33.33 %"), (2, 3, "66.67 %"), (1, 1, "100.00 %"), (0, 9, "0.00 %"), (1, 0, "-"), (1, 20_000, "0.01 %")]
        {
            assert_eq!(percent(part, of), text);
        }
    }
}
