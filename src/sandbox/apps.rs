//! The apps on the payer's phone, so that the whole walk can be seen on a computer: a page of this machine is shown as WeChat, Alipay, UnionPay
//! or a bank's app would show it, with their `User-Agent` and their bridge, and what they would pay is paid here with a password.
//!
//! `GET /open` takes a code's text and asks for the app. `/phone/{app}/{host}/…` fetches the page from this machine and from nowhere else; its
//! links and redirects stay in the app. A page of a pretend channel becomes the app's own question: pay, or not.

use super::control::{Shared, scan_at};
use super::phone::{escape, html};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use sluice_simkit::{Outcome, Scan};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use url::form_urlencoded;

const BRIDGE: &str = include_str!("bridge.js");
const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Word, `User-Agent`, name.
const APPS: [(&str, &str, &str); 5] = [
    ("wechat", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.44", "微信 WeChat"),
    ("alipay", "Mozilla/5.0 (Linux; Android 14) Mobile AlipayClient/10.5.80", "支付宝 Alipay"),
    ("unionpay", "Mozilla/5.0 (Linux; Android 14) Mobile (UnionPay/1.0 CloudPay)", "云闪付 UnionPay"),
    ("bank", "Mozilla/5.0 (Linux; Android 14) Mobile (UnionPay/1.0 CCBLoongPay)", "银行 App A bank's app"),
    ("browser", "Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36", "手机浏览器 Phone browser"),
];

/// What a channel's page calls the way back to the shop.
const WAYS_BACK: [&str; 3] = ["frontUrl", "return_url", "redirect_url"];

struct Phone {
    stands: Shared,
    client: reqwest::Client,
}

type Held = State<Arc<Phone>>;

pub(super) fn router(stands: Shared, client: reqwest::Client) -> Router {
    Router::new()
        .route("/open", get(open))
        .route("/act", post(act))
        .route("/phone/{app}/{host}", any(root))
        .route("/phone/{app}/{host}/", any(root))
        .route("/phone/{app}/{host}/{*path}", any(page))
        .with_state(Arc::new(Phone { stands, client }))
}

fn app_of(word: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    APPS.iter().find(|(known, ..)| *known == word)
}

/// An address of this machine.
fn here(host: &str) -> bool {
    let port = |text: &str| text.parse::<u16>().is_ok();
    host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        || host == "localhost"
        || host.strip_prefix("localhost:").is_some_and(port)
}

/// `http://HOST/PATH` of this machine as its app shows it.
fn in_app(app: &str, url: &str) -> Option<String> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    here(host).then(|| format!("/phone/{app}/{host}/{path}"))
}

/// Another site's page must not make this machine's browser pay, nor reach this by a name that it has given the loopback address.
pub(super) fn is_ours(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").unwrap_or_default();
    let same = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"))
        && text("origin").is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    here(host) && (*method == Method::GET || same)
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, html("", &format!("<p>{}</p><p><a href=\"/open\">扫码 Scan a code</a></p>", escape(why)))).into_response()
}

/// `GET /open`: the code's text, then the app that opens it. What is no page of this machine is paid as `/scan` does.
async fn open(Query(asked): Query<BTreeMap<String, String>>) -> Response {
    let url = asked.get("url").map(|text| text.trim()).unwrap_or_default();
    if let Some((app, ..)) = asked.get("app").and_then(|word| app_of(word)) {
        let content: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        return Redirect::to(&in_app(app, url).unwrap_or_else(|| format!("/scan?content={content}"))).into_response();
    }
    let mut buttons = String::new();
    for (word, _, name) in APPS {
        // Writing to a String does not fail.
        let _ = write!(buttons, "<p><button name=\"app\" value=\"{word}\">{name}</button></p>");
    }
    let form = format!(
        "<form><label>码的内容或网址 What the code says<br><input name=\"url\" size=\"40\" required value=\"{}\"></label>\
         <p>用哪个应用打开 Open it in:</p>{buttons}</form><p><a href=\"/\">返回 Back</a></p>",
        escape(url)
    );
    html("", &form)
}

/// `POST /act`: a password was typed, or nothing was paid.
async fn act(State(phone): Held, headers: HeaderMap, body: Bytes) -> Response {
    if !is_ours(&Method::POST, &headers) {
        return refused(StatusCode::FORBIDDEN, "this form belongs to the phone's own page");
    }
    let given: BTreeMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let text = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
    let outcome = if text("outcome") == "pay" { Outcome::Pay } else { Outcome::Decline };
    let scanned = scan_at(&phone.stands, &Scan::of(text("content"), outcome));
    match (scanned, text("back")) {
        (Err(why), _) => refused(StatusCode::UNPROCESSABLE_ENTITY, &why.0),
        (Ok(_), back) if back.starts_with("/phone/") => Redirect::to(back).into_response(),
        (Ok((_, scanned)), _) => refused(StatusCode::OK, if scanned.paid { "已付款 Paid" } else { "未付款 Not paid" }),
    }
}

