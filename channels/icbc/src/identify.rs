//! Silent authorisation: the pack knows none. Payers of WeChat and Alipay that ICBC carries are identified by those channels.

use sluice_contract::{Person, Refusal, Step};

pub(crate) fn authorize() -> Result<String, Refusal> {
    Err(Refusal::unsupported("authorisation page"))
}

pub(crate) fn identify() -> Step<Person> {
    Step::Refused(Refusal::unsupported("silent authorisation"))
}
