//! Bindings: which accounts a merchant may use, and as whom. A direct account belongs to exactly one merchant: a second one would be
//! collecting through another's account (二清).

use super::change::{change, merchant};
use super::gate::Who;
use crate::domain::merchant::Binding;
use crate::flow::bindings::key_id;
use crate::flow::{Account, Code, Directory, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::store::Record;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sluice_contract::{Method, Notes, Reader};

/// List a merchant's bindings
#[utoipa::path(get, path = "/ops/v1/merchants/{id}/bindings", operation_id = "opsListBindings", tag = "ops",
    params(("id" = String, Path, description = "The merchant's id")),
    responses((status = 200, description = "Bindings; secret fields of `sub` are covered", body = Value)))]
pub async fn list_bindings(State(app): State<App>, _: Who, Path(id): Path<String>) -> Reply {
    let directory = app.gateway.directory.load_full();
    let data: Vec<Value> = merchant(&app, &id)?.bindings.iter().map(|binding| shown(&directory, binding)).collect();
    Ok(ok(&json!({"data": data})))
}

/// Without what only the channel may read.
fn shown(directory: &Directory, binding: &Binding) -> Value {
    let fields = directory.account(&binding.account).map(|a| a.channel.profile().sub_fields.as_slice());
    // A field that no channel explains may be a secret.
    let open = |name: &str| fields.is_some_and(|fields| fields.iter().any(|f| f.name == name && !f.secret));
    let sub: Notes = binding.sub.iter().map(|(k, v)| (k.clone(), if open(k) { v.clone() } else { "…".to_owned() })).collect();
    json!({
        "account": binding.account, "sub": sub, "methods": binding.methods, "enabled": binding.enabled, "rank": binding.rank,
        "off_because": binding.off_because,
    })
}

/// Bind a merchant to an account, or change the binding
///
/// `rank` is the merchant's order of its accounts: a payment code that several could charge goes to the first. Without it a binding
/// keeps its place, and a new one goes to the end.
#[utoipa::path(put, path = "/ops/v1/merchants/{id}/bindings/{account}", operation_id = "opsPutBinding", tag = "ops", request_body = Value,
    params(("id" = String, Path, description = "The merchant's id"), ("account" = String, Path, description = "The account's id")),
    responses((status = 200, description = "The binding", body = Value)))]
pub async fn put_binding(
    State(app): State<App>,
    who: Who,
    Path((id, account_id)): Path<(String, String)>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Reply {
    merchant(&app, &id)?;
    let _one_at_a_time = app.changes.lock().await;
    let directory = app.gateway.directory.load_full();
    let account = directory.account(&account_id).ok_or_else(|| Fail::new(Code::NotFound, "there is no such account"))?;
    let binding = asked(&directory, account, &id, &body::json(&headers, &bytes)?)?;
    let shown = shown(&directory, &binding);
    let fields = &account.channel.profile().sub_fields;
    let mut put = vec![app.gateway.binding_record(&binding, fields).map_err(Refused::inner)?];
    // What was renewed of the former tokens must not come back over the ones just given.
    let tokens = account.channel.sub_keys(&binding.sub).items.into_iter();
    put.extend(tokens.map(|item| Record { kind: "channel_key".into(), id: key_id(&account.id, &item.id), doc: None }));
    change(&app, &who, put, "binding.put", &format!("{id}/{account_id}"), shown.clone()).await?;
    Ok(ok(&shown))
}

fn asked(directory: &Directory, account: &Account, merchant_id: &str, body: &Value) -> Result<Binding, Fail> {
    let reader = Reader::root("body", body);
    let binding = Binding {
        merchant_id: merchant_id.to_owned(),
        account: account.id.clone(),
        sub: sub(&reader),
        methods: methods(&reader, account),
        enabled: reader.flag("enabled").unwrap_or(true),
        rank: reader.int("rank", 0..=1_000_000).unwrap_or_else(|| rank(directory, account, merchant_id)),
        off_because: None,
    };
    for problem in account.channel.check_sub(&binding.sub) {
        let field = problem.field.strip_prefix("sub.").unwrap_or(&problem.field);
        reader.problem(&format!("sub.{field}"), problem.reason);
    }
    if let Some(other) = holder(directory, account, merchant_id) {
        reader
            .problem("account", format!("is a direct account of merchant {other}: another merchant would be collecting through it (二清)"));
    }
    reader.finish();
    body::refuse(&reader)?;
    Ok(binding)
}

/// A binding keeps its place; a new one goes to the end.
fn rank(directory: &Directory, account: &Account, merchant_id: &str) -> i64 {
    let Some(merchant) = directory.merchant(merchant_id) else { return 0 };
    let last = || merchant.bindings.iter().map(|b| b.rank).max().map_or(0, |rank| rank.saturating_add(1));
    merchant.binding(&account.id).map_or_else(last, |binding| binding.rank)
}

fn sub(reader: &Reader<'_>) -> Notes {
    let Some(table) = reader.table("sub") else { return Notes::new() };
    table.names().into_iter().filter_map(|name| Some((name.to_owned(), table.text(name)?.to_owned()))).collect()
}

fn methods(reader: &Reader<'_>, account: &Account) -> Option<Vec<Method>> {
    let words = reader.texts("methods")?;
    let known = |word: &&str| Method::from_word(word).filter(|method| account.methods.contains(method));
    let methods: Vec<Method> = words.iter().filter_map(known).collect();
    if methods.len() != words.len() || methods.is_empty() {
        reader.problem("methods", "must name methods of this account; leave it out to allow all of them");
    }
    Some(methods)
}

/// The other merchant that a direct account belongs to: its owner, or whoever is bound to it already.
fn holder(directory: &Directory, account: &Account, merchant_id: &str) -> Option<String> {
    let direct = account.channel.check_sub(&Notes::new()).is_empty();
    if account.sandbox || !direct {
        return None;
    }
    let owner = account.owner.clone();
    let bound = || directory.merchants.values().find(|m| m.merchant.id != merchant_id && m.binding(&account.id).is_some());
    owner.filter(|owner| owner != merchant_id).or_else(|| bound().map(|m| m.merchant.id.clone()))
}
