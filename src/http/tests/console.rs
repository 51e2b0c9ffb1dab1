//! `/console`: who gets in, how far, and for how long.

use super::stage::{Got, Stage, order, stage};
use crate::config::Role;
use crate::http::console::{call_of, routes};
use crate::http::identity::operator::{Wanted, make};
use crate::http::identity::session;
use crate::http::ops::gate::{Who, may};
use axum::body::Body;
use axum::http::Request;
use std::sync::atomic::Ordering;
use totp_rs::{Builder, Secret};

const ROLES: [Role; 4] = [Role::Viewer, Role::Operator, Role::Finance, Role::Admin];
const PASSWORD: &str = "correct horse battery";
const COOKIE: &str = "__Host-sluice";
/// Those that anybody may have who is signed in, or even nobody.
const OWN: [&str; 5] = ["/console/sign-in", "/console/sign-out", "/console/me", "/console/me/password", "/console/me/sessions/{id}/revoke"];
const GETS: [&str; 10] = [
    "/console",
    "/console/orders",
    "/console/orders/{id}",
    "/console/cases",
    "/console/accounts",
    "/console/limits",
    "/console/notifications",
    "/console/discrepancies",
    "/console/audit",
    "/console/sessions",
];

async fn hire(stage: &Stage, name: &str, role: Role, codes: bool) -> Option<[u8; 20]> {
    let gateway = &stage.app.gateway;
    let who = Who { name: "test".into(), role: Role::Admin };
    let made = make(gateway, Wanted { name: name.into(), role, password: Some(PASSWORD.into()), codes }).await.unwrap();
    let secret = made.uri.as_deref().and_then(|uri| uri.split_once("secret=")?.1.split('&').next().map(str::to_owned));
    made.person.store(gateway, crate::http::ops::change::line(gateway, &who, "operator.make", name, serde_json::json!({}))).await.unwrap();
    secret.map(|text| Secret::try_from_base32(text).unwrap().as_bytes().try_into().unwrap())
}

fn code(stage: &Stage, secret: [u8; 20]) -> String {
    let second = u64::try_from(stage.app.gateway.now().second().0).unwrap();
    Builder::new().with_secret(Secret::new_stack(secret)).build().unwrap().generate(second).to_string()
}

/// A browser's request: it says where it comes from.
fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path).header("sec-fetch-site", "same-origin").header("host", "pay.example.com");
    let request =
        if body.is_empty() && method == "GET" { request } else { request.header("content-type", "application/x-www-form-urlencoded") };
    match token {
        Some(token) => request.header("cookie", format!("a=b; {COOKIE}={token}")),
        None => request,
    }
}

async fn ask(stage: &Stage, method: &str, path: &str, token: Option<&str>, body: &str) -> Got {
    stage.send(request(method, path, token, body).body(Body::from(body.to_owned())).unwrap()).await
}

fn token_of(got: &Got) -> Option<String> {
    let set = got.headers.get_all("set-cookie").iter().filter_map(|v| v.to_str().ok()).find(|text| text.starts_with(COOKIE))?;
    assert!(set.contains("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{set}");
    Some(set.split(['=', ';']).nth(1)?.to_owned()).filter(|token| !token.is_empty())
}

async fn try_in(stage: &Stage, name: &str, password: &str, code: &str) -> Got {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("name", name), ("password", password), ("code", code)])
        .finish();
    ask(stage, "POST", "/console/sign-in", None, &body).await
}

async fn enter(stage: &Stage, name: &str, role: Role) -> String {
    hire(stage, name, role, false).await;
    let got = try_in(stage, name, PASSWORD, "").await;
    assert_eq!((got.status.as_u16(), got.header("location")), (303, "/console"));
    token_of(&got).unwrap()
}

fn text(got: &Got) -> String {
    String::from_utf8_lossy(&got.bytes).into_owned()
}

