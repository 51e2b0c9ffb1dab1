//! Which account a code goes to, and what is scanned by mistake: no channel is asked, and no code is found anywhere afterwards.

use crate::harness::till::{coded, id_of};
use crate::harness::{World, order, with};
use serde_json::{Value, json};

/// Another order of the bindings of the merchant that stands first in the file.
fn first(account: &'static str) -> impl Fn(String) -> String {
    move |old| {
        let line = format!("\n[[merchant.binding]]\naccount = \"{account}\"\n");
        let (demo, other) = old.split_at(old.rfind("[[merchant]]").unwrap());
        let at = demo.find("\n[[merchant.binding]]").unwrap();
        let (head, bindings) = demo.split_at(at);
        assert!(bindings.contains(&line), "{bindings}");
        format!("{head}{line}{}{other}", bindings.replacen(&line, "", 1))
    }
}

/// A code of the bank's own app is a code of UnionPay's by its shape.
async fn goes_to(world: &World, merchant: &crate::harness::client::Merchant, wallet: &str) -> Value {
    let code = world.control.at(wallet).auth_code("pay").await;
    let placed = merchant.post("/v1/orders", &coded("auto_barcode", None, &code, 250)).await.expect(201);
    placed["account"].clone()
}

#[tokio::test]
async fn codes_that_begin_with_62_go_where_the_merchants_bindings_say() {
    let world = World::plan().edit("merchants.toml", first("icbc-main")).start();
    // The file's order for one merchant; the usual one for the other.
    for wallet in ["unionpay", "icbc", "cmb"] {
        assert_eq!(goes_to(&world, &world.demo, wallet).await, "icbc-main", "{wallet}");
        assert_eq!(goes_to(&world, &world.other, wallet).await, "up-main", "{wallet}");
    }
    assert_eq!(goes_to(&world, &world.demo, "wechat").await, "wx-main");
    assert_eq!(goes_to(&world, &world.demo, "alipay").await, "ali-main");
    // An operator puts CMB first.
    for (account, rank) in [("cmb-main", 0), ("icbc-main", 7), ("up-main", 8)] {
        let path = format!("/ops/v1/merchants/m_other/bindings/{account}");
        assert_eq!(world.ops.call("PUT", &path, Some(&json!({"rank": rank}))).await.expect(200)["rank"], rank);
    }
    assert_eq!(goes_to(&world, &world.other, "cmb").await, "cmb-main");
    assert_eq!(goes_to(&world, &world.other, "unionpay").await, "cmb-main");
    assert_eq!(goes_to(&world, &world.demo, "cmb").await, "icbc-main", "another merchant's order is its own");
    // The first is off: the next one takes it.
    let off = json!({"rank": 0, "enabled": false});
    world.ops.call("PUT", "/ops/v1/merchants/m_other/bindings/cmb-main", Some(&off)).await.expect(200);
    assert_eq!(goes_to(&world, &world.other, "icbc").await, "icbc-main");
    // A pinned account has the last word, if it takes such codes.
    let code = world.control.at("unionpay").auth_code("pay").await;
    assert_eq!(world.demo.place(&coded("auto_barcode", Some("up-main"), &code, 250)).await["account"], "up-main");
    let code = world.control.at("unionpay").auth_code("pay").await;
    world.demo.post("/v1/orders", &coded("auto_barcode", Some("wx-main"), &code, 250)).await.refused(400, "METHOD_NOT_AVAILABLE");
}

/// What people scan by mistake, or what a scanner garbles: never a payment code, and as long as to be told apart in a file.
const MISTAKES: [(&str, &str); 12] = [
    ("990000000012345671", "UNKNOWN_AUTH_CODE"),
    ("5100000000012345672", "UNKNOWN_AUTH_CODE"),
    ("13000000012345673", "UNKNOWN_AUTH_CODE"),
    ("1300000000012345674", "UNKNOWN_AUTH_CODE"),
    ("280000012345675", "UNKNOWN_AUTH_CODE"),
    ("2800000000000000012345676", "UNKNOWN_AUTH_CODE"),
    ("622000000012345677", "UNKNOWN_AUTH_CODE"),
    ("62200000000012345678", "UNKNOWN_AUTH_CODE"),
    ("https://qr.95516.com/00010001/62200000012345679", "UNKNOWN_AUTH_CODE"),
    ("https://qr.alipay.com/bax0123456789mistake", "UNKNOWN_AUTH_CODE"),
    ("weixin://wxpay/bizpayurl?pr=mistake0123456789", "UNKNOWN_AUTH_CODE"),
    ("13000000-0012345680", "INVALID_REQUEST"),
];

