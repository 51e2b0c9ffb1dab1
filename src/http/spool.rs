//! Answers that are too long to be held in memory: written to a file first, then sent from it.
//!
//! An answer's signature covers its body and stands in front of it, so a signed answer must be whole before its first byte goes out. It is
//! also all or nothing: whatever fails on the way is still a problem with its status, and nobody gets a file that ends in the middle. The
//! file is removed before anything is written to it: what is left is only ours, and goes with the process.

use super::errors::Fail;
use crate::flow::{Code, Refused};
use crate::merchant_auth::ResponseSignature;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{Semaphore, SemaphorePermit};

/// A day of three million lines.
const BYTES_MAX: u64 = 1 << 30;
/// Bytes in memory at a time.
const PIECE: usize = 64 * 1024;
/// Long answers that are made at a time; the others wait. What a store reads for them, it does not read for orders.
const AT_A_TIME: usize = 2;

/// Where they are made.
pub struct Spools {
    dir: PathBuf,
    made: AtomicU64,
    turns: Semaphore,
}

/// A long answer that is being made.
pub struct Spool {
    file: File,
    bytes: u64,
}

impl Spools {
    #[must_use]
    pub fn new(dir: PathBuf) -> Spools {
        Spools { dir, made: AtomicU64::new(0), turns: Semaphore::new(AT_A_TIME) }
    }

    /// Waits until one more may be made. `None`: never.
    pub async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// An empty one.
    pub async fn open(&self) -> Result<Spool, Fail> {
        tokio::fs::create_dir_all(&self.dir).await.map_err(|error| failed(&error))?;
        loop {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            let path = self.dir.join(format!("answer-{}-{number}.tmp", std::process::id()));
            // Nobody else may read it, while it has a name. A name left over from an earlier process is skipped.
            match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path).await {
                Ok(file) => {
                    tokio::fs::remove_file(&path).await.map_err(|error| failed(&error))?;
                    return Ok(Spool { file, bytes: 0 });
                }
                Err(taken) if taken.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&error)),
            }
        }
    }
}

fn failed(error: &std::io::Error) -> Fail {
    let refused = Refused::new(Code::StoreUnavailable, "the answer could not be kept until it is sent; try again");
    Refused { inner: Some(format!("a long answer could not be written: {error}")), ..refused }.into()
}

impl Spool {
    pub async fn write(&mut self, text: &str) -> Result<(), Fail> {
        self.bytes = self.bytes.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX));
        if self.bytes > BYTES_MAX {
            return Err(Refused::field("format", "would be a file of more than 1 GiB: read it in pages, with format=json").into());
        }
        self.file.write_all(text.as_bytes()).await.map_err(|error| failed(&error))
    }

    /// All of it is there.
    pub async fn done(mut self) -> Result<Spooled, Fail> {
        self.file.flush().await.map_err(|error| failed(&error))?;
        Ok(Spooled(Arc::new(Mutex::new(Some(self)))))
    }
}

/// A long answer that waits to be sent. It travels as an extension of the response, which must be able to be cloned; it is sent once.
#[derive(Clone)]
pub struct Spooled(Arc<Mutex<Option<Spool>>>);

impl Spooled {
    /// The body and its signature; `None`: the file cannot be read. The length goes into the headers.
    pub async fn signed(&self, headers: &mut HeaderMap, mut signature: ResponseSignature) -> Option<(Body, String)> {
        let mut spool = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let mut piece = vec![0; PIECE];
        spool.file.rewind().await.ok()?;
        loop {
            let read = spool.file.read(&mut piece).await.ok()?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            signature.update(bytes);
        }
        Some((spool.into_body(headers).await?, signature.finish()))
    }

    /// The body, for whom nothing is signed.
    pub async fn plain(&self, headers: &mut HeaderMap) -> Option<Body> {
        let spool = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        spool.into_body(headers).await
    }
}

impl Spool {
    async fn into_body(mut self, headers: &mut HeaderMap) -> Option<Body> {
        self.file.rewind().await.ok()?;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.bytes));
        let pieces = futures_util::stream::unfold(self.file, |mut file| async move {
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece).await {
                Ok(0) => None,
                Ok(read) => {
                    piece.truncate(read);
                    Some((Ok(Bytes::from(piece)), file))
                }
                Err(error) => Some((Err(error), file)),
            }
        });
        Some(Body::from_stream(pieces))
    }
}
