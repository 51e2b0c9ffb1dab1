//! The judge. It compares, at rest, the channel's own ledger, the merchant API, what the merchant was told and what it was promised.
//! It reads the store for one question only: whether anything is still due. Numbers are RELIABILITY part 2's invariants.

use super::journey::World;
use super::limits;
use super::merchant::{Told, open};
use super::rig::{Done, Gateway, Row, until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Everything ends within the shortest expiry (60 s, never divided), the channel's own waits, and some.
pub const REST: Duration = Duration::from_secs(150);

/// Where a number that was sent once is never sent again (packs: UnionPay 4.1, ICBC UNCONFIRMED): a refund whose request died with its
/// sender stays open until the channel's statement decides. Asked as often as UnionPay's pack says at most, nothing else is to be expected.
const STATEMENT_DECIDES: &[&str] = &["unionpay", "icbc"];
const ASKED_IN_VAIN: u32 = 6;

/// What was judged, to be printed.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub orders: usize,
    pub by_status: BTreeMap<String, usize>,
    pub charges: u32,
    pub refunds: usize,
    pub notified: usize,
    pub suspended: i64,
    pub cut_short: u64,
    pub limits: limits::Books,
    pub wrong: Vec<String>,
}

/// Orders of which anything is still to be expected.
fn due() -> String {
    let names = STATEMENT_DECIDES.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!(
        "FROM orders WHERE wake_at IS NOT NULL AND suspended = 0 AND (status = 'pending' \
         OR EXISTS (SELECT 1 FROM attempts a WHERE a.order_id = orders.id AND a.next_at IS NOT NULL AND a.suspended = 0) \
         OR EXISTS (SELECT 1 FROM refunds r JOIN attempts a ON a.order_id = r.order_id AND a.seq = r.attempt_seq WHERE r.order_id = orders.id \
         AND r.status = 'pending' AND NOT (r.pending_reason = 'unknown' AND r.queries >= {ASKED_IN_VAIN} AND a.channel IN ({names}))))"
    )
}

/// Waits until nothing is due any more but what is suspended (I10).
pub async fn rest(world: &World, gateway: &Gateway) -> Done {
    if gateway.books.is_none() {
        return rest_from_outside(world).await;
    }
    let all = format!("SELECT (SELECT COUNT(*) {}) + (SELECT COUNT(*) FROM notices WHERE status = 'waiting')", due());
    let rested = until("I10 rest", REST, || async { (gateway.count(&all).await == Some(0)).then_some(()) }).await;
    let Err(error) = rested else { return Ok(()) };
    // A notification that failed often has a schedule of its own: hours, divided as every wait is.
    let next_at = gateway.count("SELECT MAX(next_at) FROM notices WHERE status = 'waiting'").await.unwrap_or_default();
    let now_ms = std::time::UNIX_EPOCH.elapsed()?.as_millis() as i64;
    let only_told = gateway.count(&format!("SELECT COUNT(*) {}", due())).await == Some(0);
    if let (true, Ok(waits_ms @ 1..)) = (only_told, u64::try_from(next_at - now_ms)) {
        println!("  waits {waits_ms} ms for the last notifications' own schedule");
        return until("I7 the last notifications", Duration::from_millis(waits_ms) + REST, || async { (gateway.count(&all).await == Some(0)).then_some(()) }).await;
    }
    let orders = gateway.count(&format!("SELECT COUNT(*) {}", due())).await;
    let notices = gateway.count("SELECT COUNT(*) FROM notices WHERE status = 'waiting'").await;
    let restless = restless(gateway).await?;
    Err(format!("{error}; still due: {orders:?} orders, {notices:?} notifications;{restless}\nits log ends: {}", gateway.log_tail()).into())
}

/// The first orders that are still due, each with its trail and what only operators see of it.
async fn restless(gateway: &Gateway) -> Done<String> {
    let books = gateway.books()?;
    let mut told = String::new();
    for id in books.texts(&format!("SELECT id {} LIMIT 3", due()), &[]).await? {
        told.push_str(&format!("\n{id}"));
        let trail = "SELECT seq || ' ' || at || ' ' || kind || ' ' || data || ' ' || COALESCE(\"inner\", '') FROM events WHERE order_id = ?1 ORDER BY seq";
        for line in books.texts(trail, &[&id]).await? {
            told.push_str(&format!("\n  {line}"));
        }
    }
    Ok(told)
}

