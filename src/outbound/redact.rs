//! What of an exchange may be shown. Allow-listed by name: a field nobody thought of stays hidden.

use serde_json::{Map, Value};

/// Names whose scalar values say how a payment stands and nothing about who paid or with which key. Of the channels'
/// own vocabularies: WeChat, Alipay, UnionPay. Not here on purpose: openid, auth_code, buyer ids, names, keys, tokens,
/// signatures, descriptions, attached data.
const SHOWN: &[&str] = &[
    "amount",
    "buyer_pay_amount",
    "channel_order_no",
    "channel_trade_no",
    "code",
    "currency",
    "err_code",
    "err_code_des",
    "field",
    "fund_change",
    "gmt_payment",
    "issue",
    "location",
    "mchid",
    "message",
    "msg",
    "orderId",
    "out_refund_no",
    "out_request_no",
    "out_trade_no",
    "payer_refund",
    "payer_total",
    "queryId",
    "receipt_amount",
    "refund",
    "refund_fee",
    "refund_id",
    "refund_status",
    "respCode",
    "respMsg",
    "result_code",
    "return_code",
    "return_msg",
    "serial_no",
    "settlement_refund",
    "status",
    "sub_code",
    "sub_mchid",
    "sub_msg",
    "success_time",
    "time_expire",
    "total",
    "total_amount",
    "total_fee",
    "trade_no",
    "trade_state",
    "trade_state_desc",
    "trade_status",
    "trade_type",
    "transaction_id",
    "txnAmt",
    "txnTime",
];

/// Larger bodies are bills or attacks: not worth parsing for a log line.
const PARSED_BYTES_MAX: usize = 64 * 1024;
const TEXT_CHARS_MAX: usize = 200;
const SHOWN_BYTES_MAX: usize = 2048;

/// The part of a body that may be logged: of JSON the allow-listed scalars in their places, of anything else its size.
#[must_use]
pub fn redact(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    let hidden = || format!("({} bytes)", body.len());
    if body.len() > PARSED_BYTES_MAX {
        return hidden();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(tree @ (Value::Object(_) | Value::Array(_))) => {
            let shown = kept(&tree).unwrap_or_else(|| Value::Object(Map::new())).to_string();
            if shown.len() > SHOWN_BYTES_MAX { hidden() } else { shown }
        }
        _ => hidden(),
    }
}

/// The tree without anything that is not allow-listed; `None` when nothing is left.
fn kept(tree: &Value) -> Option<Value> {
    match tree {
        Value::Object(fields) => {
            let shown: Map<String, Value> =
                fields.iter().filter_map(|(name, value)| kept_field(name, value).map(|v| (name.clone(), v))).collect();
            (!shown.is_empty()).then_some(Value::Object(shown))
        }
        Value::Array(items) => {
            let shown: Vec<Value> = items.iter().filter_map(kept).collect();
            (!shown.is_empty()).then_some(Value::Array(shown))
        }
        // A scalar is shown for its name only; in a list it has none.
        _ => None,
    }
}

fn kept_field(name: &str, value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) | Value::Array(_) => kept(value),
        _ if !SHOWN.contains(&name) => None,
        Value::String(text) => Some(Value::String(text.chars().take(TEXT_CHARS_MAX).collect())),
        scalar => Some(scalar.clone()),
    }
}

/// A URL without its query, fragment and user: queries of channels hold secrets and authorisation codes.
#[must_use]
pub fn place(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let shown = url.get(..end).unwrap_or_default();
    if shown.contains('@') { "(a URL with a user in it)" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::{place, redact};

    #[test]
    fn only_allow_listed_scalars_survive() {
        let body = r#"{"out_trade_no":"S1","openid":"oUpF8u","auth_code":"1300","payer":{"openid":"o1","sub_openid":"o2"},
            "amount":{"total":100,"payer_total":90,"bank":"x"},"code":"PARAM_ERROR","message":"bad","sign":"AAAA","buyer_id":"2088",
            "data":[{"serial_no":"5157","encrypt_certificate":{"ciphertext":"c","nonce":"n"}}],"scalars":["secret"],"access_token":"t"}"#;
        let shown = redact(body.as_bytes());
        assert_eq!(
            shown,
            r#"{"amount":{"payer_total":90,"total":100},"code":"PARAM_ERROR","data":[{"serial_no":"5157"}],"message":"bad","out_trade_no":"S1"}"#
        );
    }

    #[test]
    fn what_is_no_json_shows_its_size_only() {
        assert_eq!(redact(b""), "");
        assert_eq!(redact(b"<xml><openid>o</openid></xml>"), "(29 bytes)");
        assert_eq!(redact(b"\"a bare secret\""), "(15 bytes)");
        assert_eq!(redact(br#"{"openid":"o"}"#), "{}");
        assert_eq!(redact(&vec![b' '; 70_000]), "(70000 bytes)");
        let many = format!("[{}]", vec![r#"{"code":"A"}"#; 1000].join(","));
        assert_eq!(redact(many.as_bytes()), format!("({} bytes)", many.len()));
    }

    #[test]
    fn long_texts_are_cut() {
        let shown = redact(format!(r#"{{"message":"{}"}}"#, "错".repeat(500)).as_bytes());
        assert_eq!(shown.chars().filter(|c| *c == '错').count(), 200);
    }

    #[test]
    fn a_place_has_no_query_and_no_user() {
        assert_eq!(place("https://h/sns/token?appid=a&secret=s"), "https://h/sns/token");
        assert_eq!(place("https://h/p#frag?x"), "https://h/p");
        assert_eq!(place("https://u:p@h/"), "(a URL with a user in it)");
    }
}
