//! `route-replay`: past orders asked again under the rules of another folder, and how shares, cost and refusals would change. It reads and
//! never writes, so it may run beside a serving gateway.

use super::{Failed, load};
use crate::config::{Settings, Strings};
use crate::domain::OrderId;
use crate::domain::life::Life;
use crate::domain::merchant::{AccountState, Binding, Merchant};
use crate::domain::route::Dropped;
use crate::domain::route::told::percent;
use crate::flow::replay::{Replay, Row, Tally};
use crate::flow::{Directory, MerchantEntry, open_pay_order};
use crate::store::{Answer, OrderFilter, Query, Reader, StoreError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sluice_contract::{Fen, Millis};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Orders in memory at a time.
const PAGE: u32 = 500;

/// Which orders.
pub struct Asked {
    pub from: String,
    pub to: String,
    pub merchant: Option<String>,
    pub json: bool,
}

struct Span {
    from: Millis,
    to: Millis,
    merchant: Option<String>,
}

pub async fn run(dir: &Path, asked: Asked, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let span = span(&asked)?;
    let settings = load(dir, strings)?;
    let url = &settings.store.url;
    let failed = |e: StoreError| Failed::Error(format!("{}: {e}", url.name()));
    let reader = Reader::open(url).map_err(failed)?;
    let directory = directory(&settings, &reader).await?;
    if let Some(unknown) = span.merchant.as_ref().filter(|id| directory.merchant(id).is_none()) {
        return Err(Failed::Error(format!("--merchant: there is no merchant {unknown} in {} or {}", url.name(), dir.display())));
    }
    let sealer = crate::boot::sealer(&settings)?;
    let (mut replay, mut sealed) = (Replay::new(&directory), 0_u64);
    for before in pages(&reader, &span).await.map_err(failed)?.into_iter().rev() {
        for life in page(&reader, &span, before).await.map_err(failed)?.iter().rev() {
            let asked = life.attempts.first().map_or(life.order.sealed.as_slice(), |first| first.sealed(&life.order));
            let stored = open_pay_order(&sealer, asked).ok();
            sealed = sealed.saturating_add(u64::from(stored.is_none()));
            replay.take(life, stored.as_ref());
        }
    }
    let (tally, rows) = (&replay.tally, replay.tally.rows(&directory));
    let notes = notes(&directory, &rows, sealed);
    if asked.json {
        println!("{:#}", told(&span, tally, &rows, &notes));
    } else {
        print(&span, tally, &rows, &notes);
    }
    Ok(())
}

fn span(asked: &Asked) -> Result<Span, Failed> {
    let read = |name: &str, text: &str| {
        let wrong = || Failed::Usage(format!("{name}: {text:?} is no time: write it as 2026-11-23T00:00:00+08:00"));
        Millis::from_rfc3339(text).ok_or_else(wrong)
    };
    let (from, to) = (read("--from", &asked.from)?, read("--to", &asked.to)?);
    if from >= to {
        return Err(Failed::Usage(format!("--to: {} is not after --from {}", asked.to, asked.from)));
    }
    Ok(Span { from, to, merchant: asked.merchant.clone() })
}

/// Where each page begins, the newest first: pages are found backwards and read forwards, so that one is in memory at a time.
async fn pages(reader: &Reader, span: &Span) -> Result<Vec<OrderId>, StoreError> {
    let mut begins = Vec::new();
    // Ids begin with their time: this one is before every order of that moment.
    let mut before = OrderId::new(span.to, [0; 16]);
    loop {
        let lives = page(reader, span, before.clone()).await?;
        let Some(oldest) = lives.last() else { return Ok(begins) };
        begins.push(std::mem::replace(&mut before, oldest.order.id.clone()));
    }
}

async fn page(reader: &Reader, span: &Span, before: OrderId) -> Result<Vec<Life>, StoreError> {
    let filter = OrderFilter {
        merchant_id: span.merchant.clone(),
        created_from: Some(span.from),
        created_to: Some(span.to),
        before: Some(before),
        limit: PAGE,
        ..OrderFilter::default()
    };
    match reader.answer(&Query::Orders(filter)).await? {
        Answer::Lives(lives) => Ok(lives),
        _ => Err(StoreError::Failed("an unexpected answer to Orders".into())),
    }
}

/// What would be in force if the folder were: its accounts and rules, under what operators have stored. No secret is needed for that.
async fn directory(settings: &Settings, reader: &Reader) -> Result<Directory, Failed> {
    let (states, weights) = (records(settings, reader, "account_state").await?, records(settings, reader, "account_weight").await?);
    let mut merchants: BTreeMap<String, MerchantEntry> = BTreeMap::new();
    let entry = |merchant: Merchant| MerchantEntry { merchant, webhook_secret: None, bindings: Vec::new(), stores: Vec::new() };
    for (id, doc) in records(settings, reader, "merchant").await? {
        merchants.insert(id.clone(), entry(read(&id, doc)?));
    }
    for merchant in &settings.merchants {
        let (id, name, prefer) = (merchant.id.clone(), merchant.name.clone(), merchant.prefer.clone());
        merchants.entry(id.clone()).or_insert_with(|| entry(Merchant { id, name, enabled: true, webhook_url: None, prefer }));
    }
    for (id, doc) in records(settings, reader, "binding").await? {
        let binding: Binding = read(&id, doc)?;
        if let Some(entry) = merchants.get_mut(&binding.merchant_id) {
            entry.bindings.push(binding);
        }
    }
    for (merchant, binding) in settings.merchants.iter().flat_map(|merchant| merchant.bindings.iter().map(move |b| (merchant, b))) {
        let Some(entry) = merchants.get_mut(&merchant.id).filter(|entry| entry.binding(&binding.account).is_none()) else { continue };
        entry.bindings.push(Binding {
            merchant_id: merchant.id.clone(),
            account: binding.account.as_str().into(),
            sub: Default::default(),
            methods: binding.methods.clone(),
            enabled: binding.enabled,
            rank: 0,
            off_because: None,
        });
    }
    Ok(Directory {
        accounts: crate::boot::accounts(settings, states, weights, ""),
        merchants: merchants.into_iter().map(|(id, entry)| (id, Arc::new(entry))).collect(),
        routing: settings.routing.clone(),
        ..Directory::default()
    })
}

async fn records(settings: &Settings, reader: &Reader, kind: &str) -> Result<Vec<(String, Value)>, Failed> {
    match reader.answer(&Query::Records { kind: kind.to_owned() }).await {
        Ok(Answer::Records(rows)) => Ok(rows),
        Ok(_) => Err(Failed::Error("an unexpected answer to Records".into())),
        Err(error) => Err(Failed::Error(format!("{}: {error}", settings.store.url.name()))),
    }
}

fn read<T: DeserializeOwned>(id: &str, doc: Value) -> Result<T, Failed> {
    serde_json::from_value(doc).map_err(|e| Failed::Error(format!("the stored record {id} cannot be read: {e}")))
}

/// What the numbers do not say of themselves.
fn notes(directory: &Directory, rows: &[Row], sealed: u64) -> Vec<String> {
    let mut notes = vec![
        "orders stand where they were first sent, fees where they were paid; both fees are of the orders that were paid then".to_owned(),
        "success under the new rules is an estimate: what was observed of the account and method then; it cannot know what was not tried"
            .to_owned(),
        "not replayed: limits, health, what the channels themselves refuse; bindings and preferences are those of today".to_owned(),
    ];
    let switched = directory.accounts.iter().filter_map(|account| {
        let state = match account.state {
            AccountState::Enabled => None,
            AccountState::Draining => Some("draining".to_owned()),
            AccountState::Disabled => Some("disabled".to_owned()),
        };
        let weight = account.weight.map(|weight| format!("weight {weight}"));
        let told: Vec<String> = [state, weight].into_iter().flatten().collect();
        (!told.is_empty()).then(|| format!("{} {}", account.id, told.join(", ")))
    });
    let switched: Vec<String> = switched.collect();
    if !switched.is_empty() {
        notes.push(format!("in force as switched now: {}", switched.join("; ")));
    }
    let free: Vec<&str> = rows.iter().filter(|row| row.then.no_fee > 0 || row.new.no_fee > 0).map(|row| row.account.as_str()).collect();
    if !free.is_empty() {
        notes.push(format!("no fee is known, and none counted, of {}", free.join(", ")));
    }
    if sealed > 0 {
        notes
            .push(format!("{sealed} orders are sealed with a key that this folder does not have: payer.* and the like read null for them"));
    }
    notes
}

fn told(span: &Span, tally: &Tally, rows: &[Row], notes: &[String]) -> Value {
    let ppm = |part: u64, of: u64| u128::from(part).saturating_mul(1_000_000).checked_div(u128::from(of));
    let row = |row: &Row| {
        json!({
            "account": row.account,
            "then": {
                "orders": row.then.orders, "share_ppm": ppm(row.then.orders, tally.orders), "fee_fen": row.then.fee_fen,
                "success_ppm": ppm(row.success_then.0, row.success_then.1),
            },
            "new": {
                "orders": row.new.orders, "share_ppm": ppm(row.new.orders, tally.orders), "fee_fen": row.new.fee_fen,
                "success_ppm_estimated": row.success_new_ppm, "orders_without_estimate": row.unseen,
            },
        })
    };
    let reasons = tally.refused.iter().map(|(reasons, orders)| json!({"dropped": reasons, "orders": orders}));
    json!({
        "from": span.from.rfc3339(), "to": span.to.rfc3339(), "merchant": span.merchant, "orders": tally.orders, "changed": tally.changed,
        "accounts": rows.iter().map(row).collect::<Vec<_>>(),
        "refused": {"orders": refused(tally), "paid_then": tally.refused_paid, "reasons": reasons.collect::<Vec<_>>()}, "notes": notes,
    })
}

fn refused(tally: &Tally) -> u64 {
    tally.refused.values().copied().fold(0, u64::saturating_add)
}

fn print(span: &Span, tally: &Tally, rows: &[Row], notes: &[String]) {
    let of = span.merchant.as_ref().map(|id| format!(" of merchant {id}")).unwrap_or_default();
    println!("{} orders{of} from {} to {}", tally.orders, span.from.rfc3339(), span.to.rfc3339());
    println!("{} would first go to another account, {} would be refused\n", tally.changed, refused(tally));
    let width = rows.iter().map(|row| row.account.len()).max().unwrap_or_default().max("account".len());
    let side = |orders: u64, fee_fen: i64, success: String| {
        format!("{orders:>9} {:>9} {:>12} {success:>9}", percent(orders, tally.orders), Fen(fee_fen).to_yuan())
    };
    println!("{:<width$} |{:>9} {:>9} {:>12} {:>9} |{:>9} {:>9} {:>12} {:>9}", "", "then", "", "", "", "new", "", "", "");
    let heads = format!("{:>9} {:>9} {:>12} {:>9}", "orders", "share", "fee yuan", "success");
    println!("{:<width$} |{heads} |{heads}", "account");
    for row in rows {
        let then = side(row.then.orders, row.then.fee_fen, percent(row.success_then.0, row.success_then.1));
        let estimate = row.success_new_ppm.map_or_else(|| "-".to_owned(), |ppm| format!("~{}", percent(ppm, 1_000_000)));
        println!("{:<width$} |{then} |{}", row.account, side(row.new.orders, row.new.fee_fen, estimate));
    }
    let sum = |fen: fn(&Row) -> i64| rows.iter().map(fen).fold(0, i64::saturating_add);
    let placed = tally.orders.saturating_sub(refused(tally));
    let (then, new) =
        (side(tally.orders, sum(|row| row.then.fee_fen), String::new()), side(placed, sum(|row| row.new.fee_fen), String::new()));
    println!("{:<width$} |{then} |{new}", "all");
    if !tally.refused.is_empty() {
        println!("\nRefused: {} orders, of which {} had been paid", refused(tally), tally.refused_paid);
        for (reasons, orders) in &tally.refused {
            println!("{orders:>9}  {}", words(reasons));
        }
    }
    println!();
    notes.iter().for_each(|note| println!("note: {note}"));
}

fn words(reasons: &[Dropped]) -> String {
    if reasons.is_empty() {
        return "there is no account".to_owned();
    }
    let words = reasons.iter().filter_map(|reason| serde_json::to_value(reason).ok()?.as_str().map(|word| word.replace('_', " ")));
    words.collect::<Vec<_>>().join(", ")
}
