//! Refunds: idempotent, guarded, followed to their end (E3, E4, B4, I5).

use crate::harness::{Inbox, Manner, World, order, unique, with};
use serde_json::{Value, json};

fn refund(amount: i64) -> Value {
    json!({"merchant_refund_no": format!("RF-{}", unique()), "amount": amount, "reason": "坏了"})
}

fn refunds_path(order: &Value) -> String {
    format!("/v1/orders/{}/refunds", order["id"].as_str().unwrap())
}

/// What the channel gave back or is about to.
async fn given_back(world: &World, id: &str) -> (i64, usize) {
    let entry = world.entry_of(id).await;
    let live: Vec<i64> =
        entry["refunds"].as_array().unwrap().iter().filter(|r| r["status"] != "failed").map(|r| r["amount"].as_i64().unwrap()).collect();
    (live.iter().sum(), live.len())
}

#[tokio::test]
async fn a_refund_is_taken_followed_told_and_found_again() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let paid = world.paid(&with(order("wechat_native", 1000), json!({"notify_url": inbox.url}))).await;
    let body = refund(300);
    let placed = world.demo.post(&refunds_path(&paid), &body).await.expect(201);
    let id = placed["id"].as_str().unwrap();
    assert!(id.starts_with('R') && id.len() == 27, "{id}");
    for (name, value) in [("order_id", &paid["id"]), ("merchant_refund_no", &body["merchant_refund_no"]), ("amount", &json!(300)), ("origin", &json!("merchant")), ("livemode", &json!(false))] {
        assert_eq!(&placed[name], value, "{name}");
    }
    let pending = world.demo.order(paid["id"].as_str().unwrap()).await;
    assert_eq!(pending["refunded_amount"].as_i64().unwrap() + pending["refunding_amount"].as_i64().unwrap(), 300);
    let done = world.demo.until_refund(id, "succeeded").await;
    assert!(done["succeeded_at"].is_string() && done["failure"].is_null(), "{done}");
    assert_eq!(world.demo.get(&refunds_path(&paid)).await.expect(200)["data"], json!([done]));
    let number = body["merchant_refund_no"].as_str().unwrap();
    assert_eq!(world.demo.get(&format!("/v1/refunds?merchant_refund_no={number}")).await.expect(200)["data"], json!([done]));
    let told = inbox.taken(id, "refund.succeeded").await;
    assert_eq!((&told.event["data"]["status"], &told.event["data"]["amount"]), (&json!("succeeded"), &json!(300)));
    assert_eq!(given_back(&world, paid["id"].as_str().unwrap()).await, (300, 1));
}

/// E4: one number fifty times at once is one refund at the channel; the same number with another content is a conflict.
#[tokio::test]
async fn one_number_is_one_refund() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 1000)).await;
    let other = world.paid(&order("wechat_native", 1000)).await;
    let body = refund(100);
    let path = refunds_path(&paid);
    let answers = futures_util::future::join_all((0..50).map(|_| world.demo.post(&path, &body))).await;
    let first = answers[0].json["id"].clone();
    assert!(answers.iter().all(|a| a.json["id"] == first && [200, 201].contains(&a.status)));
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    assert_eq!(answers.iter().filter(|a| a.header("idempotent-replay") == "true").count(), 49);
    world.demo.post(&path, &with(body.clone(), json!({"amount": 101}))).await.refused(409, "REFUND_CONFLICT");
    world.demo.post(&path, &with(body.clone(), json!({"reason": "another"}))).await.refused(409, "REFUND_CONFLICT");
    world.demo.post(&refunds_path(&other), &body).await.refused(409, "REFUND_CONFLICT");
    world.demo.until_refund(first.as_str().unwrap(), "succeeded").await;
    assert_eq!(given_back(&world, paid["id"].as_str().unwrap()).await, (100, 1));
    assert_eq!(given_back(&world, other["id"].as_str().unwrap()).await, (0, 0));
}

/// E3: partial refunds, any two of them too much, all at once (`SLUICE_RACES` orders, `SLUICE_CROWD` refunds of each). One is
/// taken, in the store and at the channel.
#[tokio::test]
async fn concurrent_refunds_never_exceed_what_was_paid() {
    let (world, setting) = (World::shared(), |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default));
    let (races, crowd): (usize, usize) = (setting("SLUICE_RACES", 12), setting("SLUICE_CROWD", 10));
    for _ in 0..races {
        let paid = world.paid(&order("wechat_native", 100)).await;
        let path = refunds_path(&paid);
        let bodies: Vec<Value> = (0..crowd).map(|n| refund(if n % 3 == 0 { 51 } else { 60 })).collect();
        let answers = futures_util::future::join_all(bodies.iter().map(|body| world.demo.post(&path, body))).await;
        let taken: Vec<i64> = answers.iter().filter(|a| a.status == 201).map(|a| a.json["amount"].as_i64().unwrap()).collect();
        let &[taken] = taken.as_slice() else { panic!("taken: {taken:?}") };
        for answer in answers.into_iter().filter(|a| a.status != 201) {
            answer.refused(422, "REFUND_EXCEEDS_PAID");
        }
        let order = world.demo.order(paid["id"].as_str().unwrap()).await;
        assert_eq!(order["refunded_amount"].as_i64().unwrap() + order["refunding_amount"].as_i64().unwrap(), taken);
        let (back, _) = given_back(&world, paid["id"].as_str().unwrap()).await;
        assert!(back <= taken, "{back}");
    }
    println!("{races} races of {crowd} refunds judged: one taken in each");
}

