//! Platform certificates: fetched, decrypted with the APIv3 key, and only then used to verify the reply that brought
//! them (pack §2.4).

use crate::config::Account;
use crate::keys::{self, PlatformKey};
use crate::sign::{self, Seal};
use crate::wire::{self, Call, text};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, HttpReply, KeyHint, KeyItem, KeyUpdate, Reading, Refusal, Renewed, Step, Why, WhyKind};
use sluice_kit::outcome::{no_answer, unreadable};
use sluice_kit::x509;
use std::sync::Arc;

/// Asks for the certificates. An account that only has a public key may be answered 500 for ever: that is `Unknown`,
/// and its callbacks go on with the key it has.
pub(crate) fn renew(account: &Arc<Account>, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    let call = Call::get("certificates", "/v3/certificates?algorithm_type=RSA".to_owned());
    wire::send(account, wire::request(account, call, env), |account, reply, env| Reading::Is(read(account, reply, env)))
}

fn read(account: &Account, reply: &HttpReply, env: &Env<'_>) -> Renewed {
    if reply.status == 401 || reply.status == 403 {
        return Renewed::Refused(format!("HTTP {}: check mchid, serial_no and private_key", reply.status));
    }
    if !reply.is_success() {
        return Renewed::Unknown(no_answer(reply));
    }
    let tree = parse_json(reply.bytes()).unwrap_or_default();
    let Some(entries) = tree.get("data").and_then(Value::as_array) else {
        return Renewed::Unknown(unreadable("the reply is no list of certificates"));
    };
    let Some(found) = entries.iter().map(|entry| certificate(account, entry)).collect::<Option<Vec<_>>>() else {
        return Renewed::Refused("a certificate does not decrypt to what it says it is: check api_v3_key".into());
    };
    let (items, fresh): (Vec<KeyItem>, Vec<Arc<PlatformKey>>) = found.into_iter().unzip();
    let brought = |id: &str| items.iter().zip(&fresh).find(|(item, _)| item.id == id).map(|(_, key)| Arc::clone(key));
    let known = |id: &str| brought(id).or_else(|| account.keys.get(id, env.now));
    match sign::seal(&reply.headers, reply.bytes(), env.now, known) {
        Seal::Holds => Renewed::Keys(KeyUpdate { items }),
        other => {
            Renewed::Unknown(Why::new(WhyKind::BadSignature, format!("the list of certificates is not signed by WeChat Pay: {other:?}")))
        }
    }
}

/// One certificate: it must decrypt, and be the one it says it is.
fn certificate(account: &Account, entry: &Value) -> Option<(KeyItem, Arc<PlatformKey>)> {
    let pem = String::from_utf8(sign::opened(&account.api_keys, entry.get("encrypt_certificate")?)?).ok()?;
    let (serial, key) = keys::certificate(&pem).ok().filter(|(serial, _)| text(entry, "serial_no") == Some(serial))?;
    let (from, until) = key.validity();
    Some((KeyItem { id: serial, value: pem, from, until }, Arc::new(key)))
}

/// Takes stored certificates into use.
pub(crate) fn install(account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    for (serial, key) in x509::install(update, keys::certificate)? {
        account.keys.add(serial, Arc::new(key));
    }
    Ok(())
}
