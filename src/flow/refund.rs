//! Refunds: taken and guarded in one transaction, sent under one number, followed to their end.

use super::ask::{Answer, Asked};
use super::directory::Account;
use super::{Code, Gateway, Pace, Refused};
use crate::domain::OrderId;
use crate::domain::life::{Life, RefundOrigin};
use crate::domain::refund::{NewRefund, RefundRefused, RefundTold};
use crate::store::{Command, Nonce, Outcome};
use sha2::{Digest, Sha256};
use sluice_contract::{Failure, Fen, Millis, Refund, RefundRef, RefundRule, Stuck, Why, WhyKind};

/// A merchant's request, checked field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    pub merchant_refund_no: String,
    pub amount: Fen,
    pub reason: Option<String>,
}

/// A refund as it now stands; `replay`: it was stored by an earlier request of the same content.
#[derive(Debug)]
pub struct RefundPlaced {
    pub life: Life,
    pub refund_seq: u32,
    pub replay: bool,
}

/// For how long a refund is repeated that waits for the merchant's balance.
const BALANCE_WAIT_MAX_S: i64 = 30 * 86_400;

impl Gateway {
    /// `POST …/refunds`.
    pub async fn request_refund(&self, life: Life, request: &RefundRequest, nonce: Option<Nonce>) -> Result<RefundPlaced, Refused> {
        self.request_refund_spending(life, request, &mut { nonce }).await
    }

    /// As [`Gateway::request_refund`]; a nonce that is still there afterwards went into no command and is not spent.
    pub async fn request_refund_spending(
        &self,
        life: Life,
        request: &RefundRequest,
        nonce: &mut Option<Nonce>,
    ) -> Result<RefundPlaced, Refused> {
        let order_id = life.order.id.clone();
        let mut new = self.new_refund(&life, request.amount, RefundOrigin::Merchant)?;
        new.merchant_refund_no = Some(request.merchant_refund_no.clone());
        new.reason.clone_from(&request.reason);
        new.fingerprint = fingerprint(&order_id, request);
        let outcome = self.submit(Command::RequestRefund { nonce: nonce.take(), order_id, new: Box::new(new) }).await?;
        match outcome {
            Outcome::RefundCreated { life, refund_seq } => {
                let at_once = life.refund(refund_seq).is_some_and(|r| r.sent_at.is_some());
                let life = if at_once { self.send_refund(&life, refund_seq).await.unwrap_or(*life) } else { *life };
                Ok(RefundPlaced { life, refund_seq, replay: false })
            }
            Outcome::Replayed { target } => self.replayed_refund(&target).await,
            Outcome::Conflict { .. } => {
                Err(Refused::new(Code::RefundConflict, "this merchant_refund_no names another refund; use a new number for a new refund"))
            }
            Outcome::NonceReused => Err(Refused::new(Code::NonceReused, "this nonce was used before; sign again with a fresh one")),
            Outcome::RefundRefused(refused) => Err(why_not(refused)),
            _ => Err(Refused::new(Code::OrderNotFound, "there is no such order")),
        }
    }

    async fn replayed_refund(&self, target: &str) -> Result<RefundPlaced, Refused> {
        let (order_id, refund_seq) = OrderId::of_refund(target).ok_or_else(|| Refused::inner("a claim names no refund"))?;
        let life = self.life(&order_id).await?.ok_or_else(|| Refused::inner("a claim names no stored order"))?;
        Ok(RefundPlaced { life, refund_seq, replay: true })
    }

    /// The frame of a refund of this order: its channel's pace, window and count.
    pub(super) fn new_refund(&self, life: &Life, amount: Fen, origin: RefundOrigin) -> Result<NewRefund, Refused> {
        let now = self.now();
        let Some(attempt) = life.winning() else {
            return Err(Refused::new(
                Code::InvalidState,
                format!("the order is {}; only a paid order can be refunded", life.order.status().word()),
            ));
        };
        let account = self.account_of(attempt)?;
        let rule = &account.channel.profile().refund;
        let window_s = self.method_profile(&account, attempt)?.refund_window_s.unwrap_or(rule.window_s);
        Ok(NewRefund {
            attempt_seq: None,
            merchant_id: life.order.merchant_id.clone(),
            merchant_refund_no: None,
            fingerprint: Vec::new(),
            amount,
            reason: None,
            origin,
            at: now,
            send_now: true,
            lease_until: self.pace.lease_until(now),
            gap_ms: self.pace.ms(rule.gap_s),
            window_ms: window_s.saturating_mul(1000),
            count_max: rule.count_max,
        })
    }

    /// Sends a refund that is committed as sent, and books the answer.
    pub(super) async fn send_refund(&self, life: &Life, refund_seq: u32) -> Result<Life, Refused> {
        let (account, reference) = self.refund_ref(life, refund_seq)?;
        crate::crash::point("refund.before_send");
        let asked = self.ask(&account, account.channel.refund(&reference, &self.env(&account))).await;
        crate::crash::point("refunded.before_commit");
        self.book_refund(life, refund_seq, &account, asked, false).await
    }

    /// Asks about a refund that may have been sent.
    pub(super) async fn query_refund(&self, life: &Life, refund_seq: u32) -> Result<Life, Refused> {
        let (account, reference) = self.refund_ref(life, refund_seq)?;
        let asked = self.ask(&account, account.channel.query_refund(&reference, &self.env(&account))).await;
        self.book_refund(life, refund_seq, &account, asked, true).await
    }

