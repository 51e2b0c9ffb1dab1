//! Names become addresses here, judged at the moment of connecting: between check and connect nothing can change.

use super::{Policy, address_allowed};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

/// A look-up under way.
pub type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where names are looked up; tests put a lying one here.
pub trait Lookup: Send + Sync {
    fn lookup(&self, name: &str) -> Looking;
}

/// The machine's own resolver.
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> Looking {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Hands on only addresses that may be called. One refused address among the answers refuses the name: who mixes public
/// and private answers is trying which one we take.
pub struct Resolver {
    lookup: Arc<dyn Lookup>,
    policy: Policy,
}

impl Resolver {
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>, policy: Policy) -> Resolver {
        Resolver { lookup, policy }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, policy) = (self.lookup.lookup(name.as_str()), self.policy);
        Box::pin(async move {
            let found = looking.await?;
            for ip in &found {
                address_allowed(*ip, policy)?;
            }
            if found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into());
            }
            // Port 0: the client puts in the URL's own.
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
