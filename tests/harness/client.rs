//! A merchant's client and an operator's: they sign, and they believe no answer whose signature does not verify.

use super::{sign, unique, unix_now};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// `Null` if the body is no JSON.
    pub json: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The problem's code.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// The fields a problem names.
    pub fn fields(&self) -> BTreeSet<String> {
        self.json["errors"].as_array().into_iter().flatten().filter_map(|e| e["field"].as_str()).map(str::to_owned).collect()
    }

    /// The body of an answer with this status; any other fails the test and is shown.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json
    }

    /// Checks a refusal: status, code, and the shape every problem has.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        for field in ["type", "title", "detail", "request_id"] {
            assert!(self.json[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {}", self.json);
        }
        assert_eq!(self.json["status"], status);
        assert!(self.json["retryable"].is_boolean() && self.json["type"].as_str().unwrap().ends_with(&format!("/errors/{code}")));
        assert_eq!(self.header("x-request-id"), self.json["request_id"].as_str().unwrap());
        self.json
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A plain HTTP client: no proxy, no redirects.
pub fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    // No connection is kept: one pooled by an earlier test belongs to a runtime that is gone, or to a gateway that was restarted.
    client.timeout(Duration::from_secs(60)).pool_max_idle_per_host(0).build().unwrap()
}

/// Sends a request and reads the whole answer.
pub async fn send(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await?.to_vec();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Answer { status, headers, body, json })
}

/// A request before it is sent: tests spoil it where they like.
#[derive(Clone, Debug)]
pub struct Draft {
    pub method: String,
    pub path: String,
    pub body: Vec<u8>,
    pub key_id: String,
    pub secret: String,
    pub timestamp: String,
    pub nonce: String,
    /// `None`: the right one.
    pub signature: Option<String>,
    pub content_type: Option<String>,
}

impl Draft {
    pub fn signature(&self) -> String {
        let right = || sign::request(&self.secret, &self.method, &self.path, &self.timestamp, &self.nonce, &self.body);
        self.signature.clone().unwrap_or_else(right)
    }

    pub fn authorization(&self) -> String {
        sign::authorization(&self.key_id, &self.timestamp, &self.nonce, &self.signature())
    }
}

/// One merchant key at one gateway.
#[derive(Clone, Debug)]
pub struct Merchant {
    pub http: reqwest::Client,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    pub key_id: String,
    pub secret: String,
    pub webhook_secret: String,
}

impl Merchant {
    pub fn draft(&self, method: &str, path: &str, body: Vec<u8>) -> Draft {
        Draft {
            method: method.to_owned(),
            path: path.to_owned(),
            content_type: (method == "POST").then(|| "application/json".to_owned()),
            body,
            key_id: self.key_id.clone(),
            secret: self.secret.clone(),
            timestamp: unix_now().to_string(),
            nonce: unique(),
            signature: None,
        }
    }

    /// Sends a draft. An answer that carries a signature must carry the right one.
    pub async fn try_send(&self, draft: &Draft) -> Result<Answer, reqwest::Error> {
        let method = draft.method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{}", self.base, draft.path));
        request = request.header("authorization", draft.authorization()).body(draft.body.clone());
        if let Some(content_type) = &draft.content_type {
            request = request.header("content-type", content_type);
        }
        let answer = send(request).await?;
        let signed = answer.header("sluice-signature");
        if !signed.is_empty() {
            let right = sign::response(&draft.secret, answer.status, answer.header("sluice-timestamp"), &draft.nonce, &answer.body);
            assert_eq!(signed, right, "the answer's signature: {} {}", draft.method, draft.path);
        }
        Ok(answer)
    }

    pub async fn send(&self, draft: &Draft) -> Answer {
        self.try_send(draft).await.unwrap_or_else(|error| panic!("{} {}: {error:?}", draft.method, draft.path))
    }

    /// A correct call: its answer must be signed.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let draft = self.draft(method, path, body.map(|b| b.to_string().into_bytes()).unwrap_or_default());
        let answer = self.send(&draft).await;
        assert!(!answer.header("sluice-signature").is_empty(), "an unsigned answer to {method} {path}: {}", answer.text());
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body)).await
    }

    /// `POST` without a body: close, sync, reverse, action.
    pub async fn act(&self, path: &str) -> Answer {
        self.call("POST", path, None).await
    }

    /// A new order, which must be taken.
    #[track_caller]
    pub fn place(&self, body: &Value) -> impl Future<Output = Value> {
        let (merchant, body) = (self.clone(), body.clone());
        async move { merchant.post("/v1/orders", &body).await.expect(201) }
    }

    pub async fn order(&self, id: &str) -> Value {
        self.get(&format!("/v1/orders/{id}")).await.expect(200)
    }

    pub async fn expanded(&self, id: &str) -> Value {
        self.get(&format!("/v1/orders/{id}?expand=attempts,refunds,events")).await.expect(200)
    }

    /// Waits until the order has this status.
    pub async fn until_status(&self, id: &str, status: &str) -> Value {
        let ask = || async { Some(self.order(id).await).filter(|order| order["status"] == status) };
        super::until(&format!("order {id} to be {status}"), ask).await
    }

    /// Waits until the refund has this status.
    pub async fn until_refund(&self, id: &str, status: &str) -> Value {
        let ask = || async { Some(self.get(&format!("/v1/refunds/{id}")).await.expect(200)).filter(|refund| refund["status"] == status) };
        super::until(&format!("refund {id} to be {status}"), ask).await
    }

    /// The types of an order's trail, oldest first.
    pub async fn trail(&self, id: &str) -> Vec<String> {
        let events = self.get(&format!("/v1/orders/{id}/events")).await.expect(200);
        let list = events.as_array().or_else(|| events["data"].as_array()).unwrap_or_else(|| panic!("no events: {events}"));
        list.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

/// An operator's client.
#[derive(Clone, Debug)]
pub struct Ops {
    pub http: reqwest::Client,
    pub base: String,
    pub token: String,
}

impl Ops {
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        send(request).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    pub async fn post(&self, path: &str) -> Answer {
        self.call("POST", path, Some(&Value::Object(Map::new()))).await
    }
}