#[tokio::test]
async fn too_much_is_refused_with_what_is_left() {
    let world = World::shared();
    let paid = world.paid(&order("wechat_native", 1000)).await;
    let path = refunds_path(&paid);
    world.demo.post(&path, &refund(1001)).await.refused(422, "REFUND_EXCEEDS_PAID");
    world.demo.post(&path, &refund(999)).await.expect(201);
    let refused = world.demo.post(&path, &refund(2)).await;
    assert!(refused.fields().contains("amount"));
    assert!(refused.refused(422, "REFUND_EXCEEDS_PAID")["detail"].as_str().unwrap().contains('1'));
    for amount in [json!(0), json!(-1), json!(1.5), json!("1"), json!(null)] {
        let answer = world.demo.post(&path, &with(refund(1), json!({"amount": amount}))).await;
        assert!(answer.fields().contains("amount"), "{}", answer.text());
        answer.refused(400, "INVALID_REQUEST");
    }
    world.demo.post(&path, &with(refund(1), json!({"surprise": 1}))).await.refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn without_a_payment_there_is_no_refund() {
    let world = World::shared();
    let pending = world.demo.place(&order("wechat_native", 100)).await;
    world.demo.post(&refunds_path(&pending), &refund(1)).await.refused(409, "INVALID_STATE");
    world.demo.act(&format!("/v1/orders/{}/close", pending["id"].as_str().unwrap())).await.expect(200);
    world.demo.post(&refunds_path(&pending), &refund(1)).await.refused(409, "INVALID_STATE");
}

/// B4: whatever happens to the call, the channel sees one number and gives back once.
#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_paid_once() {
    let world = World::plan().start();
    for fault in ["lose_response", "lose_request", "error_500", "reset", "garbage", "bad_signature", "duplicate"] {
        let paid = world.paid(&order("wechat_native", 100)).await;
        world.control.faults("refund", fault, 1).await;
        let placed = world.demo.post(&refunds_path(&paid), &refund(100)).await.expect(201);
        assert_ne!(placed["status"], "failed", "{fault}: {placed}");
        let id = placed["id"].as_str().unwrap();
        crate::harness::within(std::time::Duration::from_secs(60), &format!("the refund after {fault}"), || async {
            Some(world.demo.get(&format!("/v1/refunds/{id}")).await.expect(200)).filter(|r| r["status"] == "succeeded")
        })
        .await;
        assert_eq!(given_back(&world, paid["id"].as_str().unwrap()).await, (100, 1), "{fault}");
    }
}

/// The merchant's balance at the channel is empty: the refund waits under its number and goes through when there is money.
#[tokio::test]
async fn a_refund_without_balance_waits_and_then_succeeds() {
    let world = World::plan().fast(200).start();
    let paid = world.paid(&order("wechat_native", 100)).await;
    world.control.hook("merchant_funds off").await;
    let placed = world.demo.post(&refunds_path(&paid), &refund(100)).await.expect(201);
    assert_eq!((&placed["status"], &placed["pending_reason"]), (&json!("pending"), &json!("merchant_balance")), "{placed}");
    world.control.hook("merchant_funds on").await;
    world.demo.until_refund(placed["id"].as_str().unwrap(), "succeeded").await;
    assert_eq!(given_back(&world, paid["id"].as_str().unwrap()).await, (100, 1));
}

#[tokio::test]
async fn a_refund_that_the_channel_closes_has_failed_and_its_room_comes_back() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let paid = world.paid(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
    world.control.hook("refund_fate closed").await;
    let placed = world.demo.post(&refunds_path(&paid), &refund(100)).await.expect(201);
    let failed = world.demo.until_refund(placed["id"].as_str().unwrap(), "failed").await;
    assert!(failed["failure"]["code"].is_string(), "{failed}");
    inbox.taken(placed["id"].as_str().unwrap(), "refund.failed").await;
    let order = world.demo.order(paid["id"].as_str().unwrap()).await;
    assert_eq!((&order["refunded_amount"], &order["refunding_amount"]), (&json!(0), &json!(0)));
    world.control.hook("refund_fate success").await;
    let again = world.demo.post(&refunds_path(&paid), &refund(100)).await.expect(201);
    world.demo.until_refund(again["id"].as_str().unwrap(), "succeeded").await;
}
