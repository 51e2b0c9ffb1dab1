//! `when`: the predicates of `routing.toml` and `limits.toml` (CONTRACT sections 8 and 9). The text is CEL, read once at load: `check`
//! names everything that is wrong with it, `lower` turns its tree into our own, `eval` answers that one in nanoseconds without
//! allocating, and what our tree does not know runs in the crate `cel` (`cel`), which `sluice check` then names. `may` says what a
//! predicate can answer at all.
//!
//! What differs from plain CEL is the contract's: an absent value and a missing metadata key read null, and an ordering (`<`, `<=`, `>`,
//! `>=`) with null on either side is false, in both halves alike. `now` carries +08:00. As in CEL, `&&` and `||` do not mind an error
//! on one side when the other decides; every other operation on a null is an error: write `order.store != null && …` where it may be one.

mod cel;
mod check;
mod eval;
mod facts;
mod functions;
mod lower;
mod may;
mod names;
mod native;
mod operands;

#[cfg(test)]
mod tests;

pub use facts::{Asked, Facts};
pub use may::{Known, May};

use ::cel::parser::Parser;
use std::borrow::Cow;
use std::sync::Arc;

/// Longest text of a `when`, in bytes.
pub const BYTES_MAX: usize = 4096;
/// Deepest nesting of a `when`: of its brackets, and of its operations.
pub const LEVELS_MAX: usize = 32;

/// A predicate could not be answered. Routing takes that as no match, a limit does what its `on_error` says; the text is recorded and
/// shows types and operators, never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub(super) Cow<'static, str>);

impl Failed {
    const fn why(text: &'static str) -> Failed {
        Failed(Cow::Borrowed(text))
    }
}

/// A predicate, ready to be asked.
#[derive(Clone, Debug)]
pub struct When {
    text: Arc<str>,
    plan: Arc<eval::Cond>,
    stays: Option<Arc<str>>,
    names_candidate: bool,
}

impl When {
    /// Reads a predicate.
    ///
    /// # Errors
    /// Every problem found, each a sentence for the person who wrote the rule.
    pub fn parse(text: &str) -> Result<When, Vec<String>> {
        if text.len() > BYTES_MAX {
            return Err(vec![format!("is {} bytes long; a predicate may have at most {BYTES_MAX}", text.len())]);
        }
        if text.trim().is_empty() {
            return Err(vec!["is empty; leave `when` out to match everything".to_owned()]);
        }
        check::brackets(text).map_err(|problem| vec![problem])?;
        let tree = Parser::default().parse(text).map_err(|errors| check::syntax(&errors))?;
        check::check(&tree)?;
        let (plan, stays) = lower::lower(&tree);
        let stays = (!stays.is_empty()).then(|| stays.join("; ").into());
        let names_candidate = text.contains("account") || text.contains("channel");
        Ok(When { text: text.into(), plan: Arc::new(plan), stays, names_candidate })
    }

    /// No `when`: matches everything.
    #[must_use]
    pub fn always() -> When {
        When { text: "true".into(), plan: Arc::new(eval::Cond::Const(true)), stays: None, names_candidate: false }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may ask about the candidate (`account`, `channel`): then it is asked of every one. Said too often rather than too seldom.
    #[must_use]
    pub fn names_candidate(&self) -> bool {
        self.names_candidate
    }

    /// Why a part of this predicate runs in `cel` (microseconds), if one does; the rest of it is lowered all the same.
    #[must_use]
    pub fn stays_in_cel(&self) -> Option<&str> {
        self.stays.as_deref()
    }

    /// The answers that are possible for orders of which this is known.
    #[must_use]
    pub fn may(&self, known: &Known<'_>) -> May {
        may::may(&self.plan, known)
    }

    /// # Errors
    /// The predicate has no answer for these facts: types that cannot be compared, an overflow, a division by zero.
    pub fn matches(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        self.plan.holds(facts).map_err(|why| why.said(facts))
    }
}
