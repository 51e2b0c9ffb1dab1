//! `sluice reconcile`: a day that agrees is clean, what is planted in a bill is found and nothing else, a lost order is booked and told,
//! and a bill that is no bill changes nothing.

use crate::harness::process::outcome;
use crate::harness::till::{Offer, body_of, id_of, plain_offers, refunded};
use crate::harness::{Inbox, Manner, World, order, unique, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub const KINDS: [&str; 6] = ["missing_here", "missing_there", "amount", "status", "duplicate", "fee"];

pub struct Ran {
    pub code: i32,
    pub told: Value,
    pub stderr: String,
}

/// Reconciles an account's day, beside the serving gateway.
pub fn reconcile(world: &World, account: &str, day: &str) -> Ran {
    let dir = world.dir.to_string_lossy();
    let (code, stdout, stderr) = outcome(&["reconcile", "--config", &dir, "--date", day, "--account", account, "--json"]);
    let told = serde_json::from_str(&stdout).unwrap_or(Value::Null);
    Ran { code, told, stderr }
}

impl Ran {
    #[track_caller]
    pub fn clean(&self) -> &Value {
        assert_eq!((self.code, &self.told["discrepancies"]), (0, &json!([])), "{}{}", self.told, self.stderr);
        &self.told["accounts"][0]
    }

    pub fn found(&self) -> BTreeSet<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.told["discrepancies"].as_array().unwrap().iter().map(|row| (word(&row["kind"]), word(&row["channel_order_no"]))).collect()
    }
}

/// The channel's settlement day of a paid order: what the channel has told, else the day it was paid.
pub fn day_of(paid: &Value) -> String {
    let told = paid["settle_date"].as_str().or_else(|| paid["paid_at"].as_str()).unwrap_or_else(|| panic!("not paid: {paid}"));
    told[..10].to_owned()
}

pub async fn paid(world: &World, offer: &Offer, amount: i64) -> Value {
    let placed = world.demo.place(&body_of(world, offer, amount).await).await;
    world.control.take(&placed, &Default::default()).await.expect(200);
    world.demo.until_status(id_of(&placed), "paid").await
}

pub async fn billed(world: &World) -> Vec<Offer> {
    let offers = plain_offers(world).await;
    let (without, with): (Vec<_>, Vec<_>) = offers.into_iter().partition(|offer| offer.channel == "icbc");
    assert_eq!((without.len(), with.len()), (1, 4));
    with
}

