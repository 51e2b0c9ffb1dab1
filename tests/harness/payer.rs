//! What a payer's phone makes of an order's action, whatever the channel: the text that a scan of the sandbox takes.

use serde_json::Value;

/// QR text and links as they are; a form as the address its browser would open; an app's parameters as the text its SDK is given.
pub fn content(action: &Value) -> Option<String> {
    let pairs = |fields: &Value| {
        let fields = fields.as_object()?;
        let encoded = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value.as_str().unwrap_or_default())));
        Some(encoded.collect::<Vec<_>>().join("&"))
    };
    match action["type"].as_str()? {
        "qr_code" => action["content"].as_str().map(str::to_owned),
        "redirect" => action["url"].as_str().map(str::to_owned),
        "form" => {
            let url = action["url"].as_str()?;
            let joint = if url.contains('?') { '&' } else { '?' };
            Some(format!("{url}{joint}{}", pairs(&action["fields"])?))
        }
        "jsapi" | "app" => {
            let params = &action["params"];
            let whole = ["orderString", "tn", "tradeNO", "prepayid", "package"].iter().find_map(|name| params[name].as_str());
            whole.map(str::to_owned).or_else(|| pairs(params))
        }
        _ => None,
    }
}

fn escape(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
