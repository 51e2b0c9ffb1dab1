//! The limit seam in T1: which of the ranked candidates the limits admit, with the reservation that admits it. The limit centre
//! fills it with rules; without any, the first candidate is admitted and nothing is reserved.

use super::life::Candidate;

/// The first candidate that every limit admits, and those passed over with the rule's name.
#[must_use]
pub fn admit(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates.first()
}
