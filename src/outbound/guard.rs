//! Whom a notification may be sent to: the guard against server-side request forgery.
//!
//! Three locks, all needed: [`check_url`] judges the text and literal addresses (a client does not ask its resolver
//! about those), [`Resolver`] judges what a name resolves to at the moment of connecting and the connection goes to the
//! very address that was judged, and the courier follows no redirect. Reasons are fixed texts: what an internal name
//! resolves to is not told to the one who asked.

mod addresses;
mod resolver;

pub use addresses::address_allowed;
pub use resolver::{Looking, Lookup, Resolver, SystemLookup};

use std::net::IpAddr;
use url::{Host, Url};

/// What is opened. Both closed is production.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Opens loopback, RFC 1918, ULA and local names (and http). Never link-local, metadata, 0/8 or multicast.
    pub allow_private_addresses: bool,
    /// Opens http to public addresses.
    pub allow_http: bool,
}

/// Why not, as the end of a sentence about the URL: "`notify_url` must be …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub &'static str);

/// A URL that passed. Send to `url`: it is the canonical form of what was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub url: Url,
    pub port: u16,
}

const LENGTH_MAX: usize = 2048;

/// Judges a merchant's URL as text. Called when an order or a merchant gives it and again whenever it is used.
pub fn check_url(text: &str, policy: Policy) -> Result<Target, Refused> {
    if text.len() > LENGTH_MAX {
        return Err(Refused("must have at most 2048 characters"));
    }
    // Parsers skip tabs and line ends and read `\` as `/`: whoever looks at the text must see what will be called.
    if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Err(Refused("must be ASCII without spaces and backslashes: percent-encode the path, write the host in punycode"));
    }
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        text.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).and_then(|_| text.get(scheme.len()..))
    });
    let rest = rest.ok_or(Refused("must begin with https://"))?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(Refused("must name a host"));
    }
    if authority.contains('@') {
        return Err(Refused("must not hold a user or password"));
    }
    let url = Url::parse(text).map_err(|_| Refused("must be a valid URL"))?;
    if url.scheme() != "https" && !policy.allow_http && !policy.allow_private_addresses {
        return Err(Refused("must begin with https://"));
    }
    if url.fragment().is_some() {
        return Err(Refused("must not have a fragment"));
    }
    let port = check_port(&url)?;
    match url.host() {
        Some(Host::Ipv4(ip)) => address_allowed(IpAddr::V4(ip), policy)?,
        Some(Host::Ipv6(ip)) => address_allowed(IpAddr::V6(ip), policy)?,
        Some(Host::Domain(name)) => check_name(name, policy)?,
        None => return Err(Refused("must name a host")),
    }
    Ok(Target { url, port })
}

/// Below 1024 live services that are not the merchant's web server: mail, ssh, name servers.
fn check_port(url: &Url) -> Result<u16, Refused> {
    match url.port_or_known_default() {
        Some(port @ (80 | 443 | 1024..)) => Ok(port),
        _ => Err(Refused("must use port 443, 80 or one from 1024 up")),
    }
}

/// Names that never leave a private network. Whatever else resolves inwards is caught by the resolver.
const LOCAL_ENDS: &[&str] = &[".localhost", ".localdomain", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa"];
const METADATA_NAMES: &[&str] = &["metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"];

/// `name` is canonical: lower case, percent-decoded, by the URL parser.
fn check_name(name: &str, policy: Policy) -> Result<(), Refused> {
    if name.ends_with('.') {
        return Err(Refused("must name the host without a trailing dot"));
    }
    if METADATA_NAMES.contains(&name) {
        return Err(Refused("must not name a metadata service"));
    }
    let is_local = !name.contains('.') || LOCAL_ENDS.iter().any(|end| name.ends_with(end));
    if is_local && !policy.allow_private_addresses {
        return Err(Refused("must name a host on the public internet"));
    }
    Ok(())
}
