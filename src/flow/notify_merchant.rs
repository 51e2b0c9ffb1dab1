//! Tells a merchant what was committed: Standard Webhooks, the same id on every try, the schedule of CONTRACT section 6.

use super::{Gateway, Refused};
use crate::outbound::webhook::Secret;
use crate::outbound::{Outcome as Sent, Post};
use crate::store::{Command, Delivery, Notice};
use serde_json::{Value, json};

impl Gateway {
    /// One try of one notification, and its bookkeeping.
    pub async fn notify_merchant(&self, notice: &Notice) -> Result<(), Refused> {
        let Some(post) = self.post_of(notice).await? else {
            return self.delivered(notice, Delivery::Kept, json!({"outcome": "no webhook"})).await;
        };
        crate::crash::point("notice.before_send");
        let sent = self.courier.deliver(&post).await;
        crate::crash::point("delivered.before_commit");
        let (word, detail) = match &sent.outcome {
            Sent::Ok => ("ok", None),
            Sent::Status(_) => ("status", None),
            Sent::Refused(reason) => ("refused", Some(reason.clone())),
            Sent::Failed(lost) => ("failed", Some(lost.word().to_owned())),
        };
        self.metrics.delivery(word, sent.ms);
        let note = json!({
            "at": self.now().rfc3339(), "url": post.url, "outcome": word, "detail": detail, "status": sent.status, "ms": sent.ms,
            "answer": sent.snippet,
        });
        let now = self.now();
        let roll = u16::from_be_bytes(self.random());
        let delivery = match sent.outcome {
            Sent::Ok => Delivery::Done,
            _ => self.pace.next_delivery(notice.tries.saturating_add(1), now, roll).map_or(Delivery::Parked, |at| Delivery::Again { at }),
        };
        self.delivered(notice, delivery, note).await
    }

    async fn delivered(&self, notice: &Notice, delivery: Delivery, note: Value) -> Result<(), Refused> {
        if delivery == Delivery::Parked {
            tracing::error!(event = notice.event_id, merchant = notice.merchant_id, "ALARM: a notification is parked after its last try");
        }
        let command = Command::TakeDelivery { event_id: notice.event_id.clone(), delivery, at: self.now(), note };
        self.submit(command).await.map(|_| ())
    }

    /// The signed request, or `None` when there is nowhere to send it.
    async fn post_of(&self, notice: &Notice) -> Result<Option<Post>, Refused> {
        let directory = self.directory.load_full();
        let Some(merchant) = directory.merchant(&notice.merchant_id) else { return Ok(None) };
        let Some(secret) = merchant.webhook_secret.as_ref().and_then(|s| Secret::parse(s.expose()).ok()) else { return Ok(None) };
        let own = notice.data.get("notify_url").and_then(Value::as_str).map(str::to_owned);
        let life = self.life(&notice.order_id).await?;
        let own = own.or_else(|| life.as_ref().and_then(|l| l.order.facts.notify_url.clone()));
        let Some(url) = own.or_else(|| merchant.merchant.webhook_url.clone()) else { return Ok(None) };
        let mut data = notice.data.clone();
        if let (Some(fields), Some(life)) = (data.as_object_mut(), life.as_ref())
            && fields.contains_key("payer")
        {
            fields.insert("payer".into(), json!(self.payer(life)));
        }
        let body = json!({"type": notice.kind, "id": notice.event_id, "timestamp": notice.at.rfc3339(), "data": data});
        let body = body.to_string().into_bytes();
        let headers = secret.headers(&notice.event_id, self.now().second(), &body);
        Ok(Some(Post { url, headers, body }))
    }
}
