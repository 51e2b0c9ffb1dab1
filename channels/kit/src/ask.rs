//! A verb as a question: what it is about goes along, the channel judges the reply before it is read, and a doubt is the verb's `Unknown`.

use crate::wire::{send, then};
use sluice_contract::{Env, HttpReply, HttpRequest, Pay, Person, Reading, Refund, Refusal, Renewed, Statement, Step, Undone, Why};
use std::sync::Arc;

/// An account that knows which replies may be believed.
pub trait Judge: Send + Sync + 'static {
    /// What is left of a reply that may be believed.
    type Answer;

    /// # Errors
    /// Why the reply says nothing.
    fn judge(&self, reply: &HttpReply, env: &Env<'_>) -> Result<Self::Answer, Why>;
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

/// Asks about `about` (an attempt, a refund, a day), or refuses when the request could not even be made.
pub fn ask<A: Judge, R: Clone + Send + Sync + 'static, T: Outcome>(
    account: &Arc<A>,
    about: &R,
    request: Result<HttpRequest, Refusal>,
    read: impl Fn(&Arc<A>, &R, A::Answer, &Env<'_>) -> Result<Reading<T>, Why> + Send + Sync + 'static,
) -> Step<T> {
    send(account, request, reader(about, read))
}

/// As [`ask`], from inside a reader: what cannot be asked any more is a doubt.
pub fn ask_then<A: Judge, R: Clone + Send + Sync + 'static, T: Outcome>(
    account: &Arc<A>,
    about: &R,
    request: Result<HttpRequest, Refusal>,
    read: impl Fn(&Arc<A>, &R, A::Answer, &Env<'_>) -> Result<Reading<T>, Why> + Send + Sync + 'static,
) -> Reading<T> {
    then(account, request, T::unknown, reader(about, read))
}

fn reader<A: Judge, R: Clone + Send + Sync + 'static, T: Outcome>(
    about: &R,
    read: impl Fn(&Arc<A>, &R, A::Answer, &Env<'_>) -> Result<Reading<T>, Why> + Send + Sync + 'static,
) -> impl Fn(&Arc<A>, &HttpReply, &Env<'_>) -> Reading<T> + Send + Sync + 'static {
    let about = about.clone();
    move |account, reply, env| {
        let read = account.judge(reply, env).and_then(|answer| read(account, &about, answer, env));
        read.unwrap_or_else(|why| Reading::Is(T::unknown(why)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Judge, ask, ask_then};
    use crate::outcome::{contradiction, no_answer};
    use crate::wire::post;
    use sluice_contract::{Env, HttpReply, Pay, Reading, Refusal, Second, Step, Undone, Why, WhyKind};
    use std::sync::Arc;

    struct Bank;

    impl Judge for Bank {
        type Answer = u16;
        fn judge(&self, reply: &HttpReply, _env: &Env<'_>) -> Result<u16, Why> {
            if reply.is_success() { Ok(reply.status) } else { Err(no_answer(reply)) }
        }
    }

    fn pay(status: u16) -> Option<Pay> {
        let request = post("pay", "https://bank.example/pay".to_owned(), &[], String::new(), 1000);
        let step: Step<Pay> = ask(&Arc::new(Bank), &201, Ok(request), |_, about, status, _| match status {
            200 => Ok(Reading::Is(Pay::Closed)),
            status if status == *about => Err(contradiction("number")),
            _ => Ok(Reading::Is(Pay::NotFound)),
        });
        let env = Env { now: Second(0), entropy: [0; 32], notify_url: "" };
        match step {
            Step::Send(exchange) => match exchange.read(&HttpReply::new(status, &[], ""), &env) {
                Reading::Is(pay) => Some(pay),
                _ => None,
            },
            _ => None,
        }
    }

    #[test]
    fn what_is_not_believed_or_is_about_something_else_is_unknown() {
        assert_eq!(pay(200), Some(Pay::Closed));
        assert_eq!(pay(202), Some(Pay::NotFound));
        for (status, kind) in [(500, WhyKind::NoAnswer), (201, WhyKind::Contradiction)] {
            assert!(matches!(pay(status), Some(Pay::Unknown(why)) if why.kind == kind), "{status}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused_at_first_and_a_doubt_later() {
        let refusal = || Err(Refusal::account("no key"));
        let never = |_: &Arc<Bank>, (): &(), _: u16, _: &Env<'_>| Ok(Reading::Is(Undone::Closed));
        assert!(matches!(ask(&Arc::new(Bank), &(), refusal(), never), Step::Refused(_)));
        let then = ask_then(&Arc::new(Bank), &(), refusal(), never);
        assert!(matches!(then, Reading::Is(Undone::Unknown(why)) if why.kind == WhyKind::Configuration && why.note == "no key"));
    }
}
