//! The second factor: codes of six digits that change every thirty seconds (RFC 6238). One step before and after is taken, for clocks that
//! differ; each code is taken once.

use sluice_contract::Millis;
use totp_rs::{Builder, Secret, Totp};

pub const SECRET_BYTES: usize = 20;
const ISSUER: &str = "Sluice";

fn totp(secret: [u8; SECRET_BYTES], name: &str) -> Option<Totp> {
    Builder::new().with_secret(Secret::new_stack(secret)).with_account_name(name).with_issuer(Some(ISSUER)).build().ok()
}

/// What an authenticator app is given, as text or as a code to scan.
#[must_use]
pub fn uri(secret: [u8; SECRET_BYTES], name: &str) -> Option<String> {
    totp(secret, name)?.to_url().ok()
}

/// The step of the code, if it is right now. Spaces in between are a person's.
#[must_use]
pub fn step(secret: [u8; SECRET_BYTES], code: &str, now: Millis) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let second = u64::try_from(now.second().0).ok()?;
    totp(secret, "")?.check(&code, second)
}

#[cfg(test)]
mod tests {
    use super::{step, uri};
    use sluice_contract::Millis;

    /// RFC 6238, appendix B: SHA-1, the last six of the eight digits.
    const SECRET: [u8; 20] = *b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")] {
            let now = Millis(second * 1000);
            assert_eq!(step(SECRET, code, now), Some(u64::try_from(second).unwrap() / 30), "{code}");
            assert_eq!(step(SECRET, code, now.plus_s(30)), step(SECRET, code, now), "one step later");
            assert_eq!(step(SECRET, code, now.plus_s(65)), None);
        }
        let now = Millis(59_000);
        assert_eq!(step(SECRET, "287 082", now), Some(1));
        for wrong in ["", "28708", "2870820", "287083", "abcdef", "２８７０８２"] {
            assert_eq!(step(SECRET, wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_whose_codes_they_are() {
        let uri = uri(SECRET, "li_1").unwrap();
        assert!(uri.starts_with("otpauth://totp/Sluice:li_1?") && uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
    }
}
