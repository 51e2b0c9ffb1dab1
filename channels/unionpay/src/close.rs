//! There is no close interface (pack §2.3, T14): an unpaid order ends by its payTimeout, and late money goes back.

use sluice_contract::{Refusal, Step, Undone};

pub(crate) fn close() -> Step<Undone> {
    Step::Refused(Refusal::unsupported("close"))
}