/// Codes of good shape at a method that cannot charge them.
const CROSSED: [(&str, &str); 5] = [
    ("wechat_barcode", "6220000000012345681"),
    ("alipay_barcode", "130000000012345682"),
    ("unionpay_barcode", "280000000012345683"),
    ("icbc_barcode", "130000000012345684"),
    ("wechat_barcode", "280000000012345685"),
];

/// By name: what was answered, the log, and the store's files or rows.
fn places(world: &World, answers: &str) -> Vec<(String, String)> {
    let mut found = vec![("an answer".to_owned(), answers.to_owned()), ("the log".to_owned(), world.gateway_log())];
    for entry in std::fs::read_dir(&world.dir).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".sqlite") {
            found.push((path.display().to_string(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned()));
        }
    }
    if let Some(database) = &world.database {
        found.push(("the database".to_owned(), database.dump()));
    }
    assert!(found.len() >= 3, "no store was there to search");
    found
}

#[tokio::test]
async fn what_is_scanned_by_mistake_reaches_no_channel_and_is_kept_nowhere() {
    let world = World::plan().env("SLUICE_LOG", "trace").start();
    let seen = world.control.seen().await;
    let mut answers = String::new();
    for (code, says) in MISTAKES {
        for method in ["auto_barcode", "cmb_barcode"] {
            let answer = world.demo.post("/v1/orders", &coded(method, None, code, 250)).await;
            let (status, told) = (answer.status, answer.code().to_owned());
            assert!(status == 400 && (told == says || told == "INVALID_REQUEST"), "{method} {code}: {}", answer.text());
            assert!(method != "auto_barcode" || told == says, "{code}: {}", answer.text());
            assert_eq!(answer.fields().into_iter().collect::<Vec<_>>(), ["auth_code"], "{method} {code}: {}", answer.text());
            answers.push_str(&answer.text());
        }
    }
    for (method, code) in CROSSED {
        let answer = world.demo.post("/v1/orders", &coded(method, None, code, 250)).await;
        assert!(answer.fields().contains("auth_code"), "{method} {code}: {}", answer.text());
        answers.push_str(&answer.refused(400, "INVALID_REQUEST").to_string());
    }
    assert_eq!(world.control.seen().await, seen, "a channel was asked");
    assert_eq!(world.control.ledger().await, Vec::<Value>::new());
    assert_eq!(world.demo.get("/v1/orders").await.expect(200)["data"], json!([]), "something was stored");
    // One that is charged is kept nowhere either.
    let code = world.control.at("cmb").auth_code("pay").await;
    let paid = world.demo.place(&coded("cmb_barcode", None, &code, 250)).await;
    answers.push_str(&world.demo.expanded(id_of(&paid)).await.to_string());
    let codes = MISTAKES.map(|(code, _)| code).into_iter().chain(CROSSED.map(|(_, code)| code)).chain([code.as_str()]);
    let places = places(&world, &answers);
    for code in codes {
        for (name, text) in &places {
            assert!(!text.contains(code) && !text.contains(&hex::encode(code)), "{name} holds {code}");
        }
    }
}

#[tokio::test]
async fn a_barcode_method_without_a_code_asks_for_one() {
    let world = World::shared();
    for method in ["auto_barcode", "wechat_barcode", "alipay_barcode", "unionpay_barcode", "icbc_barcode", "cmb_barcode"] {
        let body = with(order(method, 250), json!({"client_ip": "203.0.113.7"}));
        assert!(world.demo.post("/v1/orders", &body).await.fields().contains("auth_code"), "{method}");
    }
}
