//! Notices: what they say and when they are tried again (pack §5).

use crate::fail::message;
use crate::party::MER_ID;
use crate::serve::{GARBAGE, lie};
use crate::sign::{Fields, SignMethod};
use crate::sim::UnionpaySim;
use sluice_contract::{Headers, HttpReply, Millis};
use sluice_simkit::{Delivery, Fault, Outgoing, form};

/// Seconds to the next of five sends.
pub(crate) const RETRY_S: [i64; 4] = [60, 120, 240, 300];
/// The older comment's. Which one holds is UNCONFIRMED (§13.6).
pub(crate) const RETRY_OLD_S: [i64; 4] = [0, 60, 120, 240];
const TIMEOUT_MS: u64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Payment,
    /// A refund or undo, by its own number.
    Back(String),
}

impl UnionpaySim {
    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let outgoing = self.post.take_due(now, self.fast, draw);
        outgoing.into_iter().filter_map(|out| self.written(out)).collect()
    }

    pub(crate) fn landed(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        // 302 counts as well (pack §5, DEMO-A); the body says nothing.
        let taken = reply.is_some_and(|reply| matches!(reply.status, 200 | 302));
        self.post.landed(id, taken, self.fast, now);
    }

    fn written(&mut self, outgoing: Outgoing<News>) -> Option<Delivery> {
        let Outgoing { id, notice, fault, .. } = outgoing;
        let body = if fault == Some(Fault::Garbage) { GARBAGE.to_owned() } else { self.notice(&notice.number, &notice.news, fault)? };
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")]);
        Some(Delivery { id, out_trade_no: notice.number, url: notice.url, headers, body: body.into_bytes(), timeout_ms: TIMEOUT_MS })
    }

    /// The signed form. A blank is `+` in it, as a Java server writes.
    pub(crate) fn notice(&mut self, number: &str, news: &News, fault: Option<Fault>) -> Option<String> {
        let (mut fields, method) = match news {
            News::Payment => self.payment_news(number)?,
            News::Back(out_number) => self.back_news(out_number)?,
        };
        for (name, value) in [("version", "5.1.0"), ("merId", MER_ID)] {
            fields.insert(name.to_owned(), value.to_owned());
        }
        lie(&mut fields, fault);
        self.keys.sign(method, self.signer, &mut fields, fault == Some(Fault::BadSignature));
        Some(form::encode(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))).replace("%20", "+"))
    }

    /// A notice tells of the payment's own end; what became of the money later is not its news.
    fn payment_news(&mut self, number: &str) -> Option<(Fields, SignMethod)> {
        let order = self.orders.get(number)?;
        let code = order.settled.as_ref().map_or(order.failure.unwrap_or("01"), |settled| settled.code);
        let told = [("bizType", &order.biz_type), ("accessType", &order.access_type), ("encoding", &order.encoding)];
        let mut out: Fields = told.map(|(name, value)| (name.to_owned(), value.clone())).into();
        let method = order.sign_method;
        out.append(&mut self.told_payment(number));
        said(&mut out, code);
        Some((out, method))
    }

    /// It names the refund, and not the payment.
    fn back_news(&self, out_number: &str) -> Option<(Fields, SignMethod)> {
        let back = self.backs.get(out_number)?;
        let told = [("bizType", &back.biz_type), ("accessType", &back.access_type), ("encoding", &back.encoding)];
        let mut out: Fields = told.map(|(name, value)| (name.to_owned(), value.clone())).into();
        out.append(&mut self.told_back(out_number, back));
        out.remove("origRespCode");
        out.remove("origRespMsg");
        said(&mut out, back.status.code());
        Some((out, back.sign_method))
    }
}

/// Notices of success say `success`, as the real ones do.
fn said(fields: &mut Fields, code: &str) {
    let words = if code == "00" { "success".to_owned() } else { message(code) };
    fields.insert("respCode".to_owned(), code.to_owned());
    fields.insert("respMsg".to_owned(), words);
}
