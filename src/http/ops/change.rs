//! An operator's change: stored with its audit line in one command, in force when the call answers.

use super::gate::Who;
use crate::flow::{Code, Gateway, MerchantEntry, Refused};
use crate::http::App;
use crate::http::errors::Fail;
use crate::store::{Answer, Audit, Command, Query, Record};
use serde_json::Value;
use sluice_contract::Reader;
use std::sync::Arc;

const REASON_BYTES_MAX: usize = 512;

/// Stores records (or none) with what was done, and builds the directory anew.
pub async fn change(app: &App, who: &Who, records: Vec<Record>, act: &str, about: &str, detail: Value) -> Result<(), Fail> {
    let audit = vec![line(&app.gateway, who, act, about, detail)];
    app.gateway.store.submit(Command::PutRecords { records, audit, only_new: false }).await?;
    (app.refresh)().await.map_err(|e| Refused::inner(format!("the change is stored, but not in force: {e}")).into())
}

/// The audit line of something that is not stored as a record.
pub async fn note(app: &App, who: &Who, act: &str, about: &str, detail: Value) -> Result<(), Fail> {
    let audit = vec![line(&app.gateway, who, act, about, detail)];
    app.gateway.store.submit(Command::PutRecords { records: Vec::new(), audit, only_new: false }).await?;
    Ok(())
}

#[must_use]
pub fn line(gateway: &Gateway, who: &Who, act: &str, about: &str, detail: Value) -> Audit {
    Audit {
        at: gateway.now(),
        who: who.name.clone(),
        role: who.role.word().to_owned(),
        act: act.to_owned(),
        about: about.to_owned(),
        detail,
    }
}

/// Why an operator does it: required, and kept in the audit log.
pub fn reason(reader: &Reader<'_>) -> String {
    let reason = reader.need_text("reason");
    if reason.len() > REASON_BYTES_MAX {
        reader.problem("reason", format!("must have at most {REASON_BYTES_MAX} bytes"));
    }
    reason.to_owned()
}

/// All records of a kind.
pub async fn records(gateway: &Gateway, kind: &str) -> Result<Vec<(String, Value)>, Fail> {
    match gateway.store.read(Query::Records { kind: kind.to_owned() }).await? {
        Answer::Records(rows) => Ok(rows),
        _ => Err(Refused::inner("an unexpected answer to Records").into()),
    }
}

/// One record by its id.
pub async fn record(gateway: &Gateway, kind: &str, id: &str) -> Result<Option<Value>, Fail> {
    match gateway.store.read(Query::Record { kind: kind.to_owned(), id: id.to_owned() }).await? {
        Answer::Records(found) => Ok(found.into_iter().next().map(|(_, doc)| doc)),
        _ => Err(Refused::inner("an unexpected answer to Record").into()),
    }
}

/// A known merchant, or 404.
pub fn merchant(app: &App, id: &str) -> Result<Arc<MerchantEntry>, Fail> {
    let found = app.gateway.directory.load().merchant(id).cloned();
    found.ok_or_else(|| Fail::new(Code::NotFound, "there is no such merchant"))
}

/// Seals a secret for the store: hex.
pub fn sealed(gateway: &Gateway, purpose: &str, secret: &str) -> Result<String, Fail> {
    let sealed = gateway.sealer.seal(purpose, secret.as_bytes(), gateway.random()).map_err(|e| Refused::inner(e.to_string()))?;
    Ok(hex::encode(sealed))
}

/// An id in a path that is about to be made: 1 to 64 of `[A-Za-z0-9_-]`.
pub fn new_id(field: &str, id: &str) -> Result<(), Fail> {
    if crate::config::is_id(id) { Ok(()) } else { Err(Refused::field(field, "must be 1 to 64 letters, digits, _ or -").into()) }
}
