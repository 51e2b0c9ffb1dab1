//! A man in the middle of the line to the channel. He passes everything on, and keeps the channel's confirmation of a close: it is
//! signed over an empty body and names no order, so he can answer another order's close with it, which the channel then never hears of.
//! That order is closed here and can be paid there: late money.

use super::client::http;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};

type Heard = (StatusCode, HeaderMap);

#[derive(Default)]
struct Line {
    channel: Mutex<String>,
    /// The last close that the channel confirmed.
    confirmation: Mutex<Option<Heard>>,
    lying: Mutex<bool>,
}

pub struct Middle {
    pub url: String,
    line: Arc<Line>,
    server: tokio::task::JoinHandle<()>,
}

impl Middle {
    pub async fn open() -> Middle {
        let line = Arc::new(Line::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&line));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Middle { url, line, server }
    }

    /// An edit of `channels.toml` that puts him between the gateway and the channel.
    pub fn stands_between(&self) -> impl Fn(String) -> String + 'static {
        let (line, url) = (Arc::clone(&self.line), self.url.clone());
        move |old| {
            let file: toml::Table = old.parse().unwrap();
            let channel = file["account"][0]["base_url"].as_str().unwrap().to_owned();
            let edited = old.replace(&format!("\"{channel}\""), &format!("\"{url}\""));
            *line.channel.lock().unwrap() = channel;
            edited
        }
    }

    /// Whether closes are confirmed by him from now on. The channel must have confirmed one before.
    pub fn lies(&self, lying: bool) {
        assert!(self.line.confirmation.lock().unwrap().is_some(), "no close was confirmed yet");
        *self.line.lying.lock().unwrap() = lying;
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(line): State<Arc<Line>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let closes = uri.path().ends_with("/close");
    let kept = line.confirmation.lock().unwrap().clone().filter(|_| closes && *line.lying.lock().unwrap());
    if let Some(confirmation) = kept {
        return confirmation.into_response();
    }
    let url = format!("{}{uri}", line.channel.lock().unwrap());
    let mut request = http().request(method, url).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| passed(name)) {
        request = request.header(name, value);
    }
    let Ok(answer) = request.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let status = answer.status();
    let lines = answer.headers().iter().filter(|(name, _)| passed(name));
    let lines: HeaderMap = lines.map(|(name, value): (&HeaderName, &HeaderValue)| (name.clone(), value.clone())).collect();
    let body = answer.bytes().await.unwrap_or_default();
    if closes && status == StatusCode::NO_CONTENT {
        *line.confirmation.lock().unwrap() = Some((status, lines.clone()));
    }
    (status, lines, body).into_response()
}

fn passed(name: &HeaderName) -> bool {
    !matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding")
}
