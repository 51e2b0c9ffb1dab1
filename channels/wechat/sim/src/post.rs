//! What callbacks say, how they are sealed, and when they are tried again (pack §7).

use crate::refund::RefundStatus;
use crate::sim::WechatSim;
use crate::v3::lie;
use crate::wire::{GARBAGE, signature};
use serde_json::{Map, Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::post::Notice;
use sluice_simkit::{Delivery, Fault, Kind, Outgoing};

/// Seconds to the next try after each failed one; 24 h 4 min in all.
pub(crate) const RETRY_S: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
const TIMEOUT_MS: u64 = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Paid,
    Refund { out_refund_no: String, status: RefundStatus },
}

impl WechatSim {
    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let outgoing = self.post.take_due(now, self.fast, draw);
        outgoing.into_iter().filter_map(|out| self.written(out, now)).collect()
    }

    pub(crate) fn landed(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        let taken = reply.is_some_and(|reply| matches!(reply.status, 200 | 204));
        self.post.landed(id, taken, self.fast, now);
    }

    fn written(&mut self, outgoing: Outgoing<News>, now: Millis) -> Option<Delivery> {
        let Outgoing { id, notice, kind, fault } = outgoing;
        let (event_type, summary, original, mut plain) = self.told(&notice)?;
        lie(&mut plain, fault);
        let mut resource = self.sealed(&plain.to_string(), original);
        if let Some(members) = resource.as_object_mut() {
            members.insert("original_type".to_owned(), json!(original));
        }
        let body = json!({
            "id": notice.event_id, "create_time": notice.created_at.second().rfc3339(), "resource_type": "encrypt-resource",
            "event_type": event_type, "summary": summary, "resource": resource,
        });
        let body = if fault == Some(Fault::Garbage) { GARBAGE.to_owned() } else { body.to_string() };
        let signer = self.keys.signer(self.mode, None, &mut self.draw);
        let mut headers = signature(&signer, &body, now, &mut self.draw, fault == Some(Fault::BadSignature));
        if kind == Kind::Probe {
            for (name, value) in &mut headers.0 {
                if name == "Wechatpay-Signature" {
                    *value = format!("WECHATPAY/SIGNTEST/{}", value.chars().skip(19).collect::<String>());
                }
            }
        }
        headers.push("Content-Type", "application/json");
        headers.push("User-Agent", "Mozilla/4.0");
        let body = body.into_bytes();
        Some(Delivery { id, out_trade_no: notice.number, url: notice.url, headers, body, timeout_ms: TIMEOUT_MS })
    }

    /// Event type, summary, original type and plaintext (pack §7).
    fn told(&self, notice: &Notice<News>) -> Option<(&'static str, &'static str, &'static str, Value)> {
        let (order, entry) = self.entry(&notice.number)?;
        let News::Refund { out_refund_no, status } = &notice.news else {
            return Some(("TRANSACTION.SUCCESS", "支付成功", "transaction", Value::Object(order.json(entry, Some("SUCCESS")))));
        };
        let (event_type, summary) = match status {
            RefundStatus::Success => ("REFUND.SUCCESS", "退款成功"),
            RefundStatus::Closed => ("REFUND.CLOSED", "退款关闭"),
            RefundStatus::Abnormal | RefundStatus::Processing => ("REFUND.ABNORMAL", "退款异常"),
        };
        let refund = self.refunds.get(out_refund_no)?;
        let mut plain = Map::new();
        order.parties.write(&mut plain);
        // A refund callback names merchants only.
        for appid in ["appid", "sp_appid", "sub_appid"] {
            plain.remove(appid);
        }
        let mut put = |name: &str, value: Value| {
            plain.insert(name.to_owned(), value);
        };
        put("transaction_id", json!(order.settled.as_ref()?.transaction_id));
        put("out_trade_no", json!(notice.number));
        put("refund_id", json!(refund.refund_id));
        put("out_refund_no", json!(out_refund_no));
        put("refund_status", json!(status.word()));
        put("user_received_account", json!("支付用户零钱"));
        if let Some(at) = refund.success_at.filter(|_| *status == RefundStatus::Success) {
            put("success_time", json!(at.second().rfc3339()));
        }
        let amount = json!({
            "total": entry.total.0, "refund": refund.amount.0, "payer_total": entry.payer_total.0,
            "payer_refund": refund.payer_refund.0,
        });
        put("amount", amount);
        Some((event_type, summary, "refund", Value::Object(plain)))
    }
}
