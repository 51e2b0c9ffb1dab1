//! A2: dies at every named point (`sluice::crash::POINTS`), once for each verb that passes it, and is judged like any other death.

use super::journey::World;
use super::judge::judge;
use super::rig::{Dice, Done, Gateway, Sandbox, until};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;

const SIGABRT: i32 = 6;

/// Point, pass, verb.
const CASES: &[(&str, u32, &str)] = &[
    ("placed.before_pay", 1, "native"),
    ("placed.before_pay", 1, "jsapi"),
    ("placed.before_pay", 1, "app"),
    ("placed.before_pay", 2, "barcode"),
    ("placed.before_pay", 1, "barcode"),
    ("chosen.before_pay", 1, "cashier"),
    ("paid_call.before_commit", 1, "native"),
    ("paid_call.before_commit", 1, "barcode"),
    ("paid_call.before_commit", 1, "declined"),
    ("taken.before_answer", 1, "native"),
    ("taken.before_answer", 1, "barcode"),
    ("callback.before_commit", 1, "native"),
    ("callback.before_commit", 2, "refund"),
    ("callback.before_ack", 1, "native"),
    ("callback.before_ack", 2, "refund"),
    ("undo.before_send", 1, "close"),
    ("undo.before_send", 1, "reverse"),
    ("undo.before_send", 1, "expires"),
    ("undone.before_commit", 1, "close"),
    ("undone.before_commit", 1, "reverse"),
    ("undone.before_commit", 1, "expires"),
    ("refund.before_send", 1, "refund"),
    ("refund.before_send", 1, "reversal"),
    ("refunded.before_commit", 1, "refund"),
    ("refunded.before_commit", 1, "reversal"),
    ("query.before_commit", 1, "waits"),
    ("query.before_commit", 1, "password"),
    ("query.before_commit", 1, "sync"),
    ("notice.before_send", 1, "native"),
    ("notice.before_send", 2, "refund"),
    ("delivered.before_commit", 1, "native"),
    ("delivered.before_commit", 2, "refund"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dies_at_every_point_of_every_verb() -> Done {
    let covered: BTreeSet<&str> = CASES.iter().map(|c| c.0).collect();
    let named: BTreeSet<&str> = sluice::crash::POINTS.iter().copied().collect();
    assert_eq!(covered, named, "every point has a case");
    let sandbox = Arc::new(Sandbox::start("points", 50).await?);
    let mut dice = Dice::of_the_day("every_point");
    // A few at a time: every case is a gateway of its own.
    let places = Arc::new(tokio::sync::Semaphore::new(8));
    let mut cases = Vec::new();
    for case in CASES {
        let (sandbox, dice, places) = (Arc::clone(&sandbox), Dice::new(dice.roll()), Arc::clone(&places));
        cases.push(tokio::spawn(async move {
            let place = places.acquire_owned().await?;
            dies_and_is_judged(*case, &sandbox, dice, place).await.map_err(|e| format!("{case:?}: {e}").into())
        }));
    }
    let mut failed = Vec::new();
    for case in cases {
        failed.extend(case.await?.err().map(|e: Box<dyn std::error::Error + Send + Sync>| e.to_string()));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

async fn dies_and_is_judged(case: (&str, u32, &'static str), sandbox: &Arc<Sandbox>, dice: Dice, place: tokio::sync::OwnedSemaphorePermit) -> Done {
    let (point, pass, verb) = case;
    let mut gateway = sandbox.gateway(&format!("{point}-{pass}-{verb}"))?;
    gateway.start(Some(&format!("{point}:{pass}"))).await?;
    let world = World::of(sandbox, &gateway).await?;
    let telling = Arc::clone(&world);
    // The story goes on over the death: its merchant repeats what was not answered.
    let told = tokio::spawn(async move { telling.verb(verb, dice).await });
    let died = until("death", Duration::from_secs(90), || std::future::ready(gateway.has_died().then_some(()))).await;
    died.map_err(|e| format!("{e}; {}", gateway.log_tail()))?;
    assert_eq!(gateway.died().await?.signal(), Some(SIGABRT), "{point} of {verb} ended otherwise");
    gateway.start(None).await?;
    drop(place);
    told.await?.ok_or_else(|| format!("its story did not end; {:?}", world.merchant.book.accusations()))?;
    println!("{point}:{pass} of {verb}");
    judge(&world, &gateway).await?.must_be_clean(&gateway);
    ends_as_it_should(verb, &world, &gateway).await?;
    gateway.kill().await
}

/// The death must not have changed the story's end where the story fixes it.
async fn ends_as_it_should(verb: &str, world: &World, gateway: &Gateway) -> Done {
    let mut orders = BTreeMap::new();
    for status in ["paid", "pending", "closed", "reversed"] {
        let found = gateway.books()?.ints("SELECT COUNT(*) FROM orders WHERE status = ?1", &[status]).await?;
        orders.insert(status, found[0]);
    }
    let refunded = gateway.books()?.ints("SELECT COUNT(*) FROM refunds WHERE status = 'succeeded'", &[]).await?[0];
    match verb {
        "native" | "jsapi" | "app" | "waits" | "sync" | "cashier" => assert_eq!((orders["paid"], orders["pending"]), (1, 0)),
        "refund" => assert_eq!((orders["paid"], refunded), (1, 1)),
        "declined" => assert_eq!(orders["paid"], 0),
        "close" | "expires" => assert_eq!(orders["closed"], 1),
        "reverse" => assert_eq!(orders["reversed"], 1),
        _ => assert_eq!(orders["pending"], 0),
    }
    assert!(world.merchant.book.accusations().is_empty());
    Ok(())
}

impl World {
    /// One verb's story. `None`: it could not be told to its end.
    async fn verb(&self, verb: &str, mut dice: Dice) -> Option<()> {
        match verb {
            "native" | "jsapi" | "app" => self.story_paid(&format!("wechat_{verb}"), &mut dice).await.map(|_| ()),
            "refund" => {
                let (id, amount) = self.story_paid("wechat_native", &mut dice).await?;
                self.merchant.refund(&id, &format!("R-{:x}", dice.roll()), amount / 2).await.filter(|(status, _)| *status < 300).map(|_| ())
            }
            // Nothing happens for a while: the schedule asks.
            "waits" => {
                let (id, _, content) = self.placed("wechat_native", &mut dice).await?;
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                self.scan(&content, "pay").await.then_some(())?;
                self.rests(&id).await
            }
            "sync" => {
                let (id, _, content) = self.placed("wechat_native", &mut dice).await?;
                self.merchant.persist("POST", &format!("/v1/orders/{id}/sync"), None).await?;
                self.scan(&content, "pay").await.then_some(())?;
                self.rests(&id).await
            }
            "close" => {
                let (id, _, _) = self.placed("wechat_native", &mut dice).await?;
                self.merchant.persist("POST", &format!("/v1/orders/{id}/close"), None).await.map(|_| ())
            }
            "cashier" => self.story_chosen(&mut dice).await,
            "barcode" => self.story_till("pay", false, &mut dice).await,
            "declined" => self.story_till("decline", false, &mut dice).await,
            "password" => self.story_till("password", false, &mut dice).await,
            // Nobody pays or closes it: closed by the worker when its time is over.
            "expires" => {
                let (id, _, _) = self.placed("wechat_native", &mut dice).await?;
                self.rests(&id).await
            }
            "reverse" => self.story_till("timeout", true, &mut dice).await,
            "reversal" => self.story_reversal(&mut dice).await,
            _ => None,
        }
    }

    async fn story_paid(&self, method: &str, dice: &mut Dice) -> Option<(String, i64)> {
        let (id, amount, content) = self.placed(method, dice).await?;
        if !self.scan(&content, "pay").await {
            self.merchant.book.accuse(format!("{id} of {method} cannot be paid as {content}"));
            return None;
        }
        self.becomes_final(&id).await.filter(|o| o["status"] == "paid")?;
        Some((id, amount))
    }

    /// The payer chooses on our page, and chooses again when nothing came of it: the gateway died at that moment.
    async fn story_chosen(&self, dice: &mut Dice) -> Option<()> {
        let (_, order) = self.merchant.place(&self.body("cashier", dice)).await.filter(|(status, _)| *status < 300)?;
        let (id, page) = (order["id"].as_str()?.to_owned(), order["action"]["url"].as_str()?.to_owned());
        for _ in 0..300 {
            let chosen = crate::harness::client::http().post(&page).body("method=wechat_native").send().await;
            let number = match chosen {
                Ok(_) => self.merchant.persist("GET", &format!("/v1/orders/{id}?expand=attempts"), None).await?.1,
                Err(_) => serde_json::Value::Null,
            };
            let open = number["attempts"].as_array().and_then(|all| all.iter().rfind(|a| a["status"] == "awaiting_payer").cloned());
            if let Some(number) = open.as_ref().and_then(|attempt| attempt["channel_order_no"].as_str()) {
                self.scan(&format!("wechat:{number}"), "pay").await.then_some(())?;
                return self.becomes_final(&id).await.filter(|o| o["status"] == "paid").map(|_| ());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    async fn story_till(&self, behaviour: &str, reverse: bool, dice: &mut Dice) -> Option<()> {
        // The second pass of a point is reached by a second order.
        for _ in 0..2 {
            let code = self.sandbox.post("/payers/auth-code", &json!({"wallet": "wechat", "behaviour": behaviour})).await.ok()?;
            let mut body = self.body("wechat_barcode", dice);
            body["auth_code"] = code["auth_code"].clone();
            let (_, order) = self.merchant.place(&body).await.filter(|(status, _)| *status < 300)?;
            let id = order["id"].as_str()?.to_owned();
            if behaviour == "password" {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let _ = self.sandbox.post("/payers/confirm", &code).await;
            }
            if reverse {
                self.merchant.persist("POST", &format!("/v1/orders/{id}/reverse"), None).await?;
                return self.rests(&id).await;
            }
            if behaviour != "pay" {
                return self.rests(&id).await;
            }
            self.rests(&id).await?;
        }
        Some(())
    }

    /// As long as a charge that was never sent takes to be known as such.
    async fn rests(&self, id: &str) -> Option<()> {
        let waited = until("an end", Duration::from_secs(100), || async {
            self.merchant.order(id).await.filter(|o| o["status"] != "pending").map(|_| ())
        });
        waited.await.ok()
    }

    /// Paid, then reversed: a refund that the worker sends, not a request.
    async fn story_reversal(&self, dice: &mut Dice) -> Option<()> {
        let code = self.sandbox.post("/payers/auth-code", &json!({"wallet": "wechat", "behaviour": "pay"})).await.ok()?;
        let mut body = self.body("wechat_barcode", dice);
        body["auth_code"] = code["auth_code"].clone();
        let (_, order) = self.merchant.place(&body).await.filter(|(status, _)| *status < 300)?;
        let id = order["id"].as_str()?.to_owned();
        // A reversal of a paid order is a refund that the worker sends.
        self.merchant.persist("POST", &format!("/v1/orders/{id}/reverse"), None).await.map(|_| ())
    }
}
