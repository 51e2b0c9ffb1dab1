//! Zips of bills, bounded before they are believed: a bomb costs its limit and no more.

use std::io::{Cursor, Read};
use zip::ZipArchive;

/// What an archive may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub files_max: usize,
    /// Of one unpacked file. More is a bomb.
    pub file_max_bytes: u64,
}

/// One unpacked file. Names come as bytes: channels write them in GBK without saying so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpacked {
    pub name: Vec<u8>,
    pub bytes: Vec<u8>,
}

/// Unpacks the files that `wanted` names. Folders are passed over.
///
/// # Errors
/// Why it is no archive, in words for an operator.
pub fn unzip(bytes: &[u8], limits: Limits, wanted: impl Fn(&[u8]) -> bool) -> Result<Vec<Unpacked>, &'static str> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| "the file is no zip archive")?;
    if archive.len() > limits.files_max {
        return Err("the archive has too many files");
    }
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| "the archive is damaged")?;
        let name = file.name_raw().to_vec();
        if file.is_dir() || !wanted(&name) {
            continue;
        }
        let mut unpacked = Vec::new();
        // The size in the archive is a claim; what comes out is counted.
        let read = file.take(limits.file_max_bytes.saturating_add(1)).read_to_end(&mut unpacked).map_err(|_| "the archive is damaged")?;
        if u64::try_from(read).unwrap_or(u64::MAX) > limits.file_max_bytes {
            return Err("the archive unpacks to more than a bill can be");
        }
        found.push(Unpacked { name, bytes: unpacked });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Limits, unzip};
    use std::io::{Cursor, Write};
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

    #[test]
    fn a_bomb_a_crowd_and_noise_are_refused() {
        let limits = Limits { files_max: 2, file_max_bytes: 1000 };
        let bomb = zipped(&[("a.csv", vec![b'0'; 1_000_000])]);
        assert!(bomb.len() < 5_000, "it packs well");
        assert_eq!(unzip(&bomb, limits, |_| true), Err("the archive unpacks to more than a bill can be"));
        let crowd = zipped(&[("a", vec![]), ("b", vec![]), ("c", vec![])]);
        assert_eq!(unzip(&crowd, limits, |_| true), Err("the archive has too many files"));
        assert_eq!(unzip(b"PK nonsense", limits, |_| true), Err("the file is no zip archive"));
        let bill = zipped(&[("a.csv", b"1,2".to_vec()), ("b.csv", b"3".to_vec())]);
        let found = unzip(&bill, limits, |name| name == b"a.csv").unwrap_or_default();
        assert_eq!(found.iter().map(|f| f.bytes.as_slice()).collect::<Vec<_>>(), [b"1,2"]);
        let mut cut = bill;
        cut.truncate(40);
        assert!(unzip(&cut, limits, |_| true).is_err());
    }
}
