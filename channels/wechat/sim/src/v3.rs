//! Every v3 call: envelope, dispatch, and the lies that are asked for.

use crate::check::Fields;
use crate::fail::{Fail, Snag};
use crate::options::KeyMode;
use crate::route::Route;
use crate::sim::WechatSim;
use serde_json::{Value, json};
use sluice_contract::{HttpReply, Millis};
use sluice_simkit::{Call, Fault};

/// What a call that is not refused answers: a body, or 204.
pub(crate) type Answer = Result<Option<Value>, Fail>;

impl WechatSim {
    pub(crate) fn serve_v3(&mut self, call: &Call, route: &Route, now: Millis, fault: Option<Fault>) -> HttpReply {
        let answer = match fault {
            Some(Fault::Error500) => Err(Snag::System.into()),
            _ => self.authenticate(call, now).and_then(|()| self.answer(call, route, now)),
        };
        let (status, body) = match answer {
            Ok(Some(mut value)) => {
                if matches!(route, Route::QueryByNumber { .. } | Route::QueryById { .. }) {
                    lie(&mut value, fault);
                }
                (200, value.to_string())
            }
            Ok(None) => (204, String::new()),
            Err(fail) => (fail.snag.status(), fail.json().to_string()),
        };
        self.signed(status, body, call, now, fault)
    }

    fn answer(&mut self, call: &Call, route: &Route, now: Millis) -> Answer {
        if *route == Route::Unknown {
            return Err(Snag::NoPath.into());
        }
        if call.verb != route.verb() {
            return Err(Snag::Method.into());
        }
        match route {
            Route::QueryByNumber { number, partner } => self.query_by_number(number, *partner, call),
            Route::QueryById { id, partner } => self.query_by_id(id, *partner, call),
            Route::QueryRefund { number } => self.query_refund_v3(number, call),
            Route::Certificates => self.certificates(),
            Route::TradeBill => self.trade_bill(call, now),
            _ => self.answer_body(call, route, now),
        }
    }

    /// The calls that carry a body.
    fn answer_body(&mut self, call: &Call, route: &Route, now: Millis) -> Answer {
        let tree: Value = serde_json::from_slice(&call.body).map_err(|_| Fail::body("", None, "Is not JSON"))?;
        let fields = Fields::of(&tree)?;
        match route {
            Route::Create { product, partner } => self.create(*product, *partner, &fields, now),
            Route::Codepay { partner } => self.codepay(*partner, &fields, now),
            Route::Close { number, partner } => self.close_v3(number, *partner, &fields),
            Route::Reverse { number, partner } => self.reverse_v3(number, *partner, &fields, now),
            Route::Refund => self.refund_v3(&fields, now),
            Route::ApplyAbnormal { id } => self.apply_abnormal(id, &fields, now),
            _ => Err(Snag::NoPath.into()),
        }
    }

    /// pack §2.4: the certificates in validity, encrypted; accounts with only a public key never get any.
    fn certificates(&mut self) -> Answer {
        if self.mode == KeyMode::PublicKey {
            return Err(Snag::System.into());
        }
        let listed: Vec<_> =
            self.keys.listed().iter().map(|c| (c.signer.serial.clone(), c.effective_time, c.expire_time, c.pem.clone())).collect();
        let data: Vec<Value> = listed
            .into_iter()
            .map(|(serial_no, effective_time, expire_time, pem)| {
                let encrypt_certificate = self.sealed(&pem, "certificate");
                json!({
                    "serial_no": serial_no, "effective_time": effective_time, "expire_time": expire_time,
                    "encrypt_certificate": encrypt_certificate,
                })
            })
            .collect();
        Ok(Some(json!({ "data": data })))
    }
}

/// Changes a transaction or refund object to a validly signed lie.
pub(crate) fn lie(value: &mut Value, fault: Option<Fault>) {
    match fault {
        Some(Fault::WrongAmount) => {
            for pointer in ["/amount/total", "/amount/payer_total", "/amount/refund", "/amount/payer_refund"] {
                if let Some(amount) = value.pointer_mut(pointer)
                    && let Some(fen) = amount.as_i64()
                {
                    *amount = json!(fen.saturating_add(1));
                }
            }
        }
        Some(Fault::WrongOrder) => {
            for pointer in ["/out_trade_no", "/out_refund_no"] {
                if let Some(number) = value.pointer_mut(pointer) {
                    *number = json!(other_number(number.as_str().unwrap_or_default()));
                }
            }
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
