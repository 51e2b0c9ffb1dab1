//! The docs as somebody follows them: the samples of the pages are pasted into a shell beside a real `sluice demo`, and the journey pays.

use crate::harness::client::http;
use crate::harness::process::binary;
use crate::harness::sign;
use crate::harness::world::scratch;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// `sluice demo`, and what it printed for a person.
pub(super) struct Demo {
    child: Child,
    gateway: String,
    pub(super) phone: String,
    secret: String,
    dir: PathBuf,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub(super) fn demo() -> Demo {
    let dir = scratch("docs");
    let mut command = Command::new(binary());
    command.args(["demo", "--port", "0", "--data"]).arg(&dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut of = |name: &str| {
        let after = |line: String| line.split_once(name).map(|(_, rest)| rest.trim().to_owned());
        lines.find_map(after).unwrap_or_else(|| panic!("the demo did not say: {name}"))
    };
    let (gateway, phone, secret) = (of("ready "), of("The payer's phone"), of("secret "));
    // Reading on keeps its stdout from breaking.
    std::thread::spawn(move || lines.for_each(drop));
    Demo { child, gateway, phone: phone.trim_end_matches('/').to_owned(), secret, dir }
}

async fn markdown(demo: &Demo, path: &str) -> String {
    let url = format!("{}{path}", demo.gateway);
    http().get(&url).send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

/// The shell blocks of a page, in order.
fn blocks(page: &str) -> Vec<String> {
    page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Runs a page's blocks as they stand, but for what a reader fills in. Answers what each block printed.
fn paste(demo: &Demo, blocks: &[String]) -> Vec<String> {
    let filled = |block: &String| {
        let mut block = block.replace("the-secret-that-sluice-demo-printed", &demo.secret);
        block = block.replace("PHONE=http://127.0.0.1:9100", &format!("PHONE={}", demo.phone));
        format!("{block}\necho '=-= next'\n")
    };
    let script = format!("set -eu\n{}", blocks.iter().map(filled).collect::<String>());
    let output = Command::new("bash").arg("-c").arg(&script).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{text}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    text.split("=-= next\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn the_guides_journey_really_pays_and_refunds() {
    let demo = demo();
    let guide = blocks(&markdown(&demo, "/docs.md?lang=zh").await);
    assert_eq!(guide, blocks(&markdown(&demo, "/docs.md?lang=en").await), "both languages run the same");
    let printed = paste(&demo, &guide);
    let answers: Vec<Value> = printed.iter().filter_map(|text| serde_json::from_str(text.trim()).ok()).collect();
    let status = |id: &str| answers.iter().rev().find(|answer| answer["id"] == id).map(|answer| answer["status"].clone());
    let order = answers.iter().find(|answer| answer["merchant_order_no"] == "SO-1001" && answer["amount"] == 1280).unwrap();
    assert_eq!(order["status"], "pending");
    assert_eq!(status(order["id"].as_str().unwrap()), Some("paid".into()), "{printed:#?}");
    let refund = answers.iter().find(|answer| answer["merchant_refund_no"] == "RF-1001").unwrap();
    assert_eq!((&refund["amount"], &refund["order_id"]), (&300.into(), &order["id"]));
    let till = answers.iter().find(|answer| answer["merchant_order_no"] == "SO-1003").unwrap();
    assert_eq!((till["status"].as_str(), till["wallet"].as_str()), (Some("paid"), Some("alipay")));
    let ledger: Value = http().get(format!("{}/ledger", demo.phone)).send().await.unwrap().json().await.unwrap();
    let charged: Vec<&Value> = ledger.as_array().unwrap().iter().filter(|row| row["charges"] == 1).collect();
    assert_eq!(charged.iter().map(|row| row["total"].as_i64().unwrap()).sum::<i64>(), 1780, "{ledger}");
}

/// Every sample of the reference, behind the journey that makes what they speak of.
#[tokio::test]
async fn every_sample_of_the_reference_runs() {
    let demo = demo();
    let guide = blocks(&markdown(&demo, "/docs.md?lang=en").await);
    let reference = blocks(&markdown(&demo, "/docs/api.md?lang=en").await);
    assert!(reference.len() >= 15, "{}", reference.len());
    let all: Vec<String> = guide.iter().chain(&reference).cloned().collect();
    let printed = paste(&demo, &all);
    for (block, text) in reference.iter().zip(&printed[guide.len()..]) {
        let last = text.trim().lines().last().unwrap_or_default();
        let answer: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {block}\n{text}"));
        assert!(answer.get("code").is_none(), "{block}\n{answer}");
    }
}

/// The vectors of the guide hold by an implementation that shares no code with the gateway.
#[tokio::test]
async fn the_test_vectors_are_right() {
    let demo = demo();
    let guide = markdown(&demo, "/docs.md?lang=en").await;
    let named = |name: &str| guide.split(&format!("{name} `")).nth(1).unwrap().split('`').next().unwrap().to_owned();
    let (secret, timestamp, nonce) = (named("- secret"), named("timestamp"), named("nonce"));
    let texts: Vec<&str> = guide.split("```text\n").skip(1).map(|rest| rest.split("```").next().unwrap().trim()).collect();
    let mut checked = 0;
    for text in texts.into_iter().filter(|text| text.contains("\\n")) {
        let (to_sign, signature) = text.rsplit_once('\n').unwrap();
        let lines: Vec<&str> = to_sign.strip_suffix("\\n").unwrap().splitn(5, "\\n").collect();
        let right = match lines.as_slice() {
            [method, path, at, of, body] => {
                assert_eq!((*at, *of), (timestamp.as_str(), nonce.as_str()));
                sign::request(&secret, method, path, at, of, body.as_bytes())
            }
            [status, at, of, body] => sign::response(&secret, status.parse().unwrap(), at, of, body.as_bytes()),
            other => panic!("{other:?}"),
        };
        assert_eq!(signature, right, "{to_sign}");
        checked += 1;
    }
    assert_eq!(checked, 5);
    let page = markdown(&demo, "/docs/webhooks.md?lang=en").await;
    let secret = page.split("- secret `").nth(1).unwrap().split('`').next().unwrap();
    let vector = page.split("```text\nevt_").nth(1).unwrap().split("```").next().unwrap().trim();
    let (signed, signature) = vector.rsplit_once('\n').unwrap();
    let parts: Vec<&str> = signed.splitn(3, '.').collect();
    assert!(sign::webhook_holds(secret, &format!("evt_{}", parts[0]), parts[1], parts[2].as_bytes(), signature));
}
