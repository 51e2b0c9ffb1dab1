//! The bill of a day (section 2.4): first a signed link, then the file, a zip of CSV.
//!
//! What stands in the file is not in the pack (UNCONFIRMED): without the account's own `statement_columns` there is no statement. The
//! file is not signed, so it may only come from the bank's host or the one that the account names.

use crate::bill::{self, Columns};
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Call, TIMEOUT_MS, USER_AGENT, put, text};
use serde_json::Map;
use sluice_contract::{
    Body, Day, Env, Exchange, Headers, HttpReply, HttpRequest, Into as Keep, Reading, Refusal, Statement, Step, Verb, Why, WhyKind,
};
use sluice_kit::archive::{Limits, unzip};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// The most a bill may have, packed; it is unpacked in memory, so that is bounded too.
const FILE_MAX_BYTES: u64 = 64 << 20;
const UNPACKED: Limits = Limits { files_max: 8, file_max_bytes: 128 << 20 };
const FILE_TIMEOUT_MS: u64 = 300_000;

pub(crate) fn statement(account: &Arc<Account>, day: Day, env: &Env<'_>) -> Step<Statement> {
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
                Ok(Class::Config) => complaint.why(WhyKind::Configuration),
                Ok(_) => complaint.why(WhyKind::Pending),
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
        return Reading::Is(unknown(WhyKind::Unreadable, "fileDownloadUrl points at another host: see file_base_url"));
    };
    let request = HttpRequest {
        api: "bill.file",
        verb: Verb::Get,
        url: url.to_owned(),
        headers: Headers::new(&[("User-Agent", USER_AGENT)]),
        body: Vec::new(),
        identity: None,
        into: Keep::File { max_bytes: FILE_MAX_BYTES },
        timeout_ms: FILE_TIMEOUT_MS,
    };
    Reading::Then(Exchange::new(request, move |reply, _| Reading::Is(rows(reply, &columns))))
}

fn rows(reply: &HttpReply, columns: &Columns) -> Statement {
    if reply.status != 200 {
        return unknown(WhyKind::Unreadable, "the file could not be fetched: ask for a new link");
    }
    let Some(packed) = bytes(&reply.body) else { return unknown(WhyKind::Unreadable, "the file cannot be read or is too large") };
    match unzip(&packed, UNPACKED, is_bill) {
        Ok(files) if files.is_empty() => unknown(WhyKind::Unreadable, "the archive has no bill in it"),
        Ok(files) => {
            let columns = columns.clone();
            Statement::Rows(Box::new(files.into_iter().flat_map(move |file| bill::rows(&file.bytes, &columns))))
        }
        Err(note) => unknown(WhyKind::Unreadable, note),
    }
}

/// Names may be GBK: only their end is looked at.
fn is_bill(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b".csv") || name.ends_with(b".txt")
}

fn bytes(body: &Body) -> Option<Vec<u8>> {
    let path = match body {
        Body::Bytes(bytes) => return Some(bytes.clone()),
        Body::File(path) => path,
    };
    let mut bytes = Vec::new();
    let read = File::open(path).ok()?.take(FILE_MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    u64::try_from(read).is_ok_and(|read| read <= FILE_MAX_BYTES).then_some(bytes)
}

fn unknown(kind: WhyKind, note: &str) -> Statement {
    Statement::Unknown(Why::new(kind, note))
}
