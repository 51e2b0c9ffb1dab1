//! Platform certificates: fetched, decrypted with the APIv3 key, and only then used to verify the reply that brought
//! them (pack §2.4).

use crate::config::Account;
use crate::keys::{self, PlatformKey};
use crate::sign::{self, Seal};
use crate::wire::{self, Call, text};
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{Env, HttpReply, KeyHint, KeyItem, KeyUpdate, Reading, Refusal, Renewed, Step, Why, WhyKind};
use sluice_kit::ask::{Unread, ask_by};
use sluice_kit::ensure::ensure;
use sluice_kit::outcome::{no_answer, unreadable};
use sluice_kit::x509;
use std::sync::Arc;

/// Asks for the certificates. An account that only has a public key may be answered 500 for ever: that is `Unknown`,
/// and its callbacks go on with the key it has.
pub(crate) fn renew(account: &Arc<Account>, _why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    let call = Call::get("certificates", "/v3/certificates?algorithm_type=RSA".to_owned());
    ask_by(account, &(), wire::request(account, call, env), judged, |_, (), renewed, _| Ok(Reading::Is(renewed)))
}

/// The reply is read before it is judged: it may be signed by what it brings.
fn judged(account: &Account, reply: &HttpReply, env: &Env<'_>) -> Result<Renewed, Unread> {
    if reply.status == 401 || reply.status == 403 {
        return Ok(Renewed::Refused(format!("HTTP {}: check mchid, serial_no and private_key", reply.status)));
    }
    ensure(reply.is_success(), || no_answer(reply))?;
    let tree = parse_json(reply.bytes()).unwrap_or_default();
    let entries = tree.get("data").and_then(Value::as_array).ok_or_else(|| unreadable("the reply is no list of certificates"))?;
    let Some(found) = entries.iter().map(|entry| certificate(account, entry)).collect::<Option<Vec<_>>>() else {
        return Ok(Renewed::Refused("a certificate does not decrypt to what it says it is: check api_v3_key".into()));
    };
    let (items, fresh): (Vec<KeyItem>, Vec<Arc<PlatformKey>>) = found.into_iter().unzip();
    let brought = |id: &str| items.iter().zip(&fresh).find(|(item, _)| item.id == id).map(|(_, key)| Arc::clone(key));
    let known = |id: &str| brought(id).or_else(|| account.keys.get(id, env.now));
    match sign::seal(&reply.headers, reply.bytes(), env.now, known) {
        Seal::Holds => Ok(Renewed::Keys(KeyUpdate { items })),
        other => Err(Why::new(WhyKind::BadSignature, format!("the list of certificates is not signed by WeChat Pay: {other:?}")).into()),
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
