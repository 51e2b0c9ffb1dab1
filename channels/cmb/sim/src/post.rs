//! What callbacks say and when they are tried again (pack §2.5). Only successes are told, and a payment's notice has no
//! tradeState: the notice itself is the news.

use crate::order::Face;
use crate::sim::CmbSim;
use crate::wire::{GARBAGE, envelope, lie};
use serde_json::{Map, Value};
use sluice_contract::{Headers, HttpReply, Millis};
use sluice_simkit::form::encode;
use sluice_simkit::{Delivery, Draw, Fault, Outgoing};

/// Seconds to the next try after each failed one: the schedule of V3.4.1 after its first, immediate one.
pub(crate) const RETRY_S: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
/// How long the bank waits for an answer is not in the pack.
const TIMEOUT_MS: u64 = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Paid,
    /// The refund's number.
    Refund(String),
}

impl CmbSim {
    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let outgoing = self.post.take_due(now, self.fast, draw);
        outgoing.into_iter().filter_map(|out| self.written(out)).collect()
    }

    pub(crate) fn landed(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        let taken = reply.is_some_and(|reply| self.acknowledged(reply));
        self.post.landed(id, taken, self.fast, now);
    }

    fn written(&self, outgoing: Outgoing<News>) -> Option<Delivery> {
        let Outgoing { id, notice, fault, .. } = outgoing;
        let mut biz = self.told(&notice.number, &notice.news)?;
        lie(&mut biz, fault);
        let biz = if fault == Some(Fault::Garbage) { GARBAGE.to_owned() } else { Value::Object(biz).to_string() };
        let mut members = envelope();
        members.insert("biz_content".to_owned(), biz);
        let sign = self.seal(&members, fault == Some(Fault::BadSignature));
        members.insert("sign".to_owned(), sign);
        // The order of the document's sample; a reader goes by name.
        let order = ["biz_content", "encoding", "version", "signMethod", "sign"];
        let body = encode(order.iter().filter_map(|name| members.get(*name).map(|value| (*name, value.as_str()))));
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")]);
        Some(Delivery { id, out_trade_no: notice.number, url: notice.url, headers, body: body.into_bytes(), timeout_ms: TIMEOUT_MS })
    }

    fn told(&self, number: &str, news: &News) -> Option<Map<String, Value>> {
        let (order, entry) = self.entry(number)?;
        match news {
            News::Paid => Some(order.json(entry, Face::Notice)),
            News::Refund(refund_number) => Some(self.refunds.get(refund_number)?.json(refund_number, order)),
        }
    }
}

/// A file's or link's name.
pub(crate) fn token(draw: &mut Draw) -> String {
    draw.text(40)
}
