//! What a listed refusal means for each verb, in one place: the tables say the class, this says the answer.
//!
//! What differs between channels (a code of its own, a number that was placed before) is matched by the adapter first.

use crate::codes::Class;
use sluice_contract::{
    Action, AttemptRef, Failure, FailureCode, Fault, HttpReply, Notes, Pay, Refund, Renewed, Stuck, Undone, Why, WhyKind,
};

/// A refusal in the channel's words.
pub trait Complaint {
    fn failure(&self, code: FailureCode, fault: Fault) -> Failure;
    fn why(&self, kind: WhyKind) -> Why;

    /// Why a class that ends nothing leaves things unknown: an alarm when it is about our keys and permissions.
    fn doubt(&self, class: Class) -> Why {
        self.why(if class == Class::Config { WhyKind::Configuration } else { WhyKind::Pending })
    }
}

/// A create or a charge that was refused at the door. `NotFound` is no answer to it.
pub fn pay(class: Result<Class, Why>, complaint: &impl Complaint) -> Pay {
    match class {
        Ok(Class::Fail(code, fault)) => Pay::Failed(complaint.failure(code, fault)),
        Ok(Class::Config) => Pay::Failed(complaint.failure(FailureCode::ChannelConfiguration, Fault::Account)),
        Ok(Class::Decline(code, fault)) => Pay::Unknown(Why::declined(complaint.failure(code, fault))),
        Ok(class) => Pay::Unknown(complaint.doubt(class)),
        Err(why) => Pay::Unknown(why),
    }
}

/// As [`pay`], for a channel that may have shown the payer a code before: then no later refusal fails the attempt.
pub fn pay_again(attempt: &AttemptRef, class: Result<Class, Why>, complaint: &impl Complaint) -> Pay {
    match class {
        Ok(Class::Fail(..) | Class::Config) if attempt.handles.contains_key(PLACED) => Pay::Unknown(complaint.why(WhyKind::Pending)),
        class => pay(class, complaint),
    }
}

/// The handle of an order whose code or link a payer may hold.
pub const PLACED: &str = "placed";

/// The handle [`PLACED`], to be merged into what the reply told.
#[must_use]
pub fn placed() -> Notes {
    Notes::from([(PLACED.to_owned(), "yes".to_owned())])
}

/// What an unpaid order waits for: a person at the till is asked again soon.
#[must_use]
pub const fn waiting(attempt: &AttemptRef, poll_after_ms: u64) -> Action {
    if attempt.method.is_barcode() { Action::Wait { poll_after_ms } } else { Action::None }
}

/// A query fails nothing.
pub fn query(class: Result<Class, Why>, complaint: &impl Complaint) -> Pay {
    match class {
        Ok(Class::NotCreated) => Pay::NotFound,
        Ok(class) => Pay::Unknown(complaint.doubt(class)),
        Err(why) => Pay::Unknown(why),
    }
}

/// A close or a reversal that may be repeated until it is answered.
pub fn undone(class: Result<Class, Why>, complaint: &impl Complaint) -> Undone {
    match class {
        Ok(Class::Ok) => Undone::Closed,
        Ok(Class::NotCreated) => Undone::NotFound,
        Ok(Class::Retry | Class::Unknown) => Undone::Busy,
        Ok(Class::Fail(code, fault) | Class::Decline(code, fault)) => Undone::Refused(complaint.failure(code, fault)),
        Ok(class) => Undone::Unknown(complaint.doubt(class)),
        Err(why) => Undone::Unknown(why),
    }
}

/// A refund or its query. `may_fail`: whether a definite class is about this refund (not of a query, not of a repeat of what was
/// accepted before).
pub fn refund(class: Result<Class, Why>, complaint: &impl Complaint, may_fail: bool) -> Refund {
    match class {
        Ok(Class::Fail(code @ FailureCode::MerchantBalance, fault)) => {
            Refund::Stuck(Stuck::MerchantBalance, complaint.failure(code, fault).message, Notes::new())
        }
        Ok(Class::Fail(code, fault)) if may_fail => Refund::Failed(complaint.failure(code, fault)),
        Ok(Class::NotCreated) => Refund::NotFound,
        Ok(class) => Refund::Unknown(complaint.doubt(class)),
        Err(why) => Refund::Unknown(why),
    }
}

