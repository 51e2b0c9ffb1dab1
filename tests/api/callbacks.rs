//! Callbacks over HTTP: forged ones change nothing, repeated ones change nothing again (C1, C4, C7, C8, C10).

use crate::harness::tap::{Raw, Tap};
use crate::harness::{Inbox, Manner, World, order, until, with};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A world whose channel calls back through a tap.
async fn tapped() -> (World, Tap) {
    let tap = Tap::open().await;
    let line = format!("[http]\npublic_url = \"{}\"", tap.url);
    let world = World::plan().edit("sluice.toml", move |old| old.replace("[http]", &line)).start();
    tap.connect(&world.address());
    (world, tap)
}

/// Pays while the tap holds, and answers the callback as the channel signed it.
async fn held_callback(world: &World, tap: &Tap, order: &Value) -> Raw {
    tap.hold(true);
    let before = tap.seen().len();
    world.control.pay(order).await;
    until("the callback to be sent", || async { tap.seen().get(before).cloned() }).await
}

type Spoil = (&'static str, Box<dyn Fn(&mut Raw)>);

fn header_spoils() -> Vec<Spoil> {
    let mut list: Vec<Spoil> = Vec::new();
    for name in ["wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial"] {
        list.push(("a missing header", Box::new(move |raw| raw.drop_header(name))));
        list.push(("an empty header", Box::new(move |raw| raw.set(name, ""))));
        list.push(("a doubled header", Box::new(move |raw| raw.headers.push((name.into(), raw.get(name).to_owned())))));
        list.push(("garbage in a header", Box::new(move |raw| raw.set(name, "x"))));
        list.push(("a long header", Box::new(move |raw| raw.set(name, &"9".repeat(4000)))));
    }
    for shift in [1_i64, -1, 301, -301, 86_400, -86_400] {
        list.push(("another time", Box::new(move |raw| {
            let signed: i64 = raw.get("wechatpay-timestamp").parse().unwrap();
            raw.set("wechatpay-timestamp", &(signed + shift).to_string());
        })));
    }
    list.push(("another nonce", Box::new(|raw| raw.set("wechatpay-nonce", "0123456789abcdef0123456789abcdef"))));
    list.push(("an unknown serial", Box::new(|raw| raw.set("wechatpay-serial", "0000000000000000000000000000000000000000"))));
    list.push(("a serial of the other kind", Box::new(|raw| raw.set("wechatpay-serial", "PUB_KEY_ID_0000000000000000000000000000000"))));
    list.push(("a path as serial", Box::new(|raw| raw.set("wechatpay-serial", "../../etc/passwd"))));
    list.push(("a probe's signature", Box::new(|raw| raw.set("wechatpay-signature", "WECHATPAY/SIGNTEST/AAAA"))));
    list.push(("a signature of zeros", Box::new(|raw| raw.set("wechatpay-signature", &STANDARD.encode([0_u8; 256])))));
    list.push(("a short signature", Box::new(|raw| raw.set("wechatpay-signature", &STANDARD.encode([1_u8; 32])))));
    list.push(("base64 without padding", Box::new(|raw| raw.set("wechatpay-signature", raw.get("wechatpay-signature").to_owned().trim_end_matches('=')))));
    list.push(("base64 of the web", Box::new(|raw| {
        let web = format!("-{}", &raw.get("wechatpay-signature")[1..].replace('+', "-").replace('/', "_"));
        raw.set("wechatpay-signature", &web);
    })));
    list.push(("one bit of the signature", Box::new(|raw| {
        let mut bytes = STANDARD.decode(raw.get("wechatpay-signature")).unwrap();
        bytes[0] ^= 1;
        raw.set("wechatpay-signature", &STANDARD.encode(bytes));
    })));
    for scheme in ["WECHATPAY2-SHA256-RSA1024", "HMAC-SHA256", "MD5", "none", "WECHATPAY2-SM2-WITH-SM3", "wechatpay2-md5"] {
        // C2: the algorithm is pinned; whatever the header says, a body that was not signed is not believed.
        list.push(("another algorithm's name", Box::new(move |raw| {
            raw.headers.retain(|(n, _)| n != "wechatpay-signature-type");
            raw.headers.push(("wechatpay-signature-type".into(), scheme.into()));
            raw.set("wechatpay-signature", "");
        })));
    }
    for host in ["localhost", "127.0.0.1", "api.mch.weixin.qq.com"] {
        list.push(("a trusted host without a signature", Box::new(move |raw| {
            raw.headers.push(("host".into(), host.into()));
            raw.headers.push(("x-forwarded-for".into(), "127.0.0.1".into()));
            raw.drop_header("wechatpay-signature");
        })));
    }
    list
}

fn body_spoils() -> Vec<Spoil> {
    let text = |change: fn(&str) -> String| -> Box<dyn Fn(&mut Raw)> {
        Box::new(move |raw| raw.body = change(&String::from_utf8_lossy(&raw.body)).into_bytes())
    };
    vec![
        ("no body", text(|_| String::new())),
        ("a space more", text(|old| format!("{old} "))),
        ("a space before", text(|old| format!(" {old}"))),
        ("a line feed more", text(|old| format!("{old}\n"))),
        ("half of it", text(|old| old[..old.len() / 2].to_owned())),
        ("twice", text(|old| format!("{old}{old}"))),
        ("another event", text(|old| old.replace("TRANSACTION.SUCCESS", "TRANSACTION.SUCCESs"))),
        ("upper case", text(str::to_uppercase)),
        ("an array", text(|old| format!("[{old}]"))),
        ("null", text(|_| "null".into())),
        ("no JSON", text(|_| "{".into())),
        ("the plain text instead", text(|_| json!({"event_type": "TRANSACTION.SUCCESS", "resource": {"trade_state": "SUCCESS"}}).to_string())),
        ("a cut ciphertext", text(|old| old.replacen("\"ciphertext\":\"", "\"ciphertext\":\"AAAA", 1))),
        ("XML", text(|_| "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code></xml>".into())),
        ("an external entity", text(|_| "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]><xml><a>&y;</a></xml>".into())),
        ("a laughing bomb", text(|_| format!("<!DOCTYPE x [{}]><xml>&z9;</xml>", (0..9).map(|n| format!("<!ENTITY z{} \"&z{n};&z{n};\">", n + 1)).collect::<String>()))),
        ("ten thousand levels", text(|_| "{\"a\":".repeat(10_000))),
        ("a hundred thousand attributes", text(|_| format!("<xml {}/>", (0..6000).map(|n| format!("a{n}='1' ")).collect::<String>()))),
        ("too much", text(|old| format!("{old}{}", " ".repeat(70_000)))),
        ("bytes that are no text", Box::new(|raw| raw.body = vec![0xff; 500])),
    ]
}

/// C1, C2, C8: sixty forgeries of one real callback. Each gets the channel's failure answer; nothing moves. Then the real one is taken.
#[tokio::test]
async fn no_forgery_is_believed_and_the_real_callback_still_is() {
    let (world, tap) = tapped().await;
    let placed = world.demo.place(&order("wechat_native", 100)).await;
    let other = world.demo.place(&order("wechat_native", 100)).await;
    let id = placed["id"].as_str().unwrap();
    // Nothing may be found by asking either: then whatever moves was moved by a forgery.
    world.control.fault("query", "error_500").await;
    let real = held_callback(&world, &tap, &placed).await;
    let swapped = held_callback(&world, &tap, &other).await;
    let mut spoils = header_spoils();
    spoils.extend(body_spoils());
    let foreign_body = swapped.body.clone();
    spoils.push(("another callback's body", Box::new(move |raw| raw.body.clone_from(&foreign_body))));
    let foreign_signature = swapped.get("wechatpay-signature").to_owned();
    spoils.push(("another callback's signature", Box::new(move |raw| raw.set("wechatpay-signature", &foreign_signature))));
    for path in ["/notify/wx-other", "/notify/m_demo", "/notify/%2e%2e", "/notify/wx-main%00"] {
        spoils.push(("another account's door", Box::new(move |raw| path.clone_into(&mut raw.path))));
    }
    assert!(spoils.len() >= 60, "{}", spoils.len());
    for (what, spoil) in &spoils {
        let mut forged = real.clone();
        spoil(&mut forged);
        let answer = forged.send(&world.address()).await;
        assert!(answer.status >= 400, "{what}: {} {}", answer.status, answer.text());
        assert!(!answer.text().contains("SUCCESS"), "{what}: {}", answer.text());
        assert_eq!(world.demo.order(id).await["status"], "pending", "{what}");
    }
    let unsigned = Raw { headers: Vec::new(), ..real.clone() }.send(&world.address()).await;
    assert_eq!((unsigned.status, unsigned.code()), (500, "FAIL"), "the channel's own words: {}", unsigned.text());
    let taken = real.send(&world.address()).await;
    assert_eq!((taken.status, taken.code()), (200, "SUCCESS"));
    assert_eq!(world.demo.order(id).await["status"], "paid", "it was committed before it was acknowledged");
}

/// C4: one notice a hundred times, by the channel and by whoever recorded it: one transition, one event, one notification.
#[tokio::test]
async fn a_repeated_callback_changes_nothing_again() {
    let (world, tap) = tapped().await;
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let placed = world.demo.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
    let id = placed["id"].as_str().unwrap();
    world.control.pay(&placed).await;
    let paid = world.demo.until_status(id, "paid").await;
    let real = tap.seen()[0].clone();
    for answer in futures_util::future::join_all((0..100).map(|_| real.send(&world.demo.base[7..]))).await {
        assert_eq!((answer.status, answer.code()), (200, "SUCCESS"));
    }
    let number = world.channel_number(id).await;
    for _ in 0..10 {
        world.control.resend(&number).await.expect(200);
    }
    until("ten more callbacks", || async { Some(()).filter(|()| tap.seen().len() >= 2) }).await;
    inbox.taken(id, "order.paid").await;
    assert_eq!(world.demo.order(id).await, paid);
    assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.paid").count(), 1);
    assert_eq!(inbox.ids(id, "order.paid").len(), 1);
}

/// C7: callback, query, close and the merchant's own questions at once, many times over: one transition each.
#[tokio::test]
async fn callback_query_and_sync_at_once_are_one_transition() {
    let (world, tap) = tapped().await;
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    for _ in 0..15 {
        let placed = world.demo.place(&with(order("wechat_native", 100), json!({"notify_url": inbox.url}))).await;
        let id = placed["id"].as_str().unwrap();
        let real = held_callback(&world, &tap, &placed).await;
        tap.hold(false);
        let (address, path) = (world.address(), format!("/v1/orders/{id}/sync"));
        let callbacks = futures_util::future::join_all((0..5).map(|_| real.send(&address)));
        let syncs = futures_util::future::join_all((0..5).map(|_| world.demo.act(&path)));
        let (callbacks, syncs) = tokio::join!(callbacks, syncs);
        assert!(callbacks.iter().all(|a| a.status == 200) && syncs.iter().all(|a| a.status == 200));
        assert_eq!(world.demo.order(id).await["status"], "paid");
        assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.paid").count(), 1);
        inbox.taken(id, "order.paid").await;
        assert_eq!(inbox.ids(id, "order.paid").len(), 1);
    }
}

/// The channel's refund notices come through the same door.
#[tokio::test]
async fn a_refunds_callback_finishes_it_once() {
    let (world, tap) = tapped().await;
    let paid = world.paid(&order("wechat_native", 100)).await;
    world.control.fault("query_refund", "error_500").await;
    let path = format!("/v1/orders/{}/refunds", paid["id"].as_str().unwrap());
    let refund = world.demo.post(&path, &json!({"merchant_refund_no": format!("CB-{}", paid["id"]).replace('"', ""), "amount": 40})).await.expect(201);
    let done = world.demo.until_refund(refund["id"].as_str().unwrap(), "succeeded").await;
    let real = tap.seen().into_iter().find(|raw| raw.path.ends_with("/refund")).expect("a refund's callback");
    for _ in 0..20 {
        assert_eq!(real.send(&world.address()).await.status, 200);
    }
    assert_eq!(world.demo.get(&format!("/v1/refunds/{}", refund["id"].as_str().unwrap())).await.expect(200), done);
    assert_eq!(world.demo.order(paid["id"].as_str().unwrap()).await["refunded_amount"], 40);
}
