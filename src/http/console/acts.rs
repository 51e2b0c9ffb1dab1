//! What the console's forms do: each is the call of `/ops/v1` of the same name, carried out once however often the form is sent, and leads
//! back to the page that shows what came of it. An outcome that is not known is never called a failure.

use super::page::{back_to, text};
use super::visit::{Form, Visit};
use crate::domain::life::Undo;
use crate::flow::Code;
use crate::http::App;
use crate::http::errors::{Fail, Reply};
use crate::http::ops::{accounts, discrepancies, notifications, orders, sessions};
use axum::extract::{Path, State};
use serde_json::{Value, json};

fn order_page(id: &str) -> String {
    format!("/console/orders/{id}")
}

pub async fn sync(State(app): State<App>, visit: Visit, Path(id): Path<String>, form: Form) -> Reply {
    if !visit.first(&app, &form).await? {
        return Ok(back_to(&order_page(&id), "again"));
    }
    orders::sync(&app, &visit.who, &id).await?;
    Ok(back_to(&order_page(&id), "done"))
}

pub async fn close(State(app): State<App>, visit: Visit, Path(id): Path<String>, form: Form) -> Reply {
    undo(&app, &visit, &id, Undo::Close, &form).await
}

pub async fn reverse(State(app): State<App>, visit: Visit, Path(id): Path<String>, form: Form) -> Reply {
    undo(&app, &visit, &id, Undo::Reverse, &form).await
}

async fn undo(app: &App, visit: &Visit, id: &str, verb: Undo, form: &Form) -> Reply {
    let page = order_page(id);
    let typed = form.get("last4").trim().to_ascii_uppercase();
    if typed.len() != 4 || !id.ends_with(&typed) {
        return Ok(back_to(&page, "retype"));
    }
    if !visit.first(app, form).await? {
        return Ok(back_to(&page, "again"));
    }
    match orders::undo(app, &visit.who, id, verb, &json!({"reason": form.get("reason")})).await {
        Ok(order) if text(&order, "/status") == "pending" => Ok(back_to(&page, "accepted")),
        Ok(_) => Ok(back_to(&page, "done")),
        Err(fail) if fail.refused.code == Code::InProgress => Ok(back_to(&page, "accepted")),
        Err(fail) => Err(fail),
    }
}

pub async fn replay(State(app): State<App>, visit: Visit, Path(event_id): Path<String>, form: Form) -> Reply {
    let order = crate::domain::OrderId::parse(form.get("order"));
    let page = order.map_or_else(|| "/console/notifications".to_owned(), |id| order_page(id.as_str()));
    if !visit.first(&app, &form).await? {
        return Ok(back_to(&page, "again"));
    }
    notifications::replay(&app.gateway, &visit.who, &event_id).await?;
    Ok(back_to(&page, "done"))
}

const ACCOUNTS: &str = "/console/accounts";

pub async fn switch(State(app): State<App>, visit: Visit, Path((id, act)): Path<(String, String)>, form: Form) -> Reply {
    if !visit.first(&app, &form).await? {
        return Ok(back_to(ACCOUNTS, "again"));
    }
    accounts::switch(&app, &visit.who, &id, &act).await?;
    Ok(back_to(ACCOUNTS, "done"))
}

pub async fn weigh(State(app): State<App>, visit: Visit, Path(id): Path<String>, form: Form) -> Reply {
    let weight = match form.get("weight").trim() {
        "" => Value::Null,
        // What is no number is refused where every weight is checked.
        text => text.parse::<i64>().map_or_else(|_| json!(text), |weight| json!(weight)),
    };
    if !visit.first(&app, &form).await? {
        return Ok(back_to(ACCOUNTS, "again"));
    }
    accounts::weigh(&app, &visit.who, &id, &json!({"weight": weight, "reason": form.get("reason")})).await?;
    Ok(back_to(ACCOUNTS, "done"))
}

pub async fn settle(State(app): State<App>, visit: Visit, Path(id): Path<String>, form: Form) -> Reply {
    const PAGE: &str = "/console/discrepancies";
    if !visit.first(&app, &form).await? {
        return Ok(back_to(PAGE, "again"));
    }
    let settled = discrepancies::settle(&app.gateway, &visit.who, id, &json!({"reason": form.get("reason")})).await?;
    Ok(back_to(PAGE, if text(&settled, "/status") == "settled" { "done" } else { "proposed" }))
}

pub async fn revoke(State(app): State<App>, visit: Visit, Path(id): Path<String>) -> Reply {
    match sessions::revoke(&app.gateway, &visit.who, &id).await {
        // Gone is gone, whoever ended it.
        Ok(()) | Err(Fail { refused: crate::flow::Refused { code: Code::NotFound, .. }, .. }) => Ok(back_to("/console/sessions", "done")),
        Err(fail) => Err(fail),
    }
}
