//! A request's content that an account may encrypt under its `encrypt_key`, and a reply's that may come so, over [`AesKey`].

use crate::account;
use crate::aes::AesKey;
use serde_json::Value;
use sluice_contract::fields::parse_json;
use sluice_contract::{AccountConfig, Refusal};

/// The key in force encrypts; former ones still decrypt. Without any, contents are plain.
#[derive(Default)]
pub struct ContentKeys {
    present: Option<AesKey>,
    former: Option<AesKey>,
}

impl ContentKeys {
    /// Reads `encrypt_key` of both tables; each problem is told.
    #[must_use]
    pub fn read(config: &AccountConfig<'_>) -> ContentKeys {
        let key = |table| account::read(table, "encrypt_key", AesKey::read);
        ContentKeys { present: key(&config.credentials), former: config.previous.as_ref().and_then(key) }
    }

    /// Whether contents are encrypted, which a request has to announce.
    #[must_use]
    pub const fn encrypt(&self) -> bool {
        self.present.is_some()
    }

    /// The content as it is sent and signed.
    ///
    /// # Errors
    /// When the key cannot encrypt: the account is misconfigured.
    pub fn seal(&self, plain: String) -> Result<String, Refusal> {
        match &self.present {
            Some(key) => key.seal(plain.as_bytes()).ok_or_else(|| Refusal::account("encrypt_key cannot encrypt")),
            None => Ok(plain),
        }
    }

    /// The plain bytes of a content in JSON: what is a text there is encrypted. Whoever reads verified the signature first.
    #[must_use]
    pub fn open(&self, raw: &[u8]) -> Option<Vec<u8>> {
        if raw.first() != Some(&b'"') {
            return Some(raw.to_vec());
        }
        let sealed = parse_json(raw).ok()?;
        self.present.iter().chain(&self.former).find_map(|key| key.open(sealed.as_str()?))
    }
}

/// A content's members that say something: those without a value are left out, as every channel wants it.
pub fn members<'a>(members: impl IntoIterator<Item = (&'a str, Option<Value>)>) -> serde_json::Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{ContentKeys, members};
    use serde_json::{Value, json};
    use sluice_contract::{AccountConfig, Reader};

    fn keys(tree: &Value, old: Option<&Value>) -> (ContentKeys, usize) {
        let previous = old.map(|old| Reader::root("previous", old));
        let credentials = Reader::root("credentials", tree);
        let config = AccountConfig { id: "a", base_url: "", sandbox: true, methods: None, credentials, previous };
        let keys = ContentKeys::read(&config);
        (keys, crate::account::problems(&config).len())
    }

    #[test]
    fn contents_are_plain_without_a_key_and_former_ones_still_open() {
        let (first, second) = (json!({"encrypt_key": "AAECAwQFBgcICQoLDA0ODw=="}), json!({"encrypt_key": "Dw4NDAsKCQgHBgUEAwIBAA=="}));
        let (plain, before, after) = (keys(&json!({}), None).0, keys(&first, None).0, keys(&second, Some(&first)).0);
        assert!(!plain.encrypt() && before.encrypt());
        let ended = keys(&json!({}), Some(&first)).0;
        assert!(!ended.encrypt(), "a former key never encrypts");
        let content = "{\"a\":1}";
        assert_eq!(plain.seal(content.into()).as_deref(), Ok(content));
        let sealed = before.seal(content.into()).map(|sealed| format!("\"{sealed}\"")).unwrap_or_default();
        for keys in [&before, &after, &ended] {
            assert_eq!(keys.open(sealed.as_bytes()).as_deref(), Some(content.as_bytes()));
            assert_eq!(keys.open(content.as_bytes()).as_deref(), Some(content.as_bytes()));
        }
        assert_eq!((plain.open(sealed.as_bytes()), after.open(b"\"AAAA\""), after.open(b"\"")), (None, None, None));
        assert_eq!(keys(&json!({"encrypt_key": "short"}), Some(&json!({"encrypt_key": 5}))).1, 2);
    }

    #[test]
    fn a_member_without_a_value_is_left_out() {
        assert_eq!(Value::Object(members([("a", Some("1".into())), ("b", None)])), json!({"a": "1"}));
    }
}
