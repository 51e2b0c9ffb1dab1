//! People who sign in: operators as records of the store, with a password and a second factor, and their sessions. Who may do what is not
//! here: a signed-in operator has a role, and `ops::gate` knows what roles may call.
//!
//! The same name as an `[[operator]]` of `sluice.toml` is the same person: where two have to agree, the token counts as him too.

pub mod code;
pub mod guesses;
pub mod operator;
pub mod password;
pub mod session;

pub use guesses::Guesses;
pub use operator::{Made, Person};
pub use session::Session;

use crate::flow::Gateway;
use crate::http::errors::Fail;
use crate::store::{Audit, Command, Outcome, Record};
use serde_json::{Value, json};
use sluice_contract::Millis;

/// Things that happen once: a code of the second factor, an act of a form.
const ONCE: &str = "once";

/// Whether this is the first time, at any node.
pub async fn once(gateway: &Gateway, what: &str) -> Result<bool, Fail> {
    let record = Record { kind: ONCE.into(), id: what.to_owned(), doc: Some(json!({"at": gateway.now()})) };
    let command = Command::PutRecords { records: vec![record], audit: Vec::new(), only_new: true };
    Ok(!matches!(gateway.store.submit(command).await?, Outcome::Known))
}

/// Stores records with the lines that tell of it. Nothing of them is in the directory: it stays.
async fn put(gateway: &Gateway, records: Vec<Record>, audit: Vec<Audit>) -> Result<(), Fail> {
    gateway.store.submit(Command::PutRecords { records, audit, only_new: false }).await?;
    Ok(())
}

fn moment(doc: &Value, field: &str) -> Millis {
    Millis(doc.get(field).and_then(Value::as_i64).unwrap_or_default())
}

fn text(doc: &Value, field: &str) -> String {
    doc.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
