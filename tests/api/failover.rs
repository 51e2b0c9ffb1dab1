//! An order goes on to the next account when the first provably took nothing, and never otherwise (CONTRACT section 8): one order, one
//! payable code at any time, one charge, judged by the ledgers of both channels. WeChat's own account stands first, the bank that
//! carries WeChat second.

use crate::harness::control::Paying;
use crate::harness::limits::{Rule, books_hold, file, held, used};
use crate::harness::middle::Middle;
use crate::harness::till::{coded, ended, id_of, remaining};
use crate::harness::world::Plan;
use crate::harness::{World, order, until, with};
use futures_util::future::join_all;
use serde_json::{Value, json};

const FIRST: &str = "wx-main";
pub const SECOND: &str = "cmb-main";

/// The bank serves WeChat's code and barcode too.
fn carrying(old: String) -> String {
    let cmb = "methods = [\"cmb_qr\", \"cmb_barcode\"]";
    assert!(old.contains(cmb), "{old}");
    old.replace(cmb, "methods = [\"cmb_qr\", \"cmb_barcode\", \"wechat_native\", \"wechat_barcode\"]")
}

pub fn two() -> Plan {
    World::plan().fast(60).edit("channels.toml", carrying)
}

/// The first account's channel listens nowhere: every connection is refused.
fn deaf(old: String) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("\"http://{}\"", listener.local_addr().unwrap());
    let file: toml::Table = old.parse().unwrap();
    let channel = file["account"][0]["base_url"].as_str().unwrap();
    old.replace(&format!("\"{channel}\""), &nowhere)
}

fn native(amount: i64) -> Value {
    order("wechat_native", amount)
}

async fn attempts(world: &World, id: &str) -> Vec<Value> {
    world.demo.expanded(id).await["attempts"].as_array().unwrap().clone()
}

/// The channels' books of an order's attempts, those that exist.
async fn entries(world: &World, id: &str) -> Vec<Value> {
    let numbers: Vec<Value> = attempts(world, id).await.iter().map(|attempt| attempt["channel_order_no"].clone()).collect();
    world.control.ledger().await.into_iter().filter(|row| numbers.contains(&row["out_trade_no"])).collect()
}

/// How many of its codes a payer could pay now.
async fn payable(world: &World, id: &str) -> usize {
    entries(world, id).await.iter().filter(|row| ["created", "paying"].contains(&row["status"].as_str().unwrap())).count()
}

async fn charges(world: &World, id: &str) -> Vec<(String, i64)> {
    let rows = entries(world, id).await;
    let charged = rows.iter().map(|row| (row["channel"].as_str().unwrap().to_owned(), row["charges"].as_i64().unwrap()));
    charged.filter(|(_, charges)| *charges > 0).collect()
}

pub async fn pays(world: &World, order: &Value) -> Value {
    let wallet = (order["account"] == SECOND).then_some("wechat");
    let paid = world.control.take(order, &Paying { wallet, ..Paying::default() }).await.expect(200);
    assert_eq!(paid["paid"], true, "{paid}");
    world.demo.until_status(id_of(order), "paid").await
}

