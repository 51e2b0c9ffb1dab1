//! The control API of the sandbox (CONTRACT section 10): payers, the ledger, faults, planted discrepancies.

use super::{Stand, now, phone};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use sluice_contract::fields::{Reader, parse_json};
use sluice_contract::{Day, Discount, DiscountKind, Fen, FundedBy, Problem, Wallet};
use sluice_simkit::{Api, Behaviour, Complaint, Discrepancy, Fault, Outcome, Rule, Scan, Scanned};
use std::sync::Arc;
use std::sync::atomic::Ordering;

type Stands = Arc<Vec<Arc<Stand>>>;

pub(super) fn router(stands: Vec<Arc<Stand>>) -> Router {
    Router::new()
        .route("/", get(phone::page))
        .route("/scan", get(phone::scan))
        .route("/credentials", get(credentials))
        .route("/payers/scan", post(scan))
        .route("/payers/auth-code", post(auth_code))
        .route("/payers/confirm", post(confirm))
        .route("/ledger", get(ledger))
        .route("/calls", get(calls))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/callbacks/{channel}/{out_trade_no}/resend", post(resend))
        .route("/discrepancies", post(plant))
        .route("/hooks", post(hook))
        .with_state(Arc::new(stands))
}

fn bad(problems: &[Problem]) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"errors": problems}))).into_response()
}

fn complaint(complaint: &Complaint) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(json!({"detail": complaint.0}))).into_response()
}

