//! Queries: respCode is about the question, origRespCode about the payment.

use super::{
    AT, MER_ID, NOW, NUMBER, QUERY_ID, attempt, attempt_at, changed, direct, echo, env, list, notes, read_at, reply, request_of, sandbox,
    sent, state, str_of, vectors,
};
use serde_json::json;
use sluice_contract::{Action, Channel, Fen, HttpReply, Method, Notes, Pay, Second, Wallet, WhyKind};

fn said(method: Method, fields: Notes, now: Second) -> Pay {
    let channel = direct();
    let step = channel.query(&attempt(&channel, method), &env(now));
    read_at(&step, &reply(fields), now)
}

#[test]
fn a_query_names_the_original_time_whatever_the_clock_says() {
    let channel = direct();
    let attempt = attempt(&channel, Method::UnionpayWeb);
    let step = channel.query(&attempt, &env(NOW.plus(90_000)));
    let fields = sent(request_of(&step));
    let expected = json!({
        "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "certId": "69910000021", "txnType": "00", "txnSubType": "00",
        "bizType": "000000", "accessType": "0", "merId": MER_ID, "orderId": NUMBER, "txnTime": AT.compact(),
    });
    assert_eq!(changed(fields, &json!({"signature": null})), notes(&expected));
    assert!(request_of(&step).url.ends_with("/gateway/api/queryTrans.do"));
}

#[test]
fn paid_is_told_with_everything_that_is_needed_later() {
    match said(Method::UnionpayBarcode, state("00"), NOW) {
        Pay::Paid(payment) => {
            assert_eq!((payment.amount, payment.payer_amount, payment.wallet), (Fen(100), None, Some(Wallet::Unionpay)));
            assert_eq!(payment.channel_trade_no.as_deref(), Some(QUERY_ID));
            assert_eq!((payment.paid_at, payment.settle_date.as_deref()), (Some(AT), Some("2026-06-01")));
            assert_eq!(payment.handles["queryId"], QUERY_ID);
            assert!(!payment.channel_returns && payment.discounts.is_empty() && payment.payer.is_empty());
        }
        other => panic!("{other:?}"),
    }
    match said(Method::UnionpayB2b, state("42"), NOW) {
        Pay::Paid(payment) => assert!(payment.channel_returns, "late net-bank money goes back by itself"),
        other => panic!("{other:?}"),
    }
    match said(Method::UnionpayQr, state("A6"), NOW) {
        Pay::Paid(payment) => assert_eq!(payment.handles["defective"], "A6"),
        other => panic!("{other:?}"),
    }
    assert_eq!(said(Method::UnionpayBarcode, state("46"), NOW), Pay::Reversed);
}

#[test]
fn the_published_answer_of_the_test_environment_is_a_payment() {
    let file = vectors!("verify_message");
    let vector = list(&file, "vectors").iter().find(|v| v["id"] == "pub-resp-query-20240105").unwrap();
    let channel = sandbox(
        json!({"mer_id": "777290058167151", "root_certificate": super::cert("published_test_root"),
            "middle_certificate": super::cert("published_test_middle")}),
        true,
    );
    let now = Second::from_rfc3339(str_of(vector, "clock")).unwrap();
    let mut attempt = attempt_at(&channel, Method::UnionpayWeb, now);
    attempt.number = "pay20240105145046".into();
    attempt.amount = Fen(1);
    let step = channel.query(&attempt, &env(now));
    let genuine = HttpReply::new(200, &[], str_of(vector, "body"));
    match read_at(&step, &genuine, now) {
        Pay::Paid(payment) => {
            assert_eq!(payment.channel_trade_no.as_deref(), Some("442401051450467846498"));
            assert_eq!((payment.paid_at, payment.settle_date.as_deref()), (Some(now), Some("2024-01-05")));
        }
        other => panic!("{other:?}"),
    }
    let expired = read_at(&step, &genuine, now.plus(2 * 366 * 86_400));
    assert!(matches!(&expired, Pay::Unknown(why) if why.kind == WhyKind::BadSignature), "{expired:?}");
}

#[test]
fn a_payer_may_try_again_until_the_time_is_up() {
    let end = AT.plus(900);
    for method in [Method::UnionpayQr, Method::UnionpayWeb, Method::UnionpayWap, Method::UnionpayApp, Method::UnionpayB2b] {
        for code in ["01", "64", "85"] {
            assert_eq!(said(method, state(code), NOW), Pay::Waiting(Action::None, Notes::new()), "{method:?} {code}");
            assert_eq!(said(method, state(code), end.plus(60)), Pay::Waiting(Action::None, Notes::new()), "{method:?} {code}");
            assert!(matches!(said(method, state(code), end.plus(61)), Pay::Failed(_)), "{method:?} {code}");
        }
        for code in ["03", "05", "06", "83"] {
            assert!(matches!(said(method, state(code), end.plus(7200)), Pay::Unknown(_)), "{code}");
            assert!(matches!(said(method, state(code), end.plus(7201)), Pay::Failed(_)), "{code}");
        }
        assert!(matches!(said(method, state("04"), end.plus(900_000)), Pay::Unknown(_)), "the statement decides");
        assert!(matches!(said(method, state("ZZ"), end.plus(900_000)), Pay::Unknown(_)), "unlisted stays unknown");
    }
    assert!(matches!(said(Method::UnionpayBarcode, state("64"), NOW), Pay::Failed(_)), "back-office failures are final");
    assert!(matches!(said(Method::UnionpayBarcode, state("05"), end.plus(900_000)), Pay::Unknown(_)));
    assert!(matches!(said(Method::UnionpayBarcode, state("70"), NOW), Pay::Waiting(Action::Wait { .. }, _)));
}

