//! A store's printed code (`/q/{code}`) from outside: what each app is shown, what one load of the page can and cannot do, and what becomes of
//! amounts as people type them. The judge is the channels' own ledger.

use crate::harness::limits::{Rule, with_rules};
use crate::harness::page::{ALIPAY, DESKTOP, PHONE, Payer, UNIONPAY, WECHAT, pay_shown};
use crate::harness::till::remaining;
use crate::harness::{Answer, Inbox, Manner, World, until};
use serde_json::{Value, json};
use std::sync::Arc;

/// The demo merchant's store as operators see it.
async fn store(world: &World) -> Value {
    let listed = world.ops.get("/ops/v1/merchants/m_demo/stores").await.expect(200);
    listed["data"].as_array().unwrap().iter().find(|store| store["id"] == "s_demo").unwrap().clone()
}

async fn page_url(world: &World) -> String {
    store(world).await["page_url"].as_str().unwrap().to_owned()
}

/// What the store is to be from now on.
async fn put(world: &World, body: Value) -> Answer {
    world.ops.call("PUT", "/ops/v1/merchants/m_demo/stores/s_demo", Some(&body)).await
}

/// The order of a page's address.
fn id_at(url: &str) -> String {
    let (_, token) = url.split_once("/pay/").unwrap_or_else(|| panic!("no order's page: {url}"));
    token[..27].to_owned()
}

async fn orders_of(world: &World) -> Vec<Value> {
    let listed = world.demo.get("/v1/orders?limit=100").await.expect(200);
    listed["data"].as_array().unwrap().clone()
}

/// What is kept at the channels, and what can still be paid, of an order.
async fn at_the_channels(world: &World, id: &str) -> (usize, i64) {
    let (mut payable, mut kept) = (0, 0);
    for attempt in world.demo.expanded(id).await["attempts"].as_array().unwrap() {
        let Some(entry) = world.control.known(attempt["channel_order_no"].as_str().unwrap()).await else { continue };
        kept += remaining(&entry);
        payable += usize::from(matches!(entry["status"].as_str().unwrap(), "created" | "paying"));
    }
    (payable, kept)
}

#[tokio::test]
async fn every_app_scans_the_same_code_and_pays_in_its_own_way() {
    let world = World::plan().start();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let hooked = json!({"name": "Demo merchant", "webhook_url": inbox.url});
    world.ops.call("PUT", "/ops/v1/merchants/m_demo", Some(&hooked)).await.expect(200);
    let url = page_url(&world).await;
    let ways = [(WECHAT, "wechat_jsapi"), (ALIPAY, "alipay_jsapi"), (UNIONPAY, "unionpay_wap"), (PHONE, "wechat_h5"), (DESKTOP, "cmb_qr")];
    for (agent, way) in ways {
        let payer = Payer::at(&url, agent);
        let page = payer.look().await;
        page.shows("付款给 Demo store").shows("Demo merchant").shows("name=\"amount\"").shows("inputmode=\"decimal\"").shows("测试订单");
        let (mut seen, at) = payer.follow(payer.order(&page.load(), "12.80").await).await;
        let (id, own) = (id_at(&at), Payer::at(at.split('?').next().unwrap(), agent));
        if !seen.ways().is_empty() {
            seen = own.choose(way).await;
        }
        seen.shows("¥12.80").hides("支付成功").hides("未扣款");
        assert_eq!(pay_shown(&world, &id, &seen).await.expect(200)["paid"], true, "{way}");
        let paid = world.demo.until_status(&id, "paid").await;
        assert_eq!((&paid["method"], &paid["presented"], &paid["amount"], &paid["subject"]), (&json!("cashier"), &json!("static_code"), &json!(1280), &json!("Demo store")));
        let attempts = world.demo.expanded(&id).await["attempts"].clone();
        assert_eq!((attempts.as_array().unwrap().len(), &attempts[0]["method"]), (1, &json!(way)), "{attempts}");
        assert_eq!(at_the_channels(&world, &id).await, (0, 1280), "{way}");
        own.look().await.shows("支付成功");
        assert_eq!(inbox.taken(&id, "order.paid").await.event["data"]["merchant_order_no"], paid["merchant_order_no"]);
    }
    assert_eq!(orders_of(&world).await.len(), ways.len());
}

