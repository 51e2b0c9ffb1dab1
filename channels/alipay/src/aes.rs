//! Content encryption (pack §1.7): AES-128-CBC, PKCS#7, an IV of zeros, base64. Encrypt first, then sign; verify first, then decrypt.
//! `AES_V2` and `SM4` are not spoken: the pack requires none of it for acquiring.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_contract::Refusal;
use zeroize::Zeroizing;

pub(crate) type Key = Zeroizing<[u8; 16]>;

/// Reads a key as the console shows it: base64 of 16 bytes.
pub(crate) fn key(text: &str) -> Option<Key> {
    let raw = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let bytes: [u8; 16] = raw.as_slice().try_into().ok()?;
    Some(Zeroizing::new(bytes))
}

/// The same text is the same bytes: the scheme has no nonce.
pub(crate) fn encrypt(key: &Key, plain: &str) -> Result<String, Refusal> {
    let mut buffer = plain.as_bytes().to_vec();
    let zeros = EncryptionContext::Iv128(FixedLength::from([0; 16]));
    let sealed = UnboundCipherKey::new(&AES_128, key.as_slice())
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .and_then(|key| key.less_safe_encrypt(&mut buffer, zeros));
    sealed.map_err(|_| Refusal::account("the content cannot be encrypted: check encrypt_key"))?;
    Ok(STANDARD.encode(buffer))
}

/// The plain bytes by the first key that fits, or `None`.
pub(crate) fn decrypt(keys: &[Key], sealed: &str) -> Option<Vec<u8>> {
    let sealed = STANDARD.decode(sealed).ok()?;
    keys.iter().find_map(|key| {
        let mut buffer = sealed.clone();
        let key = UnboundCipherKey::new(&AES_128, key.as_slice()).and_then(PaddedBlockDecryptingKey::cbc_pkcs7).ok()?;
        let zeros = DecryptionContext::Iv128(FixedLength::from([0; 16]));
        key.decrypt(&mut buffer, zeros).ok().map(|plain| plain.to_vec())
    })
}
