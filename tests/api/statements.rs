//! Statements judged by the channels' own books: every fen that a channel took or gave back is on the day's statement, once, in JSON and in the
//! spreadsheet, for its merchant and for nobody else.

use super::failover::{SECOND, pays, two};
use crate::harness::control::Paying;
use crate::harness::middle::Middle;
use crate::harness::process::outcome;
use crate::harness::till::{Offer, body_of, id_of, plain_offers, refunded};
use crate::harness::{World, order, until, with};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// By the number at the channel: what was captured, and what went back.
type Books = BTreeMap<String, (i64, i64)>;

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn fen(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no amount: {value}"))
}

/// The channels' side.
async fn ledger(world: &World) -> Books {
    let captured = |entry: &Value| entry["charges"] == 1 && entry["status"] != "reversed";
    let back = |entry: &Value| entry["refunds"].as_array().unwrap().iter().filter(|r| r["status"] == "succeeded").map(|r| fen(&r["amount"])).sum();
    let entries = world.control.ledger().await.into_iter().filter(captured);
    entries.map(|entry| (word(&entry["out_trade_no"]), (fen(&entry["total"]), back(&entry)))).collect()
}

/// The statement's side.
fn books(rows: &[Value]) -> Books {
    let mut books = Books::new();
    for row in rows {
        let slot = books.entry(word(&row["channel_order_no"])).or_default();
        match row["kind"].as_str() {
            Some("refund") => slot.1 -= fen(&row["amount"]),
            _ => slot.0 += fen(&row["amount"]),
        }
    }
    books
}

