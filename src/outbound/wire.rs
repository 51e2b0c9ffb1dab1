//! The one way out to a channel, behind a trait that the seeded simulation replaces.

use sluice_contract::{HttpReply, HttpRequest};
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A request on its way.
pub type Sent<'a> = Pin<Box<dyn Future<Output = Result<HttpReply, WireError>> + Send + 'a>>;

/// Sends one request once: no retries, no redirects, no proxy, no decompression. Every reply is an `Ok`, whatever its status.
pub trait Wire: Send + Sync {
    fn send<'a>(&'a self, request: &'a HttpRequest) -> Sent<'a>;
}

/// Why there is no reply. The texts are for operators: they hold no URL query, no header, no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Provably nothing was sent (no connection was made): safe to repeat or to fail over.
    NotSent(String),
    /// Bytes may have travelled: ask under the same number, never repeat under another.
    MaybeSent(String),
}

impl WireError {
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            WireError::NotSent(text) | WireError::MaybeSent(text) => text,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self {
            WireError::NotSent(_) => "not sent",
            WireError::MaybeSent(_) => "maybe sent",
        };
        write!(f, "{class}: {}", self.text())
    }
}

impl std::error::Error for WireError {}
