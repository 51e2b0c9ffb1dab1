//! What an account holds that may change while it is open: Alipay's keys, and the tokens of a provider's merchants.
//!
//! Alipay's keys verify only. Items to be kept are named `<32 hex>` (a certificate by its serial number),
//! `app_auth_token:<auth_app_id>` and `app_refresh_token:<auth_app_id>`.

use crate::certificate;
use crate::codes::Api;
use crate::config::Account;
use crate::sign::Seal;
use crate::wire::{self, Answer, Call, ensure, members, text};
use serde_json::Value;
use sluice_contract::{Env, KeyHint, KeyItem, KeyUpdate, Notes, Reading, Refusal, Renewed, Second, Step, Why, WhyKind};
use sluice_kit::held::Held;
use sluice_kit::outcome::{self, unreadable};
use sluice_kit::rsa::PublicKey;
use sluice_kit::text::is_visible;
use sluice_kit::x509;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use zeroize::Zeroizing;

pub(crate) const TOKEN: &str = "app_auth_token";
pub(crate) const REFRESH: &str = "app_refresh_token";
/// Tokens have 40 characters (pack §4); the page of the refresh token gives no length.
pub(crate) const TOKEN_LEN: RangeInclusive<usize> = 1..=128;
/// A token that Alipay will not renew: whoever is refused it is refused for good. Never an item's name.
const DEAD: &str = "dead";

/// All keys and tokens of an account. Keys only grow; the newest token of a merchant wins.
#[derive(Default)]
pub(crate) struct Ring {
    /// Replies name the certificate that signs them.
    by_certificate: bool,
    keys: Held<Vec<(Option<String>, PublicKey)>>,
    tokens: Held<BTreeMap<String, Zeroizing<String>>>,
}

impl Ring {
    pub(crate) fn new(by_certificate: bool) -> Ring {
        Ring { by_certificate, ..Ring::default() }
    }

    /// `sn`: of a certificate; a plain public key has none.
    pub(crate) fn add(&self, sn: Option<String>, key: PublicKey) {
        self.keys.write().push((sn, key));
    }

    /// Judges a signature in base64. In certificate mode the named certificate decides, and one that we do not hold is to be
    /// fetched (pack §1.4); a message that names none may be signed with any key we hold.
    pub(crate) fn seal(&self, message: &[u8], signature: &str, sn: Option<&str>) -> Seal {
        let wanted = sn.filter(|_| self.by_certificate);
        let held = self.keys.read();
        let mut keys = held.iter().filter(|(own, _)| wanted.is_none() || own.as_deref() == wanted).peekable();
        match wanted {
            Some(sn) if keys.peek().is_none() && is_sn(sn) => Seal::UnknownKey(sn.to_owned()),
            _ if keys.any(|(_, key)| key.verifies_base64(message, signature)) => Seal::Holds,
            _ => Seal::Broken,
        }
    }

    /// From now on the merchant's token counts as dead, until another is installed.
    fn bury(&self, merchant: &str) {
        let dead = self.token(TOKEN, merchant).map(|token| (item_id(DEAD, merchant), token));
        self.tokens.write().extend(dead);
    }

    pub(crate) fn is_dead(&self, merchant: &str, token: &str) -> bool {
        self.token(DEAD, merchant).is_some_and(|dead| dead.as_str() == token)
    }

    pub(crate) fn token(&self, kind: &str, merchant: &str) -> Option<Zeroizing<String>> {
        self.tokens.read().get(&item_id(kind, merchant)).cloned()
    }
}

pub(crate) fn item_id(kind: &str, merchant: &str) -> String {
    format!("{kind}:{merchant}")
}

/// The kind and the merchant of a token's item id.
fn token_of(id: &str) -> Option<(&str, &str)> {
    id.split_once(':').filter(|(kind, merchant)| matches!(*kind, TOKEN | REFRESH) && crate::admit::is_app_id(merchant))
}

