//! The account's credentials, read once and typed; every problem is collected, each with its key.

use crate::certificates::Encryption;
use crate::keys::{self, Anchor, Trust};
use crate::sign::{Hash, Signer, Verifier};
use crate::{products, profile};
use sluice_contract::{AccountConfig, Notes, Problem, Profile, Reader};
use sluice_kit::account::{self, checked, days_s, parsed, url, word};
use sluice_kit::rsa::{PrivateKey, PublicKey, Strength};
use sluice_kit::text::is_alnum;
use std::sync::RwLock;
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
    pub(crate) encryption: RwLock<Option<Encryption>>,
    pub(crate) terms: Terms,
    pub(crate) profile: Profile,
}

/// Every key of the table, so that a complete old table may stand under `previous`.
const NAMES: &str = "mer_id sign_method private_key certificate secure_key root_certificate middle_certificate signer_name allow_sha1_chain \
                     allow_test_signer encrypt_certificate file_base_url access_type acq_ins_code mer_name mer_abbr mer_cat_code \
                     txn_time_tolerance_s refund_days qr_refund_days same_day_undo";

#[derive(Clone, Copy, PartialEq, Eq)]
enum SignMethod {
    Rsa,
    Key(Hash),
}

/// Reads an account, or tells everything that is wrong with it.
pub(crate) fn read(config: &AccountConfig<'_>) -> Result<Account, Vec<Problem>> {
    let table = &config.credentials;
    let methods = account::methods(table, config.methods, products::METHODS, "UnionPay");
    let mer_id = checked(table, "mer_id", |id| is_alnum(id, 15..=15), "must be 15 letters and digits");
    let words = [("01", SignMethod::Rsa), ("11", SignMethod::Key(Hash::Sha256)), ("12", SignMethod::Key(Hash::Sm3))];
    let sign_method = word(table, "sign_method", &words, SignMethod::Rsa);
    let accesses = [("0", Access::Direct), ("1", Access::Acquirer), ("2", Access::Platform)];
    let access = word(table, "access_type", &accesses, Access::Direct);
    let acquirer = acquirer(table, access);
    let signer = signer(table, sign_method);
    let verifier = verifier(config, sign_method);
    let encryption = account::read(table, "encrypt_certificate", Encryption::read);
    // A sandbox that plays the gateway plays the file host too; the real ones are two (pack §1.1).
    let files = if config.sandbox { config.base_url } else { "https://filedownload.95516.com" };
    let file_base_url = url(table, "file_base_url", files);
    let terms = terms(table);
    let problems = account::finish(config, NAMES, |_| {});
    match (signer, verifier) {
        (Some(signer), Some(verifier)) if problems.is_empty() => Ok(Account {
            base_url: config.base_url.to_owned(),
            file_base_url,
            mer_id,
            access,
            acquirer,
            signer,
            verifier,
            profile: profile::of(&methods, access, &terms, encryption.is_some()),
            encryption: RwLock::new(encryption),
            terms,
        }),
        _ => Err(problems),
    }
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

fn signer(table: &Reader<'_>, method: SignMethod) -> Option<Signer> {
    let [key, pem, secret] = ["private_key", "certificate", "secure_key"].map(|field| (field, table.text(field).unwrap_or_default()));
    let given = |(field, text): (&str, &str)| {
        if text.is_empty() {
            table.problem(field, "is required with this sign_method");
        }
    };
    if let SignMethod::Key(hash) = method {
        given(secret);
        return Some(Signer::Key { hash, secret: Zeroizing::new(secret.1.to_owned()) });
    }
    given(key);
    given(pem);
    let key = parsed(table, key.0, key.1, PrivateKey::read);
    let cert_id = parsed(table, pem.0, pem.1, keys::cert_id)?;
    let key = key?;
    // UnionPay finds the key by certId: a certificate of another key would make every request fail with 11.
    if !PublicKey::read(pem.1, Strength::Sha256).is_ok_and(|public| key.is_pair(&public)) {
        table.problem("certificate", "is not the certificate of private_key");
    }
    Some(Signer::Rsa { cert_id, key })
}

/// Who may have signed what we receive. The former chain and the former secure key go on verifying.
fn verifier(config: &AccountConfig<'_>, method: SignMethod) -> Option<Verifier> {
    let table = &config.credentials;
    // Pack §1.5: the published test chain is SHA-1; whether production still is, is UNCONFIRMED.
    let allow_sha1 = table.flag("allow_sha1_chain").unwrap_or(config.sandbox);
    let allow_test_signer = table.flag("allow_test_signer").unwrap_or(false);
    if allow_test_signer && !config.sandbox {
        table.problem("allow_test_signer", "is for sandbox accounts only");
    }
    let signer_name = table.text("signer_name").unwrap_or(keys::SIGNER_NAME).to_owned();
    let needed = method == SignMethod::Rsa;
    let anchor = anchor(table, needed, allow_sha1);
    let old = config.previous.as_ref();
    if let SignMethod::Key(hash) = method {
        let texts = [table.text("secure_key"), old.and_then(|old| old.text("secure_key"))];
        let secrets = texts.into_iter().flatten().filter(|text| !text.is_empty()).map(|text| Zeroizing::new(text.to_owned())).collect();
        return Some(Verifier::Key { hash, secrets });
    }
    let mut anchors: Vec<Anchor> = anchor.into_iter().collect();
    anchors.extend(old.and_then(|old| self::anchor(old, false, allow_sha1)));
    Some(Verifier::Chain(Trust::new(anchors, signer_name, allow_sha1, allow_test_signer)))
}

fn anchor(table: &Reader<'_>, needed: bool, allow_sha1: bool) -> Option<Anchor> {
    let (root, middle) = (table.text("root_certificate"), table.text("middle_certificate"));
    match (root, middle) {
        (Some(root), Some(middle)) => Anchor::read(root, middle, allow_sha1).map_err(|(field, reason)| table.problem(field, reason)).ok(),
        (root, middle) => {
            for (field, value) in [("root_certificate", root), ("middle_certificate", middle)] {
                if value.is_none() && (needed || root.is_some() || middle.is_some()) {
                    table.missing(field);
                }
            }
            None
        }
    }
}
