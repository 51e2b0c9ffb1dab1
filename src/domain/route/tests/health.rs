//! The breaker: it opens by the channel's own faults only, lets one order at a time try, and closes when it may.

use super::super::health::{Guard, Healths, Sign};
use super::super::{Dropped, Memory, Routing};
use super::{Asker, NOW, accounts, chain, dropped, order};
use proptest::prelude::*;
use sluice_contract::Millis;

const GUARD: Guard =
    Guard { enabled: true, faults_min: 5, fault_share_ppm: 500_000, window_ms: 60_000, open_ms: 5_000, open_max_ms: 60_000 };
const GOOD: Sign = Sign::Answered { ms: 80 };

fn at(ms: i64) -> Millis {
    NOW.plus_ms(ms)
}

fn told(healths: &mut Healths, sign: Sign, times: u32, ms: i64) -> Option<bool> {
    (0..times).filter_map(|_| healths.told("a", sign, at(ms), &GUARD)).last()
}

fn opened() -> Healths {
    let mut healths = Healths::default();
    assert_eq!(told(&mut healths, Sign::Fault, 5, 0), Some(true));
    healths
}

fn state(healths: &Healths, ms: i64) -> &'static str {
    healths.shown("a", at(ms), &GUARD).state
}

#[test]
fn it_opens_at_enough_faults_and_enough_of_a_share() {
    let mut healths = Healths::default();
    assert_eq!(told(&mut healths, Sign::Fault, 4, 0), None);
    assert!(healths.all_well() && healths.may_serve("a", at(0)));
    assert_eq!(told(&mut healths, Sign::Fault, 1, 10), Some(true));
    assert!(!healths.all_well() && !healths.may_serve("a", at(10)) && healths.may_serve("b", at(10)));
    // Never five in a row: eleven good of twenty-two are half.
    let mut healths = Healths::default();
    told(&mut healths, GOOD, 9, 0);
    for _ in 0..2 {
        assert_eq!(told(&mut healths, Sign::Fault, 4, 0), None);
        told(&mut healths, GOOD, 1, 0);
    }
    assert_eq!(told(&mut healths, Sign::Fault, 2, 0), None);
    assert_eq!(told(&mut healths, Sign::Fault, 1, 0), Some(true));
    // A channel that dies under load is not believed for the sake of its past.
    let mut healths = Healths::default();
    told(&mut healths, GOOD, 600, 0);
    assert_eq!(told(&mut healths, Sign::Fault, 4, 9_000), None);
    assert_eq!(told(&mut healths, Sign::Fault, 1, 9_000), Some(true));
}

proptest! {
    /// Answers, declines among them, never open it, however many and however slow.
    #[test]
    fn answers_never_open_it(ms in prop::collection::vec((0..20_000_i64, 0..90_000_i64), 1..200)) {
        let (mut healths, mut now) = (Healths::default(), 0);
        for (gap, took) in ms {
            now += gap;
            prop_assert_eq!(healths.told("a", Sign::Answered { ms: took }, at(now), &GUARD), None);
            prop_assert!(healths.all_well() && healths.may_serve("a", at(now)));
        }
    }

    /// Any story of faults, answers, tries and a clock that jumps both ways: opening and closing alternate, it never opens but by a
    /// fault nor closes but by an answer, `all_well` is true to it, and no account is shut out for longer than the longest wait.
    #[test]
    fn whatever_happens_it_keeps_its_word(story in prop::collection::vec((0..5_u8, -30_000..30_000_i64), 1..300)) {
        let (mut healths, mut now, mut open) = (Healths::default(), 0_i64, false);
        for (what, jump) in story {
            now += if jump < -25_000 { jump * 100 } else { jump.abs() / 10 };
            let sign = match what {
                0 => {
                    healths.probing("a", at(now));
                    continue;
                }
                1 | 2 => Sign::Fault,
                _ => GOOD,
            };
            if let Some(opens) = healths.told("a", sign, at(now), &GUARD) {
                prop_assert!(opens != open && opens == (sign == Sign::Fault));
                open = opens;
            }
            prop_assert_eq!(healths.all_well(), !open);
            prop_assert!(open || healths.may_serve("a", at(now)));
            prop_assert!(healths.may_serve("a", at(now + 2 * GUARD.open_max_ms)));
        }
    }
}

#[test]
fn one_order_at_a_time_tries_it() {
    let mut healths = opened();
    assert!(!healths.may_serve("a", at(4_999)));
    // Nobody may try before its time.
    healths.probing("a", at(4_999));
    assert!(healths.may_serve("a", at(5_000)));
    healths.probing("a", at(5_000));
    assert!(!healths.may_serve("a", at(5_000)) && !healths.may_serve("a", at(9_999)));
    // Whoever tried was never heard of again: somebody else may.
    assert!(healths.may_serve("a", at(10_000)));
}

