//! Who has which key: the authority, UnionPay's signer and its false brothers, the encryption certificate, the merchant.
//!
//! `keys/sandbox_a.json` is the pack's throw-away set. There is no PFX of fresh keys, only PEM: nothing here writes PKCS#12.

use crate::mint::{Authority, Subject, leaf, middle, root, with_sha1};
use crate::options::{Options, SignerKind};
use crate::party::MER_ID;
use rsa::pkcs8::{DecodePrivateKey, DecodePublicKey};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::{Pkcs1v15Encrypt, PrivateKey, PublicKey};
use serde_json::Value;
use sluice_simkit::keys::{must, os_draw, secret};
use sluice_simkit::{Draw, KeySource, RsaKey, Verifier};
use std::collections::BTreeMap;
use std::convert::Infallible;

const FIXED: &str = include_str!("../keys/sandbox_a.json");
const NAME: &str = "041@SANDBOX@中国银联股份有限公司@00000001";
const TEST_NAME: &str = "041@SANDBOX@00040000:SIGN@00000003";
const OTHER_MERCHANT: &str = "041@SANDBOX@777290058110048:SIGN@00000009";

/// A certificate and its key.
#[derive(Clone)]
pub(crate) struct Holder {
    pub(crate) key: RsaKey,
    pub(crate) pem: String,
    /// The serial in decimal (pack §1.9).
    pub(crate) cert_id: String,
}

pub(crate) struct Keys {
    pub(crate) root_pem: String,
    pub(crate) middle_pem: String,
    middle_name: String,
    middle_key: RsaKey,
    pub(crate) merchant: Holder,
    verifier: Verifier,
    merchant_public: PublicKey,
    pub(crate) encrypt: Holder,
    encrypt_private: PrivateKey,
    signers: BTreeMap<SignerKind, Holder>,
    pub(crate) secure_key: String,
    /// Base64 and password; the fixed set has one.
    pub(crate) pfx: Option<(String, String)>,
}

impl Keys {
    pub(crate) fn open(options: &Options) -> Keys {
        let mut keys = match options.keys {
            KeySource::Fixed => Keys::fixed(options.sha1_chain),
            KeySource::Fresh => Keys::fresh(options.sha1_chain),
        };
        if options.sha1_chain {
            keys.mint_sha1();
            let sha1 = keys.signer(SignerKind::Sha1).clone();
            keys.signers.insert(SignerKind::Good, sha1);
        }
        keys
    }

    fn fixed(sha1_chain: bool) -> Keys {
        let set: Value = must(serde_json::from_str(FIXED), "read the fixed keys");
        let text =
            |name: &str, field: &str| set.pointer(&format!("/{name}/{field}")).and_then(Value::as_str).unwrap_or_default().to_owned();
        let holder = |name: &str| Holder {
            key: RsaKey::from_pem(&text(name, "private_key_pem")),
            pem: text(name, "cert_pem"),
            cert_id: text(name, "cert_id"),
        };
        let (root, middle) = (holder("root"), holder("middle"));
        let names = [
            (SignerKind::Good, "upsign"),
            (SignerKind::Expired, "upsign_expired"),
            (SignerKind::TestName, "upsign_testcn"),
            (SignerKind::Merchant, "badcn"),
            (SignerKind::Foreign, "evil_leaf"),
        ];
        let word = |name: &str| set.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Keys::of(
            root.pem,
            if sha1_chain { with_sha1(&middle.pem, &root.key) } else { middle.pem },
            "SLUICE SANDBOX OCA1 setA",
            middle.key,
            holder("merchant"),
            holder("upenc"),
            names.into_iter().map(|(kind, name)| (kind, holder(name))).collect(),
            // The public test key of the pack (§7).
            "88888888".to_owned(),
            Some((word("pfx_base64"), word("pfx_password"))),
        )
    }

