//! The wire made of real sockets: one HTTP client per host and client certificate, made when first needed.
//!
//! HTTP/1.1 only, on purpose: a broken HTTP/2 connection would make every order multiplexed on it unknown at once.
//! Known and accepted: when a kept connection turns out closed before a request was taken off the queue, the library
//! opens another; nothing of that request had been written, so nothing is ever sent twice.

use super::redact::place;
use super::wire::{Sent, Wire, WireError};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, redirect, retry};
use sluice_contract::{Body, Headers, HttpReply, HttpRequest, Identity, Into, Verb};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use url::{Position, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Shorter than what channels' front ends keep open: a connection they close under a request makes that request unknown.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const IDLE_MAX_PER_HOST: usize = 64;
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);
/// Hosts come from config and from signed replies. More than this is no deployment of ours: start anew rather than grow.
const CLIENTS_MAX: usize = 64;

/// The real [`Wire`].
pub struct Clients {
    data_dir: PathBuf,
    connect_timeout: Duration,
    held: Mutex<BTreeMap<(String, String), Held>>,
    files: AtomicU64,
}

struct Held {
    /// Kept to notice a certificate that was renewed under the same id.
    identity: Option<Identity>,
    client: Client,
}

impl Clients {
    /// `data_dir` takes reply bodies that go to files; it is made when the first one comes. The caller removes the files.
    #[must_use]
    pub fn new(data_dir: impl std::convert::Into<PathBuf>) -> Clients {
        Clients { data_dir: data_dir.into(), connect_timeout: CONNECT_TIMEOUT, held: Mutex::default(), files: AtomicU64::new(0) }
    }

    /// Another limit for making a connection than 3 s.
    #[must_use]
    pub fn with_connect_timeout(self, connect_timeout: Duration) -> Clients {
        Clients { connect_timeout, ..self }
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpReply, WireError> {
        let shown = place(&request.url);
        let not_sent = |reason: String| WireError::NotSent(format!("{shown}: {reason}"));
        let maybe_sent = |reason: String| WireError::MaybeSent(format!("{shown}: {reason}"));
        let url = exact(&request.url).map_err(not_sent)?;
        let client = self.client(&url, request.identity.as_ref()).map_err(not_sent)?;
        let ready = ready(url, request).map_err(not_sent)?;
        let limit = Duration::from_millis(request.timeout_ms);
        let answered = async {
            let response = client.execute(ready).await.map_err(|error| match error.is_connect() {
                true => not_sent(told(error)),
                false => maybe_sent(told(error)),
            })?;
            self.take(response, request.into).await.map_err(maybe_sent)
        };
        match tokio::time::timeout(limit, answered).await {
            Ok(outcome) => outcome,
            Err(_) => Err(maybe_sent(format!("no complete reply within {} ms", request.timeout_ms))),
        }
    }

    fn client(&self, url: &Url, identity: Option<&Identity>) -> Result<Client, String> {
        let host = url[Position::BeforeScheme..Position::BeforePath].to_owned();
        let key = (host, identity.map(|i| i.id.clone()).unwrap_or_default());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = held.get(&key).filter(|known| known.identity.as_ref() == identity) {
            return Ok(known.client.clone());
        }
        let client = self.make(identity)?;
        if held.len() >= CLIENTS_MAX {
            held.clear();
        }
        held.insert(key, Held { identity: identity.cloned(), client: client.clone() });
        Ok(client)
    }

    fn make(&self, identity: Option<&Identity>) -> Result<Client, String> {
        let mut builder = bare()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX_PER_HOST)
            .tcp_keepalive(TCP_KEEPALIVE);
        if let Some(identity) = identity {
            let read = reqwest::Identity::from_pem(identity.pem.as_bytes());
            // The library's text is left out: it was made from the key.
            let read = read.map_err(|_| format!("the client certificate {} is no PEM of a certificate and a PKCS#8 key", identity.id))?;
            builder = builder.identity(read);
        }
        builder.build().map_err(|error| format!("no HTTP client could be made: {}", told(error)))
    }

    async fn take(&self, mut response: Response, into: Into) -> Result<HttpReply, String> {
        let status = response.status().as_u16();
        let headers = Headers(response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect());
        let body = match into {
            Into::Memory { max_bytes } => {
                let mut pieces = Pieces::of(&mut response, max_bytes)?;
                let mut bytes = Vec::new();
                while let Some(piece) = pieces.next().await? {
                    bytes.extend_from_slice(piece.as_ref());
                }
                Body::Bytes(bytes)
            }
            Into::File { max_bytes } => Body::File(self.save(Pieces::of(&mut response, max_bytes)?).await?),
        };
        Ok(HttpReply { status, headers, body })
    }

