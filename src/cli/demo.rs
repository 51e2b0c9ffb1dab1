//! `demo`: sandbox and gateway in one process on an embedded store, and with `--once` the whole story, verified.

use super::story::{Client, MerchantServer, play};
use super::{Failed, load, operator, sandbox, serve, sign, until_told_to_stop};
use crate::config::{Role, Settings, Strings};
use crate::flow::Gateway;
use crate::http::identity::operator::Wanted;
use crate::http::identity::{Made, password};
use crate::sandbox::{Lent, Options, start};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The demo's waiting rules run this much faster, so that a refund takes no minute.
const FAST: u32 = 20;

pub async fn run<S: Strings + Clone + Send + Sync + 'static>(
    port: u16,
    data: Option<PathBuf>,
    once: bool,
    strings: &S,
) -> Result<(), Failed> {
    let dir = data.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("sluice-demo-{:016x}", sandbox::seed())));
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let control = SocketAddr::from(([127, 0, 0, 1], 0));
    let till = Lent::default();
    let pretend = start(Options { control, fast: FAST, seed: sandbox::seed() }, Some(Arc::clone(&till)), &tasks, &stop).await?;
    // The story must run beside anything; a person's demo wants its known port.
    let listen = SocketAddr::from(([127, 0, 0, 1], if once { 0 } else { port }));
    sandbox::write(&dir, &format!("127.0.0.1:{port}"), &pretend)?;
    let settings = load(&dir, strings)?;
    let demo = demo_merchant(&settings)?;
    let manner = serve::Manner { listen: Some(listen), fast: FAST, phone: Some(format!("http://{}/", pretend.control)) };
    let served = serve::start(&dir, settings, manner, Arc::new(strings.clone()), &tasks, &stop).await?;
    let gateway = format!("http://{}", served.address);
    let control = format!("http://{}", pretend.control);
    let client = Client {
        http: client()?,
        gateway: gateway.clone(),
        control: control.clone(),
        key_id: demo.key_id.clone(),
        secret: demo.key_secret.clone(),
    };
    let done = if once {
        let merchant = MerchantServer::start(&demo.webhook_secret, &tasks).await?;
        play(&client, &merchant, &served.gateway).await.map_err(Failed::Error)
    } else {
        let _ = till.set(Box::new(client));
        let operator = demo_operator(&served.gateway).await?;
        print_welcome(&gateway, &control, &dir, &demo, &operator);
        print_store(&served.gateway, &control);
        until_told_to_stop(stop.clone()).await;
        Ok(())
    };
    if once {
        // The merchant's server of the story never ends by itself: no waiting for it.
        stop.cancel();
    } else {
        serve::finish(&tasks, &stop).await;
    }
    if data.is_none() {
        let _ = std::fs::remove_dir_all(&dir);
    }
    done
}

#[expect(clippy::disallowed_methods, reason = "the demo's merchant is outside the gateway")]
fn client() -> Result<reqwest::Client, Failed> {
    reqwest::Client::builder().no_proxy().build().map_err(|e| Failed::Error(e.to_string()))
}

struct Demo {
    key_id: String,
    key_secret: String,
    webhook_secret: String,
}

fn demo_merchant(settings: &Settings) -> Result<Demo, Failed> {
    let merchant = settings.merchant("m_demo");
    let found = merchant.and_then(|m| m.keys.first().zip(m.webhook.as_ref()));
    let (key, webhook) = found.ok_or_else(|| Failed::Error("merchants.toml: m_demo with a key and a webhook secret is missing".into()))?;
    Ok(Demo { key_id: key.id.clone(), key_secret: key.secret.expose().to_owned(), webhook_secret: webhook.secret.expose().to_owned() })
}

/// Somebody to sign in as, with a password of this start.
async fn demo_operator(gateway: &Gateway) -> Result<Made, Failed> {
    let password = Some(password::fresh(gateway));
    operator::made(gateway, Wanted { name: "demo".to_owned(), role: Role::Admin, password, codes: false }).await
}

/// Where the demo's store is paid, and the phone that pays there.
fn print_store(gateway: &Gateway, control: &str) {
    let directory = gateway.directory.load();
    let codes = directory.merchant("m_demo").into_iter().flat_map(|merchant| merchant.stores.iter().filter_map(|s| s.code.as_deref()));
    for url in codes.map(|code| gateway.door_url(code)) {
        println!("\nA store's printed code: {url}       to print: {url}/sheet.svg");
        println!("Open it as WeChat, Alipay, UnionPay or a bank's app would: {control}/open?url={url}");
    }
}

fn print_welcome(gateway: &str, control: &str, dir: &std::path::Path, demo: &Demo, operator: &Made) {
    let number = format!("SO-{:08x}", sandbox::seed() >> 32);
    let body = format!("{{\"merchant_order_no\":\"{number}\",\"amount\":1280,\"subject\":\"一箱苹果\",\"method\":\"wechat_native\"}}");
    println!("ready {gateway}\n");
    println!("  Gateway            {gateway}       Docs: {gateway}/docs");
    println!("  The payer's phone  {control}/");
    println!("  A cashier's till   {control}/till       for payment codes");
    println!("  Operators' console {gateway}/console       sign in as {} with {}", operator.person.name, operator.password);
    println!("  Config and store   {}", dir.display());
    println!("  Merchant m_demo    key {}  secret {}\n", demo.key_id, demo.key_secret);
    println!("Place an order (good for five minutes, once), then pay it on the phone:\n");
    println!("{}\n", sign::line(gateway, &demo.key_id, &demo.key_secret, "POST", "/v1/orders", &body));
    println!("More: sluice sign --base-url {gateway} --key-id {} --secret {} GET '/v1/orders?limit=5'", demo.key_id, demo.key_secret);
}
