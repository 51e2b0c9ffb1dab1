//! The operators' console on the real binary: somebody is hired on the command line, signs in with a code, and does by forms what the calls
//! of `/ops/v1` do. Who gets in, how far and for how long, with the clock in hand: `src/http/tests/console.rs`.

use crate::harness::client::{Answer, http, send};
use crate::harness::process::outcome;
use crate::harness::{Inbox, Manner, World, order, until, with, within};
use serde_json::{Value, json};
use std::time::Duration;
use totp_rs::{Builder, Secret};

const PASSWORD: &str = "correct horse battery";
const EVIL: &str = r#""><script>alert(1)</script><img src=x onerror=alert(1)>'"#;

/// A browser of somebody who is signed in.
struct Desk {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

fn pairs(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// Hires somebody, who signs in and changes the password that was given.
async fn hire(world: &World, name: &str, role: &str) -> Desk {
    let dir = world.dir.to_string_lossy().into_owned();
    let (code, told, stderr) = outcome(&["operator", "add", "--config", &dir, name, "--role", role]);
    assert_eq!(code, 0, "{stderr}");
    let line = |begin: &str| told.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or_else(|| panic!("{told}")).to_owned();
    let given = line("password, to be changed at the first sign-in: ");
    let uri = line("second factor, for an authenticator app: ");
    let secret = Secret::try_from_base32(uri.split("secret=").nth(1).unwrap().split('&').next().unwrap()).unwrap();
    let code = Builder::new().with_secret(secret).build().unwrap().generate(u64::try_from(crate::harness::unix_now()).unwrap()).to_string();
    let mut desk = Desk { http: http(), base: world.demo.base.clone(), cookie: String::new() };
    let inside = desk.post("/console/sign-in", &[("name", name), ("password", &given), ("code", &code)]).await;
    assert_eq!((inside.status, inside.header("location")), (303, "/console"), "{}", inside.text());
    // The demo has no https: its cookie cannot ask for it, and says everything else.
    assert!(inside.header("set-cookie").starts_with("sluice=") && inside.header("set-cookie").ends_with("; Path=/; HttpOnly; SameSite=Strict"));
    desk.cookie = cookie(&inside);
    assert_eq!(desk.get("/console").await.header("location"), "/console/me", "the password is changed first");
    let changed = desk.post("/console/me/password", &[("old", &given), ("new", PASSWORD)]).await;
    assert_eq!(changed.header("location"), "/console/me?said=password");
    let again = Desk { cookie: String::new(), ..hand(&desk) }.post("/console/sign-in", &[("name", name), ("password", PASSWORD), ("code", &code)]).await;
    assert_eq!(again.status, 403, "a code works once");
    desk
}

fn hand(desk: &Desk) -> Desk {
    Desk { http: desk.http.clone(), base: desk.base.clone(), cookie: desk.cookie.clone() }
}

impl Desk {
    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base)).header("sec-fetch-site", "same-origin");
        request.header("accept-language", "en").header("cookie", &self.cookie)
    }

    async fn get(&self, path: &str) -> Answer {
        let answer = send(self.request(reqwest::Method::GET, path)).await.unwrap();
        let policy = answer.header("content-security-policy").to_owned();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        answer
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let html = answer.text();
        // Nothing is fetched from anywhere, and nothing runs.
        for never in ["<script", "src=", "href=\"http", "href=\"//", "@import", "url(", "<img", "javascript:"] {
            assert!(!html.replace("&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;", "").contains(never), "{path}: {never}");
        }
        html
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(reqwest::Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
        send(request.body(pairs(fields))).await.unwrap()
    }

    /// Sends a form of a page as it stands there, with what a person fills in.
    async fn press(&self, page: &str, action: &str, filled: &[(&str, &str)]) -> Answer {
        let html = self.page(page).await;
        let form = html.split(&format!("action=\"{action}\">")).nth(1).unwrap_or_else(|| panic!("{page} has no form {action}: {html}"));
        let number = form.split("name=\"act_id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields: Vec<(&str, &str)> = [("act_id", number)].into_iter().chain(filled.iter().copied()).collect();
        let first = self.post(action, &fields).await;
        if first.status == 303 && !first.header("location").ends_with("retype") {
            let twice = self.post(action, &fields).await;
            assert!(twice.header("location").ends_with("said=again"), "{action}: {}", twice.text());
        }
        first
    }
}

fn id_of(order: &Value) -> &str {
    order["id"].as_str().unwrap()
}

fn fill<'a>(reason: &'a str, last4: &'a str) -> [(&'static str, &'a str); 2] {
    [("reason", reason), ("last4", last4)]
}

