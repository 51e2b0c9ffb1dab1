//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::certificates::Encryption;
use crate::codes::PRODUCTS;
use crate::keys::{self, Anchor, Trust};
use crate::profile;
use crate::sign::{Hash, Signer, Verifier};
use sluice_contract::{AccountConfig, Method, Notes, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, parsed, url, word};
use sluice_kit::held::Held;
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};
use sluice_kit::text::is_alnum;
use zeroize::Zeroizing;

/// accessType (pack §1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Direct,
    Acquirer,
    /// The binding names the sub-merchant.
    Platform,
}

impl Access {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Access::Direct => "0",
            Access::Acquirer => "1",
            Access::Platform => "2",
        }
    }
}

/// What the contract with UnionPay says in numbers.
pub(crate) struct Terms {
    /// How old a txnTime may be on arrival: UNCONFIRMED, so a setting.
    pub(crate) txn_time_tolerance_s: i64,
    /// Pack §2.7: the system takes 330 days, issuers are obliged to 90.
    pub(crate) refund_window_s: i64,
    /// Pack §2.7: QR products guarantee 30 days; later may be refused.
    pub(crate) qr_refund_window_s: i64,
    /// Whether a full refund of the same clearing day goes as an undo (31).
    pub(crate) same_day_undo: bool,
}

/// An opened account. Holds secrets: it is never printed.
pub(crate) struct Account {
    pub(crate) base_url: String,
    pub(crate) file_base_url: String,
    pub(crate) mer_id: String,
    pub(crate) access: Access,
    /// acqInsCode, merName, merAbbr, merCatCode of an acquirer.
    pub(crate) acquirer: Notes,
    pub(crate) signer: Signer,
    pub(crate) verifier: Verifier,
    /// UnionPay's encryption certificate, where the merchant has the encryption permission.
    pub(crate) encryption: Held<Option<Encryption>>,
    pub(crate) terms: Terms,
    pub(crate) profile: Profile,
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "mer_id sign_method private_key certificate secure_key root_certificate middle_certificate signer_name allow_sha1_chain \
                     allow_test_signer encrypt_certificate file_base_url access_type acq_ins_code mer_name mer_abbr mer_cat_code \
                     txn_time_tolerance_s refund_days qr_refund_days same_day_undo";

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    let all: Vec<Method> = PRODUCTS.iter().map(|product| product.method).collect();
    let methods = account::methods(table, config.methods, &all, "UnionPay");
    let mer_id = checked(table, "mer_id", |id| is_alnum(id, 15..=15), "must be 15 letters and digits");
    // Without a hash, certificates.
    let hash = word(table, "sign_method", &[("01", None), ("11", Some(Hash::Sha256)), ("12", Some(Hash::Sm3))], None);
    let accesses = [("0", Access::Direct), ("1", Access::Acquirer), ("2", Access::Platform)];
    let access = word(table, "access_type", &accesses, Access::Direct);
    let acquirer = acquirer(table, access);
    let signer = signer(table, hash);
    let verifier = verifier(config, hash);
    let encryption = account::read(table, "encrypt_certificate", Encryption::read);
    // A sandbox that plays the gateway plays the file host too; the real ones are two (pack §1.1).
    let files = if config.sandbox { config.base_url } else { "https://filedownload.95516.com" };
    let file_base_url = url(table, "file_base_url", files);
    let terms = terms(table);
    let problems = account::finish(config, NAMES, |_| {});
    let Some(signer) = signer.filter(|_| problems.is_empty()) else { return Err(problems) };
    Ok(Account {
        base_url: config.base_url.to_owned(),
        file_base_url,
        mer_id,
        access,
        acquirer,
        signer,
        verifier,
        profile: profile::of(&methods, access, &terms, encryption.is_some()),
        encryption: Held::new(encryption),
        terms,
    })
}

