//! The little ASN.1 that SM2 needs, as the bank's demo writes and reads it (pack §2.2, §2.3).

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;

/// r‖s of a signature. Leading zeros that DER forbids are taken (pack §2.2); with `strict`, integers of fewer than 32 bytes
/// are not.
pub(crate) fn signature(bytes: &[u8], strict: bool) -> Option<[u8; 64]> {
    let inside = whole(bytes)?;
    let (r, rest) = element(inside, INTEGER)?;
    let (s, rest) = element(rest, INTEGER)?;
    if !rest.is_empty() || strict && (r.len() < 32 || s.len() < 32) {
        return None;
    }
    joined(unsigned(r)?, unsigned(s)?)
}

/// An encrypted text as `04‖x‖y‖C3‖C2`, from SEQUENCE(x, y, C3, C2).
pub(crate) fn ciphertext(bytes: &[u8]) -> Option<Vec<u8>> {
    let inside = whole(bytes)?;
    let (x, rest) = element(inside, INTEGER)?;
    let (y, rest) = element(rest, INTEGER)?;
    let (c3, rest) = element(rest, OCTETS)?;
    let (c2, rest) = element(rest, OCTETS)?;
    if !rest.is_empty() || c3.len() != 32 {
        return None;
    }
    let mut out = vec![0x04];
    out.extend(unsigned(x)?);
    out.extend(unsigned(y)?);
    out.extend(c3);
    out.extend(c2);
    Some(out)
}

/// A signature with every integer at 32 or 33 bytes: the demo's form, which keeps leading zeros.
pub(crate) fn written(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at_checked(32).unwrap_or((raw, &[]));
    let mut inside = integer(r);
    inside.extend(integer(s));
    tagged(SEQUENCE, &inside)
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(33);
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        content.push(0);
    }
    content.extend(bytes);
    tagged(INTEGER, &content)
}

/// At most 70 bytes are ever written here, so one byte says the length.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, u8::try_from(content.len()).unwrap_or(0)];
    out.extend(content);
    out
}

fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (inside, rest) = element(bytes, SEQUENCE)?;
    rest.is_empty().then_some(inside)
}

/// The content of the first element, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7F => (usize::from(short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        _ => return None,
    };
    if *found == tag { rest.split_at_checked(length) } else { None }
}

/// A positive integer of at most 256 bits.
fn unsigned(content: &[u8]) -> Option<[u8; 32]> {
    if content.first().is_none_or(|first| *first >= 0x80) {
        return None;
    }
    let zeros = content.iter().take_while(|byte| **byte == 0).count();
    let digits = content.get(zeros..)?;
    let mut out = [0; 32];
    out.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(out)
}

fn joined(r: [u8; 32], s: [u8; 32]) -> Option<[u8; 64]> {
    [r, s].concat().try_into().ok()
}