/// What the merchant sees of an order that the second account has: one order, two attempts, a code.
async fn went_on(world: &World, order: &Value, first_is: &str) {
    let id = id_of(order);
    assert_eq!((&order["status"], &order["account"], &order["action"]["type"]), (&json!("pending"), &json!(SECOND), &json!("qr_code")), "{order}");
    let attempts = attempts(world, id).await;
    let seen: Vec<(&str, &str)> = attempts.iter().map(|a| (a["account"].as_str().unwrap(), a["status"].as_str().unwrap())).collect();
    assert_eq!(seen, [(FIRST, first_is), (SECOND, "awaiting_payer")]);
    assert_ne!(attempts[0]["channel_order_no"], attempts[1]["channel_order_no"]);
    let tried = attempts[1]["route"]["considered"].as_array().unwrap().iter().find(|line| line["account"] == FIRST).unwrap();
    assert_eq!((&attempts[1]["route"]["chosen"], &tried["dropped"]), (&json!(SECOND), &json!("tried")));
    assert!(payable(world, id).await <= 1);
    let paid = pays(world, order).await;
    assert_eq!((&paid["account"], &paid["channel"], &paid["paid_amount"]), (&json!(SECOND), &json!("cmb"), &order["amount"]));
    assert_eq!(charges(world, id).await, [("cmb".to_owned(), 1)]);
    let path = format!("/v1/orders?merchant_order_no={}", order["merchant_order_no"].as_str().unwrap());
    assert_eq!(world.demo.get(&path).await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_whose_request_never_left_goes_to_the_next_account() {
    let world = two().edit("channels.toml", deaf).start();
    let placed = world.demo.place(&native(1_280)).await;
    went_on(&world, &placed, "failed").await;
    // A payment code too: it was shown to nobody yet.
    let code = world.control.auth_code("pay").await;
    let placed = world.demo.place(&coded("wechat_barcode", None, &code, 250)).await;
    let paid = world.demo.until_status(id_of(&placed), "paid").await;
    assert_eq!((&paid["account"], attempts(&world, id_of(&paid)).await.len()), (&json!(SECOND), 2));
    assert_eq!(charges(&world, id_of(&paid)).await, [("cmb".to_owned(), 1)]);
    // The account that the merchant asked for is the only one that is tried.
    let pinned = world.demo.place(&with(native(1_280), json!({"account": FIRST}))).await;
    assert_eq!((&pinned["status"], &pinned["failure"]["code"]), (&json!("failed"), &json!("CHANNEL_UNAVAILABLE")), "{pinned}");
    assert_eq!(attempts(&world, id_of(&pinned)).await.len(), 1);
}

/// The bank refuses for a reason of its own, the other does not. The merchant's own order of accounts puts the bank first.
#[tokio::test]
async fn an_order_that_was_refused_for_the_accounts_sake_goes_to_the_next() {
    let wish = |old: String| old.replacen("id = \"m_demo\"", "id = \"m_demo\"\nprefer = [\"cmb-main\", \"wx-main\"]", 1);
    let world = two().edit("merchants.toml", wish).start();
    let preferred = world.demo.place(&native(500)).await;
    assert_eq!(preferred["account"], SECOND);
    world.control.at("cmb").hook("refuse pay SYSTERM_ERROR").await;
    let placed = world.demo.place(&native(1_280)).await;
    assert_eq!((&placed["account"], &placed["action"]["type"]), (&json!(FIRST), &json!("qr_code")), "{placed}");
    let tried = attempts(&world, id_of(&placed)).await;
    assert_eq!((&tried[0]["status"], &tried[0]["failure"]["channel_code"]), (&json!("failed"), &json!("SYSTERM_ERROR")), "{tried:?}");
    pays(&world, &placed).await;
    assert_eq!(charges(&world, id_of(&placed)).await, [("wechat".to_owned(), 1)]);
}

/// Executed and not answered: nobody has seen the code, it is closed at its channel, and the next one is given in the same answer.
#[tokio::test]
async fn a_code_whose_answer_was_lost_is_closed_before_the_next_one_is_given() {
    let world = two().start();
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&native(1_280)).await;
    let number = attempts(&world, id_of(&placed)).await[0]["channel_order_no"].as_str().unwrap().to_owned();
    let first = world.control.entry(&number).await;
    assert_eq!((&first["status"], &first["charges"]), (&json!("closed"), &json!(0)));
    went_on(&world, &placed, "closed").await;
}

/// The request was lost: that there is no such order may still change, so nothing is given until it cannot; then the order goes on alone.
#[tokio::test]
async fn an_order_that_may_still_arrive_waits_until_it_cannot_and_then_goes_on_by_itself() {
    let world = two().start();
    world.control.faults("pay", "lose_request", 1).await;
    let placed = world.demo.place(&native(1_280)).await;
    let id = id_of(&placed);
    assert_eq!((&placed["status"], &placed["account"], &placed["action"]["type"]), (&json!("pending"), &json!(FIRST), &json!("none")), "{placed}");
    let found = until("the next account's code", || async {
        let order = world.demo.order(id).await;
        assert!(order["status"] == "pending" && payable(&world, id).await <= 1, "{order}");
        Some(order).filter(|order| order["action"]["type"] == "qr_code")
    })
    .await;
    went_on(&world, &found, "closed").await;
}

/// What may have been charged is charged once at the first account, or reversed there; nobody else is shown the code.
#[tokio::test]
async fn a_payment_code_that_may_have_been_charged_stays_where_it_is() {
    let world = two().start();
    for (fault, ends) in [("lose_response", "paid"), ("lose_request", "reversed"), ("garbage", "paid"), ("reset", "reversed")] {
        world.control.faults("pay", fault, 1).await;
        let code = world.control.auth_code("pay").await;
        let placed = world.demo.place(&coded("wechat_barcode", None, &code, 250)).await;
        let end = ended(&world, fault, id_of(&placed)).await;
        let attempts = attempts(&world, id_of(&placed)).await;
        assert_eq!((attempts.len(), &attempts[0]["account"]), (1, &json!(FIRST)), "{fault}: {attempts:?}");
        let charged = charges(&world, id_of(&placed)).await;
        match ends {
            "paid" => assert_eq!((&end["status"], charged), (&json!("paid"), vec![("wechat".to_owned(), 1)]), "{fault}"),
            _ => assert!(end["status"] != "paid" && charged.is_empty(), "{fault}: {end} {charged:?}"),
        }
    }
}

#[tokio::test]
async fn an_order_pinned_to_an_account_never_leaves_it() {
    let world = two().start();
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&with(native(1_280), json!({"account": FIRST}))).await;
    assert_eq!((&placed["status"], &placed["account"]), (&json!("pending"), &json!(FIRST)), "{placed}");
    // Asked for again it shows the code that it has.
    let shown = world.demo.act(&format!("/v1/orders/{}/action", id_of(&placed))).await.expect(200);
    pays(&world, &shown).await;
    assert_eq!(attempts(&world, id_of(&placed)).await.len(), 1);
}

