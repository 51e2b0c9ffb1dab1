//! The trade bill of a day (pack §9): first a signed link, then the unsigned file, judged by its SHA-1.

use crate::bill::rows;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Call, Complaint, text};
use flate2::bufread::MultiGzDecoder;
use serde_json::Value;
use sha1::{Digest, Sha1};
use sluice_contract::{
    Body, Day, Env, Exchange, FailureCode, HttpReply, HttpRequest, Into as Keep, Notes, Reading, Statement, Step, Why, WhyKind,
};
use sluice_kit::ask::ask;
use sluice_kit::bill::TIMEOUT_MS;
use sluice_kit::hosts::below;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

/// The most a bill may have, packed.
const FILE_MAX_BYTES: u64 = 512 << 20;
/// It unpacks to less than this: a bill packs about ten to one; more is a bomb.
const TEXT_MAX_BYTES: u64 = 8 << 30;

pub(crate) fn statement(account: &Arc<Account>, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    // A provider's bill holds all its sub-merchants when none is named.
    let sub = sub.and_then(|sub| sub.get("sub_mchid")).map(|id| format!("&sub_mchid={}", wire::encode(id))).unwrap_or_default();
    let target = format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP{sub}");
    ask(account, &day, wire::request(account, Call::get("bill.link", target), env), |account, _, answer, env| match answer {
        Answer::Good(tree) => file_of(account, &tree, env).map_err(unreadable),
        Answer::Error(complaint) => refused(&complaint).map(Reading::Is),
    })
}

/// The second exchange. The link must point at the host we talk to: our signature goes nowhere else.
fn file_of(account: &Arc<Account>, tree: &Value, env: &Env<'_>) -> Result<Reading<Statement>, &'static str> {
    let is_sha1 = text(tree, "hash_type").is_some_and(|kind| kind.eq_ignore_ascii_case("SHA1"));
    let hash = text(tree, "hash_value").and_then(|hash| hex::decode(hash).ok()).filter(|hash| is_sha1 && hash.len() == 20);
    let hash = hash.ok_or("the link has no SHA-1 of the file")?;
    let url = text(tree, "download_url").ok_or("the link has no download_url")?;
    let target = below(url, &account.base_url).ok_or("the download_url points at another host")?;
    let request = wire::request(account, Call::get("bill.file", target.to_owned()), env).map_err(|_| "the download could not be signed")?;
    let request = HttpRequest { into: Keep::File { max_bytes: FILE_MAX_BYTES }, timeout_ms: TIMEOUT_MS, ..request };
    let account = Arc::clone(account);
    Ok(Reading::Then(Exchange::new(request, move |reply, _| Reading::Is(checked(&account, reply, &hash)))))
}

fn refused(complaint: &Complaint) -> Result<Statement, Why> {
    match complaint.class(Api::Bill)? {
        // The only failure a bill has: no trade that day.
        Class::Fail(FailureCode::RequestInvalid, _) => Ok(Statement::Empty),
        Class::Retry => Ok(Statement::NotYet),
        class => Err(complaint.doubt(class)),
    }
}

/// The file is read twice: once to know that it is the one the link promised, once row by row.
fn checked(account: &Account, reply: &HttpReply, hash: &[u8]) -> Statement {
    if reply.status != 200 {
        return Statement::Unknown(unreadable("the file could not be fetched: ask for a new link"));
    }
    match (sha1_of(&reply.body), unpacked(&reply.body)) {
        (Ok(found), Ok(text)) if found == hash => Statement::Rows(Box::new(rows(text, account))),
        (Ok(_), Ok(_)) => Statement::Unknown(Why::new(WhyKind::BadSignature, "the file is not the one the link promised: SHA-1 differs")),
        _ => Statement::Unknown(unreadable("the file cannot be read or is too large")),
    }
}

fn sha1_of(body: &Body) -> io::Result<Vec<u8>> {
    let mut text = BufReader::with_capacity(64 * 1024, unpacked(body)?.take(TEXT_MAX_BYTES));
    let mut sha1 = Sha1::new();
    while let chunk @ [_, ..] = text.fill_buf()? {
        sha1.update(chunk);
        let read = chunk.len();
        text.consume(read);
    }
    if text.get_ref().limit() == 0 { Err(io::Error::other("the bill is too large")) } else { Ok(sha1.finalize().to_vec()) }
}

/// The text of a body that may be packed: told by its first two bytes, not by a header.
fn unpacked(body: &Body) -> io::Result<Box<dyn Read + Send>> {
    let bytes: Box<dyn Read + Send> = match body {
        Body::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        Body::File(path) => Box::new(File::open(path)?),
    };
    let mut bytes = BufReader::new(bytes);
    let is_gzip = bytes.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_gzip { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) })
}
