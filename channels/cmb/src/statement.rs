//! The bill of a day (section 2.4): first a signed link, then the file, a zip of CSV.
//!
//! What stands in the file is not in the pack (UNCONFIRMED): without the account's own `statement_columns` there is no statement. The
//! file is not signed, so it may only come from the bank's host or the one that the account names.

use crate::bill;
use crate::codes::Api;
use crate::config::Account;
use crate::wire::{self, Answer, Call, TIMEOUT_MS, put, text};
use serde_json::Map;
use sluice_contract::{Day, Env, HttpReply, Notes, Reading, Refusal, Statement, Step};
use sluice_kit::archive::Limits;
use sluice_kit::bill::zip;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

/// The most that may come out of a bill.
const UNPACKED: Limits = Limits { files_max: 8, file_max_bytes: 128 << 20 };

/// The bill is the merchant's (`merId`): a provider's bindings are all in it.
pub(crate) fn statement(account: &Arc<Account>, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    if account.columns.is_none() {
        return Step::Refused(Refusal::unsupported("statement without statement_columns"));
    }
    let mut content = Map::new();
    put(&mut content, "merId", account.mer_id.as_str());
    put(&mut content, "billDate", day.compact());
    put(&mut content, "billType", "zip");
    let call = Call { api: "bill.link", path: "statementurl", content, key: None, timeout_ms: TIMEOUT_MS };
    wire::send(account, wire::post(account, call, env), |account, reply, _| link(account, reply))
}

fn link(account: &Account, reply: &HttpReply) -> Reading<Statement> {
    let tree = match wire::answer(account, reply) {
        Ok(Answer::Good(tree)) => tree,
        Ok(Answer::Error(complaint)) => {
            return Reading::Is(Statement::Unknown(match complaint.class(Api::Statement) {
                Ok(class) => complaint.doubt(class),
                Err(why) => why,
            }));
        }
        Err(why) => return Reading::Is(Statement::Unknown(why)),
    };
    let url = text(&tree, "fileDownloadUrl").unwrap_or_default();
    let hosts = [Some(&account.base_url), account.file_base_url.as_ref()];
    let below = |host: &String| url.strip_prefix(host.as_str()).is_some_and(|rest| rest.starts_with('/'));
    let Some(columns) =
        account.columns.clone().filter(|_| url.bytes().all(|b| b.is_ascii_graphic()) && hosts.into_iter().flatten().any(below))
    else {
        return Reading::Is(Statement::Unknown(unreadable("fileDownloadUrl points at another host: see file_base_url")));
    };
    zip(url, UNPACKED, is_bill, move |files| match files.as_slice() {
        [] => Err("the archive has no bill in it"),
        _ => {
            let columns = columns.clone();
            Ok(Statement::Rows(Box::new(files.into_iter().flat_map(move |file| bill::rows(&file.bytes, &columns)))))
        }
    })
}

/// Names may be GBK: only their end is looked at.
fn is_bill(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b".csv") || name.ends_with(b".txt")
}
