//! Every channel loses, spoils and lies: nothing is believed that is not signed, readable and about our order, nothing is charged or
//! given back twice, and the right end comes once the fault is gone (B1, B4, B7, C3, C4).

use crate::harness::control::Paying;
use crate::harness::tap::Tap;
use crate::harness::till::{Offer, body_of, coded, ended, id_of, plain_offers};
use crate::harness::{Inbox, Manner, World, unique, until, with};
use futures_util::future::join_all;
use serde_json::{Value, json};

const CHANNELS: [&str; 5] = ["wechat", "alipay", "unionpay", "icbc", "cmb"];
const OWN: [(&str, &str, &str); 5] = [
    ("wechat", "wechat_barcode", "wx-main"),
    ("alipay", "alipay_barcode", "ali-main"),
    ("unionpay", "unionpay_barcode", "up-main"),
    ("icbc", "icbc_barcode", "icbc-main"),
    ("cmb", "cmb_barcode", "cmb-main"),
];

/// The same fault at every channel, until it is cleared.
async fn everywhere(world: &World, api: &str, fault: &str) {
    join_all(CHANNELS.map(|channel| {
        let control = world.control.at(channel);
        async move { control.fault(api, fault).await }
    }))
    .await;
}

/// An order of the channel's code, paid by its payer; nothing is said of what the gateway knows.
async fn scanned(world: &World, offer: &Offer, more: &Value) -> String {
    let placed = world.demo.place(&with(body_of(world, offer, 1280).await, more.clone())).await;
    assert_eq!(world.control.take(&placed, &Paying::default()).await.expect(200)["paid"], true, "{}", offer.name());
    id_of(&placed).to_owned()
}

async fn scanned_at_each(world: &World, offers: &[Offer], more: &Value) -> Vec<String> {
    join_all(offers.iter().map(|offer| scanned(world, offer, more))).await
}

/// Once paid, in the store, in the trail and in the channel's ledger.
async fn paid_once(world: &World, what: &str, id: &str) {
    let paid = world.demo.until_status(id, "paid").await;
    assert_eq!(paid["paid_amount"], paid["amount"], "{what}");
    let entry = world.entry_of(id).await;
    assert_eq!((&entry["charges"], &entry["total"]), (&json!(1), &paid["amount"]), "{what}");
    assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.paid").count(), 1, "{what}");
    assert_eq!(world.demo.expanded(id).await["attempts"].as_array().unwrap().len(), 1, "{what}");
}

async fn all_paid_once(world: &World, what: &str, ids: &[String]) {
    join_all(ids.iter().map(|id| paid_once(world, what, id))).await;
}

/// B1. What was executed is found by its number; what never arrived ends without money, and its code is not tried twice.
#[tokio::test]
async fn a_charge_whose_answer_was_lost_or_spoiled_is_found_and_is_one_at_every_channel() {
    let world = World::plan().fast(60).start();
    let charge = |fault: &'static str, is_executed: bool, (channel, method, account): (&'static str, &'static str, &'static str)| {
        let (world, control) = (&world, world.control.at(channel));
        async move {
            let what = format!("{method}, {fault}");
            control.faults("pay", fault, 1).await;
            let code = control.auth_code("pay").await;
            let placed = world.demo.place(&coded(method, Some(account), &code, 1280)).await;
            let id = id_of(&placed);
            if is_executed {
                return paid_once(world, &what, id).await;
            }
            let order = ended(world, &what, id).await;
            assert!(["failed", "reversed", "closed"].contains(&order["status"].as_str().unwrap()), "{what}: {order}");
            let entry = world.control.known(&world.channel_number(id).await).await;
            assert!(entry.is_none_or(|entry| entry["charges"] == 0 && entry["status"] != "paying"), "{what}");
        }
    };
    for (fault, is_executed) in [("lose_response", true), ("garbage", true), ("bad_signature", true), ("lose_request", false), ("error_500", false)] {
        join_all(OWN.map(|own| charge(fault, is_executed, own))).await;
    }
}

/// B7. The callback is held back, so that only the query could tell.
#[tokio::test]
async fn no_spoiled_or_lying_answer_to_a_query_is_believed_at_any_channel() {
    let world = World::plan().start();
    let offers = plain_offers(&world).await;
    for fault in ["error_500", "garbage", "bad_signature", "wrong_amount", "wrong_order"] {
        everywhere(&world, "callback", "hold").await;
        everywhere(&world, "query", fault).await;
        let ids = scanned_at_each(&world, &offers, &json!({})).await;
        join_all(ids.iter().zip(&offers).map(|(id, offer)| {
            let world = &world;
            async move {
                for _ in 0..2 {
                    world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
                    assert_eq!(world.demo.order(id).await["status"], "pending", "{fault}: {}", offer.name());
                }
            }
        }))
        .await;
        world.control.clear().await;
        all_paid_once(&world, fault, &ids).await;
    }
}

