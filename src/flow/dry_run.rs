//! What would become of an order, for an operator who asks: the walk of `place_order` without a trace. Nothing is created, reserved,
//! counted or remembered; the limits' room is read as it is now, not under the lock.

use super::candidates::{Against, CHAIN, Walk, nothing_left};
use super::limits::{risk_of, risk_refused};
use super::place_order::OrderRequest;
use super::{Gateway, MerchantEntry, Refused, resolve};
use crate::domain::Candidate;
use crate::domain::OrderId;
use crate::domain::limit::{Counter, CounterKey, Counters, admit};
use crate::domain::risk;
use crate::domain::route::Decision;
use crate::store::{Answer, Query};
use sluice_contract::{Method, Millis};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answer. Without a chosen account it says what the merchant would be told.
#[derive(Debug, Default)]
pub struct DryRun {
    /// What was asked for, `auto_barcode` resolved.
    pub method: Option<Method>,
    pub decision: Arc<Decision>,
    pub chosen: Option<String>,
    /// Of every account that was looked at, up to the chosen one.
    pub rooms: Vec<Room>,
    pub refused: Option<Refused>,
}

/// What one limit has left in one window.
#[derive(Debug)]
pub struct Room {
    pub account: String,
    pub key: CounterKey,
    pub max: i64,
    /// `None`: so many subjects are counted that this one was not among the largest.
    pub left: Option<i64>,
}

/// Subjects of a limit that are read: more would cost more than the answer is worth.
const TOP: u32 = 1_000;

impl Gateway {
    pub async fn dry_run(&self, merchant: &MerchantEntry, request: &OrderRequest) -> Result<DryRun, Refused> {
        let directory = self.directory.load_full();
        let method = match resolve::method(&directory, merchant, request) {
            Ok(method) => method,
            Err(refused) => return Ok(DryRun { refused: Some(refused), ..DryRun::default() }),
        };
        let (now, merchant_id) = (self.now(), merchant.merchant.id.as_str());
        let hashed = self.hashed(&directory, merchant_id, request);
        if let risk::Decision::Refuse { .. } = risk_of(&directory, merchant_id, request, &hashed) {
            return Ok(DryRun { method: Some(method), refused: Some(risk_refused()), ..DryRun::default() });
        }
        let id = OrderId::new(now, self.random());
        let pay_order = self.pay_order_of(merchant, request, &id);
        let order = self.draft(merchant_id, request, Some(method), &id, now, &pay_order)?;
        let walk = Walk {
            directory: &directory,
            merchant,
            request,
            order: &order,
            method,
            chosen: None,
            pay_order: &pay_order,
            hashed: &hashed,
            at: now,
            seq: 1,
        };
        self.dry_walk(&walk).await
    }

    async fn dry_walk(&self, walk: &Walk<'_>) -> Result<DryRun, Refused> {
        let decision = Arc::new(self.would_decide(walk));
        let mut run = DryRun { method: Some(walk.method), decision, ..DryRun::default() };
        let mut against = Against::default();
        for chain in run.decision.chain().chunks(CHAIN) {
            let candidates = self.admitted(walk, chain, &mut run.decision, &mut against);
            let (counters, unread) = self.counters_of(&candidates, walk.at).await?;
            let verdict = admit(&walk.order.id, &counters, &candidates).map_err(|broken| Refused::inner(broken.to_string()))?;
            let seen = verdict.admitted.map_or(candidates.len(), |place| place.saturating_add(1));
            run.rooms.extend(candidates.iter().take(seen).flat_map(|candidate| rooms(candidate, &counters, &unread)));
            Arc::make_mut(&mut run.decision).pass_over(&verdict.passed_over);
            against.passed.extend(verdict.passed_over);
            run.chosen = verdict.admitted.and_then(|place| candidates.get(place)).map(|candidate| candidate.account.clone());
            if run.chosen.is_some() {
                return Ok(run);
            }
        }
        run.refused = Some(match against.passed.is_empty() {
            true => nothing_left(&run.decision, against.problems, &walk.views()),
            false => self.refusal_of_limits(against.passed, walk.at).await,
        });
        Ok(run)
    }

    /// Every counter that the candidates ask about. Those that nothing stands in are nought; so are those that were not among the largest,
    /// which are named.
    async fn counters_of(&self, candidates: &[Candidate], now: Millis) -> Result<(Counters, Vec<CounterKey>), Refused> {
        let mut wanted: BTreeMap<&str, (Vec<CounterKey>, Option<i64>)> = BTreeMap::new();
        for ask in candidates.iter().flat_map(|candidate| &candidate.asks) {
            let (keys, rolling_ms) = wanted.entry(&ask.hold.limit).or_default();
            keys.extend(ask.starts.iter().map(|start| ask.hold.key(*start)));
            *rolling_ms = ask.hold.window.rolling_ms();
        }
        let (mut counters, mut unread) = (Counters::default(), Vec::new());
        for (limit, (keys, rolling_ms)) in wanted {
            let from = keys.iter().map(|key| key.start).min().unwrap_or_default();
            let edge = rolling_ms.map(|ms| now.plus_ms(ms.saturating_neg()));
            let query = Query::LimitUse { limit: limit.to_owned(), from, edge, top: TOP };
            let Answer::LimitUse(rows) = self.store.read(query).await.map_err(Refused::from)? else {
                return Err(Refused::inner("an unexpected answer to LimitUse"));
            };
            let all_read = u32::try_from(rows.len()).is_ok_and(|rows| rows < TOP);
            let known: BTreeMap<CounterKey, Counter> = rows.into_iter().collect();
            for key in keys {
                let counter = known.get(&key).copied();
                if counter.is_none() && !all_read {
                    unread.push(key.clone());
                }
                counters.0.insert(key, counter.unwrap_or_default());
            }
        }
        Ok((counters, unread))
    }
}

fn rooms(candidate: &Candidate, counters: &Counters, unread: &[CounterKey]) -> Vec<Room> {
    let keys = candidate.asks.iter().flat_map(|ask| ask.starts.iter().map(|start| (ask.hold.key(*start), ask.hold.max)));
    let room = |(key, max): (CounterKey, i64)| {
        let used = counters.0.get(&key).map_or(0, Counter::used);
        let left = (!unread.contains(&key)).then(|| max.saturating_sub(used).max(0));
        Room { account: candidate.account.clone(), key, max, left }
    };
    keys.map(room).collect()
}
