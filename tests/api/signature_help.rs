//! "Why is my signature wrong?" (PEOPLE 5.3): twelve mistakes that integrators make, each sent as they would send it, each told by its
//! word; and the two commands that say the same without a network.

use crate::harness::client::{Draft, Merchant};
use crate::harness::process::{binary, outcome};
use crate::harness::{World, sign, unix_now};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const PATH: &str = "/v1/orders?status=paid&created_from=2026-11-23T00%3A00%3A00%2B08%3A00";

fn mac(key: &[u8], message: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// The five lines that are right.
fn lines(draft: &Draft) -> String {
    let body = String::from_utf8(draft.body.clone()).unwrap();
    format!("{}\n{}\n{}\n{}\n{body}\n", draft.method, draft.path, draft.timestamp, draft.nonce)
}

fn draft(merchant: &Merchant) -> Draft {
    let body = json!({"merchant_order_no": "SO-1", "amount": 1280, "subject": "一箱苹果", "method": "wechat_native"});
    merchant.draft("POST", PATH, body.to_string().into_bytes())
}

async fn debug(world: &World, draft: Draft) -> Value {
    let answer = world.demo.send(&draft).await;
    assert_eq!(answer.header("sluice-signature"), "");
    assert!(!answer.text().contains(&world.demo.secret) && !answer.text().contains(&sign_right(&draft)), "{}", answer.text());
    answer.refused(401, "BAD_SIGNATURE")["signature_debug"].clone()
}

fn sign_right(draft: &Draft) -> String {
    sign::request(&draft.secret, &draft.method, &draft.path, &draft.timestamp, &draft.nonce, &draft.body)
}

type Spoil = Box<dyn Fn(&World, &mut Draft)>;
type Mistake = (&'static str, &'static str, Spoil);

/// Over these lines instead.
fn signing(change: impl Fn(String) -> String + 'static) -> Spoil {
    Box::new(move |_, draft| draft.signature = Some(mac(draft.secret.as_bytes(), &change(lines(draft)))))
}

/// With this key instead.
fn with_key(key: impl Fn(&World) -> Vec<u8> + 'static) -> Spoil {
    Box::new(move |world, draft| draft.signature = Some(mac(&key(world), &lines(draft))))
}

fn mistakes() -> Vec<Mistake> {
    vec![
        ("no newline behind the body", "trailing_newline_missing", signing(|text| text.trim_end().to_owned())),
        ("Windows line ends", "crlf", signing(|text| text.replace('\n', "\r\n"))),
        (
            "parameters sorted for signing",
            "query_reordered",
            signing(|text| text.replace("status=paid&created_from=2026-11-23T00%3A00%3A00%2B08%3A00", "created_from=2026-11-23T00%3A00%3A00%2B08%3A00&status=paid")),
        ),
        ("the decoded query signed", "query_encoding", signing(|text| text.replace("%3A", ":").replace("%2B", "+"))),
        ("the base path left out", "path_without_prefix", signing(|text| text.replace("/v1/orders", "/orders"))),
        ("json.dumps for the signature", "body_reserialised", signing(|text| text.replace(",\"", ", \"").replace("\":", "\": "))),
        ("the body forgotten", "body_left_out", signing(|text| text.split('{').next().unwrap().to_owned() + "\n")),
        (
            "Date.now()",
            "timestamp_in_ms",
            Box::new(|_, draft| {
                draft.timestamp.push_str("123");
                draft.signature = Some(sign_right(draft));
            }),
        ),
        ("the secret decoded from base64", "secret_decoded", with_key(|world| STANDARD.decode(&world.demo.secret).unwrap())),
        ("%X instead of %x", "upper_case_hex", Box::new(|_, draft| draft.signature = Some(sign_right(draft).to_uppercase()))),
        ("the webhook's secret", "webhook_secret", with_key(|world| world.demo.webhook_secret.clone().into_bytes())),
        ("the secret's file with its newline", "secret_whitespace", with_key(|world| format!("{}\n", world.demo.secret).into_bytes())),
    ]
}

#[tokio::test]
async fn each_of_twelve_mistakes_is_told_by_its_word() {
    let world = World::plan().start();
    for (what, hint, spoil) in mistakes() {
        let mut spoiled = draft(&world.demo);
        spoil(&world, &mut spoiled);
        let expected = (spoiled.timestamp.clone(), spoiled.nonce.clone(), spoiled.body.len());
        let debug = debug(&world, spoiled).await;
        assert_eq!(debug["hints"], json!([hint]), "{what}: {debug}");
        assert_eq!((&debug["timestamp"], &debug["nonce"], &debug["body_bytes"]), (&json!(expected.0), &json!(expected.1), &json!(expected.2)));
        assert_eq!(debug["path_and_query"], PATH);
    }
}

/// The thirteenth: two keys, and the wrong one's secret.
#[tokio::test]
async fn the_other_key_is_told_and_help_can_be_switched_by_operators() {
    let world = World::plan().start();
    let created = world.ops.post("/ops/v1/merchants/m_demo/keys").await.expect(201);
    let (id, secret) = (created["id"].as_str().unwrap().to_owned(), created["secret"].as_str().unwrap().to_owned());
    let mut mixed = draft(&world.demo);
    mixed.secret.clone_from(&secret);
    assert_eq!(debug(&world, mixed).await["hints"], json!(["other_key"]));
    let path = format!("/ops/v1/merchants/m_demo/keys/{id}/debug");
    let until = world.ops.call("PUT", &path, Some(&json!({"on": true}))).await.expect(200)["debug_until"].clone();
    assert!(until.as_str().is_some_and(|until| until.ends_with("+08:00")), "{until}");
    let listed = world.ops.get("/ops/v1/merchants/m_demo/keys").await.expect(200);
    let row = listed["data"].as_array().unwrap().iter().find(|row| row["id"] == id.as_str()).unwrap();
    assert_eq!(row["debug_until"], until);
    world.ops.call("PUT", &path, Some(&json!({"on": false}))).await.expect(200);
    // Both keys still sign: it changes nothing of what is accepted.
    world.demo.get("/v1/whoami").await.expect(200);
    Merchant { key_id: id, secret, ..world.demo.clone() }.get("/v1/whoami").await.expect(200);
}

#[test]
fn sign_explains_its_five_lines() {
    let arguments = ["sign", "--key-id", "k", "--secret", "s3cret", "--explain", "POST", "/v1/orders", "{\"a\":1}"];
    let (code, stdout, stderr) = outcome(&arguments);
    assert_eq!(code, 0, "{stderr}");
    let shown: Vec<&str> = stdout.lines().collect();
    assert!(shown[0] == "POST\\n" && shown[1] == "/v1/orders\\n" && shown[4] == "{\"a\":1}\\n", "{stdout}");
    let (timestamp, nonce) = (shown[2].trim_end_matches("\\n"), shown[3].trim_end_matches("\\n"));
    assert!((unix_now() - timestamp.parse::<i64>().unwrap()).abs() < 60);
    let right = sign::request("s3cret", "POST", "/v1/orders", timestamp, nonce, b"{\"a\":1}");
    assert!(stdout.contains(&format!("signature       {right}")), "{stdout}");
    assert!(shown.last().unwrap().starts_with("curl ") && shown.last().unwrap().contains(&right), "{stdout}");
}

#[test]
fn verify_webhook_says_which_part_fails() {
    let secret = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let body = r#"{"type":"order.paid","id":"evt_1"}"#;
    let key = STANDARD.decode(&secret[6..]).unwrap();
    let signature = STANDARD.encode(hex::decode(mac(&key, &format!("evt_1.1763880000.{body}"))).unwrap());
    let raw = |body: &str| format!("webhook-id: evt_1\r\nwebhook-timestamp: 1763880000\r\nwebhook-signature: v1,{signature}\r\n\r\n{body}");
    let judge = |raw: String| {
        let mut command = Command::new(binary());
        command.args(["verify-webhook", "--secret", secret]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(raw.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, report) = judge(raw(body));
    assert!(code == Some(0) && report.contains("signature          holds") && report.contains("refuses more than 300 s"), "{report}");
    let (code, report) = judge(raw(&body.replace(':', ": ")));
    assert!(code == Some(1) && report.contains("written again"), "{report}");
    assert_eq!(outcome(&["verify-webhook", "--secret", "nonsense"]).0, 2);
}
