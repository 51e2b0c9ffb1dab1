//! `/v1/statements` and `/ops/v1/statements`: what may be asked, what is answered, and who is told what.

use super::stage::{Call, Got, NOW, OTHER, Stage, order, stage};
use crate::config::Role;
use crate::domain::statement::Period;
use serde_json::{Value, json};
use sluice_contract::Millis;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

/// A merchant's call at a moment, which the gateway's clock then shows.
async fn at(stage: &Stage, ms: i64, method: &str, path: &str, body: &str) -> Got {
    stage.clock.0.store(ms, Ordering::SeqCst);
    stage.signed(Call { at: ms / 1000, ..stage.call(method, path, body) }).await
}

/// Places an order a minute before this moment, and pays it then.
async fn pay_at(stage: &Stage, ms: i64, number: &str) {
    stage.says("waiting");
    let placed = at(stage, ms - 60_000, "POST", "/v1/orders", &order(number)).await.json();
    stage.says("paid");
    let synced = at(stage, ms, "POST", &format!("/v1/orders/{}/sync", placed["id"].as_str().unwrap()), "").await;
    assert_eq!(synced.json()["paid_at"], Millis(ms).rfc3339().as_str());
}

fn ms(text: &str) -> i64 {
    Millis::from_rfc3339(text).unwrap().0
}

fn today() -> String {
    Millis(NOW).second().day().to_string()
}

fn text(got: &Got) -> String {
    String::from_utf8(got.bytes.clone()).unwrap()
}

#[tokio::test]
async fn every_bad_parameter_is_named() {
    let stage = stage();
    let cases = [
        ("", vec!["day"]),
        ("?day=2025-11-23&month=2025-11", vec!["month"]),
        ("?day=2025-11-31", vec!["day"]),
        ("?day=2025-11-24", vec!["day"]),
        ("?month=2025-12", vec!["month"]),
        ("?month=2025-1", vec!["month"]),
        ("?day=", vec!["day"]),
        ("?day=2025-11-23&day=2025-11-23", vec!["day"]),
        ("?day=2025-11-23&format=xml", vec!["format"]),
        ("?day=2025-11-23&lang=en", vec!["lang"]),
        ("?day=2025-11-23&format=csv&lang=fr", vec!["lang"]),
        ("?day=2025-11-23&limit=0", vec!["limit"]),
        ("?day=2025-11-23&limit=1001", vec!["limit"]),
        ("?day=2025-11-23&cursor=x", vec!["cursor"]),
        ("?month=2025-11&limit=5", vec!["limit"]),
        ("?day=2025-11-23&format=csv&cursor=cy5QMQ", vec!["cursor", "cursor"]),
        ("?day=2025-11-23&merchant=m_other", vec!["merchant"]),
        ("?day=x&month=y&format=z&foo=1", vec!["foo", "day", "month", "month", "format"]),
    ];
    for (query, fields) in cases {
        let got = stage.get(&format!("/v1/statements{query}")).await;
        assert_eq!(
            (got.status.as_u16(), got.code(), got.fields()),
            (400, "INVALID_REQUEST".into(), fields.iter().map(ToString::to_string).collect()),
            "{query}"
        );
    }
    assert_eq!(stage.post("/v1/statements", "{}").await.status, 405);
    for good in ["?day=2025-11-23", "?month=2025-11", "?day=1999-01-01", "?day=2025-11-23&limit=1000", "?day=2025-11-23&format=csv&lang=en"]
    {
        assert_eq!(stage.get(&format!("/v1/statements{good}")).await.status, 200, "{good}");
    }
}

#[tokio::test]
async fn a_day_without_money_is_empty_and_not_missing() {
    let stage = stage();
    let empty = stage.get("/v1/statements?day=2025-11-22").await.json();
    assert_eq!(
        (&empty["rows"], &empty["next_cursor"], &empty["by"], &empty["complete"]),
        (&json!([]), &Value::Null, &json!([]), &json!(true))
    );
    assert_eq!(
        (&empty["totals"]["payments"]["count"], &empty["totals"]["net"], &empty["merchant"]),
        (&json!(0), &json!(0), &json!("m_demo"))
    );
    assert_eq!(empty["version"], "0".repeat(32).as_str());
    assert_eq!(stage.get(&format!("/v1/statements?day={}", today())).await.json()["complete"], false, "today goes on");
    let csv = stage.get("/v1/statements?day=2025-11-22&format=csv").await;
    let text = text(&csv);
    assert!(text.starts_with("\u{feff}类型,") && text.lines().count() == 5 && text.ends_with("\r\n"), "{text}");
}

