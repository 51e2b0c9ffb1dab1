//! Takes a channel's callback: verified by its adapter, compared field by field with what we stored, committed, and only then
//! acknowledged. Whatever cannot be believed changes nothing and at most makes us ask.

use super::ask::{Answer, Asked};
use super::directory::Account;
use super::{Gateway, Refused};
use crate::domain::pay::Source;
use crate::domain::{AttemptStatus, OrderId};
use crate::store::Command;
use serde_json::json;
use sluice_contract::{Ack, Callback, HttpReply, Pay, RawCallback, Refund, Rejected, Says};

impl Gateway {
    /// Answers what the channel is to be told.
    pub async fn take_callback(&self, account_id: &str, raw: &RawCallback<'_>) -> HttpReply {
        let directory = self.directory.load_full();
        let Some(account) = directory.account(account_id) else {
            return HttpReply::new(
                500,
                &[("Content-Type", "application/json")],
                br#"{"code":"FAIL","message":"unknown account"}"#.as_slice(),
            );
        };
        let ack = match self.judge(account, raw).await {
            Ok(()) => Ack::Taken,
            Err(why) => {
                self.metrics.callback_refused(&account.id);
                tracing::warn!(account = %account.id, %why, "a callback was refused");
                Ack::Refused
            }
        };
        account.channel.acknowledge(raw, ack, &self.env(account))
    }

    async fn judge(&self, account: &Account, raw: &RawCallback<'_>) -> Result<(), String> {
        let read = account.channel.callback(raw, &self.env(account));
        let read = match read {
            Err(Rejected::NeedKeys(hint)) => {
                let renewed = self.renew_keys(account, &hint).await;
                match (account.channel.callback(raw, &self.env(account)), renewed) {
                    (Err(Rejected::NeedKeys(_)), Err(why)) => return Err(why.to_string()),
                    (judged, _) => judged,
                }
            }
            read => read,
        };
        match read {
            Ok(callback) => self.take(account, callback).await.map_err(|refused| refused.inner.unwrap_or(refused.detail)),
            Err(Rejected::NeedKeys(hint)) => Err(format!("the key {} is not known", hint.key_id)),
            Err(Rejected::Unreadable { reason }) => Err(reason),
            Err(Rejected::Forged { reason, number }) => {
                let named = number.as_deref().and_then(OrderId::of_attempt);
                if let Some((order_id, _)) = named {
                    self.ask_now(&order_id, "a callback about it could not be believed").await.map_err(|r| r.detail)?;
                }
                Err(reason)
            }
        }
    }

    async fn take(&self, account: &Account, callback: Callback) -> Result<(), Refused> {
        let claims = &callback.claims;
        if let Some((order_id, seq)) = claims.refund_number.as_deref().and_then(OrderId::of_refund) {
            return self.take_refund_callback(account, &order_id, seq, callback).await;
        }
        let named = claims.number.as_deref().and_then(OrderId::of_attempt);
        let (order_id, seq) = named.ok_or_else(|| Refused::inner("the callback names no order of ours"))?;
        let life = self.life(&order_id).await?.ok_or_else(|| Refused::inner("the callback names an unknown order"))?;
        let attempt = life.attempt(seq).filter(|a| a.account == account.id);
        let attempt = attempt.ok_or_else(|| Refused::inner("the callback names an order of another account"))?;
        if let Some(field) = claims.contradiction(&attempt.reference(&life.order)) {
            self.metrics.contradiction(&account.id);
            self.ask_now(&order_id, "a signed callback contradicts the order").await?;
            return Err(Refused::inner(format!("ALARM: a signed callback about {order_id} contradicts it in {field}")));
        }
        match callback.says {
            // What a callback says of a reversed attempt may be older than the reversal: the query decides.
            Says::Payment(pay) if attempt.status() != AttemptStatus::Reversed => {
                let asked = Asked { answer: Answer::Is(pay), asked_at: self.now(), inner: json!([{"callback": callback.event_id}]) };
                crate::crash::point("callback.before_commit");
                self.book(&life, attempt, account, asked, Source::Callback, None).await?;
            }
            Says::Payment(Pay::Paid(_)) | Says::Ask => self.ask_now(&order_id, "the channel hints at news").await?,
            Says::Payment(_) | Says::Refund(_) => {}
        }
        crate::crash::point("callback.before_ack");
        Ok(())
    }

    async fn take_refund_callback(&self, account: &Account, order_id: &OrderId, seq: u32, callback: Callback) -> Result<(), Refused> {
        let life = self.life(order_id).await?.ok_or_else(|| Refused::inner("the callback names an unknown refund"))?;
        let (owner, reference) = self.refund_ref(&life, seq)?;
        if owner.id != account.id {
            return Err(Refused::inner("the callback names a refund of another account"));
        }
        if let Some(field) = callback.claims.refund_contradiction(&reference) {
            self.metrics.contradiction(&account.id);
            self.ask_now(order_id, "a signed callback contradicts the refund").await?;
            return Err(Refused::inner(format!("ALARM: a signed callback about a refund of {order_id} contradicts it in {field}")));
        }
        match callback.says {
            Says::Refund(refund @ (Refund::Succeeded(_) | Refund::Failed(_) | Refund::Stuck(..))) => {
                let asked = Asked { answer: Answer::Is(refund), asked_at: self.now(), inner: json!([{"callback": callback.event_id}]) };
                crate::crash::point("callback.before_commit");
                self.book_refund(&life, seq, account, asked, true).await?;
            }
            _ => self.ask_now(order_id, "the channel hints at news of a refund").await?,
        }
        crate::crash::point("callback.before_ack");
        Ok(())
    }

    /// Commits a query due now.
    pub async fn ask_now(&self, order_id: &OrderId, why: &'static str) -> Result<(), Refused> {
        let command = Command::AskNow { order_id: order_id.clone(), at: self.now(), why };
        self.submit(command).await.map(|_| ())
    }
}
