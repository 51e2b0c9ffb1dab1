//! A zip archive with names as raw bytes: the bill's are GBK without the UTF-8 flag (pack §2.10), which no writer offers.

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use std::io::Write;

/// Midnight of 2024-01-02, so that the same bytes in are the same bytes out.
const DOS_TIME: u16 = 0;
const DOS_DATE: u16 = 0x5822;

/// The archive; `None` when a file is larger than the format's 4 GiB.
pub(crate) fn zip(files: &[(Vec<u8>, Vec<u8>)]) -> Option<Vec<u8>> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).ok()?;
        let packed = encoder.finish().ok()?;
        let mut crc = Crc::new();
        crc.update(content);
        let at = u32::try_from(out.len()).ok()?;
        let mut shared = Vec::new();
        for short in [20, 0, 8, DOS_TIME, DOS_DATE] {
            shared.extend(short.to_le_bytes());
        }
        for long in [crc.sum(), u32::try_from(packed.len()).ok()?, u32::try_from(content.len()).ok()?] {
            shared.extend(long.to_le_bytes());
        }
        shared.extend(u16::try_from(name.len()).ok()?.to_le_bytes());
        shared.extend(0_u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&shared);
        out.extend(name);
        out.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&shared);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name);
    }
    let (at, size) = (u32::try_from(out.len()).ok()?, u32::try_from(directory.len()).ok()?);
    let count = u16::try_from(files.len()).ok()?.to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    Some(out)
}
