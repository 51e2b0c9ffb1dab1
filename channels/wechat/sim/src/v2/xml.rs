//! v2's flat XML: one root, text members (pack §10). No DTD, no entities but the five of XML itself.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// Larger bodies are refused unread.
const BYTES_MAX: usize = 64 * 1024;

/// Names and values. Anything but a flat document with distinct names is `None`.
pub(crate) fn read(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let mut reader = Reader::from_str(std::str::from_utf8(bytes).ok()?);
    let mut members = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut ended = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                if ended || open.len() > 1 {
                    return None;
                }
                open.push(tag.name().as_ref().to_owned());
                text.clear();
            }
            Event::Empty(tag) => {
                if open.len() != 1 || members.insert(tag.name().as_ref().to_owned(), String::new()).is_some() {
                    return None;
                }
            }
            Event::End(_) => {
                let name = open.pop()?;
                if open.is_empty() {
                    ended = true;
                } else if members.insert(name, std::mem::take(&mut text)).is_some() {
                    return None;
                }
            }
            Event::Text(part) => match (open.len(), part.xml10_content()) {
                (2, part) => text.push_str(&part),
                (_, part) if part.trim().is_empty() => {}
                _ => return None,
            },
            Event::CData(part) if open.len() == 2 => text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) if open.len() == 2 => text.push(match name.resolve_char_ref().ok()? {
                Some(c) => c,
                None => entity(&name.xml10_content())?,
            }),
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => return ended.then_some(members),
            // A document type, a processing instruction, a reference outside a member.
            _ => return None,
        }
    }
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

pub(crate) fn write(members: &BTreeMap<String, String>) -> String {
    let mut out = String::from("<xml>");
    for (name, value) in members {
        let value = value.replace("]]>", "]]]]><![CDATA[>");
        out.push_str(&format!("<{name}><![CDATA[{value}]]></{name}>"));
    }
    out.push_str("</xml>");
    out
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use std::collections::BTreeMap;

    #[test]
    fn what_is_written_is_read_again() {
        let members: BTreeMap<String, String> =
            [("a", "1 < 2 & 3"), ("b", "付款码]]>x"), ("c", "")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(read(write(&members).as_bytes()), Some(members));
    }

    #[test]
    fn plain_text_and_the_five_entities_are_read() {
        let got = read(b"<?xml version=\"1.0\"?>\n<xml>\n <a>1 &lt; 2 &#65;</a><b/></xml>");
        assert_eq!(got, Some([("a", "1 < 2 A"), ("b", "")].map(|(n, v)| (n.to_owned(), v.to_owned())).into()));
    }

    #[test]
    fn dtds_entities_nesting_and_doubles_are_refused() {
        let refused: [&[u8]; 6] = [
            b"<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><xml><return_code>&x;</return_code></xml>",
            b"<xml><a>&x;</a></xml>",
            b"<xml><a><b>1</b></a></xml>",
            b"<xml><a>1</a><a>2</a></xml>",
            b"<xml><a>1</a>",
            b"\xff",
        ];
        for bytes in refused {
            assert_eq!(read(bytes), None);
        }
    }
}
