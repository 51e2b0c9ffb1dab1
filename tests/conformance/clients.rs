//! Runs the foreign clients against a real sandbox and a real gateway. Each script prints what it verified and exits 0, or fails.

use crate::harness::{Inbox, Manner, World, order, with};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    let named = std::env::var_os("SLUICE_CLIENTS").expect("SLUICE_CLIENTS is not set: run these through `tests/run conformance`");
    PathBuf::from(named)
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(name)
}

/// Runs a script to its end; the test fails with its output if it does not exit 0.
async fn run(interpreter: &str, name: &str, input: serde_json::Value) {
    let program = if interpreter == "python" { folder().join("venv/bin/python") } else { PathBuf::from("node") };
    let mut command = Command::new(program);
    command.arg(script(name)).arg(input.to_string()).stdin(Stdio::null());
    command.env("SLUICE_NODE_MODULES", folder().join("node/node_modules")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("the interpreter is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{name}:\n{}\n{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("all verified"), "{name} verified nothing:\n{}", text(&output.stdout));
    println!("{name}: {}", text(&output.stdout).trim());
}

/// Runs a client of one channel against the shared sandbox.
async fn walk(interpreter: &str, name: &str, channel: &str) {
    let world = World::shared();
    let credentials = world.control.credentials().await;
    run(interpreter, name, json!({channel: credentials[channel], "control": world.control.base})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_wechat_pay_works_against_the_sandbox() {
    walk("python", "wechat.py", "wechat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_of_wechat_pay_works_against_the_sandbox() {
    walk("node", "wechat.mjs", "wechat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_of_alipay_works_against_the_sandbox() {
    walk("python", "alipay.py", "alipay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_of_alipay_works_against_the_sandbox() {
    walk("node", "alipay.mjs", "alipay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acp_client_that_shares_no_code_with_us_works_against_the_sandbox() {
    walk("python", "unionpay.py", "unionpay").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_icbc_client_that_is_openssl_works_against_the_sandbox() {
    walk("python", "icbc.py", "icbc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cmb_client_over_gmssl_works_against_the_sandbox() {
    walk("python", "cmb.py", "cmb").await;
}

/// A real notification of ours, verified by the libraries of the specification's authors.
#[tokio::test(flavor = "multi_thread")]
async fn the_standard_webhooks_libraries_verify_our_notification() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let paid = world.paid(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
    let told = inbox.taken(paid["id"].as_str().unwrap(), "order.paid").await;
    let input = json!({
        "secret": world.demo.webhook_secret, "body": String::from_utf8(told.body.clone()).unwrap(),
        "headers": {"webhook-id": told.id, "webhook-timestamp": told.timestamp, "webhook-signature": told.signatures},
    });
    run("python", "webhooks.py", input.clone()).await;
    run("node", "webhooks.mjs", input).await;
}

/// D9: schemathesis makes requests from /openapi.json, signs them, and holds every answer to the document.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_keeps_to_its_own_document() {
    let world = World::plan().start();
    world.paid(&order("wechat_native", 100)).await;
    let seed: u64 = std::env::var("SLUICE_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_123);
    let cases: u64 = std::env::var("SLUICE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let input = json!({"base": world.demo.base, "key_id": world.demo.key_id, "secret": world.demo.secret, "seed": seed, "cases": cases});
    run("python", "schema.py", input).await;
    world.demo.get("/v1/methods").await.expect(200);
    assert!(!world.gateway_log().contains("panicked"), "a handler panicked");
}
