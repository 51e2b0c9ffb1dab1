//! A reply that decides nothing, for every verb alike: a reader leaves by `?`, and the verb answers that it is unknown.

use crate::codes::Class;
use crate::outcome::Complaint;
use sluice_contract::{KeyHint, Pay, Person, Reading, Refund, Renewed, Statement, Step, Undone, Why, WhyKind};

/// What a verb answers. Each can say that it does not know.
pub trait Outcome {
    fn unknown(why: Why) -> Self;
}

macro_rules! outcomes {
    ($($outcome:ident)*) => {
        $(impl Outcome for $outcome {
            fn unknown(why: Why) -> $outcome {
                $outcome::Unknown(why)
            }
        })*
    };
}

outcomes!(Pay Refund Undone Statement Renewed Person);

/// Why a reply says nothing (yet).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It cannot be judged without a key that we do not hold.
    Keys(KeyHint),
    Why(Why),
}

impl From<Why> for Doubt {
    fn from(why: Why) -> Doubt {
        Doubt::Why(why)
    }
}

impl Doubt {
    /// What the verb answers.
    pub fn reading<T: Outcome>(self) -> Reading<T> {
        match self {
            Doubt::Keys(hint) => Reading::NeedKeys(hint),
            Doubt::Why(why) => Reading::Is(T::unknown(why)),
        }
    }
}

/// What a reader makes of a reply: an answer, another exchange, or a doubt.
pub type Told<T> = Result<Reading<T>, Doubt>;

/// The answer of a reader that asks for nothing more.
///
/// # Errors
/// The doubt, for the verb.
pub fn is<T>(told: Result<T, Why>) -> Told<T> {
    Ok(Reading::Is(told?))
}

/// The next exchange of a verb, from inside a reader: what cannot be asked any more is a doubt.
///
/// # Errors
/// That doubt.
pub fn then<T>(step: Step<T>) -> Told<T> {
    match step {
        Step::Send(exchange) => Ok(Reading::Then(exchange)),
        Step::Done(value) => Ok(Reading::Is(value)),
        Step::Refused(refusal) => Err(Why::new(WhyKind::Configuration, refusal.inner).into()),
    }
}

/// What a renewal says that was refused: whose keys, ids or grants are at fault has to act.
///
/// # Errors
/// What decides nothing.
pub fn renewal(class: Class, complaint: &impl Complaint) -> Result<Renewed, Why> {
    match class {
        Class::Fail(..) | Class::Config => Ok(Renewed::Refused(complaint.why(WhyKind::Configuration).note)),
        class => Err(complaint.doubt(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Doubt, Told, is, renewal, then};
    use crate::codes::{Class, failure};
    use crate::outcome::Complaint;
    use sluice_contract::{Failure, FailureCode, Fault, KeyHint, Pay, Reading, Refusal, Renewed, Step, Why, WhyKind};

    #[test]
    fn a_doubt_is_unknown_and_a_missing_key_is_asked_for() {
        let why = Why::new(WhyKind::Pending, "busy");
        let told = |told: Told<Pay>| told.unwrap_or_else(Doubt::reading);
        assert!(matches!(told(is(Err(why.clone()))), Reading::Is(Pay::Unknown(found)) if found == why));
        assert!(matches!(told(is(Ok(Pay::Closed))), Reading::Is(Pay::Closed)));
        let hint = KeyHint { key_id: "1".into() };
        assert!(matches!(told(Err(Doubt::Keys(hint))), Reading::NeedKeys(found) if found.key_id == "1"));
        assert!(matches!(told(then(Step::Done(Pay::Closed))), Reading::Is(Pay::Closed)));
        let refused = told(then(Step::Refused(Refusal::account("no token"))));
        assert!(matches!(refused, Reading::Is(Pay::Unknown(why)) if why.kind == WhyKind::Configuration));
    }

    struct No;

    impl Complaint for No {
        fn failure(&self, code: FailureCode, fault: Fault) -> Failure {
            failure(code, fault, "NO", "")
        }
        fn why(&self, kind: WhyKind) -> Why {
            Why::new(kind, "NO")
        }
    }

    #[test]
    fn a_renewal_is_refused_by_what_a_person_must_mend_and_by_nothing_else() {
        for class in [Class::Config, Class::Fail(FailureCode::ChannelConfiguration, Fault::Account)] {
            assert_eq!(renewal(class, &No), Ok(Renewed::Refused("NO".into())));
        }
        assert!(renewal(Class::Retry, &No).is_err_and(|why| why.kind == WhyKind::Pending));
    }
}
