//! What a line is worth, how lines add up, and how a statement reads: as JSON and in a spreadsheet.

use super::csv::{self, Language};
use super::show::{self, Asked, Till};
use super::{Booking, Kind, Period, Place, Tally, first_id};
use crate::domain::life::{Life, Refund, RefundNotes, RefundOrigin};
use crate::domain::pay::Source;
use crate::domain::tests::{START, a_life, attempt, told};
use crate::domain::{PendingReason, RefundStatus};
use serde_json::json;
use sluice_contract::{Discount, DiscountKind, Fen, FundedBy, Millis, Pay, Payment};

/// A paid life of 10 元 with 1 元 of discount, priced 0.6 %.
fn paid() -> Life {
    let mut life = a_life();
    let discounts = vec![Discount { kind: DiscountKind::Coupon, funded_by: FundedBy::Channel, amount: Fen(100) }];
    let payment = Payment {
        payer_amount: Some(Fen(900)),
        discounts,
        channel_trade_no: Some("4200001234567890123456789012".into()),
        ..Payment::of(Fen(1000))
    };
    assert_eq!(life.take_pay(&told(Pay::Paid(payment), Source::Query, 1, 2)), Ok(()));
    life
}

/// Money after the end of its order.
fn late() -> Life {
    let mut life = a_life();
    assert_eq!(life.take_pay(&told(Pay::Closed, Source::Query, 1, 2)), Ok(()));
    assert_eq!(life.take_pay(&told(Pay::Paid(Payment::of(Fen(1000))), Source::Query, 3, 4)), Ok(()));
    life
}

fn line(life: &Life, refund: Option<Refund>) -> Booking {
    Booking { order: life.order.clone(), attempt: attempt(life), refund }
}

fn refund(amount: i64, at: Millis) -> Refund {
    Refund {
        seq: 1,
        attempt_seq: 1,
        merchant_refund_no: Some("=RF".into()),
        fingerprint: Vec::new(),
        amount: Fen(amount),
        status: RefundStatus::Succeeded,
        pending_reason: PendingReason::Processing,
        origin: RefundOrigin::Merchant,
        at,
        sent_at: Some(at),
        sends: 1,
        next_at: None,
        queries: 0,
        version: 1,
        succeeded_at: Some(at),
        notes: RefundNotes::default(),
    }
}

#[test]
fn what_comes_in_is_above_zero_and_what_goes_back_below() {
    let life = paid();
    let came = line(&life, None);
    assert_eq!((came.kind(), came.at(), came.amount(), came.payer_amount()), (Kind::Payment, START.plus_s(2), Fen(1000), Some(Fen(900))));
    assert_eq!((came.discounts(), came.fee(), came.net()), (Some(Fen(100)), Some(Fen(6)), Some(Fen(994))));
    let back = line(&life, Some(refund(300, START.plus_s(60))));
    assert_eq!((back.kind(), back.at(), back.amount()), (Kind::Refund, START.plus_s(60), Fen(-300)));
    assert_eq!((back.payer_amount(), back.discounts(), back.fee(), back.net()), (None, Some(Fen::ZERO), None, Some(Fen(-300))));
    let mut unpriced = came.clone();
    unpriced.attempt.notes.fee = None;
    assert_eq!((unpriced.fee(), unpriced.net()), (None, None));
}

#[test]
fn money_that_does_not_pay_its_order_is_late_or_duplicate() {
    let late = line(&late(), None);
    assert_eq!((late.kind(), late.at(), late.amount()), (Kind::Late, START.plus_s(4), Fen(1000)));
    let mut beside = late.clone();
    beside.order.winner = Some(2);
    assert_eq!(beside.kind(), Kind::Duplicate);
}

fn tally(lines: &[Booking]) -> Tally {
    let mut tally = Tally::default();
    assert!(lines.iter().all(|line| tally.add(line).is_some()));
    tally
}

#[test]
fn sums_keep_late_money_apart_and_say_what_they_do_not_know() {
    let (paid, late) = (paid(), late());
    let mut unpriced = line(&paid, None);
    unpriced.attempt.notes.fee = None;
    let lines = [line(&paid, None), unpriced, line(&late, None), line(&paid, Some(refund(300, START)))];
    let sums = tally(&lines).totals;
    assert_eq!((sums.payments, sums.paid, sums.payer, sums.discounts), (3, Fen(3000), Fen(2800), Fen(200)));
    assert_eq!((sums.late, sums.late_paid, sums.without_fee), (1, Fen(1000), 1));
    assert_eq!((sums.refunds, sums.refunded, sums.fee, sums.fee_refunded, sums.net()), (1, Fen(300), Fen(12), Fen::ZERO, Some(Fen(2688))));
    let mut huge = line(&paid, None);
    huge.attempt.captured = Fen(i64::MAX);
    let mut tally = tally(&lines);
    assert_eq!(tally.add(&huge), None, "a sum that cannot be counted is none");
}

#[test]
fn the_version_names_the_lines_and_not_their_order() {
    let (paid, late) = (paid(), late());
    let (a, b, c) = (line(&paid, None), line(&late, None), line(&paid, Some(refund(300, START))));
    let version = |lines: &[&Booking]| tally(&lines.iter().map(|line| (*line).clone()).collect::<Vec<_>>()).version();
    assert_eq!(version(&[&a, &b, &c]), version(&[&c, &a, &b]));
    assert_eq!(version(&[]), "0".repeat(32));
    let mut other = c.clone();
    if let Some(refund) = &mut other.refund {
        refund.amount = Fen(301);
    }
    let mut named = a.clone();
    named.attempt.notes.channel_trade_no = None;
    for changed in [version(&[&a, &b]), version(&[&a, &b, &c, &c]), version(&[&a, &b, &other]), version(&[&named, &b, &c])] {
        assert_ne!(changed, version(&[&a, &b, &c]));
    }
}

