//! UnionPay's encryption certificate (95, pack §2.8): fetched by the clock and kept when its serial is new.
//!
//! It only encrypts what we send. What UnionPay signs comes with its own certificate ([`crate::keys`]), so no reply and no notice
//! ever waits for a key.

use crate::codes::{Api, BACK, Class};
use crate::config::Account;
use crate::wire::{self, Said, TIMEOUT_MS, get};
use crate::{ids, keys};
use sluice_contract::{Env, KeyHint, KeyItem, KeyUpdate, Reading, Refusal, Renewed, Second, Step, Why};
use sluice_kit::ask::ask;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::wire::{fresh, notes};
use sluice_kit::x509;
use std::sync::Arc;

/// The encryption certificate in use: `encryptCertId`, its first and its last second.
pub(crate) struct Encryption {
    pub(crate) cert_id: String,
    from: Second,
    until: Second,
}

impl Encryption {
    pub(crate) fn read(pem: &str) -> Result<Encryption, &'static str> {
        let der = x509::der(pem)?;
        let (from, until) = x509::span(&x509::parsed(&der)?);
        Ok(Encryption { cert_id: keys::cert_id(pem)?, from, until })
    }
}

pub(crate) fn renew(account: &Arc<Account>, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    // An order of its own that moves no money: its number is drawn afresh.
    let number = format!("K{}", hex::encode_upper(fresh::<12>(env)));
    let mut fields = ids::own(account, "95", "00", env);
    fields.extend(notes([("channelType", "07"), ("certType", "01"), ("orderId", &number)]));
    let request = wire::post(account, "certificates", BACK, &fields, TIMEOUT_MS);
    ask(account, &number, request, |account, number, fields, _| {
        ids::expect(&fields, &[("merId", &account.mer_id), ("txnType", "95"), ("orderId", number)])?;
        let said = Said::of(&fields);
        Ok(Reading::Is(match said.class(Api::Other) {
            Ok(Class::Ok) => renewed(account, get(&fields, "encryptPubKeyCert"))?,
            class => outcome::renewed(class, &said),
        }))
    })
}

fn renewed(account: &Account, pem: &str) -> Result<Renewed, Why> {
    let found = Encryption::read(pem).map_err(|reason| unreadable(format!("encryptPubKeyCert {reason}")))?;
    let known = account.encryption.read().as_ref().map(|known| known.cert_id.clone());
    if known.as_ref() == Some(&found.cert_id) {
        return Ok(Renewed::Keys(KeyUpdate::default()));
    }
    let item = KeyItem { id: found.cert_id, value: pem.to_owned(), from: Some(found.from), until: Some(found.until) };
    Ok(Renewed::Keys(KeyUpdate { items: vec![item] }))
}

/// Takes stored certificates into use: the youngest stays.
pub(crate) fn install(account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    let read = x509::install(update, |pem| Encryption::read(pem).map(|found| (found.cert_id.clone(), found)))?;
    let mut current = account.encryption.write();
    *current = current.take().into_iter().chain(read.into_iter().map(|(_, found)| found)).max_by_key(|found| found.from);
    Ok(())
}