    async fn save(&self, mut pieces: Pieces<'_>) -> Result<PathBuf, String> {
        let failed = |error: std::io::Error| format!("the reply could not be saved in the data folder: {error}");
        tokio::fs::create_dir_all(&self.data_dir).await.map_err(failed)?;
        let (mut file, partial) = self.new_file().await.map_err(failed)?;
        while let Some(piece) = pieces.next().await? {
            file.write_all(piece.as_ref()).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        Ok(partial.whole())
    }

    async fn new_file(&self) -> std::io::Result<(tokio::fs::File, Partial)> {
        loop {
            let number = self.files.fetch_add(1, Ordering::Relaxed);
            let path = self.data_dir.join(format!("reply-{}-{number}.tmp", std::process::id()));
            // Bills name payers: nobody else may read them. A name left over from an earlier process is skipped.
            match tokio::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).await {
                Ok(file) => return Ok((file, Partial(Some(path)))),
                Err(taken) if taken.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Wire for Clients {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> Sent<'a> {
        Box::pin(self.exchange(request))
    }
}

/// Removes files of reply bodies: they name payers.
pub fn remove_saved(files: &[PathBuf]) {
    for file in files {
        if let Err(error) = std::fs::remove_file(file) {
            tracing::warn!(file = %file.display(), %error, "a saved reply could not be removed");
        }
    }
}

/// A client that does what it is told and nothing else. Shared with the merchants' courier.
#[expect(clippy::disallowed_methods, reason = "this is the room of sockets going out")]
pub(super) fn bare() -> reqwest::ClientBuilder {
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .http1_only()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
}

/// The URL, if the client will send it byte for byte as the channel signed it.
fn exact(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
    let path_from = text.find("://").and_then(|at| at.checked_add(3)).and_then(|from| Some(from + text.get(from..)?.find('/')?));
    let signed = path_from.and_then(|from| text.get(from..)).ok_or("the URL has no path")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL holds a user: give credentials in the account, not in the URL".into());
    }
    if &url[Position::BeforePath..] != signed || url.fragment().is_some() {
        return Err("the URL would not be sent as it was signed: percent-encode it in the channel".into());
    }
    Ok(url)
}

fn ready(url: Url, request: &HttpRequest) -> Result<reqwest::Request, String> {
    let method = match request.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
    };
    let mut ready = reqwest::Request::new(method, url);
    *ready.headers_mut() = header_lines(&request.headers.0)?;
    if request.verb == Verb::Post || !request.body.is_empty() {
        *ready.body_mut() = Some(request.body.clone().into());
    }
    Ok(ready)
}

/// The lines as the client wants them. A value is never shown: it may be an authorisation.
pub(super) fn header_lines(lines: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in lines {
        let written = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| format!("the value of the header {name} cannot be sent"))?;
        map.append(written, value);
    }
    Ok(map)
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// A reply's body, piece by piece, and an error once it is larger than allowed.
struct Pieces<'a> {
    response: &'a mut Response,
    max_bytes: u64,
    left: u64,
}

impl Pieces<'_> {
    fn of(response: &mut Response, max_bytes: u64) -> Result<Pieces<'_>, String> {
        let announced = response.content_length().unwrap_or_default();
        let pieces = Pieces { response, max_bytes, left: max_bytes };
        if announced > max_bytes { Err(pieces.too_large()) } else { Ok(pieces) }
    }

    async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + Send + use<>>, String> {
        let piece = self.response.chunk().await.map_err(|error| format!("the reply broke off: {}", told(error)))?;
        let size = piece.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.left = self.left.checked_sub(size).ok_or_else(|| self.too_large())?;
        Ok(piece)
    }

    fn too_large(&self) -> String {
        format!("the reply is larger than {} bytes", self.max_bytes)
    }
}

/// An error and its causes, without the URL: its query may hold secrets.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// Removes an unfinished file when the exchange fails or is dropped at its deadline.
struct Partial(Option<PathBuf>);

impl Partial {
    fn whole(mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = self.0.as_deref().map(Path::to_owned) {
            // Nothing to be done about a file that is already gone.
            let _ = std::fs::remove_file(path);
        }
    }
}
