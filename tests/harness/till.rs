//! A till that takes every channel: whatever `GET /v1/methods` offers, it can ask for, and it follows the money to the end.

use super::{World, order, unique, until, with};
use serde_json::{Map, Value, json};

/// One method at one account.
#[derive(Clone, Debug)]
pub struct Offer {
    pub method: String,
    pub account: String,
    pub channel: String,
    required: Vec<String>,
}

impl Offer {
    pub fn is_barcode(&self) -> bool {
        self.method.ends_with("_barcode")
    }

    /// For messages: which of them it was.
    pub fn name(&self) -> String {
        format!("{} at {}", self.method, self.account)
    }
}

/// Everything the merchant can use now, once for each account that serves it.
pub async fn offers(world: &World) -> Vec<Offer> {
    let words = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(|w| w.as_str().unwrap().to_owned()).collect() };
    let mut offers = Vec::new();
    for method in world.demo.get("/v1/methods").await.expect(200)["data"].as_array().unwrap() {
        for account in method["accounts"].as_array().unwrap() {
            let one_of = account["required_one_of"].as_array().into_iter().flatten().map(|group| group[0].as_str().unwrap().to_owned());
            offers.push(Offer {
                method: method["method"].as_str().unwrap().to_owned(),
                account: account["account"].as_str().unwrap().to_owned(),
                channel: account["channel"].as_str().unwrap().to_owned(),
                required: words(&account["required"]).into_iter().chain(one_of).collect(),
            });
        }
    }
    offers
}

/// The offers that are no barcode.
pub async fn online_offers(world: &World) -> Vec<Offer> {
    offers(world).await.into_iter().filter(|offer| !offer.is_barcode()).collect()
}

/// For each channel its first method that asks for nothing but the order.
pub async fn plain_offers(world: &World) -> Vec<Offer> {
    let mut plain: Vec<Offer> = Vec::new();
    for offer in online_offers(world).await {
        if offer.required.is_empty() && !plain.iter().any(|known| known.channel == offer.channel) {
            plain.push(offer);
        }
    }
    assert_eq!(plain.len(), 5, "{plain:?}");
    plain
}

/// A complete order for an offer, with the fields it requires and no others.
pub async fn body_of(world: &World, offer: &Offer, amount: i64) -> Value {
    let mut body = with(order(&offer.method, amount), json!({"account": offer.account}));
    for field in &offer.required {
        let value = match field.as_str() {
            "payer.openid" => json!("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"),
            "payer.buyer_id" => json!("2088102177846880"),
            "client_ip" => json!("203.0.113.7"),
            "h5_type" => json!("Wap"),
            "auth_code" => json!(world.control.at(&offer.channel).auth_code("pay").await),
            other => panic!("{} requires {other}", offer.name()),
        };
        match field.split_once('.') {
            Some((table, name)) => body[table] = Value::Object(Map::from_iter([(name.to_owned(), value)])),
            None => body[field] = value,
        }
    }
    body
}

/// An order by payment code at an account.
pub fn coded(method: &str, account: Option<&str>, code: &str, amount: i64) -> Value {
    with(order(method, amount), json!({"auth_code": code, "account": account, "client_ip": "203.0.113.7"}))
}

pub fn id_of(shown: &Value) -> &str {
    shown["id"].as_str().unwrap_or_else(|| panic!("no id: {shown}"))
}

/// Waits until the order is no longer pending.
pub async fn ended(world: &World, what: &str, id: &str) -> Value {
    until(&format!("{what} to end"), || async { Some(world.demo.order(id).await).filter(|order| order["status"] != "pending") }).await
}

/// A refund, asked for and done.
pub async fn refunded(world: &World, order_id: &str, amount: i64) -> Value {
    let ask = json!({"merchant_refund_no": format!("RF-{}", unique()), "amount": amount});
    let refund = world.demo.post(&format!("/v1/orders/{order_id}/refunds"), &ask).await.expect(201);
    world.demo.until_refund(id_of(&refund), "succeeded").await
}

/// What is left at the channel of a payment: captured, not reversed and not on its way back.
pub fn remaining(entry: &Value) -> i64 {
    let back: i64 = entry["refunds"].as_array().unwrap().iter().filter(|r| r["status"] != "failed").map(|r| r["amount"].as_i64().unwrap()).sum();
    let captured = entry["charges"] == 1 && entry["status"] != "reversed";
    if captured { entry["total"].as_i64().unwrap() - back } else { 0 }
}