/// A renewal of keys that was refused: whose keys, ids or grants are at fault has to act.
pub fn renewed(class: Result<Class, Why>, complaint: &impl Complaint) -> Renewed {
    match class {
        Ok(Class::Fail(..) | Class::Config) => Renewed::Refused(complaint.why(WhyKind::Configuration).note),
        Ok(class) => Renewed::Unknown(complaint.doubt(class)),
        Err(why) => Renewed::Unknown(why),
    }
}

/// Signed, yet about something else: it decides nothing.
#[must_use]
pub fn contradiction(field: &str) -> Why {
    Why::new(WhyKind::Contradiction, format!("the reply is about another {field}"))
}

#[must_use]
pub fn unreadable(note: impl Into<String>) -> Why {
    Why::new(WhyKind::Unreadable, note)
}

/// A state that the pack does not list; `name` is the channel's for it.
#[must_use]
pub fn unlisted(name: &str, state: &str) -> Why {
    Why::new(WhyKind::Unlisted, format!("{name} {}", crate::wire::cut(state, 32)))
}

/// A status that carries no answer.
#[must_use]
pub fn no_answer(reply: &HttpReply) -> Why {
    Why::new(WhyKind::NoAnswer, format!("HTTP {}", reply.status))
}

#[cfg(test)]
mod tests {
    use super::{Complaint, pay, query, refund, renewed, undone};
    use crate::codes::{Class, failure};
    use sluice_contract::{Failure, FailureCode, Fault, Pay, Refund, Renewed, Stuck, Undone, Why, WhyKind};

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
    fn only_a_definite_class_of_a_money_call_fails_and_our_own_faults_are_an_alarm_elsewhere() {
        let fail = Class::Fail(FailureCode::RequestInvalid, Fault::Request);
        assert!(matches!(pay(Ok(fail), &No), Pay::Failed(_)));
        assert!(matches!(pay(Ok(Class::Config), &No), Pay::Failed(f) if f.code == FailureCode::ChannelConfiguration));
        for class in [Class::Ok, Class::Unknown, Class::Query, Class::Retry, Class::NotCreated] {
            assert!(matches!(pay(Ok(class), &No), Pay::Unknown(why) if why.kind == WhyKind::Pending), "{class:?}");
        }
        let decline = Class::Decline(FailureCode::PayerDeclined, Fault::Payer);
        assert!(matches!(pay(Ok(decline), &No), Pay::Unknown(why) if why.declined.is_some()));
        assert!(matches!(query(Ok(fail), &No), Pay::Unknown(_)));
        assert!(matches!(query(Ok(Class::Config), &No), Pay::Unknown(why) if why.kind == WhyKind::Configuration));
        assert!(matches!(query(Ok(Class::NotCreated), &No), Pay::NotFound));
    }

    #[test]
    fn a_refund_fails_only_where_it_may_and_a_short_balance_waits() {
        let fail = Class::Fail(FailureCode::RefundClosed, Fault::Request);
        assert!(matches!(refund(Ok(fail), &No, true), Refund::Failed(_)));
        assert!(matches!(refund(Ok(fail), &No, false), Refund::Unknown(_)));
        let short = Class::Fail(FailureCode::MerchantBalance, Fault::Account);
        assert!(matches!(refund(Ok(short), &No, false), Refund::Stuck(Stuck::MerchantBalance, note, _) if note == "NO"));
    }

    #[test]
    fn an_undo_comes_again_until_it_is_answered() {
        for (class, wanted) in [(Class::Ok, Undone::Closed), (Class::Retry, Undone::Busy), (Class::Unknown, Undone::Busy)] {
            assert_eq!(undone(Ok(class), &No), wanted);
        }
        assert!(matches!(undone(Ok(Class::Query), &No), Undone::Unknown(_)));
        assert!(matches!(undone(Err(Why::new(WhyKind::Unlisted, "")), &No), Undone::Unknown(_)));
    }

    #[test]
    fn a_renewal_is_refused_by_what_a_person_must_mend_and_by_nothing_else() {
        for class in [Class::Config, Class::Fail(FailureCode::ChannelConfiguration, Fault::Account)] {
            assert_eq!(renewed(Ok(class), &No), Renewed::Refused("NO".into()));
        }
        assert!(matches!(renewed(Ok(Class::Retry), &No), Renewed::Unknown(why) if why.kind == WhyKind::Pending));
    }
}
