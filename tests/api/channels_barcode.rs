//! Payment codes of every wallet: each behaviour of the payer's phone, and reversal, by `auto_barcode` and by the channel's own method.

use crate::harness::till::{coded, ended, id_of, refunded, remaining};
use crate::harness::{Inbox, Manner, World, until, with};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Whose code, the method that is the channel's own, the account, and who is told to have paid. What CMB's app shows is a code of
/// UnionPay's network, and CMB says so.
const WALLETS: [(&str, &str, &str, &str); 5] = [
    ("wechat", "wechat_barcode", "wx-main", "wechat"),
    ("alipay", "alipay_barcode", "ali-main", "alipay"),
    ("unionpay", "unionpay_barcode", "up-main", "unionpay"),
    ("icbc", "icbc_barcode", "icbc-main", "icbc"),
    ("cmb", "cmb_barcode", "cmb-main", "unionpay"),
];

/// Runs a scene for every wallet, asked for by both methods.
async fn with_every_code<F: Future<Output = ()>>(scene: impl Fn(Scene) -> F) {
    let scenes = WALLETS.into_iter().flat_map(|(channel, own, account, pays)| {
        [own, "auto_barcode"].map(|method| Scene { channel, own, method, account, pays })
    });
    join_all(scenes.map(scene)).await;
}

#[derive(Clone, Copy)]
struct Scene {
    channel: &'static str,
    own: &'static str,
    method: &'static str,
    account: &'static str,
    pays: &'static str,
}

impl Scene {
    fn name(&self) -> String {
        format!("{} of {}", self.method, self.channel)
    }

    /// A code is shown and charged.
    async fn charge(&self, world: &World, behaviour: &str, balance: i64, more: Value) -> (String, Value) {
        let code = world.control.at(self.channel).auth_code_with(behaviour, balance).await;
        let placed = world.demo.place(&with(coded(self.method, Some(self.account), &code, 250), more)).await;
        assert_eq!((&placed["channel"], &placed["method"]), (&json!(self.channel), &json!(self.method)), "{}", self.name());
        (code, placed)
    }

    async fn untouched(&self, world: &World, id: &str) {
        let entry = world.control.known(&world.channel_number(id).await).await;
        assert!(entry.is_none_or(|entry| entry["charges"] == 0 && entry["status"] != "paying"), "{}", self.name());
    }
}

#[tokio::test]
async fn a_code_of_each_wallet_pays() {
    let world = World::shared();
    with_every_code(|scene| {
        let world = &world;
        async move {
            let (_, placed) = scene.charge(world, "pay", 100_000, json!({})).await;
            let paid = world.demo.until_status(id_of(&placed), "paid").await;
            assert_eq!((&paid["wallet"], &paid["presented"]), (&json!(scene.pays), &json!("barcode")), "{}", scene.name());
            let entry = world.entry_of(id_of(&paid)).await;
            assert_eq!((&entry["charges"], &entry["total"]), (&json!(1), &json!(250)), "{}", scene.name());
            let route = &world.demo.expanded(id_of(&paid)).await["attempts"][0];
            assert_eq!((&route["account"], &route["status"]), (&json!(scene.account), &json!("succeeded")), "{}", scene.own);
        }
    })
    .await;
}

