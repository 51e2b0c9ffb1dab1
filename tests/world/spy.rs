//! Stands between flow and an adapter, and writes on each exchange which verb it is of and what it is about, and on each answer to a
//! callback what it means: the wire and the judges read that, whatever the channel's bytes look like.

use sluice_contract::{
    Ack, AttemptRef, Callback, Channel, Day, Env, HttpReply, HttpRequest, KeyHint, KeyUpdate, Notes, Pay, PayOrder, Person, Problem,
    Profile, RawCallback, Refund, RefundRef, Refusal, Rejected, Renewed, Statement, Step, Undone, Visitor,
};

const MARK: &str = "World-Mark";
const ACK: &str = "World-Ack";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    Pay,
    Query,
    Close,
    Reverse,
    Refund,
    QueryRefund,
}

const WORDS: [(Asks, &str); 6] = [
    (Asks::Pay, "pay"),
    (Asks::Query, "query"),
    (Asks::Close, "close"),
    (Asks::Reverse, "reverse"),
    (Asks::Refund, "refund"),
    (Asks::QueryRefund, "query_refund"),
];

/// What a request is about; follow-ups and renewals carry none.
#[derive(Clone, Debug)]
pub struct Mark {
    pub asks: Asks,
    /// The attempt's or the refund's.
    pub number: String,
    pub barcode: bool,
}

impl Mark {
    /// Takes the mark off a request, so that it travels as its adapter made it.
    pub fn take(request: &mut HttpRequest) -> Option<Mark> {
        let at = request.headers.0.iter().position(|(name, _)| name == MARK)?;
        let (_, text) = request.headers.0.remove(at);
        let mut words = text.split(' ');
        let word = words.next()?;
        let (asks, _) = WORDS.into_iter().find(|(_, known)| *known == word)?;
        Some(Mark { asks, number: words.next()?.to_owned(), barcode: words.next() == Some("barcode") })
    }
}

/// Whether an answer to a callback tells the channel that it was taken; takes that note off.
pub fn was_taken(reply: &mut HttpReply) -> bool {
    let Some(at) = reply.headers.0.iter().position(|(name, _)| name == ACK) else { return false };
    reply.headers.0.remove(at).1 == "taken"
}

fn marked<T>(step: Step<T>, asks: Asks, number: &str, attempt: &AttemptRef) -> Step<T> {
    let Step::Send(mut exchange) = step else { return step };
    let word = WORDS.iter().find(|(known, _)| *known == asks).map_or("", |(_, word)| word);
    let kind = if attempt.method.is_barcode() { "barcode" } else { "online" };
    exchange.request.headers.push(MARK, &format!("{word} {number} {kind}"));
    Step::Send(exchange)
}

pub struct Spied(pub Box<dyn Channel>);

impl Channel for Spied {
    fn profile(&self) -> &Profile {
        self.0.profile()
    }
    fn check_sub(&self, sub: &Notes) -> Vec<Problem> {
        self.0.check_sub(sub)
    }
    fn sub_keys(&self, sub: &Notes) -> KeyUpdate {
        self.0.sub_keys(sub)
    }
    fn admit(&self, attempt: &AttemptRef, order: &PayOrder) -> Result<Notes, Refusal> {
        self.0.admit(attempt, order)
    }
    fn pay(&self, attempt: &AttemptRef, order: &PayOrder, env: &Env<'_>) -> Step<Pay> {
        marked(self.0.pay(attempt, order, env), Asks::Pay, &attempt.number, attempt)
    }
    fn query(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Pay> {
        marked(self.0.query(attempt, env), Asks::Query, &attempt.number, attempt)
    }
    fn close(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        marked(self.0.close(attempt, env), Asks::Close, &attempt.number, attempt)
    }
    fn reverse(&self, attempt: &AttemptRef, env: &Env<'_>) -> Step<Undone> {
        marked(self.0.reverse(attempt, env), Asks::Reverse, &attempt.number, attempt)
    }
    fn refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        marked(self.0.refund(refund, env), Asks::Refund, &refund.number, &refund.payment)
    }
    fn query_refund(&self, refund: &RefundRef, env: &Env<'_>) -> Step<Refund> {
        marked(self.0.query_refund(refund, env), Asks::QueryRefund, &refund.number, &refund.payment)
    }
    fn callback(&self, raw: &RawCallback<'_>, env: &Env<'_>) -> Result<Callback, Rejected> {
        self.0.callback(raw, env)
    }
    fn acknowledge(&self, raw: &RawCallback<'_>, ack: Ack, env: &Env<'_>) -> HttpReply {
        let mut reply = self.0.acknowledge(raw, ack, env);
        reply.headers.push(ACK, if ack == Ack::Taken { "taken" } else { "refused" });
        reply
    }
    fn statement(&self, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
        self.0.statement(day, sub, env)
    }
    fn renew(&self, why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
        self.0.renew(why, env)
    }
    fn install(&self, keys: &KeyUpdate) -> Result<(), Refusal> {
        self.0.install(keys)
    }
    fn authorize(&self, who: &Visitor<'_>, return_url: &str, state: &str) -> Result<String, Refusal> {
        self.0.authorize(who, return_url, state)
    }
    fn identify(&self, who: &Visitor<'_>, query: &str, env: &Env<'_>) -> Step<Person> {
        self.0.identify(who, query, env)
    }
}
