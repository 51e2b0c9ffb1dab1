//! Alipay as a service provider: the merchants' tokens are secrets at rest and in sight, are renewed by themselves, and a dead one
//! switches its binding off.

use super::reconcile::{day_of, reconcile};
use crate::harness::client::send;
use crate::harness::control::Paying;
use crate::harness::till::{coded, id_of, refunded, remaining};
use crate::harness::{World, order, until, with};
use serde_json::{Value, json};

const BINDING: &str = "/ops/v1/merchants/m_demo/bindings/ali-main";

/// Alipay's account as a provider's. Nobody is bound to it yet: whose tokens they are is told by the operator.
fn world() -> World {
    let provider = |old: String| {
        let mut file: toml::Table = old.parse().unwrap();
        let accounts = file["account"].as_array_mut().unwrap();
        let alipay = accounts.iter_mut().find(|account| account["id"].as_str() == Some("ali-main")).unwrap();
        let credentials = alipay["credentials"].as_table_mut().unwrap();
        assert_eq!(credentials["mode"].as_str(), Some("direct"));
        credentials.insert("mode".into(), "provider".into());
        let pid = credentials["pid"].clone();
        credentials.insert("sys_service_provider_id".into(), pid);
        toml::to_string(&file).unwrap()
    };
    let unbound = |old: String| {
        let line = "\n[[merchant.binding]]\naccount = \"ali-main\"\n";
        assert_eq!(old.matches(line).count(), 2, "{old}");
        old.replace(line, "")
    };
    World::plan().edit("channels.toml", provider).edit("merchants.toml", unbound).start()
}

/// Binds the demo merchant to the first merchant that authorised the provider; answers that merchant as the sandbox knows it.
async fn bound(world: &World) -> Value {
    let merchant = world.control.credentials().await["alipay"]["provider"]["merchants"][0].clone();
    let shown = world.ops.call("PUT", BINDING, Some(&json!({"sub": merchant}))).await.expect(200);
    assert_eq!((&shown["sub"]["auth_app_id"], &shown["enabled"]), (&merchant["auth_app_id"], &json!(true)));
    merchant
}

fn tokens(merchant: &Value) -> Vec<String> {
    let names = ["app_auth_token", "app_refresh_token"];
    names.map(|name| merchant[name].as_str().unwrap().to_owned()).into_iter().inspect(|token| assert!(token.len() >= 20)).collect()
}

fn qr() -> Value {
    with(order("alipay_qr", 1280), json!({"account": "ali-main"}))
}

async fn pays(world: &World, what: &str) -> String {
    let placed = world.demo.place(&qr()).await;
    let scanned = world.control.take(&placed, &Paying::default()).await;
    assert_eq!(scanned.status, 200, "{what}: {}", scanned.text());
    let paid = world.demo.until_status(id_of(&placed), "paid").await;
    assert_eq!((&paid["wallet"], &paid["account"]), (&json!("alipay"), &json!("ali-main")), "{what}");
    assert_eq!(world.entry_of(id_of(&paid)).await["charges"], 1, "{what}");
    id_of(&paid).to_owned()
}

/// By name: every file of the gateway's folder, and the rows of its tables.
fn at_rest(world: &World) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(&world.dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let files = files.filter(|path| !path.ends_with("sandbox.log"));
    let mut found: Vec<_> = files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect();
    if let Some(database) = &world.database {
        found.push(("the database".to_owned(), database.dump().into_bytes()));
    }
    assert!(found.len() >= 6, "{}", found.len());
    found
}

async fn binding(world: &World) -> Value {
    let list = world.ops.get("/ops/v1/merchants/m_demo/bindings").await.expect(200);
    list["data"].as_array().unwrap().iter().find(|b| b["account"] == "ali-main").unwrap_or_else(|| panic!("{list}")).clone()
}

