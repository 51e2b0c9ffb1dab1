//! The story's second half: the same life, shorter, at every channel of this build, and a payment code of every wallet at one till
//! that does not ask whose code it is.

use super::story::{Client, MerchantServer, Report, expect, until};
use crate::clock::{SystemChance, random};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a merchant can use now, by channel: an online method and whether the channel takes payment codes.
async fn methods(client: &Client) -> Result<BTreeMap<String, (Option<String>, bool)>, String> {
    let (_, told) = client.call("GET", "/v1/methods", None).await?;
    let mut by_channel: BTreeMap<String, (Option<String>, bool)> = BTreeMap::new();
    for method in told["data"].as_array().into_iter().flatten() {
        let word = method["method"].as_str().unwrap_or_default();
        for account in method["accounts"].as_array().into_iter().flatten() {
            let entry = by_channel.entry(account["channel"].as_str().unwrap_or_default().to_owned()).or_default();
            let is_barcode = word.ends_with("_barcode");
            entry.1 |= is_barcode;
            let plain = account["required"].as_array().is_some_and(Vec::is_empty)
                && account["required_one_of"].as_array().is_some_and(Vec::is_empty);
            if !is_barcode && plain && entry.0.is_none() {
                entry.0 = Some(word.to_owned());
            }
        }
    }
    Ok(by_channel)
}

/// Plays every channel; each line was verified against the channel's own books.
pub async fn play_channels(client: &Client, merchant: &MerchantServer, report: &mut Report) -> Result<(), String> {
    let methods = methods(client).await?;
    for (channel, (online, _)) in &methods {
        let method = online.as_deref().ok_or_else(|| format!("{channel} has no method that needs nothing but the order"))?;
        let proof = scanned_and_refunded(client, merchant, channel, method).await?;
        report.done(&format!("{channel}: {method} is scanned, paid, told, partly refunded"), &proof);
    }
    for (channel, _) in methods.iter().filter(|(_, (_, codes))| *codes) {
        let proof = at_the_till(client, channel).await?;
        report.done(&format!("{channel}: the payer shows a payment code, the cashier asks for auto_barcode"), &proof);
    }
    wrong_code(client, report).await
}

fn fresh(method: &str, notify_url: &str) -> Value {
    let number = format!("SO-{}", hex::encode(random::<6>(&SystemChance)));
    json!({"merchant_order_no": number, "amount": 1280, "subject": "一箱苹果", "method": method, "notify_url": notify_url})
}

async fn scanned_and_refunded(client: &Client, merchant: &MerchantServer, channel: &str, method: &str) -> Result<String, String> {
    let body = fresh(method, &merchant.url);
    let (status, order) = client.call("POST", "/v1/orders", Some(&body)).await?;
    expect(status == 201 && order["status"] == "pending" && order["channel"] == channel, "201, pending at the channel", &order)?;
    let id = order["id"].as_str().unwrap_or_default().to_owned();
    let scanned = client.control("/payers/scan", &json!({"content": order["action"]["content"], "outcome": "pay"})).await?;
    expect(scanned["paid"] == true, "the channel books the payment", &scanned)?;
    let path = format!("/v1/orders/{id}");
    let paid = until(&format!("{channel}: paid"), || async {
        let (_, order) = client.call("GET", &path, None).await?;
        Ok((order["status"] == "paid").then_some(order))
    })
    .await?;
    expect(paid["paid_amount"] == 1280, "paid in full", &paid)?;
    until(&format!("{channel}: the merchant being told"), || async { Ok(merchant.find("order.paid", &id)) }).await?;
    refunded(client, channel, &id, 300).await?;
    let row = client.ledger(scanned["out_trade_no"].as_str().unwrap_or_default()).await?;
    let back: i64 = row["refunds"].as_array().into_iter().flatten().filter_map(|r| r["amount"].as_i64()).sum();
    expect(row["charges"] == 1 && row["total"] == 1280 && back == 300, "the channel's ledger agrees", &row)?;
    Ok(format!("{}: 1280 charged once, 300 refunded, in both books; paid with {}", paid["channel_trade_no"], paid["wallet"]))
}

async fn refunded(client: &Client, channel: &str, id: &str, fen: i64) -> Result<(), String> {
    let number = format!("RF-{}", hex::encode(random::<6>(&SystemChance)));
    let ask = json!({"merchant_refund_no": number, "amount": fen});
    let (status, refund) = client.call("POST", &format!("/v1/orders/{id}/refunds"), Some(&ask)).await?;
    expect(status == 201, "201 with a refund of this order", &refund)?;
    let path = format!("/v1/refunds/{}", refund["id"].as_str().unwrap_or_default());
    until(&format!("{channel}: the refund"), || async {
        let (_, refund) = client.call("GET", &path, None).await?;
        Ok((refund["status"] == "succeeded").then_some(()))
    })
    .await
}

/// The code's prefix decides where it goes; a code that begins with 62 goes to UnionPay first, whoever issued it.
async fn at_the_till(client: &Client, channel: &str) -> Result<String, String> {
    let issued = client.control("/payers/auth-code", &json!({"wallet": channel, "behaviour": "pay"})).await?;
    let mut body = fresh("auto_barcode", "");
    if let Some(fields) = body.as_object_mut() {
        fields.remove("notify_url");
        fields.insert("auth_code".to_owned(), issued["auth_code"].clone());
        fields.insert("account".to_owned(), json!(account_of(client, channel).await?));
        fields.insert("terminal".to_owned(), json!({"id": "12345678"}));
    }
    let (status, order) = client.call("POST", "/v1/orders", Some(&body)).await?;
    expect(status == 201 && order["channel"] == channel, "201 at the channel whose code it is", &order)?;
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap_or_default());
    let paid = until(&format!("{channel}: the code being charged"), || async {
        let (_, order) = client.call("GET", &path, None).await?;
        Ok((order["status"] == "paid").then_some(order))
    })
    .await?;
    Ok(format!("{} paid at {}, the code is stored nowhere", paid["id"], paid["account"]))
}

async fn account_of(client: &Client, channel: &str) -> Result<Value, String> {
    let (_, told) = client.call("GET", "/v1/methods", None).await?;
    let accounts = told["data"].as_array().into_iter().flatten().flat_map(|m| m["accounts"].as_array().into_iter().flatten());
    let mut of_channel = accounts.filter(|account| account["channel"] == channel);
    of_channel.next().map(|account| account["account"].clone()).ok_or_else(|| format!("{channel} has no account"))
}

async fn wrong_code(client: &Client, report: &mut Report) -> Result<(), String> {
    let mut body = fresh("auto_barcode", "");
    if let Some(fields) = body.as_object_mut() {
        fields.remove("notify_url");
        fields.insert("auth_code".to_owned(), json!("https://qr.95516.com/00010001/6228001"));
    }
    let (status, refused) = client.call("POST", "/v1/orders", Some(&body)).await?;
    expect(status == 400 && refused["code"] == "UNKNOWN_AUTH_CODE", "a merchant's QR code is no payment code", &refused)?;
    report.done("The cashier scans the shop's own QR code by mistake", "400 UNKNOWN_AUTH_CODE, no channel was asked");
    Ok(())
}
