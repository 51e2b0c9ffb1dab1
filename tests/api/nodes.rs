//! Two gateways over one database, none of them special: whatever reaches both at once is one (D1, E3), and what one of them leaves
//! undone the other does (F1, A1).

use crate::harness::postgres::on_postgres;
use crate::harness::tap::Tap;
use crate::harness::world::Node;
use crate::harness::{Answer, Inbox, Manner, World, client::Merchant, order, unique, until, with};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A world with a second node behind one public address, which passes the channel's callbacks to the first.
struct Nodes {
    world: World,
    node: Node,
    tap: Tap,
}

/// `None`, and a word about it, on the engine that knows one process only.
async fn two_nodes() -> Option<Nodes> {
    if !on_postgres() {
        println!("SKIPPED: SQLite knows one process only; SLUICE_STORE=postgres has nodes");
        return None;
    }
    let tap = Tap::open().await;
    // The channel is told this address with every order: a repeat by the other node must tell the same, to the byte.
    let line = format!("[http]\npublic_url = \"{}\"", tap.url);
    let world = World::plan().edit("sluice.toml", move |old| old.replace("[http]", &line)).start();
    tap.connect(&world.address());
    let node = world.node();
    Some(Nodes { world, node, tap })
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Posts to both nodes in turn, all at once; the answers in the order of the bodies.
async fn at_once(nodes: [&Merchant; 2], path: &str, bodies: &[Value]) -> Vec<Answer> {
    futures_util::future::join_all(bodies.iter().enumerate().map(|(at, body)| nodes[at % 2].post(path, body))).await
}

fn created(answers: &[Answer]) -> Vec<&Answer> {
    answers.iter().filter(|answer| answer.status == 201).collect()
}

/// D1: `SLUICE_RACES` times (20 if not said) one number a hundred times at once, half at each node.
#[tokio::test]
async fn one_number_at_two_nodes_is_one_order() {
    let Some(Nodes { world, node, tap: _tap }) = two_nodes().await else { return };
    let (nodes, races) = ([&world.demo, &node.demo], setting("SLUICE_RACES", 20));
    for race in 0..races {
        let body = order("wechat_native", 1280);
        let answers = at_once(nodes, "/v1/orders", &vec![body.clone(); 100]).await;
        assert_eq!(created(&answers).len(), 1, "race {race}");
        let replayed = answers.iter().filter(|a| a.status == 200 && a.header("idempotent-replay") == "true").count();
        assert_eq!(replayed, 99, "race {race}: {:?}", answers.iter().find(|a| a.status >= 400).map(Answer::text));
        let distinct: BTreeSet<String> = answers.iter().map(|answer| answer.json.to_string()).collect();
        assert_eq!(distinct.len(), 1, "race {race}: {distinct:#?}");
        let placed = &answers[0].json;
        assert!(placed["action"]["content"].as_str().is_some_and(|content| content.contains("weixin")), "{placed}");
        for (at, change) in [json!({"amount": 1281}), json!({"subject": "两箱苹果"}), json!({"metadata": {"a": "2"}})].into_iter().enumerate() {
            nodes[at % 2].post("/v1/orders", &with(body.clone(), change)).await.refused(409, "ORDER_CONFLICT");
        }
        for merchant in nodes {
            assert_eq!(merchant.order(placed["id"].as_str().unwrap()).await, *placed, "race {race}");
        }
    }
    assert_eq!(world.control.ledger().await.len(), races, "the channel has one order for each number");
    println!("{races} races of 100 requests at two nodes judged: one order in each");
}

/// One number with two contents, one at each node: one of them is the order, the other is in conflict with it, for ever.
#[tokio::test]
async fn one_number_with_two_contents_is_one_order_and_a_conflict() {
    let Some(Nodes { world, node, tap: _tap }) = two_nodes().await else { return };
    let (nodes, races) = ([&world.demo, &node.demo], setting("SLUICE_RACES", 20));
    let mut won = [0, 0];
    for race in 0..races {
        let body = order("wechat_native", 100);
        let bodies = [body.clone(), with(body, json!({"amount": 101}))];
        // Sometimes the one node is asked first, sometimes the other.
        let (first, second) = (race % 2, 1 - race % 2);
        let (one, other) = tokio::join!(nodes[first].post("/v1/orders", &bodies[first]), nodes[second].post("/v1/orders", &bodies[second]));
        let answers = if first == 0 { [one, other] } else { [other, one] };
        let winner = answers.iter().position(|answer| answer.status == 201).unwrap_or_else(|| panic!("race {race}: {answers:?}"));
        won[winner] += 1;
        let loser = 1 - winner;
        assert_eq!((answers[loser].status, answers[loser].code()), (409, "ORDER_CONFLICT"), "race {race}: {}", answers[loser].text());
        for merchant in nodes {
            merchant.post("/v1/orders", &bodies[loser]).await.refused(409, "ORDER_CONFLICT");
            let again = merchant.post("/v1/orders", &bodies[winner]).await.expect(200);
            assert_eq!((&again["id"], &again["amount"]), (&answers[winner].json["id"], &bodies[winner]["amount"]), "race {race}");
        }
    }
    println!("{races} races of two contents judged; the nodes won {won:?}");
}

/// E3: `SLUICE_RACES` orders (10 if not said), a hundred refunds of 60 % of each, half at each node, all at once.
#[tokio::test]
async fn refunds_at_two_nodes_never_exceed_what_was_paid() {
    let Some(Nodes { world, node, tap: _tap }) = two_nodes().await else { return };
    let (nodes, races) = ([&world.demo, &node.demo], setting("SLUICE_RACES", 10));
    for race in 0..races {
        let paid = world.paid(&order("wechat_native", 100)).await;
        let id = paid["id"].as_str().unwrap();
        let bodies: Vec<Value> = (0..100).map(|_| json!({"merchant_refund_no": format!("RF-{}", unique()), "amount": 60, "reason": "坏了"})).collect();
        let answers = at_once(nodes, &format!("/v1/orders/{id}/refunds"), &bodies).await;
        assert_eq!(created(&answers).len(), 1, "race {race}");
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.refused(422, "REFUND_EXCEEDS_PAID");
        }
        for merchant in nodes {
            let order = merchant.order(id).await;
            assert_eq!(order["refunded_amount"].as_i64().unwrap() + order["refunding_amount"].as_i64().unwrap(), 60, "race {race}");
        }
        let entry = world.entry_of(id).await;
        let live = entry["refunds"].as_array().unwrap().iter().filter(|refund| refund["status"] != "failed");
        let back: i64 = live.map(|refund| refund["amount"].as_i64().unwrap()).sum();
        assert!(back <= 60, "race {race}: the channel gave back {back}");
    }
    println!("{races} races of 100 refunds at two nodes judged: one taken in each");
}

