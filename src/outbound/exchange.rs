//! Follows a channel's exchange to its meaning: the one driver for every verb of every channel.
//!
//! `Then` is followed, [`EXCHANGES_MAX`] exchanges in all. `NeedKeys` keeps the reply, renews and reads it again, once
//! per reply. Whatever cannot be finished is `MaybeSent`, unless the very first request provably never left.

use super::redact::{place, redact};
use super::surroundings::{Class, ExchangeNote, Purpose, Surroundings};
use super::wire::{Wire, WireError};
use sluice_contract::{Body, Channel, Env, Exchange, HttpReply, HttpRequest, KeyHint, Reading, Renewed, Step};
use std::path::Path;

/// The most requests one verb may take: link → file, pay → query.
pub const EXCHANGES_MAX: usize = 4;

/// Where following led. The texts are for operators and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed<T> {
    Is(T),
    /// Provably nothing was sent: safe to repeat or to fail over.
    NotSent(String),
    /// Something may have been sent: ask under the same number.
    MaybeSent(String),
}

/// Why keys could not be renewed. The texts are for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRenewed {
    /// The channel will not, for good: a person has to act.
    Refused(String),
    /// Not now.
    Later(String),
}

impl std::fmt::Display for NotRenewed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotRenewed::Refused(why) => write!(f, "the channel will not renew: {why}"),
            NotRenewed::Later(why) => f.write_str(why),
        }
    }
}

/// Sends `step` and reads its reply, until a reading is final.
pub async fn follow<T>(wire: &dyn Wire, channel: &dyn Channel, step: Exchange<T>, surroundings: &dyn Surroundings) -> Followed<T> {
    let mut exchange = step;
    for earlier in 0..EXCHANGES_MAX {
        let reply = match send(wire, &exchange.request, surroundings, Purpose::Asked).await {
            Ok(reply) => reply,
            // Only the first: once an earlier request of the chain was answered, the verb as a whole was sent.
            Err(WireError::NotSent(text)) if earlier == 0 => return Followed::NotSent(text),
            Err(lost) => return Followed::MaybeSent(lost.text().to_owned()),
        };
        let reading = match read(&exchange, &reply, surroundings) {
            Reading::NeedKeys(hint) => {
                let renewed = renew(wire, channel, &hint, surroundings).await;
                match (read(&exchange, &reply, surroundings), renewed) {
                    (Reading::NeedKeys(hint), Err(why)) => return unknown(&hint, &why.to_string()),
                    (Reading::NeedKeys(hint), Ok(())) => return unknown(&hint, "a renewal did not bring them"),
                    (judged, _) => judged,
                }
            }
            judged => judged,
        };
        match reading {
            Reading::Is(meaning) => return Followed::Is(meaning),
            Reading::Then(next) => exchange = next,
            Reading::NeedKeys(hint) => return unknown(&hint, "they are asked for once per reply"),
        }
    }
    Followed::MaybeSent(format!("the channel asked for more than {EXCHANGES_MAX} exchanges in a row"))
}

fn unknown<T>(hint: &KeyHint, why: &str) -> Followed<T> {
    Followed::MaybeSent(format!("keys unknown, the reply cannot be judged (key {}): {why}", hint.key_id))
}

/// Fetches, installs and hands on new keys. A renewal whose own reply needs unknown keys has failed: there is no deeper level.
/// Read again even after an error: another exchange of the account may just have installed the keys.
pub async fn renew(wire: &dyn Wire, channel: &dyn Channel, hint: &KeyHint, surroundings: &dyn Surroundings) -> Result<(), NotRenewed> {
    let _turn = surroundings.renewals().turn(surroundings.account()).await;
    if !surroundings.renewals().may_renew(surroundings.account(), surroundings.now()) {
        return Err(NotRenewed::Later("this account renewed less than a minute ago".into()));
    }
    let renewed = match channel.renew(hint, &env(surroundings)) {
        Step::Send(exchange) => fetch_keys(wire, exchange, surroundings).await.map_err(NotRenewed::Later)?,
        Step::Done(renewed) => renewed,
        Step::Refused(refusal) => return Err(NotRenewed::Later(format!("the channel cannot renew: {}", refusal.inner))),
    };
    let keys = match renewed {
        Renewed::Keys(keys) => keys,
        Renewed::Refused(why) => {
            surroundings.on_refused(hint, &why).await;
            return Err(NotRenewed::Refused(why));
        }
        Renewed::Unknown(why) => return Err(NotRenewed::Later(format!("the renewal's outcome is unknown: {}", why.note))),
    };
    let accepted = channel.install(&keys);
    accepted.map_err(|refusal| NotRenewed::Later(format!("the new keys were not accepted: {}", refusal.inner)))?;
    surroundings.on_keys(&keys).await;
    Ok(())
}

async fn fetch_keys(wire: &dyn Wire, first: Exchange<Renewed>, surroundings: &dyn Surroundings) -> Result<Renewed, String> {
    let mut exchange = first;
    for _ in 0..EXCHANGES_MAX {
        let sent = send(wire, &exchange.request, surroundings, Purpose::Renewal).await;
        let reply = sent.map_err(|lost| format!("the renewal failed: {lost}"))?;
        match read(&exchange, &reply, surroundings) {
            Reading::Is(renewed) => return Ok(renewed),
            Reading::Then(next) => exchange = next,
            Reading::NeedKeys(hint) => return Err(format!("the renewal's own reply needs the key {}", hint.key_id)),
        }
    }
    Err(format!("the renewal took more than {EXCHANGES_MAX} exchanges"))
}

fn env(surroundings: &dyn Surroundings) -> Env<'_> {
    Env { now: surroundings.now().second(), entropy: surroundings.entropy(), notify_url: surroundings.notify_url() }
}

fn read<T>(exchange: &Exchange<T>, reply: &HttpReply, surroundings: &dyn Surroundings) -> Reading<T> {
    exchange.read(reply, &env(surroundings))
}

async fn send(wire: &dyn Wire, request: &HttpRequest, surroundings: &dyn Surroundings, purpose: Purpose) -> Result<HttpReply, WireError> {
    let sent_at = surroundings.now();
    let outcome = wire.send(request).await;
    let (class, status, error) = match &outcome {
        Ok(reply) => (Class::Answered, Some(reply.status), None),
        Err(lost @ WireError::NotSent(_)) => (Class::NotSent, None, Some(lost.text())),
        Err(lost @ WireError::MaybeSent(_)) => (Class::MaybeSent, None, Some(lost.text())),
    };
    surroundings.on_exchange(&ExchangeNote {
        purpose,
        verb: request.verb,
        place: place(&request.url),
        class,
        status,
        error,
        ms: surroundings.now().since_ms(sent_at),
        request: &redact(&request.body),
        reply: &outcome.as_ref().map(|reply| redact(reply.bytes())).unwrap_or_default(),
        file: outcome.as_ref().ok().and_then(file_of),
    });
    outcome
}

fn file_of(reply: &HttpReply) -> Option<&Path> {
    match &reply.body {
        Body::File(path) => Some(path),
        Body::Bytes(_) => None,
    }
}
