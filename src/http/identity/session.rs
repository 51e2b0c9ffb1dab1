//! Sessions: a random token in the browser, its hash in the store. When it was last used stands in a record of its own, so that noting it
//! can never bring a revoked session back.

use super::{ONCE, moment, put, text};
use crate::flow::Gateway;
use crate::http::errors::Fail;
use crate::http::ops::change::{record, records};
use crate::store::{Audit, Record};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sluice_contract::Millis;

const KIND: &str = "session";
const SEEN: &str = "session_seen";
const IDLE_MS: i64 = 30 * 60 * 1000;
const LIFE_MS: i64 = 12 * 60 * 60 * 1000;
/// Not every request is worth a commit: a session may end so much sooner than thirty minutes after its last one.
const NOTED_MS: i64 = 60 * 1000;
/// What was done once is forgotten after a day: no form and no code lives as long.
const ONCE_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug)]
pub struct Session {
    /// The token's hash: it names the session and opens nothing.
    pub id: String,
    pub operator: String,
    pub address: String,
    pub agent: String,
    pub created_at: Millis,
    pub seen_at: Millis,
}

#[must_use]
pub fn id_of(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

impl Session {
    fn read(id: &str, doc: &Value, seen: Option<&Value>) -> Session {
        let created_at = moment(doc, "created_at");
        Session {
            id: id.to_owned(),
            operator: text(doc, "operator"),
            address: text(doc, "address"),
            agent: text(doc, "agent"),
            created_at,
            seen_at: seen.map_or(created_at, |seen| moment(seen, "at")).max(created_at),
        }
    }

    fn lives(&self, now: Millis) -> bool {
        now.since_ms(self.created_at) < LIFE_MS && now.since_ms(self.seen_at) < IDLE_MS
    }
}

fn gone(id: &str) -> [Record; 2] {
    [KIND, SEEN].map(|kind| Record { kind: kind.into(), id: id.to_owned(), doc: None })
}

/// Opens a session with a token that nobody had before, ends the one that the browser came with, and clears away what is over.
pub async fn open(gateway: &Gateway, new: Session, former: Option<&str>, audit: Audit) -> Result<String, Fail> {
    let token = hex::encode(gateway.random::<32>());
    let doc = json!({"operator": new.operator, "address": new.address, "agent": new.agent, "created_at": new.created_at});
    let mut changed = over(gateway).await?;
    changed.extend(former.into_iter().flat_map(|token| gone(&id_of(token))));
    changed.push(Record { kind: KIND.into(), id: id_of(&token), doc: Some(doc) });
    put(gateway, changed, vec![audit]).await?;
    Ok(token)
}

/// What nobody needs any more.
async fn over(gateway: &Gateway) -> Result<Vec<Record>, Fail> {
    let now = gateway.now();
    let mut changed: Vec<Record> = Vec::new();
    let sessions = records(gateway, KIND).await?;
    let seen = records(gateway, SEEN).await?;
    let dead = |at: Millis, length_ms: i64| now.since_ms(at) >= length_ms;
    let old = sessions.iter().filter(|(_, doc)| dead(moment(doc, "created_at"), LIFE_MS));
    changed.extend(old.flat_map(|(id, _)| gone(id)));
    let orphans = seen.iter().filter(|(id, _)| !sessions.iter().any(|(known, _)| known == id));
    changed.extend(orphans.map(|(id, _)| Record { kind: SEEN.into(), id: id.clone(), doc: None }));
    let once = records(gateway, ONCE).await?;
    let past = once.iter().filter(|(_, doc)| dead(moment(doc, "at"), ONCE_MS));
    changed.extend(past.map(|(id, _)| Record { kind: ONCE.into(), id: id.clone(), doc: None }));
    Ok(changed)
}

/// The living session of a token; that it is used is noted.
pub async fn find(gateway: &Gateway, token: &str) -> Result<Option<Session>, Fail> {
    let (id, now) = (id_of(token), gateway.now());
    let Some(doc) = record(gateway, KIND, &id).await? else { return Ok(None) };
    let seen = record(gateway, SEEN, &id).await?;
    let session = Session::read(&id, &doc, seen.as_ref());
    if !session.lives(now) {
        return Ok(None);
    }
    if now.since_ms(session.seen_at) >= NOTED_MS {
        let noted = Record { kind: SEEN.into(), id, doc: Some(json!({"at": now})) };
        put(gateway, vec![noted], Vec::new()).await?;
    }
    Ok(Some(session))
}

/// The living sessions, the latest first.
pub async fn living(gateway: &Gateway) -> Result<Vec<Session>, Fail> {
    let (now, seen) = (gateway.now(), records(gateway, SEEN).await?);
    let seen_of = |id: &str| seen.iter().find(|(known, _)| known == id).map(|(_, doc)| doc);
    let stored = records(gateway, KIND).await?;
    let mut living: Vec<Session> = stored.iter().map(|(id, doc)| Session::read(id, doc, seen_of(id))).filter(|s| s.lives(now)).collect();
    living.sort_unstable_by_key(|session| std::cmp::Reverse(session.seen_at));
    Ok(living)
}

/// Ends sessions, at once and for good.
pub async fn end(gateway: &Gateway, ids: &[String], audit: Audit) -> Result<(), Fail> {
    put(gateway, ids.iter().flat_map(|id| gone(id)).collect(), vec![audit]).await
}
