//! Silent authorisation: an app that pays by its own bridge (JSAPI) wants to know whom. A payer whom the merchant did not name is sent to the
//! channel's page, which sends him back with a code; the code becomes an id, and his choice is made with it. What goes with him is the
//! `state`: signed, of one order, one account and one method, good for five minutes and once.

use super::ask::Answer;
use super::candidates::{Against, Onward, Walk, missing_fields};
use super::cashier::{Arrival, Known, next_seq};
use super::directory::Account;
use super::{Gateway, Refused};
use crate::domain::OrderId;
use crate::domain::life::Life;
use crate::domain::limit::{PassedOver, Why as LimitWhy};
use crate::domain::route::Decision;
use crate::store::{Command, Nonce, Outcome};
use sluice_contract::{Method, Millis, Notes, Payer, Person, Visitor, Why, WhyKind};
use std::sync::Arc;

const STATE_LIFE_S: i64 = 300;
/// Nodes' clocks differ.
const AHEAD_S: i64 = 60;
/// A code that was spent or lost on the way is asked for once more, then no longer.
const ROUND_MAX: u8 = 1;
/// No merchant's key is called so.
const USED: &str = "identify/state";
/// Letters and digits only, fewer than a hundred: what both apps carry back unchanged.
const HEAD_LEN: usize = 27 + 8 + 1 + 16;

/// The way to the channel's page.
#[derive(Clone, Debug)]
pub struct Detour {
    pub url: String,
    /// The payer's own browser keeps it meanwhile: nobody else comes back with his.
    pub state: String,
}

/// A payer on his way back, by a state of ours.
#[derive(Clone, Debug)]
pub struct Return {
    pub order_id: OrderId,
    pub method: Method,
    account: String,
    made_at_s: i64,
    round: u8,
    nonce: String,
}

/// What came of a return.
#[derive(Debug)]
pub enum Met {
    /// The payer is known, and his choice is made.
    Chosen,
    /// This state was used: the page shows what came of it.
    Before,
    Again(Detour),
    Unknown,
}

impl Gateway {
    /// Where the payer must go before he can choose this method, if anywhere.
    ///
    /// # Errors
    /// The order as it was stored cannot be read.
    pub fn detour(&self, life: &Life, method: Method, arrival: &Arrival) -> Result<Option<Detour>, Refused> {
        self.detour_of_round(life, method, arrival, 0)
    }

    fn detour_of_round(&self, life: &Life, method: Method, arrival: &Arrival, round: u8) -> Result<Option<Detour>, Refused> {
        let is_same = life.attempts.last().is_some_and(|open| open.status().is_open() && self.is_same(open, method));
        if is_same || !life.outlives_attempts(self.now()) {
            return Ok(None);
        }
        let directory = self.directory.load_full();
        let Some(merchant) = directory.merchant(&life.order.merchant_id) else { return Ok(None) };
        let errand = self.errand(&directory, merchant, self.asked_of(life)?, &life.order.id, arrival)?;
        let walk = errand.walk(&life.order, method, next_seq(life));
        if self.is_way(&walk).is_ok() {
            return Ok(None);
        }
        // Whoever is asked has had his turn: the order that comes back to him is pinned and takes none.
        let decision = self.decide(&walk, Onward::default());
        let account = self.identifier(&walk, &decision, &mut Against::default());
        self.settle(&decision, account.as_ref().map(|account| account.id.as_str()));
        let Some(account) = account else { return Ok(None) };
        let state = self.new_state(&life.order.id, &account.id, method, round);
        let url = self.authorisation(&account, &walk, &state);
        Ok(url.map(|url| Detour { url, state }))
    }

    /// The account that could tell who the payer is, where nothing but that is lacking: the first of the router's that has a page for it.
    /// Limits that refuse the order at the others are added to what stands against it.
    pub(super) fn identifier(&self, walk: &Walk<'_>, decision: &Decision, against: &mut Against) -> Option<Arc<Account>> {
        let ranked = decision.chain();
        let mut able = ranked.iter().filter_map(|id| walk.directory.account(id)).filter(|account| self.could_identify(account, walk));
        let has_room = |account: &&Arc<Account>| match walk.ask_limits(account) {
            // Who pays is what is to be found out.
            Ok(_) | Err(PassedOver { why: LimitWhy::Missing(_), .. }) => true,
            Err(passed) => {
                against.passed.push(passed);
                false
            }
        };
        able.find(has_room).cloned()
    }

    /// Whether somebody could, as things stand.
    pub(super) fn is_identifiable(&self, walk: &Walk<'_>, against: &mut Against) -> bool {
        self.identifier(walk, &self.would_decide(walk), against).is_some()
    }

    pub(super) fn could_identify(&self, account: &Account, walk: &Walk<'_>) -> bool {
        let Some(profile) = account.channel.profile().method(walk.method) else { return false };
        let lacking = missing_fields(profile, walk.request);
        let only_who = !lacking.is_empty() && lacking.iter().all(|problem| problem.field.starts_with("payer."));
        only_who && self.authorisation(account, walk, "0").is_some()
    }