/// The heart of it: two taps, a reload, another amount, a crash in between.
#[tokio::test]
async fn one_load_of_the_page_is_one_order_whatever_is_sent_again() {
    let world = Arc::new(World::plan().start());
    let payer = Payer::at(&page_url(&world).await, WECHAT);
    let load = payer.look().await.load();
    let taps = (0..100).map(|n| {
        let (payer, load) = (payer.clone(), load.clone());
        tokio::spawn(async move { payer.order(&load, if n % 2 == 0 { "5" } else { "6.50" }).await })
    });
    let mut pages = Vec::new();
    for tap in taps.collect::<Vec<_>>() {
        let (_, at) = payer.follow(tap.await.unwrap()).await;
        pages.push(id_at(&at));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let id = &pages[0];
    let order = world.demo.order(id).await;
    assert_eq!(orders_of(&world).await.len(), 1);
    assert!(at_the_channels(&world, id).await.0 <= 1);
    world.kill_and_restart();
    let (seen, at) = payer.follow(payer.order(&load, "7").await).await;
    assert_eq!((&id_at(&at), &world.demo.order(id).await["amount"]), (id, &order["amount"]));
    assert_eq!(pay_shown(&world, id, &seen).await.expect(200)["paid"], true);
    world.demo.until_status(id, "paid").await;
    // Paid: the same load shows the receipt, and a new load is a new order.
    let (seen, at) = payer.follow(payer.order(&load, "5").await).await;
    assert_eq!(&id_at(&at), id);
    seen.shows("支付成功");
    let (_, at) = payer.follow(payer.order(&payer.look().await.load(), "5").await).await;
    assert_ne!(&id_at(&at), id);
    assert_eq!(at_the_channels(&world, id).await, (0, order["amount"].as_i64().unwrap()));
}

#[tokio::test]
async fn amounts_are_taken_exactly_or_refused_under_their_field_and_nothing_is_stored() {
    let world = World::plan().start();
    let payer = Payer { lang: "en", ..Payer::at(&page_url(&world).await, DESKTOP) };
    let load = payer.look().await.load();
    let bad = [
        ("", "Enter the amount"),
        ("0", "more than 0"),
        ("0.00", "more than 0"),
        ("1.234", "two decimals at most"),
        ("-5", "cannot be read"),
        ("1,000", "cannot be read"),
        ("1e3", "cannot be read"),
        ("abc", "cannot be read"),
        ("<b>1</b>", "cannot be read"),
        ("99999999999", "too large"),
        ("100000000.01", "too large"),
    ];
    for (amount, told) in bad {
        let answer = payer.order(&load, amount).await;
        assert_eq!(answer.status, 422, "{amount}");
        let html = answer.text();
        assert!(html.contains(told) && html.contains("aria-invalid=\"true\"") && !html.contains("<b>1"), "{amount}: {html}");
        assert!(html.contains(&load), "the load is still good: {html}");
    }
    let long = payer.post(&format!("load={load}&amount=1&note={}", "x".repeat(31))).await;
    assert!(long.status == 422 && long.text().contains("30 characters"), "{}", long.text());
    assert_eq!(orders_of(&world).await.len(), 0);
    for (amount, fen) in [("１２．８０", 1280), ("¥12.80", 1280), (" .5 ", 50), ("0.01", 1)] {
        let (_, at) = payer.follow(payer.order(&payer.look().await.load(), amount).await).await;
        assert_eq!(world.demo.order(&id_at(&at)).await["amount"], fen, "{amount}");
    }
    let noted = payer.post(&format!("load={load}&amount=3&note=%E5%A4%96%E5%8D%96+7")).await;
    let (_, at) = payer.follow(noted).await;
    assert_eq!(world.demo.order(&id_at(&at)).await["metadata"], json!({"note": "外卖 7"}));
}

#[tokio::test]
async fn a_forged_or_borrowed_load_makes_no_order() {
    let world = World::plan().start();
    let other = json!({"name": "Another", "map": []});
    let other = world.ops.call("PUT", "/ops/v1/merchants/m_other/stores/s-1", Some(&other)).await.expect(200);
    let payer = Payer::at(&page_url(&world).await, DESKTOP);
    let load = payer.look().await.load();
    let borrowed = Payer::at(other["page_url"].as_str().unwrap(), DESKTOP).look().await.load();
    let (stem, last) = load.split_at(load.len() - 1);
    let forged = format!("{stem}{}", if last == "0" { "1" } else { "0" });
    let moved = format!("Q0{}", &load[2..]);
    for wrong in ["", "x", "Q", &borrowed, &forged, &moved, &load.to_uppercase(), &format!("{load}0"), "%00%ff"] {
        let answer = payer.order(wrong, "5").await;
        assert_eq!(answer.status, 422, "{wrong}");
        assert!(answer.text().contains("页面已过期"), "{wrong}: {}", answer.text());
    }
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let request = crate::harness::client::http().post(&payer.url).header(name, value).body(format!("load={load}&amount=5"));
        assert_eq!(crate::harness::client::send(request).await.unwrap().status, 403, "{name}");
    }
    assert_eq!(orders_of(&world).await.len(), 0);
}