async fn bindings_off(world: &World) -> i64 {
    let metrics = world.demo.http.get(format!("{}/metrics", world.demo.base)).bearer_auth(&world.ops.token);
    let text = send(metrics).await.unwrap().text();
    let lines = text.lines().filter(|line| line.starts_with("sluice_bindings_off"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as i64).sum()
}

#[tokio::test]
async fn a_providers_order_works_and_its_tokens_are_kept_sealed_and_covered() {
    let world = world();
    world.demo.post("/v1/orders", &qr()).await.refused(422, "NO_ROUTE");
    let merchant = bound(&world).await;
    let id = pays(&world, "an order of the provider's merchant").await;
    refunded(&world, &id, 1280).await;
    assert_eq!(remaining(&world.entry_of(&id).await), 0);
    let code = world.control.at("alipay").auth_code("pay").await;
    let placed = world.demo.place(&coded("alipay_barcode", Some("ali-main"), &code, 250)).await;
    world.demo.until_status(id_of(&placed), "paid").await;
    // Whose account the money went to is the provider's merchant: the other one has no binding.
    world.other.post("/v1/orders", &qr()).await.refused(422, "NO_ROUTE");
    let mut told = binding(&world).await.to_string();
    told.push_str(&world.ops.get("/ops/v1/audit").await.text());
    told.push_str(&world.demo.expanded(&id).await.to_string());
    assert!(told.contains("ali-main"));
    for token in tokens(&merchant) {
        assert!(!told.contains(&token), "a token is shown");
        for (name, bytes) in at_rest(&world) {
            for text in [token.clone(), hex::encode(&token)] {
                assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{name} holds a token");
            }
        }
    }
}

/// A provider gets a bill for each merchant, and the money in it is that merchant's.
#[tokio::test]
async fn a_providers_day_agrees_with_the_bill_of_its_merchant() {
    let world = world();
    bound(&world).await;
    let id = pays(&world, "an order of the provider's merchant").await;
    refunded(&world, &id, 280).await;
    let day = day_of(&world.demo.order(&id).await);
    let ran = reconcile(&world, "ali-main", &day);
    assert_eq!((&ran.clean()["rows"], &ran.clean()["matched"]), (&json!(2), &json!(2)), "{}", ran.told);
}

#[tokio::test]
async fn a_dead_access_token_is_renewed_by_itself_and_the_new_one_outlives_a_restart() {
    let world = world();
    let merchant = bound(&world).await;
    let alipay = world.control.at("alipay");
    pays(&world, "before").await;
    alipay.hook(&format!("token_dies {}", merchant["auth_app_id"].as_str().unwrap())).await;
    pays(&world, "the order that finds the token dead").await;
    let renewed = world.control.credentials().await["alipay"]["provider"]["merchants"][0].clone();
    for (old, new) in tokens(&merchant).iter().zip(tokens(&renewed)) {
        assert_ne!(old, &new, "the channel gave no fresh pair");
    }
    assert_eq!(binding(&world).await["enabled"], true);
    world.kill_and_restart();
    pays(&world, "after a restart").await;
    for token in tokens(&renewed) {
        assert!(at_rest(&world).iter().all(|(_, bytes)| !bytes.windows(token.len()).any(|window| window == token.as_bytes())));
    }
    // Once more: the pair that was fetched is the one that is renewed.
    alipay.hook(&format!("token_dies {}", merchant["auth_app_id"].as_str().unwrap())).await;
    pays(&world, "the second time").await;
    assert_eq!(bindings_off(&world).await, 0);
}

#[tokio::test]
async fn a_dead_refresh_token_switches_the_binding_off_until_the_merchant_authorises_again() {
    let world = world();
    let merchant = bound(&world).await;
    let alipay = world.control.at("alipay");
    pays(&world, "before").await;
    alipay.hook(&format!("refresh_dies {}", merchant["auth_app_id"].as_str().unwrap())).await;
    let placed = world.demo.place(&qr()).await;
    let off = until("the binding to be off", || async { Some(binding(&world).await).filter(|b| b["enabled"] == false) }).await;
    assert!(off["off_because"].as_str().is_some_and(|why| !why.is_empty()), "{off}");
    assert_eq!(bindings_off(&world).await, 1);
    assert!(world.gateway_log().contains("ALARM"));
    let failed = world.demo.until_status(id_of(&placed), "failed").await;
    assert!(failed["failure"]["code"].is_string(), "{failed}");
    until("orders to be refused", || async {
        let answer = world.demo.post("/v1/orders", &qr()).await;
        Some(()).filter(|()| answer.status == 400 && answer.code() == "METHOD_NOT_AVAILABLE")
    })
    .await;
    assert!(!world.demo.get("/v1/methods").await.text().contains("alipay_qr"));
    // It stays off over a restart, and a person's new pair puts it on again.
    world.kill_and_restart();
    assert_eq!(binding(&world).await["enabled"], false);
    let untouched = world.control.credentials().await["alipay"]["provider"]["merchants"][1].clone();
    let shown = world.ops.call("PUT", BINDING, Some(&json!({"sub": untouched}))).await.expect(200);
    assert_eq!((&shown["enabled"], &shown["off_because"]), (&json!(true), &Value::Null));
    pays(&world, "with another merchant's pair").await;
}