    pub(super) fn refund_ref(&self, life: &Life, refund_seq: u32) -> Result<(std::sync::Arc<Account>, RefundRef), Refused> {
        let missing = || Refused::new(Code::RefundNotFound, "there is no such refund");
        let refund = life.refund(refund_seq).ok_or_else(missing)?;
        let attempt = life.attempt(refund.attempt_seq).ok_or_else(missing)?;
        let reference = RefundRef {
            number: life.order.id.refund_id(refund_seq),
            amount: refund.amount,
            at: refund.sent_at.unwrap_or(refund.at).second(),
            reason: refund.notes.reason.clone(),
            payment: attempt.reference(&life.order),
            handles: refund.notes.handles.clone(),
        };
        Ok((self.account_of(attempt)?, reference))
    }

    pub(super) async fn book_refund(
        &self,
        life: &Life,
        refund_seq: u32,
        account: &Account,
        asked: Asked<Refund>,
        queried: bool,
    ) -> Result<Life, Refused> {
        let now = self.now();
        let Some(refund) = life.refund(refund_seq) else { return Ok(life.clone()) };
        let rule = &account.channel.profile().refund;
        let said = meaning(asked.answer, rule, refund, queried, asked.asked_at, self.pace);
        let (said, next_at) = schedule(said, refund, rule, now, self.pace);
        let counters = life.refund(refund_seq).map(|refund| life.counters_of(refund.attempt_seq, None)).unwrap_or_default();
        let told = RefundTold { refund_seq, said, at: now, next_at, queried, counters, inner: asked.inner };
        self.change(Command::TakeRefund { order_id: life.order.id.clone(), told: Box::new(told) }).await
    }
}

/// What an answer, or its absence, says of a refund.
pub(super) fn meaning(
    answer: Answer<Refund>,
    rule: &RefundRule,
    refund: &crate::domain::Refund,
    queried: bool,
    asked_at: Millis,
    pace: Pace,
) -> Refund {
    match (answer, queried) {
        (Answer::Is(Refund::NotFound), true) if !may_resend(rule, refund, asked_at, pace) => {
            Refund::Unknown(Why::new(WhyKind::Pending, "the channel does not know the refund yet"))
        }
        (Answer::Is(said), _) => said,
        // Provably not sent: the channel has never heard of it, and the same number is sent again later.
        (Answer::NotSent(_), false) => Refund::NotFound,
        (Answer::NotSent(note) | Answer::MaybeSent(note), _) => Refund::Unknown(Why::new(WhyKind::NoAnswer, note)),
        (Answer::Refused(refusal), false) => Refund::Failed(super::query::refused(&refusal)),
        (Answer::Refused(refusal), true) => Refund::Unknown(Why::new(WhyKind::Configuration, refusal.inner)),
    }
}

/// When a refund is looked at next, and what its age makes of an answer.
pub(super) fn schedule(said: Refund, refund: &crate::domain::Refund, rule: &RefundRule, now: Millis, pace: Pace) -> (Refund, Millis) {
    match &said {
        // Sent again once the merchant may have topped up; after thirty days it has failed, for certain and by its own rule.
        Refund::Stuck(Stuck::MerchantBalance, note, _) if now.since_ms(refund.at) > BALANCE_WAIT_MAX_S * 1000 => {
            let failure = Failure {
                code: sluice_contract::FailureCode::MerchantBalance,
                fault: sluice_contract::Fault::Account,
                message: "the balance at the channel did not suffice for thirty days".into(),
                channel_code: Some(note.clone()),
            };
            (Refund::Failed(failure), now)
        }
        Refund::Stuck(Stuck::MerchantBalance, ..) => (said, now.plus_ms(pace.ms(600))),
        Refund::Stuck(Stuck::PayeeAccount, ..) => (said, now.plus_ms(pace.ms(21_600))),
        Refund::NotFound => (said, now.plus_ms(pace.ms(5))),
        _ => (said, pace.next_refund_query(rule, refund, now)),
    }
}

/// Whether "never heard of it" may be answered by sending the same number again.
fn may_resend(rule: &RefundRule, refund: &crate::domain::Refund, asked_at: Millis, pace: Pace) -> bool {
    let sent = refund.sent_at.unwrap_or(refund.at);
    let known_by = rule.not_found_final_after_s.map(|after_s| sent.plus_ms(pace.ms(after_s)));
    rule.can_repeat && known_by.is_some_and(|by| asked_at >= by)
}

fn why_not(refused: RefundRefused) -> Refused {
    match refused {
        RefundRefused::NotPaid => Refused::new(Code::InvalidState, "only a paid order can be refunded"),
        RefundRefused::ExceedsPaid { refundable } => {
            let mut refused =
                Refused::new(Code::RefundExceedsPaid, format!("at most {refundable} fen of this order can still be refunded"));
            refused.errors.push(sluice_contract::Problem::new("amount", format!("must be at most {refundable}")));
            refused
        }
        RefundRefused::WindowPassed => Refused::new(Code::RefundWindowPassed, "the channel no longer refunds an order this old"),
        RefundRefused::TooMany { count_max } => {
            Refused::new(Code::InvalidState, format!("the channel allows {count_max} refunds of one order, and they were made"))
        }
    }
}

fn fingerprint(order_id: &OrderId, request: &RefundRequest) -> Vec<u8> {
    let parts = serde_json::json!([order_id.as_str(), request.amount, request.reason]);
    Sha256::digest(parts.to_string().as_bytes()).to_vec()
}
