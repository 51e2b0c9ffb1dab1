//! The cashier from outside: the merchant leaves the method to the payer, who chooses on our page, by plain HTTP and without a script. The
//! judge is the channels' own ledger.

use crate::harness::limits::{Rule, books_hold, with_rules};
use crate::harness::page::{ALIPAY, DESKTOP, PHONE, Payer, UNIONPAY, WECHAT, newest_code, pay_shown};
use crate::harness::till::{id_of, refunded, remaining};
use crate::harness::{Inbox, Manner, World, order, until, with};
use serde_json::{Value, json};

/// A cashier order whose payer the merchant's shop knows in both apps.
fn known_payer(amount: i64) -> Value {
    let payer = json!({"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "buyer_id": "2088102177846880"});
    with(order("cashier", amount), json!({"payer": payer}))
}

/// What stands at the channels of an order: the numbers of those that can be paid, and what is kept in all.
async fn at_the_channels(world: &World, id: &str) -> (Vec<String>, i64) {
    let (mut payable, mut kept) = (Vec::new(), 0);
    for attempt in world.demo.expanded(id).await["attempts"].as_array().unwrap() {
        let number = attempt["channel_order_no"].as_str().unwrap();
        let Some(entry) = world.control.known(number).await else { continue };
        kept += remaining(&entry);
        if matches!(entry["status"].as_str().unwrap(), "created" | "paying") {
            payable.push(number.to_owned());
        }
    }
    (payable, kept)
}

fn statuses(order: &Value) -> Vec<(&str, &str)> {
    let attempts = order["attempts"].as_array().unwrap();
    attempts.iter().map(|a| (a["method"].as_str().unwrap(), a["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_order_that_leaves_the_method_to_its_payer_is_an_order_like_all_others() {
    let world = World::shared();
    let body = order("cashier", 1280);
    let placed = world.demo.place(&body).await;
    let id = id_of(&placed);
    assert_eq!((&placed["status"], &placed["method"], &placed["account"], &placed["channel"]), (&json!("pending"), &json!("cashier"), &Value::Null, &Value::Null));
    assert_eq!((&placed["action"]["type"], &placed["action"]["url"]), (&json!("redirect"), &placed["receipt_url"]));
    let again = world.demo.post("/v1/orders", &body).await;
    assert_eq!((again.header("idempotent-replay"), &again.json), ("true", &placed));
    world.demo.post("/v1/orders", &with(body.clone(), json!({"amount": 1281}))).await.refused(409, "ORDER_CONFLICT");
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/action")).await.expect(200)["action"], placed["action"]);
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200)["status"], "pending");
    world.demo.act(&format!("/v1/orders/{id}/reverse")).await.refused(409, "INVALID_STATE");
    world.demo.post(&format!("/v1/orders/{id}/refunds"), &json!({"merchant_refund_no": "R", "amount": 1})).await.refused(409, "INVALID_STATE");
    assert_eq!(world.demo.expanded(id).await["attempts"], json!([]));
    let listed = world.demo.get(&format!("/v1/orders?merchant_order_no={}", placed["merchant_order_no"].as_str().unwrap())).await.expect(200);
    assert_eq!(listed["data"][0], placed);
    let closed = world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
    assert_eq!((&closed["status"], &closed["action"]["type"]), (&json!("closed"), &json!("none")));
    assert_eq!(world.demo.trail(id).await, ["order.created", "order.undo_wanted", "order.closed"]);
    Payer::of(&placed, DESKTOP).look().await.shows("订单已关闭").hides("name=\"method\"");
}

#[tokio::test]
async fn methods_tell_of_the_cashier_and_it_takes_nothing_that_the_payer_decides() {
    let world = World::shared();
    let methods = world.demo.get("/v1/methods").await.expect(200);
    assert!(methods["data"].as_array().unwrap().iter().any(|m| m["method"] == "cashier" && m["required"] == json!([])), "{methods}");
    let named = json!({"account": "wx-main", "app_id": "wx1", "auth_code": "134567890123456789"});
    let refused = world.demo.post("/v1/orders", &with(order("cashier", 100), named)).await;
    assert_eq!(refused.fields().into_iter().collect::<Vec<_>>(), ["account", "app_id", "auth_code"]);
    refused.refused(400, "INVALID_REQUEST");
}

#[tokio::test]
async fn without_a_method_that_a_page_can_offer_there_is_no_cashier() {
    let only_barcodes = |old: String| {
        let mut channel = String::new();
        let mut line = |line: &str| match line.split_once(" = ") {
            Some(("channel", word)) => {
                channel = word.trim_matches('"').to_owned();
                format!("{line}\n")
            }
            Some(("methods", _)) => format!("methods = [\"{channel}_barcode\"]\n"),
            _ => format!("{line}\n"),
        };
        old.lines().map(&mut line).collect()
    };
    let world = World::plan().edit("channels.toml", only_barcodes).start();
    world.demo.post("/v1/orders", &order("cashier", 100)).await.refused(400, "METHOD_NOT_AVAILABLE");
    let methods = world.demo.get("/v1/methods").await.expect(200);
    assert!(methods["data"].as_array().unwrap().iter().all(|m| m["method"] != "cashier"), "{methods}");
}

/// Every way that is offered in every app, paid and given back to the last fen.
#[tokio::test]
async fn each_app_offers_what_works_there_and_every_way_takes_the_money_once() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let offered: [(&str, &[&str]); 5] = [
        (WECHAT, &["wechat_jsapi"]),
        (ALIPAY, &["alipay_jsapi", "alipay_wap"]),
        (UNIONPAY, &["unionpay_wap"]),
        (PHONE, &["wechat_h5", "alipay_wap", "unionpay_wap", "icbc_h5", "wechat_native", "alipay_qr", "unionpay_qr", "icbc_qr", "cmb_qr"]),
        (DESKTOP, &["wechat_native", "alipay_qr", "unionpay_qr", "icbc_qr", "cmb_qr", "alipay_page", "unionpay_web"]),
    ];
    for (agent, ways) in offered {
        for way in ways {
            let placed = world.demo.place(&with(known_payer(1280), json!({"notify_url": inbox.url, "return_url": "https://shop.example.com/thanks"}))).await;
            let (id, payer) = (id_of(&placed), Payer::of(&placed, agent));
            let choosing = payer.look().await;
            assert_eq!(choosing.ways(), *ways, "{agent}");
            choosing.shows("选择支付方式").shows("¥12.80").shows("测试订单");
            let shown = payer.choose(way).await;
            shown.hides("未扣款").hides("支付成功");
            let paid_at_channel = pay_shown(&world, id, &shown).await.expect(200);
            assert_eq!(paid_at_channel["paid"], true, "{way}");
            let paid = world.demo.until_status(id, "paid").await;
            assert_eq!((&paid["method"], &paid["paid_amount"], &paid["action"]["type"]), (&json!("cashier"), &json!(1280), &json!("none")), "{way}");
            assert_eq!(statuses(&world.demo.expanded(id).await), [(*way, "succeeded")]);
            assert_eq!(at_the_channels(&world, id).await, (vec![], 1280), "{way}");
            payer.look().await.shows("支付成功").shows("https://shop.example.com/thanks").hides("name=\"method\"");
            assert_eq!(inbox.taken(id, "order.paid").await.event["data"]["method"], "cashier");
            refunded(&world, id, 1280).await;
            assert_eq!(at_the_channels(&world, id).await, (vec![], 0), "{way}");
            payer.look().await.shows("已退款").shows("¥12.80");
        }
    }
}

#[tokio::test]
async fn the_same_choice_shows_the_same_code_and_another_one_closes_it_first() {
    let world = World::shared();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    let first = payer.choose("wechat_native").await;
    first.shows("<svg").shows("微信支付（扫码）");
    let same = payer.choose("wechat_native").await;
    assert_eq!(first.html.split("<svg").nth(1).map(|svg| svg.split("</svg>").next()), same.html.split("<svg").nth(1).map(|svg| svg.split("</svg>").next()));
    assert_eq!(statuses(&world.demo.expanded(id).await), [("wechat_native", "awaiting_payer")]);
    payer.get("?choose=1").await.shows("选择支付方式");
    let old = newest_code(&world, id).await;
    payer.choose("cmb_qr").await.shows("招商银行（扫码）");
    assert_eq!(statuses(&world.demo.expanded(id).await), [("wechat_native", "closed"), ("cmb_qr", "awaiting_payer")]);
    assert_eq!(world.control.scan(&old, "pay").await.status, 422, "the code that was left is dead");
    assert_eq!(pay_shown(&world, id, &payer.look().await).await.expect(200)["paid"], true);
    world.demo.until_status(id, "paid").await;
    assert_eq!(at_the_channels(&world, id).await, (vec![], 100));
}

/// Two tabs, a double click: one code.
#[tokio::test]
async fn whoever_chooses_in_two_tabs_at_once_has_one_code() {
    let world = World::shared();
    for (one, two) in [("wechat_native", "wechat_native"), ("wechat_native", "cmb_qr"), ("cmb_qr", "wechat_native")] {
        let placed = world.demo.place(&order("cashier", 100)).await;
        let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
        tokio::join!(payer.choose(one), payer.choose(two), payer.choose(one));
        let (payable, kept) = at_the_channels(&world, id).await;
        let abandoned = statuses(&world.demo.expanded(id).await).into_iter().filter(|(_, status)| *status == "abandoned").count();
        assert!(payable.len() <= 1 + abandoned && kept == 0, "{one} {two}: {payable:?}");
        let open = |order: &Value| statuses(order).into_iter().filter(|(_, s)| ["sending", "awaiting_payer", "unknown"].contains(s)).count();
        assert!(open(&world.demo.expanded(id).await) <= 1);
        let shown = until("a code to stand", || async { Some(payer.choose(one).await).filter(|seen| seen.html.contains("<svg")) }).await;
        assert_eq!(pay_shown(&world, id, &shown).await.expect(200)["paid"], true);
        world.demo.until_status(id, "paid").await;
        assert_eq!(at_the_channels(&world, id).await.1, 100);
    }
}

/// The payer has paid, we have not heard of it, and he chooses another way: it is found, and nothing new is opened.
#[tokio::test]
async fn a_payment_that_races_the_next_choice_is_found_and_nothing_is_opened_beside_it() {
    let world = World::plan().start();
    world.control.fault("callback", "hold").await;
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    let shown = payer.choose("wechat_native").await;
    pay_shown(&world, id, &shown).await.expect(200);
    payer.choose("cmb_qr").await;
    world.demo.until_status(id, "paid").await;
    payer.look().await.shows("支付成功");
    let order = world.demo.expanded(id).await;
    assert_eq!((&order["status"], statuses(&order)), (&json!("paid"), vec![("wechat_native", "succeeded")]));
}

/// What the channel never answered is asked for again under the same number, by the same choice.
#[tokio::test]
async fn a_choice_that_the_channel_did_not_answer_is_repeated_under_the_same_number() {
    let world = World::plan().start();
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    payer.choose("wechat_native").await.hides("<svg").hides("未扣款");
    let shown = until("the code", || async { Some(payer.choose("wechat_native").await).filter(|seen| seen.html.contains("<svg")) }).await;
    assert_eq!(pay_shown(&world, id, &shown).await.expect(200)["paid"], true);
    world.demo.until_status(id, "paid").await;
    assert_eq!(at_the_channels(&world, id).await, (vec![], 100));
}

/// UnionPay closes nothing: what was left is abandoned and lives three minutes at most; paid twice, one payment goes back.
#[tokio::test]
async fn what_no_channel_closes_is_abandoned_and_a_second_payment_goes_back() {
    let world = World::plan().start();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    payer.choose("unionpay_qr").await.shows("<svg");
    let left = newest_code(&world, id).await;
    let next = payer.choose("wechat_native").await;
    next.shows("微信支付（扫码）");
    let order = world.demo.expanded(id).await;
    assert_eq!(statuses(&order), [("unionpay_qr", "abandoned"), ("wechat_native", "awaiting_payer")]);
    let told = order["events"].as_array().unwrap().iter().find(|e| e["type"] == "attempt.abandoned").unwrap()["data"]["payable_until"].as_str().unwrap().to_owned();
    assert!(told.as_str() < placed["expires_at"].as_str().unwrap(), "three minutes and what the channel adds, not fifteen: {told}");
    payer.get("?choose=1").await.shows("之前的支付码");
    assert_eq!(world.control.scan(&left, "pay").await.expect(200)["paid"], true);
    pay_shown(&world, id, &next).await;
    world.demo.until_status(id, "paid").await;
    until("one payment to be kept", || async { Some(at_the_channels(&world, id).await).filter(|(payable, kept)| payable.is_empty() && *kept == 100) }).await;
}

#[tokio::test]
async fn a_merchants_close_closes_what_the_payer_chose_at_its_channel() {
    let world = World::shared();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    payer.choose("wechat_native").await;
    world.demo.act(&format!("/v1/orders/{id}/close")).await.expect(200);
    assert_eq!(world.entry_of(id).await["status"], "closed");
    payer.choose("cmb_qr").await.shows("订单已关闭").hides("<svg");
    assert_eq!(statuses(&world.demo.expanded(id).await), [("wechat_native", "closed")]);
}

/// By our clock alone, because no channel was asked; and at its channel, because one was.
#[tokio::test]
async fn an_order_expires_whether_its_payer_chose_or_not() {
    let world = World::shared();
    let body = || with(order("cashier", 100), json!({"expires_in": 60}));
    let (idle, chosen) = (world.demo.place(&body()).await, world.demo.place(&body()).await);
    Payer::of(&chosen, DESKTOP).choose("wechat_native").await;
    for placed in [&idle, &chosen] {
        let closed = crate::harness::within(std::time::Duration::from_secs(90), "the order to expire", || async {
            Some(world.demo.order(id_of(placed)).await).filter(|order| order["status"] != "pending")
        });
        assert_eq!(closed.await["status"], "closed");
        Payer::of(placed, DESKTOP).look().await.shows("订单已超时关闭").hides("name=\"method\"");
        assert_eq!(at_the_channels(&world, id_of(placed)).await, (vec![], 0));
    }
}

#[tokio::test]
async fn a_full_limit_is_told_in_the_payers_words_and_the_other_ways_are_still_offered() {
    let rule = Rule::new("few", &["method"], "count", "lifetime").max(1).when("order.method == 'wechat_native'");
    let world = with_rules(&[rule]).start();
    let (first, second) = (world.demo.place(&order("cashier", 100)).await, world.demo.place(&order("cashier", 100)).await);
    Payer::of(&first, DESKTOP).choose("wechat_native").await.shows("<svg");
    let payer = Payer::of(&second, DESKTOP);
    let refused = payer.choose("wechat_native").await;
    refused.shows("超出限额").hides("few").shows("选择支付方式");
    assert!(refused.ways().contains(&"cmb_qr".to_owned()));
    assert_eq!(world.demo.expanded(id_of(&second)).await["attempts"], json!([]));
    let shown = payer.choose("cmb_qr").await;
    pay_shown(&world, id_of(&second), &shown).await.expect(200);
    world.demo.until_status(id_of(&second), "paid").await;
    // The room of what the first payer left is there again.
    Payer::of(&first, DESKTOP).choose("cmb_qr").await;
    let third = world.demo.place(&order("cashier", 100)).await;
    Payer::of(&third, DESKTOP).choose("wechat_native").await.shows("<svg");
    books_hold(&world).await;
}

#[tokio::test]
async fn an_order_that_no_way_could_ever_take_is_refused_before_it_is_stored() {
    let world = with_rules(&[Rule::new("small", &[], "amount", "transaction").max(500)]).start();
    let body = order("cashier", 501);
    world.demo.post("/v1/orders", &body).await.refused(422, "LIMIT_EXCEEDED");
    let listed = world.demo.get(&format!("/v1/orders?merchant_order_no={}", body["merchant_order_no"].as_str().unwrap())).await.expect(200);
    assert_eq!(listed["data"], json!([]));
}

#[tokio::test]
async fn nobodys_text_becomes_markup_and_nobody_elses_page_opens() {
    let world = World::shared();
    let nasty = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'";
    let placed = world.demo.place(&with(order("cashier", 100), json!({"subject": nasty, "merchant_order_no": format!("N{}", crate::harness::unique())}))).await;
    let payer = Payer::of(&placed, DESKTOP);
    for query in ["", "?lang=%3Cscript%3E", "?said=%3Cscript%3E", "?choose=1&confirm=1", "?lang=en&said=limit"] {
        let seen = payer.get(query).await;
        assert_eq!(seen.answer.status, 200, "{query}");
        seen.hides("<script>alert").hides("<img").shows("&lt;script&gt;");
    }
    let seen = payer.look().await;
    let policy = seen.answer.header("content-security-policy").to_owned();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "connect-src 'self'", "form-action 'self' https: http:"] {
        assert!(policy.contains(part), "{policy}");
    }
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert_eq!((seen.html.matches("<script").count(), seen.html.matches(&format!("<script nonce=\"{nonce}\"")).count()), (1, 1));
    assert!(seen.html.len() < 12_000, "{}", seen.html.len());
    for (name, value) in [("cache-control", "no-store"), ("referrer-policy", "origin"), ("x-content-type-options", "nosniff")] {
        assert_eq!(seen.answer.header(name), value);
    }
    // The order's number alone opens nothing, and one letter more or less neither.
    let (stem, last) = payer.url.split_at(payer.url.len() - 1);
    let other = if last == "0" { "1" } else { "0" };
    let base = payer.url.rsplit_once('/').unwrap().0;
    for wrong in [format!("{stem}{other}"), stem.to_owned(), format!("{base}/{}", id_of(&placed)), format!("{base}/x")] {
        let stranger = Payer { url: wrong.clone(), ..payer.clone() };
        let seen = stranger.look().await;
        assert_eq!(seen.answer.status, 404, "{wrong}");
        seen.shows("链接无效").hides(id_of(&placed));
        assert_eq!(stranger.post("method=wechat_native").await.status, 404);
    }
}

#[tokio::test]
async fn a_form_of_another_site_chooses_nothing() {
    let world = World::shared();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let payer = Payer::of(&placed, DESKTOP);
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let request = crate::harness::client::http().post(&payer.url).header(name, value).body("method=wechat_native");
        assert_eq!(crate::harness::client::send(request).await.unwrap().status, 403, "{name}: {value}");
    }
    for body in ["", "method=", "method=wechat_barcode", "method=nonsense", "method=wechat_native%00", "=&&="] {
        assert_eq!(payer.post(body).await.status, 303, "{body}");
    }
    assert_eq!(world.demo.expanded(id_of(&placed)).await["attempts"], json!([]));
}