#[test]
fn places_are_read_as_they_were_written() {
    let id = first_id(START);
    for place in [Place::Soon(id.clone()), Place::Old(START, id.clone()), Place::Late(id.clone(), 2), Place::Back(START, id.clone(), 31)] {
        assert_eq!(Place::parse(&place.text()), Some(place));
    }
    for bad in ["", "s", "s.", "s.P1", "x.P1", &format!("o.x.{id}"), &format!("l.{id}"), &format!("b.1.{id}.-1"), &format!("s.{id}.1")] {
        assert_eq!(Place::parse(bad), None, "{bad}");
    }
}

fn asked(period: &str) -> Asked<'_> {
    let period = Period::day(period).or_else(|| Period::month(period)).unwrap_or(Period::Day(START.second().day()));
    Asked { merchant: Some("m"), period, livemode: false, now: START.plus_s(86_400), kept_from: None }
}

/// The cells of a file, as a strict reader finds them; one apostrophe is taken away.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    let read = |cell: &mut String| {
        let text = std::mem::take(cell);
        text.strip_prefix('\'').map_or_else(|| text.clone(), str::to_owned)
    };
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            (_, '"') => quoted = !quoted,
            (false, ',') => line.push(read(&mut cell)),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'), "a line ends with CRLF");
                line.push(read(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            _ => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && line.is_empty(), "the file ends with a line's end");
    lines
}

#[test]
fn a_day_in_a_spreadsheet_has_its_lines_its_sums_and_says_what_it_is() {
    let mut life = paid();
    life.order.merchant_order_no = "1234567890123456789".into();
    life.order.facts.subject = "=HYPERLINK(\"http://x\")".into();
    life.order.facts.metadata.insert("note".into(), json!("a,\"b\"\r\nc"));
    let lines = [line(&life, None), line(&life, Some(refund(1200, START.plus_s(60))))];
    let name = START.second().day().to_string();
    let (asked, till) = (asked(&name), Till { store: Some("007".into()), operator_id: Some("+1".into()) });
    let (tally, mut text) = (tally(&lines), String::new());
    csv::head(&mut text, &asked, Language::Chinese);
    lines.iter().for_each(|line| csv::row(&mut text, line, &till, Language::Chinese));
    csv::tail(&mut text, &asked, &tally, Language::Chinese);
    let raw = text.clone();
    assert!(
        raw.starts_with(csv::MARK) && raw.contains(",'1234567890123456789,") && raw.contains(",\"'=HYPERLINK(\"\"http://x\"\")\","),
        "{raw}"
    );
    let read = cells(text.trim_start_matches(csv::MARK));
    assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [23, 23, 23, 15, 15, 15, 6, 6]);
    let column = |title: &str| read.first().and_then(|titles| titles.iter().position(|t| t == title)).unwrap_or(usize::MAX);
    let at = |line: usize, title: &str| read.get(line).and_then(|cells| cells.get(column(title))).cloned().unwrap_or_default();
    assert_eq!((at(1, "类型"), at(2, "类型"), at(2, "退款来源")), ("支付".into(), "退款".into(), "商户退款".into()));
    assert_eq!((at(1, "时间"), at(1, "商户订单号")), (START.plus_s(2).second().plain(), "1234567890123456789".into()));
    assert_eq!((at(1, "金额(元)"), at(2, "金额(元)"), at(2, "净额(元)")), ("10.00".into(), "-12.00".into(), "-12.00".into()));
    assert_eq!((at(1, "门店"), at(1, "操作员"), at(2, "商户退款单号")), ("007".into(), "+1".into(), "=RF".into()));
    assert_eq!((at(1, "商品"), at(1, "附加数据")), ("=HYPERLINK(\"http://x\")".into(), r#"{"note":"a,\"b\"\r\nc"}"#.into()));
    let total = ["合计", "", "", "1", "10.00", "9.00", "1.00", "0", "0.00", "1", "12.00", "0.06", "0.00", "-2.06", "0"];
    assert_eq!(read.get(5).map(Vec::as_slice), Some(total.map(str::to_owned).as_slice()));
    let about = read.get(7).cloned().unwrap_or_default();
    assert_eq!((about.first(), about.get(3), about.get(4)), (Some(&name), Some(&tally.version()), Some(&"是".to_owned())));
}

#[test]
fn a_month_has_a_line_for_each_day_and_english_titles_if_wanted() {
    let lines = [line(&paid(), None)];
    let asked = asked("2027-01");
    let (tally, mut text) = (tally(&lines), String::new());
    csv::head(&mut text, &asked, Language::English);
    csv::tail(&mut text, &asked, &tally, Language::English);
    let read = cells(text.trim_start_matches(csv::MARK));
    let days: Vec<&Vec<String>> = read.iter().filter(|cells| cells.first().is_some_and(|cell| cell.starts_with("2027-01-"))).collect();
    assert_eq!((days.len(), days.iter().filter(|cells| cells.get(1).is_some_and(|count| count == "1")).count()), (16, 1));
    assert!(read.first().is_some_and(|titles| titles.first().is_some_and(|t| t == "day")), "{text}");
    let document = show::document(&asked, Some(&tally));
    let at = |pointer: &str| document.pointer(pointer).cloned();
    assert_eq!((at("/rows"), at("/merchants"), at("/days/16")), (Some(json!(null)), Some(json!(null)), None));
    assert_eq!(
        (at("/period/month"), at("/totals/net"), at("/days/15/day")),
        (Some(json!("2027-01")), Some(json!(994)), Some(json!("2027-01-16")))
    );
}
