//! The statement of a clearing day (76, pack §2.9): one signed answer that carries base64 of zlib of a zip of GBK text.
//!
//! It comes from the file host into a file. The signature covers the content, so it is read twice: once to know that UnionPay has signed
//! it, once row by row. Of the content never more than a window is in memory, and every step of the unpacking is bounded.

use crate::bill::{self, Whose};
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::ids;
use crate::wire::{self, Said, get};
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use flate2::read::ZlibDecoder;
use sluice_contract::{Body, Day, Env, HttpReply, HttpRequest, Into as Keep, Notes, Reading, Refusal, Statement, Step, Why, WhyKind};
use sluice_kit::archive::{Limits, Member, members};
use sluice_kit::ask::{Unread, ask_by};
use sluice_kit::bill::TIMEOUT_MS;
use sluice_kit::blob::{Blob, Part};
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{Complaint as _, contradiction, no_answer, unreadable};
use sluice_kit::wire::notes;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

/// The most an answer may have, and the zip in it.
const REPLY_MAX_BYTES: u64 = 512 << 20;
const ZIP_MAX_BYTES: u64 = 384 << 20;
/// One statement of 600-byte rows, read as it is unpacked; more is a bomb.
const LIMITS: Limits = Limits { files_max: 64, file_max_bytes: 3 << 30 };
/// Everything in an answer but the content.
const FIELDS_MAX_BYTES: usize = 64 * 1024;
const CONTENT: &str = "fileContent";

/// An answer that UnionPay has signed: its fields, the content's among them empty, and where the content lies.
struct Answer {
    fields: Notes,
    content: Option<Part>,
    /// In memory or in a file: so is what is unpacked.
    body: Body,
}

pub(crate) fn statement(account: &Arc<Account>, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    ask_by(account, &day, request(account, day, env), judge, |account, day, answer, _| read(account, *day, &answer).map(Reading::Is))
}

/// MMDD of a day: settleDate has no year.
fn month_day(day: Day) -> String {
    day.compact().get(4..).unwrap_or_default().to_owned()
}

fn request(account: &Account, day: Day, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut fields = ids::own(account, "76", "01", env);
    fields.extend(notes([("settleDate", month_day(day).as_str()), ("fileType", "00")]));
    let request = wire::post(account, "bill", "/", &fields, TIMEOUT_MS)?;
    Ok(HttpRequest { url: format!("{}/", account.file_base_url), into: Keep::File { max_bytes: REPLY_MAX_BYTES }, ..request })
}

fn judge(account: &Account, reply: &HttpReply, env: &Env<'_>) -> Result<Answer, Unread> {
    let blob = Blob::of(&reply.body).map_err(|_| unreadable("the answer cannot be read"))?;
    ensure(reply.status == 200 && blob.length() > 0, || no_answer(reply))?;
    let (text, content) = apart(&blob).map_err(unreadable)?;
    let large = content.as_ref().map(|part| (CONTENT, part));
    let fields = wire::signed(account, &text, large, env)?;
    Ok(Answer { fields, content, body: reply.body.clone() })
}

/// The text without the content, and where that lies. The value of a field ends at the next `&`: base64 has no brackets that would hide one.
fn apart(blob: &Blob) -> Result<(Vec<u8>, Option<Part>), &'static str> {
    let mark = format!("&{CONTENT}=").into_bytes();
    let (mut all, mut text, mut at) = (BufReader::with_capacity(64 * 1024, blob.whole()), vec![b'&'], 0_u64);
    let mut content = None;
    loop {
        // One field at a time, with its `&`.
        let begin = at;
        let (mut length, mut whole) = (0_u64, false);
        let is_content = content.is_none() && text.ends_with(&mark);
        while !whole {
            let Ok(chunk) = all.fill_buf() else { return Err("the answer cannot be read") };
            let stop = chunk.iter().position(|byte| matches!(byte, b'&' | b'='));
            let piece = chunk.get(..stop.map_or(chunk.len(), |stop| stop.saturating_add(1))).unwrap_or_default();
            // `=` also pads the content.
            let ends = piece.last().is_some_and(|last| *last == b'&' || (*last == b'=' && !is_content));
            if !is_content {
                text.extend_from_slice(piece);
            } else if ends {
                text.push(b'&');
            }
            ensure(text.len() <= FIELDS_MAX_BYTES, || "the answer has fields of more than 64 KiB")?;
            let read = piece.len();
            length = length.saturating_add(u64::try_from(read).unwrap_or_default()).saturating_sub(u64::from(is_content && ends));
            at = at.saturating_add(u64::try_from(read).unwrap_or_default());
            whole = ends || read == 0;
            all.consume(read);
        }
        if is_content {
            content = Some(blob.part(begin..begin.saturating_add(length)));
        }
        if at >= blob.length() {
            text.remove(0);
            return Ok((text, content));
        }
        ensure(at > begin, || "the answer became shorter while it was read")?;
    }
}

fn read(account: &Account, day: Day, answer: &Answer) -> Result<Statement, Why> {
    let fields = &answer.fields;
    ids::expect(fields, &[("merId", &account.mer_id), ("txnType", "76"), ("settleDate", &month_day(day))])?;
    let said = Said::of(fields);
    match said.class(Api::Other)? {
        Class::Ok => rows(account, day, get(fields, "fileName"), answer),
        // 98, no such file: not ready, or nothing happened that day; the pack does not tell the two apart. 37: asked too often.
        Class::Retry => Ok(Statement::NotYet),
        Class::Config | Class::Fail(..) => Err(said.why(WhyKind::Configuration)),
        class => Err(said.doubt(class)),
    }
}

fn rows(account: &Account, day: Day, name: &str, answer: &Answer) -> Result<Statement, Why> {
    // `<merId>_<YYYYMMDD>.zip`: the only place that tells the year.
    ensure(name.contains(&day.compact()), || contradiction("fileName"))?;
    let content = answer.content.clone().ok_or_else(|| unreadable("the answer has no fileContent"))?;
    let archive = unpacked(content, &answer.body).map_err(unreadable)?;
    let found = ours(&archive, &account.mer_id, day).map_err(unreadable)?;
    let [member] = <[Member; 1]>::try_from(found).map_err(|_| unreadable("the archive holds no ZM file of that day"))?;
    Ok(Statement::Rows(Box::new(bill::rows(member.text, Whose { day, mer_id: account.mer_id.clone() }))))
}

/// The normal transactions; the errors and disputes beside them (`88ZME_`) are no rows of ours, and other members are ignored.
fn ours(archive: &Blob, mer_id: &str, day: Day) -> Result<Vec<Member>, &'static str> {
    let wanted = format!("INN{}88ZM_{mer_id}", day.compact().get(2..).unwrap_or_default());
    members(archive, LIMITS, |name| name == wanted.as_bytes())
}

/// fileContent to the zip in it, kept where the answer is.
pub(crate) fn unpacked(content: impl Read, beside: &Body) -> Result<Blob, &'static str> {
    let packed = DecoderReader::new(content, &STANDARD);
    Blob::keep(ZlibDecoder::new(BufReader::new(packed)), beside, ZIP_MAX_BYTES)
        .map_err(|_| "fileContent is not base64 of zlib, or unpacks to more than a statement can be")
}