/// Payments fail: whether questions do, one of them finds out. What was under way when the channel died would ask at once, and hang.
#[test]
fn the_first_question_after_payments_failed_goes_out_and_the_others_wait_for_its_answer() {
    let mut healths = opened();
    assert!(healths.is_mute("a"));
    assert_eq!(healths.mute_until("a", at(0), at(10)), None);
    assert_eq!(healths.mute_until("a", at(0), at(11)), Some(at(5_000)));
    assert!(healths.mute_until("a", at(0), at(12)) > Some(at(5_000)));
    healths.asked("a", GOOD, at(200), &GUARD);
    assert!(!healths.is_mute("a") && !healths.may_serve("a", at(200)), "payments are not believed for that");
    assert_eq!((healths.mute_until("a", at(0), at(201)), healths.mute_until("a", at(0), at(202))), (None, None));
    // A question that was under way before says as much.
    let mut healths = opened();
    healths.asked("a", Sign::Fault, at(5), &GUARD);
    assert_eq!(healths.mute_until("a", at(0), at(10)), Some(at(5_000)));
}

/// Asked before its answer is the last, an order would be asked about twice.
#[test]
fn nobody_comes_back_before_its_question_can_be_answered_for_good() {
    let mut healths = opened();
    healths.asked("a", Sign::Fault, at(0), &GUARD);
    let back: Vec<i64> = (0..100).map(|n| healths.mute_until("a", at(n * 100), at(1)).expect("all wait").since_ms(at(0))).collect();
    for (n, ms) in back.iter().enumerate() {
        let settled_ms = i64::try_from(n).unwrap_or(0) * 100;
        assert!((settled_ms.max(5_000)..settled_ms.max(5_000) + 40_000).contains(ms), "{n} comes back after {ms} ms");
    }
}

/// Whoever waits must not come back all at once, however many they are; one alone must not wait for nobody.
#[test]
fn the_first_that_waited_comes_back_at_once_and_all_others_evenly() {
    for orders in [40, 100, 1_000] {
        let mut healths = opened();
        healths.asked("a", Sign::Fault, at(0), &GUARD);
        let back: Vec<i64> = (0..orders).map(|_| healths.mute_until("a", at(0), at(1)).expect("all wait").since_ms(at(5_000))).collect();
        assert_eq!(back[0], 0);
        for second in 0..40 {
            let n = back.iter().filter(|ms| **ms / 1_000 == second).count();
            let mean = usize::try_from(orders / 40).unwrap_or(0);
            assert!(n.abs_diff(mean) <= 2 + mean / 10, "{n} of {orders} in second {second}");
        }
    }
}

/// The worker's questions wait like orders do, and one of them may be the one that tries.
#[test]
fn whoever_asks_is_told_until_when_to_wait_and_one_of_them_tries_it() {
    let mut healths = opened();
    // As long as questions are answered, they go out, whatever becomes of payments; and they close no breaker.
    healths.asked("a", GOOD, at(500), &GUARD);
    healths.asked("b", Sign::Fault, at(500), &GUARD);
    assert_eq!((healths.mute_until("a", at(0), at(1_000)), healths.mute_until("b", at(0), at(1_000))), (None, None));
    assert!(!healths.may_serve("a", at(1_000)));
    healths.asked("a", Sign::Fault, at(1_000), &GUARD);
    assert!(healths.is_mute("a") && !healths.is_mute("b"));
    assert_eq!(healths.mute_until("a", at(0), at(1_000)), Some(at(5_000)));
    assert_eq!(healths.mute_until("a", at(0), at(5_000)), None);
    let second = healths.mute_until("a", at(0), at(5_001)).expect("somebody tries it");
    assert!(at(10_000) < second && second < at(50_000), "{second:?}");
    healths.asked("a", Sign::Fault, at(6_000), &GUARD);
    assert_eq!(healths.mute_until("a", at(0), at(6_001)), Some(at(16_000)));
    assert_eq!(healths.mute_until("a", at(0), at(16_000)), None);
    healths.asked("a", GOOD, at(16_400), &GUARD);
    assert_eq!(healths.mute_until("a", at(0), at(16_401)), None);
    assert_eq!(told(&mut healths, GOOD, 2, 16_500), Some(false));
    assert_eq!(healths.mute_until("a", at(0), at(16_501)), None);
}

#[test]
fn two_good_answers_close_it() {
    let mut healths = opened();
    healths.probing("a", at(5_000));
    assert_eq!((told(&mut healths, GOOD, 1, 5_100), state(&healths, 5_100)), (None, "probing"));
    assert!(healths.may_serve("a", at(5_100)), "the next may try at once");
    assert_eq!((told(&mut healths, GOOD, 1, 5_200), state(&healths, 5_200)), (Some(false), "well"));
    // Closed, it starts with nothing held against the account.
    assert_eq!(told(&mut healths, Sign::Fault, 4, 5_300), None);
    assert!(healths.may_serve("a", at(5_300)));
}