#[test]
fn not_found_is_not_a_failure_and_a_refused_query_says_nothing() {
    let asked = |code: &str| changed(echo("00", "00", NUMBER, AT), &json!({"respCode": code}));
    assert_eq!(said(Method::UnionpayQr, asked("34"), NOW), Pay::NotFound);
    for (code, kind) in [
        ("11", WhyKind::Configuration),
        ("31", WhyKind::Configuration),
        ("37", WhyKind::Pending),
        ("01", WhyKind::Pending),
        ("64", WhyKind::Pending),
        ("46", WhyKind::Pending),
        ("A6", WhyKind::Pending),
        ("ZZ", WhyKind::Unlisted),
        ("", WhyKind::Unlisted),
    ] {
        for fields in [asked(code), changed(state("00"), &json!({"respCode": code}))] {
            match said(Method::UnionpayQr, fields, NOW.plus(900_000)) {
                Pay::Unknown(why) => assert_eq!(why.kind, kind, "{code}"),
                other => panic!("{code}: {other:?}"),
            }
        }
    }
    let stateless = said(Method::UnionpayQr, asked("00"), NOW);
    assert!(matches!(&stateless, Pay::Unknown(why) if why.kind == WhyKind::Unreadable), "{stateless:?}");
}

#[test]
fn an_answer_that_contradicts_the_order_is_an_alarm() {
    for code in ["00", "64", "46"] {
        for changes in [
            json!({"txnAmt": "101"}),
            json!({"currencyCode": "344"}),
            json!({"merId": "777290058110097"}),
            json!({"orderId": "A20260601ABCDEFGHJKMNPQRST1"}),
            json!({"txnTime": "20260601115941"}),
            json!({"txnType": "04"}),
            json!({"subMerId": "S1"}),
        ] {
            match said(Method::UnionpayBarcode, changed(state(code), &changes), NOW) {
                Pay::Unknown(why) => assert_eq!(why.kind, WhyKind::Contradiction, "{changes}"),
                other => panic!("{changes}: {other:?}"),
            }
        }
    }
    for changes in
        [json!({"txnAmt": null}), json!({"txnAmt": "1.00"}), json!({"txnAmt": "-100"}), json!({"txnAmt": ""}), json!({"txnAmt": "+100"})]
    {
        let paid = said(Method::UnionpayBarcode, changed(state("00"), &changes), NOW);
        assert!(matches!(&paid, Pay::Unknown(_)), "{changes}: {paid:?}");
    }
}

#[test]
fn dates_without_a_year_get_the_right_one() {
    let at = |text: &str| Second::from_rfc3339(text).unwrap();
    let new_year = at("2026-12-31T23:59:50+08:00");
    let told = |trace: &str, settle: &str| {
        let channel = direct();
        let attempt = attempt_at(&channel, Method::UnionpayBarcode, new_year);
        let changes = json!({"txnTime": new_year.compact(), "traceTime": trace, "settleDate": settle});
        match read_at(&channel.query(&attempt, &env(new_year)), &reply(changed(state("00"), &changes)), new_year) {
            Pay::Paid(payment) => (payment.paid_at, payment.settle_date),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(told("1231235955", "0101"), (Some(at("2026-12-31T23:59:55+08:00")), Some("2027-01-01".into())));
    assert_eq!(told("0101000003", "0101"), (Some(at("2027-01-01T00:00:03+08:00")), Some("2027-01-01".into())));
    for (trace, settle) in [("", ""), ("0230000000", "0230"), ("9999999999", "9999"), ("12312359", "１２３１"), ("-231235955", "+101")]
    {
        assert_eq!(told(trace, settle), (None, None), "{trace}");
    }
}

#[test]
fn the_payer_is_not_taken_and_not_shown() {
    let paid = json!({"accNo": "ORRSXWY1kMr8UJNx", "payCardNo": "6216261000000000018", "customerInfo": "e30="});
    let said = said(Method::UnionpayQr, changed(state("00"), &paid), NOW);
    assert!(!format!("{said:?}").contains("6216261000000000018"));
    match said {
        Pay::Paid(payment) => assert!(payment.payer.is_empty() && !payment.handles.contains_key("accNo")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn close_and_authorisation_do_not_exist() {
    let channel = direct();
    let attempt = attempt(&channel, Method::UnionpayQr);
    assert!(matches!(channel.close(&attempt, &env(NOW)), sluice_contract::Step::Refused(_)));
    let visitor = sluice_contract::Visitor { method: Method::UnionpayQr, app_id: None, sub: &Notes::new() };
    assert!(channel.authorize(&visitor, "https://x", "s").is_err());
    assert!(matches!(channel.identify(&visitor, "code=1", &env(NOW)), sluice_contract::Step::Refused(_)));
}
