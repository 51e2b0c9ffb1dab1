//! What an answer or a callback says, member by member in the order it is sent.

use crate::fail::{Fail, Snag};
use serde_json::{Value, json};
use sluice_contract::Fen;
use sluice_simkit::Fault;

/// What a call that is not refused tells: a code and members.
pub(crate) struct Told {
    pub(crate) snag: Snag,
    pub(crate) body: Body,
}

pub(crate) type Answer = Result<Told, Fail>;

impl From<Body> for Told {
    fn from(body: Body) -> Told {
        Told { snag: Snag::Ok, body }
    }
}

/// Members in order; no map sorts them (pack §6.1: key order and spaces exactly as sent).
#[derive(Clone, Debug, Default)]
pub(crate) struct Body(pub(crate) Vec<(&'static str, Value)>);

impl Body {
    pub(crate) fn put(&mut self, name: &'static str, value: &str) {
        self.0.push((name, json!(value)));
    }

    pub(crate) fn fen(&mut self, name: &'static str, amount: Fen) {
        self.put(name, &amount.to_string());
    }

    /// The JSON text that is signed.
    pub(crate) fn text(&self, spaced: bool) -> String {
        let (comma, colon) = if spaced { (", ", ": ") } else { (",", ":") };
        let members: Vec<String> = self.0.iter().map(|(name, value)| format!("\"{name}\"{colon}{value}")).collect();
        format!("{{{}}}", members.join(comma))
    }

    /// Puts a validly signed lie in.
    pub(crate) fn lie(&mut self, fault: Option<Fault>) {
        for (name, value) in &mut self.0 {
            if *name == LIST {
                let items: Vec<Value> = value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                let told: Vec<Value> = items.into_iter().map(|item| lied(item, fault)).collect();
                *value = json!(Value::Array(told).to_string());
            } else {
                lie_about(name, value, fault);
            }
        }
    }
}

/// The refunds of a reject query: a list as JSON text (pack §1.6).
pub(crate) const LIST: &str = "refundJsonList";

fn lied(mut item: Value, fault: Option<Fault>) -> Value {
    for (name, value) in item.as_object_mut().into_iter().flatten() {
        lie_about(name, value, fault);
    }
    item
}

fn lie_about(name: &str, value: &mut Value, fault: Option<Fault>) {
    match (fault, name) {
        (Some(Fault::WrongAmount), "total_amt" | "payment_amt" | "reject_amt" | "real_reject_amt") => {
            if let Some(fen) = value.as_str().and_then(|text| text.parse::<i64>().ok()) {
                *value = json!(fen.saturating_add(1).to_string());
            }
        }
        (Some(Fault::WrongOrder), "out_trade_no" | "reject_no" | "outtrx_serial_no") => {
            *value = json!(other_number(value.as_str().unwrap_or_default()));
        }
        _ => {}
    }
}

/// A number of the same shape that is not the one given: its last character changed.
pub(crate) fn other_number(number: &str) -> String {
    let mut other: String = number.chars().take(number.chars().count().saturating_sub(1)).collect();
    other.push(if number.ends_with('0') { '1' } else { '0' });
    other
}
