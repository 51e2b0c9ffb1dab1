//! Limits: what is used of each, where it goes, and what an operator may do about it: raise, lower, suspend, recount.

use super::change::{change, line, note, reason};
use super::gate::Who;
use crate::domain::limit::{Counter, CounterKey, Limit, Measure, Window};
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::orders::ok;
use crate::http::params::Params;
use crate::store::{Answer, Command, Drift, Query, Record};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use serde_json::{Value, json};
use sluice_contract::{Millis, Reader};

pub const TOP: u32 = 100;
const TOP_MAX: u32 = 1_000;

/// List limits
#[utoipa::path(get, path = "/ops/v1/limits", operation_id = "opsListLimits", tag = "ops",
    params(("top" = Option<i64>, Query, description = "At most so many subjects of each limit, the largest first; 100, at most 1000")),
    responses((status = 200, description = "Each limit with its use: the window that runs, the one before and those reserved ahead", body = Vec<Value>)))]
pub async fn list_limits(State(app): State<App>, _: Who, uri: Uri) -> Reply {
    let mut params = Params::of(&uri, &["top"]);
    let top = params.read("top", "must be 1 to 1000", |text| text.parse().ok().filter(|n| (1..=TOP_MAX).contains(n))).unwrap_or(TOP);
    params.check()?;
    Ok(ok(&json!(all(&app.gateway, top).await?)))
}

/// Every limit, with at most so many subjects.
pub async fn all(gateway: &Gateway, top: u32) -> Result<Vec<Value>, Fail> {
    let directory = gateway.directory.load_full();
    let mut data = Vec::new();
    for limit in &directory.limits.0 {
        data.push(shown(gateway, limit, top).await?);
    }
    Ok(data)
}

/// Raise, lower or suspend a limit
#[utoipa::path(put, path = "/ops/v1/limits/{name}", operation_id = "opsPutLimit", tag = "ops",
    params(("name" = String, Path, description = "The limit's name")),
    request_body(content = Value, description = "`max`: fen or orders, null for the file's; `suspended`; `reason`, required"),
    responses((status = 200, description = "The limit as it now is. A new max binds new reservations only", body = Value)))]
pub async fn put_limit(State(app): State<App>, who: Who, Path(name): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    let before = known(&app, &name)?;
    let Asked { max, suspended, reason } = asked(&body::json(&headers, &bytes)?)?;
    let doc = (max.is_some() || suspended).then(|| json!({"max": max, "suspended": suspended}));
    let put = vec![Record { kind: "limit".into(), id: name.clone(), doc }];
    let from = json!({"max": before.max, "suspended": before.suspended});
    let detail = json!({"from": from, "to": {"max": max, "suspended": suspended}, "reason": reason});
    change(&app, &who, put, "limit.change", &name, detail).await?;
    Ok(ok(&shown(&app.gateway, known(&app, &name)?.as_ref(), TOP).await?))
}

struct Asked {
    max: Option<i64>,
    suspended: bool,
    reason: String,
}

fn asked(body: &Value) -> Result<Asked, Fail> {
    let reader = Reader::root("body", body);
    let max = reader.int("max", 0..=i64::MAX);
    let suspended = reader.flag("suspended").unwrap_or(false);
    let reason = reason(&reader);
    reader.finish();
    body::refuse(&reader)?;
    Ok(Asked { max, suspended, reason })
}

/// Recount every counter from the entries
#[utoipa::path(post, path = "/ops/v1/limits/rebuild", operation_id = "opsRebuildLimits", tag = "ops",
    responses((status = 200, description = "How many counters were checked, and those that were not the sum of their entries and now are", body = Value)))]
pub async fn rebuild_limits(State(app): State<App>, who: Who) -> Reply {
    let Answer::Drift { checked, drifted } = app.gateway.store.read(Query::Drift).await? else {
        return Err(Refused::inner("an unexpected answer to Drift").into());
    };
    for drift in &drifted {
        tracing::error!(limit = drift.key.limit, subject = drift.key.subject, "ALARM: a counter was not the sum of its entries");
        let audit = line(&app.gateway, &who, "limit.recount", &drift.key.limit, drift_row(drift));
        app.gateway.store.submit(Command::Recount { key: drift.key.clone(), audit }).await?;
    }
    note(&app, &who, "limit.rebuild", "limits", json!({"checked": checked, "drifted": drifted.len()})).await?;
    Ok(ok(&json!({"checked": checked, "drifted": drifted.iter().map(drift_row).collect::<Vec<_>>()})))
}

fn known(app: &App, name: &str) -> Result<std::sync::Arc<Limit>, Fail> {
    let directory = app.gateway.directory.load();
    let found = directory.limits.0.iter().find(|limit| limit.name == name).cloned();
    found.ok_or_else(|| Fail::new(Code::NotFound, "there is no such limit in limits.toml"))
}

