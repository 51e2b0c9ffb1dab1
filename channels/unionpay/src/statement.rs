//! The statement of a clearing day (76, pack §2.9): one signed answer that carries base64 of zlib of a zip of GBK text.
//!
//! It comes from the file host and stays in memory: the signature covers it, so it cannot be read before it is whole. Every step
//! of the unpacking is bounded.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Said, get};
use crate::{bill, ids};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use sluice_contract::{Day, Env, HttpRequest, Into as Keep, Notes, Reading, Refusal, Statement, Step, Why, WhyKind};
use sluice_kit::archive::{Limits, Unpacked, unzip};
use sluice_kit::ask::ask;
use sluice_kit::bill::TIMEOUT_MS;
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{Complaint as _, contradiction, unreadable};
use sluice_kit::wire::notes;
use std::io::Read;
use std::sync::Arc;

/// The most an answer may have, and the zip in it.
const REPLY_MAX_BYTES: u64 = 64 << 20;
const ZIP_MAX_BYTES: u64 = 48 << 20;
/// One statement of 600-byte rows; more is a bomb.
const LIMITS: Limits = Limits { files_max: 64, file_max_bytes: 256 << 20 };

pub(crate) fn statement(account: &Arc<Account>, day: Day, _sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    ask(account, &day, request(account, day, env), |account, day, fields, _| read(account, *day, &fields).map(Reading::Is))
}

/// MMDD of a day: settleDate has no year.
fn month_day(day: Day) -> String {
    day.compact().get(4..).unwrap_or_default().to_owned()
}

fn request(account: &Account, day: Day, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut fields = ids::own(account, "76", "01", env);
    fields.extend(notes([("settleDate", month_day(day).as_str()), ("fileType", "00")]));
    let request = wire::post(account, "bill", "/", &fields, TIMEOUT_MS)?;
    Ok(HttpRequest { url: format!("{}/", account.file_base_url), into: Keep::Memory { max_bytes: REPLY_MAX_BYTES }, ..request })
}

fn read(account: &Account, day: Day, fields: &Notes) -> Result<Statement, Why> {
    ids::expect(fields, &[("merId", &account.mer_id), ("txnType", "76"), ("settleDate", &month_day(day))])?;
    let said = Said::of(fields);
    match said.class(Api::Other)? {
        Class::Ok => rows(account, day, get(fields, "fileName"), get(fields, "fileContent")),
        // 98, no such file: not ready, or nothing happened that day; the pack does not tell the two apart. 37: asked too often.
        Class::Retry => Ok(Statement::NotYet),
        Class::Config | Class::Fail(..) => Err(said.why(WhyKind::Configuration)),
        class => Err(said.doubt(class)),
    }
}

fn rows(account: &Account, day: Day, name: &str, content: &str) -> Result<Statement, Why> {
    // `<merId>_<YYYYMMDD>.zip`: the only place that tells the year.
    ensure(name.contains(&day.compact()), || contradiction("fileName"))?;
    let members = members(&account.mer_id, day, content).map_err(unreadable)?;
    ensure(!members.is_empty(), || unreadable("the archive holds no ZM file of that day"))?;
    let mut text = Vec::new();
    for member in members {
        text.extend_from_slice(&member.bytes);
        text.push(b'\n');
    }
    Ok(Statement::Rows(Box::new(bill::rows(text, day))))
}

/// The normal transactions; the errors and disputes beside them (`88ZME_`) are no rows of ours, and other members are ignored.
fn members(mer_id: &str, day: Day, content: &str) -> Result<Vec<Unpacked>, &'static str> {
    let zip = unpacked(content)?;
    let wanted = format!("INN{}88ZM_{mer_id}", day.compact().get(2..).unwrap_or_default());
    unzip(&zip, LIMITS, |name| name == wanted.as_bytes())
}

/// fileContent to the bytes in it.
pub(crate) fn unpacked(content: &str) -> Result<Vec<u8>, &'static str> {
    let packed = STANDARD.decode(content).map_err(|_| "fileContent is not base64")?;
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(packed.as_slice()).take(ZIP_MAX_BYTES.saturating_add(1)).read_to_end(&mut bytes);
    match read.map(u64::try_from) {
        Ok(Ok(length)) if length <= ZIP_MAX_BYTES => Ok(bytes),
        Ok(_) => Err("fileContent unpacks to more than a statement can be"),
        Err(_) => Err("fileContent does not unpack"),
    }
}
