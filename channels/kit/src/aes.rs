//! AES-128-CBC with an IV of sixteen zero bytes and PKCS#7 padding: how ICBC and Alipay encrypt a content, before it is signed.
//!
//! It hides, it does not prove: whoever reads verifies the signature over the ciphertext first.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The key of a content.
pub struct AesKey(Zeroizing<[u8; 16]>);

impl AesKey {
    /// Reads the base64 of 16 bytes, as the channels' consoles hand it out.
    ///
    /// # Errors
    /// Why it cannot be used, for the reader of a config file.
    pub fn read(text: &str) -> Result<AesKey, &'static str> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|_| "must be base64 of 16 bytes")?;
        bytes.as_slice().try_into().map(|key| AesKey(Zeroizing::new(key))).map_err(|_| "must be base64 of 16 bytes")
    }

    /// The ciphertext as base64; `None` only if the library fails.
    #[must_use]
    pub fn seal(&self, plain: &[u8]) -> Option<String> {
        let key = UnboundCipherKey::new(&AES_128, self.0.as_slice()).and_then(PaddedBlockEncryptingKey::cbc_pkcs7).ok()?;
        let mut bytes = plain.to_vec();
        key.less_safe_encrypt(&mut bytes, EncryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        Some(STANDARD.encode(bytes))
    }

    /// The plain bytes; `None` for what is no base64, no whole number of blocks or wrongly padded.
    #[must_use]
    pub fn open(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(text).ok()?;
        let key = UnboundCipherKey::new(&AES_128, self.0.as_slice()).and_then(PaddedBlockDecryptingKey::cbc_pkcs7).ok()?;
        let plain = key.decrypt(&mut bytes, DecryptionContext::Iv128(FixedLength::from([0; 16]))).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::AesKey;
    use proptest::prelude::*;

    #[test]
    fn a_known_text_has_its_known_ciphertext_and_damage_is_refused() {
        let key = AesKey::read("AAECAwQFBgcICQoLDA0ODw==").ok();
        let key = key.as_ref();
        assert_eq!(key.and_then(|k| k.seal("{\"a\":\"国密\"}".as_bytes())).as_deref(), Some("sj3P6u26OFrc6r1zm/5nug=="));
        assert_eq!(key.and_then(|k| k.open("sj3P6u26OFrc6r1zm/5nug==")).as_deref(), Some("{\"a\":\"国密\"}".as_bytes()));
        for damaged in ["***", "", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="] {
            assert_eq!(key.and_then(|k| k.open(damaged)), None, "{damaged}");
        }
        for not_a_key in ["", "AAEC", "not base64", "AAECAwQFBgcICQoLDA0ODxA="] {
            assert!(AesKey::read(not_a_key).is_err(), "{not_a_key}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(plain in proptest::collection::vec(any::<u8>(), 0..100)) {
            let key = AesKey::read("AAECAwQFBgcICQoLDA0ODw==").ok();
            prop_assert_eq!(key.as_ref().and_then(|k| k.open(&k.seal(&plain)?)), Some(plain));
        }
    }
}
