//! The sandbox's control API (CONTRACT section 10).

use super::client::{Answer, send};
use super::payer;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Control {
    pub http: reqwest::Client,
    pub base: String,
    /// Which channel faults, hooks, payment codes and repeated callbacks are about.
    pub channel: String,
}

/// What the payer does beside paying.
#[derive(Clone, Debug, Default)]
pub struct Paying {
    pub discounts: Vec<Value>,
    /// With which app; otherwise the channel's own.
    pub wallet: Option<&'static str>,
}

impl Control {
    pub fn new(http: reqwest::Client, base: String) -> Control {
        Control { http, base, channel: "wechat".to_owned() }
    }

    /// The same, about another channel.
    pub fn at(&self, channel: &str) -> Control {
        Control { channel: channel.to_owned(), ..self.clone() }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        send(request.body(body.to_string())).await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        send(self.http.get(format!("{}{path}", self.base))).await.unwrap().expect(200)
    }

    pub async fn credentials(&self) -> Value {
        self.get("/credentials").await
    }

    pub async fn ledger(&self) -> Vec<Value> {
        self.get("/ledger").await.as_array().unwrap().clone()
    }

    /// The channel's own books of one order.
    pub async fn entry(&self, out_trade_no: &str) -> Value {
        let found = self.ledger().await.into_iter().find(|row| row["out_trade_no"] == out_trade_no);
        found.unwrap_or_else(|| panic!("the channel has no {out_trade_no}"))
    }

    /// The channel's own books of one order, if it has heard of it.
    pub async fn known(&self, out_trade_no: &str) -> Option<Value> {
        self.ledger().await.into_iter().find(|row| row["out_trade_no"] == out_trade_no)
    }

    /// How many requests all channels have seen.
    pub async fn seen(&self) -> i64 {
        self.get("/calls").await.as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum()
    }

    /// A payer does what the order's action asks for, whatever kind it is, and pays.
    pub async fn take(&self, order: &Value, paying: &Paying) -> Answer {
        let content = payer::content(&order["action"]).unwrap_or_else(|| panic!("nothing to scan: {order}"));
        let mut body = json!({"content": content, "outcome": "pay", "discounts": paying.discounts});
        if let Some(wallet) = paying.wallet {
            body["wallet"] = json!(wallet);
        }
        self.post("/payers/scan", &body).await
    }

    /// A payer scans the order's code and pays.
    pub async fn pay(&self, order: &Value) -> Value {
        let content = order["action"]["content"].as_str().unwrap_or_else(|| panic!("nothing to scan: {order}"));
        let scanned = self.scan(content, "pay").await.expect(200);
        assert_eq!(scanned["paid"], true, "{scanned}");
        scanned
    }

    pub async fn scan(&self, content: &str, outcome: &str) -> Answer {
        self.post("/payers/scan", &json!({"content": content, "outcome": outcome})).await
    }

    /// As [`Control::pay`], part of it with a coupon of the channel's.
    pub async fn pay_with_coupon(&self, order: &Value, coupon: i64) {
        let discounts = json!([{"kind": "coupon", "funded_by": "channel", "amount": coupon}]);
        let body = json!({"content": order["action"]["content"], "outcome": "pay", "discounts": discounts});
        assert_eq!(self.post("/payers/scan", &body).await.expect(200)["paid"], true);
    }

    pub async fn auth_code(&self, behaviour: &str) -> String {
        self.auth_code_with(behaviour, 100_000).await
    }

    /// The payment code of a payer who has so much.
    pub async fn auth_code_with(&self, behaviour: &str, balance: i64) -> String {
        let body = json!({"wallet": self.channel, "behaviour": behaviour, "balance": balance});
        let issued = self.post("/payers/auth-code", &body).await.expect(200);
        issued["auth_code"].as_str().unwrap().to_owned()
    }

    pub async fn confirm(&self, auth_code: &str) -> Answer {
        self.post("/payers/confirm", &json!({"auth_code": auth_code})).await
    }

    /// A fault without end.
    pub async fn fault(&self, api: &str, fault: &str) {
        self.post("/faults", &json!({"channel": self.channel, "api": api, "fault": fault})).await.expect(200);
    }

    /// A fault that strikes `count` times.
    pub async fn faults(&self, api: &str, fault: &str, count: u32) {
        self.post("/faults", &json!({"channel": self.channel, "api": api, "fault": fault, "count": count})).await.expect(200);
    }

    pub async fn clear(&self) {
        assert_eq!(send(self.http.delete(format!("{}/faults", self.base))).await.unwrap().status, 204);
    }

    pub async fn resend(&self, out_trade_no: &str) -> Answer {
        self.post(&format!("/callbacks/{}/{out_trade_no}/resend", self.channel), &json!({})).await
    }

    /// Plants one difference in the bill of the day; the number it is about.
    pub async fn plant(&self, kind: &str) -> String {
        let planted = self.plant_all(&json!({"channel": self.channel, "kind": kind, "count": 1})).await;
        planted[0]["out_trade_no"].as_str().unwrap_or_else(|| panic!("nothing was planted: {planted}")).to_owned()
    }

    /// Plants differences; their rows.
    pub async fn plant_all(&self, asked: &Value) -> Value {
        self.post("/discrepancies", asked).await.expect(200)
    }

    pub async fn hook(&self, word: &str) -> Value {
        self.post("/hooks", &json!({"channel": self.channel, "word": word})).await.expect(200)["answer"].clone()
    }
}
