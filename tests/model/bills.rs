//! Runs of bills and what they found, on both engines: a rerun changes nothing, a run that failed changes nothing, two people settle.

use super::books::{Books, on_both_engines};
use super::store::{order, paid, place, refund};
use serde_json::json;
use sluice::domain::OrderId;
use sluice::domain::recon::{BillRun, Found, Kind, RunState, Settled, Standing, Stored};
use sluice::domain::refund::RefundTold;
use sluice::store::{Answer, Audit, Command, DiscrepancyFilter, Outcome, Query};
use sluice_contract::{Day, Fen, Millis, Refund, Refunded};

on_both_engines! {
    a_rerun_finds_the_same_rows_and_a_failed_run_leaves_them
    money_is_settled_by_two_people_and_stays_settled
    what_is_carried_is_settled_by_the_next_days_bill
    a_days_paid_attempts_and_sent_refunds_come_page_by_page
    how_an_account_stands_is_its_last_good_day_and_what_is_open_of_any_day
    orders_are_read_by_their_ids_whole_and_only_those_that_are_there
}

fn day() -> Day {
    Day::parse("2026-11-23").unwrap()
}

fn run(day: Day, at: i64, state: RunState) -> BillRun {
    BillRun { account: "a1".into(), day, at: Millis(at), state, why: None, rows: 9, matched: 7 }
}

fn found(day: Day, number: &str, kind: Kind, gap: i64, standing: Standing) -> Found {
    let (ours, theirs) = (Some(Fen(1_000)), Some(Fen(1_000 + gap)));
    let evidence = json!({"rows": [number]});
    Found { day, kind, number: number.into(), channel_order_no: number.into(), ours, theirs, gap: Fen(gap), standing, evidence }
}

fn take(books: &mut Books, run: BillRun, found: Vec<Found>) {
    let outcomes = books.apply(&[&Command::TakeBill { run: Box::new(run), found }]);
    assert!(matches!(outcomes[0], Ok(Outcome::Discrepancies(_))), "{outcomes:?}");
}

fn listed(books: &Books, standing: Option<Standing>) -> Vec<Stored> {
    let filter = DiscrepancyFilter { account: Some("a1".into()), day: None, standing, limit: 100 };
    match books.answer(&Query::Discrepancies(filter)) {
        Ok(Answer::Discrepancies(stored)) => stored,
        other => panic!("{other:?}"),
    }
}

fn a_rerun_finds_the_same_rows_and_a_failed_run_leaves_them(mut books: Books) {
    let two = || vec![found(day(), "A1", Kind::Amount, 1, Standing::Open), found(day(), "A2", Kind::MissingThere, -5, Standing::Open)];
    take(&mut books, run(day(), 1, RunState::Refused), Vec::new());
    assert!(
        matches!(books.answer(&Query::BillRun("a1".into(), day())), Ok(Answer::BillRuns(runs)) if runs == [run(day(), 1, RunState::Refused)])
    );
    take(&mut books, run(day(), 2, RunState::Done), two());
    let first = listed(&books, Some(Standing::Open));
    take(&mut books, run(day(), 3, RunState::Done), two());
    take(&mut books, run(day(), 4, RunState::NotYet), Vec::new());
    let again = listed(&books, Some(Standing::Open));
    let steady = |all: &[Stored]| all.iter().map(|s| (s.id(), s.found.clone(), s.first_seen)).collect::<Vec<_>>();
    assert_eq!((first.len(), steady(&first)), (2, steady(&again)));
    assert!(again.iter().all(|stored| stored.last_seen == Millis(3)));
    assert!(matches!(books.answer(&Query::BillRuns(day())), Ok(Answer::BillRuns(runs)) if runs == [run(day(), 3, RunState::Done)]));
    // One came right; the other is written down once, whatever the order in a batch.
    take(&mut books, run(day(), 5, RunState::Done), two().split_off(1));
    let open: Vec<String> = listed(&books, Some(Standing::Open)).into_iter().map(|stored| stored.found.number).collect();
    assert_eq!((open, listed(&books, None).len()), (vec!["A2".to_owned()], 2));
}

fn settle(books: &mut Books, id: &str, by: &str) -> Settled {
    let audit = Audit {
        at: Millis(9),
        who: by.into(),
        role: "finance".into(),
        act: "discrepancy.settle".into(),
        about: id.into(),
        detail: json!({}),
    };
    let command = Command::SettleDiscrepancy { id: id.into(), by: by.into(), reason: "seen".into(), at: Millis(9), audit };
    match books.apply(&[&command]).remove(0) {
        Ok(Outcome::Settled(settled)) => *settled,
        other => panic!("{other:?}"),
    }
}

