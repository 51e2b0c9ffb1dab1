//! What is signed for a while: a load of a store's page, and the state of a payer who is sent to be identified.

use super::stage::{NOW, Stage, account, stage};
use crate::domain::merchant::StoreRecord;
use crate::flow::{Account, MerchantEntry};
use axum::body::Body;
use axum::http::Request;
use sluice_contract::Method;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const CODE: &str = "0123456789AB";
const WECHAT: &str = "Mozilla/5.0 (iPhone) Mobile MicroMessenger/8.0.44";

/// A stage whose merchant has a store.
fn with_store() -> Stage {
    let stage = stage();
    stage.direct(|directory| {
        directory.accounts = vec![Arc::new(Account { methods: vec![Method::WechatNative, Method::WechatJsapi], ..account("wx-main") })];
        let store = StoreRecord {
            merchant_id: "m_demo".into(),
            id: "s".into(),
            name: Some("Shop".into()),
            address: None,
            area_code: None,
            map: Vec::new(),
            code: Some(CODE.into()),
            paused: false,
        };
        directory.store_codes.insert(CODE.into(), ("m_demo".into(), "s".into()));
        let known = directory.merchants.get("m_demo").unwrap();
        let entry = MerchantEntry { merchant: known.merchant.clone(), webhook_secret: None, bindings: Vec::new(), stores: vec![store] };
        directory.merchants.insert("m_demo".into(), Arc::new(entry));
    });
    stage
}

async fn load(stage: &Stage) -> String {
    let html = String::from_utf8(stage.plain("GET", &format!("/q/{CODE}"), "").await.bytes).unwrap();
    html.split("name=\"load\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn wait(stage: &Stage, seconds: i64) {
    stage.clock.0.store(NOW + seconds * 1000, Ordering::SeqCst);
}

#[tokio::test]
async fn a_load_makes_an_order_for_a_day_and_finds_it_for_ever() {
    let stage = with_store();
    let (made, late) = (load(&stage).await, load(&stage).await);
    let order = |load: &str| format!("load={load}&amount=5");
    wait(&stage, 86_400);
    let first = stage.plain("POST", &format!("/q/{CODE}"), &order(&made)).await;
    assert_eq!(first.status, 303);
    wait(&stage, 86_401);
    let refused = stage.plain("POST", &format!("/q/{CODE}"), &order(&late)).await;
    assert!(refused.status == 422 && String::from_utf8_lossy(&refused.bytes).contains("页面已过期"));
    let again = stage.plain("POST", &format!("/q/{CODE}"), &order(&made)).await;
    assert_eq!((again.status, again.header("location")), (first.status, first.header("location")));
}

/// A payer is sent away; the address he comes back to, and his cookie.
async fn sent_away(stage: &Stage) -> (String, String) {
    let body = format!("load={}&amount=5", load(stage).await);
    let request = Request::builder().method("POST").uri(format!("/q/{CODE}")).header("user-agent", WECHAT).body(Body::from(body)).unwrap();
    let away = stage.send(request).await;
    let back = away.header("location").strip_prefix("https://pay.example.com").unwrap_or_else(|| panic!("{away:?}")).to_owned();
    assert!(away.header("set-cookie").ends_with("; Secure"), "{}", away.header("set-cookie"));
    (back, away.header("set-cookie").split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_state_is_good_for_five_minutes() {
    for (seconds, known) in [(0, true), (300, true), (301, false), (-60, true), (-61, false)] {
        let stage = with_store();
        let (back, cookie) = sent_away(&stage).await;
        wait(&stage, seconds);
        let request = Request::builder().uri(&back).header("cookie", cookie).body(Body::empty()).unwrap();
        let answer = stage.send(request).await;
        let told = answer.header("location");
        assert!(answer.status == 303 && told.contains("/pay/P") && told.contains("said=unidentified") != known, "{seconds}: {told}");
    }
}
