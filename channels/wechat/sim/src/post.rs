//! Callbacks: what is due, what is on its way, and when it is tried again (pack §7).

use crate::draw::Draw;
use crate::refund::RefundStatus;
use crate::sim::WechatSim;
use crate::v3::lie;
use crate::wire::{GARBAGE, signature};
use serde_json::{Map, Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Complaint, Delivery, Fault};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds to the next try after each failed one; 24 h 4 min in all.
const RETRY_S: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
const TIMEOUT_MS: u64 = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Paid,
    Refund { out_refund_no: String, status: RefundStatus },
}

/// A callback for as long as the sandbox lives: it can be sent again.
#[derive(Clone, Debug)]
struct Notice {
    number: String,
    news: News,
    url: String,
    event_id: String,
    created_at: Millis,
    failed: usize,
    /// A probe goes first.
    probe: bool,
    /// Its fault was drawn (a delay) and must not be drawn again.
    drawn: bool,
}

/// A delivery that nobody reported on yet.
#[derive(Clone, Copy, Debug)]
struct Flight {
    notice: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    True,
    Probe,
    /// The second of two; how it goes changes nothing.
    Double,
    /// Its answer gets lost on the way back.
    Deaf,
}

#[derive(Debug, Default)]
pub(crate) struct Post {
    notices: BTreeMap<u64, Notice>,
    queue: BTreeSet<(Millis, u64)>,
    held: BTreeMap<u64, Millis>,
    flights: BTreeMap<u64, Flight>,
    latest: BTreeMap<String, u64>,
    ids: u64,
    pub(crate) probes_swallowed: u32,
}

impl Post {
    #[expect(clippy::too_many_arguments, reason = "the post knows neither clock nor options of the simulator")]
    pub(crate) fn announce(&mut self, number: &str, news: News, url: String, now: Millis, due: Millis, probe: bool, draw: &mut Draw) {
        let id = self.fresh_id();
        let notice =
            Notice { number: number.to_owned(), news, url, event_id: draw.uuid(), created_at: now, failed: 0, probe, drawn: false };
        self.notices.insert(id, notice);
        self.latest.insert(number.to_owned(), id);
        self.queue.insert((due, id));
    }

    pub(crate) fn next_at(&self) -> Option<Millis> {
        self.queue.first().map(|(when, _)| *when)
    }

    /// Faults were cleared: what was held goes out.
    pub(crate) fn release(&mut self) {
        for (id, when) in std::mem::take(&mut self.held) {
            self.queue.insert((when, id));
        }
    }

    pub(crate) fn again(&mut self, number: &str, now: Millis) -> Result<(), Complaint> {
        let Some(&id) = self.latest.get(number) else {
            return Err(Complaint("this order has had no callback yet; barcode orders never have one".to_owned()));
        };
        self.queue.retain(|(_, queued)| *queued != id);
        self.held.remove(&id);
        self.queue.insert((now, id));
        Ok(())
    }

    fn fresh_id(&mut self) -> u64 {
        self.ids = self.ids.wrapping_add(1);
        self.ids
    }

    /// The next try by the schedule, or none when it is used up.
    fn retry(&mut self, id: u64, fast: i64, now: Millis) {
        let Some(notice) = self.notices.get_mut(&id) else { return };
        notice.drawn = false;
        if let Some(wait_s) = RETRY_S.get(notice.failed) {
            notice.failed = notice.failed.saturating_add(1);
            let wait_ms = wait_s.saturating_mul(1000);
            self.queue.insert((now.plus_ms(wait_ms.checked_div(fast).unwrap_or(wait_ms)), id));
        }
    }

    pub(crate) fn landed(&mut self, delivery: u64, reply: Option<&HttpReply>, fast: i64, now: Millis) {
        let Some(flight) = self.flights.remove(&delivery) else { return };
        let taken = reply.is_some_and(|r| matches!(r.status, 200 | 204));
        match flight.kind {
            Kind::Double => {}
            Kind::Probe => {
                if taken {
                    self.probes_swallowed = self.probes_swallowed.saturating_add(1);
                }
                // The true one follows at once, whatever was answered.
                self.queue.insert((now, flight.notice));
            }
            Kind::True if taken => {}
            Kind::True | Kind::Deaf => self.retry(flight.notice, fast, now),
        }
    }
}

impl WechatSim {
    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let mut out = Vec::new();
        while let Some(&(when, id)) = self.post.queue.first().filter(|(when, _)| *when <= now) {
            self.post.queue.remove(&(when, id));
            let Some(notice) = self.post.notices.get_mut(&id) else { continue };
            if std::mem::take(&mut notice.probe) {
                out.extend(self.deliver(id, Kind::Probe, None, now));
                continue;
            }
            let fault = if std::mem::take(&mut notice.drawn) { None } else { draw() };
            match fault {
                Some(Fault::Hold) => {
                    self.post.held.insert(id, when);
                }
                Some(Fault::Delay { ms }) => {
                    notice.drawn = true;
                    let later = now.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX).max(1));
                    self.post.queue.insert((later, id));
                }
                Some(Fault::LoseRequest | Fault::Reset | Fault::Error500) => self.post.retry(id, self.fast, now),
                Some(Fault::LoseResponse) => out.extend(self.deliver(id, Kind::Deaf, None, now)),
                Some(Fault::Duplicate) => {
                    out.extend(self.deliver(id, Kind::True, None, now));
                    out.extend(self.deliver(id, Kind::Double, None, now));
                }
                other => out.extend(self.deliver(id, Kind::True, other, now)),
            }
        }
        out
    }

    fn deliver(&mut self, id: u64, kind: Kind, fault: Option<Fault>, now: Millis) -> Option<Delivery> {
        let notice = self.post.notices.get(&id)?.clone();
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
        let delivery = self.post.fresh_id();
        self.post.flights.insert(delivery, Flight { notice: id, kind });
        let body = body.into_bytes();
        Some(Delivery { id: delivery, out_trade_no: notice.number, url: notice.url, headers, body, timeout_ms: TIMEOUT_MS })
    }

    /// Event type, summary, original type and plaintext (pack §7).
    fn told(&self, notice: &Notice) -> Option<(&'static str, &'static str, &'static str, Value)> {
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
