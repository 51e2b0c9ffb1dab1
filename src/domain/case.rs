//! Cases: what of an order only a person can finish or explain, with what is known of it and what may be done next. Read off the order's own
//! rows; the store keeps with the order that there is one, so that it is found at once and never put away.

use super::life::{Attempt, Life, Refund};
use super::state::{PendingReason, RefundStatus};
use serde::Serialize;
use sluice_contract::Millis;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    /// No outcome is known long after it should be. It is still asked about.
    Unknown,
    /// Money came after the end, or a second time, and is not on its way back.
    Late,
    /// The channel says of booked money that there is none.
    Mismatch,
    /// Nothing automatic is left that could finish it.
    Suspended,
}

impl CaseKind {
    #[must_use]
    pub fn from_word(word: &str) -> Option<CaseKind> {
        let all = [
            ("unknown", CaseKind::Unknown),
            ("late", CaseKind::Late),
            ("mismatch", CaseKind::Mismatch),
            ("suspended", CaseKind::Suspended),
        ];
        all.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind)
    }
}

/// What a person may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NextStep {
    /// Ask the channel now; its answer is booked: `POST /ops/v1/orders/{id}/sync`.
    Sync,
    /// Compare the day's bill, which books what it can prove: `sluice reconcile`.
    Reconcile,
    /// Give the money back in the channel's own console; the bill shows it.
    ReturnAtChannel,
    /// Let the payer name another way to take the money, in the channel's own console.
    AskPayee,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub kind: CaseKind,
    pub attempt_seq: u32,
    /// It is about this refund of the attempt.
    pub refund_seq: Option<u32>,
    pub since: Millis,
    pub why: &'static str,
    pub steps: &'static [NextStep],
}

/// An open attempt is a case when it is still asked about this long after its order's time is over.
const UNKNOWN_AFTER_S: i64 = 900;
/// A refund is one when it is still to be asked about this long after it was made.
const REFUND_UNKNOWN_AFTER_S: i64 = 86_400;

impl Life {
    /// Everything of this order that is a person's.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        let attempts = self.attempts.iter().filter_map(|attempt| self.of_attempt(attempt));
        attempts.chain(self.refunds.iter().filter_map(of_refund)).collect()
    }

    /// Whether a person has to look at this order.
    #[must_use]
    pub fn has_cases(&self) -> bool {
        self.attempts.iter().any(|attempt| self.of_attempt(attempt).is_some())
            || self.refunds.iter().any(|refund| of_refund(refund).is_some())
    }

    fn of_attempt(&self, attempt: &Attempt) -> Option<Case> {
        use NextStep::{Reconcile, ReturnAtChannel, Sync};
        let case = |kind, since, why, steps| Some(Case { kind, attempt_seq: attempt.seq, refund_seq: None, since, why, steps });
        let overdue_at = attempt.expires_at(&self.order).plus_s(UNKNOWN_AFTER_S);
        let on_its_way = attempt.refunded.plus(attempt.refunding).is_some_and(|sum| sum >= attempt.captured);
        if attempt.status().is_open() && attempt.suspended {
            return case(
                CaseKind::Suspended,
                attempt.at,
                "the channel no longer undoes it and does not tell its outcome",
                &[Sync, Reconcile],
            );
        }
        if attempt.status().is_open() && attempt.next_at.is_some_and(|at| at > overdue_at) {
            return case(CaseKind::Unknown, attempt.at, "its time is over and the channel has not told its outcome", &[Sync, Reconcile]);
        }
        // What has gone back is closed at some channels, and rightly.
        let all_is_here = attempt.captured.is_positive() && !attempt.refunded.is_positive() && !attempt.refunding.is_positive();
        if all_is_here && attempt.notes.contradicted.is_some() {
            let since = attempt.ended_at.unwrap_or(attempt.at);
            return case(CaseKind::Mismatch, since, "it is booked as paid and the channel has said otherwise since", &[Sync, Reconcile]);
        }
        if attempt.late && self.order.winner != Some(attempt.seq) && !on_its_way {
            let since = attempt.notes.paid_at.unwrap_or(attempt.at);
            return case(
                CaseKind::Late,
                since,
                "late or second money is kept: no refund of it is under way",
                &[ReturnAtChannel, Reconcile],
            );
        }
        None
    }
}

fn of_refund(refund: &Refund) -> Option<Case> {
    use NextStep::{AskPayee, Reconcile, Sync};
    let case =
        |kind, why, steps| Some(Case { kind, attempt_seq: refund.attempt_seq, refund_seq: Some(refund.seq), since: refund.at, why, steps });
    if refund.status() != RefundStatus::Pending {
        return None;
    }
    let old = refund.next_at.is_some_and(|at| at.since_ms(refund.at) > REFUND_UNKNOWN_AFTER_S.saturating_mul(1000));
    match refund.pending_reason {
        PendingReason::PayeeAccount => case(CaseKind::Suspended, "the payee's account cannot take the refund", &[AskPayee, Sync]),
        PendingReason::Unknown if old => case(CaseKind::Unknown, "the channel has not told what became of the refund", &[Sync, Reconcile]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::life::{Intent, Undo};
    use super::super::pay::Source;
    use super::super::tests::{START, a_life, told};
    use super::{CaseKind, Life};
    use sluice_contract::{Fen, Pay, Payment, Why, WhyKind};

    fn kinds(life: &Life) -> Vec<CaseKind> {
        let cases = life.cases();
        assert_eq!(life.has_cases(), !cases.is_empty());
        assert!(cases.iter().all(|case| !case.steps.is_empty()), "a case without a way out");
        cases.iter().map(|case| case.kind).collect()
    }

    fn paid(channel_returns: bool) -> Pay {
        Pay::Paid(Payment { channel_returns, ..Payment::of(Fen(1000)) })
    }

    #[test]
    fn what_is_asked_in_vain_is_a_case_only_long_after_its_time() {
        let mut life = a_life();
        let mut ask = |at_s: i64| {
            let nothing = Pay::Unknown(Why::new(WhyKind::NoAnswer, ""));
            assert_eq!(life.take_pay(&told(nothing, Source::Query, at_s, at_s)), Ok(()));
            kinds(&life)
        };
        assert_eq!(ask(10), []);
        assert_eq!(ask(1_000), [], "its time has just ended");
        assert_eq!(ask(3_000), [CaseKind::Unknown]);
        assert_eq!(life.suspend(1, START.plus_s(3_001), "nothing is left to try"), Ok(()));
        assert_eq!(kinds(&life), [CaseKind::Suspended]);
    }

    #[test]
    fn late_money_is_a_case_while_nobody_gives_it_back() {
        for (channel_returns, expected) in [(false, vec![]), (true, vec![CaseKind::Late])] {
            let mut life = a_life();
            let _ = life.wish(Intent::MerchantClose, Undo::Close, START.plus_s(1), START.plus_s(1));
            assert_eq!(life.abandon(1, START.plus_s(900), START.plus_s(2)), Ok(()));
            assert_eq!(life.take_pay(&told(paid(channel_returns), Source::Query, 3, 3)), Ok(()));
            assert_eq!(kinds(&life), expected);
        }
    }

    #[test]
    fn booked_money_that_the_channel_denies_is_a_case() {
        let mut life = a_life();
        assert_eq!(life.take_pay(&told(paid(false), Source::Query, 1, 1)), Ok(()));
        assert_eq!(kinds(&life), []);
        assert_eq!(life.take_pay(&told(Pay::Closed, Source::Callback, 2, 2)), Ok(()));
        assert_eq!(kinds(&life), [CaseKind::Mismatch]);
    }
}
