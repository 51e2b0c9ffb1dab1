//! Passwords: argon2id, on threads that may be busy, two at a time, so that guessing costs the guesser and not the payments beside it.

use crate::flow::{Gateway, Refused};
use crate::http::errors::Fail;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use sluice_contract::Problem;
use tokio::sync::Semaphore;

/// OWASP's second choice of equal strength: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

pub const CHARS_MIN: usize = 12;
const BYTES_MAX: usize = 256;

/// Hashes at work at one time.
static AT_WORK: Semaphore = Semaphore::const_new(2);

fn argon2() -> Result<Argon2<'static>, String> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| e.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

async fn at_work<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, Fail> {
    let _turn = AT_WORK.acquire().await.map_err(|_| Refused::inner("no more passwords are hashed"))?;
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|why| Refused::inner(format!("a password: {why}")).into()),
        Err(broken) => Err(Refused::inner(format!("a password: {broken}")).into()),
    }
}

/// A fresh password that can be read out: eighty bits in groups of four.
#[must_use]
pub fn fresh(gateway: &Gateway) -> String {
    let text = hex::encode(gateway.random::<10>());
    text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
}

/// What is wrong with a password that somebody chose.
pub fn check(field: &str, password: &str) -> Result<(), Fail> {
    if password.chars().count() < CHARS_MIN || password.len() > BYTES_MAX {
        let reason = format!("must have at least {CHARS_MIN} characters and at most {BYTES_MAX} bytes");
        return Err(Refused::fields(vec![Problem::new(field, reason)]).into());
    }
    Ok(())
}

/// The text that is stored: the parameters, the salt and the hash.
pub async fn hash(gateway: &Gateway, password: String) -> Result<String, Fail> {
    let salt = gateway.random::<16>();
    at_work(move || {
        let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(|e| e.to_string())?;
        Ok(hash.to_string())
    })
    .await
}

/// Whether it is the password. `None`: nobody's; that takes as long.
pub async fn verify(stored: Option<String>, password: String) -> Result<bool, Fail> {
    if password.len() > BYTES_MAX {
        return Ok(false);
    }
    at_work(move || {
        let Some(stored) = stored else {
            argon2()?.hash_password_with_salt(password.as_bytes(), &[0; 16]).map_err(|e| e.to_string())?;
            return Ok(false);
        };
        let stored = PasswordHash::new(&stored).map_err(|e| e.to_string())?;
        Ok(argon2()?.verify_password(password.as_bytes(), &stored).is_ok())
    })
    .await
}
