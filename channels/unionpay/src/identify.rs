//! Silent authorisation is not part of this gateway (pack §3.2): a browser can fetch a userAuthCode, but only an acquirer's
//! interface turns it into a user.

use sluice_contract::{Person, Refusal, Step};

pub(crate) fn authorize() -> Result<String, Refusal> {
    Err(Refusal::unsupported("authorisation page"))
}

pub(crate) fn identify() -> Step<Person> {
    Step::Refused(Refusal::unsupported("silent authorisation"))
}