    fn authorisation(&self, account: &Account, walk: &Walk<'_>, state: &str) -> Option<String> {
        let none = Notes::new();
        let sub = walk.merchant.binding(&account.id).map_or(&none, |binding| &binding.sub);
        let who = Visitor { method: walk.method, app_id: None, sub };
        let back = format!("{}/identified/{}/{}", self.public_url, account.id, walk.method.word());
        account.channel.authorize(&who, &back, state).ok()
    }

    fn new_state(&self, order_id: &OrderId, account: &str, method: Method, round: u8) -> String {
        let head = format!("{order_id}{:08x}{round}{}", self.now().second().0, hex::encode(self.random::<8>()));
        let proof = self.sealer.token("state", &signed(&head, account, method));
        format!("{head}{proof}")
    }

    /// Reads a state of ours, of whatever age.
    #[must_use]
    pub fn returning(&self, account: &str, method: &str, state: &str) -> Option<Return> {
        let method = Method::from_word(method)?;
        let (head, proof) = state.split_at_checked(HEAD_LEN)?;
        if !self.sealer.knows_token("state", &signed(head, account, method), proof) {
            return None;
        }
        Some(Return {
            order_id: OrderId::parse(head.get(..27)?)?,
            made_at_s: i64::from_str_radix(head.get(27..35)?, 16).ok()?,
            round: head.get(35..36)?.parse().ok()?,
            nonce: head.get(36..)?.to_owned(),
            account: account.to_owned(),
            method,
        })
    }

    /// Exchanges the code of a return, which is its raw query, and makes the payer's choice with what came of it.
    ///
    /// # Errors
    /// The choice was refused, or the store did not take the state.
    pub async fn meet(&self, back: &Return, life: Life, query: &str, arrival: &Arrival) -> Result<Met, Refused> {
        let age_s = self.now().since_ms(Millis(back.made_at_s.saturating_mul(1000))).div_euclid(1000);
        if !(-AHEAD_S..=STATE_LIFE_S).contains(&age_s) {
            return Ok(Met::Unknown);
        }
        let nonce = Nonce { key_id: USED.to_owned(), nonce: back.nonce.clone(), timestamp_s: back.made_at_s };
        if matches!(self.submit(Command::UseNonce { nonce }).await?, Outcome::NonceReused) {
            return Ok(Met::Before);
        }
        match self.person(back, &life, query).await {
            Person::Known(ids) => {
                let id = |name: &str| ids.get(name).cloned();
                let payer = Payer { openid: id("openid"), buyer_id: id("buyer_id"), buyer_open_id: id("buyer_open_id"), customer_id: None };
                let known = Some(Known { account: back.account.clone(), payer });
                self.choose(life, back.method, &Arrival { known, ..arrival.clone() }).await?;
                Ok(Met::Chosen)
            }
            Person::AskAgain(_) if back.round < ROUND_MAX => {
                let again = self.detour_of_round(&life, back.method, arrival, back.round.saturating_add(1))?;
                Ok(again.map_or(Met::Unknown, Met::Again))
            }
            Person::AskAgain(why) | Person::Refused(why) => {
                tracing::warn!(order = %life.order.id, account = back.account, why, "a payer could not be identified");
                Ok(Met::Unknown)
            }
            Person::Unknown(why) => {
                tracing::warn!(order = %life.order.id, account = back.account, why = why.note, "nobody told who a payer is");
                Ok(Met::Unknown)
            }
        }
    }

    /// Who came back; a channel that was busy is asked once more with the same code. Nothing of the exchange is kept.
    async fn person(&self, back: &Return, life: &Life, query: &str) -> Person {
        let directory = self.directory.load_full();
        let Some(account) = directory.account(&back.account) else { return Person::Refused("the account is gone".into()) };
        let merchant = directory.merchant(&life.order.merchant_id);
        let sub = merchant.and_then(|m| m.binding(&account.id)).map(|binding| binding.sub.clone()).unwrap_or_default();
        let who = Visitor { method: back.method, app_id: None, sub: &sub };
        let mut person = Person::Unknown(Why::new(WhyKind::Pending, "not asked"));
        for _ in 0..2 {
            let step = account.channel.identify(&who, query, &self.env(account));
            person = match self.ask(account, step).await.answer {
                Answer::Is(person) => person,
                Answer::NotSent(why) | Answer::MaybeSent(why) => Person::Unknown(Why::new(WhyKind::Pending, why)),
                Answer::Refused(refusal) => Person::Refused(refusal.inner),
            };
            if !matches!(person, Person::Unknown(_)) {
                break;
            }
        }
        person
    }
}

fn signed(head: &str, account: &str, method: Method) -> String {
    format!("{head}\n{account}\n{}", method.word())
}