/// Reads a body field by field; every problem at once.
#[expect(clippy::result_large_err, reason = "an error here is the response itself, made once and sent")]
fn read<T>(body: &Bytes, take: impl FnOnce(&Reader<'_>) -> T) -> Result<T, Response> {
    let tree = parse_json(body).map_err(|problem| bad(&[problem]))?;
    let reader = Reader::root("body", &tree);
    let value = take(&reader);
    reader.finish();
    let found = reader.found();
    if found.is_empty() { Ok(value) } else { Err(bad(&found)) }
}

fn one_of<T>(reader: &Reader<'_>, field: &str, word: &str, from_word: impl Fn(&str) -> Option<T>) -> Option<T> {
    let value = from_word(word);
    if value.is_none() && !word.is_empty() {
        reader.problem(field, format!("{word:?} is not known here"));
    }
    value
}

fn named<'a>(stands: &'a [Arc<Stand>], reader: &Reader<'_>) -> Option<&'a Arc<Stand>> {
    one_of(reader, "channel", reader.need_text("channel"), |word| stands.iter().find(|s| s.channel == word))
}

async fn credentials(State(stands): State<Stands>) -> axum::Json<Value> {
    let all: Map<String, Value> = stands.iter().map(|s| (s.channel.to_owned(), s.booth().sim.credentials(&s.base_url))).collect();
    axum::Json(Value::Object(all))
}

async fn ledger(State(stands): State<Stands>) -> axum::Json<Value> {
    let mut rows = Vec::new();
    for stand in stands.iter() {
        rows.extend(stand.booth().sim.ledger().entries().map(|entry| json!(entry)));
    }
    axum::Json(Value::Array(rows))
}

/// How many requests each channel has seen: what load and storm tests count.
async fn calls(State(stands): State<Stands>) -> axum::Json<Value> {
    let all: Map<String, Value> = stands.iter().map(|s| (s.channel.to_owned(), json!(s.seen.load(Ordering::Relaxed)))).collect();
    axum::Json(Value::Object(all))
}

async fn scan(State(stands): State<Stands>, body: Bytes) -> Response {
    let asked = read(&body, |reader| {
        let outcome = match reader.text("outcome") {
            None | Some("pay") => Outcome::Pay,
            Some("decline") => Outcome::Decline,
            Some("abandon") => Outcome::Abandon,
            Some(_) => {
                reader.problem("outcome", "must be pay, decline or abandon");
                Outcome::Abandon
            }
        };
        let wallet = reader.text("wallet").and_then(|word| one_of(reader, "wallet", word, Wallet::from_word));
        let discounts = reader.tables("discounts").iter().filter_map(discount).collect::<Vec<_>>();
        (reader.need_text("content").to_owned(), outcome, wallet, discounts)
    });
    let (content, outcome, wallet, discounts) = match asked {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    match scan_at(&stands, &Scan { content: &content, outcome, discounts: &discounts, wallet }) {
        Ok((channel, scanned)) => {
            axum::Json(json!({"channel": channel, "out_trade_no": scanned.out_trade_no, "paid": scanned.paid})).into_response()
        }
        Err(why) => complaint(&why),
    }
}

/// Scans at the channel whose code it is: `CHANNEL:OUT_TRADE_NO` names it, anything else is tried at each.
pub(super) fn scan_at(stands: &[Arc<Stand>], scan: &Scan<'_>) -> Result<(&'static str, Scanned), Complaint> {
    let mut last = Complaint("no channel knows this code".to_owned());
    for stand in stands {
        let own = scan.content.strip_prefix(stand.channel).and_then(|rest| rest.strip_prefix(':'));
        match stand.booth().sim.scan(&Scan { content: own.unwrap_or(scan.content), ..*scan }, now()) {
            Ok(scanned) => return Ok((stand.channel, scanned)),
            Err(why) if own.is_some() => return Err(why),
            Err(why) => last = why,
        }
    }
    Err(last)
}

fn discount(reader: &Reader<'_>) -> Option<Discount> {
    let kind = one_of(reader, "kind", reader.text("kind").unwrap_or("coupon"), DiscountKind::from_word);
    let funded_by = one_of(reader, "funded_by", reader.text("funded_by").unwrap_or("channel"), FundedBy::from_word);
    let amount = reader.int("amount", 1..=10_000_000_000);
    if amount.is_none() {
        reader.missing("amount");
    }
    reader.finish();
    Some(Discount { kind: kind?, funded_by: funded_by?, amount: Fen(amount?) })
}

async fn auth_code(State(stands): State<Stands>, body: Bytes) -> Response {
    let asked = read(&body, |reader| {
        let behaviour = one_of(reader, "behaviour", reader.text("behaviour").unwrap_or("pay"), |word| match word {
            "pay" => Some(Behaviour::Pay),
            "password" => Some(Behaviour::Password),
            "decline" => Some(Behaviour::Decline),
            "timeout" => Some(Behaviour::Timeout),
            _ => None,
        });
        let stand = one_of(reader, "wallet", reader.need_text("wallet"), |word| stands.iter().find(|s| s.channel == word));
        let balance = reader.int("balance", 0..=i64::MAX).unwrap_or(100_000);
        stand.zip(behaviour).map(|(stand, behaviour)| (Arc::clone(stand), behaviour, Fen(balance)))
    });
    match asked {
        Ok(Some((stand, behaviour, balance))) => {
            let code = stand.booth().sim.issue_auth_code(behaviour, balance, now());
            axum::Json(json!({"auth_code": code})).into_response()
        }
        Ok(None) => bad(&[]),
        Err(response) => response,
    }
}

async fn confirm(State(stands): State<Stands>, body: Bytes) -> Response {
    let code = match read(&body, |reader| reader.need_text("auth_code").to_owned()) {
        Ok(code) => code,
        Err(response) => return response,
    };
    let mut last = Complaint("no channel knows this payment code".to_owned());
    for stand in stands.iter() {
        match stand.booth().sim.confirm(&code, now()) {
            Ok(()) => return axum::Json(json!({"channel": stand.channel, "confirmed": true})).into_response(),
            Err(why) => last = why,
        }
    }
    complaint(&last)
}

async fn add_fault(State(stands): State<Stands>, body: Bytes) -> Response {
    let asked = read(&body, |reader| {
        let stand = named(&stands, reader);
        let api = one_of(reader, "api", reader.need_text("api"), Api::from_word);
        let fault = one_of(reader, "fault", reader.need_text("fault"), Fault::from_word);
        let probability_ppm = probability(reader);
        let left = reader.int("count", 1..=1_000_000).and_then(|n| u32::try_from(n).ok());
        let rule = api.zip(fault).map(|(api, fault)| Rule { api, fault, probability_ppm, left });
        stand.zip(rule).map(|(stand, rule)| (Arc::clone(stand), rule))
    });
    match asked {
        Ok(Some((stand, rule))) => {
            stand.booth().add(rule);
            axum::Json(json!({"added": true})).into_response()
        }
        Ok(None) => bad(&[]),
        Err(response) => response,
    }
}

/// The one float of the control API becomes parts per million at once.
fn probability(reader: &Reader<'_>) -> u32 {
    let Some(value) = reader.raw("probability") else { return 1_000_000 };
    match value.as_f64().filter(|p| (0.0..=1.0).contains(p)) {
        #[expect(
            clippy::as_conversions,
            clippy::float_arithmetic,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 1_000_000 fits"
        )]
        Some(p) => (p * 1_000_000.0).round() as u32,
        None => {
            reader.problem("probability", "must be 0 to 1");
            0
        }
    }
}

