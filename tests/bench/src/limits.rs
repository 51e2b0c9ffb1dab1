//! What limits cost: the same orders with no rule, with ten that all match, and with ten beside a million live counters; and how long a
//! hundred rules take to be asked of one order.

use super::Bench;
use crate::drive;
use crate::prefill::Numbers;
use crate::subject::{Done, Subject};
use serde_json::json;
use sluice::domain::limit::{Limit, Limits, Measure, Per, Subjects, Window};
use sluice::domain::when::{Asked, Facts, When};
use sluice_contract::{Fen, Payer};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const COUNTERS: u64 = 1_000_000;
const ROUNDS: usize = 3;
/// Few enough that none of them is asked about within a run.
const ORDERS: u64 = 3_000;

/// Ten rules that every order of the bench matches.
const TEN: &[(&str, &str, &str, &str)] = &[
    ("account-day", "[\"account\"]", "amount", "day"),
    ("account-day-orders", "[\"account\"]", "count", "day"),
    ("account-month", "[\"account\"]", "amount", "month"),
    ("channel-day", "[\"channel\"]", "amount", "day"),
    ("merchant-day", "[\"merchant\"]", "amount", "day"),
    ("merchant-rolling", "[\"merchant\"]", "amount", "rolling:24h"),
    ("method-day", "[\"method\", \"merchant\"]", "amount", "day"),
    ("customer-day", "[\"customer\"]", "amount", "day"),
    ("customer-month-orders", "[\"customer\"]", "count", "month"),
    ("all-lifetime", "[]", "amount", "lifetime"),
];

fn file() -> String {
    let rule = |(name, per, measure, window): &(&str, &str, &str, &str)| {
        format!(
            "[[limit]]\nname = \"{name}\"\nwhen = 'order.amount > 0 && order.method.startsWith(\"wechat\")'\nper = {per}\n\
             measure = \"{measure}\"\nwindow = \"{window}\"\nmax = 900000000000000\n"
        )
    };
    TEN.iter().map(rule).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Ten,
    TenAndMany,
}

impl Bench {
    pub async fn limits(&mut self) -> Done {
        println!("limits, {ORDERS} orders at 64 connections, {ROUNDS} rounds in turn:");
        self.channel.can(true);
        let mut least = [f64::MAX; 3];
        for _ in 0..ROUNDS {
            for (place, with) in [With::Nothing, With::Ten, With::TenAndMany].into_iter().enumerate() {
                let (ratio, used) = self.placed(with).await?;
                let what = ["no rule", "ten rules", "ten rules and a million counters"][place];
                println!("    {what}: {ratio:.3} signatures, {used:?} of processor for an order");
                least[place] = least[place].min(ratio);
            }
        }
        let [none, ten, many] = least;
        self.line("ten matching rules: processor time of an order grows by", 100.0 * (ten / none - 1.0), "%", Some(15.0));
        self.line("a million live counters: it changes by", 100.0 * (many / ten - 1.0).abs(), "%", Some(10.0));
        let asked = asked();
        self.line("a hundred lowered rules, ten of which match", asked.as_secs_f64() * 1e6, "µs", Some(5.0));
        Ok(())
    }

    async fn placed(&self, with: With) -> Done<(f64, Duration)> {
        let mut subject = Subject::new(&self.binary, "limits", &self.account_toml, None)?;
        if with != With::Nothing {
            std::fs::write(subject.dir.join("limits.toml"), file())?;
        }
        if with == With::TenAndMany {
            subject.start()?;
            subject.stop()?;
            fill(&subject)?;
        }
        subject.start()?;
        let warm = requests(&mut subject, 0..300);
        drive::run(subject.address(), Arc::new(warm), 64, None).await;
        let orders = requests(&mut subject, 300..300 + ORDERS);
        let (_, ratio, used) = self.measured(&subject, orders, 64, None).await?;
        subject.stop()?;
        Ok((ratio, used))
    }
}

/// Counters of today's other customers.
fn fill(subject: &Subject) -> Done {
    let start = Window::Day(0).start_of(crate::channel::now());
    let fill = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNTERS}) \
         INSERT INTO limit_counters SELECT 'customer-day', {start}, lower(hex(randomblob(16))), '', 0, 1280, 0, 900000000000000, 0 FROM n"
    );
    Ok(rusqlite::Connection::open(subject.database())?.execute_batch(&fill)?)
}

/// Every order has a customer of its own, so that half of its counters are new.
fn requests(subject: &mut Subject, places: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let one = |place: u64| {
        let body = json!({"merchant_order_no": Numbers::Ordered.number(place), "amount": 1280, "currency": "CNY", "subject": "一箱苹果",
            "method": "wechat_native", "client_ip": "203.0.113.7", "payer": {"customer_id": format!("customer-{place}")}});
        subject.signed("POST", "/v1/orders", &body.to_string())
    };
    places.map(one).collect()
}

/// The time in which a hundred rules are asked of one candidate, the least of several batches.
fn asked() -> Duration {
    const TIMES: u32 = 2_000;
    let rule = |place: usize| {
        let when = if place.is_multiple_of(10) {
            "order.amount >= 100 && order.method == \"wechat_native\"".to_owned()
        } else {
            format!("order.amount > {} && order.metadata.shop == \"{place}\"", 2_000 + place)
        };
        let per = if place.is_multiple_of(20) { Per::Customer } else { Per::Account };
        let limit = Limit::new(&format!("rule-{place}"), &[per], Measure::Amount, Window::Day(0), 1_000_000_000);
        Arc::new(Limit { when: When::parse(&when).expect("a rule"), ..limit })
    };
    let limits = Limits((0..100).map(rule).collect());
    let metadata = serde_json::Map::from_iter([("shop".to_owned(), json!("12"))]);
    let payer = Payer::default();
    let now = crate::channel::now();
    let order = Asked {
        merchant_order_no: "SO-1",
        amount: Fen(1280),
        currency: "CNY",
        subject: "Apples",
        method: "wechat_native",
        app_id: None,
        store: None,
        operator_id: None,
        auth_means: None,
        h5_type: None,
        client_ip: None,
        expires_in: None,
        account: None,
        terminal: None,
        metadata: &metadata,
    };
    let facts = Facts { order, payer: &payer, merchant_id: "m_demo", merchant_name: "Demo", account: "wx-main", channel: "wechat", now };
    let subjects = Subjects { payer: None, customer: Some("0123456789abcdef0123456789abcdef") };
    let batch = || {
        let began = Instant::now();
        for _ in 0..TIMES {
            let asked = black_box(&limits).ask(black_box(&facts), subjects, now).expect("no rule refuses");
            assert_eq!(black_box(asked).asks.len(), 10);
        }
        began.elapsed() / TIMES
    };
    (0..10).map(|_| batch()).min().unwrap_or_default()
}
