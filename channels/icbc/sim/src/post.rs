//! What callbacks say, how they are signed, when they are tried again, and what counts as their acknowledgement (pack §1.9).

use crate::check::raw_path;
use crate::party::APP_ID;
use crate::sim::IcbcSim;
use crate::wire::{GARBAGE, Params, signed_text, spoiled};
use serde_json::Value;
use sluice_contract::{Headers, HttpReply, Millis};
use sluice_simkit::{Delivery, Fault, Outgoing, form};

/// Seconds to the next try after each failed one. ICBC's own schedule is not known: the pack gives the sandbox CMB's (§2.5).
pub(crate) const RETRY_S: [i64; 15] = [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600];
/// UNCONFIRMED: no source names one.
const TIMEOUT_MS: u64 = 5_000;
/// How far off the time of a real notification was.
const ODD_S: i64 = 36 * 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Paid,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News {
    what: What,
    /// The bank's number of this message; the acknowledgement repeats it.
    msg_id: String,
}

impl IcbcSim {
    pub(crate) fn announce(&mut self, number: &str, what: What, now: Millis) {
        let Some(order) = self.orders.get(number) else { return };
        let Some(url) = order.notify_url.clone().filter(|_| what == What::Paid || order.tells_failures) else { return };
        let due = now.plus_ms(self.paced(self.options.callback_delay_ms));
        let news = News { what, msg_id: format!("0502{}", self.draw.digits(23)) };
        self.post.announce(number, news, url, now, due, &mut self.draw);
    }

    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let outgoing = self.post.take_due(now, self.fast, draw);
        outgoing.into_iter().filter_map(|out| self.written(out, now)).collect()
    }

    fn written(&mut self, outgoing: Outgoing<News>, now: Millis) -> Option<Delivery> {
        let Outgoing { id, notice, fault, .. } = outgoing;
        let (order, entry) = self.entry(&notice.number)?;
        let at = order.settled.as_ref().map_or(notice.created_at, |settled| settled.at);
        let pay_time = match (self.options.odd_times, order.product.seen_by(crate::fail::Family::B)) {
            (true, _) => at.plus_s(ODD_S).second().compact(),
            (false, true) => order.pay_time(entry),
            (false, false) => order.pay_day(entry),
        };
        let mut told = order.told(entry, notice.news.what == What::Paid, &notice.news.msg_id, &pay_time);
        told.lie(fault);
        let api = order.api.clone();
        let mut params = Params::new();
        let mut put = |name: &str, value: String| {
            params.insert(name.to_owned(), value);
        };
        put("from", "icbc-api".to_owned());
        put("api", api);
        put("app_id", APP_ID.to_owned());
        put("charset", "UTF-8".to_owned());
        put("format", "json".to_owned());
        put("timestamp", now.second().plain());
        put("sign_type", "RSA".to_owned());
        let text = told.text(self.options.spaced);
        if self.options.encrypted_callbacks {
            put("encrypt_type", "AES".to_owned());
            put("biz_content", self.keys.encrypt(&text));
        } else {
            put("biz_content", text);
        }
        // The path as the merchant registered it, doubled slashes and all.
        let sign = self.keys.sign(signed_text(raw_path(&notice.url), &params).as_bytes());
        params.insert("sign".to_owned(), spoiled(sign, fault));
        let body = match fault {
            Some(Fault::Garbage) => GARBAGE.to_owned(),
            _ => form::encode(params.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        };
        self.acks.insert(id, notice.news.msg_id);
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")]);
        Some(Delivery { id, out_trade_no: notice.number, url: notice.url, headers, body: body.into_bytes(), timeout_ms: TIMEOUT_MS })
    }

    pub(crate) fn landed(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        let msg_id = self.acks.remove(&id).unwrap_or_default();
        let taken = reply.is_some_and(|reply| self.acknowledged(reply, &msg_id));
        self.post.landed(id, taken, self.fast, now);
    }

    /// HTTP 200 and a signed JSON body with the number 0 and this message's id. The signed text has no outer braces; some clients
    /// sign with them, and both are taken (pack §1.9).
    fn acknowledged(&self, reply: &HttpReply, msg_id: &str) -> bool {
        let Ok(text) = std::str::from_utf8(reply.bytes()) else { return false };
        let Ok(body) = serde_json::from_str::<Value>(text) else { return false };
        let member = |pointer: &str| body.pointer(pointer);
        let code = member("/response_biz_content/return_code").and_then(Value::as_i64);
        let named = member("/response_biz_content/msg_id").and_then(Value::as_str);
        let (Some(sign_type), Some(sign)) = (member("/sign_type").and_then(Value::as_str), member("/sign").and_then(Value::as_str)) else {
            return false;
        };
        let Some((before, _)) = text.trim().rsplit_once(",\"sign\":\"") else { return false };
        let Some(inner) = before.strip_prefix('{') else { return false };
        let holds = |signed: &str| self.keys.app_signed(sign_type, signed.as_bytes(), sign);
        let signed = holds(inner) || holds(&format!("{{{inner}}}"));
        reply.status == 200 && code == Some(0) && named == Some(msg_id) && signed
    }
}
