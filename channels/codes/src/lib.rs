//! What a scanned code is, told from its text alone: a payer's payment code ([`payment`]) or a merchant's QR code ([`presented`]).
//!
//! Source: the bank pack, section 3, and the UnionPay pack. Nothing here knows accounts or merchants, and no error repeats a code.

pub mod payment;
pub mod presented;
