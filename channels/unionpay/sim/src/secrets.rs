//! Sensitive fields and the encryption certificate (pack §1.8, §2.8).

use crate::fail::Fail;
use crate::keys::as_sent;
use crate::message::Ask;
use crate::party::CARD_MASKED;
use crate::serve::{Answer, fields};
use crate::sign::SignMethod;
use crate::sim::UnionpaySim;
use base64::{Engine, engine::general_purpose::STANDARD};

impl UnionpaySim {
    pub(crate) fn encryption_certificate(&self, ask: &Ask<'_>) -> Answer {
        if ask.must("certType")? != "01" {
            return Err(Fail::format("certType"));
        }
        Ok(fields([("encryptPubKeyCert", as_sent(&self.keys.encrypt.pem))]))
    }

    /// What a payment may carry of the payer: a card number, plain or encrypted to the certificate it names, and customerInfo.
    pub(crate) fn sensitive(&self, ask: &Ask<'_>) -> Result<(), Fail> {
        if let Some(card) = ask.get("accNo") {
            let plain = match ask.get("encryptCertId") {
                None => Some(card.to_owned()),
                Some(id) if id == self.keys.encrypt.cert_id => self.keys.opened(card),
                Some(_) => return Err(Fail::format("encryptCertId")),
            };
            let is_card = |text: &String| (13..=19).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            if !plain.as_ref().is_some_and(is_card) {
                return Err(Fail::format("accNo"));
            }
        }
        if let Some(info) = ask.get("customerInfo") {
            let inner = STANDARD.decode(info).ok().and_then(|raw| String::from_utf8(raw).ok()).unwrap_or_default();
            if !(inner.starts_with('{') && inner.ends_with('}')) {
                return Err(Fail::format("customerInfo"));
            }
        }
        Ok(())
    }

    /// The payer's card as answers and notices show it: masked, and encrypted where the merchant has a certificate.
    pub(crate) fn card(&mut self, method: SignMethod) -> String {
        match method {
            SignMethod::Certificate => self.keys.for_merchant(CARD_MASKED, &mut self.draw),
            _ => CARD_MASKED.to_owned(),
        }
    }
}