/// C3. The query says nothing, so that only the callback could tell.
#[tokio::test]
async fn no_spoiled_or_lying_callback_is_believed_at_any_channel() {
    let tap = Tap::open().await;
    let line = format!("[http]\npublic_url = \"{}\"", tap.url);
    let world = World::plan().edit("sluice.toml", move |old| old.replace("[http]", &line)).start();
    tap.connect(&world.address());
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let offers = plain_offers(&world).await;
    for fault in ["garbage", "bad_signature", "wrong_amount", "wrong_order"] {
        everywhere(&world, "query", "error_500").await;
        everywhere(&world, "callback", fault).await;
        let before = tap.seen().len();
        let ids = scanned_at_each(&world, &offers, &json!({"notify_url": inbox.url})).await;
        for offer in &offers {
            until(&format!("{fault} to be told to {}", offer.account), || async {
                Some(()).filter(|()| tap.seen()[before..].iter().any(|raw| raw.path.starts_with(&format!("/notify/{}", offer.account))))
            })
            .await;
        }
        for (id, offer) in ids.iter().zip(&offers) {
            world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
            assert_eq!(world.demo.order(id).await["status"], "pending", "{fault}: {}", offer.name());
            assert!(inbox.about(id, "order.paid").is_empty(), "{fault}: {}", offer.name());
        }
        world.control.clear().await;
        for id in &ids {
            world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
        }
        all_paid_once(&world, fault, &ids).await;
    }
}

/// C4. Twice at once, twenty times after, or long after a query has told: one transition, one event, one notification.
#[tokio::test]
async fn doubled_held_and_repeated_callbacks_are_one_event_at_every_channel() {
    let tap = Tap::open().await;
    let line = format!("[http]\npublic_url = \"{}\"", tap.url);
    let world = World::plan().edit("sluice.toml", move |old| old.replace("[http]", &line)).start();
    tap.connect(&world.address());
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let offers = plain_offers(&world).await;
    let to = |account: &str| tap.seen().iter().filter(|raw| raw.path.starts_with(&format!("/notify/{account}"))).count();
    let notified = json!({"notify_url": inbox.url});
    everywhere(&world, "callback", "duplicate").await;
    let doubled = scanned_at_each(&world, &offers, &notified).await;
    for offer in &offers {
        until(&format!("two callbacks to {}", offer.account), || async { Some(()).filter(|()| to(&offer.account) >= 2) }).await;
    }
    all_paid_once(&world, "doubled", &doubled).await;
    world.control.clear().await;
    everywhere(&world, "callback", "hold").await;
    let held = scanned_at_each(&world, &offers, &notified).await;
    for id in &held {
        assert_eq!(world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200)["status"], "paid");
    }
    world.control.clear().await;
    for offer in &offers {
        until(&format!("the held callback to {}", offer.account), || async { Some(()).filter(|()| to(&offer.account) >= 3) }).await;
    }
    join_all(doubled.iter().zip(&offers).map(|(id, offer)| {
        let (world, to) = (&world, &to);
        async move {
            let (number, control) = (world.channel_number(id).await, world.control.at(&offer.channel));
            for _ in 0..20 {
                let before = to(&offer.account);
                control.resend(&number).await.expect(200);
                until(&format!("the callback to {} again", offer.account), || async { Some(()).filter(|()| to(&offer.account) > before) }).await;
            }
        }
    }))
    .await;
    let ids: Vec<String> = doubled.into_iter().chain(held).collect();
    all_paid_once(&world, "repeated", &ids).await;
    for id in &ids {
        inbox.taken(id, "order.paid").await;
        assert_eq!(inbox.ids(id, "order.paid").len(), 1);
    }
}

/// B4. The refund was made and nobody heard of it: the same number is asked about, or sent again where that is the same refund.
#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_one_refund_at_every_channel() {
    let world = World::plan().fast(60).start();
    let offers = plain_offers(&world).await;
    let ids = scanned_at_each(&world, &offers, &json!({})).await;
    all_paid_once(&world, "before its refund", &ids).await;
    for fault in ["lose_response", "garbage"] {
        join_all(ids.iter().zip(&offers).map(|(id, offer)| {
            let (world, control) = (&world, world.control.at(&offer.channel));
            async move {
                control.faults("refund", fault, 1).await;
                let number = format!("RF-{}", unique());
                let ask = json!({"merchant_refund_no": number, "amount": 480});
                let refund = world.demo.post(&format!("/v1/orders/{id}/refunds"), &ask).await.expect(201);
                world.demo.until_refund(id_of(&refund), "succeeded").await;
            }
        }))
        .await;
    }
    for (id, offer) in ids.iter().zip(&offers) {
        let entry = world.entry_of(id).await;
        let booked: Vec<_> = entry["refunds"].as_array().unwrap().iter().map(|r| (&r["amount"], &r["status"])).collect();
        assert_eq!(booked, [(&json!(480), &json!("succeeded")), (&json!(480), &json!("succeeded"))], "{}", offer.name());
        assert_eq!(world.demo.order(id).await["refunded_amount"], 960, "{}", offer.name());
    }
}
