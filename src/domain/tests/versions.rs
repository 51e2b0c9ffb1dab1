//! A version moves with what its merchant can see, and with nothing else.

use super::*;

/// What a commit does: the change, then its version.
fn committed(life: &Life, act: impl FnOnce(&mut Life)) -> Life {
    let mut next = life.clone();
    act(&mut next);
    next.count_change(life, life.effects.len());
    next
}

fn told_version(life: &Life) -> Option<&Value> {
    life.effects.last().and_then(|told| told.data.get("version"))
}

fn takes(life: &Life, said: Pay, source: Source, at_s: i64) -> Life {
    committed(life, |next| assert_eq!(next.take_pay(&told(said, source, at_s, at_s)), Ok(())))
}

#[test]
fn a_question_that_brings_no_news_moves_no_version() {
    let shown = takes(&a_life(), waiting(), Source::Pay, 1);
    assert_eq!(shown.order.version, 2);
    for no_news in [waiting(), Pay::NotFound, Pay::Unknown(Why::new(WhyKind::NoAnswer, "x"))] {
        let asked = takes(&shown, no_news, Source::Query, 6);
        assert_eq!((asked.order.version, asked.order.last_seq), (2, shown.order.last_seq + 1), "the trail has it all the same");
    }
    let won = takes(&shown, paid(), Source::Callback, 9);
    assert_eq!(won.order.version, 3);
    assert_eq!(told_version(&won), Some(&Value::from(3)), "who is told of it is told its version");
    assert_eq!(takes(&won, paid(), Source::Query, 12).order.version, 3, "paid is said twice");
}

#[test]
fn a_refund_has_a_version_of_its_own() {
    let answer = |said: Said, at_s: i64| RefundTold {
        refund_seq: 1,
        said,
        queried: true,
        at: START.plus_s(at_s),
        next_at: START.plus_s(at_s + 5),
        counters: Vec::new(),
        inner: Value::Null,
    };
    let takes = |life: &Life, said: Said, at_s| committed(life, |next| assert_eq!(next.take_refund(&answer(said, at_s)), Ok(())));
    let versions = |life: &Life| (life.order.version, life.refunds.first().map(|refund| refund.version));
    let won = takes_paid();
    let asked_for = committed(&won, |next| assert!(matches!(next.request_refund(&refund_of(400, 20)), Ok(Ok(1)))));
    assert_eq!(versions(&asked_for), (won.order.version + 1, Some(1)));
    let pending = takes(&asked_for, Said::Accepted(Handles::new()), 25);
    assert_eq!(versions(&pending), versions(&asked_for), "still under way");
    let done = takes(&pending, Said::Succeeded(Refunded::default()), 30);
    assert_eq!(versions(&done), (won.order.version + 2, Some(2)));
    assert_eq!(told_version(&done), Some(&Value::from(2)));
}

fn takes_paid() -> Life {
    takes(&takes(&a_life(), waiting(), Source::Pay, 1), paid(), Source::Callback, 9)
}
