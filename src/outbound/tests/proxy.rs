//! Proxy variables of the environment are ignored. They are read once per process, so a child of this very test binary asks.

use super::stage::{Part, Stage, reply};
use crate::outbound::guard::Policy;
use crate::outbound::{Clients, Courier, HttpCourier, Outcome, Post, Wire};
use sluice_contract::{Headers, HttpRequest, Into, Verb};

const TARGET: &str = "SLUICE_TEST_PROXY_TARGET";
const CHILD: &str = "outbound::tests::proxy::child_that_sends_with_proxy_variables_set";

#[tokio::test]
async fn proxy_variables_are_ignored() {
    let target = Stage::open(Part::Answer(reply("200 OK", "direct"))).await;
    let proxy = Stage::open(Part::Answer(reply("200 OK", "proxied"))).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD, "--ignored"]).env(TARGET, target.url("/hook")).env_remove("NO_PROXY").env_remove("no_proxy");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url(""));
    }
    let output = child.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!((target.connections().await, proxy.connections().await), (2, 1));
}

#[tokio::test]
#[ignore = "run by proxy_variables_are_ignored in a process of its own"]
#[expect(clippy::disallowed_methods, reason = "this child is the control: an ordinary client under proxy variables")]
async fn child_that_sends_with_proxy_variables_set() {
    let url = std::env::var(TARGET).unwrap();
    // The control: a client that was not told otherwise does go to the proxy.
    let ordinary = reqwest::Client::builder().build().unwrap();
    assert_eq!(ordinary.get(&url).send().await.unwrap().text().await.unwrap(), "proxied");

    let request = HttpRequest {
        api: "test",
        verb: Verb::Get,
        url: url.clone(),
        headers: Headers::default(),
        body: Vec::new(),
        identity: None,
        into: Into::Memory { max_bytes: 100 },
        timeout_ms: 5000,
    };
    let answered = Clients::new(std::env::temp_dir()).send(&request).await.unwrap();
    assert_eq!(answered.bytes(), b"direct");
    let courier = HttpCourier::new(Policy { allow_private_addresses: true, allow_http: true }).unwrap();
    let delivered = courier.deliver(&Post { url, headers: Vec::new(), body: Vec::new() }).await;
    assert_eq!((delivered.outcome, delivered.snippet.as_str()), (Outcome::Ok, "direct"));
}
