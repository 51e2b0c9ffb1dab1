//! What travels: requests out, replies back, callbacks in. Bytes only; no meaning and no socket.

use crate::channel::Env;
use crate::verbs::Reading;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
}

impl Verb {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
        }
    }
}

/// Header lines in order. Names compare without case, as HTTP demands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    #[must_use]
    pub fn new(lines: &[(&str, &str)]) -> Headers {
        Headers(lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The first value of a header, or `None`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a header that must stand there exactly once: a doubled one is an attack, not a choice.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

/// A client certificate for mutual TLS. `id` names it, so that the outbound room can keep one client per identity.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    /// Certificate chain and PKCS#8 key, PEM.
    pub pem: String,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({})", self.id)
    }
}

/// Where the reply's body goes, with the most bytes it may have. More is an unreadable reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    Memory { max_bytes: u64 },
    File { max_bytes: u64 },
}

/// Its `Debug` shows neither query, headers nor body: secrets and payer ids travel there.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The API's name for logs and the trail, without ids: `native.create`.
    pub api: &'static str,
    pub verb: Verb,
    /// Absolute, percent-encoded exactly as it was signed.
    pub url: String,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub identity: Option<Identity>,
    pub into: Into,
    pub timeout_ms: u64,
}

impl HttpRequest {
    /// The address without its query.
    #[must_use]
    pub fn place(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} ({} bytes)", self.api, self.verb.word(), self.place(), self.body.len())
    }
}

/// A reply's body. `File` holds only a 2xx body; any other body stays in memory, 64 KiB at most.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Body::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Body::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    pub status: u16,
    pub headers: Headers,
    pub body: Body,
}

impl HttpReply {
    #[must_use]
    pub fn new(status: u16, headers: &[(&str, &str)], body: impl std::convert::Into<Vec<u8>>) -> HttpReply {
        HttpReply { status, headers: Headers::new(headers), body: Body::Bytes(body.into()) }
    }

    /// The body's bytes; empty for one that went to a file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Bytes(bytes) => bytes,
            Body::File(_) => &[],
        }
    }

    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// A callback as it came: raw target (path and query), headers and bytes. Nothing was parsed yet.
#[derive(Clone, Copy, Debug)]
pub struct RawCallback<'a> {
    pub verb: Verb,
    pub target: &'a str,
    pub headers: &'a Headers,
    pub body: &'a [u8],
}

type Reader<T> = dyn Fn(&HttpReply, &Env<'_>) -> Reading<T> + Send + Sync;

/// One request and the only code that can read its reply. The reader may be called again with the same reply
/// (after a key renewal), so it must not consume anything.
pub struct Exchange<T> {
    pub request: HttpRequest,
    read: Box<Reader<T>>,
}

impl<T> Exchange<T> {
    pub fn new(request: HttpRequest, read: impl Fn(&HttpReply, &Env<'_>) -> Reading<T> + Send + Sync + 'static) -> Exchange<T> {
        Exchange { request, read: Box::new(read) }
    }

    /// What the reply means. `env` is fresh: its `now` is the time of reading, not of sending.
    #[must_use]
    pub fn read(&self, reply: &HttpReply, env: &Env<'_>) -> Reading<T> {
        (self.read)(reply, env)
    }
}

impl<T> std::fmt::Debug for Exchange<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Exchange({:?})", self.request)
    }
}
