//! The ranking: the merchant's own preference first, then the rules that match, one after the other, then the order of the file.

use super::account::AccountView;
use super::decision::{Decision, Dropped, Score, Tier};
use super::memory::{Memory, Segment};
use super::places::Places;
use super::rule::{Routing, Rule, RuleAccount, Strategy};
use super::turns::{Turn, Turns};
use super::{Question, sticky, success};
use crate::domain::when::Facts;
use sluice_contract::Fen;

/// An account of a rule: its place among all, its weight.
type Named = (usize, u32);

/// Accounts in a strategy's order, with what it saw in each.
struct Ordered {
    places: Vec<(usize, Score)>,
    explored: bool,
    turn: Option<Turn>,
}

impl Ordered {
    const fn plain(places: Vec<(usize, Score)>) -> Ordered {
        Ordered { places, explored: false, turn: None }
    }
}

/// Everything a strategy may look at.
struct Desk<'a> {
    question: &'a Question<'a>,
    places: &'a Places<'a>,
    accounts: &'a [AccountView<'a>],
    routing: &'a Routing,
    memory: &'a Memory,
}

/// Ranks what the filter kept. Every tier takes from what those before it left.
pub fn rank(
    question: &Question<'_>,
    places: &Places<'_>,
    accounts: &[AccountView<'_>],
    routing: &Routing,
    memory: &Memory,
    decision: &mut Decision,
) {
    let desk = Desk { question, places, accounts, routing, memory };
    let kept = decision.considered.iter().enumerate().filter(|(_, line)| line.dropped.is_none());
    let kept: Vec<usize> = kept.map(|(place, _)| place).collect();
    let (own, others): (Vec<usize>, Vec<usize>) = kept.iter().partition(|place| desk.comes_first(**place));
    desk.rank_these(own, decision);
    for tier in &mut decision.tiers {
        tier.preferred = tier.places.len();
    }
    desk.rank_these(others, decision);
    put_first(decision, &desk.preferred(&kept));
    number(decision);
}

impl<'a> Desk<'a> {
    /// By the rules that match, one after the other, and at last by the order of the file.
    fn rank_these(&self, mut left: Vec<usize>, decision: &mut Decision) {
        for rule in self.rules() {
            if left.is_empty() {
                return;
            }
            let named = self.named(rule, &left, decision);
            if named.is_empty() {
                continue;
            }
            let taken = self.marked(named.iter().map(|(place, _)| *place));
            left.retain(|place| taken.get(*place) != Some(&true));
            put(decision, Some(rule), self.order(rule, &named));
        }
        if self.falls_to_the_file() && !left.is_empty() {
            left.iter().for_each(|place| undrop(decision, *place));
            let places = left.iter().enumerate().map(|(at, place)| (*place, Score::Place(at))).collect();
            return put(decision, None, Ordered::plain(places));
        }
        for place in left {
            if decision.considered.get(place).is_some_and(|line| line.dropped.is_none()) {
                drop_line(decision, place, Dropped::NotInRule);
            }
        }
    }

    /// By place, whether it is among these.
    fn marked(&self, places: impl Iterator<Item = usize>) -> Vec<bool> {
        let mut marked = vec![false; self.accounts.len()];
        for place in places {
            if let Some(mark) = marked.get_mut(place) {
                *mark = true;
            }
        }
        marked
    }

    /// The accounts a merchant owns come before the platform's, where it has not said otherwise.
    fn comes_first(&self, place: usize) -> bool {
        let owner = self.accounts.get(place).and_then(|account| account.owner);
        self.question.prefer.is_none() && owner == Some(self.question.facts.merchant_id)
    }

    fn rules(&self) -> impl Iterator<Item = &'a Rule> {
        let (within, pinned) = (self.question.within, self.question.need.pinned.is_some());
        let asked = move |rule: &&Rule| !pinned && within.is_none_or(|within| within == Some(rule.name.as_str()));
        self.routing.rules.iter().filter(asked)
    }

    fn falls_to_the_file(&self) -> bool {
        self.question.within.is_none_or(|within| within.is_none())
    }

    /// The accounts that the merchant itself puts first.
    fn preferred(&self, kept: &[usize]) -> Vec<usize> {
        let find = |id: &String| self.places.find_text(id).filter(|place| kept.contains(place));
        self.question.prefer.iter().copied().flatten().filter_map(find).collect()
    }

    /// The accounts of a rule that are left and that it matches, in its own order.
    fn named(&self, rule: &Rule, left: &[usize], decision: &mut Decision) -> Vec<Named> {
        let alone = (!rule.when.names_candidate()).then(|| self.matches(rule, None, decision));
        if alone == Some(false) {
            return Vec::new();
        }
        let mut named = Vec::new();
        for (place, weight) in self.listed(rule, left) {
            let Some(account) = self.accounts.get(place) else { continue };
            if alone.is_none() && !self.matches(rule, Some(account), decision) {
                continue;
            }
            match account.weight.unwrap_or(weight) {
                0 => drop_line(decision, place, Dropped::WeightZero),
                weight => {
                    named.push((place, weight));
                    undrop(decision, place);
                }
            }
        }
        named
    }

    fn listed(&self, rule: &Rule, left: &[usize]) -> Vec<Named> {
        if rule.accounts.is_empty() {
            return left.iter().map(|place| (*place, RuleAccount::WEIGHT)).collect();
        }
        let is_left = self.marked(left.iter().copied());
        let find = |listed: &RuleAccount| {
            let place = self.places.find(&listed.id)?;
            is_left.get(place)?.then_some((place, listed.weight))
        };
        rule.accounts.iter().filter_map(find).collect()
    }

    /// A predicate without an answer is no match, and is told.
    fn matches(&self, rule: &Rule, candidate: Option<&AccountView<'_>>, decision: &mut Decision) -> bool {
        let facts = self.question.facts;
        let facts = candidate.map_or(facts, |account| Facts { account: account.id, channel: account.channel, ..facts });
        rule.when.matches(&facts).unwrap_or_else(|failed| {
            if decision.not_evaluated.iter().all(|(known, _)| *known != rule.name) {
                decision.not_evaluated.push((rule.name.clone(), failed.to_string()));
            }
            false
        })
    }

    fn order(&self, rule: &Rule, named: &[Named]) -> Ordered {
        match rule.strategy {
            Strategy::Priority => Ordered::plain(named.iter().enumerate().map(|(at, (place, _))| (*place, Score::Place(at))).collect()),
            Strategy::RoundRobin => self.in_turn(rule, named),
            Strategy::LeastCost => self.by_cost(named),
            Strategy::SuccessRate => self.by_success(named),
            Strategy::BestValue => self.by_value(named),
            Strategy::Sticky => self.by_payer(named),
        }
    }

    fn in_turn(&self, rule: &Rule, named: &[Named]) -> Ordered {
        let key = named.iter().fold(sticky::hash(&[&rule.name]), |key, (place, weight)| {
            sticky::mixed(key ^ self.hash(*place).wrapping_add(u64::from(*weight)))
        });
        let names = || named.iter().filter_map(|(place, weight)| Some((self.accounts.get(*place)?.id.clone(), *weight))).collect();
        let of = self.memory.turns.among(key).unwrap_or_else(names);
        let credits = self.memory.turns.credits(key, &of);
        let order = Turns::in_order(&credits, &of);
        let credit = |at: usize| credits.get(at).copied().unwrap_or_default();
        let picked = order.first().copied().unwrap_or_default();
        let places = order.iter().filter_map(|at| Some((named.get(*at)?.0, Score::Credit(credit(*at))))).collect();
        Ordered { places, explored: false, turn: Some(Turn { key, of, picked }) }
    }

    fn by_cost(&self, named: &[Named]) -> Ordered {
        let scored = named.iter().map(|(place, _)| (*place, self.fee(*place).map_or(Score::NoFee, |fee| Score::FeeFen(fee.0))));
        let mut places: Vec<(usize, Score)> = scored.collect();
        places.sort_by_key(|(_, score)| if let Score::FeeFen(fee) = score { *fee } else { i64::MAX });
        Ordered::plain(places)
    }

    fn by_success(&self, named: &[Named]) -> Ordered {
        let readings = self.readings(named);
        let ranked = success::rank(&readings, self.question.draw, &self.routing.taste);
        let scored = |at: &usize| {
            let reading = readings.get(*at)?;
            Some((named.get(*at)?.0, Score::Success { chance_ppm: reading.chance_ppm, seen: reading.seen }))
        };
        Ordered { places: ranked.places.iter().filter_map(scored).collect(), explored: ranked.explored, turn: None }
    }

    /// By what may be expected to be left of the amount; the share of orders that learn is that of `success_rate`.
    fn by_value(&self, named: &[Named]) -> Ordered {
        let readings = self.readings(named);
        let ranked = success::rank(&readings, self.question.draw, &self.routing.taste);
        let scored = named.iter().zip(&readings).map(|((place, _), reading)| (*place, self.value(*place, reading.chance_ppm)));
        let mut places: Vec<(usize, Score)> = scored.collect();
        let explored = ranked.places.first().filter(|_| ranked.explored).and_then(|at| places.get(*at)).map(|(place, _)| *place);
        let value = |score: &Score| if let Score::Value { expected_fen, .. } = score { *expected_fen } else { i64::MIN };
        places.sort_by_key(|(place, score)| (Some(*place) != explored, std::cmp::Reverse(value(score))));
        Ordered { places, explored: explored.is_some(), turn: None }
    }

    fn by_payer(&self, named: &[Named]) -> Ordered {
        let who = sticky::hash(&[&self.who()]);
        let scored = named.iter().map(|(place, weight)| (*place, Score::Distance(sticky::distance(who, self.hash(*place), *weight))));
        let mut places: Vec<(usize, Score)> = scored.collect();
        places.sort_by_key(|(_, score)| if let Score::Distance(distance) = score { *distance } else { u64::MAX });
        Ordered::plain(places)
    }

    /// Whom `sticky` goes by (CONTRACT section 8). A customer is a merchant's own; an openid or buyer id is the wallet's.
    fn who(&self) -> String {
        let (payer, merchant) = (self.question.facts.payer, self.question.facts.merchant_id);
        let wallet = payer.openid.as_ref().or(payer.buyer_id.as_ref()).or(payer.buyer_open_id.as_ref());
        match (&payer.customer_id, wallet) {
            (Some(customer), _) => format!("customer {merchant} {customer}"),
            (None, Some(id)) => format!("payer {id}"),
            (None, None) => format!("merchant {merchant}"),
        }
    }

    fn readings(&self, named: &[Named]) -> Vec<success::Reading> {
        let need = &self.question.need;
        let reading = |place: usize| {
            let Some(account) = self.accounts.get(place) else { return success::Reading::default() };
            let segment = Segment { account: account.id, method: need.method, amount: need.amount };
            self.memory.reading(segment, need.now, &self.routing.taste)
        };
        named.iter().map(|(place, _)| reading(*place)).collect()
    }

    fn fee(&self, place: usize) -> Option<Fen> {
        self.accounts.get(place)?.fee?.fee(self.question.need.amount)
    }

    fn value(&self, place: usize, chance_ppm: u32) -> Score {
        let fee_fen = self.fee(place).unwrap_or(Fen::ZERO).0;
        let left = i128::from(self.question.need.amount.0.saturating_sub(fee_fen));
        let expected = left.saturating_mul(i128::from(chance_ppm)).div_euclid(1_000_000);
        Score::Value { expected_fen: i64::try_from(expected).unwrap_or(i64::MAX), chance_ppm, fee_fen }
    }

    fn hash(&self, place: usize) -> u64 {
        self.accounts.get(place).map_or(0, |account| account.id.hash())
    }
}

