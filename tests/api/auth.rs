//! Request authentication: every refusal by its code, replay, and what exactly is signed (D2, D4, API2).

use crate::harness::client::Draft;
use crate::harness::{World, order, unique, unix_now};

fn draft(world: &World) -> Draft {
    world.demo.draft("GET", "/v1/orders?limit=1", Vec::new())
}

/// Sends a spoiled request; the answer must be this refusal, and unsigned: who sent it is not known.
async fn refused(world: &World, spoiled: Draft, code: &str) {
    let answer = world.demo.send(&spoiled).await;
    assert_eq!(answer.header("sluice-signature"), "", "{spoiled:?}");
    assert!(answer.text().find(&world.demo.secret).is_none());
    answer.refused(401, code);
}

#[tokio::test]
async fn every_refusal_has_its_code_and_a_right_request_passes() {
    let world = World::shared();
    world.demo.send(&draft(&world)).await.expect(200);
    let spoil = |change: &dyn Fn(&mut Draft)| {
        let mut spoiled = draft(&world);
        change(&mut spoiled);
        spoiled
    };
    refused(&world, spoil(&|d| d.key_id = "k_nobody".into()), "UNKNOWN_KEY").await;
    refused(&world, spoil(&|d| d.secret.push('x')), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.key_id.clone_from(&world.other.key_id)), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.signature = Some(d.signature().to_uppercase())), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.signature = Some(String::new())), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.signature = Some("0".repeat(64))), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.nonce = "short".into()), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.nonce = "n".repeat(65)), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.nonce = "with space and more".into()), "BAD_SIGNATURE").await;
    refused(&world, spoil(&|d| d.timestamp = "yesterday".into()), "BAD_SIGNATURE").await;
    for skew in [310, -310, 86_400, -86_400] {
        refused(&world, spoil(&|d| d.timestamp = (unix_now() + skew).to_string()), "STALE_TIMESTAMP").await;
    }
    for skew in [290, -290] {
        world.demo.send(&spoil(&|d| d.timestamp = (unix_now() + skew).to_string())).await.expect(200);
    }
}

#[tokio::test]
async fn a_missing_doubled_or_foreign_authorization_header_is_refused() {
    let world = World::shared();
    let url = format!("{}/v1/orders", world.demo.base);
    let good = draft(&world).authorization();
    let bare = crate::harness::client::send(world.demo.http.get(&url)).await.unwrap();
    bare.refused(401, "BAD_SIGNATURE");
    let doubled = world.demo.http.get(&url).header("authorization", &good).header("authorization", &good);
    crate::harness::client::send(doubled).await.unwrap().refused(401, "BAD_SIGNATURE");
    for header in ["Bearer x", "Basic bTp4", &good.replace("SHA256 ", "MD5 "), &good.replace("SLUICE-HMAC-SHA256", "SLUICE-HMAC-SHA1")] {
        let answer = crate::harness::client::send(world.demo.http.get(&url).header("authorization", header)).await.unwrap();
        answer.refused(401, "BAD_SIGNATURE");
    }
}

/// D2: a signature belongs to one request. Moving bytes between the signed fields never keeps it.
#[tokio::test]
async fn a_signature_is_good_for_its_own_request_only() {
    let world = World::shared();
    let mut good = world.demo.draft("POST", "/v1/orders?x=1", order("wechat_native", 100).to_string().into_bytes());
    good.signature = Some(good.signature());
    let body = String::from_utf8(good.body.clone()).unwrap();
    let changes: [&dyn Fn(&mut Draft); 9] = [
        &|d| d.method = "GET".into(),
        &|d| d.path = "/v1/orders".into(),
        &|d| d.path = "/v1/orders?x=2".into(),
        &|d| d.path = "/v1/orders?x=1&".into(),
        &|d| d.path = "/v1/orders/?x=1".into(),
        &|d| d.body = body.replace("100", "101").into_bytes(),
        &|d| d.body = format!("{body} ").into_bytes(),
        &|d| d.body = Vec::new(),
        &|d| d.nonce.push('0'),
    ];
    for change in changes {
        let mut spoiled = good.clone();
        change(&mut spoiled);
        refused(&world, spoiled, "BAD_SIGNATURE").await;
    }
    let mut later = good.clone();
    later.timestamp = (good.timestamp.parse::<i64>().unwrap() + 1).to_string();
    refused(&world, later, "BAD_SIGNATURE").await;
}

