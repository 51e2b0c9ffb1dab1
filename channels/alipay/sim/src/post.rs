//! Notifications: what they say, how they are signed, when they are tried again (pack §1.5, §5).

use crate::hooks::Odd;
use crate::order::{LOGON_ID, Order};
use crate::party::APP_ID;
use crate::sim::AlipaySim;
use crate::wire::{GARBAGE, canonical, lie_text, other_number, spoiled};
use sluice_contract::{Fen, Headers, HttpReply, Millis};
use sluice_simkit::post::Notice;
use sluice_simkit::{Delivery, Fault, Outgoing, form};

/// Seconds to the next try after each failed one: eight sends in 25 hours.
pub(crate) const RETRY_S: [i64; 7] = [240, 600, 600, 3_600, 7_200, 21_600, 54_000];
/// The face-to-face page's reading: three more at once first.
pub(crate) const RETRY_EAGER_S: [i64; 10] = [0, 0, 0, 240, 600, 600, 3_600, 7_200, 21_600, 54_000];
const TIMEOUT_MS: u64 = 5_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Paid,
    /// `refund_fee` is cumulative at that moment.
    Refunded {
        out_request_no: String,
        refund_fee: Fen,
        full: bool,
    },
    Closed,
    Finished,
}

impl AlipaySim {
    pub(crate) fn due_now(&mut self, now: Millis, draw: &mut dyn FnMut() -> Option<Fault>) -> Vec<Delivery> {
        let outgoing = self.post.take_due(now, self.fast, draw);
        outgoing.into_iter().filter_map(|out| self.written(out, now)).collect()
    }

    pub(crate) fn landed(&mut self, id: u64, reply: Option<&HttpReply>, now: Millis) {
        // The channel's own idea of a good answer: seven bytes, nothing around them, no redirect.
        let taken = reply.is_some_and(|reply| reply.status == 200 && reply.bytes() == b"success");
        self.post.landed(id, taken, self.fast, now);
    }

    fn written(&mut self, outgoing: Outgoing<News>, now: Millis) -> Option<Delivery> {
        let Outgoing { id, notice, fault, .. } = outgoing;
        let mut pairs = self.told(&notice, now)?;
        for (name, value) in &mut pairs {
            if let Some(lied) = lie_text(name, value, fault) {
                *value = lied;
            }
        }
        for (odd, field) in [(Odd::OtherApp, "app_id"), (Odd::OtherSeller, "seller_id")] {
            if self.struck(odd)
                && let Some((_, value)) = pairs.iter_mut().find(|(name, _)| name == field)
            {
                *value = other_number(value);
            }
        }
        let sign = spoiled(self.keys.alipay.sign(canonical(pairs.iter()).as_bytes()), fault);
        pairs.push(("sign_type".to_owned(), "RSA2".to_owned()));
        pairs.push(("sign".to_owned(), sign));
        let body = match fault {
            Some(Fault::Garbage) => GARBAGE.to_owned(),
            _ => form::encode(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        };
        let headers = Headers::new(&[("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), ("User-Agent", "Mozilla/4.0")]);
        Some(Delivery { id, out_trade_no: notice.number, url: notice.url, headers, body: body.into_bytes(), timeout_ms: TIMEOUT_MS })
    }

    /// The fields without `sign` and `sign_type` (pack §5.1). The state told is that of the event, not of now.
    fn told(&self, notice: &Notice<News>, now: Millis) -> Option<Vec<(String, String)>> {
        let (order, entry) = self.entry(&notice.number)?;
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: &str| {
            if !value.is_empty() {
                pairs.push((name.to_owned(), value.to_owned()));
            }
        };
        let status = match &notice.news {
            News::Paid | News::Refunded { full: false, .. } => "TRADE_SUCCESS",
            News::Refunded { full: true, .. } | News::Closed => "TRADE_CLOSED",
            News::Finished => "TRADE_FINISHED",
        };
        let (user, open) = order.buyer.told(self.options.payer_ids);
        let notify_id: String = notice.event_id.chars().filter(|c| *c != '-').collect();
        for (name, value) in [
            ("gmt_create", entry.created_at.second().plain().as_str()),
            ("charset", "utf-8"),
            ("seller_email", "merchant@sandbox.com"),
            ("subject", &order.subject),
            ("body", order.body.as_deref().unwrap_or_default()),
            ("buyer_id", user.unwrap_or_default()),
            ("buyer_open_id", open.unwrap_or_default()),
            ("buyer_logon_id", LOGON_ID),
            ("notify_id", &notify_id),
            ("notify_type", "trade_status_sync"),
            ("notify_time", &now.second().plain()),
            ("trade_status", status),
            ("app_id", APP_ID),
            ("auth_app_id", &order.party.auth_app_id),
            ("seller_id", &order.party.pid),
            ("version", "1.0"),
            ("out_trade_no", &notice.number),
            ("trade_no", &order.trade_no),
            ("total_amount", &entry.total.to_yuan()),
            ("passback_params", order.passback.as_deref().unwrap_or_default()),
        ] {
            put(name, value);
        }
        if let Some(settled) = &order.settled {
            let sums = order.sums();
            for (name, fen) in [
                ("receipt_amount", sums.receipt),
                ("buyer_pay_amount", sums.own),
                ("invoice_amount", sums.own),
                ("point_amount", sums.point),
            ] {
                put(name, &fen.to_yuan());
            }
            put("gmt_payment", &settled.at.second().plain());
            put("fund_bill_list", &settled.fund_bill_list(true).to_string());
            put("voucher_detail_list", &settled.vouchers(true).map(|v| v.to_string()).unwrap_or_default());
        }
        self.told_end(notice, order, &mut put)?;
        Some(pairs)
    }

    /// What a refund or an end adds.
    fn told_end(&self, notice: &Notice<News>, order: &Order, put: &mut dyn FnMut(&str, &str)) -> Option<()> {
        match &notice.news {
            News::Refunded { out_request_no, refund_fee, full } => {
                put("out_biz_no", out_request_no);
                put("refund_fee", &refund_fee.to_yuan());
                let refund = self.refunds.get(&(notice.number.clone(), out_request_no.clone()))?;
                let outflow = order.settled.as_ref().map(|s| s.sums(&refund.backs).receipt);
                put("send_back_fee", &outflow.unwrap_or_default().to_yuan());
                let at = refund.done_at.unwrap_or(notice.created_at);
                // May carry a fraction, UNCONFIRMED: readers must be lenient.
                put("gmt_refund", &format!("{}.{:03}", at.second().plain(), at.0.rem_euclid(1000)));
                if *full {
                    put("gmt_close", &at.second().plain());
                }
            }
            News::Closed => put("gmt_close", &notice.created_at.second().plain()),
            News::Paid | News::Finished => {}
        }
        Some(())
    }
}
