//! Key pairs that outlive a sandbox: making a dozen of them takes a second of processor time, finding them none. Serial numbers and secrets
//! are fresh all the same. Throw-away keys, like everything here.

use sluice_simkit::RsaKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Takes the first, second, … key that this process asks for from `folder`; one that is not there yet is made and left there.
pub fn keep_in(folder: PathBuf) -> std::io::Result<()> {
    std::fs::create_dir_all(&folder)?;
    let asked = AtomicU32::new(0);
    sluice_simkit::keys::supply(Box::new(move || key(&folder.join(format!("{:02}.pem", asked.fetch_add(1, Ordering::Relaxed))))));
    Ok(())
}

fn key(path: &Path) -> RsaKey {
    if let Ok(pem) = std::fs::read_to_string(path) {
        return RsaKey::from_pem(&pem);
    }
    let made = RsaKey::fresh();
    // Whole or not at all, for whoever opens beside us; a key that cannot be kept is good for this run.
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
    let kept = written.and_then(|mut file| file.write_all(made.private_pem().as_bytes())).and_then(|()| std::fs::rename(&draft, path));
    if let Err(error) = kept {
        tracing::warn!(path = %path.display(), %error, "a key of the pretend channels is not kept");
    }
    made
}
