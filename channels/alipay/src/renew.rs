//! What may be renewed while an account is open: a merchant's token by its refresh token (pack §4), and Alipay's certificate
//! by the serial number that a reply named (pack §1.4).

use crate::certificate;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::keys::{self, REFRESH, TOKEN};
use crate::sign::{self, Envelope, Seal};
use crate::wire::{self, Call, Complaint, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sluice_contract::{Env, Exchange, HttpReply, KeyHint, KeyItem, KeyUpdate, Reading, Renewed, Second, Step, Why, WhyKind};
use sluice_kit::content::members;
use sluice_kit::doubt::is;
use sluice_kit::outcome::{Complaint as _, unreadable};
use std::sync::Arc;

pub(crate) fn renew(account: &Arc<Account>, why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    match (keys::token_of(&why.key_id), &account.certificates) {
        (Some((_, merchant)), _) => token(account, merchant, env),
        (None, Some(_)) if keys::is_sn(&why.key_id) => certificate(account, &why.key_id, env),
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
    let merchant = merchant.to_owned();
    wire::ask(account, call, env, move |account, answer, env| {
        let renewed = match answer {
            Ok(tree) => fresh(&merchant, &tree, env)?,
            Err(complaint) => refused(Api::Token, &complaint)?,
        };
        if matches!(renewed, Renewed::Refused(_)) {
            account.ring.bury(&merchant);
        }
        is(Ok(renewed))
    })
}

/// Whether tokens still expire is UNCONFIRMED (pack §4): what the reply says is followed.
fn fresh(merchant: &str, tree: &Value, env: &Env<'_>) -> Result<Renewed, Why> {
    if text(tree, "auth_app_id") != Some(merchant) {
        return Err(Why::new(WhyKind::Contradiction, "the tokens are another merchant's"));
    }
    let item = |kind: &str, until| {
        let value = text(tree, kind).filter(|value| keys::is_token(value)).ok_or_else(|| unreadable("the reply has no tokens"))?;
        Ok(KeyItem { id: keys::item_id(kind, merchant), value: value.to_owned(), from: Some(env.now), until })
    };
    // The token's end renews both.
    let until = text(tree, "expires_in").and_then(|seconds| seconds.parse().ok()).map(|seconds| env.now.plus(seconds));
    Ok(Renewed::Keys(KeyUpdate { items: vec![item(TOKEN, until)?, item(REFRESH, None)?] }))
}

fn refused(api: Api, complaint: &Complaint) -> Result<Renewed, Why> {
    match complaint.class(api)? {
        Class::Fail(..) | Class::Config => Ok(Renewed::Refused(complaint.words())),
        class => Err(complaint.doubt(class)),
    }
}

const METHOD: &str = "alipay.open.app.alipaycert.download";

/// The reply is signed under the certificate that it brings, so it is read before it is believed: the certificate must be the
/// one that was asked for and Alipay's, and then the signature must hold under it.
fn certificate(account: &Arc<Account>, sn: &str, env: &Env<'_>) -> Step<Renewed> {
    let call = Call::new("certificate", METHOD, members([("alipay_cert_sn", Some(sn.into()))]), None);
    let step = wire::ask(account, call, env, |_, answer, _| match answer {
        Ok(_) => Err(unreadable("the reply brings no certificate").into()),
        Err(complaint) => is(refused(Api::Certificate, &complaint)),
    });
    let Step::Send(usual) = step else { return step };
    let (account, sn, request) = (Arc::clone(account), sn.to_owned(), usual.request.clone());
    Step::Send(Exchange::new(request, move |reply, env| match brought(&account, reply) {
        Some((envelope, content)) => {
            let proven = proven(&account, &sn, &envelope, &content, env.now);
            Reading::Is(proven.map_or_else(Renewed::Unknown, |item| Renewed::Keys(KeyUpdate { items: vec![item] })))
        }
        // An error: judged as any reply.
        None => usual.read(reply, env),
    }))
}

/// A reply that may be a success, and the certificate in it.
fn brought<'a>(account: &Account, reply: &'a HttpReply) -> Option<(Envelope<'a>, String)> {
    let envelope = sign::envelope(reply.bytes(), METHOD).filter(|envelope| reply.status == 200 && !envelope.is_error_root)?;
    let node = wire::node(account, envelope.node)?;
    let content = text(&node, "alipay_cert_content")?.to_owned();
    Some((envelope, content))
}

fn proven(account: &Account, sn: &str, envelope: &Envelope<'_>, content: &str, now: Second) -> Result<KeyItem, Why> {
    let pem = STANDARD.decode(content).ok().and_then(|raw| String::from_utf8(raw).ok()).unwrap_or_default();
    let found = certificate::read(&pem).map_err(|_| unreadable("the certificate is not base64 of PEM"))?;
    if found.sn != sn || !(found.from..=found.until).contains(&now) {
        return Err(Why::new(WhyKind::Contradiction, "the certificate is another one, or not valid now"));
    }
    if !account.certificates.as_ref().is_some_and(|files| certificate::is_trusted(&pem, files)) {
        return Err(Why::new(WhyKind::BadSignature, "the certificate does not lead to Alipay's root"));
    }
    let signature = envelope.signature.as_deref().unwrap_or_default();
    if !found.key.verifies_base64(envelope.node, signature) && envelope.seal(&account.ring) != Seal::Holds {
        return Err(Why::new(WhyKind::BadSignature, "the reply is signed neither by the certificate it brings nor by one we know"));
    }
    Ok(KeyItem { id: found.sn, value: pem, from: Some(found.from), until: None })
}