fn is_sn(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The secrets of a binding as keys. When they end is not known: a refused one is renewed (pack §4).
pub(crate) fn sub_keys(_account: &Account, sub: &Notes) -> KeyUpdate {
    let item = |kind| Some(KeyItem { id: item_id(kind, sub.get("auth_app_id")?), value: sub.get(kind)?.clone(), from: None, until: None });
    KeyUpdate { items: [TOKEN, REFRESH].into_iter().filter_map(item).collect() }
}

/// Takes stored certificates and tokens into use: all of them, or none.
pub(crate) fn install(account: &Account, update: &KeyUpdate) -> Result<(), Refusal> {
    let (tokens, items) = update.items.iter().cloned().partition::<Vec<_>, _>(|item| token_of(&item.id).is_some());
    let wrong = tokens.iter().find(|item| !is_visible(&item.value, TOKEN_LEN));
    wrong.map_or(Ok(()), |item| Err(Refusal::account(format!("the key {} is no token", item.id))))?;
    let certificates = x509::install(&KeyUpdate { items }, |pem| {
        let files = account.certificates.as_ref().ok_or("is none of this account")?;
        let found = certificate::read(pem)?;
        if certificate::is_trusted(pem, files) { Ok((found.sn, found.key)) } else { Err("is not Alipay's") }
    })?;
    certificates.into_iter().for_each(|(sn, key)| account.ring.add(Some(sn), key));
    account.ring.tokens.write().extend(tokens.into_iter().map(|item| (item.id, Zeroizing::new(item.value))));
    Ok(())
}

/// A merchant's token by its refresh token (pack §4), or Alipay's certificate by its serial number.
pub(crate) fn renew(account: &Arc<Account>, why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    match (token_of(&why.key_id), &account.certificates) {
        (Some((_, merchant)), _) => token(account, merchant, env),
        (None, Some(_)) if is_sn(&why.key_id) => certificate::renew(account, &why.key_id, env),
        _ => Step::Done(Renewed::Refused("this account has no such key to renew".into())),
    }
}

fn token(account: &Arc<Account>, merchant: &str, env: &Env<'_>) -> Step<Renewed> {
    let Some(refresh) = account.ring.token(REFRESH, merchant) else {
        account.ring.bury(merchant);
        return Step::Done(Renewed::Refused(format!("there is no app_refresh_token of {merchant}: the merchant authorises again")));
    };
    let biz = members([("grant_type", Some("refresh_token".into())), ("refresh_token", Some(refresh.as_str().into()))]);
    let call = Call::new("token.refresh", "alipay.open.auth.token.app", biz, None);
    wire::ask(account, &merchant.to_owned(), call, env, |account, merchant, answer, env| match answer {
        Answer::Good(tree) => tokens(&tree, merchant, env.now).map(Reading::Is),
        Answer::Error(complaint) => {
            let renewed = outcome::renewed(complaint.class(Api::Token), &complaint);
            if matches!(renewed, Renewed::Refused(_)) {
                account.ring.bury(merchant);
            }
            Ok(Reading::Is(renewed))
        }
    })
}

fn tokens(tree: &Value, merchant: &str, now: Second) -> Result<Renewed, Why> {
    let other = || Why::new(WhyKind::Contradiction, "the tokens are another merchant's");
    ensure(text(tree, "auth_app_id") == Some(merchant), other)?;
    let item = |kind: &str, until| {
        let value = text(tree, kind).filter(|value| is_visible(value, TOKEN_LEN)).ok_or_else(|| unreadable("the reply has no tokens"))?;
        Ok::<_, Why>(KeyItem { id: item_id(kind, merchant), value: value.to_owned(), from: Some(now), until })
    };
    // Whether tokens still expire is UNCONFIRMED (pack §4): what the reply says is followed. The token's end renews both.
    let until = text(tree, "expires_in").and_then(|seconds| seconds.parse().ok()).map(|seconds| now.plus(seconds));
    Ok(Renewed::Keys(KeyUpdate { items: vec![item(TOKEN, until)?, item(REFRESH, None)?] }))
}
