//! Closes of family B and reversals of barcodes.

use super::{NOW, answer, attempt, block, direct, env, error, family_b, icbc, notes, read, read_two};
use crate::Icbc;
use serde_json::{Value, json};
use sluice_contract::{AttemptRef, Channel, HttpReply, Method, Step, Undone, WhyKind};

fn close(icbc: &Icbc) -> Step<Undone> {
    icbc.close(&attempt(icbc, Method::IcbcQr), &env(NOW))
}

fn reverse() -> Step<Undone> {
    direct().reverse(&attempt(&direct(), Method::IcbcBarcode), &env(NOW))
}

fn unknown(undone: &Undone) -> WhyKind {
    match undone {
        Undone::Unknown(why) => why.kind,
        other => panic!("{other:?}"),
    }
}

fn state(digit: &str) -> HttpReply {
    answer(block(json!({"return_code": "0", "pay_status": digit})))
}

#[test]
fn a_close_is_read_from_its_reply_or_confirmed_by_a_query() {
    let step = close(&family_b());
    assert_eq!(read(&step, &state("1")), Undone::Closed);
    assert_eq!(read(&step, &state("0")), Undone::Paid);
    for first in [state("2"), answer(json!({"return_code": "0", "return_msg": "success"}))] {
        for (second, undone) in
            [(state("1"), Undone::Closed), (state("0"), Undone::Paid), (state("2"), Undone::Busy), (error("20000002"), Undone::Busy)]
        {
            assert_eq!(read_two(&step, &first, &second), ("orderqry", undone));
        }
    }
    assert_eq!(unknown(&read(&step, &state("3"))), WhyKind::Unlisted);
}

#[test]
fn a_close_that_is_refused_closes_nothing() {
    let step = close(&family_b());
    assert_eq!(read(&step, &error("20000002")), Undone::Busy);
    for code in ["12001081", "5940021"] {
        assert_eq!(read(&step, &error(code)), Undone::NotFound, "{code}");
    }
    for code in ["400019", "85502", "400011", "00005031"] {
        assert_eq!(unknown(&read(&step, &error(code))), WhyKind::Pending, "{code}");
    }
    assert_eq!(unknown(&read(&step, &error("777"))), WhyKind::Unlisted);
    assert_eq!(unknown(&read(&step, &error("400017"))), WhyKind::Configuration);
    assert_eq!(
        unknown(&read(&step, &answer(block(json!({"return_code": "0", "pay_status": "1", "out_trade_no": "X"}))))),
        WhyKind::Contradiction
    );
}

#[test]
fn code_400019_is_a_close_only_where_the_account_says_so() {
    assert_eq!(read(&close(&icbc(json!({"qr_family": "B", "code_400019": "closed"}))), &error("400019")), Undone::Closed);
}

#[test]
fn an_order_of_family_a_is_not_closed_whatever_the_account_serves_now() {
    let old = attempt(&direct(), Method::IcbcQr);
    assert!(matches!(family_b().close(&old, &env(NOW)), Step::Refused(_)));
}

#[test]
fn a_reversal_is_confirmed_by_a_query() {
    let step = reverse();
    let paid = answer(json!({"return_code": 0, "out_trade_no": super::NUMBER, "reject_amt": "850", "real_reject_amt": "550"}));
    let unpaid = answer(json!({"return_code": 0, "out_trade_no": super::NUMBER, "reject_amt": "0", "real_reject_amt": "0"}));
    for (first, digit, undone) in [
        (&paid, "3", Undone::Returned),
        (&unpaid, "3", Undone::Closed),
        (&unpaid, "2", Undone::Closed),
        (&paid, "5", Undone::Returned),
        (&paid, "4", Undone::Busy),
        (&paid, "7", Undone::Busy),
        (&unpaid, "0", Undone::Busy),
    ] {
        assert_eq!(read_two(&step, first, &state(digit)), ("qrcode.query", undone), "{digit}");
    }
    for digit in ["1", "6"] {
        assert_eq!(unknown(&read_two(&step, &paid, &state(digit)).1), WhyKind::Pending, "{digit}");
    }
    assert_eq!(unknown(&read_two(&step, &paid, &state("9")).1), WhyKind::Unlisted);
    assert_eq!(read_two(&step, &unpaid, &error("5940021")).1, Undone::NotFound);
    assert_eq!(unknown(&read_two(&step, &paid, &HttpReply::new(200, &[], "")).1), WhyKind::BadSignature);
}

#[test]
fn a_reversal_that_was_made_before_is_asked_about() {
    for code in ["93008595", "5920006"] {
        assert_eq!(read_two(&reverse(), &error(code), &state("3")), ("qrcode.query", Undone::Returned), "{code}");
    }
}

#[test]
fn a_reversal_that_is_refused_undoes_nothing() {
    let step = reverse();
    assert_eq!(read(&step, &error("5940022")), Undone::NotFound);
    assert_eq!(read(&step, &error("00070038")), Undone::Busy);
    assert_eq!(unknown(&read(&step, &error("400011"))), WhyKind::Pending);
    assert_eq!(unknown(&read(&step, &error("400017"))), WhyKind::Configuration);
    assert_eq!(unknown(&read(&step, &error("31"))), WhyKind::Unlisted);
    let other: Value = json!({"return_code": 0, "out_trade_no": "A2"});
    assert_eq!(unknown(&read(&step, &answer(other))), WhyKind::Contradiction);
}

#[test]
fn only_barcodes_are_reversed() {
    for method in [Method::IcbcQr, Method::IcbcH5, Method::WechatMini] {
        let attempt = AttemptRef { handles: notes(&[]), ..attempt(&direct(), method) };
        assert!(matches!(direct().reverse(&attempt, &env(NOW)), Step::Refused(_)), "{method:?}");
    }
}
