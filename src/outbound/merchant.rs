//! Delivers one notification to a merchant's server: guarded, bounded in time and bytes, once.
//!
//! The merchant's answer is its status: 2xx is taken, whatever the body does then. The body is read a little way, for
//! the operator who has to explain a failure, and can neither hold us past the deadline nor fill memory.

use super::client::{bare, header_lines};
use super::guard::{Lookup, Policy, Refused, Resolver, SystemLookup, check_url};
use reqwest::{Client, Method, Response};
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// In all: look-up, connection, request, answer.
const DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const READ_BYTES_MAX: usize = 4096;
const SNIPPET_BYTES_MAX: usize = 2048;
/// What one merchant may have in flight (`worker::MERCHANT_IN_FLIGHT_MAX`), kept for a short while: merchants are many.
const IDLE_MAX_PER_HOST: usize = 16;
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// One notification, signed already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub outcome: Outcome,
    pub status: Option<u16>,
    /// The beginning of the answer, at most 2 KiB; foreign text, escape it where it is shown.
    pub snippet: String,
    /// By the monotonic clock.
    pub ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx: the merchant took it.
    Ok,
    /// Another status, a redirect among them: try again later.
    Status(u16),
    /// The guard refused the URL or what it resolves to; nothing was sent.
    Refused(String),
    /// No answer.
    Failed(Lost),
}

/// How an answer failed to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No connection: unknown name, refused, no TLS.
    NotConnected,
    /// Nothing within the deadline.
    TimedOut,
    /// The connection broke before a status came.
    Broken,
    /// The notification itself cannot be sent: a header that HTTP does not allow.
    Unsendable,
}

impl Lost {
    /// The word for logs and the store.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Lost::NotConnected => "not_connected",
            Lost::TimedOut => "timed_out",
            Lost::Broken => "broken",
            Lost::Unsendable => "unsendable",
        }
    }
}

/// Takes a notification to its merchant.
pub trait Courier: Send + Sync {
    fn deliver<'a>(&'a self, post: &'a Post) -> Pin<Box<dyn Future<Output = Delivered> + Send + 'a>>;
}

/// The courier with real sockets.
pub struct HttpCourier {
    client: Client,
    policy: Policy,
    deadline: Duration,
}

impl HttpCourier {
    /// An error only if the machine's certificate store cannot be used.
    pub fn new(policy: Policy) -> Result<HttpCourier, String> {
        HttpCourier::with(policy, Arc::new(SystemLookup), DEADLINE)
    }

    /// With another resolver and deadline than the system's and 10 s.
    pub fn with(policy: Policy, lookup: Arc<dyn Lookup>, deadline: Duration) -> Result<HttpCourier, String> {
        let client = bare()
            .dns_resolver(Arc::new(Resolver::new(lookup, policy)))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build()
            .map_err(|error| format!("no HTTP client for notifications could be made: {error}"))?;
        Ok(HttpCourier { client, policy, deadline })
    }

    async fn carry(&self, post: &Post) -> Delivered {
        let started = Instant::now();
        let ends = started + self.deadline;
        let answered = tokio::time::timeout_at(ends, self.ask(post)).await;
        let (outcome, status, snippet) = match answered.unwrap_or(Err(Outcome::Failed(Lost::TimedOut))) {
            Ok(response) => {
                let status = response.status();
                let outcome = if status.is_success() { Outcome::Ok } else { Outcome::Status(status.as_u16()) };
                (outcome, Some(status.as_u16()), snippet(response, ends).await)
            }
            Err(outcome) => (outcome, None, String::new()),
        };
        Delivered { outcome, status, snippet, ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    /// Judges the URL again: it was allowed when it was stored, under the policy of that day.
    async fn ask(&self, post: &Post) -> Result<Response, Outcome> {
        let target = check_url(&post.url, self.policy).map_err(|refused| Outcome::Refused(refused.to_string()))?;
        let mut request = reqwest::Request::new(Method::POST, target.url);
        *request.headers_mut() = header_lines(&post.headers).map_err(|_| Outcome::Failed(Lost::Unsendable))?;
        *request.body_mut() = Some(post.body.clone().into());
        self.client.execute(request).await.map_err(|error| match (refusal(&error), error.is_connect()) {
            (Some(refused), _) => Outcome::Refused(refused.to_string()),
            (None, true) => Outcome::Failed(Lost::NotConnected),
            (None, false) => Outcome::Failed(Lost::Broken),
        })
    }
}

impl Courier for HttpCourier {
    fn deliver<'a>(&'a self, post: &'a Post) -> Pin<Box<dyn Future<Output = Delivered> + Send + 'a>> {
        Box::pin(self.carry(post))
    }
}

/// The guard's word, if it was the resolver that refused.
fn refusal(error: &reqwest::Error) -> Option<Refused> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return Some(*refused);
        }
        cause = inner.source();
    }
    None
}

/// What came of the body by the deadline, or until it broke or was enough. The rest is dropped with its connection.
async fn snippet(mut response: Response, ends: Instant) -> String {
    let mut read = Vec::new();
    while read.len() < READ_BYTES_MAX {
        match tokio::time::timeout_at(ends, response.chunk()).await {
            Ok(Ok(Some(chunk))) => read.extend(chunk.iter().take(READ_BYTES_MAX.saturating_sub(read.len()))),
            _ => break,
        }
    }
    let mut text = String::from_utf8_lossy(&read).into_owned();
    text.truncate(text.floor_char_boundary(SNIPPET_BYTES_MAX));
    text
}
