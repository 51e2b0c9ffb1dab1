//! An operator's record. What opens something is hashed or sealed; it is shown once, when it is made.

use super::{Guesses, code, moment, once, password, put, text};
use crate::config::Role;
use crate::flow::{Gateway, Refused};
use crate::http::errors::Fail;
use crate::http::ops::change::{record, records};
use crate::store::{Audit, Record};
use serde_json::{Value, json};
use sluice_contract::Millis;
use std::net::IpAddr;

pub const KIND: &str = "operator";
const SEAL_CODES: &str = "operator_codes";

#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    /// The password was given to him and is to be changed first.
    pub password_once: bool,
    pub created_at: Millis,
    password: String,
    /// Sealed, hex.
    codes: Option<String>,
}

/// What an operator is told, once.
pub struct Made {
    pub person: Person,
    pub password: String,
    pub uri: Option<String>,
}

/// How an operator is made, or made anew.
pub struct Wanted {
    pub name: String,
    pub role: Role,
    /// `None`: a fresh one, to be changed at the first sign-in.
    pub password: Option<String>,
    pub codes: bool,
}

impl Person {
    fn read(name: &str, doc: &Value) -> Result<Person, Fail> {
        let role = doc.get("role").and_then(Value::as_str).and_then(Role::from_word);
        let flag = |field: &str| doc.get(field).and_then(Value::as_bool).unwrap_or(false);
        Ok(Person {
            name: name.to_owned(),
            role: role.ok_or_else(|| Refused::inner(format!("the stored operator {name} has no role")))?,
            disabled: flag("disabled"),
            password_once: flag("password_once"),
            created_at: moment(doc, "created_at"),
            password: text(doc, "password"),
            codes: doc.get("codes").and_then(Value::as_str).map(str::to_owned),
        })
    }

    #[must_use]
    pub fn record(&self) -> Record {
        let doc = json!({
            "role": self.role.word(), "disabled": self.disabled, "password_once": self.password_once, "created_at": self.created_at,
            "password": self.password, "codes": self.codes,
        });
        Record { kind: KIND.into(), id: self.name.clone(), doc: Some(doc) }
    }

    #[must_use]
    pub const fn has_codes(&self) -> bool {
        self.codes.is_some()
    }

    pub async fn store(&self, gateway: &Gateway, audit: Audit) -> Result<(), Fail> {
        put(gateway, vec![self.record()], vec![audit]).await
    }

    pub async fn with_password(self, gateway: &Gateway, password: &str) -> Result<Person, Fail> {
        password::check("password", password)?;
        let hash = password::hash(gateway, password.to_owned()).await?;
        Ok(Person { password: hash, password_once: false, ..self })
    }

    pub async fn is_password(&self, password: &str) -> Result<bool, Fail> {
        password::verify(Some(self.password.clone()), password.to_owned()).await
    }

    fn secret(&self, gateway: &Gateway) -> Result<Option<[u8; code::SECRET_BYTES]>, Fail> {
        let Some(sealed) = &self.codes else { return Ok(None) };
        let opened = hex::decode(sealed).ok().and_then(|bytes| gateway.sealer.open(SEAL_CODES, &bytes).ok());
        let secret = opened.and_then(|bytes| <[u8; code::SECRET_BYTES]>::try_from(bytes).ok());
        secret.map(Some).ok_or_else(|| Refused::inner(format!("the second factor of {} cannot be unsealed", self.name)).into())
    }

    /// Whether this is his code, now and for the first time.
    async fn is_code(&self, gateway: &Gateway, given: &str) -> Result<bool, Fail> {
        match self.secret(gateway)? {
            Some(secret) => match code::step(secret, given, gateway.now()) {
                Some(step) => once(gateway, &format!("code/{}/{step}", self.name)).await,
                None => Ok(false),
            },
            // Without a second factor nobody gets at real money.
            None => Ok(gateway.directory.load().accounts.iter().all(|account| account.sandbox)),
        }
    }
}

pub async fn find(gateway: &Gateway, name: &str) -> Result<Option<Person>, Fail> {
    record(gateway, KIND, name).await?.map(|doc| Person::read(name, &doc)).transpose()
}

pub async fn all(gateway: &Gateway) -> Result<Vec<Person>, Fail> {
    let stored = records(gateway, KIND).await?;
    stored.iter().map(|(name, doc)| Person::read(name, doc)).collect()
}

/// A new operator, or a known one with everything new; not stored yet.
pub async fn make(gateway: &Gateway, wanted: Wanted) -> Result<Made, Fail> {
    let given = wanted.password.is_some();
    let password = wanted.password.unwrap_or_else(|| password::fresh(gateway));
    password::check("password", &password)?;
    let secret = wanted.codes.then(|| gateway.random::<{ code::SECRET_BYTES }>());
    let seal = |secret: &[u8; code::SECRET_BYTES]| gateway.sealer.seal(SEAL_CODES, secret, gateway.random());
    let codes = secret.as_ref().map(seal).transpose().map_err(|e| Refused::inner(e.to_string()))?;
    let person = Person {
        name: wanted.name,
        role: wanted.role,
        disabled: false,
        password_once: !given,
        created_at: gateway.now(),
        password: password::hash(gateway, password.clone()).await?,
        codes: codes.map(hex::encode),
    };
    let uri = secret.and_then(|secret| code::uri(secret, &person.name));
    Ok(Made { person, password, uri })
}

/// How a try to sign in ended.
pub enum Tried {
    In(Box<Person>),
    /// Nobody is told which of the three was wrong. Whose name it was, if anybody's.
    Out(Option<Box<Person>>),
    /// Seconds until the next try.
    TooOften(u32),
}

/// Name, password and code at once.
pub async fn sign_in(gateway: &Gateway, guesses: &Guesses, given: [&str; 3], address: Option<IpAddr>) -> Result<Tried, Fail> {
    let [name, password, code] = given;
    if let Err(seconds) = guesses.take(name, address, gateway.now()) {
        return Ok(Tried::TooOften(seconds));
    }
    let known = if crate::config::is_id(name) { find(gateway, name).await? } else { None };
    let right = password::verify(known.as_ref().map(|person| person.password.clone()), password.to_owned()).await?;
    let Some(person) = known else { return Ok(Tried::Out(None)) };
    // A code is used up by the right password only: nobody else can use it up for its owner.
    if right && !person.disabled && person.is_code(gateway, code).await? {
        guesses.was_right(name, address);
        return Ok(Tried::In(Box::new(person)));
    }
    Ok(Tried::Out(Some(Box::new(person))))
}