#[tokio::test]
async fn a_code_is_read_as_people_type_it_and_an_unknown_or_replaced_one_is_told() {
    let world = World::plan().start();
    let before = store(&world).await;
    let (code, url) = (before["code"].as_str().unwrap(), before["page_url"].as_str().unwrap());
    assert!(code.len() == 12 && url == format!("{}/q/{code}", world.demo.base), "{before}");
    for typed in [code.to_lowercase(), format!("{}-{}-{}", &code[..4], &code[4..8], &code[8..]), code.replace('0', "o").replace('1', "l")] {
        Payer::at(&format!("{}/q/{typed}", world.demo.base), DESKTOP).look().await.shows("付款给 Demo store");
    }
    for unknown in ["000000000000", "x", &code[..11], "%00", "<script>"] {
        let seen = Payer::at(&format!("{}/q/{unknown}", world.demo.base), DESKTOP).look().await;
        assert_eq!(seen.answer.status, 404, "{unknown}");
        seen.shows("收款码无效或已更换").hides("name=\"amount\"");
    }
    let payer = Payer::at(url, DESKTOP);
    let load = payer.look().await.load();
    let renewed = world.ops.post("/ops/v1/merchants/m_demo/stores/s_demo/code").await.expect(200);
    assert_ne!(renewed["code"], before["code"]);
    assert_eq!((payer.look().await.answer.status, payer.order(&load, "5").await.status), (404, 404));
    let new = Payer::at(renewed["page_url"].as_str().unwrap(), DESKTOP);
    new.look().await.shows("付款给 Demo store");
    // A printed code can be another store's afterwards, but not while it is this one's.
    let body = json!({"name": "Shop 2", "code": renewed["code"], "map": []});
    let taken = world.ops.call("PUT", "/ops/v1/merchants/m_demo/stores/s-2", Some(&body)).await;
    assert_eq!(taken.fields().into_iter().collect::<Vec<_>>(), ["code"]);
    let body = json!({"name": "Shop 2", "code": before["code"], "map": []});
    world.ops.call("PUT", "/ops/v1/merchants/m_demo/stores/s-2", Some(&body)).await.expect(200);
    payer.look().await.shows("付款给 Shop 2");
    world.ops.post("/ops/v1/merchants/m_demo/stores/nothing/code").await.refused(404, "NOT_FOUND");
    let bad = put(&world, json!({"name": "Demo store", "code": "SHORT"})).await;
    assert_eq!(bad.fields().into_iter().collect::<Vec<_>>(), ["code"]);
    assert_eq!(orders_of(&world).await.len(), 0);
}

#[tokio::test]
async fn a_paused_store_takes_nothing_but_an_order_that_was_made_goes_on() {
    let world = World::plan().start();
    let payer = Payer::at(&page_url(&world).await, DESKTOP);
    let (made, open) = (payer.look().await.load(), payer.look().await.load());
    let (_, at) = payer.follow(payer.order(&made, "5").await).await;
    put(&world, json!({"name": "Demo store", "paused": true})).await.expect(200);
    payer.look().await.shows("商户暂停收款").hides("name=\"amount\"");
    assert!(payer.order(&open, "5").await.text().contains("商户暂停收款"));
    let (_, again) = payer.follow(payer.order(&made, "5").await).await;
    assert_eq!(id_at(&again), id_at(&at));
    assert_eq!(orders_of(&world).await.len(), 1);
    // Its code stays through a change.
    let opened = put(&world, json!({"name": "Renamed"})).await.expect(200);
    assert_eq!(opened["page_url"], payer.url);
    payer.look().await.shows("付款给 Renamed");
    let off = json!({"name": "Demo merchant", "enabled": false});
    world.ops.call("PUT", "/ops/v1/merchants/m_demo", Some(&off)).await.expect(200);
    payer.look().await.shows("商户暂停收款");
}

#[tokio::test]
async fn what_the_accounts_and_limits_allow_is_said_and_held() {
    let rule = Rule::new("small", &[], "amount", "transaction").max(50_000);
    let narrow = |old: String| old.replace("id = \"wx-main\"", "id = \"wx-main\"\namount_min = 100\namount_max = 100000");
    let world = with_rules(&[rule]).edit("channels.toml", narrow).start();
    let binding = |account: &str, enabled: bool| {
        let (path, body) = (format!("/ops/v1/merchants/m_demo/bindings/{account}"), json!({"enabled": enabled, "methods": ["wechat_jsapi", "wechat_native"]}));
        let ops = world.ops.clone();
        async move { ops.call("PUT", &path, Some(&body)).await.expect(200) }
    };
    binding("wx-main", true).await;
    let payer = Payer::at(&page_url(&world).await, WECHAT);
    let page = payer.look().await;
    page.shows("¥1.00 – ¥1000.00");
    for (amount, told) in [("0.99", "金额不能小于 ¥1.00"), ("1000.01", "金额不能大于 ¥1000.00"), ("500.01", "超出限额")] {
        let answer = payer.order(&page.load(), amount).await;
        assert!(answer.status == 422 && answer.text().contains(told), "{amount}: {}", answer.text());
    }
    assert_eq!(orders_of(&world).await.len(), 0);
    let (seen, _) = payer.follow(payer.order(&page.load(), "500").await).await;
    seen.shows("data-params");
}