fn money_is_settled_by_two_people_and_stays_settled(mut books: Books) {
    let one = || vec![found(day(), "A1", Kind::Amount, 1, Standing::Open)];
    take(&mut books, run(day(), 1, RunState::Done), one());
    let id = listed(&books, None)[0].id();
    assert!(matches!(settle(&mut books, &id, "ann"), Settled::Proposed(_)));
    assert!(matches!(settle(&mut books, &id, "ann"), Settled::SamePerson));
    assert!(matches!(settle(&mut books, &id, "bob"), Settled::Done(_)));
    assert!(matches!(settle(&mut books, &id, "cid"), Settled::NotOpen(_)));
    take(&mut books, run(day(), 2, RunState::Done), one());
    assert!(matches!(books.answer(&Query::Discrepancy(id)), Ok(Answer::Discrepancies(stored))
        if stored[0].settled_by.as_deref() == Some("bob") && stored[0].proposal.as_ref().is_some_and(|p| p.by == "ann")));
    let log = books.answer(&Query::AuditLog { before: None, limit: 10 });
    assert!(matches!(log, Ok(Answer::AuditLog(lines)) if lines.len() == 2), "who was refused changed nothing");
    let unknown = Command::SettleDiscrepancy {
        id: "Dnone".into(),
        by: "ann".into(),
        reason: "x".into(),
        at: Millis(9),
        audit: Audit { at: Millis(9), who: "ann".into(), role: "r".into(), act: "a".into(), about: "b".into(), detail: json!({}) },
    };
    assert!(matches!(books.apply(&[&unknown])[0], Ok(Outcome::Missing)));
}

fn what_is_carried_is_settled_by_the_next_days_bill(mut books: Books) {
    let next = day().plus(1);
    take(&mut books, run(day(), 1, RunState::Done), vec![found(next, "A1", Kind::MissingThere, -5, Standing::Carried)]);
    assert_eq!(listed(&books, Some(Standing::Carried)).len(), 1);
    take(&mut books, run(next, 2, RunState::Done), Vec::new());
    assert_eq!((listed(&books, Some(Standing::Carried)).len(), listed(&books, Some(Standing::Settled)).len()), (0, 1));
    // The other way: the next bill has not got it either.
    take(&mut books, run(day(), 3, RunState::Done), vec![found(next, "A2", Kind::MissingThere, -5, Standing::Carried)]);
    take(&mut books, run(next, 4, RunState::Done), vec![found(next, "A2", Kind::MissingThere, -5, Standing::Open)]);
    let open = listed(&books, Some(Standing::Open));
    assert_eq!((open.len(), open[0].found.number.as_str(), open[0].first_seen), (1, "A2", Millis(3)));
}

