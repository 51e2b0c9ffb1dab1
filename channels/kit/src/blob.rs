//! Bytes that lie in memory or in a file, read in pieces, as often as needed and from several places at once: a bill of any size costs the
//! window that is looked at. A file stays readable to whoever holds the blob, also when its name is gone.

use sluice_contract::Body;
use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Source {
    Bytes(Arc<[u8]>),
    File(Arc<File>),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Blob {
    source: Source,
    length: u64,
}

impl Blob {
    /// A reply's body.
    ///
    /// # Errors
    /// When its file cannot be opened.
    pub fn of(body: &Body) -> io::Result<Blob> {
        match body {
            Body::Bytes(bytes) => Ok(Blob::bytes(bytes.as_slice())),
            Body::File(path) => Blob::file(File::open(path)?),
        }
    }

    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Blob {
        Blob { length: u64::try_from(bytes.len()).unwrap_or(u64::MAX), source: Source::Bytes(Arc::from(bytes)) }
    }

    fn file(file: File) -> io::Result<Blob> {
        Ok(Blob { length: file.metadata()?.len(), source: Source::File(Arc::new(file)) })
    }

    /// Everything that `from` gives, but no more than so much: in memory if what it was made of is there, else in a file without a name
    /// beside it.
    ///
    /// # Errors
    /// When it cannot be read or kept, or is longer.
    pub fn keep(from: impl Read, beside: &Body, max_bytes: u64) -> io::Result<Blob> {
        let mut from = from.take(max_bytes.saturating_add(1));
        let kept = match beside {
            Body::Bytes(_) => {
                let mut bytes = Vec::new();
                from.read_to_end(&mut bytes)?;
                Blob::bytes(&bytes)
            }
            Body::File(path) => {
                let mut file = nameless(&path.with_extension("unpacked"))?;
                io::copy(&mut from, &mut file)?;
                file.flush()?;
                Blob::file(file)?
            }
        };
        if kept.length > max_bytes { Err(io::Error::other("too large")) } else { Ok(kept) }
    }

    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    #[must_use]
    pub fn whole(&self) -> Part {
        self.part(0..self.length)
    }

    /// From here to there, as far as there is so much.
    #[must_use]
    pub fn part(&self, range: Range<u64>) -> Part {
        let end = range.end.min(self.length);
        Part { source: self.source.clone(), begin: range.start.min(end), at: range.start.min(end), end }
    }
}

/// A bill names payers: nobody else may read it, and nothing of it is left behind.
fn nameless(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// A window on a [`Blob`].
#[derive(Clone, Debug)]
pub struct Part {
    source: Source,
    begin: u64,
    at: u64,
    end: u64,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(into.len());
        let Some(into) = into.get_mut(..left) else { return Ok(0) };
        let read = match &self.source {
            Source::File(file) => file.read_at(into, self.at)?,
            Source::Bytes(bytes) => {
                let mut cursor = Cursor::new(bytes.as_ref());
                cursor.set_position(self.at);
                cursor.read(into)?
            }
        };
        self.at = self.at.saturating_add(u64::try_from(read).unwrap_or_default());
        Ok(read)
    }
}

impl Seek for Part {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(offset) => self.begin.checked_add(offset),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let place = place.filter(|place| *place >= self.begin).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        self.at = place;
        Ok(place.saturating_sub(self.begin))
    }
}

#[cfg(test)]
mod tests {
    use super::Blob;
    use sluice_contract::Body;
    use std::io::{Cursor, Read, Seek, SeekFrom};

    fn text(mut from: impl Read) -> String {
        let mut text = String::new();
        assert!(from.read_to_string(&mut text).is_ok());
        text
    }

    #[test]
    fn windows_of_memory_and_of_a_file_without_a_name_are_the_same() {
        let path = std::env::temp_dir().join(format!("sluice-blob-{}", std::process::id()));
        assert!(std::fs::write(&path, b"0123456789").is_ok());
        let bodies = [Body::Bytes(b"0123456789".to_vec()), Body::File(path.clone())];
        let blobs: Vec<Blob> = bodies.iter().filter_map(|body| Blob::of(body).ok()).collect();
        let kept: Vec<Blob> = bodies.iter().filter_map(|body| Blob::keep(Cursor::new(b"0123456789"), body, 10).ok()).collect();
        assert!(bodies.iter().all(|body| Blob::keep(Cursor::new(b"0123456789x"), body, 10).is_err()));
        assert!(std::fs::remove_file(&path).is_ok() && !path.with_extension("unpacked").exists());
        assert_eq!((blobs.len(), kept.len()), (2, 2));
        for blob in blobs.iter().chain(&kept) {
            assert_eq!(
                (blob.length(), text(blob.whole()), text(blob.part(2..5)), text(blob.part(8..99))),
                (10, "0123456789".into(), "234".into(), "89".into())
            );
            let mut part = blob.part(2..8);
            assert_eq!(part.seek(SeekFrom::End(-2)).ok(), Some(4));
            assert_eq!(text(&mut part), "67");
            assert_eq!((part.seek(SeekFrom::Start(1)).ok(), text(&mut part)), (Some(1), "34567".into()));
            assert!(part.seek(SeekFrom::Current(-9)).is_err());
        }
    }
}
