//! What a statement finds, on both engines: random lives over days and merchants, paid soon, late, twice and long after, refunded weeks later,
//! at the edges of days; every day's lines against a list that was kept beside, whatever the size of a slice and wherever a page ends.

use super::books::{Books, on_both_engines};
use super::store::order;
use serde_json::json;
use sluice::domain::life::{Intent, Undo};
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::{NewRefund, RefundTold};
use sluice::domain::statement::{Booking, Kind, Period, Place, SOON_MS, Tally};
use sluice::domain::{Candidate, Order, OrderId, RefundOrigin};
use sluice::flow::statement::{Walk, Wanted};
use sluice::store::{Answer, Command, Outcome, Query};
use sluice_contract::{Day, Failure, FailureCode, Fault, Fen, Millis, Pay, Payment, Refund, Refunded, Second};
use std::collections::{BTreeMap, BTreeSet};

on_both_engines! {
    the_lines_of_all_days_are_the_lives_of_all_orders
    a_day_that_is_over_changes_only_by_late_news
    sandbox_and_live_money_are_never_on_one_statement
}

const FIRST_DAY: &str = "2026-11-10";
const DAY_MS: i64 = 86_400_000;
const MERCHANTS: [&str; 3] = ["m1", "m2", "m3"];

/// Numbers that look like chance and are the same every time (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 1).unwrap() % n
    }

    fn pick(&mut self, of: &[i64]) -> i64 {
        of[usize::try_from(self.below(i64::try_from(of.len()).unwrap())).unwrap()]
    }
}

/// A line that must be there: merchant, number, signed amount.
type Line = (String, String, i64);

struct Stage {
    books: Books,
    dice: Dice,
    template: (Order, Vec<Candidate>),
    made: u128,
    /// What must be on the statements, by the moment it counts.
    lines: BTreeMap<Line, Millis>,
}

struct Placed {
    id: OrderId,
    merchant: String,
    at: Millis,
    amount: i64,
}

fn start() -> Millis {
    Day::parse(FIRST_DAY).unwrap().start().millis()
}

impl Stage {
    fn new(books: Books, seed: u64) -> Stage {
        Stage { books, dice: Dice(seed), template: order(1), made: 0, lines: BTreeMap::new() }
    }

