//! The story's end: every channel's bill of the day agrees with the books; then one difference is planted, and found.

use super::story::{Client, Report, expect};
use crate::clock::{Clock, SystemClock};
use crate::flow::reconcile::{NotReconciled, Reconciled};
use crate::flow::{Account, Gateway};
use serde_json::json;
use sluice_contract::{Day, StatementRule};

pub(super) async fn reconcile(client: &Client, gateway: &Gateway, report: &mut Report) -> Result<(), String> {
    let directory = gateway.directory.load_full();
    for account in &directory.accounts {
        let Some(rule) = account.channel.profile().statement else {
            report.done(&format!("{}: no bill", account.id), "its channel gives none; its orders are followed by queries alone");
            continue;
        };
        let done = compared(gateway, account, today(&rule)).await?;
        let agree = done.open.is_empty() && done.run.rows > 0 && done.run.matched > 0;
        expect(agree, "the bill and the books agree", &json!({"account": account.id, "rows": done.run.rows, "open": shown(&done)}))?;
        report.done(
            &format!("{}: the bill of {} is compared with the books", account.id, done.run.day),
            &format!("{} rows, {} payments and refunds agree, no discrepancy", done.run.rows, done.run.matched),
        );
    }
    let planted = client.control("/discrepancies", &json!({"channel": "wechat", "kind": "amount", "count": 1})).await?;
    let number = planted[0]["out_trade_no"].as_str().unwrap_or_default().to_owned();
    let account = directory.accounts.iter().find(|account| account.channel.profile().channel == "wechat");
    let account = account.ok_or_else(|| "there is no account of wechat".to_owned())?;
    let rule = account.channel.profile().statement.ok_or_else(|| "wechat has no bill".to_owned())?;
    let done = compared(gateway, account, today(&rule)).await?;
    let found: Vec<_> = done.open.iter().map(|stored| (stored.found.kind.word(), stored.found.channel_order_no.as_str())).collect();
    expect(found == [("amount", number.as_str())], "the planted difference and no other is found", &json!(shown(&done)))?;
    report.done("One amount of WeChat's bill is changed by a fen on purpose", &format!("found: amount of {number}, and nothing else"));
    Ok(())
}

/// The channel's own day of now.
fn today(rule: &StatementRule) -> Day {
    SystemClock.now().second().plus(86_400_i64.saturating_sub(rule.day_ends_at_s)).day()
}

async fn compared(gateway: &Gateway, account: &Account, day: Day) -> Result<Reconciled, String> {
    gateway.reconcile(account, day).await.map_err(|why| match why {
        NotReconciled::Store(refused) => refused.inner.unwrap_or(refused.detail),
        NotReconciled::Refused(why) => format!("{}: {why}", account.id),
        NotReconciled::NoBill | NotReconciled::NotYet { .. } => format!("{}: there is no bill", account.id),
    })
}

fn shown(done: &Reconciled) -> Vec<String> {
    done.open.iter().map(|stored| format!("{} {}", stored.found.kind.word(), stored.found.number)).collect()
}