async fn root(
    held: Held,
    method: Method,
    Path((app, host)): Path<(String, String)>,
    query: RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    page(held, method, Path((app, host, String::new())), query, headers, body).await
}

/// A page of this machine, as the app shows it.
async fn page(
    State(phone): Held,
    method: Method,
    Path((word, host, path)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some((app, agent, name)) = app_of(&word) else { return refused(StatusCode::NOT_FOUND, "no such app on this phone") };
    if !here(&host) || !is_ours(&method, &headers) {
        return refused(StatusCode::FORBIDDEN, "this phone opens pages of this machine only");
    }
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("http://{host}/{path}{query}");
    let mut request = phone.client.request(method.clone(), &url).header("user-agent", *agent).body(body.clone());
    for known in ["accept-language", "cookie", "content-type"] {
        if let Some(value) = headers.get(known) {
            request = request.header(known, value);
        }
    }
    let Ok(reply) = request.send().await else { return refused(StatusCode::BAD_GATEWAY, "nobody answers at this address") };
    let own = headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let shown = Shown { app, host: &host, own: &own };
    let is_channels = phone.stands.iter().any(|stand| stand.base_url == format!("http://{host}"));
    if is_channels && !reply.status().is_redirection() {
        return question(&phone, name, app, &content(&url, &body));
    }
    shown.answer(reply).await
}

/// A form as the address that its browser would open: what a scan takes.
fn content(url: &str, body: &[u8]) -> String {
    let joint = match (body.is_empty(), url.contains('?')) {
        (true, _) => "",
        (false, true) => "&",
        (false, false) => "?",
    };
    format!("{url}{joint}{}", String::from_utf8_lossy(body))
}

/// What the app asks where a channel's page would stand.
fn question(phone: &Phone, name: &str, app: &str, content: &str) -> Response {
    let waiting = phone.stands.iter().flat_map(|stand| stand.booth().sim.waiting()).find(|order| content.contains(&order.out_trade_no));
    let order = waiting.map(|order| format!("<p><b>¥{}</b> {}</p>", order.total.to_yuan(), escape(&order.subject))).unwrap_or_default();
    let (_, query) = content.split_once('?').unwrap_or_default();
    let told = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| WAYS_BACK.contains(&name.as_ref()));
    let back = told.and_then(|(_, url)| in_app(app, &url)).unwrap_or_default();
    let link =
        if back.is_empty() { String::new() } else { format!("<p><a href=\"{}\">返回商户 Back to the shop</a></p>", escape(&back)) };
    html(
        "",
        &format!(
            "<h2>{name}</h2>{order}<form method=\"post\" action=\"/act\"><input type=\"hidden\" name=\"content\" value=\"{}\">\
             <input type=\"hidden\" name=\"back\" value=\"{}\"><p><label>支付密码（任意六位） Password, any six digits<br>\
             <input type=\"password\" inputmode=\"numeric\" pattern=\"[0-9]{{6}}\" required autocomplete=\"off\"></label></p>\
             <button name=\"outcome\" value=\"pay\">付款 Pay</button> \
             <button name=\"outcome\" value=\"decline\" formnovalidate>拒绝 Decline</button></form>{link}",
            escape(content),
            escape(&back)
        ),
    )
}

/// Where a page is shown.
struct Shown<'a> {
    app: &'a str,
    host: &'a str,
    /// The phone's own address: what leads back to it leaves the app.
    own: &'a str,
}

