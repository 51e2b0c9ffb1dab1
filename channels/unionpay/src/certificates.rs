//! UnionPay's encryption certificate (95, pack §2.8): fetched by the clock and kept when its serial is new.
//!
//! It only encrypts what we send. What UnionPay signs comes with its own certificate ([`crate::keys`]), so no reply and no notice
//! ever waits for a key.

use crate::codes::{Api, Class};
use crate::config::Account;
use crate::wire::{self, Said, TIMEOUT_MS, get, set};
use crate::{ids, keys, products};
use sluice_contract::{Env, HttpReply, HttpRequest, KeyHint, KeyItem, KeyUpdate, Reading, Refusal, Renewed, Second, Step, Why, WhyKind};
use sluice_kit::outcome::{Complaint as _, unreadable};
use sluice_kit::wire::fresh;
use sluice_kit::x509;
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

pub(crate) fn renew(account: &Arc<Account>, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    // An order of its own that moves no money: its number is drawn afresh.
    let number = format!("K{}", hex::encode_upper(fresh::<12>(env)));
    let request = request(account, &number, env);
    wire::send(account, request, move |account, reply, env| read(account, &number, reply, env))
}

fn request(account: &Account, number: &str, env: &Env<'_>) -> Result<HttpRequest, Refusal> {
    let mut fields = ids::own(account, "95", "00", env);
    set(&mut fields, "channelType", "07");
    set(&mut fields, "certType", "01");
    set(&mut fields, "orderId", number);
    wire::post(account, "certificates", products::BACK, &fields, TIMEOUT_MS)
}

fn read(account: &Account, number: &str, reply: &HttpReply, env: &Env<'_>) -> Reading<Renewed> {
    wire::judged(account, reply, env, Renewed::Unknown, |fields| {
        ids::expect(fields, &[("merId", &account.mer_id), ("txnType", "95"), ("orderId", number)])?;
        let said = Said::of(fields);
        Ok(Reading::Is(match said.class(Api::Other)? {
            Class::Ok => renewed(account, get(fields, "encryptPubKeyCert"))?,
            Class::Config | Class::Fail(..) => Renewed::Refused(said.why(WhyKind::Configuration).note),
            class => Renewed::Unknown(said.doubt(class)),
        }))
    })
}

fn renewed(account: &Account, pem: &str) -> Result<Renewed, Why> {
    let unreadable = |reason: &'static str| unreadable(format!("encryptPubKeyCert {reason}"));
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
    let read = x509::install(update, |pem| Encryption::read(pem).map(|found| (found.cert_id.clone(), found)))?;
    let mut current = account.encryption.write().unwrap_or_else(PoisonError::into_inner);
    for (_, found) in read {
        if current.as_ref().is_none_or(|known| known.from <= found.from) {
            *current = Some(found);
        }
    }
    Ok(())
}
