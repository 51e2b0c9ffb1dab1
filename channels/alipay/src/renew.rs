//! What may be renewed while an account is open: a merchant's token by its refresh token (pack §4), and Alipay's certificate
//! by the serial number that a reply named (pack §1.4).

use crate::certificate;
use crate::codes::{Api, Class};
use crate::config::Account;
use crate::keys::{self, REFRESH, TOKEN};
use crate::sign::{self, Seal};
use crate::wire::{self, Answer, Call, Complaint, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sluice_contract::{Env, Exchange, HttpReply, KeyHint, KeyItem, KeyUpdate, Reading, Renewed, Step, Why, WhyKind};
use sluice_kit::outcome::{Complaint as _, unreadable};
use sluice_kit::wire::put;
use std::sync::Arc;

pub(crate) fn renew(account: &Arc<Account>, why: &KeyHint, env: &Env<'_>) -> Step<Renewed> {
    match keys::token_of(&why.key_id) {
        Some((_, merchant)) => token(account, merchant, env),
        None if account.certificates.is_some() && keys::is_sn(&why.key_id) => certificate(account, &why.key_id, env),
        None => Step::Done(Renewed::Refused("this account has no such key to renew".into())),
    }
}

fn token(account: &Arc<Account>, merchant: &str, env: &Env<'_>) -> Step<Renewed> {
    let Some(refresh) = account.ring.token(REFRESH, merchant) else {
        account.ring.bury(merchant);
        return Step::Done(Renewed::Refused(format!("there is no app_refresh_token of {merchant}: the merchant authorises again")));
    };
    let mut biz = Map::new();
    put(&mut biz, "grant_type", "refresh_token");
    put(&mut biz, "refresh_token", refresh.as_str());
    let call = Call::new("token.refresh", "alipay.open.auth.token.app", biz, None);
    let merchant = merchant.to_owned();
    wire::ask(account, call, env, move |account, answer, env| {
        let renewed = match answer {
            Answer::Good(tree) => fresh(&merchant, &tree, env),
            Answer::Error(complaint) => refused(Api::Token, &complaint),
            Answer::Doubt(why) => Renewed::Unknown(why),
        };
        if matches!(renewed, Renewed::Refused(_)) {
            account.ring.bury(&merchant);
        }
        Reading::Is(renewed)
    })
}

/// Whether tokens still expire is UNCONFIRMED (pack §4): what the reply says is followed.
fn fresh(merchant: &str, tree: &Value, env: &Env<'_>) -> Renewed {
    if text(tree, "auth_app_id") != Some(merchant) {
        return Renewed::Unknown(Why::new(WhyKind::Contradiction, "the tokens are another merchant's"));
    }
    let until = |name: &str| text(tree, name).and_then(|seconds| seconds.parse().ok()).map(|seconds| env.now.plus(seconds));
    let item = |kind: &str, until| {
        let value = text(tree, kind).filter(|value| keys::is_token(value))?;
        Some(KeyItem { id: keys::item_id(kind, merchant), value: value.to_owned(), from: Some(env.now), until })
    };
    // The token's end renews both.
    match (item(TOKEN, until("expires_in")), item(REFRESH, None)) {
        (Some(token), Some(refresh)) => Renewed::Keys(KeyUpdate { items: vec![token, refresh] }),
        _ => Renewed::Unknown(unreadable("the reply has no tokens")),
    }
}

fn refused(api: Api, complaint: &Complaint) -> Renewed {
    match complaint.class(api) {
        Ok(Class::Fail(..) | Class::Config) => Renewed::Refused(format!("{} {}", complaint.code, complaint.sub_code)),
        Ok(class) => Renewed::Unknown(complaint.doubt(class)),
        Err(why) => Renewed::Unknown(why),
    }
}

/// The reply is signed under the certificate that it brings, so it is read before it is believed: the certificate must be the
/// one that was asked for and Alipay's, and then the signature must hold under it.
fn certificate(account: &Arc<Account>, sn: &str, env: &Env<'_>) -> Step<Renewed> {
    let biz = Map::from_iter([("alipay_cert_sn".to_owned(), Value::from(sn))]);
    let call = Call::new("certificate", METHOD, biz, None);
    let sn = sn.to_owned();
    let step = wire::ask(account, call, env, |_, answer, _| {
        Reading::Is(match answer {
            Answer::Error(complaint) => refused(Api::Certificate, &complaint),
            Answer::Doubt(why) => Renewed::Unknown(why),
            Answer::Good(_) => Renewed::Unknown(unreadable("the reply brings no certificate")),
        })
    });
    let Step::Send(usual) = step else { return step };
    let account = Arc::clone(account);
    let request = usual.request.clone();
    Step::Send(Exchange::new(request, move |reply, env| match brought(&account, &sn, reply, env) {
        Some(Ok(item)) => Reading::Is(Renewed::Keys(KeyUpdate { items: vec![item] })),
        Some(Err(why)) => Reading::Is(Renewed::Unknown(why)),
        // An error: judged as any reply.
        None => usual.read(reply, env),
    }))
}

const METHOD: &str = "alipay.open.app.alipaycert.download";

fn brought(account: &Account, sn: &str, reply: &HttpReply, env: &Env<'_>) -> Option<Result<KeyItem, Why>> {
    let envelope = sign::envelope(reply.bytes(), METHOD).filter(|envelope| reply.status == 200 && !envelope.is_error_root)?;
    let node = wire::node(account, envelope.node)?;
    let content = text(&node, "alipay_cert_content")?;
    let doubt = |kind, note: &str| Some(Err(Why::new(kind, note)));
    let Some(pem) = STANDARD.decode(content).ok().and_then(|raw| String::from_utf8(raw).ok()) else {
        return doubt(WhyKind::Unreadable, "the certificate is not base64 of PEM");
    };
    let files = account.certificates.as_ref()?;
    let Ok(found) = certificate::read(&pem) else { return doubt(WhyKind::Unreadable, "the certificate cannot be read") };
    if found.sn != sn || !(found.from..=found.until).contains(&env.now) {
        return doubt(WhyKind::Contradiction, "the certificate is another one, or not valid now");
    }
    if !certificate::is_trusted(&pem, &files.alipay, &files.roots) {
        return doubt(WhyKind::BadSignature, "the certificate does not lead to Alipay's root");
    }
    let signature = envelope.signature.clone().unwrap_or_default();
    let holds = found.key.verifies_base64(envelope.node, &signature) || envelope.seal(&account.ring) == Seal::Holds;
    if !holds {
        return doubt(WhyKind::BadSignature, "the reply is signed neither by the certificate it brings nor by one we know");
    }
    let (from, until) = (Some(found.from), None);
    Some(Ok(KeyItem { id: found.sn, value: pem, from, until }))
}
