//! The body of a new order, checked field by field: every bad field is named at once.

use crate::domain::choice::CASHIER;
use crate::flow::place_order::{OrderRequest, fingerprint};
use crate::flow::{Gateway, MerchantEntry};
use crate::http::errors::Fail;
use crate::outbound::check_url;
use serde_json::{Map, Value};
use sluice_codes::payment::trimmed;
use sluice_codes::presented::looks_presented;
use sluice_contract::{Fen, Method, Payer, Reader, Terminal};
use std::net::IpAddr;

/// CONTRACT section 4.
pub const AMOUNT_MAX_FEN: i64 = 10_000_000_000;
const METADATA_KEYS_MAX: usize = 16;
const METADATA_TEXT_MAX: usize = 512;
const METADATA_BYTES_MAX: usize = 16 * 1024;
const URL_MAX: usize = 2048;
const AUTH_CODE_MAX: usize = 512;

/// The request, or every problem of it.
pub fn order(body: &Value, gateway: &Gateway, merchant: &MerchantEntry) -> Result<OrderRequest, Fail> {
    let reader = Reader::root("body", body);
    let request = OrderRequest {
        merchant_order_no: number(&reader, "merchant_order_no"),
        amount: amount(&reader),
        subject: need_plain(&reader, "subject", 127),
        method: reader.need_text("method").to_owned(),
        auth_code: auth_code(&reader),
        app_id: plain(&reader, "app_id", 64),
        payer: payer(&reader),
        store: plain(&reader, "store", 64),
        terminal: terminal(&reader),
        operator_id: plain(&reader, "operator_id", 64),
        auth_means: plain(&reader, "auth_means", 64),
        h5_type: plain(&reader, "h5_type", 32),
        client_ip: ip(&reader, "client_ip"),
        expires_in: reader.int("expires_in", 60..=604_800),
        notify_url: notify_url(&reader, gateway, merchant),
        return_url: return_url(&reader),
        account: plain(&reader, "account", 64),
        metadata: metadata(&reader),
        static_code: false,
        fingerprint: fingerprint(&pruned(body)),
    };
    if reader.text("currency").is_some_and(|currency| currency != "CNY") {
        reader.problem("currency", "must be CNY: there is no other currency");
    }
    let known = ["auto_barcode", CASHIER, ""].contains(&request.method.as_str()) || Method::from_word(&request.method).is_some();
    if !known {
        reader.problem("method", "is not a method; GET /v1/methods lists what this merchant can use");
    }
    reader.finish();
    crate::http::body::refuse(&reader)?;
    Ok(request)
}

/// A merchant's own number: 1 to 64 of `[A-Za-z0-9_.-]`.
pub fn number(reader: &Reader<'_>, field: &str) -> String {
    let text = reader.need_text(field);
    let fits = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if !fits {
        reader.problem(field, "must be 1 to 64 letters, digits, _ . or -");
    }
    text.to_owned()
}

/// Fen, required.
pub fn amount(reader: &Reader<'_>) -> Fen {
    if reader.raw("amount").is_none() {
        reader.missing("amount");
    }
    Fen(reader.int("amount", 1..=AMOUNT_MAX_FEN).unwrap_or_default())
}

/// Text without control characters, which break channels' XML and terminals.
pub fn plain(reader: &Reader<'_>, field: &str, max: usize) -> Option<String> {
    let text = reader.text_of(field, 1, max)?;
    if text.chars().any(char::is_control) {
        reader.problem(field, "must not hold control characters");
        return None;
    }
    Some(text.to_owned())
}

fn need_plain(reader: &Reader<'_>, field: &str, max: usize) -> String {
    if reader.raw(field).is_none() {
        reader.missing(field);
    }
    plain(reader, field, max).unwrap_or_default()
}

