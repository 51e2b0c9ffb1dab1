//! Silent authorisation: the bank has none. Its pay QR codes are scanned, its payment codes shown; no page asks who the payer is.

pub(crate) use sluice_kit::channel::absent::{authorize, identify};
