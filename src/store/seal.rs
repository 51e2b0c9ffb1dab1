//! Sealing: secrets and payer ids lie in the store only as AES-256-GCM ciphertext under a key from the config, named by its id so that
//! keys can be rotated. Layout: key id length (1 byte) · key id · nonce (12) · ciphertext and tag. The purpose is authenticated.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

const NONCE_LEN: usize = 12;

/// Why something could not be opened: a wrong or missing key, or changed bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot unseal: {0}")]
pub struct SealError(pub String);

/// The seal keys: the first seals, all open.
pub struct Sealer {
    keys: Vec<(String, LessSafeKey)>,
    tokens: Vec<hmac::Key>,
}

impl Sealer {
    /// Keys by id, the current one first.
    pub fn new(keys: &[(String, [u8; 32])]) -> Result<Sealer, SealError> {
        let mut sealer = Sealer { keys: Vec::new(), tokens: Vec::new() };
        for (id, key) in keys {
            let unbound = UnboundKey::new(&AES_256_GCM, key).map_err(|_| SealError("the seal key is not usable".into()))?;
            if id.is_empty() || id.len() > 64 {
                return Err(SealError("a seal key's id has 1 to 64 bytes".into()));
            }
            sealer.keys.push((id.clone(), LessSafeKey::new(unbound)));
            sealer.tokens.push(hmac::Key::new(hmac::HMAC_SHA256, key));
        }
        if sealer.keys.is_empty() { Err(SealError("there is no seal key".into())) } else { Ok(sealer) }
    }

    /// Seals for a purpose (`"pay_order"`, `"merchant_key"`); what is sealed for one purpose does not open for another.
    /// `nonce` is 12 fresh random bytes.
    pub fn seal(&self, purpose: &str, plain: &[u8], nonce: [u8; NONCE_LEN]) -> Result<Vec<u8>, SealError> {
        let (id, key) = self.keys.first().ok_or_else(|| SealError("there is no seal key".into()))?;
        let mut body = plain.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| SealError("sealing failed".into()))?;
        let id_len = u8::try_from(id.len()).map_err(|_| SealError("a seal key's id is too long".into()))?;
        let mut sealed = vec![id_len];
        sealed.extend_from_slice(id.as_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let cut = || SealError("the sealed bytes are cut".into());
        let (id_len, rest) = sealed.split_first().ok_or_else(cut)?;
        let (id, rest) = rest.split_at_checked(usize::from(*id_len)).ok_or_else(cut)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(cut)?;
        let known = self.keys.iter().find(|(known, _)| known.as_bytes() == id);
        let (_, key) = known.ok_or_else(|| SealError(format!("there is no seal key {:?}", String::from_utf8_lossy(id))))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| cut())?;
        let mut body = body.to_vec();
        let plain = key
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_| SealError("wrong key or changed bytes".into()))?;
        Ok(plain.to_vec())
    }

    /// 128 bits that only we can derive from an id: the secret half of a payer page's token.
    #[must_use]
    pub fn token(&self, purpose: &str, id: &str) -> String {
        self.tokens.first().map(|key| token_by(key, purpose, id)).unwrap_or_default()
    }

    /// Whether a token was derived by any of our keys. Compared in constant time.
    #[must_use]
    pub fn knows_token(&self, purpose: &str, id: &str, token: &str) -> bool {
        self.tokens
            .iter()
            .any(|key| aws_lc_rs::constant_time::verify_slices_are_equal(token_by(key, purpose, id).as_bytes(), token.as_bytes()).is_ok())
    }
}

fn token_by(key: &hmac::Key, purpose: &str, id: &str) -> String {
    let tag = hmac::sign(key, format!("{purpose}\n{id}").as_bytes());
    hex::encode(tag.as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Sealer;

    fn sealer(keys: &[(&str, u8)]) -> Option<Sealer> {
        let keys: Vec<(String, [u8; 32])> = keys.iter().map(|(id, byte)| ((*id).to_owned(), [*byte; 32])).collect();
        Sealer::new(&keys).ok()
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_key_and_purpose_only() {
        let sealed = sealer(&[("a", 1)]).and_then(|s| s.seal("payer", b"openid", [9; 12]).ok()).unwrap_or_default();
        assert!(!sealed.windows(6).any(|w| w == b"openid"));
        let open = |keys: &[(&str, u8)], purpose: &str, bytes: &[u8]| sealer(keys).and_then(|s| s.open(purpose, bytes).ok());
        assert_eq!(open(&[("a", 1)], "payer", &sealed).as_deref(), Some(&b"openid"[..]));
        assert_eq!(open(&[("b", 2), ("a", 1)], "payer", &sealed).as_deref(), Some(&b"openid"[..]), "an old key still opens");
        assert_eq!(open(&[("a", 1)], "other", &sealed), None);
        assert_eq!(open(&[("a", 2)], "payer", &sealed), None);
        assert_eq!(open(&[("b", 2)], "payer", &sealed), None);
        for cut in 0..sealed.len() {
            assert_eq!(open(&[("a", 1)], "payer", sealed.get(..cut).unwrap_or_default()), None);
        }
        assert!(sealer(&[]).is_none());
    }

    #[test]
    fn tokens_are_of_one_id_and_survive_rotation() {
        let (old, new) = (sealer(&[("a", 1)]), sealer(&[("b", 2), ("a", 1)]));
        let token = old.map(|s| s.token("pay", "P1")).unwrap_or_default();
        assert_eq!(token.len(), 32);
        assert!(new.as_ref().is_some_and(|s| s.knows_token("pay", "P1", &token)));
        assert!(!new.is_some_and(|s| s.knows_token("pay", "P2", &token)));
    }
}
