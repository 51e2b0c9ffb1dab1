//! The bill of a day (section 2.4): first a signed link, then the file, a zip of CSV.
//!
//! What stands in the file is not in the pack (UNCONFIRMED): without the account's own `statement_columns` there is no statement. The
//! file is not signed, so it may only come from the bank's host or the one that the account names.

use crate::bill::{self, Columns};
use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call, TIMEOUT_MS, put, text};
use serde_json::{Map, Value};
use sluice_contract::{Day, Env, Notes, Refusal, Statement, Step};
use sluice_kit::archive::Limits;
use sluice_kit::ask::{Told, ask};
use sluice_kit::bill::zip;
use sluice_kit::ensure::ensure;
use sluice_kit::hosts::below;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

/// The most that may come out of a bill, read as it is unpacked.
const UNPACKED: Limits = Limits { files_max: 8, file_max_bytes: 3 << 30 };

/// The bill is the merchant's (`merId`): a provider's bindings are all in it.
pub(crate) fn statement(account: &Arc<Account>, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    let Some(columns) = &account.columns else { return Step::Refused(Refusal::unsupported("statement without statement_columns")) };
    let mut content = Map::new();
    put(&mut content, "merId", account.mer_id.as_str());
    put(&mut content, "billDate", day.compact());
    put(&mut content, "billType", "zip");
    let call = Call { api: "bill.link", path: "statementurl", content, key: None, timeout_ms: TIMEOUT_MS };
    ask(account, columns, wire::post(account, call, env), |account, columns, answer, _| match answer {
        Answer::Good(tree) => file(account, columns, &tree),
        Answer::Error(complaint) => Err(complaint.doubt(complaint.class(Api::Statement)?)),
    })
}

fn file(account: &Account, columns: &Columns, tree: &Value) -> Told<Statement> {
    let url = text(tree, "fileDownloadUrl").unwrap_or_default();
    let is_ours = std::iter::once(&account.base_url).chain(&account.file_base_url).any(|base| below(url, base).is_some());
    ensure(is_ours, || unreadable("fileDownloadUrl points at another host: see file_base_url"))?;
    let (columns, mer_id) = (columns.clone(), account.mer_id.clone());
    Ok(zip(url, UNPACKED, is_bill, move |files| match files.as_slice() {
        [] => Err("the archive has no bill in it"),
        _ => {
            let (columns, mer_id) = (columns.clone(), mer_id.clone());
            let rows = files.into_iter().flat_map(move |file| bill::rows(file.text, columns.clone(), mer_id.clone()));
            Ok(Statement::Rows(Box::new(rows)))
        }
    }))
}

/// Names may be GBK: only their end is looked at.
fn is_bill(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b".csv") || name.ends_with(b".txt")
}
