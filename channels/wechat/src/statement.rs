//! The trade bill of a day (pack §9): first a signed link, then the unsigned file, judged by its SHA-1.

use crate::bill::rows;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Complaint, Unsealed, text};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use sha1::{Digest, Sha1};
use sluice_contract::{Body, Day, Env, Exchange, FailureCode, HttpReply, Into as Keep, Notes, Reading, Statement, Step, Why, WhyKind};
use sluice_kit::bill::TIMEOUT_MS;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;

/// The most a bill may have, packed.
const FILE_MAX_BYTES: u64 = 512 << 20;
/// The most it may have unpacked: a bill packs about ten to one; more is a bomb.
const TEXT_MAX_BYTES: u64 = 8 << 30;

pub(crate) fn statement(account: &Arc<Account>, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    // A provider's bill holds all its sub-merchants when none is named.
    let sub = sub.and_then(|sub| sub.get("sub_mchid")).map(|id| format!("&sub_mchid={}", wire::encode(id))).unwrap_or_default();
    let request = wire::get(account, "bill.link", &format!("/v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP{sub}"), env);
    wire::send(account, request, link)
}

fn link(account: &Arc<Account>, reply: &HttpReply, env: &Env<'_>) -> Reading<Statement> {
    let tree = match wire::answer(account, reply, env) {
        Ok(Answer::Good(tree)) => tree,
        Ok(Answer::Error(complaint)) => return Reading::Is(refused(&complaint)),
        Err(wire::Doubt::Keys(hint)) => return Reading::NeedKeys(hint),
        Err(wire::Doubt::Why(why)) => return Reading::Is(Statement::Unknown(why)),
    };
    file_of(account, &tree, env).unwrap_or_else(|note| Reading::Is(Statement::Unknown(unreadable(note))))
}

/// The second exchange. The link must point at the host we talk to: our signature goes nowhere else.
fn file_of(account: &Arc<Account>, tree: &Value, env: &Env<'_>) -> Result<Reading<Statement>, &'static str> {
    let is_sha1 = text(tree, "hash_type").is_some_and(|kind| kind.eq_ignore_ascii_case("SHA1"));
    let hash = text(tree, "hash_value").and_then(|hash| hex::decode(hash).ok()).filter(|hash| is_sha1 && hash.len() == 20);
    let hash = hash.ok_or("the link has no SHA-1 of the file")?;
    let url = text(tree, "download_url").ok_or("the link has no download_url")?;
    let target = url.strip_prefix(&account.base_url).filter(|rest| rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic()));
    let target = target.ok_or("the download_url points at another host")?;
    let mut request = wire::get(account, "bill.file", target, env).map_err(|_| "the download could not be signed")?;
    request.into = Keep::File { max_bytes: FILE_MAX_BYTES };
    request.timeout_ms = TIMEOUT_MS;
    Ok(Reading::Then(Exchange::new(request, move |reply, _| Reading::Is(checked(reply, &hash)))))
}

fn refused(complaint: &Complaint) -> Statement {
    match complaint.class(Api::Bill, Unsealed::DecidesNothing) {
        // The only failure a bill has: no trade that day.
        Ok(Class::Fail(FailureCode::RequestInvalid, _)) => Statement::Empty,
        Ok(Class::Retry) => Statement::NotYet,
        Ok(class) => Statement::Unknown(complaint.doubt(class)),
        Err(why) => Statement::Unknown(why),
    }
}

/// The file is read twice: once to know that it is the one the link promised, once row by row.
fn checked(reply: &HttpReply, hash: &[u8]) -> Statement {
    if reply.status != 200 {
        return Statement::Unknown(unreadable("the file could not be fetched: ask for a new link"));
    }
    match (sha1_of(&reply.body), unpacked(&reply.body)) {
        (Ok(found), Ok(text)) if found == hash => Statement::Rows(Box::new(rows(text))),
        (Ok(_), Ok(_)) => Statement::Unknown(Why::new(WhyKind::BadSignature, "the file is not the one the link promised: SHA-1 differs")),
        _ => Statement::Unknown(unreadable("the file cannot be read or is too large")),
    }
}

fn sha1_of(body: &Body) -> io::Result<Vec<u8>> {
    let mut text = unpacked(body)?;
    let mut sha1 = Sha1::new();
    let mut chunk = vec![0; 64 * 1024];
    let mut total = 0_u64;
    loop {
        let read = text.read(&mut chunk)?;
        if read == 0 {
            return Ok(sha1.finalize().to_vec());
        }
        total = total.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if total > TEXT_MAX_BYTES {
            return Err(io::Error::other("the bill is too large"));
        }
        sha1.update(chunk.get(..read).unwrap_or_default());
    }
}

/// The text of a body that may be packed: told by its first two bytes, not by a header.
fn unpacked(body: &Body) -> io::Result<Box<dyn Read + Send>> {
    let is_gzip = |first: &[u8]| first == [0x1f, 0x8b];
    Ok(match body {
        Body::Bytes(bytes) if bytes.get(..2).is_some_and(is_gzip) => Box::new(MultiGzDecoder::new(Cursor::new(bytes.clone()))),
        Body::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        Body::File(path) => {
            let mut first = Vec::new();
            File::open(path)?.take(2).read_to_end(&mut first)?;
            let file = BufReader::new(File::open(path)?);
            if is_gzip(&first) { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) }
        }
    })
}
