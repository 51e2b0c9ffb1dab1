//! `sign`: prints a ready signed curl command. The signature is good for 300 seconds and for one use.

use super::Failed;
use crate::clock::{Clock, SystemChance, SystemClock, random};
use crate::merchant_auth::{Request, curl_line};

pub fn run(key_id: &str, secret: &str, base_url: &str, method: &str, path: &str, body: Option<&str>) -> Result<(), Failed> {
    if !matches!(method, "GET" | "POST") {
        return Err(Failed::Usage(format!("METHOD must be GET or POST, not {method:?}")));
    }
    if !path.starts_with('/') {
        return Err(Failed::Usage(format!("PATH must begin with /: {path:?}")));
    }
    println!("{}", line(base_url.trim_end_matches('/'), key_id, secret, method, path, body.unwrap_or_default()));
    Ok(())
}

pub(super) fn line(base_url: &str, key_id: &str, secret: &str, method: &str, path: &str, body: &str) -> String {
    let nonce = hex::encode(random::<16>(&SystemChance));
    let timestamp = SystemClock.now().second().0.to_string();
    let request = Request { method, path_and_query: path, timestamp: &timestamp, nonce: &nonce, body: body.as_bytes() };
    curl_line(base_url, key_id, secret, &request)
}