fn how_an_account_stands_is_its_last_good_day_and_what_is_open_of_any_day(mut books: Books) {
    let standings = |books: &Books| match books.answer(&Query::BillStandings) {
        Ok(Answer::BillStandings(standings)) => standings.into_iter().map(|s| (s.account, s.last_day, s.open)).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    take(&mut books, run(day(), 1, RunState::Refused), Vec::new());
    assert_eq!(standings(&books), [], "none was compared to its end");
    take(
        &mut books,
        run(day(), 2, RunState::Done),
        vec![found(day(), "A1", Kind::Amount, 1, Standing::Open), found(day(), "A2", Kind::Fee, 0, Standing::Open)],
    );
    let next = day().plus(1);
    take(&mut books, run(next, 3, RunState::Done), vec![found(next.plus(1), "A3", Kind::MissingThere, -5, Standing::Carried)]);
    take(&mut books, run(next.plus(1), 4, RunState::NotYet), Vec::new());
    assert_eq!(standings(&books), [("a1".to_owned(), next, 2)], "what is carried is not open");
    let id = listed(&books, Some(Standing::Open)).into_iter().find(|stored| stored.found.gap.0 == 0).unwrap().id();
    assert!(matches!(settle(&mut books, &id, "ann"), Settled::Done(_)));
    assert_eq!(standings(&books), [("a1".to_owned(), next, 1)]);
    // The log says what was settled, and which word it was.
    let id = listed(&books, Some(Standing::Open))[0].id();
    assert!(matches!(settle(&mut books, &id, "ann"), Settled::Proposed(_)));
    let log = match books.answer(&Query::AuditLog { before: None, limit: 10 }) {
        Ok(Answer::AuditLog(lines)) => lines
            .into_iter()
            .map(|(_, line)| json!([line.detail["result"], line.detail["of"]["number"], line.detail["of"]["gap"]]))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(log, [json!(["proposed", "A1", 1]), json!(["settled", "A2", 0])]);
}

fn orders_are_read_by_their_ids_whole_and_only_those_that_are_there(mut books: Books) {
    for nth in 1..=3 {
        assert!(books.apply(&[&place(nth)])[0].is_ok());
    }
    let wanted = [3, 1, 9].map(|nth| order(nth).0.id);
    let lives = match books.answer(&Query::Named(wanted.to_vec())) {
        Ok(Answer::Lives(lives)) => lives,
        other => panic!("{other:?}"),
    };
    let mut found: Vec<_> = lives.iter().map(|life| (life.order.id.clone(), life.attempts.len())).collect();
    found.sort();
    assert_eq!(found, [(order(1).0.id, 1), (order(3).0.id, 1)]);
    assert!(matches!(books.answer(&Query::Named(Vec::new())), Ok(Answer::Lives(lives)) if lives.is_empty()));
}

fn a_days_paid_attempts_and_sent_refunds_come_page_by_page(mut books: Books) {
    let mut at = Millis(0);
    for nth in 1..=5 {
        let (order, _) = order(nth);
        at = order.created_at.plus_s(1);
        assert!(books.apply(&[&place(nth)])[0].is_ok());
        if nth == 5 {
            continue;
        }
        assert!(books.apply(&[&paid(&order.id, 10_000, at)])[0].is_ok());
        assert!(books.apply(&[&refund(&order.id, &format!("F{nth}"), 100, at)])[0].is_ok());
        let begin = Command::BeginRefund { order_id: order.id.clone(), refund_seq: 1, at, lease_until: at };
        let told = RefundTold {
            refund_seq: 1,
            said: Refund::Succeeded(Refunded::default()),
            at,
            next_at: at,
            queried: false,
            counters: Vec::new(),
            inner: json!(null),
        };
        let done = Command::TakeRefund { order_id: order.id.clone(), told: Box::new(told) };
        assert!(books.apply(&[&begin])[0].is_ok());
        let outcome = books.apply(&[&done]);
        assert!(outcome[0].is_ok(), "{outcome:?}");
    }
    let account = match books.answer(&Query::Life(order(1).0.id)) {
        Ok(Answer::Life(Some(life))) => life.attempts[0].account.clone(),
        other => panic!("{other:?}"),
    };
    let attempts = |after: (String, u32), account: &str, from: Millis| {
        let until = OrderId::new(at.plus_s(60), [0; 16]);
        let query = Query::PaidAttempts { account: account.into(), after, until, booked_from: from, limit: 3 };
        match books.answer(&query) {
            Ok(Answer::Attempts(found)) => found.into_iter().map(|(order, attempt)| (order.to_string(), attempt.seq)).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    let first = attempts((String::new(), 0), &account, Millis(0));
    let second = attempts(first[2].clone(), &account, Millis(0));
    let all: Vec<String> = first.iter().chain(&second).map(|(order, _)| order.clone()).collect();
    assert_eq!(all, [1, 2, 3, 4].map(|nth| order(nth).0.id.to_string()), "the unpaid one is not among them");
    assert!(
        attempts((String::new(), 0), "other", Millis(0)).is_empty() && attempts((String::new(), 0), &account, at.plus_ms(1)).is_empty()
    );
    let refunds = |after: (Millis, String, u32)| match books.answer(&Query::SentRefunds {
        account: account.clone(),
        after,
        until: at.plus_ms(1),
        limit: 2,
    }) {
        Ok(Answer::Refunds(found)) => {
            found.into_iter().map(|(order, refund)| (refund.sent_at.unwrap(), order.to_string(), refund.seq)).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let first = refunds((Millis(0), String::new(), 0));
    let second = refunds(first[1].clone());
    let all: Vec<String> = first.iter().chain(&second).map(|(_, order, _)| order.clone()).collect();
    assert_eq!(all, [1, 2, 3, 4].map(|nth| order(nth).0.id.to_string()));
}
