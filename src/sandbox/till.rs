//! A cashier's till, for trying payment codes: amount and code in, one screen out. It is a merchant like any other: whoever starts the
//! sandbox beside a gateway lends it a signed client ([`Counter`]), and without one there is no till.
//!
//! One form, one order: the number stands in the form, so a key pressed twice or a reload sells nothing twice. What is not known yet has a
//! screen of its own, which says so and goes on asking.

use super::Stand;
use super::apps::is_ours;
use super::now;
use super::phone::escape;
use super::till_page::{Sale, answer, form, page, progress};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use sluice_contract::Fen;
use sluice_simkit::Behaviour;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use url::form_urlencoded;

/// What a merchant's call came to: status and body, or that nothing is known of it.
pub type Called = Result<(u16, Value), String>;

/// A merchant's signed client.
pub trait Counter: Send + Sync {
    fn call<'a>(
        &'a self,
        method: &'static str,
        path: &'a str,
        body: Option<&'a Value>,
    ) -> Pin<Box<dyn Future<Output = Called> + Send + 'a>>;
}

/// Lent once the gateway serves.
pub type Lent = Arc<OnceLock<Box<dyn Counter>>>;

/// Payment codes are 16 to 24 digits.
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 16..=24;
const SALES_SHOWN: u32 = 5;

struct Till {
    counter: Lent,
    stands: Arc<Vec<Arc<Stand>>>,
}

type Held = State<Arc<Till>>;
type Fields = BTreeMap<String, String>;

pub(super) fn router(counter: Lent, stands: Arc<Vec<Arc<Stand>>>) -> Router {
    Router::new()
        .route("/till", get(counter_page).post(charge))
        .route("/till/payer", get(payer))
        .route("/till/sales/{id}", get(sale))
        .route("/till/sales/{id}/refund", post(refund))
        .with_state(Arc::new(Till { counter, stands }))
}

fn fields(body: &Bytes) -> Fields {
    form_urlencoded::parse(body).into_owned().collect()
}

fn text<'a>(given: &'a Fields, name: &str) -> &'a str {
    given.get(name).map(String::as_str).unwrap_or_default()
}

impl Till {
    async fn call(&self, method: &'static str, path: &str, body: Option<&Value>) -> Called {
        match self.counter.get() {
            Some(counter) => counter.call(method, path, body).await,
            None => Err("the gateway does not serve yet".to_owned()),
        }
    }

    async fn sales(&self) -> Vec<Value> {
        let found = self.call("GET", &format!("/v1/orders?limit={SALES_SHOWN}"), None).await;
        found.ok().and_then(|(_, body)| body.get("data").and_then(Value::as_array).cloned()).unwrap_or_default()
    }

    async fn show_form(&self, status: StatusCode, given: &Fields, wrong: &[(&str, &str)]) -> Response {
        let channels: Vec<&str> = self.stands.iter().map(|stand| stand.channel).collect();
        (status, form(given, &fresh_number(), wrong, &channels, &self.sales().await)).into_response()
    }
}

/// Numbers of this till; the form carries one from its first page to its last repeat.
fn fresh_number() -> String {
    format!("TILL-{}-{}", now().0, sluice_simkit::keys::secret().get(..8).unwrap_or_default())
}

/// `GET /till`
async fn counter_page(State(till): Held, Query(given): Query<Fields>) -> Response {
    till.show_form(StatusCode::OK, &given, &[]).await
}

/// `GET /till/payer`: a payer takes out the phone and shows a code; the scanner puts it into the field.
async fn payer(State(till): Held, Query(given): Query<Fields>) -> Response {
    let behaviour = match text(&given, "behaviour") {
        "password" => Behaviour::Password,
        "decline" => Behaviour::Decline,
        "timeout" => Behaviour::Timeout,
        _ => Behaviour::Pay,
    };
    let Some(stand) = till.stands.iter().find(|stand| stand.channel == text(&given, "wallet")) else {
        return till.show_form(StatusCode::BAD_REQUEST, &given, &[("code", "没有这个应用 No such app")]).await;
    };
    let code = stand.booth().sim.issue_auth_code(behaviour, Fen(10_000_000), now());
    let mut shown = given.clone();
    shown.insert("code".to_owned(), code);
    till.show_form(StatusCode::OK, &shown, &[]).await
}

