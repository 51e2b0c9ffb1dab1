//! The router as operators see it: asked without a trace, and told of whole; merchants see what is theirs.

use super::stage::{Got, Stage, account, order, stage};
use crate::config::Role;
use crate::domain::fee::Tariff;
use crate::domain::limit::{Limit, Limits, Measure, Per, Window};
use crate::domain::merchant::AccountState;
use crate::domain::route::{Routing, Rule, RuleAccount, Strategy};
use crate::domain::when::When;
use crate::flow::{Account, Directory};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub fn rule(strategy: Strategy, accounts: &[(&str, u32)]) -> Rule {
    let accounts = accounts.iter().map(|(id, weight)| RuleAccount { id: (*id).into(), weight: *weight }).collect();
    Rule { name: "all".into(), when: When::always(), strategy, accounts }
}

pub fn put(directory: &mut Directory, accounts: Vec<Account>, rules: Vec<Rule>) {
    directory.accounts = accounts.into_iter().map(Arc::new).collect();
    directory.routing = Routing { rules, ..Routing::default() };
}

async fn asked(stage: &Stage, body: &Value) -> Value {
    let got = stage.ops(Role::Viewer, "POST", "/ops/v1/routes/dry-run", &body.to_string()).await;
    assert_eq!(got.status, 200, "{}", String::from_utf8_lossy(&got.bytes));
    got.json()
}

fn question(amount: i64) -> Value {
    json!({"merchant": "m_demo", "amount": amount, "method": "wechat_native"})
}

async fn placed(stage: &Stage, number: usize, amount: i64) -> Got {
    stage.post("/v1/orders", &order(&format!("SO-{number}")).replace("1280", &amount.to_string())).await
}

