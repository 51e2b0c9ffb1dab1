//! RSA keys and signatures (PKCS#1 v1.5). Our own signatures are SHA-256 with 2048 bits or more; what is weaker is verified only
//! where a channel's pack demands it (DESIGN section 8), and never made.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaParameters,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sluice_contract::Refusal;
use std::io::Cursor;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

/// A key that signs: ours.
pub struct PrivateKey(KeyPair);

impl PrivateKey {
    /// Reads PEM (PKCS#8 or PKCS#1) or the bare base64 of either, as the channels' consoles hand it out.
    ///
    /// # Errors
    /// Why it cannot be used, for the reader of a config file.
    pub fn read(text: &str) -> Result<PrivateKey, &'static str> {
        let (label, der) = decoded(text, "must be PEM, or bare base64, of an RSA private key")?;
        let der = Zeroizing::new(der);
        let key = match label.as_deref() {
            Some("PRIVATE KEY") => KeyPair::from_pkcs8(&der),
            Some("RSA PRIVATE KEY") => KeyPair::from_der(&der),
            Some(_) => return Err("must be an unencrypted PRIVATE KEY (PKCS#8) or RSA PRIVATE KEY (PKCS#1)"),
            None => KeyPair::from_pkcs8(&der).or_else(|_| KeyPair::from_der(&der)),
        };
        key.map(PrivateKey).map_err(|_| "is not an RSA private key of 2048 bits or more")
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, base64.
    ///
    /// # Errors
    /// When the key cannot sign: the account is misconfigured.
    pub fn sign(&self, message: &[u8]) -> Result<String, Refusal> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        // PKCS#1 v1.5 is deterministic: the library demands a random source and does not use it.
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Refusal::account("the merchant's private key cannot sign: check private_key"))?;
        Ok(STANDARD.encode(signature))
    }

    /// Whether that is the public half of this key: a merchant's certificate of another key would make every request fail, and a
    /// channel's key that is our own would take our words for the channel's.
    #[must_use]
    pub fn is_pair(&self, public: &PublicKey) -> bool {
        self.sign(b"pair").is_ok_and(|signature| public.verifies_base64(b"pair", &signature))
    }

    /// For what signing does not cover: decryption of what the channel encrypted for us.
    #[must_use]
    pub const fn pair(&self) -> &KeyPair {
        &self.0
    }
}

/// What a key may verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// SHA-256, 2048 bits or more.
    Sha256,
    /// SHA-256 with 1024 bits or more: verification of a channel's old key only.
    Sha256Short,
    /// SHA-1 with 1024 bits or more: verification of a channel's old key only.
    Sha1Short,
}

impl Strength {
    const fn parameters(self) -> &'static RsaParameters {
        match self {
            Strength::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Strength::Sha256Short => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            Strength::Sha1Short => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        }
    }
}

/// A key that verifies: the channel's.
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Reads SPKI as PEM or bare base64, or takes the key of a certificate in PEM.
    ///
    /// # Errors
    /// Why it cannot be used, for the reader of a config file.
    pub fn read(text: &str, strength: Strength) -> Result<PublicKey, &'static str> {
        let (label, der) = decoded(text, "must be PEM, or bare base64, of a public key")?;
        match label.as_deref() {
            Some("PUBLIC KEY") | None => PublicKey::from_der(&der, strength),
            Some("CERTIFICATE") => {
                let (_, cert) = x509_parser::parse_x509_certificate(&der).map_err(|_| "is not a readable X.509 certificate")?;
                PublicKey::from_der(cert.public_key().raw, strength)
            }
            Some(_) => Err("is not PEM of the right kind"),
        }
    }

    /// From the DER of an SPKI.
    ///
    /// # Errors
    /// When it is no RSA key of that strength.
    pub fn from_der(der: &[u8], strength: Strength) -> Result<PublicKey, &'static str> {
        let weak = match strength {
            Strength::Sha256 => "is not an RSA key of 2048 bits or more",
            Strength::Sha256Short | Strength::Sha1Short => "is not an RSA key of 1024 bits or more",
        };
        ParsedPublicKey::new(strength.parameters(), der).map(PublicKey).map_err(|_| weak)
    }

    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }

    /// As [`PublicKey::verifies`], for a signature in strict base64. What is malformed does not hold.
    #[must_use]
    pub fn verifies_base64(&self, message: &[u8], signature: &str) -> bool {
        STANDARD.decode(signature).is_ok_and(|raw| self.verifies(message, &raw))
    }
}

/// PEM's label and bytes, or no label for bare base64 (line ends allowed).
fn decoded(text: &str, otherwise: &'static str) -> Result<(Option<String>, Vec<u8>), &'static str> {
    if text.contains("-----BEGIN") {
        let pem = Pem::read(Cursor::new(text.as_bytes())).map_err(|_| "is not PEM")?.0;
        return Ok((Some(pem.label), pem.contents));
    }
    let bare: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
    STANDARD.decode(bare.as_bytes()).map(|der| (None, der)).map_err(|_| otherwise)
}