/// The same for a store that cannot be read beside the gateway: nothing is pending, and every end was told.
async fn rest_from_outside(world: &World) -> Done {
    until("I10 rest", REST, || async {
        let (_, pending) = world.merchant.persist("GET", "/v1/orders?status=pending&limit=1", None).await?;
        let told: BTreeSet<String> = open(&world.merchant.book.told).iter().filter_map(|t| t.data["id"].as_str().map(str::to_owned)).collect();
        let promised = open(&world.merchant.book.orders).values().all(|o| told.contains(&o.id));
        (list(&pending, "data").is_empty() && promised).then_some(())
    })
    .await
}

/// Waits for rest and judges everything.
pub async fn judge(world: &World, gateway: &Gateway) -> Done<Verdict> {
    rest(world, gateway).await?;
    let mut verdict = Verdict { wrong: world.merchant.book.accusations(), ..Verdict::default() };
    verdict.cut_short = world.cut_short.load(std::sync::atomic::Ordering::Relaxed);
    verdict.suspended = gateway.count("SELECT COUNT(*) FROM orders WHERE suspended = 1").await.unwrap_or(-1);
    let orders = all_orders(world).await?;
    let ledger: BTreeMap<String, Vec<Row>> = world.sandbox.ledger().await?.into_iter().fold(BTreeMap::new(), |mut all, row| {
        all.entry(row.order_id()).or_insert_with(Vec::new).push(row);
        all
    });
    promises_kept(world, &orders, &mut verdict);
    verdict.limits = limits::judge(gateway, &orders, &ledger, &mut verdict.wrong).await?;
    let told: BTreeMap<String, Vec<Told>> = open(&world.merchant.book.told).iter().fold(BTreeMap::new(), |mut all, told| {
        let about = told.data["order_id"].as_str().or(told.data["id"].as_str()).unwrap_or_default();
        all.entry(about.to_owned()).or_insert_with(Vec::new).push(told.clone());
        all
    });
    for (id, order) in &orders {
        verdict.orders += 1;
        *verdict.by_status.entry(order["status"].as_str().unwrap_or("?").to_owned()).or_default() += 1;
        let mut case = Case { id, order, wrong: &mut verdict.wrong };
        let rows = ledger.get(id).map(Vec::as_slice).unwrap_or_default();
        case.books_agree(rows);
        case.trail_is_whole();
        case.merchant_was_told(told.get(id).map(Vec::as_slice).unwrap_or_default());
        verdict.charges += rows.iter().map(|r| r.charges).sum::<u32>();
        verdict.refunds += list(order, "refunds").len();
        verdict.notified += told.get(id).map_or(0, Vec::len);
    }
    Ok(verdict)
}

impl Verdict {
    /// Fails the test with everything that was wrong.
    pub fn must_be_clean(&self, gateway: &Gateway) {
        println!("  judged {} orders {:?}, {} charges, {} refunds, {} notifications, {} suspended, {} cut short, limits {:?}: {} wrong",
            self.orders, self.by_status, self.charges, self.refunds, self.notified, self.suspended, self.cut_short, self.limits, self.wrong.len());
        assert!(self.wrong.is_empty(), "{}\n{} wrong in {}", self.wrong.join("\n"), self.wrong.len(), gateway.dir.display());
        assert!(self.orders > 0, "nothing was judged");
    }
}

/// Every order of the merchant with attempts, refunds and events, by id.
async fn all_orders(world: &World) -> Done<BTreeMap<String, Value>> {
    let mut ids = BTreeSet::new();
    let mut path = "/v1/orders?limit=100".to_owned();
    loop {
        let (status, page) = world.merchant.persist("GET", &path, None).await.ok_or("no answer to a list")?;
        if status != 200 {
            return Err(format!("{path}: {status} {page}").into());
        }
        ids.extend(list(&page, "data").iter().filter_map(|o| o["id"].as_str().map(str::to_owned)));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/orders?limit=100&cursor={cursor}");
    }
    let mut orders = BTreeMap::new();
    for id in ids {
        let path = format!("/v1/orders/{id}?expand=attempts,refunds,events");
        let (status, order) = world.merchant.persist("GET", &path, None).await.ok_or("no answer to a read")?;
        if status != 200 {
            return Err(format!("{path}: {status} {order}").into());
        }
        orders.insert(id, order);
    }
    Ok(orders)
}