    fn apply(&mut self, command: &Command) -> Outcome {
        self.books.apply(&[command]).remove(0).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Some moment of twelve days; often one beside a midnight.
    fn moment(&mut self) -> Millis {
        let edges = [0, 1, 999, DAY_MS - 1, DAY_MS - 1_000];
        let in_day = if self.dice.below(3) == 0 { self.dice.pick(&edges) } else { self.dice.below(DAY_MS) };
        start().plus_ms(self.dice.below(12) * DAY_MS + in_day)
    }

    fn place(&mut self, merchant: &str, at: Millis) -> Placed {
        self.made += 1;
        let amount = 1 + self.dice.below(100_000);
        let (mut order, candidates) = self.template.clone();
        order.id = OrderId::new(at, self.made.to_be_bytes());
        (order.created_at, order.expires_at, order.amount) = (at, at.plus_s(604_800), Fen(amount));
        (order.merchant_id, order.merchant_order_no) = (merchant.to_owned(), format!("M{}", self.made));
        let placed = Placed { id: order.id.clone(), merchant: merchant.to_owned(), at, amount };
        let outcome = self.apply(&Command::PlaceOrder { nonce: None, order: Box::new(order), candidates });
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
        placed
    }

    fn told(&self, seq: u32, said: Pay, at: Millis) -> PayTold {
        PayTold {
            attempt_seq: seq,
            said,
            source: Source::Query,
            asked_at: at,
            at,
            next_at: at.plus_s(5),
            undo_at: at,
            not_found_final: false,
            payable_until: at,
            payer_sealed: None,
            action_expires_at: None,
            fallback: self.template.1.get(1).cloned().into_iter().collect(),
            refund_gap_ms: 0,
            counters: Vec::new(),
            inner: json!(null),
        }
    }

    /// The money is there; what it must look like on a statement is kept.
    fn pay(&mut self, of: &Placed, seq: u32, at: Millis) {
        // The channel tells no time, one nearby, or one that nobody believes.
        let told = match self.dice.below(3) {
            0 => None,
            1 => Some(at.second().plus(-self.dice.below(300))),
            _ => Some(Second(self.dice.pick(&[0, at.second().0 + 86_400]))),
        };
        self.pay_at(of, seq, at, told);
    }

    fn pay_at(&mut self, of: &Placed, seq: u32, at: Millis, told: Option<Second>) {
        let payment = Payment { paid_at: told, ..Payment::of(Fen(of.amount)) };
        let told_ms = told.map(|told| Millis(told.0 * 1000));
        let believed = told_ms.filter(|told| *told >= of.at.plus_s(-300) && *told <= at.plus_s(300)).unwrap_or(at);
        let told = self.told(seq, Pay::Paid(payment), at);
        self.apply(&Command::TakePay { order_id: of.id.clone(), told: Box::new(told) });
        self.lines.insert((of.merchant.clone(), of.id.attempt_number(seq), of.amount), believed);
    }

    fn says(&mut self, of: &Placed, seq: u32, said: Pay, at: Millis) {
        let told = self.told(seq, said, at);
        self.apply(&Command::TakePay { order_id: of.id.clone(), told: Box::new(told) });
    }

    /// The refund is done.
    fn give_back(&mut self, of: &Placed, seq: u32, amount: i64, at: Millis) {
        let order_id = of.id.clone();
        self.apply(&Command::BeginRefund { order_id: order_id.clone(), refund_seq: seq, at, lease_until: at });
        let near = (self.dice.below(2) == 0).then(|| at.second());
        let told = RefundTold {
            refund_seq: seq,
            said: Refund::Succeeded(Refunded { at: near, ..Refunded::default() }),
            at,
            next_at: at,
            queried: false,
            counters: Vec::new(),
            inner: json!(null),
        };
        self.apply(&Command::TakeRefund { order_id, told: Box::new(told) });
        let life = self.books.life(&of.id).unwrap().unwrap();
        let done = life.refund(seq).unwrap().succeeded_at.unwrap();
        assert!(done == at || Some(done.second()) == near, "{done:?} {at:?}");
        self.lines.insert((of.merchant.clone(), of.id.refund_id(seq), -amount), done);
    }

    fn ask_back(&mut self, of: &Placed, amount: i64, at: Millis) -> u32 {
        let new = NewRefund {
            merchant_id: of.merchant.clone(),
            merchant_refund_no: Some(format!("F{}-{}", self.made, self.dice.below(i64::MAX))),
            fingerprint: vec![1],
            attempt_seq: None,
            ..NewRefund::automatic(1, Fen(amount), RefundOrigin::Merchant, at, 0)
        };
        match self.apply(&Command::RequestRefund { nonce: None, order_id: of.id.clone(), new: Box::new(new) }) {
            Outcome::RefundCreated { life, .. } => life.refunds.last().unwrap().seq,
            other => panic!("{other:?}"),
        }
    }

    fn close(&mut self, of: &Placed, at: Millis) {
        let wish = Command::Wish { order_id: of.id.clone(), intent: Intent::MerchantClose, verb: Undo::Close, at, due_at: at };
        self.apply(&wish);
        self.says(of, 1, Pay::Closed, at);
    }

    /// One order's whole life.
    fn live(&mut self) {
        let merchant = MERCHANTS[usize::try_from(self.dice.below(3)).unwrap()];
        let at = self.moment();
        let of = self.place(merchant, at);
        let soon = self.dice.below(900_000);
        let long =
            self.dice.pick(&[SOON_MS, SOON_MS + 1, SOON_MS - 1, 3 * DAY_MS, 25 * DAY_MS]) + self.dice.below(2) * self.dice.below(DAY_MS);
        match self.dice.below(8) {
            0 => {}
            fate @ 1..=5 => {
                let paid = at.plus_ms(if fate == 5 { long } else { soon });
                self.pay(&of, 1, paid);
                self.refunds(&of, paid);
            }
            6 => {
                self.close(&of, at.plus_s(60));
                let late = at.plus_s(61).plus_ms(long);
                self.pay(&of, 1, late);
                self.returned(&of, late);
            }
            _ => {
                let fault =
                    Failure { code: FailureCode::ChannelUnavailable, fault: Fault::Account, message: "no".to_owned(), channel_code: None };
                self.says(&of, 1, Pay::Failed(fault), at.plus_s(1));
                self.pay(&of, 2, at.plus_s(2).plus_ms(soon));
                let twice = at.plus_s(10).plus_ms(long);
                self.pay(&of, 1, twice);
                self.returned(&of, twice);
            }
        }
    }

    fn refunds(&mut self, of: &Placed, paid: Millis) {
        let mut left = of.amount;
        for _ in 0..self.dice.below(3) {
            let amount = 1 + self.dice.below(left);
            let at = paid.plus_ms(310_000 + self.dice.below(40 * DAY_MS));
            let seq = self.ask_back(of, amount, at);
            // One that is under way is on no statement.
            if self.dice.below(4) > 0 {
                let done = at.plus_ms(self.dice.below(DAY_MS));
                self.give_back(of, seq, amount, done);
            }
            left -= amount;
            if left == 0 {
                break;
            }
        }
    }

    /// Money that was not wanted goes back by itself; the channel is slow at times.
    fn returned(&mut self, of: &Placed, at: Millis) {
        let seq = self.books.life(&of.id).unwrap().unwrap().refunds.last().unwrap().seq;
        if self.dice.below(3) > 0 {
            let done = at.plus_ms(310_000 + self.dice.below(DAY_MS));
            self.give_back(of, seq, of.amount, done);
        }
    }

    /// The lines of a statement, walked in slices of so many rows from behind a line.
    fn walk(&self, wanted: &Wanted, slice: u32, behind: Option<Place>) -> Vec<(Place, Booking)> {
        let (mut walk, mut lines) = (Walk::new(wanted, behind), Vec::new());
        while let Some(query) = walk.ask() {
            let Query::Booked(asked) = query else { panic!("{query:?}") };
            let answer = self.books.answer(&Query::Booked(sluice::store::Slice { limit: slice, ..asked })).unwrap();
            assert!(
                matches!(&answer, Answer::Booked { found, .. } if found.len() <= usize::try_from(slice).unwrap()),
                "a slice is bounded"
            );
            lines.extend(walk.take(answer).unwrap());
        }
        lines
    }

    fn tally(&self, wanted: &Wanted) -> Tally {
        let mut tally = Tally::default();
        self.walk(wanted, 1_000, None).iter().for_each(|(_, line)| tally.add(line).unwrap());
        tally
    }

    fn expected(&self, merchant: Option<&str>, period: Period) -> BTreeSet<Line> {
        let of = |(line, at): (&Line, &Millis)| (period.holds(*at) && merchant.is_none_or(|id| id == line.0)).then(|| line.clone());
        self.lines.iter().filter_map(of).collect()
    }
}

fn wanted(merchant: Option<&str>, period: Period) -> Wanted {
    Wanted { merchant_id: merchant.map(str::to_owned), period, livemode: false }
}

fn days(from: i64, to: i64) -> impl Iterator<Item = Period> {
    (from..to).map(|nth| Period::Day(Day::parse(FIRST_DAY).unwrap().plus(nth)))
}

fn line(of: &Booking) -> Line {
    let id = &of.order.id;
    let number = of.refund.as_ref().map_or_else(|| id.attempt_number(of.attempt.seq), |refund| id.refund_id(refund.seq));
    (of.order.merchant_id.clone(), number, of.amount().0)
}

fn the_lines_of_all_days_are_the_lives_of_all_orders(books: Books) {
    let mut stage = Stage::new(books, 0x5eed_0001);
    for _ in 0..300 {
        stage.live();
    }
    let kinds: BTreeSet<Kind> =
        days(-1, 90).flat_map(|day| stage.walk(&wanted(None, day), 1_000, None)).map(|(_, line)| line.kind()).collect();
    assert_eq!(kinds.len(), 4, "every kind of line was drawn: {kinds:?}");
    let mut found = 0;
    for day in days(-1, 90) {
        for merchant in [None, Some("m1"), Some("m2"), Some("m3")] {
            let (wanted, expected) = (wanted(merchant, day), stage.expected(merchant, day));
            for slice in [3, 1_000] {
                let lines = stage.walk(&wanted, slice, None);
                let told: BTreeSet<Line> = lines.iter().map(|(_, of)| line(of)).collect();
                assert_eq!((told.len(), &told), (lines.len(), &expected), "{merchant:?} {} in slices of {slice}", day.name());
            }
            found += if merchant.is_none() { expected.len() } else { 0 };
        }
    }
    assert_eq!(found, stage.lines.len(), "each line is on one day's statement");
    sums_are_the_orders_own(&stage);
    pages_end_anywhere(&stage);
}

/// What the lines add up to is what the orders' own columns say, and a month is its days.
fn sums_are_the_orders_own(stage: &Stage) {
    let (mut captured, mut refunded, mut fee) = (0, 0, 0);
    let ids: BTreeSet<OrderId> = stage.lines.keys().filter_map(|(_, number, _)| OrderId::of_attempt(number)).map(|(id, _)| id).collect();
    for id in ids {
        let life = stage.books.life(&id).unwrap().unwrap();
        captured += life.attempts.iter().map(|attempt| attempt.captured.0).sum::<i64>();
        refunded += life.attempts.iter().map(|attempt| attempt.refunded.0).sum::<i64>();
        let paid = life.attempts.iter().filter(|attempt| attempt.captured.is_positive());
        fee +=
            paid.map(|attempt| attempt.notes.fee.as_ref().and_then(|tariff| tariff.fee(attempt.amount)).unwrap_or_default().0).sum::<i64>();
    }
    let mut all = Tally::default();
    days(-1, 90).flat_map(|day| stage.walk(&wanted(None, day), 1_000, None)).for_each(|(_, line)| all.add(&line).unwrap());
    let totals = all.totals;
    assert_eq!((totals.paid.0, totals.refunded.0, totals.fee.0), (captured, refunded, fee));
    assert_eq!(totals.net(), Some(Fen(captured - refunded - fee)));
    for (name, from, days_of) in [("2026-11", 0, 21), ("2026-12", 21, 31)] {
        let month = stage.tally(&wanted(Some("m1"), Period::month(name).unwrap()));
        let mut by_days = Tally::default();
        for day in days(from - i64::from(name == "2026-11") * 9, from + days_of) {
            stage.walk(&wanted(Some("m1"), day), 1_000, None).iter().for_each(|(_, line)| by_days.add(line).unwrap());
        }
        assert!(month.totals.payments > 0 && month == by_days && month.version() == by_days.version(), "{name}");
        let sum = |sums: &mut dyn Iterator<Item = i64>| sums.sum::<i64>();
        assert_eq!(sum(&mut month.by.values().map(|s| s.paid.0)), month.totals.paid.0);
        assert_eq!(sum(&mut month.days.values().map(|s| s.refunded.0)), month.totals.refunded.0);
    }
}

/// Behind each line of a day come exactly those that came behind it.
fn pages_end_anywhere(stage: &Stage) {
    for day in days(0, 40).step_by(3) {
        let wanted = wanted(Some("m2"), day);
        let whole = stage.walk(&wanted, 1_000, None);
        for (nth, (place, _)) in whole.iter().enumerate() {
            let cursor = Place::parse(&place.text());
            assert_eq!(cursor.as_ref(), Some(place));
            assert_eq!(stage.walk(&wanted, 2, cursor), whole[nth + 1..], "{} behind {place:?}", day.name());
        }
    }
}

fn a_day_that_is_over_changes_only_by_late_news(books: Books) {
    let mut stage = Stage::new(books, 0x5eed_0002);
    let day = |nth: i64| wanted(Some("m1"), Period::Day(Day::parse(FIRST_DAY).unwrap().plus(nth)));
    let (noon, paid) = (start().plus_s(43_200), start().plus_s(43_260));
    let (kept, waiting) = (stage.place("m1", noon), stage.place("m1", noon));
    stage.pay_at(&kept, 1, paid, None);
    let first = stage.tally(&day(0));
    assert_eq!((first.totals.payments, first.totals.refunds), (1, 0));
    // A refund today, another order today, another merchant's money that day: nothing of it is of that day.
    let seq = stage.ask_back(&kept, 1, paid.plus_s(DAY_MS / 1000));
    stage.give_back(&kept, seq, 1, paid.plus_s(DAY_MS / 1000));
    let other = stage.place("m2", noon);
    stage.pay_at(&other, 1, paid, None);
    let today = stage.place("m1", noon.plus_ms(DAY_MS));
    stage.pay_at(&today, 1, paid.plus_ms(DAY_MS), None);
    assert_eq!(stage.tally(&day(0)), first);
    let second = stage.tally(&day(1));
    assert_eq!((second.totals.payments, second.totals.refunds), (1, 1));
    assert_ne!(second.version(), first.version());
    // Three days later the channel tells of money that it took that day.
    stage.pay_at(&waiting, 1, paid.plus_ms(3 * DAY_MS), Some(paid.second()));
    let news = stage.tally(&day(0));
    assert_eq!(news.totals.payments, 2);
    assert_ne!(news.version(), first.version());
    assert_eq!(stage.tally(&day(1)), second);
    assert_eq!(stage.tally(&day(0)).version(), news.version());
}

fn sandbox_and_live_money_are_never_on_one_statement(books: Books) {
    let mut stage = Stage::new(books, 0x5eed_0003);
    let of = stage.place("m1", start());
    stage.pay_at(&of, 1, start().plus_s(5), None);
    let day = days(0, 1).next().unwrap();
    assert_eq!(stage.walk(&wanted(Some("m1"), day), 10, None).len(), 1);
    let live = Wanted { livemode: true, ..wanted(Some("m1"), day) };
    assert_eq!(stage.walk(&live, 10, None), []);
}
