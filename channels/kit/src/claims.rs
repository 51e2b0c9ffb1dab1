//! Whether a believed message is about what we asked: the contract compares, here a difference becomes the doubt.

use crate::outcome::contradiction;
use sluice_contract::{AttemptRef, Claims, RefundRef, Why};

/// # Errors
/// When the message is about another payment.
pub fn agrees(claims: &Claims, attempt: &AttemptRef) -> Result<(), Why> {
    claims.contradiction(attempt).map_or(Ok(()), |field| Err(contradiction(field)))
}

/// # Errors
/// When the message is about another refund.
pub fn refund_agrees(claims: &Claims, refund: &RefundRef) -> Result<(), Why> {
    claims.refund_contradiction(refund).map_or(Ok(()), |field| Err(contradiction(field)))
}

#[cfg(test)]
mod tests {
    use super::{agrees, refund_agrees};
    use sluice_contract::{AttemptRef, Claims, Fen, Method, Notes, RefundRef, Second, WhyKind};

    fn payment() -> AttemptRef {
        AttemptRef {
            number: "A1".to_owned(),
            amount: Fen(2),
            method: Method::UnionpayQr,
            at: Second(0),
            expires_at: Second(1),
            app_id: None,
            sub: Notes::new(),
            memo: Notes::new(),
            handles: Notes::new(),
        }
    }

    #[test]
    fn a_difference_is_a_contradiction_that_names_its_field() {
        let claims = Claims { number: Some("A1".to_owned()), amount: Some(Fen(2)), ..Claims::default() };
        assert_eq!(agrees(&claims, &payment()), Ok(()));
        let other = agrees(&Claims { amount: Some(Fen(3)), ..claims }, &payment());
        assert!(other.is_err_and(|why| why.kind == WhyKind::Contradiction && why.note.contains("amount")));
        assert!(agrees(&Claims::default(), &payment()).is_err(), "a message that names no payment is about none");
        let refund =
            RefundRef { number: "R1".to_owned(), amount: Fen(1), at: Second(0), reason: None, payment: payment(), handles: Notes::new() };
        let claims = Claims { refund_number: Some("R1".to_owned()), ..Claims::default() };
        assert_eq!(refund_agrees(&claims, &refund), Ok(()));
        let other = refund_agrees(&Claims { refund_amount: Some(Fen(2)), ..claims }, &refund);
        assert!(other.is_err_and(|why| why.kind == WhyKind::Contradiction && why.note.contains("refund_amount")));
    }
}
