//! Operators who sign in at the console. Made, changed and made anew here or by `sluice operator add`; those of `sluice.toml` have tokens
//! and stand there.

use super::change::{line, new_id};
use super::gate::Who;
use crate::config::Role;
use crate::flow::{Code, Gateway, Refused};
use crate::http::App;
use crate::http::body;
use crate::http::errors::{Fail, Reply};
use crate::http::identity::operator::{self, Wanted};
use crate::http::identity::{Made, Person, session};
use crate::http::orders::{json as answer, ok};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use sluice_contract::Reader;

/// List operators
#[utoipa::path(get, path = "/ops/v1/operators", operation_id = "opsListOperators", tag = "ops",
    responses((status = 200, description = "Those who sign in at the console, without their secrets", body = Value)))]
pub async fn list_operators(State(app): State<App>, _: Who) -> Reply {
    let data: Vec<Value> = operator::all(&app.gateway).await?.iter().map(shown).collect();
    Ok(ok(&json!({"data": data})))
}

fn shown(person: &Person) -> Value {
    json!({
        "name": person.name, "role": person.role.word(), "disabled": person.disabled, "second_factor": person.has_codes(),
        "password_once": person.password_once, "created_at": person.created_at.rfc3339(),
    })
}

/// Make an operator, or make his password and second factor anew
///
/// Answers the password, to be changed at the first sign-in, and the second factor as an `otpauth` URI, this once. Whoever was signed in
/// under the name is not any more. `second_factor: false` is for trying: without one nobody signs in where an account is live.
#[utoipa::path(post, path = "/ops/v1/operators/{name}", operation_id = "opsMakeOperator", tag = "ops",
    params(("name" = String, Path, description = "1 to 64 letters, digits, _ or -")),
    request_body(content = Value, description = "`role`, required; `second_factor`, true by default"),
    responses((status = 201, description = "The operator with his secrets", body = Value)))]
pub async fn make_operator(State(app): State<App>, who: Who, Path(name): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    new_id("name", &name)?;
    let (role, codes) = asked(&body::json(&headers, &bytes)?, "second_factor")?;
    let made = make(&app.gateway, &who, Wanted { name, role, password: None, codes: codes.unwrap_or(true) }).await?;
    let mut told = shown(&made.person);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("password".into(), made.password.into());
        fields.insert("otpauth".into(), json!(made.uri));
    }
    Ok(answer(StatusCode::CREATED, &told))
}

/// Makes and stores an operator, and ends what sessions the name had.
pub async fn make(gateway: &Gateway, who: &Who, wanted: Wanted) -> Result<Made, Fail> {
    let made = operator::make(gateway, wanted).await?;
    let person = &made.person;
    let detail = json!({"role": person.role.word(), "second_factor": person.has_codes()});
    person.store(gateway, line(gateway, who, "operator.make", &person.name, detail)).await?;
    put_out(gateway, who, &person.name, None).await?;
    Ok(made)
}

/// The role, which is required, and one flag.
fn asked(body: &Value, flag: &str) -> Result<(Role, Option<bool>), Fail> {
    let reader = Reader::root("body", body);
    let role = Role::from_word(reader.need_text("role"));
    if role.is_none() && reader.text("role").is_some_and(|word| !word.is_empty()) {
        reader.problem("role", "must be viewer, operator, finance or admin");
    }
    let flag = reader.flag(flag);
    reader.finish();
    body::refuse(&reader)?;
    Ok((role.ok_or_else(|| Refused::field("role", "is required"))?, flag))
}

/// Change an operator's role, or switch him off
///
/// In force with his next request.
#[utoipa::path(put, path = "/ops/v1/operators/{name}", operation_id = "opsPutOperator", tag = "ops",
    params(("name" = String, Path, description = "The operator's name")),
    request_body(content = Value, description = "`role`, required; `disabled`"),
    responses((status = 200, description = "The operator", body = Value)))]
pub async fn put_operator(State(app): State<App>, who: Who, Path(name): Path<String>, headers: HeaderMap, bytes: Bytes) -> Reply {
    let (role, disabled) = asked(&body::json(&headers, &bytes)?, "disabled")?;
    let known = operator::find(&app.gateway, &name).await?.ok_or_else(|| Fail::new(Code::NotFound, "there is no such operator"))?;
    let mut person = known.clone();
    person.role = role;
    person.disabled = disabled.unwrap_or(known.disabled);
    let told = |person: &Person| json!({"role": person.role.word(), "disabled": person.disabled});
    let detail = json!({"from": told(&known), "to": told(&person)});
    person.store(&app.gateway, line(&app.gateway, &who, "operator.put", &name, detail)).await?;
    if person.disabled {
        put_out(&app.gateway, &who, &name, None).await?;
    }
    Ok(ok(&shown(&person)))
}

/// Ends an operator's sessions, but for one.
pub async fn put_out(gateway: &Gateway, who: &Who, name: &str, but: Option<&str>) -> Result<(), Fail> {
    let of_him = session::living(gateway).await?.into_iter().filter(|session| session.operator == name);
    let ids: Vec<String> = of_him.map(|session| session.id).filter(|id| Some(id.as_str()) != but).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let detail = json!({"sessions": ids.len()});
    session::end(gateway, &ids, line(gateway, who, "session.revoke", name, detail)).await
}