/// The merchant closes while the first account's end is being found out: closed it is, and nobody else is tried.
#[tokio::test]
async fn a_close_in_between_ends_the_order_and_no_other_account_is_tried() {
    let world = two().start();
    world.control.fault("close", "lose_request").await;
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&native(1_280)).await;
    let id = id_of(&placed);
    assert_eq!((&placed["account"], &placed["action"]["type"]), (&json!(FIRST), &json!("none")), "{placed}");
    // What is being closed gives no fresh code.
    world.demo.act(&format!("/v1/orders/{id}/action")).await.refused(409, "IN_PROGRESS");
    world.demo.act(&format!("/v1/orders/{id}/close")).await.refused(409, "IN_PROGRESS");
    world.control.clear().await;
    let closed = world.demo.until_status(id, "closed").await;
    assert_eq!((closed["failure"].is_null(), payable(&world, id).await), (true, 0), "{closed}");
    let attempts = attempts(&world, id).await;
    assert_eq!((attempts.len(), &attempts[0]["status"]), (1, &json!("closed")));
}

/// A man in the middle confirms a close that never was: the order goes on, and then a payer pays the first code.
#[tokio::test]
async fn money_that_comes_at_the_first_account_after_all_is_kept_once() {
    let middle = Middle::open().await;
    let world = two().edit("channels.toml", middle.stands_between()).start();
    let closing = world.demo.place(&native(100)).await;
    world.demo.act(&format!("/v1/orders/{}/close", id_of(&closing))).await.expect(200);
    for pays_second_first in [false, true] {
        middle.lies(true);
        world.control.faults("pay", "lose_response", 1).await;
        let placed = world.demo.place(&native(1_280)).await;
        middle.lies(false);
        let id = id_of(&placed);
        assert_eq!(placed["account"], SECOND, "{placed}");
        let number = attempts(&world, id).await[0]["channel_order_no"].as_str().unwrap().to_owned();
        if pays_second_first {
            pays(&world, &placed).await;
        }
        assert_eq!(world.control.scan(&format!("wechat:{number}"), "pay").await.expect(200)["paid"], true);
        let paid = world.demo.until_status(id, "paid").await;
        let kept_at = if pays_second_first { SECOND } else { FIRST };
        assert_eq!((&paid["account"], &paid["paid_amount"]), (&json!(kept_at), &json!(1_280)));
        until("one payment to be kept", || async {
            let kept: i64 = entries(&world, id).await.iter().map(remaining).sum();
            Some(()).filter(|()| kept == 1_280)
        })
        .await;
        let order = until("nothing to be under way", || async {
            let order = world.demo.expanded(id).await;
            let is_done = order["refunds"].as_array().unwrap().iter().all(|refund| refund["status"] != "pending");
            Some(order).filter(|_| is_done)
        })
        .await;
        let refunds = order["refunds"].as_array().unwrap();
        let late: Vec<(&Value, &Value)> = refunds.iter().map(|refund| (&refund["origin"], &refund["status"])).collect();
        if pays_second_first {
            assert_eq!((late, &order["attempts"][0]["late"]), (vec![(&json!("duplicate_payment"), &json!("succeeded"))], &json!(true)));
            assert!(world.demo.trail(id).await.contains(&"order.paid_late".to_owned()));
        } else {
            assert!(late.is_empty(), "{refunds:?}");
        }
    }
}

