//! What the bank wants to know of the till, encrypted (section 2.3): SM4 in CBC mode for the text, SM2 for the SM4 key.

use crate::chance::{Chance, Purpose};
use crate::config::Account;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use serde_json::{Map, Value};
use sluice_contract::{PayOrder, Refusal};
use sluice_kit::account::terminals;
use sluice_kit::text::is_alnum;
use sluice_kit::wire::{plain, put, put_some};
use sm2::pke::EncryptingKey;
use sm4::Sm4;
use zeroize::Zeroizing;

/// A terminal's id has eight characters at most (section 2.4).
const ID_MAX: usize = 8;

/// The order's terminal, else the store's, else the account's: the first whose id fits.
pub(crate) fn id<'a>(account: &'a Account, order: &'a PayOrder) -> Option<&'a str> {
    terminals(order).chain(account.term_id.as_deref()).find(|id| is_id(id))
}

pub(crate) fn is_id(id: &str) -> bool {
    is_alnum(id, 1..=ID_MAX)
}

/// `encryptTerminalInfo` of the content and `encryptKey` of the envelope. One SM4 key per request.
pub(crate) struct Sealed {
    pub(crate) info: String,
    pub(crate) key: String,
}

pub(crate) fn sealed(account: &Account, order: &PayOrder, id: &str, entropy: &[u8; 32]) -> Result<Sealed, Refusal> {
    // The bank's own sample has 16 characters of text as the key, so ours has too: 96 random bits.
    let random = Zeroizing::new(Chance::new(Purpose::TerminalKey, entropy).bytes::<12>());
    let key = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_slice()));
    let cannot = |_| Refusal::account("the terminal's data cannot be encrypted: check public_key");
    let info = sm4_cbc(key.as_bytes(), info(order, id).as_bytes()).ok_or(()).map_err(cannot)?;
    let mut chance = Chance::new(Purpose::Envelope, entropy);
    let encrypting = EncryptingKey::new(account.keys.encrypting);
    let key = encrypting.encrypt_der(&mut chance, key.as_bytes()).map_err(|_| cannot(()))?;
    Ok(Sealed { info: STANDARD.encode(info), key: STANDARD.encode(key) })
}

/// Of these names only `location` is in the bank's own sample; the other two are those of the checked vectors (UNCONFIRMED). The pack
/// names none for a serial number or an address, so neither is sent.
fn info(order: &PayOrder, id: &str) -> String {
    let mut info = Map::new();
    put(&mut info, "device_id", id);
    let terminal = order.terminal.as_ref();
    for (name, value) in
        [("device_type", terminal.and_then(|t| t.device_type.as_deref())), ("location", terminal.and_then(|t| t.location.as_deref()))]
    {
        // Optional members are absent rather than empty (section 2.1).
        put_some(&mut info, name, value.map(|value| plain(value, 64)).filter(|value| !value.trim().is_empty()));
    }
    Value::Object(info).to_string()
}

/// SM4-CBC with 16 zero bytes as the IV and PKCS#7. The document does not name the mode; its own sample decrypts so (section 2.3).
pub(crate) fn sm4_cbc(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Encryptor::<Sm4>::new_from_slices(key, &[0; 16]).ok()?;
    Some(cipher.encrypt_padded_vec::<Pkcs7>(text))
}