#[tokio::test]
async fn a_day_of_payments_refunds_closes_and_discounts_is_clean_at_every_channel() {
    let world = World::plan().start();
    for offer in billed(&world).await {
        let whole = paid(&world, &offer, 1280).await;
        let part = paid(&world, &offer, 2_000).await;
        refunded(&world, id_of(&part), 700).await;
        let back = paid(&world, &offer, 900).await;
        refunded(&world, id_of(&back), 900).await;
        let unpaid = world.demo.place(&body_of(&world, &offer, 300).await).await;
        world.demo.act(&format!("/v1/orders/{}/close", id_of(&unpaid))).await;
        let waiting = world.demo.place(&body_of(&world, &offer, 400).await).await;
        assert_eq!(world.demo.order(id_of(&waiting)).await["status"], "pending");
        let ran = reconcile(&world, &offer.account, &day_of(&whole));
        let account = ran.clean();
        let told = (&account["state"], &account["rows"], &account["matched"], &account["carried"]);
        assert_eq!(told, (&json!("done"), &json!(5), &json!(5), &json!(0)), "{}: {}", offer.name(), ran.told);
    }
    let files = std::fs::read_dir(&world.dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(files.filter(|name| name.contains("reply-")).collect::<Vec<_>>(), Vec::<String>::new(), "a bill was left behind");
}

/// The channel charged, and gave it back when we reversed: both rows stand in its bill.
#[tokio::test]
async fn a_reversal_cancels_its_payment_and_a_discount_changes_the_fee() {
    let world = World::plan().start();
    world.control.faults("pay", "lose_response", 1).await;
    world.control.fault("query", "error_500").await;
    let code = world.control.auth_code("pay").await;
    let barcode = with(order("wechat_barcode", 250), json!({"auth_code": code, "client_ip": "203.0.113.7"}));
    let placed = world.demo.place(&barcode).await;
    // Queries go on failing until the channel's reversal has been confirmed.
    crate::harness::until("the reversal at the channel", || async {
        Some(world.entry_of(id_of(&placed)).await).filter(|entry| entry["status"] == "reversed")
    })
    .await;
    world.control.clear().await;
    world.demo.until_status(id_of(&placed), "reversed").await;
    let discounted = world.demo.place(&order("wechat_native", 100_000)).await;
    let discounts = vec![json!({"kind": "merchant_discount", "funded_by": "merchant", "amount": 20_000})];
    world.control.take(&discounted, &crate::harness::control::Paying { discounts, wallet: None }).await.expect(200);
    let discounted = world.demo.until_status(id_of(&discounted), "paid").await;
    let ran = reconcile(&world, "wx-main", &day_of(&discounted));
    assert_eq!(ran.clean()["rows"], 3, "{}", ran.told);
}

#[tokio::test]
async fn each_planted_kind_is_found_none_is_invented_and_a_rerun_changes_nothing() {
    let world = World::plan().start();
    for offer in billed(&world).await {
        let control = world.control.at(&offer.channel);
        let mut day = String::new();
        for nth in 0..7 {
            day = day_of(&paid(&world, &offer, 1_000 + nth).await);
        }
        let mut planted = BTreeSet::new();
        for kind in KINDS {
            let number = control.plant(kind).await;
            planted.insert((kind.to_owned(), number));
        }
        let first = reconcile(&world, &offer.account, &day);
        assert_eq!((first.code, first.found()), (3, planted), "{}: {}", offer.name(), first.told);
        for row in first.told["discrepancies"].as_array().unwrap() {
            assert_eq!((&row["account"], &row["status"]), (&json!(offer.account), &json!("open")));
            let view = if row["gap"].as_i64().unwrap() > 0 { "surplus" } else { "shortage" };
            assert!(row["viewpoint"] == view && row["next_step"].as_str().is_some_and(|next| next.len() > 20), "{row}");
            assert!(row["evidence"]["ours"].is_object() || row["evidence"]["rows"][0].is_object(), "{row}");
        }
        let again = reconcile(&world, &offer.account, &day);
        let steady = |ran: &Ran| -> Vec<Value> {
            let rows = ran.told["discrepancies"].as_array().unwrap().iter();
            rows.map(|row| json!([row["id"], row["ours"], row["theirs"], row["first_seen"], row["evidence"]])).collect()
        };
        assert_eq!((again.code, steady(&again)), (3, steady(&first)), "{}", offer.name());
    }
}

/// The callback found nobody, and nobody was there to ask: the bill knows.
#[tokio::test]
async fn a_lost_order_is_booked_and_its_merchant_told() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    for offer in billed(&world).await {
        let known = paid(&world, &offer, 500).await;
        let body = with(body_of(&world, &offer, 1280).await, json!({"notify_url": inbox.url}));
        let placed = world.demo.place(&body).await;
        let (id, number) = (id_of(&placed).to_owned(), world.channel_number(id_of(&placed)).await);
        world.gateway(crate::harness::process::Running::kill);
        world.control.take(&placed, &Default::default()).await.expect(200);
        let ran = reconcile(&world, &offer.account, &day_of(&known));
        assert_eq!(ran.clean()["repaired"], json!([number]), "{}: {}", offer.name(), ran.told);
        world.restart();
        let order = world.demo.order(&id).await;
        assert_eq!((&order["status"], &order["paid_amount"]), (&json!("paid"), &json!(1280)), "{}", offer.name());
        inbox.taken(&id, "order.paid").await;
        assert_eq!(reconcile(&world, &offer.account, &day_of(&known)).clean()["repaired"], json!([]), "{}", offer.name());
    }
}

/// An order that is paid at its channel, which tells us neither by itself nor when asked.
pub(super) async fn unheard(world: &World, offer: &Offer) -> Value {
    let control = world.control.at(&offer.channel);
    control.fault("callback", "hold").await;
    control.fault("query", "error_500").await;
    let unheard = world.demo.place(&body_of(world, offer, 800).await).await;
    world.control.take(&unheard, &Default::default()).await.expect(200);
    unheard
}

#[tokio::test]
async fn a_bill_that_is_no_bill_is_refused_whole_and_books_nothing() {
    let world = World::plan().start();
    for offer in billed(&world).await {
        let control = world.control.at(&offer.channel);
        let day = day_of(&paid(&world, &offer, 700).await);
        let unheard = unheard(&world, &offer).await;
        for fault in ["garbage", "error_500", "reset"] {
            control.faults("bill", fault, 1).await;
            let ran = reconcile(&world, &offer.account, &day);
            let state = ran.told["accounts"][0]["state"].as_str().unwrap_or_default();
            // A server that says 500 may have the bill later.
            assert!(ran.code == 1 && (state == "refused" || (fault == "error_500" && state == "not_yet")), "{} {fault}: {}", offer.name(), ran.told);
            let line = if state == "refused" { "the bill was refused, nothing was booked: " } else { "the channel has no bill of this day yet" };
            assert!(ran.stderr.contains(&format!("{}: {line}", offer.account)), "{}", ran.stderr);
        }
        assert_eq!(world.demo.order(id_of(&unheard)).await["status"], "pending", "{}", offer.name());
        world.control.clear().await;
    }
}

