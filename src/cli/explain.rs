//! `explain`: the life of one order, from the store, with every exchange redacted. It reads and never writes, so it may run beside
//! a serving gateway.

use super::{Failed, load};
use crate::config::Strings;
use crate::domain::life::Life;
use crate::domain::limit::Entry;
use crate::domain::route::told;
use crate::domain::{OrderId, show};
use crate::store::{Answer, Query, Reader};
use serde_json::Value;
use std::path::Path;

pub async fn run(dir: &Path, order_id: &str, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let named = OrderId::parse(order_id)
        .or_else(|| OrderId::of_attempt(order_id).map(|(id, _)| id))
        .or_else(|| OrderId::of_refund(order_id).map(|(id, _)| id));
    let id = named.ok_or_else(|| Failed::Usage(format!("{order_id:?} is no order id: it has 27 letters and digits and begins with P")))?;
    let url = load(dir, strings)?.store.url;
    let failed = |e: crate::store::StoreError| Failed::Error(format!("{}: {e}", url.name()));
    let reader = Reader::open(&url).map_err(failed)?;
    let Answer::Life(Some(life)) = reader.answer(&Query::Life(id.clone())).await.map_err(failed)? else {
        return Err(Failed::Error(format!("there is no order {id}")));
    };
    print_order(&life);
    if let Answer::Events(events) = reader.answer(&Query::Events(id.clone())).await.map_err(failed)? {
        println!("\nTrail");
        for event in events {
            println!("  {}  {:<26} {}", event.at.rfc3339(), event.kind, event.data);
            event.inner.iter().for_each(print_inner);
        }
    }
    if let Answer::Entries(entries) = reader.answer(&Query::Entries(id.clone())).await.map_err(failed)? {
        println!("\nLimits");
        entries.iter().for_each(print_entry);
    }
    if let Answer::Notices(notices) = reader.answer(&Query::NoticesOf(id)).await.map_err(failed)? {
        println!("\nNotifications");
        for notice in notices {
            let next = notice.next_at.map_or_else(String::new, |at| format!(", next {}", at.rfc3339()));
            println!("  {}  {:<18} {} after {} tries{next}", notice.event_id, notice.kind, notice.status.word(), notice.tries);
            notice.last.iter().for_each(|last| println!("      {last}"));
        }
    }
    Ok(())
}

fn print_order(life: &Life) {
    let order = &life.order;
    println!("Order {} of merchant {} ({})", order.id, order.merchant_id, order.merchant_order_no);
    println!("  {} · {} 元 · {} · {}", order.status().word(), order.amount.to_yuan(), order.method_word(), order.facts.subject);
    println!("  created {} · expires {}", order.created_at.rfc3339(), order.expires_at.rfc3339());
    if life.is_suspended() {
        println!("  SUSPENDED: a person has to act");
    }
    println!("\nAttempts");
    for attempt in &life.attempts {
        let mut line = show::attempt(order, attempt);
        line.as_object_mut().map(|fields| fields.remove("route"));
        println!("  {line}");
        told::lines(&attempt.notes.route).iter().for_each(|line| println!("      {line}"));
        if let Some(why) = &attempt.notes.last_unknown {
            println!("      last unknown: {why}");
        }
    }
    if !life.refunds.is_empty() {
        println!("\nRefunds");
    }
    for refund in &life.refunds {
        println!("  {}", show::refund(order, refund));
    }
}

fn print_entry(entry: &Entry) {
    let (share, key) = (&entry.share, &entry.key);
    let holder = if key.holder.is_empty() { String::new() } else { format!(" (open share of {})", key.holder) };
    let overrun = share.over_reserved.saturating_add(share.over_confirmed);
    println!(
        "  {}  {:<8} attempt {}  {} {}{holder}  reserved {:+} confirmed {:+} overrun {overrun:+}",
        entry.at.rfc3339(),
        entry.step.word(),
        entry.attempt_seq,
        key.limit,
        key.subject,
        share.reserved,
        share.confirmed
    );
}

/// Exchanges one to a line; other inner facts as they are.
fn print_inner(inner: &Value) {
    match inner {
        Value::Array(exchanges) => exchanges.iter().for_each(|exchange| println!("      {exchange}")),
        other => println!("      {other}"),
    }
}