async fn shown(gateway: &Gateway, limit: &Limit, top: u32) -> Result<Value, Fail> {
    let now = gateway.now();
    let rows = if limit.window == Window::Transaction { Vec::new() } else { used(gateway, limit, now, top).await? };
    let (own, held): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(key, _)| key.holder.is_empty());
    let measure = if limit.measure == Measure::Count { "count" } else { "amount" };
    Ok(json!({
        "name": limit.name, "when": limit.when.text(), "measure": measure, "window": window_word(limit.window), "mode": limit.mode,
        "max": limit.max, "min": limit.min, "suspended": limit.suspended,
        "use": own.iter().map(|(key, counter)| use_row(limit, key, counter, now)).collect::<Vec<_>>(),
        "open": held.iter().map(|(key, counter)| json!({
            "subject": key.subject, "merchant": key.holder, "window_start": window_start(limit, key.start), "reserved": counter.reserved,
            "max": limit.open_share_ppm.map(|ppm| limit.share_of_max(ppm)),
        })).collect::<Vec<_>>(),
    }))
}

async fn used(gateway: &Gateway, limit: &Limit, now: Millis, top: u32) -> Result<Vec<(CounterKey, Counter)>, Fail> {
    // The window before this one may still hold what is unknown since yesterday.
    let from = limit.window.start_of(Millis(limit.window.start_of(now).saturating_sub(1)));
    let edge = limit.window.rolling_ms().map(|ms| now.plus_ms(ms.saturating_neg()));
    let query = Query::LimitUse { limit: limit.name.clone(), from, edge, top };
    match gateway.store.read(query).await? {
        Answer::LimitUse(rows) => Ok(rows.into_iter().filter(|(_, counter)| counter.reserved > 0 || counter.confirmed > 0).collect()),
        _ => Err(Refused::inner("an unexpected answer to LimitUse").into()),
    }
}

fn use_row(limit: &Limit, key: &CounterKey, counter: &Counter, now: Millis) -> Value {
    let max = limit.max.unwrap_or(i64::MAX);
    // A max that was lowered since leaves more standing than it allows: that is overrun too, for as long as it stands.
    let lowered = counter.used().saturating_sub(max).max(0);
    let used = counter.used().saturating_sub(lowered);
    json!({
        "subject": key.subject, "window_start": window_start(limit, key.start), "confirmed": counter.confirmed, "reserved": counter.reserved,
        "overrun": counter.overrun.saturating_add(lowered), "max": limit.max, "left": max.saturating_sub(used),
        "near": used >= limit.share_of_max(limit.warn_share_ppm),
        "exhausted_at": exhausted_at(limit, key.start, used, now).map(Millis::rfc3339),
    })
}

/// When the max is reached if the window goes on as it began; `None`: not in this window.
fn exhausted_at(limit: &Limit, start: i64, used: i64, now: Millis) -> Option<Millis> {
    let (end, elapsed_ms) = (limit.window.end_of(start)?, now.since_ms(Millis(start)));
    let left = limit.max?.checked_sub(used)?;
    if used <= 0 || elapsed_ms <= 0 || now >= end {
        return None;
    }
    let ms = i128::from(left).checked_mul(i128::from(elapsed_ms))?.checked_div(i128::from(used))?;
    Some(now.plus_ms(i64::try_from(ms).ok()?)).filter(|at| *at < end)
}

fn window_word(window: Window) -> String {
    match window {
        Window::Transaction => "transaction".to_owned(),
        Window::Day(_) => "day".to_owned(),
        Window::Month(_) => "month".to_owned(),
        Window::Rolling(ms) => format!("rolling:{}s", ms / 1000),
        Window::Lifetime => "lifetime".to_owned(),
    }
}

fn window_start(limit: &Limit, start: i64) -> Option<String> {
    matches!(limit.window, Window::Day(_) | Window::Month(_)).then(|| Millis(start).rfc3339())
}

fn drift_row(drift: &Drift) -> Value {
    let sums = |c: &Counter| json!({"reserved": c.reserved, "confirmed": c.confirmed, "overrun": c.overrun});
    json!({
        "limit": drift.key.limit, "subject": drift.key.subject, "holder": drift.key.holder, "window_start": drift.key.start,
        "counter": sums(&drift.counter), "entries": sums(&drift.entries),
    })
}

#[cfg(test)]
mod tests {
    use super::exhausted_at;
    use crate::domain::limit::{Limit, Measure, Window};
    use sluice_contract::Second;

    #[test]
    fn a_limit_is_forecast_to_run_out_at_the_pace_of_its_window() {
        let at = |text: &str| Second::from_rfc3339(text).map(Second::millis).unwrap_or_default();
        let limit = |max| Limit::new("day", &[], Measure::Amount, Window::Day(0), max);
        let (start, ten) = (at("2026-11-24T00:00:00+08:00").0, at("2026-11-24T10:00:00+08:00"));
        // Half of it in ten hours: the rest in ten more.
        assert_eq!(exhausted_at(&limit(1_000), start, 500, ten), Some(at("2026-11-24T20:00:00+08:00")));
        assert_eq!(exhausted_at(&limit(1_000), start, 1_000, ten), Some(ten));
        // Not before the day is over, nothing used, a window that is over, one that never ends.
        assert_eq!(exhausted_at(&limit(2_000), start, 500, ten), None);
        assert_eq!(exhausted_at(&limit(1_000), start, 0, ten), None);
        assert_eq!(exhausted_at(&limit(1_000), start, 500, at("2026-11-25T00:00:00+08:00")), None);
        assert_eq!(exhausted_at(&Limit { window: Window::Lifetime, ..limit(1_000) }, 0, 500, ten), None);
    }
}
