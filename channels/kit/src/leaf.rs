//! A channel's certificate as an adapter holds it: its serial number as that channel writes it, its key, and when it is valid.

use crate::rsa::PublicKey;
use crate::x509;
use sluice_contract::Second;
use x509_parser::certificate::X509Certificate;

/// A certificate that verifies.
pub struct Leaf {
    pub sn: String,
    pub key: PublicKey,
    pub from: Second,
    pub until: Second,
}

impl Leaf {
    /// The first certificate of a PEM text, which counts; others may follow. `sn` is how the channel writes a serial number.
    ///
    /// # Errors
    /// For the reader of a config file.
    pub fn read(pem: &str, sn: impl Fn(&X509Certificate<'_>) -> String) -> Result<Leaf, &'static str> {
        let blocks = x509::blocks(pem);
        let first = blocks.first().ok_or("is not a certificate in PEM")?;
        let cert = x509::parsed(&first.contents)?;
        let (from, until) = x509::span(&cert);
        Ok(Leaf { sn: sn(&cert), key: x509::key(&cert)?, from, until })
    }

    #[must_use]
    pub fn is_valid(&self, now: Second) -> bool {
        (self.from..=self.until).contains(&now)
    }
}

#[cfg(test)]
mod tests {
    use super::Leaf;

    #[test]
    fn what_is_no_certificate_is_told() {
        for text in ["", "no pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Leaf::read(text, |_| String::new()).is_err(), "{text}");
        }
    }
}
