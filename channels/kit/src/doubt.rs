//! Readers of replies that leave by `?`: with an answer, for a key, or with a doubt, and then the verb answers that it is unknown.

use crate::codes::Class;
use crate::outcome::{Complaint, contradiction};
use sluice_contract::{
    AttemptRef, Claims, Fen, KeyHint, Pay, Person, Reading, Refund, RefundRef, Renewed, Statement, Step, Undone, Why, WhyKind,
};

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

/// How a reader leaves before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Early<T> {
    /// With the answer: a refusal has a meaning of its own.
    Is(Box<T>),
    /// The reply cannot be judged without a key that we do not hold.
    Keys(KeyHint),
    /// It decides nothing.
    Why(Why),
}

impl<T> From<Why> for Early<T> {
    fn from(why: Why) -> Early<T> {
        Early::Why(why)
    }
}

impl<T> Early<T> {
    pub fn is(value: T) -> Early<T> {
        Early::Is(Box::new(value))
    }
}

impl<T: Outcome> Early<T> {
    /// What the verb answers.
    pub fn reading(self) -> Reading<T> {
        match self {
            Early::Is(value) => Reading::Is(*value),
            Early::Keys(hint) => Reading::NeedKeys(hint),
            Early::Why(why) => Reading::Is(T::unknown(why)),
        }
    }
}

/// What a reader makes of a reply: an answer, another exchange, or a doubt.
pub type Told<T> = Result<Reading<T>, Early<T>>;

/// The answer of a reader that asks for nothing more.
///
/// # Errors
/// The doubt, for the verb.
pub fn is<T>(told: Result<T, Why>) -> Told<T> {
    Ok(Reading::Is(told?))
}

/// The answer of a reader, wherever it left.
///
/// # Errors
/// When it left without one.
pub fn settled<T>(told: Result<T, Early<T>>) -> Result<T, Early<T>> {
    match told {
        Err(Early::Is(value)) => Ok(*value),
        told => told,
    }
}

/// Out of a reader, with what a refusal means.
pub fn out<T>(told: Result<T, Why>) -> Early<T> {
    told.map_or_else(Early::Why, Early::is)
}

/// Why a class that has no answer of its own, or none at all, leaves things unknown.
pub fn doubtful(class: Result<Class, Why>, complaint: &impl Complaint) -> Why {
    class.map_or_else(|why| why, |class| complaint.doubt(class))
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

/// What a message about a payment claims, where it names our number and the order's amount.
#[must_use]
pub fn claims(number: Option<&str>, amount: Option<Fen>) -> Claims {
    Claims { number: number.map(str::to_owned), amount, currency: Some("CNY".to_owned()), ..Claims::default() }
}

/// Claims that must not contradict their attempt.
///
/// # Errors
/// The first field in which they do.
pub fn agree(claims: &Claims, attempt: &AttemptRef) -> Result<(), Why> {
    claims.contradiction(attempt).map_or(Ok(()), |field| Err(contradiction(field)))
}

/// As [`agree`], of a refund.
///
/// # Errors
/// The first field in which they contradict it.
pub fn agree_on_refund(claims: &Claims, refund: &RefundRef) -> Result<(), Why> {
    claims.refund_contradiction(refund).map_or(Ok(()), |field| Err(contradiction(field)))
}

/// What a renewal says that was refused: whose keys, ids or grants are at fault has to act.
pub fn renewal(class: Result<Class, Why>, complaint: &impl Complaint) -> Early<Renewed> {
    match class {
        Ok(Class::Fail(..) | Class::Config) => Early::is(Renewed::Refused(complaint.why(WhyKind::Configuration).note)),
        class => Early::Why(doubtful(class, complaint)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Early, Told, agree, agree_on_refund, claims, is, out, renewal, settled, then};
    use crate::codes::{Class, failure};
    use crate::outcome::Complaint;
    use sluice_contract::{AttemptRef, Claims, Failure, FailureCode, Fault, Fen, KeyHint, Method, Notes, Pay, Reading, RefundRef, Refusal};
    use sluice_contract::{Renewed, Second, Step, Why, WhyKind};

    #[test]
    fn a_doubt_is_unknown_and_a_missing_key_is_asked_for() {
        let why = Why::new(WhyKind::Pending, "busy");
        let told = |told: Told<Pay>| told.unwrap_or_else(Early::reading);
        assert!(matches!(told(is(Err(why.clone()))), Reading::Is(Pay::Unknown(found)) if found == why));
        assert_eq!(settled(Err(Early::is(Pay::Closed))), Ok(Pay::Closed));
        for answer in [is(Ok(Pay::Closed)), Err(out(Ok(Pay::Closed)))] {
            assert!(matches!(told(answer), Reading::Is(Pay::Closed)));
        }
        let hint = KeyHint { key_id: "1".into() };
        assert!(matches!(told(Err(Early::Keys(hint))), Reading::NeedKeys(found) if found.key_id == "1"));
        assert!(matches!(told(then(Step::Done(Pay::Closed))), Reading::Is(Pay::Closed)));
        let refused = told(then(Step::Refused(Refusal::account("no token"))));
        assert!(matches!(refused, Reading::Is(Pay::Unknown(why)) if why.kind == WhyKind::Configuration));
    }

    #[test]
    fn claims_agree_or_name_the_field() {
        let attempt = AttemptRef {
            number: "A1".into(),
            amount: Fen(100),
            method: Method::AlipayQr,
            at: Second(0),
            expires_at: Second(900),
            app_id: None,
            sub: Notes::new(),
            memo: Notes::new(),
            handles: Notes::new(),
        };
        assert_eq!(agree(&claims(Some("A1"), Some(Fen(100))), &attempt), Ok(()));
        for other in [claims(Some("A2"), None), claims(None, None), claims(Some("A1"), Some(Fen(99)))] {
            assert!(agree(&other, &attempt).is_err_and(|why| why.kind == WhyKind::Contradiction));
        }
        let refund =
            RefundRef { number: "R1".into(), amount: Fen(30), at: Second(0), payment: attempt, handles: Notes::new(), reason: None };
        let of_refund = |number: &str| Claims { refund_number: Some(number.into()), ..claims(Some("A1"), None) };
        assert_eq!(agree_on_refund(&of_refund("R1"), &refund), Ok(()));
        assert!(agree_on_refund(&of_refund("R2"), &refund).is_err());
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
            assert_eq!(renewal(Ok(class), &No), Early::is(Renewed::Refused("NO".into())));
        }
        assert!(matches!(renewal(Ok(Class::Retry), &No), Early::Why(why) if why.kind == WhyKind::Pending));
    }
}
