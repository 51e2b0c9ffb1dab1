//! Reload: all or nothing, by SIGHUP and by the operators' call (CONTRACT section 2).

use crate::harness::world::edit;
use crate::harness::{World, order, until};
use serde_json::Value;

/// WeChat's methods: the ones the edits here are about.
async fn methods(world: &World) -> Vec<String> {
    let found = world.demo.get("/v1/methods").await.expect(200);
    let all = found["data"].as_array().unwrap().iter().map(|m| m["method"].as_str().unwrap().to_owned());
    all.filter(|method| method.starts_with("wechat_")).collect()
}

fn only_native(old: &str) -> String {
    old.lines().map(|line| if line.starts_with("methods = [\"wechat") { "methods = [\"wechat_native\"]" } else { line }).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_hangup_takes_a_good_file_and_refuses_a_bad_one_whole() {
    let world = World::plan().start();
    assert!(methods(&world).await.len() > 3);
    edit(&world.dir, "channels.toml", |old| only_native(&old));
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the reload", || async { Some(methods(&world).await).filter(|m| m.len() == 1) }).await;
    // One file is good, the other is bad: neither is taken.
    edit(&world.dir, "channels.toml", |old| old.replace("methods = [\"wechat_native\"]", "methods = [\"wechat_native\", \"wechat_app\"]"));
    edit(&world.dir, "limits.toml", |old| format!("{old}\nwings = 2\n"));
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the refusal", || async { Some(()).filter(|()| world.gateway_log().contains("wings")) }).await;
    assert_eq!(methods(&world).await, ["wechat_native"]);
    world.demo.place(&order("wechat_native", 100)).await;
    edit(&world.dir, "limits.toml", |old| old.replace("wings = 2", ""));
    world.gateway(|gateway| gateway.signal("HUP"));
    until("the second reload", || async { Some(methods(&world).await).filter(|m| m.len() == 2) }).await;
}

#[tokio::test]
async fn the_operators_reload_tells_every_problem_with_file_and_key() {
    let world = World::plan().start();
    edit(&world.dir, "channels.toml", |old| old.replace("fee_rate = \"0.006\"", "fee_rate = \"much\"").replace("mode = \"direct\"", "mode = \"x\""));
    let refused = world.ops.post("/ops/v1/reload").await;
    let fields = refused.fields();
    assert!((400..500).contains(&refused.status), "{}", refused.text());
    for key in ["fee_rate", "mode"] {
        assert!(fields.iter().any(|f| f.contains("channels.toml") && f.contains(key)), "{key} is not in {fields:?}");
    }
    assert!(methods(&world).await.len() > 3);
}

/// An account with attempts cannot vanish or become somebody else's.
#[tokio::test]
async fn an_account_in_use_is_not_removed_or_renamed() {
    let world = World::plan().start();
    world.paid(&order("wechat_native", 100)).await;
    let kept = std::fs::read_to_string(world.dir.join("channels.toml")).unwrap();
    let mchid = kept.lines().find(|line| line.starts_with("mchid = ")).unwrap().to_owned();
    let merchants = std::fs::read_to_string(world.dir.join("merchants.toml")).unwrap();
    for (old, new) in [("\"wx-main\"", "\"wx-new\""), (mchid.as_str(), "mchid = \"1999999999\"")] {
        edit(&world.dir, "channels.toml", |_| kept.replace(old, new));
        edit(&world.dir, "merchants.toml", |_| merchants.replace(old, new));
        let refused = world.ops.post("/ops/v1/reload").await;
        assert!((400..500).contains(&refused.status), "{}", refused.text());
        assert!(refused.text().contains("wx-main") && refused.text().contains("ACCOUNT_IN_USE"), "{}", refused.text());
        world.demo.place(&order("wechat_native", 100)).await;
    }
    edit(&world.dir, "merchants.toml", |_| merchants.clone());
    edit(&world.dir, "channels.toml", |_| kept.clone());
    let taken: Value = world.ops.post("/ops/v1/reload").await.expect(200);
    assert!(taken.is_object());
}