impl Shown<'_> {
    async fn answer(&self, reply: reqwest::Response) -> Response {
        let (status, headers) = (reply.status(), reply.headers().clone());
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_page = text("content-type").starts_with("text/html");
        let body = reply.bytes().await.unwrap_or_default();
        let body = body.get(..body.len().min(PAGE_BYTES_MAX)).unwrap_or_default();
        let nonce = text("content-security-policy").split("script-src 'nonce-").nth(1).and_then(|rest| rest.split('\'').next());
        let mut answer = match is_page {
            true => Html(self.page(&String::from_utf8_lossy(body), nonce.unwrap_or_default())).into_response(),
            false => body.to_vec().into_response(),
        };
        *answer.status_mut() = status;
        for name in ["content-type", "content-security-policy", "cache-control", "referrer-policy"] {
            if let Some(value) = headers.get(name) {
                answer.headers_mut().insert(name, value.clone());
            }
        }
        let location = in_app(self.app, text("location")).unwrap_or_else(|| text("location").to_owned());
        let moved = [("location", location), ("set-cookie", self.cookie(text("set-cookie")))];
        for (name, value) in moved.into_iter().filter(|(_, value)| !value.is_empty()) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    }

    fn cookie(&self, cookie: &str) -> String {
        cookie.replace("Path=/", &format!("Path=/phone/{}/{}/", self.app, self.host))
    }

    /// The page with the app's bridge in it. Links to this machine stay in the app.
    fn page(&self, html: &str, nonce: &str) -> String {
        let mut page = String::with_capacity(html.len());
        let mut rest = html;
        while let Some((before, attribute, after)) = next_link(rest) {
            let (link, behind) = after.split_once('"').unwrap_or((after, ""));
            let plain = link.replace("&amp;", "&");
            let stays = in_app(self.app, &plain).filter(|_| !plain.starts_with(&format!("http://{}/", self.own)));
            let link = stays.map_or_else(|| link.to_owned(), |link| escape(&link));
            page.push_str(before);
            page.push_str(attribute);
            page.push_str(&link);
            page.push('"');
            rest = behind;
        }
        page.push_str(rest);
        let bridge = format!("<head><script nonce=\"{}\">{}</script>", escape(nonce), BRIDGE.replace("{app}", self.app));
        page.replacen("<head>", &bridge, 1)
    }
}

/// The next attribute that holds an absolute address: what is before it, its name with the quote, and what follows.
fn next_link(html: &str) -> Option<(&str, &'static str, &str)> {
    let found = ["href=\"", "action=\""].into_iter().filter_map(|name| Some((html.find(&format!("{name}http://"))?, name)));
    let (at, name) = found.min()?;
    let (before, from) = html.split_at_checked(at)?;
    Some((before, name, from.get(name.len()..)?))
}

#[cfg(test)]
mod tests {
    use super::{Shown, here, in_app, is_ours};
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

    #[test]
    fn the_phone_opens_pages_of_this_machine_only() {
        for host in ["127.0.0.1:8080", "127.1.2.3:1", "[::1]:80", "localhost:8080", "localhost"] {
            assert!(here(host), "{host}");
        }
        for host in [
            "10.0.0.1:80",
            "169.254.169.254",
            "example.com",
            "localhost.example.com:80",
            "localhost:x",
            "127.0.0.1.example.com",
            "0.0.0.0:80",
            "",
        ] {
            assert!(!here(host), "{host}");
        }
        assert_eq!(in_app("wechat", "http://127.0.0.1:8080/q/A?lang=en").as_deref(), Some("/phone/wechat/127.0.0.1:8080/q/A?lang=en"));
        assert_eq!(in_app("wechat", "http://127.0.0.1:80@example.com/"), None);
        assert_eq!(in_app("wechat", "https://127.0.0.1/"), None);
    }

    #[test]
    fn another_site_pays_nothing_on_this_phone() {
        let judged = |method: &Method, given: &[(&'static str, &'static str)]| {
            let pairs = given.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            is_ours(method, &HeaderMap::from_iter(pairs))
        };
        let (here, own) = (("host", "127.0.0.1:9100"), ("origin", "http://127.0.0.1:9100"));
        assert!(judged(&Method::GET, &[here]) && judged(&Method::POST, &[here, own, ("sec-fetch-site", "same-origin")]));
        assert!(!judged(&Method::GET, &[("host", "rebound.example:9100")]));
        for foreign in [("origin", "https://evil.example"), ("origin", "http://127.0.0.1:8080"), ("sec-fetch-site", "cross-site")] {
            assert!(!judged(&Method::POST, &[here, foreign]), "{foreign:?}");
        }
    }

    #[test]
    fn links_stay_in_the_app_but_for_those_to_the_phone() {
        let shown = Shown { app: "alipay", host: "127.0.0.1:8080", own: "127.0.0.1:9100" };
        let html = "<head><a href=\"http://127.0.0.1:9102/x?a=1&amp;b=2\">x</a><form action=\"http://127.0.0.1:8080/y\"></form>\
                    <a href=\"http://127.0.0.1:9100/open\">z</a><a href=\"http://shop.example/\">s</a>";
        let page = shown.page(html, "n");
        for part in [
            "<script nonce=\"n\">",
            "href=\"/phone/alipay/127.0.0.1:9102/x?a=1&amp;b=2\"",
            "action=\"/phone/alipay/127.0.0.1:8080/y\"",
            "href=\"http://127.0.0.1:9100/open\"",
            "href=\"http://shop.example/\"",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(shown.cookie("a=b; Path=/identified; HttpOnly"), "a=b; Path=/phone/alipay/127.0.0.1:8080/identified; HttpOnly");
    }
}