#[test]
fn a_fault_of_a_try_doubles_the_wait_up_to_the_longest() {
    let (mut healths, mut now, mut wait) = (opened(), 0, 5_000);
    for _ in 0..7 {
        now += wait;
        assert!(!healths.may_serve("a", at(now - 1)) && healths.may_serve("a", at(now)), "after {wait}");
        healths.probing("a", at(now));
        told(&mut healths, GOOD, 1, now);
        told(&mut healths, Sign::Fault, 1, now);
        wait = (wait * 2).min(60_000);
    }
}

/// Ten calls were under way when it opened.
#[test]
fn faults_that_were_under_way_when_it_opened_do_not_lengthen_it() {
    let mut healths = opened();
    assert_eq!(told(&mut healths, Sign::Fault, 10, 4_000), None);
    assert!(healths.may_serve("a", at(5_000)));
}

#[test]
fn what_is_older_than_the_window_has_left() {
    let mut healths = Healths::default();
    told(&mut healths, Sign::Fault, 4, 0);
    assert_eq!(healths.shown("a", at(0), &GUARD).faults, 4);
    assert_eq!(told(&mut healths, Sign::Fault, 4, 70_000), None);
    let shown = healths.shown("a", at(70_000), &GUARD);
    assert_eq!((shown.faults, shown.answered, shown.answer_ms, shown.state), (4, 0, None, "well"));
    told(&mut healths, Sign::Answered { ms: 40 }, 1, 70_000);
    told(&mut healths, Sign::Answered { ms: 60 }, 1, 70_000);
    assert_eq!(healths.shown("a", at(70_000), &GUARD).answer_ms, Some(50));
}

/// The clock is put back by an hour: an account that was shut may be tried at once, not in an hour.
#[test]
fn a_clock_that_steps_back_shuts_nobody_out() {
    let mut healths = opened();
    assert!(healths.may_serve("a", at(-3_600_000)));
    healths.probing("a", at(-3_600_000));
    assert!(!healths.may_serve("a", at(-3_600_000)), "one at a time");
    assert_eq!(told(&mut healths, GOOD, 2, -3_599_000), Some(false));
    // And put back while somebody tries it.
    let mut healths = opened();
    healths.probing("a", at(6_000));
    assert!(healths.may_serve("a", at(-3_600_000)));
    // What was counted in the future counts for nothing now.
    let mut healths = Healths::default();
    told(&mut healths, Sign::Fault, 4, 0);
    assert_eq!(told(&mut healths, Sign::Fault, 4, -3_600_000), None);
}

fn sick(memory: &mut Memory, ids: &[&str]) {
    for id in ids {
        for _ in 0..5 {
            memory.health.told(id, Sign::Fault, NOW, &GUARD);
        }
    }
}

#[test]
fn a_sick_account_is_passed_over_while_somebody_else_is_there() {
    let (given, mut memory) = (accounts(&["a", "b"]), Memory::default());
    sick(&mut memory, &["a"]);
    let decision = order().decide(&given, &Routing::default(), &memory);
    assert_eq!((chain(&decision), dropped(&decision, "a"), decision.last_resort), (vec!["b"], Some(Dropped::Unhealthy), false));
    // When its time has come one order tries it, and the next does not.
    let later = Asker { now: at(5_000), ..order() };
    let one = later.decide(&given, &Routing::default(), &memory);
    assert_eq!(chain(&one), ["a", "b"]);
    memory.begin(&one, at(5_000));
    assert_eq!(chain(&later.decide(&given, &Routing::default(), &memory)), ["b"]);
}

#[test]
fn where_all_are_sick_one_is_tried_all_the_same() {
    let (given, mut memory) = (accounts(&["a", "b"]), Memory::default());
    sick(&mut memory, &["a", "b"]);
    let decision = order().decide(&given, &Routing::default(), &memory);
    assert_eq!((chain(&decision), decision.last_resort), (vec!["a", "b"], true));
    // So is the one that the merchant asked for, and the one that is left of those that were tried.
    let pinned = Asker { pinned: Some("b".into()), ..order() }.decide(&given, &Routing::default(), &memory);
    assert_eq!((chain(&pinned), pinned.last_resort), (vec!["b"], true));
    let onward = Asker { tried: vec!["a".into()], ..order() }.decide(&given, &Routing::default(), &memory);
    assert_eq!((chain(&onward), onward.last_resort), (vec!["b"], true));
}

#[test]
fn a_guard_that_is_off_judges_nobody() {
    let (given, mut memory) = (accounts(&["a", "b"]), Memory::default());
    sick(&mut memory, &["a"]);
    let routing = Routing { guard: Guard { enabled: false, ..GUARD }, ..Routing::default() };
    assert_eq!(chain(&order().decide(&given, &routing, &memory)), ["a", "b"]);
}