#[tokio::test]
async fn a_day_turns_at_midnight_in_shanghai_to_the_millisecond() {
    let stage = stage();
    pay_at(&stage, ms("2025-11-23T23:59:59.999+08:00"), "LAST").await;
    pay_at(&stage, ms("2025-11-24T00:00:00.000+08:00"), "FIRST").await;
    let now = ms("2025-11-24T00:04:00+08:00");
    for (day, number, complete) in [("2025-11-23", "LAST", false), ("2025-11-24", "FIRST", false)] {
        let told = at(&stage, now, "GET", &format!("/v1/statements?day={day}"), "").await.json();
        let numbers: Vec<&Value> = told["rows"].as_array().unwrap().iter().map(|row| &row["merchant_order_no"]).collect();
        assert_eq!((numbers, &told["complete"]), (vec![&json!(number)], &json!(complete)), "{day}");
    }
    let later = at(&stage, ms("2025-11-24T00:05:00+08:00"), "GET", "/v1/statements?day=2025-11-23", "").await.json();
    assert_eq!(later["complete"], true);
    let month = at(&stage, now, "GET", "/v1/statements?month=2025-11", "").await.json();
    let days = month["days"].as_array().unwrap();
    assert_eq!((days.len(), &days[22]["payments"]["count"], &days[23]["payments"]["count"]), (24, &json!(1), &json!(1)));
    assert_eq!((&month["rows"], &month["totals"]["payments"]["amount"]), (&Value::Null, &json!(2560)));
}

#[tokio::test]
async fn a_day_is_read_in_pages_and_only_the_first_tells_the_sums() {
    let stage = stage();
    for nth in 0..7 {
        stage.paid_order(&format!("SO-{nth}")).await;
    }
    let path = format!("/v1/statements?day={}", today());
    let whole = stage.get(&path).await.json();
    let (mut rows, mut next, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = stage.get(&format!("{path}&limit=3{next}")).await.json();
        assert_eq!((page["totals"].is_null(), page["by"].is_null(), page["version"].is_null()), (pages > 0, pages > 0, pages > 0));
        rows.extend(page["rows"].as_array().unwrap().clone());
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((pages, &Value::Array(rows)), (3, &whole["rows"]));
    let exactly = stage.get(&format!("{path}&limit=7")).await.json();
    assert_eq!(exactly["next_cursor"], Value::Null, "there is nothing behind the last");
}

#[tokio::test]
async fn a_file_is_signed_named_and_whole() {
    let stage = stage();
    stage.paid_order("SO-1").await;
    let path = format!("/v1/statements?day={}&format=csv", today());
    // `get` checks the signature over the whole body.
    let file = stage.get(&path).await;
    assert_eq!((file.header("content-type"), file.header("x-content-type-options")), ("text/csv; charset=utf-8", "nosniff"));
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"statement-m_demo-{}.csv\"", today()));
    assert_eq!(file.header("content-length"), file.bytes.len().to_string());
    assert!(text(&file).contains("SO-1") && text(&file).lines().count() == 7, "{}", text(&file));
    let english = text(&stage.get(&format!("{path}&lang=en")).await);
    assert!(english.starts_with("\u{feff}kind,time,order_id,") && english.contains("payment,"), "{english}");
    let head = stage.signed(stage.call("HEAD", &path, "")).await;
    assert_eq!((head.status.as_u16(), head.bytes.len(), head.header("content-type")), (200, 0, "text/csv; charset=utf-8"));
    let month = text(&stage.get("/v1/statements?month=2025-11&format=csv").await);
    assert!(month.starts_with("\u{feff}日期,") && month.contains("\r\n2025-11-23,1,12.80,"), "{month}");
}