#[tokio::test]
async fn an_app_in_which_nothing_works_is_told_which_one_does() {
    let only = |old: String| {
        let table = old.split("[[account]]").nth(1).unwrap();
        let lines: String = table.lines().map(|line| if line.starts_with("methods = ") { "methods = [\"wechat_jsapi\"]\n".to_owned() } else { format!("{line}\n") }).collect();
        format!("[[account]]{lines}")
    };
    let bound = |old: String| {
        let rest = ["ali-main", "up-main", "icbc-main", "cmb-main"];
        rest.iter().fold(old, |text, id| text.replace(&format!("\n[[merchant.binding]]\naccount = \"{id}\"\n"), ""))
    };
    let world = World::plan().edit("channels.toml", only).edit("merchants.toml", bound).start();
    let url = page_url(&world).await;
    for agent in [DESKTOP, PHONE, ALIPAY, UNIONPAY] {
        let payer = Payer::at(&url, agent);
        payer.look().await.shows("请用这些应用扫码付款：微信").hides("支付宝").hides("name=\"amount\"").shows(&url);
        assert!(Payer::at(&url, DESKTOP).look().await.html.contains("<svg"), "to be scanned with a phone");
    }
    let payer = Payer::at(&url, WECHAT);
    let load = payer.look().await.load();
    // Opened elsewhere with a load from WeChat: nothing is made.
    assert_eq!(Payer::at(&url, ALIPAY).order(&load, "5").await.status, 200);
    assert_eq!(orders_of(&world).await.len(), 0);
    let (seen, _) = payer.follow(payer.order(&load, "5").await).await;
    seen.shows("data-bridge=\"WeixinJSBridge\"");
}

#[tokio::test]
async fn the_page_is_small_private_and_runs_nothing_foreign() {
    let world = World::shared();
    let payer = Payer::at(&page_url(&world).await, WECHAT);
    let seen = payer.look().await;
    let policy = seen.answer.header("content-security-policy").to_owned();
    for part in ["default-src 'none'", "script-src 'nonce-", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert_eq!((seen.html.matches("<script").count(), seen.html.matches(&format!("<script nonce=\"{nonce}\"")).count()), (1, 1));
    for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "origin"), ("x-content-type-options", "nosniff")] {
        assert_eq!(seen.answer.header(name), value);
    }
    assert!(seen.html.len() < 10_000, "{}", seen.html.len());
    let english = Payer { lang: "en", ..payer.clone() };
    english.look().await.shows("<html lang=\"en\"").shows("Pay Demo store").hides("请输入金额");
    let sheet = payer.get("/sheet.svg").await;
    assert_eq!((sheet.answer.status, sheet.answer.header("content-type")), (200, "image/svg+xml; charset=utf-8"));
    sheet.shows("Demo store").shows("扫一扫付款").shows("<path").hides("<script");
    assert_eq!(Payer::at(&format!("{}/q/000000000000", world.demo.base), WECHAT).get("/sheet.svg").await.answer.status, 404);
}

#[tokio::test]
async fn a_store_whose_name_is_markup_stays_text_on_the_page_and_on_the_sheet() {
    let world = World::plan().start();
    let name = "</title><script>alert(1)</script>\"'&";
    put(&world, json!({"name": name})).await.expect(200);
    let payer = Payer::at(&page_url(&world).await, DESKTOP);
    for seen in [payer.look().await, payer.get("/sheet.svg").await] {
        seen.shows("&lt;script&gt;alert(1)").hides("<script>alert");
    }
}

/// A program that fills the books is slowed down; it stops nobody else.
#[tokio::test]
async fn one_address_makes_so_many_orders_a_minute_at_one_store() {
    let world = World::plan().start();
    let payer = Payer::at(&page_url(&world).await, DESKTOP);
    let mut refused = 0;
    for _ in 0..125 {
        let answer = payer.order(&payer.look().await.load(), "1").await;
        refused += usize::from(answer.status == 422 && answer.text().contains("下单过于频繁"));
    }
    assert_eq!(refused, 5);
    let listed = world.ops.get("/ops/v1/merchants/m_demo/stores").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    until("the books to be read", || async { Some(orders_of(&world).await).filter(|orders| orders.len() == 100) }).await;
}