/// The page never shows WeChat its own code: it offers WeChat's own way.
#[tokio::test]
async fn an_app_is_never_shown_the_code_that_it_cannot_scan() {
    let world = World::shared();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let payer = Payer::of(&placed, WECHAT);
    assert_eq!(payer.look().await.ways(), ["wechat_jsapi"]);
    Payer::of(&placed, DESKTOP).choose("wechat_native").await.shows("<svg");
    payer.look().await.hides("<svg").shows("请用手机浏览器").shows(&payer.url);
}

#[tokio::test]
async fn a_payer_reads_his_own_language() {
    let world = World::shared();
    let placed = world.demo.place(&order("cashier", 100)).await;
    let payer = Payer { lang: "en-US,en;q=0.9", ..Payer::of(&placed, DESKTOP) };
    let seen = payer.look().await;
    seen.shows("<html lang=\"en\"").shows("Choose how to pay").hides("选择支付方式");
    assert!(seen.title().starts_with("Choose how to pay"), "{}", seen.title());
    payer.get("?lang=zh").await.shows("<html lang=\"zh-CN\"").shows("选择支付方式");
    payer.choose("wechat_native").await.shows("Scan to pay").shows("<noscript><meta http-equiv=\"refresh\"");
}

#[tokio::test]
async fn what_a_page_shows_changes_its_state_and_nothing_else_does() {
    let world = World::plan().start();
    world.control.fault("callback", "hold").await;
    let placed = world.demo.place(&order("cashier", 100)).await;
    let (id, payer) = (id_of(&placed), Payer::of(&placed, DESKTOP));
    let choosing = payer.state().await;
    assert_eq!(payer.state().await, choosing);
    let shown = payer.choose("wechat_native").await;
    let waiting = payer.state().await;
    assert_ne!(waiting, choosing);
    world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
    assert_eq!(payer.state().await, waiting, "a query that brings no news");
    pay_shown(&world, id, &shown).await.expect(200);
    payer.get("?confirm=1").await.shows("请勿重复付款").hides("支付成功").hides("未扣款");
    // "I have paid": one question to the channel, and the truth.
    let answer = payer.post("paid=1").await;
    assert_eq!(answer.status, 303);
    payer.look().await.shows("支付成功");
    assert_ne!(payer.state().await, waiting);
}
