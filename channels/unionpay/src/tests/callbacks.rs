//! Notices: verified, they say "ask" and name what about.

use super::{
    AT, MER_ID, NOW, NUMBER, QUERY_ID, REFUND_NUMBER, attempt, changed, direct, echo, form_of, refund_of, sealed, state, unionpay,
};
use crate::UnionPay;
use serde_json::json;
use sluice_contract::{Ack, Callback, Channel, Env, Fen, Headers, Method, Notes, RawCallback, Rejected, Says, Second, Verb};

/// A notice as it arrives.
#[derive(Clone)]
pub(crate) struct Notice {
    pub(crate) verb: Verb,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

impl Notice {
    pub(crate) fn of(fields: &Notes) -> Notice {
        Notice { verb: Verb::Post, target: "/notify/up-main".into(), body: form_of(fields) }
    }

    pub(crate) fn take(&self, channel: &UnionPay, now: Second) -> Result<Callback, Rejected> {
        let headers = Headers::default();
        let raw = RawCallback { verb: self.verb, target: &self.target, headers: &headers, body: &self.body };
        channel.callback(&raw, &Env { now, entropy: [1; 32], notify_url: "https://pay.example.com/notify/up-main" })
    }
}

pub(crate) fn paid_fields() -> Notes {
    changed(state("00"), &json!({"origRespCode": null, "origRespMsg": null, "respMsg": "success"}))
}

pub(crate) fn refund_fields() -> Notes {
    changed(
        echo("04", "00", REFUND_NUMBER, NOW),
        &json!({"txnAmt": "40", "queryId": "262606011200000000021", "origQryId": QUERY_ID, "respMsg": "success"}),
    )
}

fn taken(fields: Notes) -> Callback {
    Notice::of(&sealed(fields)).take(&direct(), NOW).unwrap_or_else(|rejected| panic!("{rejected:?}"))
}

#[test]
fn a_payments_notice_is_a_hint_that_names_all_of_its_identity() {
    let callback = taken(paid_fields());
    assert_eq!((callback.says.clone(), callback.event_id.as_deref()), (Says::Ask, Some(QUERY_ID)));
    let claims = callback.claims;
    assert_eq!((claims.number.as_deref(), claims.refund_number.as_deref()), (Some(NUMBER), None));
    assert_eq!((claims.amount, claims.currency.as_deref()), (Some(Fen(100)), Some("CNY")));
    assert_eq!(claims.same, super::notes(&json!({"merId": MER_ID, "txnTime": AT.compact()})));
    assert_eq!(claims.contradiction(&attempt(&direct(), Method::UnionpayQr)), None);
}

#[test]
fn a_failed_payments_notice_is_a_hint_too() {
    for code in ["00", "A6", "64", "05"] {
        assert_eq!(taken(changed(paid_fields(), &json!({"respCode": code}))).says, Says::Ask, "{code}");
    }
}

#[test]
fn a_refunds_notice_names_the_refund_only() {
    for kind in ["04", "31"] {
        let claims = taken(changed(refund_fields(), &json!({"txnType": kind}))).claims;
        assert_eq!((claims.number.as_deref(), claims.refund_number.as_deref()), (None, Some(REFUND_NUMBER)));
        assert_eq!((claims.amount, claims.refund_amount), (None, Some(Fen(40))));
        assert_eq!(claims.refund_contradiction(&refund_of(attempt(&direct(), Method::UnionpayQr))), None);
    }
}

#[test]
fn a_genuine_notice_about_another_order_contradicts_ours() {
    let attempt = attempt(&direct(), Method::UnionpayQr);
    for (changes, field) in [
        (json!({"orderId": "A20260601ABCDEFGHJKMNPQRST1"}), "number"),
        (json!({"txnAmt": "101"}), "amount"),
        (json!({"txnAmt": "10000"}), "amount"),
        (json!({"currencyCode": "840"}), "currency"),
        (json!({"txnTime": NOW.compact()}), "txnTime"),
        (json!({"txnTime": null}), "txnTime"),
        (json!({"subMerId": "S2"}), "sub_mer_id"),
    ] {
        assert_eq!(taken(changed(paid_fields(), &changes)).claims.contradiction(&attempt), Some(field), "{changes}");
    }
    let refund = refund_of(attempt);
    for (changes, field) in [
        (json!({"txnAmt": "100"}), "refund_amount"),
        (json!({"orderId": NUMBER}), "refund_number"),
        (json!({"currencyCode": "840"}), "currency"),
    ] {
        assert_eq!(taken(changed(refund_fields(), &changes)).claims.refund_contradiction(&refund), Some(field), "{changes}");
    }
}

#[test]
fn a_platforms_notice_claims_its_sub_merchant() {
    let platform = unionpay(json!({"access_type": "2"}));
    let fields = sealed(changed(paid_fields(), &json!({"accessType": "2", "subMerId": "S1"})));
    let claims = Notice::of(&fields).take(&platform, NOW).unwrap().claims;
    let mut attempt = attempt(&direct(), Method::UnionpayQr);
    attempt.sub = super::notes(&json!({"sub_mer_id": "S1"}));
    assert_eq!(claims.contradiction(&attempt), None);
    attempt.sub = super::notes(&json!({"sub_mer_id": "S2"}));
    assert_eq!(claims.contradiction(&attempt), Some("sub_mer_id"));
}

#[test]
fn order_of_fields_and_unknown_ones_do_not_matter() {
    let fields = sealed(changed(paid_fields(), &json!({"newField": "新", "reqReserved": "", "reserved": "{a=1&b=2}"})));
    let mut pieces: Vec<String> = String::from_utf8(form_of(&fields)).unwrap().split('&').map(str::to_owned).collect();
    pieces.reverse();
    let notice = Notice { body: pieces.join("&").into_bytes(), ..Notice::of(&fields) };
    assert!(notice.take(&direct(), NOW).is_ok());
}

#[test]
fn a_query_in_the_address_is_not_part_of_the_message() {
    let notice = Notice { target: "/notify/up-main?tenant=7&txnAmt=1".into(), ..Notice::of(&sealed(paid_fields())) };
    assert_eq!(notice.take(&direct(), NOW).unwrap().claims.amount, Some(Fen(100)));
}

#[test]
fn a_duplicate_is_taken_again_and_an_old_one_too() {
    let notice = Notice::of(&sealed(paid_fields()));
    let channel = direct();
    // Notices carry no time of sending: one that comes days later is only a hint, and the query is fresh.
    for days in [0, 0, 3] {
        assert!(notice.take(&channel, NOW.plus(days * 86_400)).is_ok());
    }
}

#[test]
fn acknowledgements_are_statuses() {
    let channel = direct();
    let headers = Headers::default();
    let raw = RawCallback { verb: Verb::Post, target: "/", headers: &headers, body: b"" };
    let status = |ack| channel.acknowledge(&raw, ack, &super::env(NOW)).status;
    assert_eq!((status(Ack::Taken), status(Ack::Refused)), (200, 400));
}

#[test]
fn another_merchants_genuine_notice_is_forged_for_us() {
    for changes in [json!({"merId": "777290058110097"}), json!({"merId": ""}), json!({"merId": null})] {
        match Notice::of(&sealed(changed(paid_fields(), &changes))).take(&direct(), NOW) {
            Err(Rejected::Forged { number, .. }) => assert_eq!(number.as_deref(), Some(NUMBER)),
            other => panic!("{other:?}"),
        }
    }
}