/// The path is signed as it was sent: order of parameters and percent-encoding stay the sender's.
#[tokio::test]
async fn the_query_is_signed_as_sent() {
    let world = World::shared();
    for path in ["/v1/orders?limit=1&status=paid", "/v1/orders?status=paid&limit=1", "/v1/orders?merchant_order_no=a%2Eb%2db&limit=1"] {
        world.demo.send(&world.demo.draft("GET", path, Vec::new())).await.expect(200);
    }
}

/// The signature is looked at before the body: nobody learns what a body may hold without a key.
#[tokio::test]
async fn the_body_is_not_read_before_the_signature() {
    let world = World::shared();
    let mut spoiled = world.demo.draft("POST", "/v1/orders", b"{ this is no json".to_vec());
    spoiled.signature = Some("0".repeat(64));
    refused(&world, spoiled, "BAD_SIGNATURE").await;
    world.demo.send(&world.demo.draft("POST", "/v1/orders", b"{ this is no json".to_vec())).await.refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_nonce_is_used_once_per_key_and_a_bad_signature_burns_none() {
    let world = World::shared();
    let good = draft(&world);
    let mut forged = good.clone();
    forged.signature = Some("f".repeat(64));
    refused(&world, forged, "BAD_SIGNATURE").await;
    world.demo.send(&good).await.expect(200);
    let again = world.demo.send(&good).await;
    assert_ne!(again.header("sluice-signature"), "", "the signature verified, so the refusal is signed");
    again.refused(401, "NONCE_REUSED");
    // Another request under the same nonce is a reuse too; another key may use it.
    let mut other_path = world.demo.draft("GET", "/v1/methods", Vec::new());
    other_path.nonce.clone_from(&good.nonce);
    world.demo.send(&other_path).await.refused(401, "NONCE_REUSED");
    let mut other_key = world.other.draft("GET", "/v1/methods", Vec::new());
    other_key.nonce.clone_from(&good.nonce);
    world.other.send(&other_key).await.expect(200);
}

/// D4: a thousand replays of one signed order, half of them after a crash. One order exists.
#[tokio::test]
async fn no_replay_is_executed_before_or_after_a_restart() {
    let world = World::plan().start();
    let body = order("wechat_native", 777);
    let first = world.demo.draft("POST", "/v1/orders", body.to_string().into_bytes());
    let placed = world.demo.send(&first).await.expect(201);
    let read = draft(&world);
    world.demo.send(&read).await.expect(200);
    for round in 0..2 {
        let replays = (0..500).map(|_| world.demo.send(&first));
        for answer in futures_util::future::join_all(replays).await {
            answer.refused(401, "NONCE_REUSED");
        }
        world.demo.send(&read).await.refused(401, "NONCE_REUSED");
        if round == 0 {
            world.kill_and_restart();
        }
    }
    let number = body["merchant_order_no"].as_str().unwrap();
    let found = world.demo.get(&format!("/v1/orders?merchant_order_no={number}")).await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["id"], placed["id"]);
    assert_eq!(world.control.ledger().await.len(), 1);
}

/// The same nonce at the same time: exactly one request gets through.
#[tokio::test]
async fn of_concurrent_requests_with_one_nonce_one_passes() {
    let world = World::shared();
    for method in ["GET", "POST"] {
        let nonce = unique();
        let requests = (0..30).map(|_| {
            let body = if method == "POST" { order("wechat_native", 5).to_string().into_bytes() } else { Vec::new() };
            let mut one = world.demo.draft(method, "/v1/orders", body);
            one.nonce.clone_from(&nonce);
            let merchant = world.demo.clone();
            async move { merchant.send(&one).await.status }
        });
        let statuses = futures_util::future::join_all(requests).await;
        assert_eq!(statuses.iter().filter(|s| **s < 300).count(), 1, "{method}: {statuses:?}");
        assert_eq!(statuses.iter().filter(|s| **s == 401).count(), 29, "{method}: {statuses:?}");
    }
}
