//! Zips of bills, read where they lie and bounded before they are believed: a bomb costs its limit in time and nothing in memory.

use crate::blob::Blob;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::io::{self, BufRead, BufReader, Read};
use zip::{CompressionMethod, ZipArchive};

/// What an archive may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub files_max: usize,
    /// Of one unpacked file. More is a bomb.
    pub file_max_bytes: u64,
}

/// One file of it, not unpacked yet. Names come as bytes: channels write them in GBK without saying so.
pub struct Member {
    pub name: Vec<u8>,
    /// Ends in an error where it is damaged or too large.
    pub text: Box<dyn BufRead + Send>,
}

const WINDOW: usize = 64 * 1024;

/// The files that `wanted` names. Folders are passed over.
///
/// # Errors
/// Why it is no archive, in words for an operator.
pub fn members(archive: &Blob, limits: Limits, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Member>, &'static str> {
    let mut index = ZipArchive::new(BufReader::new(archive.whole())).map_err(|_| "the file is no zip archive")?;
    if index.len() > limits.files_max {
        return Err("the archive has too many files");
    }
    let mut found = Vec::new();
    for number in 0..index.len() {
        let file = index.by_index_raw(number).map_err(|_| "the archive is damaged")?;
        let name = file.name_raw().to_vec();
        if file.is_dir() || !wanted(&name) {
            continue;
        }
        if file.encrypted() {
            return Err("the archive is encrypted");
        }
        // What it claims; what comes out is counted.
        if file.size() > limits.file_max_bytes {
            return Err("the archive unpacks to more than a bill can be");
        }
        let begin = file.data_start().ok_or("the archive is damaged")?;
        let end = begin.checked_add(file.compressed_size()).filter(|end| *end <= archive.length()).ok_or("the archive is damaged")?;
        let packed = BufReader::with_capacity(WINDOW, archive.part(begin..end));
        let plain: Box<dyn Read + Send> = match file.compression() {
            CompressionMethod::Stored => Box::new(packed),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
            _ => return Err("the archive is packed in a way that no bill is"),
        };
        let checked = Checked { plain, crc: Crc::new(), size: file.size(), sum: file.crc32() };
        found.push(Member { name, text: Box::new(BufReader::with_capacity(WINDOW, checked)) });
    }
    Ok(found)
}

/// What comes out must be as much as the archive says, and the same.
struct Checked {
    plain: Box<dyn Read + Send>,
    crc: Crc,
    size: u64,
    sum: u32,
}

impl Checked {
    fn seen(&self) -> u64 {
        // The sum's own count turns over after 4 GiB; limits are below that.
        u64::from(self.crc.amount())
    }
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.plain.read(into)?;
        self.crc.update(into.get(..read).unwrap_or_default());
        let whole = self.seen() == self.size && self.crc.sum() == self.sum;
        if self.seen() > self.size || (read == 0 && !into.is_empty() && !whole) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the archive is damaged, or unpacks to more than it says"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, members};
    use crate::blob::Blob;
    use std::io::{Cursor, Read, Write};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn zipped(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let started = writer.start_file(*name, SimpleFileOptions::default());
            assert!(started.is_ok() && writer.write_all(bytes).is_ok());
        }
        writer.finish().map(Cursor::into_inner).unwrap_or_default()
    }

    fn unzip(bytes: &[u8], limits: Limits, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Vec<u8>>, String> {
        let members = members(&Blob::bytes(bytes), limits, wanted)?;
        let text = |mut text: Box<dyn std::io::BufRead + Send>| {
            let mut bytes = Vec::new();
            text.read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.to_string())
        };
        members.into_iter().map(|member| text(member.text)).collect()
    }

    const LIMITS: Limits = Limits { files_max: 2, file_max_bytes: 1000 };

    fn refused(bytes: &[u8]) -> String {
        unzip(bytes, LIMITS, |_| true).err().unwrap_or_default()
    }

    #[test]
    fn a_bomb_a_crowd_and_noise_are_refused() {
        let bomb = zipped(&[("a.csv", vec![b'0'; 1_000_000])]);
        assert!(bomb.len() < 5_000, "it packs well");
        assert_eq!(refused(&bomb), "the archive unpacks to more than a bill can be");
        // One that says that it is small.
        let (honest, small) = (1_000_000_u32.to_le_bytes(), 900_u32.to_le_bytes());
        let mut liar = bomb;
        for at in 0..liar.len().saturating_sub(4) {
            if liar.get(at..at + 4) == Some(&honest) {
                liar.splice(at..at + 4, small);
            }
        }
        assert_eq!(refused(&liar), "the archive is damaged, or unpacks to more than it says");
        let crowd = zipped(&[("a", vec![]), ("b", vec![]), ("c", vec![])]);
        assert_eq!(refused(&crowd), "the archive has too many files");
        assert_eq!(refused(b"PK nonsense"), "the file is no zip archive");
        let bill = zipped(&[("a.csv", b"1,2".to_vec()), ("b.csv", b"3".to_vec())]);
        assert_eq!(unzip(&bill, LIMITS, |name| name == b"a.csv"), Ok(vec![b"1,2".to_vec()]));
    }

    #[test]
    fn cut_or_bent_anywhere_it_is_never_another_file() {
        let text: Vec<u8> = (0..900_u32).map(|n| u8::try_from(n * n % 251).unwrap_or_default()).collect();
        let whole = zipped(&[("a.csv", text.clone())]);
        for sixteenth in 0..16 {
            assert!(unzip(whole.get(..whole.len() * sixteenth / 16).unwrap_or_default(), LIMITS, |_| true).is_err(), "{sixteenth}");
        }
        for at in 0..whole.len() {
            let mut bent = whole.clone();
            bent.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0x10);
            if let Ok(files) = unzip(&bent, LIMITS, |_| true) {
                assert!(files.iter().all(|file| *file == text), "{at}");
            }
        }
    }
}
