//! A merchant's request: authenticated before its body is parsed (CONTRACT section 3), its nonce spent once, its answer signed.
//!
//! Order of checks: header, key, timestamp, size, signature, nonce. What fails before the signature holds burns no nonce and gets no
//! signed answer. Creating an order or a refund spends the nonce in the transaction that stores it; if it is refused before that,
//! the nonce is spent here at the end; every other call spends it first.

use super::App;
use super::edge::RequestId;
use super::errors::{Fail, finish};
use super::signature_help;
use super::spool::Spooled;
use crate::config::Secret;
use crate::flow::{Code, KeyEntry, MerchantEntry, Refused};
use crate::merchant_auth::{self, Authorization, ResponseSignature};
use crate::store::{Command, Nonce, Outcome};
use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, Mutex, PoisonError};

/// How far a request's timestamp may lie from our clock.
const SKEW_MAX_S: i64 = 300;

/// Whose request it is. Every handler under `/v1` takes one.
#[derive(Clone)]
pub struct Caller {
    pub merchant: Arc<MerchantEntry>,
    pub key_id: String,
    /// The signed time, Unix seconds.
    pub signed_at: i64,
    nonce: Arc<Mutex<Option<Nonce>>>,
}

impl Caller {
    #[must_use]
    pub fn merchant_id(&self) -> &str {
        &self.merchant.merchant.id
    }

    /// Takes the nonce into a command. What the command did not carry away is put back with [`Caller::put_back`].
    pub fn take_nonce(&self) -> Option<Nonce> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub fn put_back(&self, nonce: Option<Nonce>) {
        *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = nonce;
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Fail;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Fail> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(|| Refused::inner("a route of /v1 outside the signed layer").into())
    }
}

/// What signs the answer.
struct Seal {
    secret: Secret,
    nonce: String,
}

/// The layer of everything under `/v1`.
pub async fn signed(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let carries_nonce = carries_nonce(&request);
    let (seal, caller, request) = match authenticate(&app, request).await {
        Ok(verified) => verified,
        Err(fail) => return fail.into_response(),
    };
    let shared = Arc::clone(&app);
    let work = async move { handle(&shared, &caller, carries_nonce, request, next).await.unwrap_or_else(IntoResponse::into_response) };
    let response = app.run(tracing::Instrument::in_current_span(work)).await;
    match id {
        Some(id) => sign(&app, &seal, finish(&app, &id, response)).await,
        None => response,
    }
}

/// Calls whose command carries the nonce.
fn carries_nonce(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    request.method() == Method::POST && matches!(route, "/v1/orders" | "/v1/orders/{id}/refunds")
}

async fn authenticate(app: &App, request: Request) -> Result<(Seal, Caller, Request), Fail> {
    let (mut parts, body) = request.into_parts();
    let mut given = parts.headers.get_all(AUTHORIZATION).iter();
    let header = match (given.next().and_then(|v| v.to_str().ok()), given.next()) {
        (Some(text), None) => text.to_owned(),
        _ => return Err(Fail::new(Code::BadSignature, "exactly one Authorization header is needed; GET /docs says how it is made")),
    };
    let authorization = match merchant_auth::parse(&header) {
        Ok(authorization) => authorization,
        Err(reason) => return Err(signature_help::refuse_malformed(app, &parts, body, &header, reason).await),
    };
    let (key, merchant) = key_of(app, authorization.key_id)?;
    let now = app.gateway.now().second();
    if now.0.saturating_sub(authorization.at).saturating_abs() > SKEW_MAX_S {
        let detail = format!("the timestamp is more than {SKEW_MAX_S} seconds from our clock, which says {}", now.0);
        return Err(Fail::new(Code::StaleTimestamp, detail));
    }
    let bytes = super::body::read(app, &parts.headers, body).await?;
    let Authorization { key_id, timestamp, at, nonce, signature } = authorization;
    let path_and_query = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let signed = merchant_auth::Request { method: parts.method.as_str(), path_and_query, timestamp, nonce, body: &bytes };
    if !merchant_auth::verify(key.secret.expose(), &signed, signature) {
        return Err(signature_help::refuse(app, key_id, &key, &merchant, &signed, signature));
    }
    let spent_once = Nonce { key_id: key_id.to_owned(), nonce: nonce.to_owned(), timestamp_s: at };
    let seal = Seal { secret: key.secret.clone(), nonce: nonce.to_owned() };
    let caller = Caller { merchant, key_id: key_id.to_owned(), signed_at: at, nonce: Arc::new(Mutex::new(Some(spent_once))) };
    parts.extensions.insert(caller.clone());
    Ok((seal, caller, Request::from_parts(parts, Body::from(bytes))))
}

/// The live key of this id and its merchant.
pub fn key_of(app: &App, key_id: &str) -> Result<(Arc<KeyEntry>, Arc<MerchantEntry>), Fail> {
    let directory = app.gateway.directory.load();
    let key = directory.keys.get(key_id);
    let merchant = key.and_then(|key| directory.merchant(&key.merchant_id)).filter(|m| m.merchant.enabled);
    match (key, merchant) {
        (Some(key), Some(merchant)) => Ok((Arc::clone(key), Arc::clone(merchant))),
        _ => Err(Fail::new(Code::UnknownKey, "there is no live key of this id")),
    }
}

async fn handle(app: &App, caller: &Caller, carries_nonce: bool, request: Request, next: Next) -> Result<Response, Fail> {
    if let Some(limiter) = &app.limiter
        && let Err(seconds) = limiter.check(caller.merchant_id())
    {
        let refused = Refused::new(Code::RateLimited, "too many requests; try again after Retry-After");
        return Err(Fail { refused, retry_after_s: Some(seconds) });
    }
    if !carries_nonce {
        spend(app, caller).await?;
    }
    let response = next.run(request).await;
    spend(app, caller).await?;
    Ok(response)
}

/// Spends the nonce if nothing has yet.
async fn spend(app: &App, caller: &Caller) -> Result<(), Fail> {
    let Some(nonce) = caller.take_nonce() else { return Ok(()) };
    match app.gateway.store.submit(Command::UseNonce { nonce }).await? {
        Outcome::NonceReused => Err(Fail::new(Code::NonceReused, "this nonce was used before; sign again with a fresh one")),
        _ => Ok(()),
    }
}

async fn sign(app: &App, seal: &Seal, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let timestamp = app.gateway.now().second().0.to_string();
    let signature = ResponseSignature::begin(seal.secret.expose(), parts.status.as_u16(), &timestamp, &seal.nonce);
    let signed = match parts.extensions.remove::<Spooled>() {
        Some(spooled) => spooled.signed(&mut parts.headers, signature).await,
        None => whole(body, signature).await,
    };
    let Some((body, signature)) = signed else {
        return Fail::from(Refused::inner("an answer's body could not be read")).into_response();
    };
    for (name, value) in [("sluice-timestamp", timestamp), ("sluice-signature", signature)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            parts.headers.insert(name, value);
        }
    }
    Response::from_parts(parts, body)
}

/// Our own answers, made in memory: there is no bound to enforce.
async fn whole(body: Body, mut signature: ResponseSignature) -> Option<(Body, String)> {
    let bytes = axum::body::to_bytes(body, usize::MAX).await.ok()?;
    signature.update(&bytes);
    Some((Body::from(bytes), signature.finish()))
}