/// More than a piece of the file goes through memory at a time.
#[tokio::test]
async fn a_file_of_many_pieces_arrives_as_it_was_signed() {
    let stage = stage();
    let long = "x".repeat(500);
    let metadata: Vec<String> = (0..16).map(|nth| format!(r#""a{nth}":"{long}""#)).collect();
    let metadata = metadata.join(",");
    for nth in 0..20 {
        stage.says("waiting");
        let body = format!(
            r#"{{"merchant_order_no":"L-{nth}","amount":100,"subject":"一箱苹果","method":"wechat_native","metadata":{{{metadata}}}}}"#
        );
        let id = stage.post("/v1/orders", &body).await.json()["id"].as_str().unwrap().to_owned();
        stage.says("paid");
        stage.post(&format!("/v1/orders/{id}/sync"), "").await;
    }
    let file = stage.get(&format!("/v1/statements?day={}&format=csv", today())).await;
    assert!(file.bytes.len() > 2 * 65_536, "{}", file.bytes.len());
    assert_eq!(text(&file).matches("L-").count(), 20);
}

#[tokio::test]
async fn another_merchant_sees_nothing_and_operators_see_all() {
    let stage = stage();
    stage.paid_order("SO-1").await;
    let path = format!("/v1/statements?day={}", today());
    let theirs = stage.signed(Call { key: OTHER, ..stage.call("GET", &path, "") }).await.json();
    assert_eq!((&theirs["rows"], &theirs["totals"]["payments"]["count"], &theirs["merchant"]), (&json!([]), &json!(0), &json!("m_other")));
    let own = stage.get(&path).await.json();
    let seen = stage.ops(Role::Viewer, "GET", &format!("/ops{path}&merchant=m_demo"), "").await.json();
    assert_eq!((&seen["rows"], &seen["totals"], &seen["version"]), (&own["rows"], &own["totals"], &own["version"]));
    let all = stage.ops(Role::Viewer, "GET", &format!("/ops{path}"), "").await.json();
    let merchants: Vec<&Value> = all["merchants"].as_array().unwrap().iter().map(|line| &line["merchant"]).collect();
    assert_eq!((merchants, &all["rows"], &all["totals"]), (vec![&json!("m_demo")], &Value::Null, &own["totals"]));
    assert_eq!(stage.ops(Role::Viewer, "GET", &format!("/ops{path}&merchant=m_nobody"), "").await.status, 404);
    assert_eq!(stage.ops(Role::Viewer, "GET", &format!("/ops{path}&limit=5"), "").await.fields(), ["limit"]);
}

#[tokio::test]
async fn a_file_leaves_the_house_by_those_who_may_and_leaves_a_line() {
    let stage = stage();
    stage.paid_order("SO-1").await;
    let path = format!("/ops/v1/statements?day={}&format=csv", today());
    for (role, status) in [(Role::Viewer, 403), (Role::Operator, 200), (Role::Finance, 200), (Role::Admin, 200)] {
        let got = stage.ops(role, "GET", &format!("{path}&merchant=m_demo"), "").await;
        assert_eq!(got.status.as_u16(), status, "{}", role.word());
        assert_eq!(status == 200, text(&got).contains("SO-1"));
    }
    let all = stage.ops(Role::Finance, "GET", &path, "").await;
    assert!(all.header("content-disposition").contains("statement-all-") && text(&all).contains("\r\nm_demo,1,12.80,"), "{}", text(&all));
    let audit = stage.ops(Role::Finance, "GET", "/ops/v1/audit", "").await.json();
    let lines = audit["data"].as_array().unwrap();
    assert_eq!(lines.len(), 4, "{audit}");
    let (newest, oldest) = (&lines[0], &lines[3]);
    assert_eq!((&newest["act"], &newest["about"], &newest["who"]), (&json!("statement.export"), &json!("all"), &json!("finance")));
    assert_eq!((&oldest["about"], &oldest["detail"]), (&json!("m_demo"), &json!({"period": today(), "lines": 1})));
}

#[tokio::test]
async fn answers_have_the_members_that_the_document_names() {
    let stage = stage();
    let id = stage.paid_order("SO-1").await;
    stage.says("refunded");
    stage.post(&format!("/v1/orders/{id}/refunds"), r#"{"merchant_refund_no":"R","amount":1}"#).await;
    let document = crate::http::openapi_document();
    let day = stage.get(&format!("/v1/statements?day={}", today())).await.json();
    let month = stage.ops(Role::Admin, "GET", "/ops/v1/statements?month=2025-11", "").await.json();
    let cases = [
        ("Statement", &day),
        ("StatementPeriod", &day["period"]),
        ("StatementSums", &day["totals"]),
        ("StatementPayments", &day["totals"]["payments"]),
        ("StatementRefunds", &day["totals"]["refunds"]),
        ("StatementBy", &day["by"][0]),
        ("StatementRow", &day["rows"][0]),
        ("StatementRow", &day["rows"][1]),
        ("StatementDay", &month["days"][0]),
        ("StatementMerchant", &month["merchants"][0]),
    ];
    let names = |tree: &Value| -> BTreeSet<String> { tree.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default() };
    for (schema, answer) in cases {
        assert_eq!(names(answer), names(&document["components"]["schemas"][schema]["properties"]), "{schema}");
    }
    let kinds: Vec<&Value> = day["rows"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, [&json!("payment"), &json!("refund")]);
    assert_eq!(
        (&day["rows"][1]["amount"], &day["rows"][1]["merchant_refund_no"], &day["totals"]["net"]),
        (&json!(-1), &json!("R"), &json!(1279))
    );
}

#[test]
fn nothing_is_promised_of_what_is_put_away() {
    use crate::flow::statement::{kept_from, refusal};
    let now = Millis(NOW);
    let kept = kept_from(now, Some(13));
    assert_eq!((kept.map(Millis::rfc3339).as_deref(), kept_from(now, None)), (Some("2024-10-01T00:00:00.000+08:00"), None));
    let judged = |day: &str| refusal(Period::day(day).unwrap(), now, kept).is_some();
    assert_eq!(["2024-09-30", "2024-10-01", "2024-10-02", "2025-11-23", "2025-11-24"].map(judged), [true, true, false, false, true]);
}