#[track_caller]
fn guarded(got: &Got, what: &str) {
    let policy = got.header("content-security-policy");
    for part in ["default-src 'none'", "style-src 'nonce-", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{what}: {policy}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!((got.header("cache-control"), got.header("x-frame-options")), ("no-store", "DENY"), "{what}");
    assert_eq!((got.header("x-content-type-options"), got.header("referrer-policy")), ("nosniff", "same-origin"), "{what}");
    assert!(!text(got).contains("<script"), "{what}");
}

fn filled(route: &str, id: &str) -> String {
    let names = [("{id}", id), ("{act}", "drain"), ("{event_id}", "evt_1")];
    names.into_iter().fold(route.to_owned(), |path, (name, value)| path.replace(name, value))
}

#[tokio::test]
async fn a_page_is_open_to_whom_its_call_is_open() {
    let stage = stage();
    let id = stage.paid_order("SO-1").await;
    let mut tokens = Vec::new();
    for role in ROLES {
        tokens.push((role, enter(&stage, &format!("{}-1", role.word()), role).await));
    }
    let pages: Vec<&str> = routes().into_iter().map(|(path, _)| path).filter(|path| !OWN.contains(path) && !path.contains('*')).collect();
    assert!(GETS.iter().all(|page| pages.contains(page)));
    for route in pages {
        let method = if GETS.contains(&route) { "GET" } else { "POST" };
        for (role, token) in &tokens {
            let got = ask(&stage, method, &filled(route, &id), Some(token), "").await;
            let what = format!("{method} {route} {}: {}", role.word(), got.status);
            assert_eq!(got.status == 403, !may(*role, method, &call_of(route)), "{what}");
            assert!(method == "POST" || got.status == 200 || got.status == 403, "{what}");
            guarded(&got, &what);
        }
        let stranger = ask(&stage, method, &filled(route, &id), None, "").await;
        assert_eq!(stranger.status, 303, "{method} {route}");
        assert!(stranger.header("location").starts_with("/console/sign-in"), "{method} {route}");
        guarded(&stranger, route);
        let wrong = if method == "GET" { "DELETE" } else { "PUT" };
        assert!([403, 405].contains(&ask(&stage, wrong, &filled(route, &id), Some(&tokens[3].1), "").await.status.as_u16()), "{route}");
    }
    assert_eq!(ask(&stage, "GET", "/console/nowhere", Some(&tokens[3].1), "").await.status, 404);
    // In both languages, and a page hides what would be refused.
    let page = |token: &str, lang: &str| {
        request("GET", &format!("/console/orders/{id}?lang={lang}"), Some(token), "").body(Body::empty()).unwrap()
    };
    let viewer = text(&stage.send(page(&tokens[0].1, "en")).await);
    assert!(
        viewer.contains("The channel has confirmed the payment: ¥12.80")
            && !viewer.contains("Ask the channel")
            && !viewer.contains("/console/audit")
    );
    let admin = text(&stage.send(page(&tokens[3].1, "zh")).await);
    assert!(
        admin.contains("渠道已确认收款：¥12.80")
            && admin.contains("向渠道查询")
            && admin.contains("/console/audit")
            && admin.contains("lang=\"zh-CN\"")
    );
}

#[tokio::test]
async fn nothing_is_done_for_another_site() {
    let stage = stage();
    let token = enter(&stage, "li", Role::Admin).await;
    let post = |headers: &[(&str, &str)]| {
        let mut request = Request::post("/console/accounts/wx-main/drain").header("cookie", format!("{COOKIE}={token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.header("content-type", "application/x-www-form-urlencoded").body(Body::from("act_id=0123456789abcdef")).unwrap()
    };
    let foreign: [&[(&str, &str)]; 7] = [
        &[("sec-fetch-site", "cross-site"), ("host", "pay.example.com"), ("origin", "https://pay.example.com")],
        &[("sec-fetch-site", "same-site"), ("host", "pay.example.com")],
        &[("host", "pay.example.com"), ("origin", "https://evil.example")],
        &[("host", "pay.example.com"), ("origin", "null")],
        &[("host", "pay.example.com"), ("origin", "https://pay.example.com.evil.example")],
        &[("host", "pay.example.com")],
        &[],
    ];
    for headers in foreign {
        let got = stage.send(post(headers)).await;
        assert_eq!(got.status, 403, "{headers:?}");
        guarded(&got, "foreign");
    }
    let state = async || stage.ops(Role::Admin, "GET", "/ops/v1/accounts", "").await.json()["data"][0]["state"].clone();
    assert_eq!(state().await, "enabled");
    assert_eq!(stage.send(post(&[("host", "pay.example.com"), ("origin", "https://pay.example.com")])).await.status, 303);
    assert_eq!(state().await, "draining");
    // A sign-in from another site would put the visitor into somebody else's session.
    let forced = Request::post("/console/sign-in")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(stage.send(forced.body(Body::from("name=li&password=x")).unwrap()).await.status, 403);
    // A form is carried out once; one without a number not at all.
    let drain = "/console/accounts/wx-main/enable";
    assert_eq!(ask(&stage, "POST", drain, Some(&token), "").await.status, 400);
    assert!(ask(&stage, "POST", drain, Some(&token), "act_id=0123456789abcdef").await.header("location").ends_with("said=again"));
    assert_eq!(state().await, "draining");
}

#[tokio::test]
async fn a_session_is_new_at_every_sign_in_and_ends_when_it_is_told_to() {
    let stage = stage();
    let first = enter(&stage, "li", Role::Admin).await;
    // Whatever token a browser came with, it is not the one it goes on with.
    let planted = "a".repeat(64);
    for came_with in [planted.as_str(), first.as_str()] {
        let got =
            ask(&stage, "POST", "/console/sign-in", Some(came_with), &format!("name=li&password={}", PASSWORD.replace(' ', "+"))).await;
        assert!(token_of(&got).is_some_and(|token| token != came_with && token.len() == 64));
        assert_eq!(ask(&stage, "GET", "/console", Some(came_with), "").await.status, 303, "the old one is over");
    }
    let (one, two) = (enter(&stage, "li", Role::Admin).await, enter(&stage, "li", Role::Admin).await);
    let listed = stage.ops(Role::Admin, "GET", "/ops/v1/sessions", "").await.json();
    assert!(
        listed["data"].as_array().unwrap().iter().any(|s| s["id"] == session::id_of(&one).as_str()) && !listed.to_string().contains(&one)
    );
    let revoke = format!("/console/sessions/{}/revoke", session::id_of(&one));
    assert_eq!(ask(&stage, "POST", &revoke, Some(&two), "").await.status, 303);
    assert_eq!(ask(&stage, "GET", "/console", Some(&one), "").await.status, 303, "revoked");
    let out = ask(&stage, "POST", "/console/sign-out", Some(&two), "").await;
    assert!(token_of(&out).is_none() && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(ask(&stage, "GET", "/console", Some(&two), "").await.status, 303, "signed out");
    // What an administrator changes is in force with the next request.
    let three = enter(&stage, "li", Role::Admin).await;
    assert_eq!(ask(&stage, "GET", "/console/audit", Some(&three), "").await.status, 200);
    assert_eq!(stage.ops(Role::Admin, "PUT", "/ops/v1/operators/li", r#"{"role":"viewer"}"#).await.json()["role"], "viewer");
    assert_eq!(ask(&stage, "GET", "/console/audit", Some(&three), "").await.status, 403);
    assert_eq!(stage.ops(Role::Admin, "PUT", "/ops/v1/operators/li", r#"{"role":"admin","disabled":true}"#).await.status, 200);
    assert_eq!(ask(&stage, "GET", "/console", Some(&three), "").await.status, 303);
    assert_eq!(try_in(&stage, "li", PASSWORD, "").await.status, 403, "switched off");
    let audit = stage.ops(Role::Admin, "GET", "/ops/v1/audit?limit=100", "").await.json().to_string();
    for act in ["\"sign_in\"", "sign_in.failed", "sign_out", "session.revoke", "operator.put"] {
        assert!(audit.contains(act), "{act}");
    }
    assert!(![&one, &two, &three].into_iter().any(|token| audit.contains(token)) && !audit.contains(PASSWORD));
}

#[tokio::test]
async fn a_session_ends_after_half_an_hour_unused_and_after_twelve_hours_in_any_case() {
    let stage = stage();
    let pass = |minutes: i64| stage.clock.0.fetch_add(minutes * 60_000, Ordering::SeqCst);
    let lives = async |token: &str| ask(&stage, "GET", "/console/me", Some(token), "").await.status == 200;
    let token = enter(&stage, "li", Role::Viewer).await;
    pass(29);
    assert!(lives(&token).await);
    pass(29);
    assert!(lives(&token).await, "it was used");
    pass(31);
    assert!(!lives(&token).await);
    pass(-31);
    assert!(lives(&token).await, "only time ended it");
    let token = enter(&stage, "wang", Role::Viewer).await;
    for _ in 0..35 {
        pass(20);
        assert!(lives(&token).await);
    }
    pass(21);
    assert!(!lives(&token).await, "twelve hours");
}

#[tokio::test]
async fn a_code_works_once_and_no_answer_tells_what_was_wrong() {
    let stage = stage();
    let secret = hire(&stage, "li", Role::Admin, true).await.unwrap();
    let now = || code(&stage, secret);
    let used = now();
    let wrong = [
        try_in(&stage, "nobody", PASSWORD, &used).await,
        try_in(&stage, "li", "wrong horse battery", &used).await,
        try_in(&stage, "li", PASSWORD, "").await,
        try_in(&stage, "li", PASSWORD, "000000").await,
        try_in(&stage, "'; DROP TABLE records; --", PASSWORD, &used).await,
    ];
    let plain = |got: &Got| text(got).split("nonce=\"").map(|part| part.get(32..).unwrap_or_default().to_owned()).collect::<String>();
    for got in &wrong {
        assert_eq!((got.status.as_u16(), plain(got)), (403, plain(&wrong[0])), "one answer for all");
        assert!(token_of(got).is_none());
    }
    assert_eq!(try_in(&stage, "li", PASSWORD, &used).await.status, 303);
    assert_eq!(try_in(&stage, "li", PASSWORD, &used).await.status, 403, "used up");
    stage.clock.0.fetch_add(30_000, Ordering::SeqCst);
    assert_eq!(try_in(&stage, "li", PASSWORD, &used).await.status, 403, "though it would still count");
    assert_eq!(try_in(&stage, "li", PASSWORD, &now()).await.status, 303);
    // Ten guesses a quarter of an hour; then not even the right ones are looked at.
    stage.clock.0.fetch_add(30_000, Ordering::SeqCst);
    for _ in 0..10 {
        assert_eq!(try_in(&stage, "li", PASSWORD, "000000").await.status, 403);
    }
    let bounded = try_in(&stage, "li", PASSWORD, &now()).await;
    assert_eq!((bounded.status.as_u16(), bounded.header("retry-after")), (429, "900"));
    guarded(&bounded, "bounded");
    stage.clock.0.fetch_add(900_000, Ordering::SeqCst);
    assert_eq!(try_in(&stage, "li", PASSWORD, &now()).await.status, 303);
    let audit = stage.ops(Role::Admin, "GET", "/ops/v1/audit?limit=100", "").await.json().to_string();
    assert!(!audit.contains("DROP TABLE") && !audit.contains("nobody"), "what was typed as a name is not written down");
}

#[tokio::test]
async fn a_password_that_was_given_is_changed_first() {
    let stage = stage();
    let made = stage.ops(Role::Admin, "POST", "/ops/v1/operators/li", r#"{"role":"finance","second_factor":false}"#).await;
    assert_eq!(made.status, 201);
    let password = made.json()["password"].as_str().unwrap().to_owned();
    let token = token_of(&try_in(&stage, "li", &password, "").await).unwrap();
    for page in ["/console", "/console/orders", "/console/audit"] {
        assert_eq!(ask(&stage, "GET", page, Some(&token), "").await.header("location"), "/console/me", "{page}");
    }
    let change = async |old: &str, new: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs([("old", old), ("new", new)]).finish();
        ask(&stage, "POST", "/console/me/password", Some(&token), &body).await
    };
    assert_eq!(change("wrong", PASSWORD).await.header("location"), "/console/me?said=wrong");
    assert_eq!(change(&password, "short").await.status, 400);
    assert_eq!(change(&password, &password).await.status, 400);
    let other = token_of(&try_in(&stage, "li", &password, "").await).unwrap();
    assert_eq!(change(&password, PASSWORD).await.header("location"), "/console/me?said=password");
    assert_eq!(ask(&stage, "GET", "/console/audit", Some(&token), "").await.status, 200);
    assert_eq!(ask(&stage, "GET", "/console/me", Some(&other), "").await.status, 303, "other sessions are over");
    assert_eq!(try_in(&stage, "li", &password, "").await.status, 403);
    // Made anew: the old password and the sessions are gone.
    assert_eq!(stage.ops(Role::Admin, "POST", "/ops/v1/operators/li", r#"{"role":"finance"}"#).await.status, 201);
    assert_eq!(ask(&stage, "GET", "/console/me", Some(&token), "").await.status, 303);
    assert_eq!(try_in(&stage, "li", PASSWORD, "").await.status, 403);
    let listed = stage.ops(Role::Admin, "GET", "/ops/v1/operators", "").await.json();
    assert_eq!((&listed["data"][0]["name"], &listed["data"][0]["second_factor"]), (&"li".into(), &true.into()));
    assert!(!listed.to_string().contains("argon2"));
}

#[tokio::test]
async fn without_a_second_factor_nobody_gets_at_real_money() {
    let stage = stage();
    let token = enter(&stage, "li", Role::Viewer).await;
    stage.direct(|directory| {
        directory.accounts = vec![std::sync::Arc::new(crate::flow::Account { sandbox: false, ..super::stage::account("wx-live") })]
    });
    assert_eq!(try_in(&stage, "li", PASSWORD, "").await.status, 403);
    assert!(!text(&ask(&stage, "GET", "/console", Some(&token), "").await).contains("沙箱"));
}

#[tokio::test]
async fn foreign_text_stays_text_on_every_page() {
    let stage = stage();
    let evil = r#""><script>alert(1)</script><img src=x onerror=alert(1)>'"#;
    let mut body: serde_json::Value = serde_json::from_str(&order("SO-evil")).unwrap();
    body["subject"] = evil.into();
    body["metadata"] = serde_json::json!({"shop": evil});
    let id = stage.post("/v1/orders", &body.to_string()).await.json()["id"].as_str().unwrap().to_owned();
    stage.says("paid");
    assert_eq!(stage.post(&format!("/v1/orders/{id}/sync"), "").await.json()["status"], "paid");
    let refund = serde_json::json!({"merchant_refund_no": "R-evil", "amount": 1, "reason": evil});
    assert_eq!(stage.post(&format!("/v1/orders/{id}/refunds"), &refund.to_string()).await.status, 201);
    hire(&stage, "li", Role::Admin, false).await;
    let sign_in = request("POST", "/console/sign-in", None, "x")
        .header("user-agent", evil)
        .body(Body::from(format!("name=li&password={}", PASSWORD.replace(' ', "+"))));
    let token = token_of(&stage.send(sign_in.unwrap()).await).unwrap();
    let asked = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect::<String>();
    let pages = [
        "/console",
        "/console/me",
        "/console/audit",
        "/console/sessions",
        "/console/notifications?status=waiting",
        "/console/limits",
        "/console/accounts",
    ];
    let more = [
        format!("/console/orders/{id}"),
        "/console/orders".into(),
        format!("/console/orders?q={asked}"),
        format!("/console/orders?merchant={asked}&lang=en"),
        format!("/console/sign-in?next={asked}"),
        format!("/console/{asked}"),
        format!("/console/notifications?merchant={asked}"),
        format!("/console/orders?said={asked}&limit={asked}"),
    ];
    for page in pages.into_iter().map(str::to_owned).chain(more) {
        let got = ask(&stage, "GET", &page, Some(&token), "").await;
        guarded(&got, &page);
        let html = text(&got);
        assert!(!html.contains("<img") && !html.contains("onerror=alert(1)>"), "{page}");
        if page == format!("/console/orders/{id}") {
            assert!(html.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count() >= 2, "shown as it is: {html}");
        }
    }
}

#[tokio::test]
async fn the_box_finds_an_order_by_what_a_caller_holds() {
    let stage = stage();
    let id = stage.paid_order("SO-4711").await;
    let token = enter(&stage, "li", Role::Viewer).await;
    let detail = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders/{id}"), "").await.json();
    let event = detail["notifications"][0]["event_id"].as_str().unwrap_or_default().to_owned();
    let numbers = [id.clone(), detail["attempts"][0]["channel_order_no"].as_str().unwrap().to_owned(), "SO-4711".into(), event];
    let spaced = format!("  {} {}", &id[..9], &id[9..]);
    let wide: String = "SO-4711".chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect();
    let amounts = ["12.80", "¥12.80", "￥１２．８０", "12.80元 today"].map(str::to_owned);
    for q in numbers.into_iter().chain([spaced, wide]).chain(amounts).filter(|q| !q.is_empty()) {
        let asked = url::form_urlencoded::byte_serialize(q.as_bytes()).collect::<String>();
        let found = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders?q={asked}"), "").await.json();
        assert_eq!(found["data"][0]["id"], id.as_str(), "{q}: {found}");
        let page = text(&ask(&stage, "GET", &format!("/console/orders?q={asked}&merchant=&status="), Some(&token), "").await);
        assert!(page.contains(&format!("/console/orders/{id}")), "{q}");
    }
    for q in ["SO-4712", "12.81", "12.80+yesterday", "0000000000"] {
        let found = stage.ops(Role::Viewer, "GET", &format!("/ops/v1/orders?q={q}"), "").await.json();
        assert_eq!(found["data"].as_array().map(Vec::len), Some(0), "{q}: {found}");
    }
}
