//! The trade bill of a day (pack §2.10): first a link, then at once the unsigned zip behind it. T+1, in a provider's case one
//! bill per authorised merchant.

use crate::bill::{self, Whose};
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Answer, Call, ensure, members, text};
use serde_json::Value;
use sluice_contract::{Day, Env, Notes, Reading, Statement, Step};
use sluice_kit::archive::Limits;
use sluice_kit::ask::Told;
use sluice_kit::bill::zip;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

/// What may come out of it, read as it is unpacked: millions of rows; a detail, a summary, and room for parts that the pack does not know.
const LIMITS: Limits = Limits { files_max: 16, file_max_bytes: 3 << 30 };

pub(crate) fn statement(account: &Arc<Account>, day: Day, sub: Option<&Notes>, env: &Env<'_>) -> Step<Statement> {
    let biz = members([("bill_type", Some("trade".into())), ("bill_date", Some(day.to_string().into()))]);
    let merchant = sub.and_then(|sub| sub.get("auth_app_id"));
    let call = Call::new("bill.link", "alipay.data.dataservice.bill.downloadurl.query", biz, merchant);
    let about = (day, whose(account, sub));
    wire::ask(account, &about, call, env, |account, (day, whose), answer, env| match answer {
        Answer::Good(tree) => file(account, &tree, whose),
        // "Does not exist" is a day without trades or a bill that is not ready: until the end of the next day it is the latter.
        Answer::Error(complaint) => match complaint.class(Api::Bill)? {
            Class::NotCreated if env.now < day.plus(2).start() => Ok(Reading::Is(Statement::NotYet)),
            Class::Query if env.now < day.plus(1).start() => Ok(Reading::Is(Statement::NotYet)),
            Class::Retry | Class::Unknown => Ok(Reading::Is(Statement::NotYet)),
            // A failure: before the merchant was there.
            Class::NotCreated | Class::Fail(..) => Ok(Reading::Is(Statement::Empty)),
            class => Err(complaint.doubt(class)),
        },
    })
}

/// A merchant's account at Alipay is its number and this.
const ACCOUNT: &str = "0156";

/// A provider does not always know the number of the merchant it asks for.
fn whose(account: &Account, sub: Option<&Notes>) -> Whose {
    let pid = match sub {
        None => Some(&account.pid),
        Some(sub) => sub.get("seller_id"),
    };
    let named = sub.and_then(|sub| sub.get("auth_app_id")).cloned().unwrap_or_default();
    Whose { account: pid.map(|pid| format!("{pid}{ACCOUNT}")), sub: named }
}

fn file(account: &Account, tree: &Value, whose: &Whose) -> Told<Statement> {
    let url = text(tree, "bill_download_url").unwrap_or_default();
    if url.is_empty() && text(tree, "bill_file_code") == Some("EMPTY_DATA_WITH_BILL_FILE") {
        return Ok(Reading::Is(Statement::Empty));
    }
    // The link lives about 30 s and may point at Alipay's bill hosts only. Nothing of ours goes with the request.
    ensure(account.bill_hosts.allow(url), || unreadable("the bill's link points at a host that is not listed: see bill_hosts"))?;
    let whose = whose.clone();
    Ok(zip(url, LIMITS, bill::is_detail, move |files| match <[_; 1]>::try_from(files) {
        Ok([file]) => Ok(Statement::Rows(Box::new(bill::rows(file.text, whose.clone())))),
        Err(_) => Err("the archive has not exactly one detail file"),
    }))
}