#[tokio::test]
async fn an_order_is_closed_reversed_and_asked_about_by_forms() {
    let world = World::plan().start();
    let desk = hire(&world, "li", "operator").await;
    let viewer = hire(&world, "lin", "viewer").await;
    let placed = world.demo.place(&order("wechat_native", 1280)).await;
    let (id, last4) = (id_of(&placed), &id_of(&placed)[23..]);
    let (page, close) = (format!("/console/orders/{id}"), format!("/console/orders/{id}/close"));
    assert!(desk.page(&page).await.contains("Waiting for the payer"));
    // Nothing is offered to a viewer, and nothing done for him.
    assert!(!viewer.page(&page).await.contains(&close));
    assert_eq!(viewer.post(&close, &[("act_id", "0123456789abcdef"), ("reason", "because"), ("last4", last4)]).await.status, 403);
    assert!(desk.press(&page, &close, &fill("the payer left", "0000")).await.header("location").ends_with("said=retype"));
    assert_eq!(desk.press(&page, &close, &fill("ok", last4)).await.status, 400, "a reason has four characters");
    assert_eq!(world.demo.order(id).await["status"], "pending");
    let closed = desk.press(&page, &close, &fill("the payer left", &last4.to_lowercase())).await;
    assert!(closed.header("location").ends_with("said=done"), "{}", closed.text());
    assert_eq!(world.demo.order(id).await["status"], "closed");
    assert!(desk.page(&page).await.contains("The order is closed"));

    let code = world.control.auth_code("pay").await;
    let charged = world.demo.place(&with(order("wechat_barcode", 500), json!({"auth_code": code, "client_ip": "203.0.113.7"}))).await;
    let charged = world.demo.until_status(id_of(&charged), "paid").await;
    let (id, page) = (id_of(&charged), format!("/console/orders/{}", id_of(&charged)));
    let reverse = format!("{page}/reverse");
    assert!(desk.press(&page, &reverse, &fill("charged by mistake", &id[23..])).await.header("location").ends_with("said=done"));
    until("the money is back", || async { (world.demo.order(id).await["refunded_amount"] == 500).then_some(()) }).await;
    assert!(desk.page(&page).await.contains("reversal"));

    let open = world.demo.place(&order("alipay_qr", 100)).await;
    let page = format!("/console/orders/{}", id_of(&open));
    assert!(desk.press(&page, &format!("{page}/sync"), &[]).await.header("location").ends_with("said=done"));
    let audit = world.ops.get("/ops/v1/audit?limit=100").await.expect(200);
    let of_li = |act: &str| audit["data"].as_array().unwrap().iter().find(|l| l["act"] == act && l["who"] == "li").unwrap_or_else(|| panic!("{act}: {audit}")).clone();
    assert_eq!(of_li("order.close")["detail"]["reason"], "the payer left");
    assert_eq!(of_li("order.reverse")["role"], "operator");
    assert_eq!(of_li("order.sync")["about"], id_of(&open));
    assert_eq!(audit["data"].as_array().unwrap().iter().filter(|l| l["act"] == "order.close").count(), 1, "what was refused wrote nothing");
}

