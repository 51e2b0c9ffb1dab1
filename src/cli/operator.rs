//! `operator add`: makes somebody who signs in at the console, or makes his password and second factor anew. It may run beside a serving
//! gateway, whose next request knows him.

use super::{Failed, load};
use crate::boot::boot;
use crate::config::{Role, Strings, is_id};
use crate::flow::Gateway;
use crate::http::errors::Fail;
use crate::http::identity::Made;
use crate::http::identity::operator::Wanted;
use crate::http::ops::gate::Who;
use crate::http::ops::operators::make;
use std::io::BufRead;
use std::path::Path;

/// Whoever can read the config folder may do anything there.
fn us() -> Who {
    Who { name: "command-line".to_owned(), role: Role::Admin }
}

pub struct Asked {
    pub name: String,
    pub role: String,
    pub password_stdin: bool,
    pub no_second_factor: bool,
}

pub async fn add(dir: &Path, asked: Asked, strings: &(dyn Strings + Sync)) -> Result<(), Failed> {
    let Asked { name, role, password_stdin, no_second_factor } = asked;
    let usage = |line: String| Failed::Usage(line);
    if !is_id(&name) {
        return Err(usage(format!("{name:?} is no name: 1 to 64 letters, digits, _ or -")));
    }
    let role = Role::from_word(&role).ok_or_else(|| usage(format!("--role {role:?}: viewer, operator, finance or admin")))?;
    let settings = load(dir, strings)?;
    if no_second_factor && settings.livemode() {
        return Err(usage("--no-second-factor is for trying: with a live account nobody signs in without one".to_owned()));
    }
    let password = if password_stdin { Some(from_stdin()?) } else { None };
    let listen = format!("http://{}", settings.http.listen);
    let booted = boot(dir, settings, &listen, 1, || std::process::abort()).await?;
    let given = password.is_some();
    let made = made(&booted.gateway, Wanted { name, role, password, codes: !no_second_factor }).await?;
    println!("operator {} ({}) may sign in at /console", made.person.name, made.person.role.word());
    if !given {
        println!("password, to be changed at the first sign-in: {}", made.password);
    }
    if let Some(uri) = made.uri {
        println!("second factor, for an authenticator app: {uri}");
    }
    Ok(())
}

/// Makes and stores an operator.
pub(super) async fn made(gateway: &Gateway, wanted: Wanted) -> Result<Made, Failed> {
    let failed = |fail: Fail| Failed::Error(fail.refused.inner.unwrap_or(fail.refused.detail));
    make(gateway, &us(), wanted).await.map_err(failed)
}

fn from_stdin() -> Result<String, Failed> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|e| Failed::Error(format!("the password cannot be read: {e}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