/// I1, and the merchant's half of I5: what was answered 2xx exists as it was answered.
fn promises_kept(world: &World, orders: &BTreeMap<String, Value>, verdict: &mut Verdict) {
    for (number, promise) in open(&world.merchant.book.orders).iter() {
        let kept = orders.get(&promise.id).is_some_and(|o| {
            o["merchant_order_no"] == **number && o["amount"] == promise.amount && o["created_at"] == *promise.created_at
        });
        if !kept {
            verdict.wrong.push(format!("I1 {number} was promised as {promise:?} and is {:?}", orders.get(&promise.id)));
        }
    }
    for (number, promise) in open(&world.merchant.book.refunds).iter() {
        let order = orders.get(&promise.order_id);
        let kept = order.is_some_and(|o| {
            list(o, "refunds").iter().any(|r| r["id"] == *promise.id && r["amount"] == promise.amount && r["merchant_refund_no"] == **number)
        });
        if !kept {
            verdict.wrong.push(format!("I5 refund {number} was promised as {promise:?} and is not there"));
        }
    }
    let numbers: BTreeSet<&str> = orders.values().filter_map(|o| o["merchant_order_no"].as_str()).collect();
    if numbers.len() != orders.len() {
        verdict.wrong.push(format!("I2 {} orders have {} numbers", orders.len(), numbers.len()));
    }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn sum(refunds: &[Value], status: &str) -> i64 {
    refunds.iter().filter(|r| r["status"] == status).filter_map(|r| r["amount"].as_i64()).sum()
}

struct Case<'a> {
    id: &'a str,
    order: &'a Value,
    wrong: &'a mut Vec<String>,
}

