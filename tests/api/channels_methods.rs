//! Every method of every account, from `GET /v1/methods` to the last fen given back. The judge is the channel's own ledger.

use crate::harness::control::Paying;
use crate::harness::till::{Offer, body_of, id_of, offers, refunded, remaining};
use crate::harness::{Inbox, Manner, World, with};
use serde_json::{Value, json};

/// What the payer's side is given, method by method.
fn action_type(method: &str) -> &'static str {
    match method {
        "wechat_native" | "alipay_qr" | "unionpay_qr" | "icbc_qr" | "cmb_qr" => "qr_code",
        "wechat_jsapi" | "wechat_mini" | "alipay_jsapi" => "jsapi",
        "wechat_app" | "alipay_app" | "unionpay_app" | "icbc_app" => "app",
        "wechat_h5" | "alipay_wap" => "redirect",
        "alipay_page" | "unionpay_web" | "unionpay_wap" | "unionpay_b2b" | "icbc_h5" => "form",
        other => panic!("{other} is new: what is its action?"),
    }
}

/// Who paid, as far as the channel tells: CMB's own app pays as a card of UnionPay's network, and ICBC's pages and apps name no wallet.
fn wallet(method: &str) -> Value {
    match method.split_once('_').unwrap().0 {
        "cmb" => json!("unionpay"),
        "icbc" if matches!(method, "icbc_h5" | "icbc_app") => Value::Null,
        other => json!(other),
    }
}

/// Places an order of the offer and has it paid.
async fn paid(world: &World, offer: &Offer, body: &Value) -> Value {
    let what = offer.name();
    let placed = world.demo.place(body).await;
    let id = id_of(&placed);
    assert_eq!((&placed["channel"], &placed["account"]), (&json!(offer.channel), &json!(offer.account)), "{what}");
    if !offer.is_barcode() {
        assert_eq!((&placed["status"], &placed["action"]["type"]), (&json!("pending"), &json!(action_type(&offer.method))), "{what}: {placed}");
        let scanned = world.control.take(&placed, &Paying::default()).await.expect(200);
        assert_eq!((&scanned["paid"], &scanned["channel"]), (&json!(true), &json!(offer.channel)), "{what}");
        assert_eq!(scanned["out_trade_no"], world.channel_number(id).await, "{what}");
    }
    let paid = world.demo.until_status(id, "paid").await;
    assert_eq!((&paid["wallet"], &paid["action"]["type"]), (&wallet(&offer.method), &json!("none")), "{what}");
    assert_eq!(paid["presented"], if offer.is_barcode() { "barcode" } else { "online" }, "{what}");
    assert_eq!((&paid["paid_amount"], &paid["payer_paid_amount"], &paid["discounts"]), (&json!(1280), &json!(1280), &json!([])), "{what}");
    assert!(paid["channel_trade_no"].as_str().is_some_and(|no| !no.is_empty()) && paid["paid_at"].is_string(), "{what}: {paid}");
    let entry = world.entry_of(id).await;
    let told = (&entry["channel"], &entry["status"], &entry["charges"], &entry["total"]);
    assert_eq!(told, (&json!(offer.channel), &json!("paid"), &json!(1), &json!(1280)), "{what}");
    paid
}

/// Money back in two parts, each told, and not a fen more.
async fn given_back(world: &World, inbox: &Inbox, what: &str, id: &str) {
    for (amount, left) in [(300, 980), (980, 0)] {
        let refund = refunded(world, id, amount).await;
        assert_eq!((&refund["amount"], &refund["origin"]), (&json!(amount), &json!("merchant")), "{what}");
        assert!(refund["succeeded_at"].is_string(), "{what}");
        assert_eq!(inbox.taken(id_of(&refund), "refund.succeeded").await.event["data"]["amount"], amount, "{what}");
        assert_eq!(remaining(&world.entry_of(id).await), left, "{what}");
    }
    let entry = world.entry_of(id).await;
    let booked: Vec<_> = entry["refunds"].as_array().unwrap().iter().map(|r| (r["amount"].as_i64().unwrap(), r["status"].as_str().unwrap())).collect();
    assert_eq!(booked, [(300, "succeeded"), (980, "succeeded")], "{what}");
    let more = json!({"merchant_refund_no": format!("RX-{id}"), "amount": 1});
    world.demo.post(&format!("/v1/orders/{id}/refunds"), &more).await.refused(422, "REFUND_EXCEEDS_PAID");
}

async fn whole_life(world: &World, inbox: &Inbox, offer: &Offer) {
    let what = offer.name();
    let body = with(body_of(world, offer, 1280).await, json!({"notify_url": inbox.url}));
    let paid = paid(world, offer, &body).await;
    let id = id_of(&paid);
    let told = inbox.taken(id, "order.paid").await.event["data"].clone();
    assert_eq!((&told["status"], &told["wallet"], &told["channel_trade_no"]), (&json!("paid"), &paid["wallet"], &paid["channel_trade_no"]), "{what}");
    given_back(world, inbox, &what, id).await;
    // Asked again, the channel says nothing new; asked for again, the order is the same.
    let synced = world.demo.act(&format!("/v1/orders/{id}/sync")).await.expect(200);
    let money = |o: &Value| (o["status"].clone(), o["refunded_amount"].clone(), o["refunding_amount"].clone());
    assert_eq!(money(&synced), (json!("paid"), json!(1280), json!(0)), "{what}");
    let again = world.demo.post("/v1/orders", &body).await;
    assert_eq!((again.status, again.header("idempotent-replay"), id_of(&again.json)), (200, "true", id), "{what}");
    let number = world.channel_number(id).await;
    let rows: Vec<Value> = world.control.ledger().await.into_iter().filter(|row| row["out_trade_no"] == number).collect();
    assert_eq!((rows.len(), &rows[0]["charges"]), (1, &json!(1)), "{what}");
    assert_eq!(world.demo.trail(id).await.iter().filter(|kind| *kind == "order.paid").count(), 1, "{what}");
}

#[tokio::test]
async fn every_method_of_every_account_is_paid_once_told_and_refunded_to_the_fen() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    let offers = offers(&world).await;
    let of = |channel: &str| offers.iter().filter(|offer| offer.channel == channel).count();
    assert_eq!(["wechat", "alipay", "unionpay", "icbc", "cmb"].map(of), [6, 6, 6, 4, 2]);
    futures_util::future::join_all(offers.iter().map(|offer| whole_life(&world, &inbox, offer))).await;
}