    fn fresh(sha1_chain: bool) -> Keys {
        let mut draw = os_draw();
        let years = (2024, 2050);
        let (root_name, middle_name) = ("SLUICE SANDBOX CS CA", "SLUICE SANDBOX OCA1");
        let (root_key, middle_key, signer_key) = (RsaKey::generate(), RsaKey::generate(), RsaKey::generate());
        let (merchant_key, encrypt_key) = (RsaKey::generate(), RsaKey::generate());
        let root_pem = root(&Subject { name: root_name, serial: serial(&mut draw), years }, &root_key);
        let by_root = Authority { name: root_name, key: &root_key };
        let middle_pem = middle(&Subject { name: middle_name, serial: serial(&mut draw), years }, &middle_key, &by_root);
        let by_middle = Authority { name: middle_name, key: &middle_key };
        // The right name, but signed by a key that is no authority's.
        let foreign = Authority { name: middle_name, key: &encrypt_key };
        let mut hold = |name: &str, years, key: &RsaKey, by: &Authority<'_>| {
            let subject = Subject { name, serial: serial(&mut draw), years };
            Holder { key: key.clone(), pem: leaf(&subject, key, by), cert_id: subject.cert_id() }
        };
        let signers = [
            (SignerKind::Good, hold(NAME, years, &signer_key, &by_middle)),
            (SignerKind::Expired, hold(NAME, (2020, 2022), &signer_key, &by_middle)),
            (SignerKind::TestName, hold(TEST_NAME, years, &signer_key, &by_middle)),
            (SignerKind::Merchant, hold(OTHER_MERCHANT, years, &signer_key, &by_middle)),
            (SignerKind::Foreign, hold(NAME, years, &signer_key, &foreign)),
        ];
        let merchant = hold(&format!("041@SANDBOX@{MER_ID}:SIGN@00000005"), years, &merchant_key, &by_middle);
        let encrypt = hold("041@SANDBOX@00040000:SIGN@00000007", years, &encrypt_key, &by_middle);
        let middle_pem = if sha1_chain { with_sha1(&middle_pem, &root_key) } else { middle_pem };
        Keys::of(root_pem, middle_pem, middle_name, middle_key.clone(), merchant, encrypt, signers.into_iter().collect(), secret(), None)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a key ring, put together in one place")]
    fn of(
        root_pem: String,
        middle_pem: String,
        middle_name: &str,
        middle_key: RsaKey,
        merchant: Holder,
        encrypt: Holder,
        signers: BTreeMap<SignerKind, Holder>,
        secure_key: String,
        pfx: Option<(String, String)>,
    ) -> Keys {
        Keys {
            root_pem,
            middle_pem,
            middle_name: middle_name.to_owned(),
            middle_key,
            verifier: merchant.key.verifier(),
            merchant_public: must(PublicKey::from_public_key_pem(&merchant.key.public_pem()), "load the merchant's public key"),
            merchant,
            encrypt_private: must(PrivateKey::from_pkcs8_pem(&encrypt.key.private_pem()), "load the encryption key"),
            encrypt,
            signers,
            secure_key,
            pfx,
        }
    }

    /// Made when it is first asked for: the signature takes a while.
    pub(crate) fn mint_sha1(&mut self) {
        if let Some(good) = self.signers.get(&SignerKind::Good).filter(|_| !self.signers.contains_key(&SignerKind::Sha1)) {
            let sha1 = Holder { pem: with_sha1(&good.pem, &self.middle_key), ..good.clone() };
            self.signers.insert(SignerKind::Sha1, sha1);
        }
    }

    pub(crate) fn signer(&self, kind: SignerKind) -> &Holder {
        self.signers.get(&kind).unwrap_or(&self.merchant)
    }

    /// Whether the merchant's key made this signature.
    pub(crate) fn merchant_signed(&self, message: &[u8], signature: &str) -> bool {
        self.verifier.holds(message, signature)
    }

    /// A new encryption certificate takes over (pack §2.8). Its key stays: what is about the change is the serial.
    pub(crate) fn rotate_encrypt(&mut self, draw: &mut Draw) {
        let subject = Subject { name: "041@SANDBOX@00040000:SIGN@00000008", serial: serial(draw), years: (2024, 2050) };
        let by = Authority { name: &self.middle_name, key: &self.middle_key };
        let pem = leaf(&subject, &self.encrypt.key, &by);
        self.encrypt = Holder { key: self.encrypt.key.clone(), pem, cert_id: subject.cert_id() };
    }

    /// base64 of RSA PKCS#1 v1.5 for the merchant's signing certificate (pack §1.8). The padding comes from the dice: the same
    /// seed must give the same bytes, and nothing here is secret.
    pub(crate) fn for_merchant(&self, plain: &str, draw: &mut Draw) -> String {
        use base64::{Engine, engine::general_purpose::STANDARD};
        self.merchant_public
            .encrypt(&mut Padding(draw), Pkcs1v15Encrypt, plain.as_bytes())
            .map_or_else(|_| String::new(), |raw| STANDARD.encode(raw))
    }

    /// What a client encrypted for UnionPay. Random data may decrypt to garbage, so the caller looks at the shape.
    pub(crate) fn opened(&self, text: &str) -> Option<String> {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let plain = self.encrypt_private.decrypt(Pkcs1v15Encrypt, &STANDARD.decode(text).ok()?).ok()?;
        String::from_utf8(plain).ok()
    }
}

/// 22 or 23 digits, as published middle and root certificates have: more than 64 bits.
fn serial(draw: &mut Draw) -> u128 {
    let digits = format!("{}{}", draw.below(9).saturating_add(1), draw.digits(22));
    digits.parse().unwrap_or(69_910_000_099)
}

/// Lines end in CR LF and the last has no end, exactly as the real messages carry it (trap T3).
pub(crate) fn as_sent(pem: &str) -> String {
    pem.trim().replace("\r\n", "\n").replace('\n', "\r\n")
}

struct Padding<'a>(&'a mut Draw);

impl TryRng for Padding<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.0.below(1 << 32)).unwrap_or(0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.below(1 << 32) << 32 | self.0.below(1 << 32))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        for byte in to {
            *byte = u8::try_from(self.0.below(256)).unwrap_or(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Padding<'_> {}
