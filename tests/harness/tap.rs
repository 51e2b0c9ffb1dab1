//! A tap on the line by which the channel calls back: it keeps every callback as it came and passes it on, unless told to hold them.

use super::client::{Answer, http, send};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex};

/// A callback as the channel sent it.
#[derive(Clone, Debug)]
pub struct Raw {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn set(&mut self, name: &str, value: &str) {
        self.headers.iter_mut().filter(|(n, _)| n.eq_ignore_ascii_case(name)).for_each(|(_, v)| value.clone_into(v));
    }

    pub fn drop_header(&mut self, name: &str) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    pub fn get(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str()).unwrap_or_default()
    }

    /// Sends it to a gateway.
    pub async fn send(&self, gateway: &str) -> Answer {
        let mut request = http().post(format!("http://{gateway}{}", self.path)).body(self.body.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        send(request).await.unwrap()
    }
}

#[derive(Default)]
struct Line {
    gateway: Mutex<Option<String>>,
    held: Mutex<bool>,
    seen: Mutex<Vec<Raw>>,
}

pub struct Tap {
    pub url: String,
    line: Arc<Line>,
    server: tokio::task::JoinHandle<()>,
}

impl Tap {
    pub async fn open() -> Tap {
        let line = Arc::new(Line::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(Arc::clone(&line));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Tap { url, line, server }
    }

    /// Where to pass callbacks on to; until then they are refused.
    pub fn connect(&self, gateway: &str) {
        *self.line.gateway.lock().unwrap() = Some(gateway.to_owned());
    }

    pub fn hold(&self, held: bool) {
        *self.line.held.lock().unwrap() = held;
    }

    pub fn seen(&self) -> Vec<Raw> {
        self.line.seen.lock().unwrap().clone()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(line): State<Arc<Line>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let kept = |name: &str| !matches!(name, "host" | "content-length" | "connection" | "accept" | "user-agent");
    let lines = headers.iter().filter(|(n, _)| kept(n.as_str()));
    let lines = lines.map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    let raw = Raw { path: uri.to_string(), headers: lines, body: body.to_vec() };
    line.seen.lock().unwrap().push(raw.clone());
    let gateway = line.gateway.lock().unwrap().clone().filter(|_| !*line.held.lock().unwrap());
    match gateway {
        Some(gateway) => {
            let answer = raw.send(&gateway).await;
            (StatusCode::from_u16(answer.status).unwrap(), answer.body).into_response()
        }
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