fn put(decision: &mut Decision, rule: Option<&Rule>, ordered: Ordered) {
    for (place, score) in &ordered.places {
        if let Some(line) = decision.considered.get_mut(*place) {
            line.score = Some(*score);
        }
    }
    decision.tiers.push(Tier {
        rule: rule.map(|rule| rule.name.clone()),
        strategy: rule.map(|rule| rule.strategy),
        places: ordered.places.into_iter().map(|(place, _)| place).collect(),
        preferred: 0,
        explored: ordered.explored,
        turn: ordered.turn,
    });
}

/// The merchant's preferred accounts go before all others, whatever rule ranked them; whoever they stand before takes no turn.
fn put_first(decision: &mut Decision, preferred: &[usize]) {
    if preferred.is_empty() {
        return;
    }
    for tier in &mut decision.tiers {
        tier.places.retain(|place| !preferred.contains(place));
    }
    let Some(first) = decision.tiers.first_mut() else { return };
    first.places.splice(0..0, preferred.iter().copied());
    (first.preferred, first.explored, first.turn) = (preferred.len(), false, None);
    decision.tiers.retain(|tier| !tier.places.is_empty());
    // An order that goes on stays within its rule, which need not name them.
    for place in preferred {
        if let Some(line) = decision.considered.get_mut(*place) {
            line.dropped = None;
        }
    }
}

fn number(decision: &mut Decision) {
    let order: Vec<usize> = decision.tiers.iter().flat_map(|tier| tier.places.iter().copied()).collect();
    for (at, place) in order.into_iter().enumerate() {
        if let Some(line) = decision.considered.get_mut(place) {
            line.place = Some(at);
        }
    }
}

fn drop_line(decision: &mut Decision, place: usize, why: Dropped) {
    if let Some(line) = decision.considered.get_mut(place) {
        line.dropped = Some(why);
    }
}

/// A rule gives a share to what an earlier one gave none.
fn undrop(decision: &mut Decision, place: usize) {
    if let Some(line) = decision.considered.get_mut(place).filter(|line| line.dropped == Some(Dropped::WeightZero)) {
        line.dropped = None;
    }
}
