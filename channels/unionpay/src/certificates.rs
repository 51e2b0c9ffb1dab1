//! UnionPay's encryption certificate (95, pack §2.8): fetched by the clock and kept when its serial is new.
//!
//! It only encrypts what we send. What UnionPay signs comes with its own certificate ([`crate::keys`]), so no reply and no notice
//! ever waits for a key.

use crate::codes::{self, Api, Class};
use crate::config::Account;
use crate::ids::contradiction;
use crate::wire::{self, TIMEOUT_MS, get, set, start};
use crate::{keys, products};
use sluice_contract::{Env, HttpReply, HttpRequest, KeyItem, KeyUpdate, Reading, Refusal, Renewed, Second, Step, Why, WhyKind};
use std::sync::{Arc, PoisonError};

/// The encryption certificate in use: `encryptCertId` and its first second.
pub(crate) struct Encryption {
    pub(crate) cert_id: String,
    from: Second,
}

impl Encryption {
    pub(crate) fn read(pem: &str) -> Result<Encryption, &'static str> {
        Ok(Encryption { cert_id: keys::cert_id(pem)?, from: keys::validity(pem)?.0 })
    }
}

pub(crate) fn renew(account: &Arc<Account>, env: &Env<'_>) -> Step<Renewed> {
    let number = number(env);
    let request = request(account, &number, env);
    wire::send(account, request, move |account, reply, env| read(account, &number, reply, env))
}

/// An order of its own that moves no money: its number is drawn afresh.
fn number(env: &Env<'_>) -> String {
    let (first, _) = env.entropy.split_at(12);
    format!("K{}", hex::encode_upper(first))
}

fn request(account: &Account, number: &str, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut fields = start(account.access.code(), &account.mer_id, "95", "00", "000000");
    set(&mut fields, "channelType", "07");
    set(&mut fields, "certType", "01");
    set(&mut fields, "orderId", number);
    set(&mut fields, "txnTime", env.now.compact());
    if let Some(code) = account.acquirer.get("acqInsCode") {
        set(&mut fields, "acqInsCode", code.as_str());
    }
    wire::post(account, "certificates", products::BACK, &fields, TIMEOUT_MS)
}

fn read(account: &Account, number: &str, reply: &HttpReply, env: &Env<'_>) -> Reading<Renewed> {
    wire::judged(account, reply, env, Renewed::Unknown, |fields| {
        let expected = [("merId", account.mer_id.as_str()), ("txnType", "95"), ("orderId", number)];
        if let Some((name, _)) = expected.iter().find(|(name, value)| get(fields, name) != *value) {
            return Err(contradiction(name));
        }
        let (code, message) = (get(fields, "respCode"), get(fields, "respMsg"));
        match codes::class(Api::Other, code) {
            Some(Class::Ok) => renewed(account, get(fields, "encryptPubKeyCert")).map(Reading::Is),
            Some(Class::Config | Class::Fail(..)) => {
                Ok(Reading::Is(Renewed::Refused(wire::why(WhyKind::Configuration, code, message).note)))
            }
            Some(_) => Err(wire::why(WhyKind::Pending, code, message)),
            None => Err(wire::why(WhyKind::Unlisted, code, message)),
        }
    })
}

fn renewed(account: &Account, pem: &str) -> Result<Renewed, Why> {
    let unreadable = |reason: &'static str| Why::new(WhyKind::Unreadable, format!("encryptPubKeyCert {reason}"));
    let id = keys::cert_id(pem).map_err(unreadable)?;
    let (from, until) = keys::validity(pem).map_err(unreadable)?;
    let known = account.encryption.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|known| known.cert_id == id);
    if known {
        return Ok(Renewed::Keys(KeyUpdate::default()));
    }
    let item = KeyItem { id, value: pem.to_owned(), from: Some(from), until: Some(until) };
    Ok(Renewed::Keys(KeyUpdate { items: vec![item] }))
}

/// Takes stored certificates into use: the youngest stays.
pub(crate) fn install(account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    let mut read = Vec::new();
    for item in &update.items {
        match Encryption::read(&item.value) {
            Ok(found) if found.cert_id == item.id => read.push(found),
            Ok(_) => return Err(Refusal::account(format!("the certificate {} has another serial", item.id))),
            Err(reason) => return Err(Refusal::account(format!("the certificate {} {reason}", item.id))),
        }
    }
    let mut current = account.encryption.write().unwrap_or_else(PoisonError::into_inner);
    for found in read {
        if current.as_ref().is_none_or(|known| known.from <= found.from) {
            *current = Some(found);
        }
    }
    Ok(())
}
