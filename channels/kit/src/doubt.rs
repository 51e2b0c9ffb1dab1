//! A reply that decides nothing, for every verb alike: a reader leaves by `?`, and the verb answers that it is unknown.

use sluice_contract::{KeyHint, Pay, Person, Reading, Refund, Renewed, Statement, Undone, Why};

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

#[cfg(test)]
mod tests {
    use super::{Doubt, Told, is};
    use sluice_contract::{KeyHint, Pay, Reading, Why, WhyKind};

    #[test]
    fn a_doubt_is_unknown_and_a_missing_key_is_asked_for() {
        let why = Why::new(WhyKind::Pending, "busy");
        let told = |told: Told<Pay>| told.unwrap_or_else(Doubt::reading);
        assert!(matches!(told(is(Err(why.clone()))), Reading::Is(Pay::Unknown(found)) if found == why));
        assert!(matches!(told(is(Ok(Pay::Closed))), Reading::Is(Pay::Closed)));
        let hint = KeyHint { key_id: "1".into() };
        assert!(matches!(told(Err(Doubt::Keys(hint))), Reading::NeedKeys(found) if found.key_id == "1"));
    }
}