/// Every page of a day.
async fn rows(world: &World, day: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.demo.get(&format!("/v1/statements?day={day}&limit=4{cursor}")).await.expect(200);
        rows.extend(page["rows"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// The cells of a file, as a strict reader finds them; one apostrophe is taken away.
fn cells(text: &str) -> Vec<Vec<String>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or_else(|| panic!("no byte order mark: {text}"));
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    let done = |cell: &mut String| cell.strip_prefix('\'').map(str::to_owned).unwrap_or_else(|| cell.clone());
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => cell.extend(chars.next()),
            (_, '"') => quoted = !quoted,
            (false, ',' | '\r') => {
                line.push(done(&mut cell));
                cell.clear();
                if c == '\r' {
                    assert_eq!(chars.next(), Some('\n'), "lines end with CRLF");
                    lines.push(std::mem::take(&mut line));
                }
            }
            _ => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && line.is_empty(), "the file is cut");
    lines
}

fn cents(yuan: &str) -> i64 {
    let (sign, digits) = yuan.strip_prefix('-').map_or((1, yuan), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or_else(|| panic!("not 元 with decimals: {yuan}"));
    assert_eq!(part.len(), 2, "{yuan}");
    sign * (whole.parse::<i64>().unwrap() * 100 + part.parse::<i64>().unwrap())
}

/// Shanghai's day of a time that the gateway shows.
fn day_of(time: &Value) -> String {
    time.as_str().unwrap_or_else(|| panic!("no time: {time}"))[..10].to_owned()
}

async fn paid(world: &World, body: &Value, paying: &Paying) -> Value {
    let placed = world.demo.place(body).await;
    world.control.take(&placed, paying).await.expect(200);
    world.demo.until_status(id_of(&placed), "paid").await
}

/// A whole payment, one given back in part, one with a coupon, and one that is never paid.
async fn trade(world: &World, offer: &Offer) {
    paid(world, &body_of(world, offer, 1_280).await, &Paying::default()).await;
    let part = paid(world, &body_of(world, offer, 2_000).await, &Paying::default()).await;
    refunded(world, id_of(&part), 700).await;
    let discounts = vec![json!({"kind": "coupon", "funded_by": "channel", "amount": 150})];
    paid(world, &body_of(world, offer, 1_000).await, &Paying { discounts, wallet: None }).await;
    world.demo.place(&body_of(world, offer, 77).await).await;
}

/// Closed here, and paid at the channel all the same where it cannot promise a close, or where its promise was a lie.
async fn pays_late(world: &World, middle: &Middle, offer: &Offer) -> bool {
    let placed = world.demo.place(&body_of(world, offer, 310).await).await;
    middle.lies(offer.channel == "wechat");
    world.demo.act(&format!("/v1/orders/{}/close", id_of(&placed))).await.expect(200);
    middle.lies(false);
    world.control.take(&placed, &Paying::default()).await.status == 200
}

/// Paid at the second account, and at the first one too.
async fn pays_twice(world: &World, middle: &Middle) {
    middle.lies(true);
    world.control.faults("pay", "lose_response", 1).await;
    let placed = world.demo.place(&order("wechat_native", 460)).await;
    middle.lies(false);
    assert_eq!(placed["account"], SECOND);
    let number = word(&world.demo.expanded(id_of(&placed)).await["attempts"][0]["channel_order_no"]);
    pays(world, &placed).await;
    world.demo.until_status(id_of(&placed), "paid").await;
    assert_eq!(world.control.scan(&format!("wechat:{number}"), "pay").await.expect(200)["paid"], true);
}

/// A world in which all that can happen has happened, and its days: two if it was made at midnight.
async fn lived(middle: &Middle) -> (World, Vec<String>) {
    let world = two().edit("channels.toml", middle.stands_between()).start();
    let closing = world.demo.place(&order("wechat_native", 100)).await;
    world.demo.act(&format!("/v1/orders/{}/close", id_of(&closing))).await.expect(200);
    let mut late = 0;
    for offer in plain_offers(&world).await {
        trade(&world, &offer).await;
        late += usize::from(pays_late(&world, middle, &offer).await);
    }
    assert_eq!(late, 4, "all but the bank, which can promise a close");
    pays_twice(&world, middle).await;
    until("all money that was not wanted to be back", || async {
        let entries = world.control.ledger().await;
        let given_back = entries.iter().filter(|e| [json!(310), json!(460)].contains(&e["total"]) && e["refunds"][0]["status"] == "succeeded");
        Some(()).filter(|()| given_back.count() == 5)
    })
    .await;
    let last = paid(&world, &order("wechat_native", 1), &Paying::default()).await;
    let mut days = vec![day_of(&closing["created_at"]), day_of(&last["paid_at"])];
    days.dedup();
    (world, days)
}

#[tokio::test]
async fn what_the_channels_took_and_gave_back_is_on_the_statement_to_the_fen() {
    let middle = Middle::open().await;
    let (world, days) = lived(&middle).await;
    let expected = ledger(&world).await;
    assert_eq!(expected.len(), 22, "{expected:#?}");
    let mut all = Vec::new();
    // The channel has done its refund before we know of it.
    until("the statement to be the channels' books", || async {
        let mut seen = Vec::new();
        for day in &days {
            seen.extend(rows(&world, day).await);
        }
        Some(()).filter(|()| books(&seen) == expected)
    })
    .await;
    for day in &days {
        let rows = rows(&world, day).await;
        agrees_with_itself(&world, day, &rows).await;
        all.extend(rows);
    }
    let count = |kind: &str| all.iter().filter(|row| row["kind"] == kind).count();
    assert_eq!((count("payment"), count("late"), count("duplicate"), count("refund")), (17, 4, 1, 10));
    for row in &all {
        shows_what_the_order_shows(&world, row).await;
    }
}

/// Totals, parts, month and file of a day are its rows.
async fn agrees_with_itself(world: &World, day: &str, rows: &[Value]) {
    let first = world.demo.get(&format!("/v1/statements?day={day}")).await.expect(200);
    let totals = &first["totals"];
    let sum = |refunds: bool, field: &str| -> i64 {
        rows.iter().filter(|row| (row["kind"] == "refund") == refunds).map(|row| row[field].as_i64().unwrap_or_default()).sum()
    };
    assert_eq!((fen(&totals["payments"]["amount"]), fen(&totals["refunds"]["amount"])), (sum(false, "amount"), -sum(true, "amount")));
    assert_eq!((fen(&totals["payments"]["payer_amount"]), fen(&totals["payments"]["discounts"])), (sum(false, "payer_amount"), sum(false, "discounts")));
    assert_eq!((fen(&totals["fee"]), fen(&totals["net"])), (sum(false, "fee"), sum(false, "net") + sum(true, "net")));
    let parts: i64 = first["by"].as_array().unwrap().iter().map(|part| fen(&part["net"])).sum();
    assert_eq!(parts, fen(&totals["net"]));
    assert!(first["complete"] == false && first["livemode"] == false && first["merchant"] == "m_demo", "{first}");
    let month = world.demo.get(&format!("/v1/statements?month={}", &day[..7])).await.expect(200);
    let line = month["days"].as_array().unwrap().iter().find(|line| line["day"] == day).unwrap();
    assert_eq!((&line["payments"], &line["refunds"], &line["net"]), (&totals["payments"], &totals["refunds"], &totals["net"]));
    file_agrees(world, day, rows, &first).await;
}

async fn file_agrees(world: &World, day: &str, rows: &[Value], first: &Value) {
    let answer = world.demo.get(&format!("/v1/statements?day={day}&format=csv&lang=en")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"statement-m_demo-{day}.csv\""));
    let lines = cells(&answer.text());
    let column = |title: &str| lines[0].iter().position(|name| name.trim_end_matches(" (CNY)") == title).unwrap();
    for (row, line) in rows.iter().zip(&lines[1..]) {
        for title in ["kind", "order_id", "merchant_order_no", "channel_order_no", "channel", "account", "method"] {
            assert_eq!(line[column(title)], word(&row[title]), "{title} of {row}");
        }
        for title in ["refund_id", "merchant_refund_no", "origin", "channel_trade_no", "wallet"] {
            assert_eq!(line[column(title)], word(&row[title]), "{title} of {row}");
        }
        for title in ["amount", "payer_amount", "discounts", "fee", "net"] {
            let cell = &line[column(title)];
            assert_eq!((!cell.is_empty()).then(|| cents(cell)), row[title].as_i64(), "{title} of {row}");
        }
    }
    let summary = &lines[1 + rows.len()];
    assert_eq!(summary[0], "summary");
    let total = lines.iter().find(|line| line[0] == "total").unwrap();
    let totals = &first["totals"];
    let told = (cents(&total[4]), cents(&total[10]), cents(&total[11]), cents(&total[13]));
    assert_eq!(told, (fen(&totals["payments"]["amount"]), fen(&totals["refunds"]["amount"]), fen(&totals["fee"]), fen(&totals["net"])));
    let about = lines.last().unwrap();
    assert_eq!((about[0].as_str(), about[1].as_str(), &about[3], about[4].as_str()), (day, "m_demo", &word(&first["version"]), "no"));
    let dir = world.dir.to_string_lossy();
    let (code, printed, stderr) = outcome(&["statement", "--config", &dir, "--merchant", "m_demo", "--day", day, "--csv", "--english"]);
    assert_eq!(code, 0, "{stderr}");
    let (printed, last) = (cells(&printed), lines.len() - 1);
    assert_eq!((&printed[..last], &printed[last][3]), (&lines[..last], &about[3]), "the command prints what the API answers");
}

/// A row of a payment that was kept is what `GET /v1/orders/{id}` says.
async fn shows_what_the_order_shows(world: &World, row: &Value) {
    let shown = world.demo.order(&word(&row["order_id"])).await;
    assert_eq!((&row["merchant_order_no"], &row["subject"], &row["metadata"]), (&shown["merchant_order_no"], &shown["subject"], &shown["metadata"]));
    match row["kind"].as_str() {
        Some("payment") => {
            let fields = ["account", "channel", "wallet", "channel_trade_no", "fee", "settle_date"];
            fields.iter().for_each(|field| assert_eq!(row[*field], shown[*field], "{field} of {row}"));
            assert_eq!((&row["at"], &row["amount"], &row["net"]), (&shown["paid_at"], &shown["paid_amount"], &shown["net_amount"]));
            assert_eq!(row["payer_amount"], shown["payer_paid_amount"]);
        }
        Some("refund") => {
            let refund = world.demo.get(&format!("/v1/refunds/{}", word(&row["refund_id"]))).await.expect(200);
            assert_eq!((-fen(&row["amount"]), &row["at"], &row["origin"]), (fen(&refund["amount"]), &refund["succeeded_at"], &refund["origin"]));
        }
        _ => assert!(shown["status"] == "closed" || row["kind"] == "duplicate" && shown["status"] == "paid", "{row} {shown}"),
    }
}

#[tokio::test]
async fn another_merchants_statement_is_empty_and_operators_see_both() {
    let world = World::plan().start();
    let own = paid(&world, &order("wechat_native", 500), &Paying::default()).await;
    let day = day_of(&own["paid_at"]);
    let theirs = world.other.get(&format!("/v1/statements?day={day}")).await.expect(200);
    assert_eq!((&theirs["rows"], &theirs["totals"]["payments"]["count"], &theirs["by"]), (&json!([]), &json!(0), &json!([])));
    let file = world.other.get(&format!("/v1/statements?day={day}&format=csv")).await;
    assert!(!file.text().contains(id_of(&own)), "{}", file.text());
    let seen = world.ops.get(&format!("/ops/v1/statements?day={day}&merchant=m_demo")).await.expect(200);
    assert_eq!((&seen["rows"][0]["order_id"], &seen["merchant"]), (&own["id"], &json!("m_demo")));
    let all = world.ops.get(&format!("/ops/v1/statements?month={}", &day[..7])).await.expect(200);
    assert_eq!((&all["merchants"][0]["merchant"], &all["merchants"][0]["net"], &all["merchant"]), (&json!("m_demo"), &seen["totals"]["net"], &Value::Null));
    let taken = world.ops.get(&format!("/ops/v1/statements?day={day}&merchant=m_demo&format=csv")).await;
    assert!(taken.status == 200 && taken.text().contains(id_of(&own)), "{}", taken.text());
    let audit = world.ops.get("/ops/v1/audit?limit=1").await.expect(200);
    assert_eq!((&audit["data"][0]["act"], &audit["data"][0]["detail"]), (&json!("statement.export"), &json!({"period": day, "lines": 1})));
}

#[tokio::test]
async fn nothing_that_a_merchant_writes_is_computed_by_a_spreadsheet() {
    let world = World::plan().start();
    let texts = ["=1+1", "+1", "-1", "@SUM(1)", "1,\"2\"", "'", "1234567890123456", "=HYPERLINK(\"http://evil\",\"x\")"];
    let mut day = String::new();
    for text in texts {
        let body = with(order("wechat_native", 100), json!({"subject": text, "operator_id": text, "metadata": {"note": text}}));
        day = day_of(&paid(&world, &body, &Paying::default()).await["paid_at"]);
    }
    let answer = world.demo.get(&format!("/v1/statements?day={day}&format=csv&lang=en")).await;
    let raw = answer.text();
    let starts: Vec<&str> = raw.split(['\n', ',']).map(|cell| cell.trim_start_matches('"')).filter(|cell| cell.starts_with(['=', '+', '@'])).collect();
    assert_eq!(starts, Vec::<&str>::new(), "{raw}");
    let lines = cells(&raw);
    let column = |title: &str| lines[0].iter().position(|name| name == title).unwrap();
    let mut read: Vec<&str> = lines[1..=texts.len()].iter().map(|line| line[column("subject")].as_str()).collect();
    let mut written = texts.to_vec();
    read.sort_unstable();
    written.sort_unstable();
    assert_eq!(read, written, "what was written is read again");
    assert!(lines[1..=texts.len()].iter().all(|line| line[column("operator_id")] == line[column("subject")]));
}

#[tokio::test]
async fn what_cannot_be_stated_is_refused_in_words() {
    let world = World::shared();
    let refused = world.demo.get("/v1/statements?day=2099-01-01").await;
    assert_eq!(refused.fields(), ["day".to_owned()].into());
    let problem = refused.refused(400, "INVALID_REQUEST");
    assert!(problem["detail"].as_str().unwrap().contains("has not begun"), "{problem}");
    assert_eq!(world.demo.get("/v1/statements").await.fields(), ["day".to_owned()].into());
    let (dir, command) = (world.dir.to_string_lossy().into_owned(), ["statement", "--config"]);
    let run = |more: &[&str]| outcome(&[&command[..], &[dir.as_str()], more].concat());
    assert_eq!(run(&["--merchant", "m_demo"]).0, 2, "neither day nor month");
    assert_eq!(run(&["--day", "2026-11-25", "--month", "2026-11"]).0, 2);
    let (code, _, stderr) = run(&["--day", "25.11.2026"]);
    assert!(code == 2 && stderr.contains("write it as 2026-11-25"), "{stderr}");
    let (code, _, stderr) = run(&["--month", "2099-01"]);
    assert!(code == 1 && stderr.contains("has not begun"), "{stderr}");
    let (code, _, stderr) = run(&["--merchant", "m_nobody", "--month", "2026-11"]);
    assert!(code == 1 && stderr.contains("there is no merchant m_nobody"), "{stderr}");
    let (code, stdout, _) = run(&["--merchant", "m_demo", "--month", "2026-11"]);
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert!(code == 0 && told["days"].is_array() && told["merchant"] == "m_demo", "{told}");
}
