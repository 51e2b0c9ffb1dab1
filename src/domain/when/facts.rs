//! What a predicate may ask about, and the value an answer has. The table [`FIELDS`] is the one list of names: the checker, the lowered
//! tree and `cel` all read it.

use serde_json::{Map, Value as Json};
use sluice_contract::{Fen, Millis, Payer, Terminal};

/// Everything one question is asked of. Borrowed, cheap.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub order: Asked<'a>,
    pub payer: &'a Payer,
    pub merchant_id: &'a str,
    pub merchant_name: &'a str,
    /// The candidate's account, `""` where none is chosen yet.
    pub account: &'a str,
    /// The candidate's channel, `""` where none is chosen yet.
    pub channel: &'a str,
    pub now: Millis,
}

/// The order as it was asked for, by the API's field names. The auth code is a secret and not among them.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub merchant_order_no: &'a str,
    pub amount: Fen,
    pub currency: &'a str,
    pub subject: &'a str,
    pub method: &'a str,
    pub app_id: Option<&'a str>,
    pub store: Option<&'a str>,
    pub operator_id: Option<&'a str>,
    pub auth_means: Option<&'a str>,
    pub h5_type: Option<&'a str>,
    pub client_ip: Option<&'a str>,
    /// Seconds.
    pub expires_in: Option<i64>,
    /// The account the merchant pinned.
    pub account: Option<&'a str>,
    pub terminal: Option<&'a Terminal>,
    pub metadata: &'a Map<String, Json>,
}

/// A value of the language. What only metadata can be (a fraction, a list, a table) stays the JSON it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(&'a str),
    Time(Millis),
    Json(&'a Json),
}

impl<'a> Value<'a> {
    pub fn of(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::String(text) => Value::Text(text),
            Json::Number(number) => {
                let whole = number.as_i64().map(Value::Int).or_else(|| number.as_u64().map(Value::Uint));
                whole.unwrap_or(Value::Json(json))
            }
            Json::Array(_) | Json::Object(_) => Value::Json(json),
        }
    }
}

/// What is known of a value before there is one. Any of them but a time may be null at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Uint,
    Fraction,
    Text,
    Bytes,
    Null,
    Time,
    Duration,
    List,
    /// The whole of `order.metadata`.
    Table,
    /// Whatever the merchant sent.
    Dyn,
}

impl Kind {
    /// In the words of the person who wrote the rule.
    pub const fn said(self) -> &'static str {
        match self {
            Kind::Bool => "true or false",
            Kind::Int => "a whole number",
            Kind::Uint => "an unsigned number",
            Kind::Fraction => "a fraction",
            Kind::Text => "text",
            Kind::Bytes => "bytes",
            Kind::Null => "null",
            Kind::Time => "a time",
            Kind::Duration => "a duration",
            Kind::List => "a list",
            Kind::Table => "a table",
            Kind::Dyn => "anything",
        }
    }
}

/// One name of the language.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub read: for<'a> fn(&Facts<'a>) -> Value<'a>,
}

fn text(text: Option<&str>) -> Value<'_> {
    text.map_or(Value::Null, Value::Text)
}

fn payer<'a>(facts: &Facts<'a>, id: fn(&Payer) -> &Option<String>) -> Value<'a> {
    text(id(facts.payer).as_deref())
}

fn terminal<'a>(facts: &Facts<'a>, part: fn(&Terminal) -> &Option<String>) -> Value<'a> {
    text(facts.order.terminal.and_then(|terminal| part(terminal).as_deref()))
}

const fn field(name: &'static str, read: for<'a> fn(&Facts<'a>) -> Value<'a>) -> Field {
    Field { name, kind: Kind::Text, read }
}

const fn number(name: &'static str, read: for<'a> fn(&Facts<'a>) -> Value<'a>) -> Field {
    Field { name, kind: Kind::Int, read }
}

pub(super) static FIELDS: [Field; 29] = [
    number("order.amount", |f| Value::Int(f.order.amount.0)),
    field("order.method", |f| Value::Text(f.order.method)),
    field("order.merchant_order_no", |f| Value::Text(f.order.merchant_order_no)),
    field("order.currency", |f| Value::Text(f.order.currency)),
    field("order.subject", |f| Value::Text(f.order.subject)),
    field("order.app_id", |f| text(f.order.app_id)),
    field("order.store", |f| text(f.order.store)),
    field("order.operator_id", |f| text(f.order.operator_id)),
    field("order.auth_means", |f| text(f.order.auth_means)),
    field("order.h5_type", |f| text(f.order.h5_type)),
    field("order.client_ip", |f| text(f.order.client_ip)),
    number("order.expires_in", |f| f.order.expires_in.map_or(Value::Null, Value::Int)),
    field("order.account", |f| text(f.order.account)),
    field("order.terminal.id", |f| terminal(f, |t| &t.id)),
    field("order.terminal.device_type", |f| terminal(f, |t| &t.device_type)),
    field("order.terminal.serial_no", |f| terminal(f, |t| &t.serial_no)),
    field("order.terminal.ip", |f| terminal(f, |t| &t.ip)),
    field("order.terminal.location", |f| terminal(f, |t| &t.location)),
    field("payer.openid", |f| payer(f, |p| &p.openid)),
    field("payer.buyer_id", |f| payer(f, |p| &p.buyer_id)),
    field("payer.buyer_open_id", |f| payer(f, |p| &p.buyer_open_id)),
    field("payer.customer_id", |f| payer(f, |p| &p.customer_id)),
    field("merchant.id", |f| Value::Text(f.merchant_id)),
    field("merchant.name", |f| Value::Text(f.merchant_name)),
    field("account", |f| Value::Text(f.account)),
    field("channel", |f| Value::Text(f.channel)),
    field("method", |f| Value::Text(f.order.method)),
    Field { name: "now", kind: Kind::Time, read: |f| Value::Time(f.now) },
    // Never read as a whole: its keys are.
    Field { name: METADATA, kind: Kind::Table, read: |_| Value::Null },
];

pub(super) const METADATA: &str = "order.metadata";
