//! Reversals: accepted is not done, and a payment that stays paid is not undone.

use super::{
    AT, MER_ID, NOW, NUMBER, attempt, attempt_at, changed, direct, echo, env, list, notes, read, read_then, reply, request_of, sent, state,
    vectors,
};
use crate::dates::clearing_day;
use serde_json::{Value, json};
use sluice_contract::{Channel, HttpReply, Method, Second, Step, Undone};

fn step(now: Second) -> Step<Undone> {
    let channel = direct();
    channel.reverse(&attempt(&channel, Method::UnionpayBarcode), &env(now))
}

fn answer(changes: Value) -> HttpReply {
    reply(changed(echo("99", "01", NUMBER, AT), &changes))
}

#[test]
fn a_reversal_goes_by_the_payments_own_number_and_time() {
    let step = step(NOW);
    let fields = changed(sent(request_of(&step)), &json!({"signature": null}));
    let expected = json!({
        "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "69910000021", "txnType": "99", "txnSubType": "01",
        "bizType": "000000", "channelType": "08", "accessType": "0", "merId": MER_ID, "orderId": NUMBER, "txnTime": AT.compact(),
    });
    assert_eq!(fields, notes(&expected));
    let file = vectors!("sign_request");
    let vector = list(&file, "vectors").iter().find(|v| v["id"] == "own-a-reversal-99").unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), notes(&vector["signed_fields"]).keys().collect::<Vec<_>>());
}

#[test]
fn accepted_is_followed_by_the_query_and_that_decides() {
    let accepted = answer(json!({}));
    let not_found = reply(changed(echo("00", "00", NUMBER, AT), &json!({"respCode": "34"})));
    for code in ["46", "01", "64"] {
        assert_eq!(read_then(&step(NOW), &accepted, &reply(state(code))), Undone::Closed, "{code}");
    }
    // Accepted, and still paid: the money may be on its way back, so nobody is told "paid".
    assert_eq!(read_then(&step(NOW), &accepted, &reply(state("00"))), Undone::Busy);
    assert_eq!(read_then(&step(NOW), &accepted, &not_found), Undone::NotFound);
    for code in ["03", "05", "ZZ"] {
        assert!(matches!(read_then(&step(NOW), &accepted, &reply(state(code))), Undone::Unknown(_)), "{code}");
    }
    assert!(matches!(read_then(&step(NOW), &accepted, &HttpReply::new(500, &[], "")), Undone::Unknown(_)));
    let lie = reply(changed(state("46"), &json!({"orderId": "A20260601ABCDEFGHJKMNPQRST1"})));
    assert!(matches!(read_then(&step(NOW), &accepted, &lie), Undone::Unknown(_)));
}

#[test]
fn a_refused_reversal_asks_what_the_payment_is() {
    for code in ["35", "36", "01", "32"] {
        let refused = answer(json!({"respCode": code}));
        assert_eq!(read_then(&step(NOW), &refused, &reply(state("00"))), Undone::Paid, "{code}");
        assert_eq!(read_then(&step(NOW), &refused, &reply(state("46"))), Undone::Closed, "{code}");
    }
    assert_eq!(read(&step(NOW), &answer(json!({"respCode": "34"}))), Undone::NotFound);
    assert_eq!(read_then(&step(NOW), &answer(json!({"respCode": "46"})), &reply(state("46"))), Undone::Closed);
    for code in ["03", "04", "05", "06", "12", "37", "83", "99"] {
        assert_eq!(read(&step(NOW), &answer(json!({"respCode": code}))), Undone::Busy, "{code}");
    }
    for code in ["11", "ZZ", ""] {
        assert!(matches!(read(&step(NOW), &answer(json!({"respCode": code}))), Undone::Unknown(_)), "{code}");
    }
    for changes in
        [json!({"orderId": null}), json!({"txnType": "01"}), json!({"txnTime": "20260601115941"}), json!({"merId": "777290058110097"})]
    {
        assert!(matches!(read(&step(NOW), &answer(changes)), Undone::Unknown(_)));
    }
}

#[test]
fn the_clearing_day_ends_at_eleven_at_night() {
    let at = |text: &str| Second::from_rfc3339(text).unwrap();
    assert_eq!(clearing_day(at("2026-06-01T22:59:59+08:00")).to_string(), "2026-06-01");
    assert_eq!(clearing_day(at("2026-06-01T23:00:00+08:00")).to_string(), "2026-06-02");
    let channel = direct();
    let reversed_at = |paid: &str, now: &str| {
        let attempt = attempt_at(&channel, Method::UnionpayBarcode, at(paid));
        matches!(channel.reverse(&attempt, &env(at(now))), Step::Send(_))
    };
    assert!(reversed_at("2026-06-01T22:59:00+08:00", "2026-06-01T22:59:59+08:00"));
    assert!(!reversed_at("2026-06-01T22:59:00+08:00", "2026-06-01T23:00:00+08:00"));
    assert!(reversed_at("2026-06-01T23:30:00+08:00", "2026-06-02T22:00:00+08:00"));
    let late = channel.reverse(&attempt(&channel, Method::UnionpayBarcode), &env(NOW.plus(86_400)));
    assert!(matches!(late, Step::Done(Undone::Refused(_))), "{late:?}");
}

#[test]
fn only_barcodes_are_reversed() {
    let channel = direct();
    for method in [Method::UnionpayQr, Method::UnionpayWeb, Method::UnionpayApp] {
        assert!(matches!(channel.reverse(&attempt(&channel, method), &env(NOW)), Step::Refused(_)), "{method:?}");
    }
}
