//! Silent authorisation: the bank has none. Its pay QR codes are scanned, its payment codes shown; no page asks who the payer is.

use sluice_contract::Refusal;

pub(crate) fn refusal() -> Refusal {
    Refusal::unsupported("silent authorisation")
}