/// F1: the channel tells nobody, so every payment is found by a query of whichever node has leased it; the merchant hears of each, under
/// one id.
#[tokio::test]
async fn two_nodes_tend_and_tell_what_is_due() {
    let Some(Nodes { world, node, tap: _tap }) = two_nodes().await else { return };
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(500, 5)).await;
    world.control.fault("callback", "lose_request").await;
    let mut placed = Vec::new();
    for nth in 0..30 {
        let merchant = [&world.demo, &node.demo][nth % 2];
        placed.push(merchant.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await);
    }
    for order in &placed {
        world.control.pay(order).await;
    }
    for order in &placed {
        let id = order["id"].as_str().unwrap();
        let told = inbox.taken(id, "order.paid").await;
        let ids: BTreeSet<String> = inbox.ids(id, "order.paid");
        assert_eq!(ids, BTreeSet::from([told.id]), "{id}");
        assert_eq!(node.demo.order(id).await["status"], "paid");
        assert_eq!(world.entry_of(id).await["charges"], 1);
    }
    assert!(inbox.deliveries().iter().all(|delivery| delivery.verified));
}

/// A1: one node dies with orders in every stage, one of them while the channel is being asked. The other ends them all.
#[tokio::test]
async fn what_a_dead_node_began_the_other_ends() {
    let Some(Nodes { world, mut node, tap }) = two_nodes().await else { return };
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let body = || with(order("wechat_native", 100), json!({"notify_url": inbox.url}));
    let mut placed = Vec::new();
    for _ in 0..10 {
        placed.push(node.demo.place(&body()).await);
    }
    let refunded = node.demo.place(&body()).await;
    let id = refunded["id"].as_str().unwrap();
    world.control.pay(&refunded).await;
    node.demo.until_status(id, "paid").await;
    world.control.faults("refund", "lose_response", 1).await;
    let refund = node.demo.post(&format!("/v1/orders/{id}/refunds"), &json!({"merchant_refund_no": unique(), "amount": 60})).await.expect(201);

    // In the middle of a call: the channel has the order, the node will never hear of it.
    let known = world.control.ledger().await.len();
    world.control.faults("pay", "delay:5000", 1).await;
    let (asking, cut_off) = (node.demo.clone(), body());
    let sent = cut_off.clone();
    let request = tokio::spawn(async move { asking.try_send(&asking.draft("POST", "/v1/orders", sent.to_string().into_bytes())).await });
    until("the request to reach the channel", || reached(&world, known)).await;
    node.process.kill();
    assert!(request.await.unwrap().is_err(), "it was answered");

    // The channel's callbacks reach nobody either.
    tap.hold(true);
    for order in &placed {
        world.control.pay(order).await;
    }
    for order in placed.iter().chain([&refunded]) {
        let id = order["id"].as_str().unwrap();
        world.demo.until_status(id, "paid").await;
        inbox.taken(id, "order.paid").await;
        assert_eq!(inbox.ids(id, "order.paid").len(), 1, "{id}");
        assert_eq!(world.entry_of(id).await["charges"], 1, "{id}");
    }
    world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;

    let again = world.demo.post("/v1/orders", &cut_off).await.expect(200);
    let id = again["id"].as_str().unwrap();
    let renewed = until("a code of the order that was cut off", || async {
        let answer = world.demo.act(&format!("/v1/orders/{id}/action")).await;
        assert!(answer.status == 200 || answer.code() == "IN_PROGRESS", "{}", answer.text());
        Some(answer.json).filter(|order| order["action"]["content"].is_string())
    })
    .await;
    tap.hold(false);
    world.control.pay(&renewed).await;
    world.demo.until_status(id, "paid").await;
    inbox.taken(id, "order.paid").await;
    assert_eq!(world.control.ledger().await.len(), placed.len() + 2);
}

async fn reached(world: &World, known: usize) -> Option<()> {
    (world.control.ledger().await.len() > known).then_some(())
}

/// What an operator does at one node is in force at the other, without a restart or a reload.
#[tokio::test]
async fn an_operators_change_is_in_force_at_every_node() {
    let Some(Nodes { world, node, tap: _tap }) = two_nodes().await else { return };
    let key = world.ops.post("/ops/v1/merchants/m_demo/keys").await.expect(201);
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let renewed = Merchant { key_id: text("id"), secret: text("secret"), ..node.demo.clone() };
    until("the new key at the other node", || works(&renewed)).await;
    world.ops.call("DELETE", "/ops/v1/merchants/m_demo/keys/k_demo", None).await.expect(200);
    until("the old key's end at the other node", || async { works(&node.demo).await.is_none().then_some(()) }).await;
    renewed.get("/v1/methods").await.expect(200);
}

async fn works(merchant: &Merchant) -> Option<()> {
    // Not by `get`, which wants every answer signed: who is not known gets none that is.
    (merchant.send(&merchant.draft("GET", "/v1/methods", Vec::new())).await.status == 200).then_some(())
}