#[tokio::test]
async fn a_payer_of_each_wallet_who_is_asked_for_a_password_pays_when_it_is_typed() {
    let world = World::shared();
    with_every_code(|scene| {
        let world = &world;
        async move {
            let (code, placed) = scene.charge(world, "password", 100_000, json!({})).await;
            let what = scene.name();
            assert_eq!(placed["status"], "pending", "{what}");
            // UnionPay says "accepted, ask later" and no more.
            if scene.channel != "unionpay" {
                assert_eq!(placed["action"]["type"], "wait", "{what}: {placed}");
                assert!(placed["action"]["poll_after_ms"].as_i64().is_some_and(|ms| ms > 0), "{what}");
            }
            assert_eq!(world.control.confirm(&code).await.expect(200)["channel"], scene.channel, "{what}");
            world.demo.until_status(id_of(&placed), "paid").await;
            assert_eq!(world.entry_of(id_of(&placed)).await["charges"], 1, "{what}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_decline_and_an_empty_purse_fail_with_a_reason_at_every_wallet() {
    let world = World::shared();
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Takes).await;
    for (behaviour, balance) in [("decline", 100_000), ("pay", 100)] {
        with_every_code(|scene| {
            let (world, inbox) = (&world, &inbox);
            async move {
                let (_, placed) = scene.charge(world, behaviour, balance, json!({"notify_url": inbox.url})).await;
                let (what, id) = (format!("{behaviour} of {balance}, {}", scene.name()), id_of(&placed));
                let failed = ended(world, &what, id).await;
                assert_eq!(failed["status"], "failed", "{what}: {failed}");
                let failure = &failed["failure"];
                let says = failure["code"].as_str().unwrap_or_else(|| panic!("{what}: {failed}"));
                assert!(failure["channel_code"].is_string() && failure["message"].is_string(), "{what}: {failure}");
                // ICBC and CMB have no word of their own for it.
                let tells = !matches!(scene.channel, "icbc" | "cmb");
                assert_eq!(says == "INSUFFICIENT_FUNDS", tells && balance == 100, "{what}: {failure}");
                scene.untouched(world, id).await;
                assert_eq!(inbox.taken(id, "order.failed").await.event["data"]["failure"]["code"], says, "{what}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_payer_of_any_wallet_who_never_answers_is_reversed_in_the_end() {
    let world = World::shared();
    with_every_code(|scene| {
        let world = &world;
        async move {
            let (code, placed) = scene.charge(world, "timeout", 100_000, json!({})).await;
            let id = id_of(&placed);
            world.demo.until_status(id, "reversed").await;
            scene.untouched(world, id).await;
            assert_eq!(world.control.confirm(&code).await.status, 422, "{}: the code still pays", scene.name());
        }
    })
    .await;
}

#[tokio::test]
async fn reversing_gives_back_what_was_paid_and_ends_what_waits_at_every_wallet() {
    let world = World::shared();
    with_every_code(|scene| {
        let world = &world;
        async move {
            reverses_paid(world, scene).await;
            reverses_waiting(world, scene).await;
        }
    })
    .await;
}

async fn reverses_paid(world: &World, scene: Scene) {
    let (_, placed) = scene.charge(world, "pay", 100_000, json!({})).await;
    let (what, id) = (scene.name(), id_of(&placed));
    world.demo.until_status(id, "paid").await;
    refunded(world, id, 100).await;
    assert_eq!(world.demo.act(&format!("/v1/orders/{id}/reverse")).await.expect(200)["status"], "paid", "{what}");
    until(&format!("{what} to be given back"), || async {
        Some(world.demo.order(id).await).filter(|order| order["refunded_amount"] == 250)
    })
    .await;
    let refunds = world.demo.get(&format!("/v1/orders/{id}/refunds")).await.expect(200);
    let told: Vec<_> = refunds["data"].as_array().unwrap().iter().map(|r| (r["origin"].as_str().unwrap(), r["amount"].as_i64().unwrap())).collect();
    assert!(told.len() == 2 && told.contains(&("merchant", 100)) && told.contains(&("reversal", 150)), "{what}: {told:?}");
    assert_eq!(remaining(&world.entry_of(id).await), 0, "{what}");
}

async fn reverses_waiting(world: &World, scene: Scene) {
    let (code, placed) = scene.charge(world, "password", 100_000, json!({})).await;
    let (what, id) = (scene.name(), id_of(&placed));
    world.demo.act(&format!("/v1/orders/{id}/reverse")).await.expect(200);
    world.demo.until_status(id, "reversed").await;
    scene.untouched(world, id).await;
    assert_eq!(world.control.confirm(&code).await.status, 422, "{what}: the payer types the password too late");
}