impl Case<'_> {
    fn must(&mut self, holds: bool, what: &str) {
        if !holds {
            self.wrong.push(format!("{what}: {} {} {}", self.id, self.order["status"], self.order["method"]));
        }
    }

    fn status(&self) -> &str {
        self.order["status"].as_str().unwrap_or_default()
    }

    /// I2, I3, I5, I8 against the channel's own ledger.
    fn books_agree(&mut self, rows: &[Row]) {
        let status = self.status().to_owned();
        let attempts = list(self.order, "attempts");
        let suspended = attempts.iter().any(|a| a["suspended"] == true);
        self.must(status != "pending" || suspended, "I10 still pending at rest");
        self.must(rows.iter().all(|r| attempts.iter().any(|a| a["channel_order_no"] == *r.out_trade_no)), "I1 the channel has an attempt that the store has not");
        self.must(rows.iter().all(|r| r.charges <= 1), "I2 one number was charged twice");
        let keeps = rows.iter().filter(|r| r.kept() > 0).count();
        self.must(keeps <= 1, "I2 more than one charge is kept");
        let amount = self.order["amount"].as_i64().unwrap_or_default();
        let won = attempts.iter().find(|a| a["status"] == "succeeded" && a["late"] == false);
        let row = won.and_then(|a| rows.iter().find(|r| a["channel_order_no"] == *r.out_trade_no));
        if status == "paid" {
            self.must(row.is_some_and(|r| r.status == "paid" && r.total == amount && r.charges == 1), "I3 paid here, not so at the channel");
            self.must(self.order["paid_amount"] == amount, "I3 paid another amount");
        } else if !suspended && !list(self.order, "refunds").iter().any(|r| r["status"] == "pending") {
            self.must(rows.iter().all(|r| r.kept() == 0), "I3 the channel keeps money of an order that is not paid");
        }
        for attempt in attempts {
            let row = rows.iter().find(|r| attempt["channel_order_no"] == *r.out_trade_no);
            let is = attempt["status"].as_str().unwrap_or_default();
            let definite = row.is_none_or(|r| matches!((is, r.status.as_str()),
                ("succeeded", "paid") | ("closed", "closed") | ("failed", "failed" | "closed" | "reversed") | ("reversed", "reversed") | ("abandoned", _) | ("closed", "reversed")))
                // Other channels' words: a code that died by itself where there is no close, an unpaid trade that a cancel closes.
                || row.is_some_and(|r| r.channel != "wechat" && r.charges == 0 && matches!((is, r.status.as_str()), ("closed", "created") | ("reversed", "closed")));
            self.must(definite || suspended, &format!("I8 attempt is {is}, the channel says {:?}", row.map(|r| r.status.as_str())));
        }
        self.refunds_agree(rows);
    }

    fn refunds_agree(&mut self, rows: &[Row]) {
        let refunds = list(self.order, "refunds").to_vec();
        for row in rows {
            let not_failed = row.total - row.given_back("failed").min(0) - row.given_back("pending") - row.given_back("succeeded");
            self.must(not_failed >= 0, "I5 the channel gave back more than it took");
            for back in &row.refunds {
                let ours = refunds.iter().find(|r| r["id"] == *back.out_refund_no);
                self.must(ours.is_some_and(|r| r["amount"] == back.amount && r["status"] == *back.status), "I5 a refund at the channel is another here");
            }
        }
        for refund in refunds.iter().filter(|r| r["status"] == "succeeded") {
            let there = rows.iter().flat_map(|r| &r.refunds).any(|r| refund["id"] == *r.out_refund_no && r.status == "succeeded");
            self.must(there, "I5 a refund succeeded here only");
        }
        let waits: Vec<Value> = refunds.iter().filter(|r| r["status"] == "pending").cloned().collect();
        for refund in &waits {
            let unheard = !rows.iter().flat_map(|r| &r.refunds).any(|back| refund["id"] == *back.out_refund_no);
            let by_statement = rows.iter().any(|r| STATEMENT_DECIDES.contains(&r.channel.as_str())) && refund["pending_reason"] == "unknown";
            self.must(by_statement && unheard, "I10 a refund is pending at rest");
        }
        let captured: i64 = list(self.order, "attempts").iter().filter_map(|a| a["captured_amount"].as_i64()).sum();
        self.must(sum(&refunds, "succeeded") + sum(&refunds, "pending") <= captured, "I5 refunds exceed what was captured");
        let own: Vec<Value> = refunds.iter().filter(|r| matches!(r["origin"].as_str(), Some("merchant" | "reversal"))).cloned().collect();
        self.must(self.order["refunded_amount"] == sum(&own, "succeeded"), "I3 refunded_amount is not the sum of its refunds");
        let left: Vec<Value> = waits.into_iter().filter(|r| matches!(r["origin"].as_str(), Some("merchant" | "reversal"))).collect();
        self.must(self.order["refunding_amount"] == sum(&left, "pending"), "I10 something else is being refunded at rest");
    }

    /// I6: numbered without a gap, one end at most and the right one.
    fn trail_is_whole(&mut self) {
        let events = list(self.order, "events").to_vec();
        let whole = events.iter().enumerate().all(|(place, e)| e["seq"].as_u64() == Some(place as u64 + 1));
        self.must(whole && !events.is_empty(), "I6 the trail has a gap");
        let ends: Vec<&str> = events.iter().filter_map(|e| e["type"].as_str()).filter_map(end_of).collect();
        let status = self.status().to_owned();
        self.must(if status == "pending" { ends.is_empty() } else { ends == [status.as_str()] }, &format!("I6 the trail ends as {ends:?}"));
    }

    /// I7: every end reaches the merchant under one id, nothing contradicts it, versions grow.
    fn merchant_was_told(&mut self, told: &[Told]) {
        let status = self.status().to_owned();
        let ids: BTreeSet<&str> = told.iter().filter(|t| end_of(&t.kind).is_some()).map(|t| t.event_id.as_str()).collect();
        let agrees = told.iter().filter(|t| end_of(&t.kind).is_some()).all(|t| t.data["status"] == *status && t.data["amount"] == self.order["amount"]);
        self.must(agrees, "I7 the merchant was told another end");
        self.must(ids.len() == usize::from(status != "pending"), &format!("I7 the end was told under {} ids", ids.len()));
        for refund in list(self.order, "refunds").to_vec() {
            let news: Vec<&Told> = told.iter().filter(|t| t.data["id"] == refund["id"] && matches!(t.kind.as_str(), "refund.succeeded" | "refund.failed")).collect();
            let ids: BTreeSet<&str> = news.iter().map(|t| t.event_id.as_str()).collect();
            let ended = usize::from(refund["status"] != "pending");
            self.must(ids.len() == ended && news.iter().all(|t| t.data["status"] == refund["status"]), &format!("I7 a refund was told under {} ids", ids.len()));
        }
        let mut versions: Vec<(&str, i64)> = told.iter().filter(|t| t.kind.starts_with("order.")).filter_map(|t| Some((t.event_id.as_str(), t.data["version"].as_i64()?))).collect();
        versions.sort_unstable();
        versions.dedup();
        self.must(versions.windows(2).all(|pair| pair[0].1 < pair[1].1), "F5 a later event has no higher version");
    }
}

fn end_of(kind: &str) -> Option<&str> {
    kind.strip_prefix("order.").filter(|end| matches!(*end, "paid" | "failed" | "closed" | "reversed"))
}
