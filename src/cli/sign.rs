//! `sign`: prints a ready signed curl command. The signature is good for 300 seconds and for one use. `--explain` shows first what is
//! signed, line by line, so that it can be laid beside what another client signs.

use super::Failed;
use crate::clock::{Clock, SystemChance, SystemClock, random};
use crate::merchant_auth::help::visible;
use crate::merchant_auth::{Request, canonical, curl_line, sign};
use sha2::{Digest, Sha256};

/// What the command line says.
pub struct Arguments {
    pub key_id: String,
    pub secret: String,
    pub base_url: String,
    pub method: String,
    pub path: String,
    pub body: Option<String>,
    pub explain: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failed> {
    let Arguments { key_id, secret, base_url, method, path, body, explain } = arguments;
    if !matches!(method.as_str(), "GET" | "POST") {
        return Err(Failed::Usage(format!("METHOD must be GET or POST, not {method:?}")));
    }
    if !path.starts_with('/') {
        return Err(Failed::Usage(format!("PATH must begin with /: {path:?}")));
    }
    let moment = Moment::now();
    let request = moment.request(method, path, body.as_deref().unwrap_or_default());
    if *explain {
        explained(secret, &request).iter().for_each(|line| println!("{line}"));
    }
    println!("{}", curl_line(base_url.trim_end_matches('/'), key_id, secret, &request));
    Ok(())
}

pub(super) fn line(base_url: &str, key_id: &str, secret: &str, method: &str, path: &str, body: &str) -> String {
    curl_line(base_url, key_id, secret, &Moment::now().request(method, path, body))
}

/// When a request is signed, and its nonce.
struct Moment {
    timestamp: String,
    nonce: String,
}

impl Moment {
    fn now() -> Moment {
        Moment { timestamp: SystemClock.now().second().0.to_string(), nonce: hex::encode(random::<16>(&SystemChance)) }
    }

    fn request<'a>(&'a self, method: &'a str, path_and_query: &'a str, body: &'a str) -> Request<'a> {
        Request { method, path_and_query, timestamp: &self.timestamp, nonce: &self.nonce, body: body.as_bytes() }
    }
}

/// The five lines, each with its own line feed made visible; a line feed within the body stays within its line.
fn explained(secret: &str, request: &Request<'_>) -> Vec<String> {
    let Request { method, path_and_query, timestamp, nonce, body } = *request;
    let fields = [method.as_bytes(), path_and_query.as_bytes(), timestamp.as_bytes(), nonce.as_bytes(), body];
    let mut lines: Vec<String> = fields.iter().map(|field| format!("{}\\n", visible(field))).collect();
    lines.push(String::new());
    lines.push(format!("string to sign  {} bytes", canonical(request).len()));
    lines.push(format!("body            {} bytes, SHA-256 {}", body.len(), hex::encode(Sha256::digest(body))));
    lines.push(format!("signature       {}", sign(secret, request)));
    lines.push(String::new());
    lines
}

#[cfg(test)]
mod tests {
    use super::{Request, explained};

    #[test]
    fn five_lines_are_shown_with_their_line_feeds() {
        let request = Request { method: "POST", path_and_query: "/v1/orders", timestamp: "1", nonce: "n", body: b"{\n}" };
        let lines = explained("secret", &request);
        assert_eq!(lines[..5], ["POST\\n", "/v1/orders\\n", "1\\n", "n\\n", "{\\n}\\n"]);
        assert!(lines[6].contains("24 bytes") && lines[8].contains(&crate::merchant_auth::sign("secret", &request)), "{lines:?}");
    }
}
