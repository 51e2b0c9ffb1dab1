//! `POST /pay/{token}`: the payer chooses a method, or says that he has paid. Answered by a redirect to the page, which shows what came of
//! it; so nothing is sent again by going back or reloading.

use super::{Viewer, ask_once, known_order_of, value_of, wait_for};
use crate::domain::OrderStatus;
use crate::flow::cashier::{Arrival, is_for_pages};
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::edge::Peer;
use crate::http::errors::{Fail, Reply};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use sluice_contract::Method;
use std::sync::{Arc, Mutex, PoisonError};

pub async fn choose(State(app): State<App>, Path(token): Path<String>, request: Request) -> Reply {
    let (parts, sent) = request.into_parts();
    if !is_from_our_page(&parts.headers, &app.gateway.public_url) {
        return Err(Fail::new(Code::Forbidden, "this form belongs to our own page"));
    }
    let life = known_order_of(&app.gateway, &token).await?;
    let viewer = Viewer::of(&parts.headers, parts.uri.query());
    let bytes = body::read(&app, &parts.headers, sent).await?;
    let form = std::str::from_utf8(&bytes).ok();
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let arrival = Arrival { client_ip: app.client_ip(peer, forwarded).map(|ip| ip.to_canonical().to_string()) };
    let told = match value_of(form, "method").and_then(Method::from_word).filter(|method| is_for_pages(*method)) {
        Some(method) => {
            let (gateway, said) = (Arc::clone(&app.gateway), Arc::new(Mutex::new("")));
            let says = Arc::clone(&said);
            wait_for(&app, async move {
                let chosen = gateway.choose(life, method, &arrival).await;
                *says.lock().unwrap_or_else(PoisonError::into_inner) = chosen.err().map_or("", |refused| said_of(&refused));
            })
            .await;
            *said.lock().unwrap_or_else(PoisonError::into_inner)
        }
        None if value_of(form, "paid").is_some() && life.order.status() == OrderStatus::Pending => {
            ask_once(&app, life).await;
            "confirm"
        }
        None => "",
    };
    let to = format!("{}/pay/{token}?lang={}{}", app.gateway.public_url, viewer.lang.word(), query_of(told));
    let location = HeaderValue::from_str(&to).map_err(|_| Fail::new(Code::NotFound, "there is no such page"))?;
    Ok((StatusCode::SEE_OTHER, [("location", location), ("cache-control", HeaderValue::from_static("no-store"))]).into_response())
}

/// What the page tells the payer of a refusal. Nothing was opened, and so nothing was charged; of money it says nothing all the same.
fn said_of(refused: &Refused) -> &'static str {
    if let Some(inner) = &refused.inner {
        tracing::warn!(code = ?refused.code, %inner, "a payer's choice was refused");
    }
    match refused.code {
        Code::LimitExceeded => "limit",
        Code::StoreUnavailable => "busy",
        Code::RateLimited => "often",
        // It has ended in between, and the page shows how.
        Code::InvalidState => "",
        _ => "unavailable",
    }
}

fn query_of(told: &str) -> String {
    match told {
        "" => String::new(),
        "confirm" => "&confirm=1".to_owned(),
        said => format!("&said={said}"),
    }
}

/// Browsers say where a form comes from. Whoever says nothing is no browser that another site could use.
fn is_from_our_page(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let same_site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let is_ours = |origin: &str| {
        let host = origin.split_once("://").map(|(_, host)| host);
        let ours = public_url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        host.is_some() && (host == ours || host == text("host"))
    };
    same_site && text("origin").is_none_or(is_ours)
}

#[cfg(test)]
mod tests {
    use super::is_from_our_page;
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn another_sites_form_is_not_ours() {
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://pay.example.com")], true),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://pay.example.com.evil.example")], false),
            (&[("origin", "null")], false),
        ];
        for (given, ours) in table {
            let mut headers = HeaderMap::new();
            for (name, value) in *given {
                headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(is_from_our_page(&headers, "https://pay.example.com"), *ours, "{given:?}");
        }
    }
}