/// Names that an acquirer must give with every order (pack §1.3); for other access types there is nothing to give.
fn acquirer(table: &Reader<'_>, access: Access) -> Notes {
    let mut named = Notes::new();
    for (field, name) in [("acq_ins_code", "acqInsCode"), ("mer_name", "merName"), ("mer_abbr", "merAbbr"), ("mer_cat_code", "merCatCode")]
    {
        match (access, table.text(field)) {
            (Access::Acquirer, Some(value)) => drop(named.insert(name.to_owned(), value.to_owned())),
            (Access::Acquirer, None) => table.problem(field, "is required with access_type = \"1\""),
            _ => {}
        }
    }
    named
}

fn terms(table: &Reader<'_>) -> Terms {
    Terms {
        txn_time_tolerance_s: table.int("txn_time_tolerance_s", 60..=86_400).unwrap_or(900),
        refund_window_s: days_s(table, "refund_days", 330, 330),
        qr_refund_window_s: days_s(table, "qr_refund_days", 30, 330),
        same_day_undo: table.flag("same_day_undo").unwrap_or(false),
    }
}

fn signer(table: &Reader<'_>, hash: Option<Hash>) -> Option<Signer> {
    let text = |field, is_needed: bool| {
        let text = table.text(field).unwrap_or_default();
        if is_needed && text.is_empty() {
            table.problem(field, "is required with this sign_method");
        }
        text
    };
    let secret = text("secure_key", hash.is_some());
    let [key, certificate] = ["private_key", "certificate"].map(|field| text(field, hash.is_none()));
    if let Some(hash) = hash {
        return Some(Signer::Key { hash, secret: Zeroizing::new(secret.to_owned()) });
    }
    let key = parsed(table, "private_key", key, PrivateKey::read);
    let (cert_id, key) = parsed(table, "certificate", certificate, keys::cert_id).zip(key)?;
    // UnionPay finds the key by certId: a certificate of another key would make every request fail with 11.
    if !PublicKey::read(certificate, Strength::Sha256).is_ok_and(|public| key.is_pair(&public)) {
        table.problem("certificate", "is not the certificate of private_key");
    }
    Some(Signer::Rsa { cert_id, key })
}

/// Who may have signed what we receive. The former chain and the former secure key go on verifying.
fn verifier(config: &AccountConfig<'_>, hash: Option<Hash>) -> Verifier {
    let (table, old) = (&config.credentials, config.previous.as_ref());
    // Pack §1.5: the published test chain is SHA-1; whether production still is, is UNCONFIRMED.
    let allow_sha1 = table.flag("allow_sha1_chain").unwrap_or(config.sandbox);
    let allow_test_signer = table.flag("allow_test_signer").unwrap_or(false);
    if allow_test_signer && !config.sandbox {
        table.problem("allow_test_signer", "is for sandbox accounts only");
    }
    let signer_name = table.text("signer_name").unwrap_or(keys::SIGNER_NAME).to_owned();
    let anchor = anchor(table, hash.is_none(), allow_sha1);
    if let Some(hash) = hash {
        let texts = std::iter::once(table).chain(old).filter_map(|table| table.text("secure_key"));
        let secrets = texts.filter(|text| !text.is_empty()).map(|text| Zeroizing::new(text.to_owned())).collect();
        return Verifier::Key { hash, secrets };
    }
    let anchors = anchor.into_iter().chain(old.and_then(|old| self::anchor(old, false, allow_sha1))).collect();
    Verifier::Chain(Trust::new(anchors, signer_name, allow_sha1, allow_test_signer))
}

/// Both certificates of a chain, or neither where none is needed.
fn anchor(table: &Reader<'_>, is_needed: bool, allow_sha1: bool) -> Option<Anchor> {
    let files = ["root_certificate", "middle_certificate"].map(|field| (field, table.text(field)));
    let is_needed = is_needed || files.iter().any(|(_, text)| text.is_some());
    for (field, _) in files.iter().filter(|(_, text)| is_needed && text.is_none()) {
        table.missing(field);
    }
    let [root, middle] = files.map(|(_, text)| text);
    Anchor::read(root?, middle?, allow_sha1).map_err(|(field, reason)| table.problem(field, reason)).ok()
}