async fn clear_faults(State(stands): State<Stands>) -> StatusCode {
    for stand in stands.iter() {
        stand.booth().clear();
    }
    StatusCode::NO_CONTENT
}

async fn resend(State(stands): State<Stands>, Path((channel, out_trade_no)): Path<(String, String)>) -> Response {
    let Some(stand) = stands.iter().find(|s| s.channel == channel) else { return StatusCode::NOT_FOUND.into_response() };
    match stand.booth().sim.resend(&out_trade_no, now()) {
        Ok(()) => axum::Json(json!({"resent": true})).into_response(),
        Err(why) => complaint(&why),
    }
}

async fn plant(State(stands): State<Stands>, body: Bytes) -> Response {
    let asked = read(&body, |reader| {
        let stand = named(&stands, reader);
        let word = reader.need_text("kind");
        let kind = one_of(reader, "kind", word, |word| match word {
            "missing_here" => Some(Discrepancy::MissingHere),
            "missing_there" => Some(Discrepancy::MissingThere),
            "amount" => Some(Discrepancy::Amount),
            "status" => Some(Discrepancy::Status),
            "duplicate" => Some(Discrepancy::Duplicate),
            "fee" => Some(Discrepancy::Fee),
            _ => None,
        });
        let count = reader.int("count", 1..=100_000).and_then(|n| usize::try_from(n).ok()).unwrap_or(1);
        let date = reader.text("date");
        let of_today = || stand.map(|stand| stand.booth().sim.bill_day(now()));
        let day = date.map_or_else(of_today, |text| one_of(reader, "date", text, Day::parse));
        let asked = stand.zip(kind).zip(day);
        asked.map(|((stand, kind), day)| (Arc::clone(stand), kind, word.to_owned(), count, day))
    });
    let (stand, kind, word, count, day) = match asked {
        Ok(Some(asked)) => asked,
        Ok(None) => return bad(&[]),
        Err(response) => return response,
    };
    let planted = stand.booth().sim.plant(kind, count, day);
    match planted {
        Ok(numbers) => {
            let rows: Vec<Value> = numbers.iter().map(|n| json!({"channel": stand.channel, "kind": word, "out_trade_no": n})).collect();
            axum::Json(Value::Array(rows)).into_response()
        }
        Err(why) => complaint(&why),
    }
}

/// Words only one channel understands (key rotation, the fate of refunds): for tests of this project.
async fn hook(State(stands): State<Stands>, body: Bytes) -> Response {
    let asked = read(&body, |reader| named(&stands, reader).map(|s| (Arc::clone(s), reader.need_text("word").to_owned())));
    match asked {
        Ok(Some((stand, word))) => match stand.booth().sim.hook(&word, now()) {
            Ok(answer) => axum::Json(json!({"answer": answer})).into_response(),
            Err(why) => complaint(&why),
        },
        Ok(None) => bad(&[]),
        Err(response) => response,
    }
}

pub(super) type Shared = Stands;
