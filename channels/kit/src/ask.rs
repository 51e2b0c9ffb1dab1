//! A verb as a question, in one frame for all: what it is about goes along, the reply is judged before it is read, and a reader leaves
//! by `?` with a doubt, which is the verb's `Unknown`.

use serde_json::Value;
use sluice_contract::{
    Env, Exchange, HttpReply, HttpRequest, KeyHint, Pay, Person, Reading, Refund, Refusal, Renewed, Statement, Step, Undone, Why, WhyKind,
};
use std::sync::Arc;

/// An account that knows which replies may be believed.
pub trait Judge: Send + Sync + 'static {
    type Answer;

    /// # Errors
    /// Why the reply is not to be read.
    fn judge(&self, reply: &HttpReply, env: &Env<'_>) -> Result<Self::Answer, Unread>;
}

/// A reply that may be believed.
#[derive(Debug)]
pub enum Answer<Complaint> {
    /// The tree of a success.
    Good(Value),
    Error(Complaint),
}

/// Why a reply is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It cannot be judged without a key that we do not hold: renew, then judge again.
    Keys(KeyHint),
    /// It decides nothing.
    Why(Why),
}

impl From<Why> for Unread {
    fn from(why: Why) -> Unread {
        Unread::Why(why)
    }
}

/// An outcome that may stay open. It has no default: whoever asks owns finding out.
pub trait Outcome {
    fn unknown(why: Why) -> Self;
}

macro_rules! outcomes {
    ($($of:ident)*) => {
        $(impl Outcome for $of {
            fn unknown(why: Why) -> $of {
                $of::Unknown(why)
            }
        })*
    };
}
outcomes!(Pay Refund Undone Statement Renewed Person);

/// What a reader makes of an answer: an outcome, another exchange, or a doubt.
pub type Told<T> = Result<Reading<T>, Why>;

/// Asks about `about` (an attempt, a refund, a day), or refuses when the request could not even be made.
pub fn ask<A: Judge, R: Clone + Send + Sync + 'static, T: Outcome>(
    account: &Arc<A>,
    about: &R,
    request: Result<HttpRequest, Refusal>,
    read: impl Fn(&Arc<A>, &R, A::Answer, &Env<'_>) -> Told<T> + Send + Sync + 'static,
) -> Step<T> {
    ask_by(account, about, request, A::judge, read)
}

/// As [`ask`], where the account alone cannot judge: the call has a say in it, or speaks another dialect.
pub fn ask_by<A: Send + Sync + 'static, R: Clone + Send + Sync + 'static, B, T: Outcome>(
    account: &Arc<A>,
    about: &R,
    request: Result<HttpRequest, Refusal>,
    judge: impl Fn(&A, &HttpReply, &Env<'_>) -> Result<B, Unread> + Send + Sync + 'static,
    read: impl Fn(&Arc<A>, &R, B, &Env<'_>) -> Told<T> + Send + Sync + 'static,
) -> Step<T> {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return Step::Refused(refusal),
    };
    let (account, about) = (Arc::clone(account), about.clone());
    Step::Send(Exchange::new(request, move |reply, env| {
        let told = match judge(&account, reply, env) {
            Ok(answer) => read(&account, &about, answer, env),
            Err(Unread::Keys(hint)) => Ok(Reading::NeedKeys(hint)),
            Err(Unread::Why(why)) => Err(why),
        };
        told.unwrap_or_else(|why| Reading::Is(T::unknown(why)))
    }))
}

/// The next exchange of a verb, from inside a reader: what cannot be asked any more is a doubt.
pub fn then<T: Outcome>(step: Step<T>) -> Reading<T> {
    match step {
        Step::Send(exchange) => Reading::Then(exchange),
        Step::Done(value) => Reading::Is(value),
        Step::Refused(refusal) => Reading::Is(T::unknown(Why::new(WhyKind::Configuration, refusal.inner))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Judge, Unread, ask, ask_by, then};
    use crate::outcome::{contradiction, no_answer};
    use crate::wire::post;
    use sluice_contract::{Env, Exchange, HttpReply, HttpRequest, KeyHint, Pay, Reading, Refusal, Second, Step, Undone, WhyKind};
    use std::sync::Arc;

    struct Bank;

    impl Judge for Bank {
        type Answer = u16;
        fn judge(&self, reply: &HttpReply, _env: &Env<'_>) -> Result<u16, Unread> {
            match reply.status {
                401 => Err(Unread::Keys(KeyHint { key_id: "1".into() })),
                status if reply.is_success() => Ok(status),
                _ => Err(no_answer(reply).into()),
            }
        }
    }

    fn request() -> Result<HttpRequest, Refusal> {
        Ok(post("pay", "https://bank.example/pay".to_owned(), &[], String::new(), 1000))
    }

    fn reading<T>(step: Step<T>, status: u16) -> Option<Reading<T>> {
        let read = |exchange: Exchange<T>| {
            exchange.read(&HttpReply::new(status, &[], ""), &Env { now: Second(0), entropy: [0; 32], notify_url: "" })
        };
        if let Step::Send(exchange) = step { Some(read(exchange)) } else { None }
    }

    fn pay(status: u16) -> Option<Reading<Pay>> {
        let step = ask(&Arc::new(Bank), &201, request(), |_, about, status, _| match status {
            200 => Ok(Reading::Is(Pay::Closed)),
            status if status == *about => Err(contradiction("number")),
            _ => Ok(Reading::Is(Pay::NotFound)),
        });
        reading(step, status)
    }

    #[test]
    fn what_is_not_believed_or_is_about_something_else_is_unknown() {
        assert!(matches!(pay(200), Some(Reading::Is(Pay::Closed))));
        assert!(matches!(pay(202), Some(Reading::Is(Pay::NotFound))));
        for (status, kind) in [(500, WhyKind::NoAnswer), (201, WhyKind::Contradiction)] {
            assert!(matches!(pay(status), Some(Reading::Is(Pay::Unknown(why))) if why.kind == kind), "{status}");
        }
    }

    #[test]
    fn a_missing_key_is_asked_for_and_a_call_may_judge_by_itself() {
        assert!(matches!(pay(401), Some(Reading::NeedKeys(hint)) if hint.key_id == "1"));
        let own = |_: &Bank, reply: &HttpReply, _: &Env<'_>| Ok(reply.status == 500);
        let step = ask_by(&Arc::new(Bank), &(), request(), own, |_, (), busy, _| {
            Ok(Reading::Is(if busy { Undone::Busy } else { Undone::Closed }))
        });
        assert!(matches!(reading(step, 500), Some(Reading::Is(Undone::Busy))));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_at_first_and_a_doubt_later() {
        let refused = || ask(&Arc::new(Bank), &(), Err(Refusal::account("no key")), |_, (), _, _| Ok(Reading::Is(Undone::Closed)));
        assert!(matches!(refused(), Step::Refused(_)));
        assert!(matches!(then(refused()), Reading::Is(Undone::Unknown(why)) if why.kind == WhyKind::Configuration && why.note == "no key"));
        assert!(matches!(then(Step::Done(Pay::Closed)), Reading::Is(Pay::Closed)));
    }
}