#[tokio::test]
async fn what_cannot_run_says_why() {
    let world = World::plan().start();
    let up = world.control.at("unionpay");
    up.hook("late_files on").await;
    let offer = billed(&world).await.into_iter().find(|offer| offer.channel == "unionpay").unwrap();
    let day = day_of(&paid(&world, &offer, 700).await);
    let ran = reconcile(&world, "up-main", &day);
    assert_eq!((ran.code, &ran.told["accounts"][0]["state"]), (1, &json!("not_yet")), "{}", ran.told);
    assert!(ran.stderr.contains("up-main: the channel has no bill of this day yet: it is ready by "), "{}", ran.stderr);
    let none = reconcile(&world, "icbc-main", &day);
    assert_eq!(none.clean()["state"], "no_bill");
    let stranger = format!("acc-{}", unique());
    let unknown = reconcile(&world, &stranger, &day);
    assert!(unknown.code == 1 && unknown.stderr.contains(&stranger) && unknown.stderr.contains("wx-main"), "{}", unknown.stderr);
    for date in ["2026-13-01", "today", "20261123"] {
        assert_eq!(reconcile(&world, "wx-main", date).code, 2, "{date}");
    }
    // For people: a table of all accounts, amounts in yuan.
    let cmb = billed(&world).await.into_iter().find(|offer| offer.channel == "cmb").unwrap();
    // Not UnionPay's day: that ends an hour before midnight.
    let day = day_of(&paid(&world, &cmb, 1280).await);
    let planted = world.control.at("cmb").plant("amount").await;
    let (code, text, _) = outcome(&["reconcile", "--config", &world.dir.to_string_lossy(), "--date", &day, "--account", "cmb-main"]);
    assert!(code == 3 && text.contains(&planted) && text.contains("12.80") && text.contains("12.81") && text.contains("长款"), "{text}");
}

#[tokio::test]
async fn a_difference_in_money_is_settled_by_two_people_and_a_rerun_respects_it() {
    let token = format!("tok-{}-{}", unique(), unique());
    let second = format!("[[operator]]\nname = \"second\"\nrole = \"finance\"\ntoken = \"{token}\"\n");
    let world = World::plan().append("sluice.toml", &second).start();
    let other = crate::harness::client::Ops { token, ..world.ops.clone() };
    let day = day_of(&world.paid(&order("wechat_native", 1280)).await);
    let planted = world.control.plant("amount").await;
    assert_eq!(reconcile(&world, "wx-main", &day).code, 3);
    let path = format!("/ops/v1/discrepancies?day={day}&account=wx-main&status=open");
    let listed = world.ops.get(&path).await.expect(200);
    let (row, run) = (&listed["data"][0], &listed["runs"][0]);
    assert_eq!((&row["channel_order_no"], &row["gap"], &row["viewpoint"]), (&json!(planted), &json!(1), &json!("surplus")), "{listed}");
    assert_eq!((&run["state"], &run["rows"], &run["account"]), (&json!("done"), &json!(1), &json!("wx-main")), "{listed}");
    assert_eq!((&row["evidence"]["order"]["merchant"], &row["evidence"]["order"]["status"]), (&json!("m_demo"), &json!("paid")));
    let settle = format!("/ops/v1/discrepancies/{}/settle", row["id"].as_str().unwrap());
    let reason = json!({"reason": "the channel corrected its bill"});
    assert_eq!(world.ops.call("POST", &settle, Some(&json!({}))).await.fields(), BTreeSet::from(["reason".to_owned()]));
    let proposed = world.ops.call("POST", &settle, Some(&reason)).await.expect(200);
    assert_eq!((&proposed["status"], &proposed["proposal"]["by"]), (&json!("open"), &json!("admin")), "{proposed}");
    world.ops.call("POST", &settle, Some(&reason)).await.refused(409, "INVALID_STATE");
    assert_eq!(reconcile(&world, "wx-main", &day).code, 3, "one word is not enough");
    let settled = other.call("POST", &settle, Some(&reason)).await.expect(200);
    assert_eq!((&settled["status"], &settled["settled_by"]), (&json!("settled"), &json!("second")), "{settled}");
    other.call("POST", &settle, Some(&reason)).await.refused(409, "INVALID_STATE");
    reconcile(&world, "wx-main", &day).clean();
    world.ops.call("POST", "/ops/v1/discrepancies/Dnone/settle", Some(&reason)).await.refused(404, "NOT_FOUND");
    let log = other.get("/ops/v1/audit").await.expect(200);
    let acts = log["data"].as_array().unwrap().iter().filter(|line| line["act"] == "discrepancy.settle").count();
    assert_eq!(acts, 2, "{log}");
}
