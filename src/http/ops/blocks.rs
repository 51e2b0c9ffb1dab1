//! The block list of risk control. Payers and customers are kept as keyed hashes, which also name them among a limit's subjects.

use super::change::{change, merchant, records};
use super::gate::Who;
use crate::domain::risk::{Block, BlockKind};
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::Reader;
use std::net::IpAddr;

/// List blocks
#[utoipa::path(get, path = "/ops/v1/blocks", operation_id = "opsListBlocks", tag = "ops",
    responses((status = 200, description = "Who and what is blocked", body = Value)))]
pub async fn list_blocks(State(app): State<App>, _: Who) -> Reply {
    let rows = records(&app.gateway, "block").await?;
    Ok(ok(&json!({"data": rows.into_iter().map(|(id, doc)| row(&id, doc)).collect::<Vec<_>>()})))
}

fn row(id: &str, mut doc: Value) -> Value {
    if let Some(fields) = doc.as_object_mut() {
        fields.insert("id".into(), id.into());
    }
    doc
}

/// Block a payer, a customer, an address or payment codes
#[utoipa::path(post, path = "/ops/v1/blocks", operation_id = "opsPutBlock", tag = "ops",
    request_body(content = Value, description = "`kind`: payer (any id of the payer), customer (with `merchant`), ip, auth_code_prefix; `value`; `reason`"),
    responses((status = 200, description = "The block, in force", body = Value)))]
pub async fn put_block(State(app): State<App>, who: Who, headers: HeaderMap, bytes: Bytes) -> Reply {
    let (block, reason) = asked(&app, &body::json(&headers, &bytes)?)?;
    let id = format!("{}:{}", kind_word(block.kind), block.value.replace('/', "_"));
    let mut doc = serde_json::to_value(&block).map_err(|e| Refused::inner(e.to_string()))?;
    if let Some(fields) = doc.as_object_mut() {
        fields.insert("reason".into(), reason.as_str().into());
        fields.insert("created_at".into(), app.gateway.now().rfc3339().into());
    }
    let put = vec![Record { kind: "block".into(), id: id.clone(), doc: Some(doc.clone()) }];
    change(&app, &who, put, "block.put", &id, json!({"reason": reason})).await?;
    Ok(ok(&row(&id, doc)))
}

fn asked(app: &App, body: &Value) -> Result<(Block, String), Fail> {
    let reader = Reader::root("body", body);
    let block = asked_block(app, &reader)?;
    let reason = reader.need_text("reason").to_owned();
    reader.finish();
    body::refuse(&reader)?;
    Ok((block, reason))
}

/// Lift a block
#[utoipa::path(delete, path = "/ops/v1/blocks/{id}", operation_id = "opsDeleteBlock", tag = "ops",
    params(("id" = String, Path, description = "As the list names it")),
    responses((status = 200, description = "Lifted", body = Value)))]
pub async fn delete_block(State(app): State<App>, who: Who, Path(id): Path<String>) -> Reply {
    if !records(&app.gateway, "block").await?.iter().any(|(known, _)| *known == id) {
        return Err(Fail::new(Code::NotFound, "there is no such block"));
    }
    let put = vec![Record { kind: "block".into(), id: id.clone(), doc: None }];
    change(&app, &who, put, "block.delete", &id, json!({})).await?;
    Ok(ok(&json!({"id": id, "lifted": true})))
}

const KINDS: [(&str, BlockKind); 4] = [
    ("payer", BlockKind::Payer),
    ("customer", BlockKind::Customer),
    ("ip", BlockKind::Ip),
    ("auth_code_prefix", BlockKind::AuthCodePrefix),
];

fn kind_word(kind: BlockKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(word, _)| word)
}

fn asked_block(app: &App, reader: &Reader<'_>) -> Result<Block, Fail> {
    let (word, value) = (reader.need_text("kind"), reader.need_text("value"));
    let of = reader.text("merchant");
    let kind = KINDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
    let Some(kind) = kind else {
        if !word.is_empty() {
            reader.problem("kind", "must be payer, customer, ip or auth_code_prefix");
        }
        return Ok(Block { kind: BlockKind::Ip, value: String::new() });
    };
    let value = match kind {
        BlockKind::Payer => app.gateway.payer_hash(value),
        BlockKind::Customer => match of {
            Some(id) => {
                merchant(app, id)?;
                app.gateway.customer_hash(id, value)
            }
            None => {
                reader.problem("merchant", "is required: a customer is a merchant's own");
                String::new()
            }
        },
        BlockKind::Ip => match value.parse::<IpAddr>() {
            Ok(ip) => ip.to_canonical().to_string(),
            Err(_) => {
                reader.problem("value", "must be an IP address");
                String::new()
            }
        },
        BlockKind::AuthCodePrefix => {
            if !(2..=24).contains(&value.len()) || !value.bytes().all(|b| b.is_ascii_digit()) {
                reader.problem("value", "must be the first 2 to 24 digits of payment codes");
            }
            value.to_owned()
        }
    };
    Ok(Block { kind, value })
}
