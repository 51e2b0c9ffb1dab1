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
    pub read: Read,
}

pub(super) type ReadText = for<'a> fn(&Facts<'a>) -> Option<&'a str>;
pub(super) type ReadInt = fn(&Facts<'_>) -> Option<i64>;

/// How a name is read; `None` is null.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read {
    Text(ReadText),
    Int(ReadInt),
    Now,
    /// Never as a whole: its keys are.
    Metadata,
}

impl Field {
    pub const fn kind(&self) -> Kind {
        match self.read {
            Read::Text(_) => Kind::Text,
            Read::Int(_) => Kind::Int,
            Read::Now => Kind::Time,
            Read::Metadata => Kind::Table,
        }
    }

    pub fn value<'a>(&self, facts: &Facts<'a>) -> Value<'a> {
        match self.read {
            Read::Text(read) => read(facts).map_or(Value::Null, Value::Text),
            Read::Int(read) => read(facts).map_or(Value::Null, Value::Int),
            Read::Now => Value::Time(facts.now),
            Read::Metadata => Value::Null,
        }
    }
}

const fn text(name: &'static str, read: ReadText) -> Field {
    Field { name, read: Read::Text(read) }
}

const fn number(name: &'static str, read: ReadInt) -> Field {
    Field { name, read: Read::Int(read) }
}

fn terminal<'a>(facts: &Facts<'a>, part: fn(&Terminal) -> &Option<String>) -> Option<&'a str> {
    facts.order.terminal.and_then(|terminal| part(terminal).as_deref())
}

pub(super) static FIELDS: [Field; 29] = [
    number("order.amount", |f| Some(f.order.amount.0)),
    text("order.method", |f| Some(f.order.method)),
    text("order.merchant_order_no", |f| Some(f.order.merchant_order_no)),
    text("order.currency", |f| Some(f.order.currency)),
    text("order.subject", |f| Some(f.order.subject)),
    text("order.app_id", |f| f.order.app_id),
    text("order.store", |f| f.order.store),
    text("order.operator_id", |f| f.order.operator_id),
    text("order.auth_means", |f| f.order.auth_means),
    text("order.h5_type", |f| f.order.h5_type),
    text("order.client_ip", |f| f.order.client_ip),
    number("order.expires_in", |f| f.order.expires_in),
    text("order.account", |f| f.order.account),
    text("order.terminal.id", |f| terminal(f, |t| &t.id)),
    text("order.terminal.device_type", |f| terminal(f, |t| &t.device_type)),
    text("order.terminal.serial_no", |f| terminal(f, |t| &t.serial_no)),
    text("order.terminal.ip", |f| terminal(f, |t| &t.ip)),
    text("order.terminal.location", |f| terminal(f, |t| &t.location)),
    text("payer.openid", |f| f.payer.openid.as_deref()),
    text("payer.buyer_id", |f| f.payer.buyer_id.as_deref()),
    text("payer.buyer_open_id", |f| f.payer.buyer_open_id.as_deref()),
    text("payer.customer_id", |f| f.payer.customer_id.as_deref()),
    text("merchant.id", |f| Some(f.merchant_id)),
    text("merchant.name", |f| Some(f.merchant_name)),
    text("account", |f| Some(f.account)),
    text("channel", |f| Some(f.channel)),
    text("method", |f| Some(f.order.method)),
    Field { name: "now", read: Read::Now },
    Field { name: METADATA, read: Read::Metadata },
];

pub(super) const METADATA: &str = "order.metadata";
