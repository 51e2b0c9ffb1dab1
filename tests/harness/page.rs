//! A payer with a browser: reads our pages as a person without a script does, presses their buttons and follows their redirects.

use super::client::{Answer, http, send};
use super::payer::content;
use super::World;
use serde_json::{Map, Value, json};

pub const WECHAT: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148 MicroMessenger/8.0.44";
pub const ALIPAY: &str = "Mozilla/5.0 (Linux; Android 14) Mobile AlipayClient/10.5.80";
pub const UNIONPAY: &str = "Mozilla/5.0 (Linux; Android 14) Mobile UnionPay/1.0 CloudPay";
pub const PHONE: &str = "Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36";
pub const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140";

#[derive(Clone, Debug)]
pub struct Payer {
    pub http: reqwest::Client,
    /// The page's address.
    pub url: String,
    pub agent: &'static str,
    pub lang: &'static str,
}

/// A page as it came.
#[derive(Debug)]
pub struct Seen {
    pub answer: Answer,
    pub html: String,
}

impl Payer {
    /// The payer of an order, with the app or browser of this `User-Agent`.
    pub fn of(order: &Value, agent: &'static str) -> Payer {
        let url = order["receipt_url"].as_str().unwrap_or_else(|| panic!("no page: {order}")).to_owned();
        Payer { http: http(), url, agent, lang: "zh" }
    }

    fn request(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method, url).header("user-agent", self.agent).header("accept-language", self.lang)
    }

    pub async fn get(&self, query: &str) -> Seen {
        Seen::of(send(self.request(reqwest::Method::GET, &format!("{}{query}", self.url))).await.unwrap())
    }

    pub async fn look(&self) -> Seen {
        self.get("").await
    }

    pub async fn state(&self) -> String {
        let answer = send(self.request(reqwest::Method::GET, &format!("{}/state", self.url))).await.unwrap();
        answer.expect(200)["state"].as_str().unwrap().to_owned()
    }

    /// A form of the page is sent; the answer itself.
    pub async fn post(&self, body: &str) -> Answer {
        send(self.request(reqwest::Method::POST, &self.url).body(body.to_owned())).await.unwrap()
    }

    /// Presses a way's button and looks at what comes of it.
    pub async fn choose(&self, method: &str) -> Seen {
        let answer = self.post(&format!("method={method}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        let (seen, at) = self.follow(answer).await;
        assert!(at.starts_with(&self.url), "{at}");
        seen
    }

    /// Follows redirects to their end, with the cookies that are set on the way; the last page and its address.
    pub async fn follow(&self, answer: Answer) -> (Seen, String) {
        let (mut answer, mut at, mut cookies) = (answer, self.url.clone(), Vec::new());
        for _ in 0..8 {
            let to = answer.header("location").to_owned();
            if to.is_empty() {
                break;
            }
            cookies.extend(answer.header("set-cookie").split(';').next().filter(|cookie| !cookie.is_empty()).map(str::to_owned));
            at = to.split('#').next().unwrap().to_owned();
            answer = self.visit(&at, &cookies.join("; ")).await;
        }
        (Seen::of(answer), at)
    }

    /// One page, with these cookies; nothing is followed.
    pub async fn visit(&self, url: &str, cookies: &str) -> Answer {
        let request = self.request(reqwest::Method::GET, url);
        let request = if cookies.is_empty() { request } else { request.header("cookie", cookies) };
        send(request).await.unwrap()
    }

    /// A payer who has scanned a store's code.
    pub fn at(url: &str, agent: &'static str) -> Payer {
        Payer { http: http(), url: url.to_owned(), agent, lang: "zh" }
    }

    /// Types an amount into a load of a store's page and sends it off.
    pub async fn order(&self, load: &str, amount: &str) -> Answer {
        let amount: String = url::form_urlencoded::byte_serialize(amount.as_bytes()).collect();
        self.post(&format!("load={load}&amount={amount}&note=")).await
    }
}

impl Seen {
    fn of(answer: Answer) -> Seen {
        let html = answer.text();
        Seen { answer, html }
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Seen {
        assert!(self.html.contains(text), "{text} is not shown: {}", self.html);
        self
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Seen {
        assert!(!self.html.contains(text), "{text} is shown: {}", self.html);
        self
    }

    pub fn title(&self) -> &str {
        between(&self.html, "<title>", "</title>").unwrap_or_default()
    }

    /// Which load of a store's page it is.
    pub fn load(&self) -> String {
        between(&self.html, "name=\"load\" value=\"", "\"").unwrap_or_else(|| panic!("no form: {}", self.html)).to_owned()
    }

    /// The methods of the buttons.
    pub fn ways(&self) -> Vec<String> {
        self.html.split("name=\"method\" value=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    }

    /// What the page gives the payer to act on, but for a code, which only a camera reads.
    pub fn action(&self) -> Option<Value> {
        if let Some(params) = between(&self.html, "data-params=\"", "\"") {
            return Some(json!({"type": "jsapi", "params": serde_json::from_str::<Value>(&plain(params)).unwrap()}));
        }
        if let Some(form) = between(&self.html, "<form method=\"post\" action=\"http", "</form>") {
            let url = format!("http{}", plain(form.split('"').next().unwrap()));
            let inputs = form.split("<input type=\"hidden\" name=\"").skip(1);
            let pair = |input: &str| Some((plain(input.split('"').next()?), json!(plain(between(input, "value=\"", "\"")?))));
            return Some(json!({"type": "form", "url": url, "fields": Map::from_iter(inputs.filter_map(pair))}));
        }
        let url = between(&self.html, "<a class=\"act\" href=\"", "\"")?;
        Some(json!({"type": "redirect", "url": plain(url)}))
    }
}

/// Pays what the payer has chosen: by what the page shows, or for a code by what the camera reads in it.
pub async fn pay_shown(world: &World, id: &str, seen: &Seen) -> Answer {
    let shown = seen.action().filter(|_| !seen.html.contains("class=\"qr\"")).as_ref().and_then(content);
    let content = match shown {
        Some(content) => content,
        None => newest_code(world, id).await,
    };
    world.control.scan(&content, "pay").await
}

/// What a camera makes of the newest code.
pub async fn newest_code(world: &World, id: &str) -> String {
    let order = world.demo.expanded(id).await;
    let newest = order["attempts"].as_array().unwrap().last().unwrap();
    format!("{}:{}", newest["channel"].as_str().unwrap(), newest["channel_order_no"].as_str().unwrap())
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(found, _)| found)
}

fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, character);
    }
    text
}
