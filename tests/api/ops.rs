//! Operators: nobody without a token, nothing beyond the role, everything in the audit log (API5; CONTRACT section 11).

use crate::harness::client::{Answer, Ops, send};
use crate::harness::{World, order, with};
use serde_json::{Value, json};

pub(super) const ROLES: &[&str] = &["viewer", "operator", "finance", "admin"];

pub(super) fn token(role: &str) -> String {
    format!("test-token-of-the-{role:_<24}")
}

/// A world with one operator of each role.
fn staffed() -> World {
    World::plan().append("sluice.toml", &staff()).start()
}

/// Those four, as `sluice.toml` names them.
pub(super) fn staff() -> String {
    ROLES.iter().map(|role| format!("[[operator]]\nname = \"{role}-1\"\nrole = \"{role}\"\ntoken = \"{}\"\n\n", token(role))).collect()
}

pub(super) fn with_token(world: &World, token: &str) -> Ops {
    Ops { token: token.to_owned(), ..world.ops.clone() }
}

/// Every operation under /ops of the document, with ids filled in.
async fn operations(world: &World) -> Vec<(String, String)> {
    let api = send(world.demo.http.get(format!("{}/openapi.json", world.demo.base))).await.unwrap().expect(200);
    let mut list = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/ops/")) {
        let filled = ["{id}=nobody", "{act}=disable", "{key}=k_nobody", "{account}=wx-nobody", "{store}=s_nobody", "{event_id}=evt_nobody", "{name}=nobody"];
        let path = filled.iter().filter_map(|f| f.split_once('=')).fold(path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!path.contains('{'), "{path}: teach this test the new parameter");
        list.extend(operations.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    assert!(list.len() >= 15, "{list:?}");
    list
}

#[tokio::test]
async fn no_call_is_open_to_somebody_without_a_token() {
    let world = World::shared();
    for (method, path) in operations(&world).await {
        let url = format!("{}{path}", world.demo.base);
        let request = || world.demo.http.request(method.parse().unwrap(), &url).header("content-type", "application/json").body("{}");
        let strangers = [
            send(request()).await.unwrap(),
            send(request().bearer_auth("")).await.unwrap(),
            send(request().bearer_auth(&world.demo.secret)).await.unwrap(),
            send(request().bearer_auth(world.ops.token.to_uppercase() + "x")).await.unwrap(),
            send(request().basic_auth("admin", Some(&world.ops.token))).await.unwrap(),
            send(request().header("authorization", &world.ops.token)).await.unwrap(),
        ];
        for answer in strangers {
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        }
    }
    // A merchant's signature opens no operator's door, and an operator's token no merchant's.
    let merchant = world.demo.send(&world.demo.draft("GET", "/ops/v1/merchants", Vec::new())).await;
    assert_eq!(merchant.status, 401);
    assert_eq!(world.ops.get("/v1/orders").await.status, 401);
}

/// Deny by default: a viewer changes nothing, whatever the document lists; an unknown path is nothing to anybody.
#[tokio::test]
async fn a_role_does_what_it_may_and_nothing_else() {
    let world = staffed();
    let viewer = with_token(&world, &token("viewer"));
    for (method, path) in operations(&world).await {
        let answer = viewer.call(&method, &path, Some(&json!({}))).await;
        if path == "/ops/v1/routes/dry-run" {
            // A question: whoever may look may ask it.
            answer.refused(400, "INVALID_REQUEST");
            continue;
        }
        if method == "GET" {
            // A statement is of a day, which nobody named here.
            let asks_for_more = path == "/ops/v1/statements" && answer.fields().contains("day");
            let is_hidden = ["/ops/v1/audit", "/ops/v1/operators", "/ops/v1/sessions"].contains(&path.as_str()) && answer.status == 403;
            let reads = answer.status < 400 || answer.status == 404 || is_hidden || asks_for_more;
            assert!(reads, "{path}: {}", answer.text());
        } else {
            answer.refused(403, "FORBIDDEN");
        }
        let finance = with_token(&world, &token("finance")).call(&method, &path, Some(&json!({}))).await;
        // What finance does: settles what is different in the bills, and helps a payer as operators do.
        let does = ["/ops/v1/discrepancies/", "/ops/v1/orders/", "/ops/v1/notifications/"].iter().any(|begin| path.starts_with(begin));
        let expected = if does { [400, 404].contains(&finance.status) } else { finance.status == 403 };
        assert!(method == "GET" || expected, "{method} {path}: {}", finance.text());
    }
    for (role, may) in [("viewer", false), ("finance", false), ("operator", true), ("admin", true)] {
        let answer = with_token(&world, &token(role)).post("/ops/v1/accounts/wx-main/enable").await;
        assert_eq!(answer.status == 200, may, "{role}: {}", answer.text());
    }
    for (role, may) in [("viewer", false), ("finance", false), ("operator", false), ("admin", true)] {
        let answer = with_token(&world, &token(role)).post("/ops/v1/reload").await;
        assert_eq!(answer.status == 200, may, "{role}: {}", answer.text());
    }
    assert_eq!(world.ops.get("/ops/v1/nothing").await.status, 404);
}

/// Off stops new attempts only: what is under way is finished.
#[tokio::test]
async fn a_disabled_account_takes_no_new_order_and_finishes_the_old() {
    let world = World::plan().start();
    for act in ["disable", "drain"] {
        world.ops.post("/ops/v1/accounts/wx-main/enable").await.expect(200);
        let placed = world.demo.place(&order("wechat_native", 100)).await;
        let id = placed["id"].as_str().unwrap();
        world.ops.post(&format!("/ops/v1/accounts/wx-main/{act}")).await.expect(200);
        world.demo.post("/v1/orders", &order("wechat_native", 100)).await.refused(422, "NO_ROUTE");
        let methods = world.demo.get("/v1/methods").await.expect(200);
        let left = methods["data"].as_array().unwrap().iter().filter(|m| m["method"].as_str().unwrap().starts_with("wechat_"));
        assert_eq!(left.count(), 0, "{methods}");
        assert!(!methods.to_string().contains("wx-main"), "{methods}");
        world.control.pay(&placed).await;
        world.demo.until_status(id, "paid").await;
        let body = json!({"merchant_refund_no": format!("OFF-{id}"), "amount": 100});
        let refund = world.demo.post(&format!("/v1/orders/{id}/refunds"), &body).await.expect(201);
        world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
        // A switch outlives a restart.
        world.kill_and_restart();
        world.demo.post("/v1/orders", &order("wechat_native", 100)).await.refused(422, "NO_ROUTE");
    }
}

fn data(answer: Answer) -> Vec<Value> {
    let body = answer.expect(200);
    body["data"].as_array().or_else(|| body.as_array()).unwrap_or_else(|| panic!("{body}")).clone()
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_and_no_secret_is() {
    let world = World::plan().start();
    world.ops.post("/ops/v1/accounts/wx-main/drain").await.expect(200);
    world.ops.post("/ops/v1/accounts/wx-main/enable").await.expect(200);
    let created = world.ops.post("/ops/v1/merchants/m_demo/keys").await.expect(201);
    world.ops.post("/ops/v1/reload").await.expect(200);
    let log = data(world.ops.get("/ops/v1/audit?limit=100").await);
    let acts: Vec<&str> = log.iter().map(|line| line["act"].as_str().unwrap()).collect();
    for act in ["account.drain", "account.enable", "key.create", "config.reload"] {
        assert!(acts.contains(&act), "{act} is not in {acts:?}");
    }
    assert!(log.iter().all(|line| line["who"] == "admin" && line["role"] == "admin" && line["at"].is_string()), "{log:?}");
    assert!(log.windows(2).all(|pair| pair[0]["seq"].as_i64() > pair[1]["seq"].as_i64()));
    let text = Value::Array(log).to_string();
    assert!(!text.contains(created["secret"].as_str().unwrap()));
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert!([404, 405, 403].contains(&world.ops.call(method, "/ops/v1/audit", None).await.status), "{method}");
    }
}

/// Two live keys at most; a new one signs at once, a revoked one no more.
#[tokio::test]
async fn keys_rotate_without_a_gap() {
    let world = World::plan().start();
    let created = world.ops.post("/ops/v1/merchants/m_demo/keys").await.expect(201);
    let mut fresh = world.demo.clone();
    created["id"].as_str().unwrap().clone_into(&mut fresh.key_id);
    created["secret"].as_str().unwrap().clone_into(&mut fresh.secret);
    fresh.get("/v1/methods").await.expect(200);
    world.demo.get("/v1/methods").await.expect(200);
    let third = world.ops.post("/ops/v1/merchants/m_demo/keys").await;
    assert!((400..500).contains(&third.status), "a third live key: {}", third.text());
    world.ops.call("DELETE", "/ops/v1/merchants/m_demo/keys/k_demo", None).await.expect(200);
    world.demo.send(&world.demo.draft("GET", "/v1/methods", Vec::new())).await.refused(401, "UNKNOWN_KEY");
    // Only the secret's owner ever sees it again: nobody.
    let listed = Value::Array(data(world.ops.get("/ops/v1/merchants/m_demo/keys").await)).to_string();
    assert!(!listed.contains(&fresh.secret) && !listed.contains(&world.demo.secret));
    // What operators did outlives a restart, and the config file does not undo it.
    world.kill_and_restart();
    fresh.get("/v1/methods").await.expect(200);
    world.demo.send(&world.demo.draft("GET", "/v1/methods", Vec::new())).await.refused(401, "UNKNOWN_KEY");
}

#[tokio::test]
async fn operators_find_an_order_with_its_attempts_and_exchanges() {
    let world = World::shared();
    let paid = world.paid(&with(order("wechat_native", 100), json!({"metadata": {"a": "b"}}))).await;
    let id = paid["id"].as_str().unwrap();
    let detail = world.ops.get(&format!("/ops/v1/orders/{id}")).await.expect(200);
    let text = detail.to_string();
    for word in [id, "wx-main", "order.paid", "m_demo"] {
        assert!(text.contains(word), "{word} is not in {text}");
    }
    let found = data(world.ops.get("/ops/v1/orders?merchant=m_demo&status=paid&limit=100").await);
    assert!(found.iter().any(|o| o.to_string().contains(id)));
    assert!(world.ops.get("/ops/v1/limits").await.expect(200).is_array());
}
