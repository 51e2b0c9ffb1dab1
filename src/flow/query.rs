//! Asks the channel about one attempt and takes its answer: the safety net under every payment, and `POST …/sync`.

use super::ask::{Answer, Asked};
use super::directory::Account;
use super::place_order::OrderRequest;
use super::{Gateway, Pace, Refused};
use crate::domain::Candidate;
use crate::domain::life::{Attempt, Life};
use crate::domain::pay::{PayTold, Source};
use crate::store::Command;
use serde_json::Value;
use sluice_contract::{Failure, FailureCode, Fault, MethodProfile, Millis, Pay, RefundRule, Refusal, RefusalKind, Why, WhyKind};

impl Gateway {
    /// One query, booked. Answers the order as it then stands.
    pub async fn query_attempt(&self, life: &Life, attempt_seq: u32) -> Result<Life, Refused> {
        let Some(attempt) = life.attempt(attempt_seq) else { return Ok(life.clone()) };
        let account = self.account_of(attempt)?;
        let step = account.channel.query(&attempt.reference(&life.order), &self.env(&account));
        let asked = self.ask(&account, step).await;
        self.heard(&account, &asked, |pay| if let Pay::Unknown(why) = pay { Some(why.kind) } else { None });
        crate::crash::point("query.before_commit");
        let booked = self.book(life, attempt, &account, asked, Source::Query, None).await?;
        self.carry_on(booked).await
    }

    /// `sync`: asks about whatever is not settled, now.
    pub async fn sync(&self, life: Life) -> Result<Life, Refused> {
        let mut life = life;
        let unsettled: Vec<u32> =
            life.attempts.iter().filter(|a| a.status() != crate::domain::AttemptStatus::Succeeded).map(|a| a.seq).collect();
        for seq in unsettled {
            life = self.query_attempt(&life, seq).await?;
        }
        let refunds: Vec<u32> = life.refunds.iter().filter(|r| r.next_at.is_some() && r.sent_at.is_some()).map(|r| r.seq).collect();
        for seq in refunds {
            life = self.query_refund(&life, seq).await?;
        }
        Ok(life)
    }

    /// Puts an answer about a payment into the books. `request`: as it was asked for, where somebody still knows it: where the order may go
    /// next depends on it.
    pub(super) async fn book(
        &self,
        life: &Life,
        attempt: &Attempt,
        account: &Account,
        asked: Asked<Pay>,
        source: Source,
        request: Option<&OrderRequest>,
    ) -> Result<Life, Refused> {
        let now = self.now();
        let profile = self.method_profile(account, attempt)?;
        let not_found_final = self.pace.not_found_is_final(profile, attempt, attempt.expires_at(&life.order), asked.asked_at);
        let fallback = self.fallback(life, attempt, &asked.answer, source, request, not_found_final);
        let mut said = meaning(asked.answer, source);
        let payer_sealed = match &mut said {
            Pay::Paid(payment) => self.seal_payer(&std::mem::take(&mut payment.payer)),
            _ => None,
        };
        let heard = Heard { said, source, asked_at: asked.asked_at, at: now };
        let told = PayTold {
            payer_sealed,
            fallback,
            inner: asked.inner,
            ..self.pace.told(profile, &account.channel.profile().refund, life, attempt, heard)
        };
        self.change(Command::TakePay { order_id: life.order.id.clone(), told: Box::new(told) }).await
    }

    /// Where the order may go when this answer says that its account took nothing.
    fn fallback(
        &self,
        life: &Life,
        attempt: &Attempt,
        answer: &Answer<Pay>,
        source: Source,
        request: Option<&OrderRequest>,
        not_found_final: bool,
    ) -> Vec<Candidate> {
        let newest = life.attempts.last().is_some_and(|newest| newest.seq == attempt.seq);
        let no = answer.lets_go_on(source, not_found_final);
        if !no || !newest || !attempt.status().is_open() || !super::pay::no_action(attempt) || life.order.intent.is_some() {
            return Vec::new();
        }
        self.onward(life, request).unwrap_or_else(|refused| {
            tracing::error!(order = %life.order.id, why = refused.inner.unwrap_or(refused.detail), "an order cannot go on to another account");
            Vec::new()
        })
    }
}

impl Answer<Pay> {
    /// Whether the order may go to another account: this one took nothing, and what was not sent was the payment itself.
    pub(super) fn lets_go_on(&self, source: Source, not_found_final: bool) -> bool {
        let certain = !matches!(self, Answer::Is(Pay::NotFound)) || not_found_final;
        let unasked = matches!(self, Answer::NotSent(_) | Answer::Refused(_)) && source != Source::Pay;
        self.is_accounts_no() && certain && !unasked
    }
}

/// What was said of a payment, by whom and when.
pub(super) struct Heard {
    pub said: Pay,
    pub source: Source,
    pub asked_at: Millis,
    pub at: Millis,
}

impl Pace {
    /// An answer with what the profile makes of its time: where it may go next and what else travels with it, the caller adds.
    pub(super) fn told(self, profile: &MethodProfile, refund: &RefundRule, life: &Life, attempt: &Attempt, heard: Heard) -> PayTold {
        let Heard { said, source, asked_at, at } = heard;
        let expires_at = attempt.expires_at(&life.order);
        let paid_at = match &said {
            Pay::Paid(payment) => Some(life.believable_paid_at(payment.paid_at, at)),
            _ => None,
        };
        PayTold {
            counters: life.counters_of(attempt.seq, paid_at),
            attempt_seq: attempt.seq,
            source,
            asked_at,
            at,
            next_at: self.next_query(profile, attempt, at),
            undo_at: self.reverse_at(profile.reverse.as_ref(), attempt, at),
            not_found_final: self.not_found_is_final(profile, attempt, expires_at, asked_at),
            payable_until: self.payable_until(profile, attempt, expires_at),
            payer_sealed: None,
            action_expires_at: Some(Pace::action_dies_at(profile, at, expires_at)),
            fallback: Vec::new(),
            refund_gap_ms: self.ms(refund.gap_s),
            inner: Value::Null,
            said,
        }
    }
}

/// What the absence of an answer means. Not having sent a query says nothing; not having sent a payment is definite.
pub(super) fn meaning(answer: Answer<Pay>, source: Source) -> Pay {
    match (answer, source) {
        (Answer::Is(said), _) => said,
        (Answer::NotSent(note), Source::Pay) => {
            tracing::warn!(%note, "a payment provably did not leave");
            Pay::Failed(unavailable())
        }
        (Answer::Refused(refusal), Source::Pay) => Pay::Failed(refused(&refusal)),
        (Answer::NotSent(note) | Answer::MaybeSent(note), _) => Pay::Unknown(Why::new(WhyKind::NoAnswer, note)),
        (Answer::Refused(refusal), _) => Pay::Unknown(Why::new(WhyKind::Configuration, refusal.inner)),
    }
}

fn unavailable() -> Failure {
    Failure {
        code: FailureCode::ChannelUnavailable,
        fault: Fault::Account,
        message: "the channel could not be reached; nothing was sent to it".to_owned(),
        channel_code: None,
    }
}

pub(super) fn refused(refusal: &Refusal) -> Failure {
    let (code, fault) = match refusal.kind {
        RefusalKind::Field(_) => (FailureCode::RequestInvalid, Fault::Request),
        RefusalKind::Account => (FailureCode::ChannelConfiguration, Fault::Account),
        RefusalKind::Unsupported => (FailureCode::ChannelRefused, Fault::Account),
    };
    Failure { code, fault, message: refusal.outer.clone(), channel_code: None }
}