/// What a dry run must leave as it is: turns, orders, calls to channels, our own counters.
async fn traces(stage: &Stage) -> (String, Value, usize, Vec<String>) {
    let turns = format!("{:?}", stage.app.gateway.routing.lock().unwrap().turns);
    let orders = stage.ops(Role::Viewer, "GET", "/ops/v1/orders", "").await.json();
    let limits = stage.ops(Role::Viewer, "GET", "/ops/v1/limits", "").await.json();
    let metrics = String::from_utf8(stage.plain("GET", "/metrics", "").await.bytes).unwrap();
    let own = metrics.lines().filter(|line| line.starts_with("sluice_")).map(str::to_owned).collect();
    (turns, json!([orders, limits]), stage.far.asked.load(Ordering::SeqCst), own)
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace_and_the_next_order_goes_where_it_said() {
    let stage = stage();
    let accounts = || ["wx-a", "wx-b", "wx-c"].map(account).into();
    stage.direct(|directory| put(directory, accounts(), vec![rule(Strategy::RoundRobin, &[("wx-b", 2), ("wx-c", 1), ("wx-a", 1)])]));
    let mut went = Vec::new();
    for number in 0..8 {
        let before = traces(&stage).await;
        let (first, second) = (asked(&stage, &question(1280)).await, asked(&stage, &question(1280)).await);
        assert_eq!(first, second);
        assert_eq!(traces(&stage).await, before);
        assert_eq!((&first["rule"], &first["strategy"], &first["refused"]), (&json!("all"), &json!("round_robin"), &Value::Null));
        let tier = first["tiers"][0]["accounts"].as_array().unwrap();
        assert_eq!((tier.len(), &tier[0], first["tiers"].as_array().unwrap().len()), (3, &first["chosen"], 1), "{first}");
        let order = placed(&stage, number, 1280).await.json();
        assert_eq!(order["account"], first["chosen"]);
        went.push(order["account"].as_str().unwrap().to_owned());
    }
    assert_eq!(went, ["wx-b", "wx-c", "wx-a", "wx-b", "wx-b", "wx-c", "wx-a", "wx-b"]);
}

#[tokio::test]
async fn a_dry_run_of_a_bad_body_names_the_fields() {
    let stage = stage();
    let fields = async |body: Value| {
        let got = stage.ops(Role::Viewer, "POST", "/ops/v1/routes/dry-run", &body.to_string()).await;
        assert_eq!((got.status.as_u16(), got.code().as_str()), (400, "INVALID_REQUEST"));
        got.fields()
    };
    assert_eq!(fields(json!([])).await, ["body", "merchant"]);
    assert_eq!(fields(json!({"amount": 1})).await, ["merchant"]);
    assert_eq!(fields(json!({"merchant": "m_nobody", "amount": 1, "method": "wechat_native"})).await, ["merchant"]);
    let bad = json!({"merchant": "m_demo", "amount": 0, "method": "cash", "surprise": 1, "payer": {"openid": 1}, "subject": ""});
    assert_eq!(
        fields(bad).await.into_iter().collect::<BTreeSet<_>>(),
        ["amount", "method", "payer.openid", "subject", "surprise"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn a_dry_run_never_repeats_a_payment_code() {
    let stage = stage();
    let code = "134567890123456789";
    for method in ["auto_barcode", "wechat_barcode"] {
        let body = json!({"merchant": "m_demo", "amount": 1, "method": method, "auth_code": code});
        let told = asked(&stage, &body).await;
        assert_eq!((&told["chosen"], &told["method"]), (&json!("wx-main"), &json!("wechat_barcode")));
        assert!(!told.to_string().contains(code), "{told}");
    }
    let wrong = json!({"merchant": "m_demo", "amount": 1, "method": "auto_barcode", "auth_code": "999999999999999999"});
    let told = asked(&stage, &wrong).await;
    assert_eq!((&told["chosen"], &told["method"], &told["refused"]["code"]), (&Value::Null, &Value::Null, &json!("UNKNOWN_AUTH_CODE")));
    assert!(!told.to_string().contains("999999999999999999"), "{told}");
}

/// The refusal of a dry run is the merchant's, word for word.
async fn same_refusal(stage: &Stage, number: usize, amount: i64) -> Value {
    let before = traces(stage).await;
    let told = asked(stage, &question(amount)).await;
    assert_eq!(traces(stage).await, before);
    let problem = placed(stage, number, amount).await.json();
    for member in ["code", "status", "detail", "errors", "limit", "opens_at"] {
        assert_eq!(told["refused"][member], problem[member], "{member} of {told} and {problem}");
    }
    assert_eq!(told["chosen"], Value::Null);
    told
}

#[tokio::test]
async fn a_dry_run_tells_what_limits_have_left_and_what_the_merchant_would_be_told() {
    let stage = stage();
    let limit = || Limit { per: vec![Per::Account], ..Limit::new("daily", &[], Measure::Amount, Window::Day(0), 1_000) };
    let with = |state: AccountState| {
        stage.direct(|directory| {
            put(directory, ["wx-a", "wx-b"].map(|id| Account { state, ..account(id) }).into(), Vec::new());
            directory.limits = Limits(vec![Arc::new(limit())]);
        });
    };
    with(AccountState::Enabled);
    assert_eq!(placed(&stage, 1, 900).await.json()["account"], "wx-a");
    let before = traces(&stage).await;
    let told = asked(&stage, &question(200)).await;
    assert_eq!(traces(&stage).await, before);
    assert_eq!(told["chosen"], "wx-b");
    assert_eq!((&told["considered"][0]["dropped"], &told["considered"][0]["limit"]), (&json!("limit_exceeded"), &json!("daily")));
    let rooms: Vec<_> = told["limits"].as_array().unwrap().iter().map(|room| (&room["account"], &room["max"], &room["left"])).collect();
    assert_eq!(rooms, [(&json!("wx-a"), &json!(1_000), &json!(100)), (&json!("wx-b"), &json!(1_000), &json!(1_000))]);
    assert_eq!(placed(&stage, 2, 200).await.json()["account"], "wx-b");
    assert_eq!(same_refusal(&stage, 3, 900).await["refused"]["code"], "LIMIT_EXCEEDED");
    assert_eq!(same_refusal(&stage, 4, 9_000).await["refused"]["limit"], "daily");
    with(AccountState::Disabled);
    assert_eq!(same_refusal(&stage, 5, 1).await["refused"]["code"], "NO_ROUTE");
    stage.direct(|directory| put(directory, Vec::new(), Vec::new()));
    assert_eq!(same_refusal(&stage, 6, 1).await["refused"]["code"], "METHOD_NOT_AVAILABLE");
}

/// What the platform pays and how its accounts do is no merchant's business.
#[tokio::test]
async fn a_merchant_sees_the_choice_and_an_operator_the_scores() {
    let stage = stage();
    let priced = |id: &str, rate: &str| Account { fee: Tariff::flat(rate), ..account(id) };
    let accounts = || vec![priced("wx-a", "0.006"), priced("wx-b", "0.003"), Account { state: AccountState::Disabled, ..account("wx-c") }];
    stage.direct(|directory| put(directory, accounts(), vec![rule(Strategy::LeastCost, &[])]));
    let id = placed(&stage, 1, 10_000).await.json()["id"].as_str().unwrap().to_owned();
    let seen = stage.get(&format!("/v1/orders/{id}?expand=attempts")).await.json()["attempts"][0]["route"].clone();
    let expected = json!({
        "chosen": "wx-b", "rule": "all", "strategy": "least_cost",
        "considered": [{"account": "wx-a", "place": 1}, {"account": "wx-b", "place": 0}, {"account": "wx-c", "dropped": "account_off"}],
    });
    assert_eq!(seen, expected);
    let whole = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders/{id}"), "").await.json()["attempts"][0]["route"].clone();
    assert_eq!((&whole["considered"][0]["score"], &whole["considered"][1]["score"]), (&json!({"fee_fen": 60}), &json!({"fee_fen": 30})));
}

#[tokio::test]
async fn an_account_shows_its_terms_and_how_it_does() {
    let stage = stage();
    let paid = stage.paid_order("A").await;
    assert!(paid.starts_with('P'));
    let shown = stage.ops(Role::Viewer, "GET", "/ops/v1/accounts", "").await.json()["data"][0].clone();
    let health = json!({"state": "well", "open_until": null, "answered": 1, "faults": 0, "answer_ms": 0});
    assert_eq!((&shown["health"], &shown["weight"]), (&health, &Value::Null), "{shown}");
    let success = &shown["success"][0];
    assert_eq!((&success["method"], success["seen"].as_u64()), (&json!("wechat_native"), Some(1)), "{shown}");
    assert_eq!(shown["opening"], json!({"is_open": true, "is_paused": false, "hours": [], "maintenance": []}));
    assert_eq!((shown["amount_min"].as_i64(), shown["amount_max"].as_i64()), (Some(1), Some(10_000_000_000)));
}
