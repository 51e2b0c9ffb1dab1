//! What the pages' forms have in common: who sends them, whose they are, and where the payer goes next.

use crate::flow::cashier::Arrival;
use crate::flow::identify::Detour;
use crate::flow::{Code, Refused};
use crate::http::App;
use crate::http::edge::Peer;
use crate::http::errors::Fail;
use crate::http::lang::Lang;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

const KEPT: &str = "sluice_";
/// A state lives no longer.
const KEPT_S: u32 = 300;

/// What a request tells of the payer.
pub fn arrival(app: &App, parts: &Parts) -> Arrival {
    let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    Arrival { client_ip: app.client_ip(peer, forwarded).map(|ip| ip.to_canonical().to_string()), known: None }
}

/// To the order's page, with a word of what was refused.
pub fn to_page(app: &App, token: &str, lang: Lang, told: &str) -> Result<Response, Fail> {
    see_other(&format!("{}/pay/{token}?lang={}{}", app.gateway.public_url, lang.word(), query_of(told)))
}

pub fn see_other(to: &str) -> Result<Response, Fail> {
    let location = HeaderValue::from_str(to).map_err(|_| Fail::new(Code::NotFound, "there is no such page"))?;
    Ok((StatusCode::SEE_OTHER, [("location", location), ("cache-control", HeaderValue::from_static("no-store"))]).into_response())
}

/// To the channel's page. This browser keeps the state, under a name of its own: two pages at once do not take each other's.
pub fn detoured(app: &App, detour: &Detour) -> Result<Response, Fail> {
    let mut response = see_other(&detour.url)?;
    let secure = if app.gateway.public_url.starts_with("https:") { "; Secure" } else { "" };
    let (name, state) = (detour.state.get(36..52).unwrap_or_default(), &detour.state);
    let cookie = format!("{KEPT}{name}={state}; Max-Age={KEPT_S}; Path=/identified; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert("set-cookie", value);
    }
    Ok(response)
}

/// The states that this browser was sent away with.
pub fn kept_states(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all("cookie").into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    cookies.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| name.starts_with(KEPT)).map(|(_, state)| state)
}

/// What the page tells the payer of a refusal. Nothing was opened, and so nothing was charged; of money it says nothing all the same.
pub fn said_of(refused: &Refused) -> &'static str {
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
pub fn is_from_our_page(headers: &HeaderMap, public_url: &str) -> bool {
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
