//! The gateway's key, which signs what ICBC sends us, and the key of encrypted contents (pack 1.4, 1.5).
//!
//! The gateway signs SHA1withRSA, whatever sign type our request used, and its published key has 1024 bits: it is verified here
//! and nothing of that kind is ever made. Both keys are configured; the bank has no API that renews them.

use sluice_contract::Reader;
use sluice_kit::account::{self, parsed};
use sluice_kit::aes::AesKey;
pub(crate) use sluice_kit::channel::absent::{install, renew, sub_keys};
use sluice_kit::rsa::{PublicKey, Strength};

/// The keys of an account. Former ones verify and decrypt; only the present content key encrypts.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) gateway: Vec<PublicKey>,
    pub(crate) content: Option<AesKey>,
    pub(crate) former_contents: Vec<AesKey>,
}

impl Keys {
    /// Takes the keys of the account's table.
    pub(crate) fn take(&mut self, table: &Reader<'_>) {
        self.gateway.extend(parsed(table, "gateway_public_key", table.need_text("gateway_public_key"), gateway));
        self.content = account::read(table, "encrypt_key", AesKey::read);
    }

    /// Takes the keys before the last change.
    pub(crate) fn take_former(&mut self, table: &Reader<'_>) {
        let text = table.text("gateway_public_key").unwrap_or_default();
        self.gateway.extend(parsed(table, "gateway_public_key", text, gateway));
        self.former_contents.extend(account::read(table, "encrypt_key", AesKey::read));
    }

    pub(crate) fn verifies(&self, text: &str, signature: &str) -> bool {
        self.gateway.iter().any(|key| key.verifies_base64(text.as_bytes(), signature))
    }

    /// The plain bytes of an encrypted content.
    pub(crate) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        self.content.iter().chain(&self.former_contents).find_map(|key| key.open(sealed))
    }
}

fn gateway(text: &str) -> Result<PublicKey, &'static str> {
    PublicKey::read(text, Strength::Sha1Short)
}
