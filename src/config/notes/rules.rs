//! Rules that do nothing, or not what their words promise.

use super::{Listed, Seen, can_match, must_match};
use crate::config::State;
use crate::domain::route::{Rule, Strategy};
use crate::domain::when::Known;
use sluice_contract::{Method, Problem};

/// The key of the rule that it is about, and what is said after the rule's name.
type Note = (&'static str, String);

/// A rule among all, with the accounts it lists.
struct Looked<'a> {
    /// Those before it.
    earlier: &'a [Rule],
    rule: &'a Rule,
    listed: Vec<Listed<'a>>,
}

pub(super) fn notes(seen: Seen<'_>) -> Vec<Problem> {
    let rules = &seen.routing.rules;
    let of_one = |(place, rule): (usize, &Rule)| {
        let looked = Looked { earlier: rules.get(..place).unwrap_or_default(), rule, listed: seen.listed(rule) };
        let told = looked.notes().into_iter();
        told.map(|(key, note)| Problem::new(format!("rule[{place}].{key}"), format!("{} {note}", rule.name))).collect::<Vec<_>>()
    };
    rules.iter().enumerate().flat_map(of_one).collect()
}

impl Looked<'_> {
    fn notes(&self) -> Vec<Note> {
        // A rule that does nothing does nothing else.
        if let Some(note) = self.never_matches().or_else(|| self.stands_behind_others()).or_else(|| self.takes_nothing()) {
            return vec![note];
        }
        let found = [
            self.asks_for_what_none_serves(),
            self.asks_for_a_chosen_account(),
            self.stays_in_cel(),
            self.has_no_choice(),
            self.weighs_in_vain(),
            self.lacks_fees(),
        ];
        found.into_iter().flatten().collect()
    }

    /// Every account with every method of it that the rule can match.
    fn matched(&self) -> impl Iterator<Item = (Listed<'_>, Method)> {
        let methods = self.listed.iter().flat_map(|(account, weight)| account.methods.iter().map(|m| ((*account, *weight), *m)));
        methods.filter(|((account, _), method)| can_match(self.rule, account, *method))
    }

    fn never_matches(&self) -> Option<Note> {
        if self.listed.is_empty() || self.matched().next().is_some() {
            return None;
        }
        let possible = |method: &Method| self.rule.when.may(&Known { method: method.word(), ..Known::default() }).hold;
        let what = if Method::ALL.iter().any(possible) { "any of its accounts with a method that it serves" } else { "any order" };
        Some(("when", format!("never matches: its condition cannot hold for {what}")))
    }

    /// Whatever order it could match, each of its accounts is taken by a rule before it: nothing is left for this one.
    fn stands_behind_others(&self) -> Option<Note> {
        let mut before: Vec<&str> = Vec::new();
        for ((account, _), method) in self.matched() {
            let takes = |earlier: &&Rule| {
                let has = earlier.accounts.is_empty() || earlier.accounts.iter().any(|of| of.id == account.id && of.weight > 0);
                has && (earlier.when.text() == self.rule.when.text() || must_match(earlier, account, method))
            };
            let taken_by = &self.earlier.iter().find(takes)?.name;
            if !before.contains(&taken_by.as_str()) {
                before.push(taken_by);
            }
        }
        let before = Some(before).filter(|before| !before.is_empty())?.join(", ");
        Some((
            "when",
            format!("is reached by no new order: whenever it matches, its accounts have been taken by rules before it ({before})"),
        ))
    }

    fn takes_nothing(&self) -> Option<Note> {
        let on = |(account, _): &Listed<'_>| account.state == State::Enabled;
        let weighty = |(_, weight): &Listed<'_>| *weight > 0;
        if self.listed.is_empty() || self.listed.iter().any(|listed| on(listed) && weighty(listed)) {
            return None;
        }
        let why = match (self.listed.iter().any(on), self.listed.iter().any(weighty)) {
            (false, true) => "none of its accounts is enabled",
            (true, false) => "all its weights are 0",
            _ => "each of its accounts is off or has weight 0",
        };
        Some(("accounts", format!("takes no order as the files stand: {why}")))
    }

    /// A method that the condition names by its word and that no account of the rule has.
    fn asks_for_what_none_serves(&self) -> Option<Note> {
        let when = &self.rule.when;
        // No word of a method: what holds for it too asks for none.
        let holds = |method| when.may(&Known { method, ..Known::default() }).hold;
        if holds("?") {
            return None;
        }
        let named = |word: &str| ['"', '\''].iter().any(|quote| when.text().contains(&format!("{quote}{word}{quote}")));
        let unserved = |method: &&Method| {
            let word = method.word();
            named(word) && holds(word) && !self.listed.iter().any(|(account, _)| account.methods.contains(method))
        };
        let words: Vec<&str> = Method::ALL.iter().filter(unserved).map(|method| method.word()).collect();
        (!words.is_empty()).then(|| ("when", format!("asks for {}, which none of its accounts serves", words.join(", "))))
    }

    /// An order whose merchant chose the account is ranked by no rule.
    fn asks_for_a_chosen_account(&self) -> Option<Note> {
        let told = "asks for order.account, which is null in every order that rules rank; the candidate is `account`";
        self.rule.when.text().contains("order.account").then(|| ("when", told.to_owned()))
    }

    fn stays_in_cel(&self) -> Option<Note> {
        let why = self.rule.when.stays_in_cel()?;
        let each = if self.rule.when.names_candidate() { "each account of each order" } else { "each order" };
        Some(("when", format!("stays in CEL, about a microsecond for {each}: {why}")))
    }

    /// Shares need two accounts that can take the same order.
    fn has_no_choice(&self) -> Option<Note> {
        let strategy = self.strategy().filter(|_| shares(self.rule.strategy))?;
        let weighty = || self.matched().filter(|((_, weight), _)| *weight > 0);
        let choice = |method: &Method| weighty().filter(|(_, of)| of == method).count() > 1;
        let why = "no two of its accounts with a weight serve a method that it matches";
        (!Method::ALL.iter().any(choice)).then(|| ("strategy", format!("has nothing to share by {strategy}: {why}")))
    }

    fn weighs_in_vain(&self) -> Option<Note> {
        let strategy = self.strategy().filter(|_| !shares(self.rule.strategy))?;
        let heavy = self.listed.iter().any(|(_, weight)| *weight > 1);
        heavy.then(|| ("accounts", format!("gives weights, and {strategy} only asks whether one is 0")))
    }

    fn lacks_fees(&self) -> Option<Note> {
        let said = match self.rule.strategy {
            Strategy::LeastCost => "which comes last where costs are compared",
            Strategy::BestValue => "which counts as free of charge",
            _ => return None,
        };
        let without = self.listed.iter().filter(|(account, _)| account.terms.fee.is_none());
        let ids: Vec<&str> = without.map(|(account, _)| account.id.as_str()).collect();
        (!ids.is_empty()).then(|| ("strategy", format!("knows no fee_rate of {}, {said}", ids.join(", "))))
    }

    fn strategy(&self) -> Option<&'static str> {
        Strategy::ALL.iter().find(|(_, strategy)| *strategy == self.rule.strategy).map(|(word, _)| *word)
    }
}

/// Whether it goes by weights.
const fn shares(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::RoundRobin | Strategy::Sticky)
}
