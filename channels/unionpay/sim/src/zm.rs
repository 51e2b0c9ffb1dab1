//! The file's form: fixed widths of GBK bytes, one separator byte between columns, zipped, deflated, base64 (pack §2.9).

use crate::party::{CARD, MER_ID};
use crate::statement::Row;
use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::GBK;
use flate2::{Compression, write::ZlibEncoder};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

/// Bytes of each of the 42 columns.
pub(crate) const WIDTHS: [usize; 42] = [
    3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12,
    2, 1, 32, 98,
];

/// One line of ZM. Columns without a meaning in the pack (1, 2, 3, 8, 9, 13, 18, 23, 26) hold what its own file holds.
pub(crate) fn record(row: &Row) -> Vec<u8> {
    let pays = row.txn_type == "01";
    let signed = |credit: bool, fen: i64| format!("{}{:012}", if credit { 'C' } else { 'D' }, fen.saturating_abs());
    let net = row.base.0.saturating_sub(row.fee.0);
    let (original_no, original_time, original_id, original_number) = match &row.original {
        Some((trace, number)) => (trace.number.clone(), trace.time(), trace.query_id.clone(), number.clone()),
        None => Default::default(),
    };
    let (sub_id, sub_abbr) = row.sub_merchant.clone().unwrap_or_default();
    let discounted = row.discount != 0 || row.payer_part != row.amount;
    let of_discount = |text: String| if discounted { text } else { String::new() };
    let told: [(usize, String); 30] = [
        (1, "000".to_owned()),
        (2, "00010000".to_owned()),
        (3, "00010000".to_owned()),
        (4, row.trace.number.clone()),
        (5, row.trace.time()),
        (6, CARD.to_owned()),
        (7, format!("{:012}", row.amount.0)),
        (8, "5311".to_owned()),
        (9, "08".to_owned()),
        (10, row.trace.query_id.clone()),
        (12, row.number.clone()),
        (13, "01".to_owned()),
        (14, original_no),
        (15, original_time),
        (16, signed(!pays, row.fee.0)),
        (17, signed(pays, net)),
        (18, "0001".to_owned()),
        (20, row.txn_type.to_owned()),
        (21, row.sub_type.to_owned()),
        (22, row.biz_type.clone()),
        (23, "01".to_owned()),
        (26, "0".to_owned()),
        (27, original_id),
        (28, MER_ID.to_owned()),
        (30, sub_id),
        (31, sub_abbr),
        (33, signed(pays, net)),
        (34, row.term_id.clone().unwrap_or_default()),
        (35, row.reserved.clone().unwrap_or_default()),
        (41, original_number),
    ];
    let discount =
        [(36, of_discount(signed((row.discount >= 0) == pays, row.discount))), (37, of_discount(signed(pays, row.payer_part.0)))];
    let mut line = Vec::new();
    for (at, width) in WIDTHS.iter().enumerate() {
        if at > 0 {
            line.push(b' ');
        }
        let number = at.saturating_add(1);
        let value = told.iter().chain(&discount).find(|(column, _)| *column == number).map_or("", |(_, value)| value.as_str());
        line.extend(cell(value, *width));
    }
    line.extend(b"\r\n");
    line
}

/// Exactly so many bytes; a character that does not fit whole is left out.
fn cell(text: &str, width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(width);
    for letter in text.chars() {
        let mut buffer = [0; 4];
        let (bytes, _, _) = GBK.encode(letter.encode_utf8(&mut buffer));
        if out.len().saturating_add(bytes.len()) > width {
            break;
        }
        out.extend_from_slice(&bytes);
    }
    out.resize(width, b' ');
    out
}

/// base64( zlib( zip ) ). No times in the archive: the same rows, the same bytes.
pub(crate) fn packed(members: &[(String, Vec<u8>)]) -> Option<String> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(name.as_str(), SimpleFileOptions::default().last_modified_time(DateTime::default())).ok()?;
        archive.write_all(bytes).ok()?;
    }
    let zip = archive.finish().ok()?.into_inner();
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(&zip).ok()?;
    Some(STANDARD.encode(deflated.finish().ok()?))
}