/// `POST /till`: one order of `auto_barcode` under the form's number, however often it is sent.
async fn charge(State(till): Held, headers: HeaderMap, body: Bytes) -> Response {
    if !is_ours(&Method::POST, &headers) {
        return page(StatusCode::FORBIDDEN, "", "<p>这张表单不是本收银台的 This form is another page's</p>");
    }
    let given = fields(&body);
    let amount = Fen::from_yuan(text(&given, "amount").trim().trim_start_matches(['¥', '￥'])).filter(|fen| fen.is_positive());
    let code: String = text(&given, "code").chars().filter(|c| !c.is_whitespace()).collect();
    let code_fits = CODE_DIGITS.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    let mut wrong = Vec::new();
    if amount.is_none() {
        wrong.push(("amount", "请输入金额，如 12.80 Type an amount such as 12.80"));
    }
    if !code_fits {
        wrong.push(("code", "付款码是 16 到 24 位数字 A payment code has 16 to 24 digits"));
    }
    let Some(amount) = amount.filter(|_| wrong.is_empty()) else {
        return till.show_form(StatusCode::UNPROCESSABLE_ENTITY, &given, &wrong).await;
    };
    let order = json!({"merchant_order_no": text(&given, "number"), "amount": amount, "subject": "收银台 Till", "method": "auto_barcode",
        "auth_code": code, "client_ip": "127.0.0.1", "terminal": {"id": "12345678"}});
    match till.call("POST", "/v1/orders", Some(&order)).await {
        Ok((200 | 201, order)) => {
            Redirect::to(&format!("/till/sales/{}", order.get("id").and_then(Value::as_str).unwrap_or_default())).into_response()
        }
        // These alone say that the gateway stored nothing under this number and asked no channel. A conflict, say, means that it was sold.
        Ok((400 | 422, problem)) => answer(Sale::Refused, problem.get("detail").and_then(Value::as_str).unwrap_or_default(), ""),
        Ok((_, problem)) => answer(Sale::Unknown, problem.get("detail").and_then(Value::as_str).unwrap_or_default(), &again(&given)),
        Err(why) => answer(Sale::Unknown, &why, &again(&given)),
    }
}

/// The same form once more, under the same number.
fn again(given: &Fields) -> String {
    let hidden = given.iter().map(|(name, value)| format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value)));
    format!("<form method=\"post\" action=\"/till\">{}<button>再查这一笔 Ask again</button></form>", hidden.collect::<String>())
}

/// `GET /till/sales/{id}`
async fn sale(State(till): Held, Path(id): Path<String>) -> Response {
    let path: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    match till.call("GET", &format!("/v1/orders/{path}?expand=events,refunds"), None).await {
        Ok((200, order)) => progress(&order),
        Ok((_, problem)) => answer(Sale::Unknown, problem.get("detail").and_then(Value::as_str).unwrap_or_default(), ""),
        Err(why) => answer(Sale::Unknown, &why, ""),
    }
}

/// `POST /till/sales/{id}/refund`: all that is left of it. The number counts the refunds before it, so a key pressed twice refunds once, and
/// a refund that failed is followed by another.
async fn refund(State(till): Held, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if !is_ours(&Method::POST, &headers) {
        return page(StatusCode::FORBIDDEN, "", "<p>这张表单不是本收银台的 This form is another page's</p>");
    }
    let path: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let Ok((200, order)) = till.call("GET", &format!("/v1/orders/{path}?expand=refunds"), None).await else {
        return answer(Sale::Unknown, "", "");
    };
    let fen = |name: &str| order.get(name).and_then(Value::as_i64).unwrap_or_default();
    let left = fen("paid_amount").saturating_sub(fen("refunded_amount")).saturating_sub(fen("refunding_amount"));
    let before = order.get("refunds").and_then(Value::as_array).map_or(0, Vec::len);
    let number = format!("TILL-R-{id}-{before}");
    let asked = json!({"merchant_refund_no": number, "amount": left, "reason": "till"});
    match till.call("POST", &format!("/v1/orders/{path}/refunds"), Some(&asked)).await {
        Ok((200 | 201, _)) => Redirect::to(&format!("/till/sales/{path}")).into_response(),
        Ok((_, problem)) => answer(Sale::Refused, problem.get("detail").and_then(Value::as_str).unwrap_or_default(), ""),
        Err(why) => answer(Sale::Unknown, &why, ""),
    }
}