#[tokio::test]
async fn every_page_shows_the_books_and_nothing_foreign_runs() {
    let world = World::plan().fast(10_000).append("limits.toml", "[[limit]]\nname = \"day\"\nper = [\"account\"]\nwindow = \"day\"\nmax = 2000\n").start();
    let desk = hire(&world, "li", "admin").await;
    let inbox = Inbox::open(&world.demo.webhook_secret, Manner::Fails(500, 1_000)).await;
    let body = with(order("wechat_native", 1900), json!({"notify_url": inbox.url, "subject": EVIL, "metadata": {"shop": EVIL}}));
    let paid = world.paid(&body).await;
    let id = id_of(&paid);
    let refund = json!({"merchant_refund_no": format!("R-{id}"), "amount": 1, "reason": EVIL});
    world.demo.post(&format!("/v1/orders/{id}/refunds"), &refund).await.expect(201);
    // The refund's may be parked before the payment's.
    within(Duration::from_secs(60), "both notifications are parked", || async {
        let parked = world.ops.get("/ops/v1/notifications?status=parked").await.expect(200).to_string();
        ["order.paid", "refund.succeeded"].iter().all(|kind| parked.contains(kind)).then_some(())
    })
    .await;
    let html = desk.page(&format!("/console/orders/{id}")).await;
    assert!(html.contains("The channel has confirmed the payment: ¥19.00") && html.contains("parked"), "{html}");
    // The trail is what `explain` prints.
    let (code, explained, _) = outcome(&["explain", "--config", &world.dir.to_string_lossy(), id]);
    assert_eq!(code, 0);
    for kind in world.demo.trail(id).await {
        assert!(explained.contains(&kind) && html.contains(&format!("<strong>{kind}</strong>")), "{kind}");
    }
    assert!(html.contains("by rule") || html.contains("no rule matched: the first in file order"));
    let today = desk.page("/console").await;
    assert!(today.contains("¥19.00") && today.contains("Parked notifications") && today.contains("class=\"hot\""));
    let shows = [
        ("/console/orders?status=paid", id),
        ("/console/accounts", "wx-main"),
        ("/console/limits", "¥20.00"),
        ("/console/notifications", "order.paid"),
        ("/console/discrepancies", "Reconcile"),
        ("/console/cases", "Cases"),
        ("/console/audit", "operator.make"),
        ("/console/sessions", "li"),
        ("/console/me", "Your sessions"),
    ];
    for (page, text) in shows {
        assert!(desk.page(page).await.contains(text), "{page}: {text}");
    }
    inbox.behave(Manner::Takes);
    let parked = desk.page("/console/notifications").await;
    let replay = parked.split("action=\"").find(|part| part.starts_with("/console/notifications/evt_")).unwrap().split('"').next().unwrap().to_owned();
    assert!(desk.press("/console/notifications", &replay, &[]).await.header("location").ends_with("said=done"));
    inbox.taken(id, "order.paid").await;
    let drain = "/console/accounts/wx-main/drain";
    assert!(desk.press("/console/accounts", drain, &[]).await.header("location").ends_with("said=done"));
    world.demo.post("/v1/orders", &order("wechat_native", 100)).await.refused(422, "NO_ROUTE");
    let weight = [("weight", "7"), ("reason", "as agreed")];
    assert!(desk.press("/console/accounts", "/console/accounts/wx-main/weight", &weight).await.header("location").ends_with("said=done"));
    assert!(desk.page("/console/accounts").await.contains("<td class=\"n\">7</td>"));
}

#[tokio::test]
async fn customer_service_finds_the_order_from_what_the_payer_holds() {
    let world = World::plan().start();
    let desk = hire(&world, "li", "viewer").await;
    let placed = world.demo.place(&order("wechat_native", 1280)).await;
    world.control.pay_with_coupon(&placed, 100).await;
    let paid = world.demo.until_status(id_of(&placed), "paid").await;
    let (id, paid_at) = (id_of(&paid), paid["paid_at"].as_str().unwrap());
    assert_eq!(paid["payer_paid_amount"], 1180);
    let minute = &paid_at[11..16];
    let trade_no = paid["channel_trade_no"].as_str().unwrap();
    let asked = [
        trade_no.to_owned(),
        format!(" {} {} ", &trade_no[..4], &trade_no[4..]),
        world.channel_number(id).await,
        paid["merchant_order_no"].as_str().unwrap().to_owned(),
        format!("12.80 {minute}"),
        format!("￥11.80 {minute}"),
        "１１．８０元".to_owned(),
    ];
    for q in asked {
        let found = world.ops.get(&format!("/ops/v1/orders?{}", pairs(&[("q", &q)]))).await.expect(200);
        assert_eq!(found["data"][0]["id"], id, "{q}: {found}");
        assert!(desk.page(&format!("/console/orders?{}", pairs(&[("q", &q)]))).await.contains(&format!("/console/orders/{id}")), "{q}");
    }
    let by = |q: String| async move { world.ops.get(&format!("/ops/v1/orders?{}", pairs(&[("q", &q)]))).await.expect(200) };
    let found = by(format!("11.80 {minute}")).await;
    assert_eq!((&found["data"][0]["hit"], &found["searched"]["whole"]), (&json!("payer_amount"), &json!(true)));
}

#[tokio::test]
async fn the_console_is_where_operators_are_and_nowhere_else() {
    let world = World::plan().edit("sluice.toml", |text| text.replace("[http]\n", "[http]\nops_listen = \"127.0.0.1:0\"\n")).start();
    let answer = send(world.demo.http.get(format!("{}/console", world.demo.base))).await.unwrap();
    assert_eq!(answer.status, 404);
    for (arguments, why) in [(&["li li", "--role", "admin"][..], "no name"), (&["li", "--role", "boss"], "--role"), (&["li"], "--role")] {
        let dir = world.dir.to_string_lossy().into_owned();
        let all: Vec<&str> = ["operator", "add", "--config", &dir].into_iter().chain(arguments.iter().copied()).collect();
        let (code, _, stderr) = outcome(&all);
        assert!(code == 2 && stderr.contains(why), "{arguments:?}: {code} {stderr}");
    }
}