fn daily(name: &str, max: i64) -> Rule {
    Rule::new(name, &["account"], "amount", "day").max(max)
}

/// What the first held is given back, what the next holds is taken, and a next account without room is none.
#[tokio::test]
async fn limits_follow_the_order_to_the_next_account_to_the_fen() {
    let rules = [daily("each", 100_000), daily("second", 1_000).when("account == 'cmb-main'")];
    let world = two().append("limits.toml", &file(&rules)).start();
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&native(600)).await;
    assert_eq!(placed["account"], SECOND);
    assert_eq!((used(&world, "each", FIRST).await, used(&world, "each", SECOND).await), (held(0, 0, 0), held(0, 600, 0)));
    assert_eq!(used(&world, "second", SECOND).await, held(0, 600, 0));
    pays(&world, &placed).await;
    assert_eq!((used(&world, "each", FIRST).await, used(&world, "each", SECOND).await), (held(0, 0, 0), held(600, 0, 0)));
    // No room for as much again: the order ends as the first account ended.
    world.control.faults("pay", "lose_response", 1).await;
    let failed = world.demo.place(&native(600)).await;
    assert_eq!((&failed["status"], &failed["failure"]["code"], &failed["account"]), (&json!("failed"), &json!("CHANNEL_UNAVAILABLE"), &json!(FIRST)), "{failed}");
    assert_eq!((attempts(&world, id_of(&failed)).await.len(), payable(&world, id_of(&failed)).await), (1, 0));
    assert_eq!((used(&world, "each", FIRST).await, used(&world, "second", SECOND).await), (held(0, 0, 0), held(600, 0, 0)));
    // With room for less it goes on again.
    world.control.faults("pay", "lose_response", 1).await;
    let small = world.demo.place(&native(400)).await;
    assert_eq!((&small["account"], used(&world, "second", SECOND).await), (&json!(SECOND), held(600, 400, 0)));
    pays(&world, &small).await;
    assert_eq!(used(&world, "second", SECOND).await, held(1_000, 0, 0));
    books_hold(&world).await;
}

async fn home(world: &World) -> Value {
    world.demo.place(&native(100)).await["account"].clone()
}

/// A payer without money says nothing about the channel; silence does, and the account gets its orders back when it answers again.
#[tokio::test]
async fn an_account_is_passed_over_for_its_channels_silence_and_never_for_its_payers() {
    let world = two().start();
    let declined = (0..8).map(|_| async {
        let code = world.control.auth_code("decline").await;
        let placed = world.demo.place(&coded("wechat_barcode", Some(FIRST), &code, 250)).await;
        assert_ne!(ended(&world, "a declined code", id_of(&placed)).await["status"], "paid");
    });
    join_all(declined).await;
    assert_eq!(home(&world).await, FIRST);
    world.control.fault("pay", "lose_request").await;
    join_all((0..24).map(|_| async { world.demo.place(&with(native(100), json!({"account": FIRST}))).await })).await;
    passed_over(&world).await;
    world.control.clear().await;
    until("the first account to have its orders back", || back(&world)).await;
}

/// The next order goes to the second account, because the first one's channel is silent.
async fn passed_over(world: &World) {
    let elsewhere = world.demo.place(&native(100)).await;
    assert_eq!(elsewhere["account"], SECOND);
    let route = attempts(world, id_of(&elsewhere)).await[0]["route"].clone();
    let first = route["considered"].as_array().unwrap().iter().find(|line| line["account"] == FIRST).unwrap();
    assert_eq!((&first["dropped"], route["last_resort"].is_null()), (&json!("unhealthy"), true), "{route}");
}

/// What the books say of the last half hour is enough: no order is sent to find out anew.
#[tokio::test]
async fn a_gateway_that_starts_again_still_passes_the_silent_account_over() {
    let world = two().append("routing.toml", "[health]\nopen = \"1h\"\nopen_max = \"1h\"\n").start();
    world.control.fault("pay", "lose_request").await;
    join_all((0..24).map(|_| async { world.demo.place(&with(native(100), json!({"account": FIRST}))).await })).await;
    world.kill_and_restart();
    passed_over(&world).await;
}

/// Two orders in a row are at home again.
async fn back(world: &World) -> Option<()> {
    let both = [home(world).await, home(world).await];
    both.iter().all(|account| account == FIRST).then_some(())
}
