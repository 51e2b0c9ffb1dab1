//! D10, I9: canaries go through every path, at the loudest log level. Afterwards no log and no file of the store holds one.

use crate::harness::process::outcome;
use crate::harness::{Inbox, Manner, World, order, with};
use serde_json::json;

const OPENID: &str = "oCANARYuMuAJO_M2pxb1Q9zNjWe";

/// The values of the config that nobody may ever read in a log.
fn secrets(world: &World) -> Vec<String> {
    let mut found = vec![world.demo.secret.clone(), world.other.secret.clone(), world.ops.token.clone()];
    found.push(world.demo.webhook_secret.trim_start_matches("whsec_").to_owned());
    for file in ["channels.toml", "sluice.toml"] {
        let text = std::fs::read_to_string(world.dir.join(file)).unwrap();
        for line in text.lines() {
            let value = line.split_once(" = ").map(|(name, value)| (name, value.trim_matches('"')));
            if let Some((_, value)) = value.filter(|(name, _)| ["api_v3_key", "api_v2_key", "oauth_secret", "seal_key"].contains(name)) {
                found.push(value.to_owned());
            }
        }
        // Lines out of the middle of every private key.
        for key in text.split("-----BEGIN PRIVATE KEY-----").skip(1) {
            found.push(key.lines().nth(3).unwrap().to_owned());
        }
    }
    assert!(found.len() >= 9 && found.iter().all(|secret| secret.len() >= 16), "{}", found.len());
    found
}

async fn drive(world: &World) -> Vec<String> {
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(500, 2)).await;
    let mut canaries = vec![OPENID.to_owned()];
    let payer = json!({"payer": {"openid": OPENID}, "notify_url": inbox.url});
    let jsapi = world.demo.place(&with(order("wechat_jsapi", 100), payer)).await;
    world.control.scan(&format!("wechat:{}", world.channel_number(jsapi["id"].as_str().unwrap()).await), "pay").await.expect(200);
    world.demo.until_status(jsapi["id"].as_str().unwrap(), "paid").await;
    for (behaviour, fault) in [("pay", None), ("decline", None), ("pay", Some("lose_response")), ("pay", Some("garbage")), ("pay", Some("error_500"))] {
        if let Some(fault) = fault {
            world.control.faults("pay", fault, 1).await;
        }
        let code = world.control.auth_code(behaviour).await;
        let body = with(order("wechat_barcode", 100), json!({"auth_code": code, "client_ip": "203.0.113.7"}));
        let placed = world.demo.place(&body).await;
        // The same again, and with a mistake: refusals may quote no code either.
        world.demo.post("/v1/orders", &body).await.expect(200);
        world.demo.post("/v1/orders", &with(body, json!({"amount": -1}))).await.refused(400, "INVALID_REQUEST");
        // A barcode whose request may never have arrived is only certain to be dead after the longest exchange, which no --fast shortens.
        crate::harness::within(std::time::Duration::from_secs(90), "the order to end", || async {
            Some(world.demo.order(placed["id"].as_str().unwrap()).await).filter(|order| order["status"] != "pending")
        })
        .await;
        canaries.push(code);
    }
    let mut forged = world.demo.draft("GET", "/v1/orders", Vec::new());
    forged.signature = Some("0".repeat(64));
    world.demo.send(&forged).await.refused(401, "BAD_SIGNATURE");
    world.ops.get("/ops/v1/accounts").await;
    let refund = json!({"merchant_refund_no": "CANARY-1", "amount": 1});
    world.demo.post(&format!("/v1/orders/{}/refunds", jsapi["id"].as_str().unwrap()), &refund).await.expect(201);
    inbox.taken(jsapi["id"].as_str().unwrap(), "order.paid").await;
    let config = world.dir.to_string_lossy().into_owned();
    let (code, explained, _) = outcome(&["explain", "--config", &config, jsapi["id"].as_str().unwrap()]);
    assert!(code == 0 && explained.contains(jsapi["id"].as_str().unwrap()), "{explained}");
    for canary in &canaries {
        assert!(!explained.contains(canary.as_str()), "explain shows {canary}");
    }
    canaries
}

/// By name: the log, and the store's files or the rows of its tables.
fn logs_and_store(world: &World) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(&world.dir).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path));
    let wanted = named.filter(|(name, _)| name == "gateway.log" || name.contains(".sqlite"));
    let mut found: Vec<_> = wanted.map(|(name, path)| (name, std::fs::read(path).unwrap())).collect();
    if let Some(database) = &world.database {
        found.push(("the database".to_owned(), database.dump().into_bytes()));
    }
    assert!(found.len() >= 2, "no store was there to search");
    found
}

#[tokio::test]
async fn no_canary_is_in_any_log_or_store_file() {
    let world = World::plan().env("SLUICE_LOG", "trace").start();
    let mut canaries = drive(&world).await;
    canaries.extend(secrets(&world));
    world.gateway(|gateway| gateway.signal("HUP"));
    world.kill_and_restart();
    world.demo.get("/v1/methods").await.expect(200);
    let mut searched = 0;
    for (name, bytes) in logs_and_store(&world) {
        searched += bytes.len();
        // A dump shows bytes as hex.
        let in_hex = canaries.iter().map(hex::encode);
        for canary in in_hex.chain(canaries.iter().cloned()) {
            let found = bytes.windows(canary.len()).position(|window| window == canary.as_bytes());
            let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(120)..(at + 60).min(bytes.len())]).into_owned());
            assert!(around.is_none(), "{name} holds a canary: …{}…", around.unwrap());
        }
    }
    assert!(searched > 50_000, "only {searched} bytes of logs and store were there to search");
}
