//! Bills: no API for them is in the pack, so the profile has none and reconciliation reads nothing from here.

use sluice_contract::{Refusal, Statement, Step};

pub(crate) fn statement() -> Step<Statement> {
    Step::Refused(Refusal::unsupported("statement"))
}
