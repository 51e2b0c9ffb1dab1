//! Bills that are no bills, from outside: whatever the line makes of a bill, it is refused whole or it is the bill, and while it is refused
//! not one byte of the orders, refunds and discrepancies in the store changes.

use super::past::store;
use super::reconcile::{billed, day_of, paid};
use crate::harness::World;
use crate::harness::process::Running;
use crate::harness::till::{body_of, id_of, refunded};
use sluice::boot::{Booted, boot};
use sluice::channels::CHANNELS;
use sluice::config::Strings;
use sluice::flow::Gateway;
use sluice::flow::reconcile::NotReconciled;
use sluice::outbound::{Sent, Wire};
use sluice::store::{Answer, DiscrepancyFilter, OrderFilter, Query, Store};
use sluice_contract::{Body, Day, HttpRequest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What becomes of a bill on its way.
type Bend = Box<dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync>;

/// The line to the channels, which bends the bytes of bills and nothing else.
struct BentLine {
    line: Arc<dyn Wire>,
    bend: Arc<Mutex<Bend>>,
}

impl Wire for BentLine {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> Sent<'a> {
        Box::pin(async move {
            let mut reply = self.line.send(request).await?;
            if matches!(request.api, "bill.file" | "bill") {
                let bend = self.bend.lock().unwrap();
                match &mut reply.body {
                    Body::Bytes(bytes) => *bytes = bend(std::mem::take(bytes)),
                    Body::File(path) => std::fs::write(&*path, bend(std::fs::read(&*path).unwrap())).unwrap(),
                }
            }
            Ok(reply)
        })
    }
}

/// The machine's environment and files.
struct Folder;

impl Strings for Folder {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// A gateway of a stopped world's folder, in this process, on a bent line.
async fn on_a_bent_line(world: &World) -> (Gateway, Arc<Mutex<Bend>>) {
    let settings = sluice::cli::load(&world.dir, &Folder).unwrap_or_else(|_| panic!("the folder is readable"));
    let Booted { gateway, .. } = boot(&world.dir, settings, "http://127.0.0.1:1", 1, || {}).await.unwrap();
    let mut gateway = Arc::into_inner(gateway).expect("nobody else has it");
    let bend: Arc<Mutex<Bend>> = Arc::new(Mutex::new(Box::new(|bytes| bytes)));
    gateway.wire = Arc::new(BentLine { line: Arc::clone(&gateway.wire), bend: Arc::clone(&bend) });
    (gateway, bend)
}

/// Everything in the store that a bill may change, but the word of how the run went.
async fn everything(store: &Arc<dyn Store>) -> Vec<String> {
    let orders = OrderFilter { limit: 10_000, ..OrderFilter::default() };
    let discrepancies = DiscrepancyFilter { limit: 10_000, ..DiscrepancyFilter::default() };
    let mut all = Vec::new();
    for query in [Query::Orders(orders), Query::Discrepancies(discrepancies)] {
        let answer = store.read(query).await.unwrap();
        if let Answer::Lives(lives) = &answer {
            for life in lives {
                let trail = store.read(Query::Events(life.order.id.clone())).await.unwrap();
                let notices = store.read(Query::NoticesOf(life.order.id.clone())).await.unwrap();
                all.push(format!("{trail:?}{notices:?}"));
            }
        }
        all.push(format!("{answer:?}"));
    }
    all
}

fn bends() -> Vec<(String, Bend)> {
    let mut bends: Vec<(String, Bend)> = Vec::new();
    for sixteenth in 0..16 {
        bends.push((format!("cut at {sixteenth}/16"), Box::new(move |bytes| bytes[..bytes.len() * sixteenth / 16].to_vec())));
    }
    // Within what is packed: a time in an archive's head means nothing.
    for sixteenth in 4..8 {
        let bent = move |mut bytes: Vec<u8>| {
            let at = bytes.len() * sixteenth / 16;
            bytes[at] ^= 0x55;
            bytes
        };
        bends.push((format!("bent at {sixteenth}/16"), Box::new(bent)));
    }
    bends.push(("nothing".into(), Box::new(|_| Vec::new())));
    bends.push(("noise".into(), Box::new(|bytes| bytes.iter().rev().copied().collect())));
    bends.push(("a page".into(), Box::new(|_| b"<html>busy</html>".to_vec())));
    bends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_line_makes_of_a_bill_nothing_is_half_booked() {
    let world = World::plan().start();
    let offers = billed(&world).await;
    // UnionPay's day ends an hour before midnight.
    let mut days = BTreeMap::new();
    for offer in &offers {
        // One that agrees, one that goes back, and one that was paid and of which we never heard.
        paid(&world, offer, 700).await;
        let part = paid(&world, offer, 2_000).await;
        refunded(&world, id_of(&part), 500).await;
        let control = world.control.at(&offer.channel);
        control.plant("amount").await;
        control.fault("callback", "hold").await;
        control.fault("query", "error_500").await;
        let lost = world.demo.place(&body_of(&world, offer, 900).await).await;
        world.control.take(&lost, &Default::default()).await.expect(200);
        days.insert(offer.account.clone(), Day::parse(&day_of(&part)).unwrap());
    }
    world.gateway(Running::kill);
    world.control.clear().await;
    let (gateway, bend) = on_a_bent_line(&world).await;
    let store = store(&world).await;
    let before = everything(&store).await;
    let accounts = gateway.directory.load_full().accounts.clone();
    let mut refused = 0;
    for account in accounts.iter().filter(|account| account.channel.profile().statement.is_some()) {
        for (name, how) in bends() {
            *bend.lock().unwrap() = how;
            match gateway.reconcile(account, days[account.id.as_str()]).await {
                Err(NotReconciled::Refused(why)) => assert!(!why.is_empty()),
                // No word of the channel's reached us: it may have the bill later.
                Err(NotReconciled::NotYet { .. }) => {}
                other => panic!("{} took a bill with {name}: {other:?}", account.id),
            }
            refused += 1;
            assert!(everything(&store).await == before, "{}: {name} changed the store", account.id);
        }
    }
    assert_eq!((refused, CHANNELS.len()), (4 * bends().len(), 5));
    // The same day over a straight line: what was lost is booked, what was planted is found.
    *bend.lock().unwrap() = Box::new(|bytes| bytes);
    for account in accounts.iter().filter(|account| account.channel.profile().statement.is_some()) {
        let done = gateway.reconcile(account, days[account.id.as_str()]).await.unwrap();
        assert_eq!((done.repaired.len(), done.open.len()), (1, 1), "{}: {done:?}", account.id);
    }
    println!("{refused} bent bills refused, and nothing half booked");
}