/// What the scanner read, without what scanners add around it. What it is, the recognition rules say.
fn auth_code(reader: &Reader<'_>) -> Option<String> {
    let text = trimmed(reader.text("auth_code")?);
    let is_code = (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    // A merchant's QR code scanned by mistake is told as such, later.
    let is_mistake = looks_presented(text) && text.len() <= AUTH_CODE_MAX;
    if !is_code && !is_mistake {
        reader.problem("auth_code", "must be the digits of a payment code, 32 at most");
        return None;
    }
    Some(text.to_owned())
}

fn payer(reader: &Reader<'_>) -> Payer {
    let Some(table) = reader.table("payer") else { return Payer::default() };
    let id = |field| plain(&table, field, 128);
    let payer =
        Payer { openid: id("openid"), buyer_id: id("buyer_id"), buyer_open_id: id("buyer_open_id"), customer_id: id("customer_id") };
    table.finish();
    payer
}

fn terminal(reader: &Reader<'_>) -> Option<Terminal> {
    let table = reader.table("terminal")?;
    let text = |field, max| plain(&table, field, max);
    let terminal = Terminal {
        id: text("id", 64),
        device_type: text("device_type", 32),
        serial_no: text("serial_no", 64),
        ip: ip(&table, "ip"),
        location: text("location", 128),
    };
    table.finish();
    Some(terminal)
}

fn ip(reader: &Reader<'_>, field: &str) -> Option<String> {
    let text = reader.text(field)?;
    if text.parse::<IpAddr>().is_err() {
        reader.problem(field, "must be an IP address");
        return None;
    }
    Some(text.to_owned())
}

fn notify_url(reader: &Reader<'_>, gateway: &Gateway, merchant: &MerchantEntry) -> Option<String> {
    let text = reader.text("notify_url")?;
    if let Err(refused) = check_url(text, gateway.notify_policy) {
        reader.problem("notify_url", refused.to_string());
    }
    if merchant.webhook_secret.is_none() {
        reader.problem("notify_url", "needs the merchant's webhook secret, which signs it: there is none yet");
    }
    Some(text.to_owned())
}

fn return_url(reader: &Reader<'_>) -> Option<String> {
    let text = reader.text("return_url")?;
    let plain = text.len() <= URL_MAX && text.bytes().all(|b| b.is_ascii_graphic());
    let parsed = url::Url::parse(text).ok().filter(|u| plain && matches!(u.scheme(), "http" | "https") && u.has_host());
    if parsed.is_none_or(|u| !u.username().is_empty() || u.password().is_some()) {
        reader.problem("return_url", "must be an absolute http or https URL without a user name, 2048 characters at most");
        return None;
    }
    Some(text.to_owned())
}

fn metadata(reader: &Reader<'_>) -> Map<String, Value> {
    let Some(table) = reader.table("metadata") else { return Map::new() };
    let names = table.names();
    let mut metadata = Map::new();
    for name in &names {
        let Some(value) = table.raw(name) else { continue };
        let fits = match value {
            Value::String(text) => text.chars().count() <= METADATA_TEXT_MAX,
            Value::Number(_) | Value::Bool(_) => true,
            _ => false,
        };
        if !fits {
            table.problem(name, "must be text of at most 512 characters, a number, true or false");
        }
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            reader.problem("metadata", "names must have 1 to 64 characters");
        }
        metadata.insert((*name).to_owned(), value.clone());
    }
    if names.len() > METADATA_KEYS_MAX {
        reader.problem("metadata", "may have at most 16 names");
    }
    if Value::Object(metadata.clone()).to_string().len() > METADATA_BYTES_MAX {
        reader.problem("metadata", "may have at most 16384 bytes in all");
    }
    metadata
}

/// The content of a body: fields by name, without nulls and what is empty without them. What says the same is the same.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut kept: Vec<(&String, Value)> = fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, pruned(v))).collect();
            kept.retain(|(_, v)| v.as_object().is_none_or(|o| !o.is_empty()));
            kept.sort_by(|a, b| a.0.cmp(b.0));
            Value::Object(kept.into_iter().map(|(k, v)| (k.clone(), v)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(pruned).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::pruned;
    use serde_json::json;

    #[test]
    fn absent_null_and_empty_are_the_same_content() {
        let bare = json!({"amount": 1, "subject": "x"});
        let full = json!({"subject": "x", "payer": {"openid": null, "buyer_id": null}, "store": null, "metadata": {}, "amount": 1});
        assert_eq!(pruned(&full).to_string(), pruned(&bare).to_string());
        assert_ne!(pruned(&json!({"payer": {"openid": "o"}})).to_string(), pruned(&json!({})).to_string());
    }
}
