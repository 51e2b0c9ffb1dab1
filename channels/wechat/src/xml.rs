//! The flat XML of API v2: one root, text members, nothing else.
//!
//! No document type, no entity of its own making, no nesting, no doubled member: the old official SDK was robbed through
//! its XML reader (pack §10).

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use sluice_contract::Notes;

/// Longer messages are not WeChat's.
const BYTES_MAX: usize = 256 * 1024;
const MEMBERS_MAX: usize = 512;

/// Reads the members of the root element. `None` for anything that is not exactly that.
pub(crate) fn read(bytes: &[u8]) -> Option<Notes> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= BYTES_MAX)?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut members = Notes::new();
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut is_over = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                if is_over || open.len() == 2 || members.len() >= MEMBERS_MAX {
                    return None;
                }
                open.push(tag.name().as_ref().to_owned());
                value.clear();
            }
            Event::End(_) => {
                let name = open.pop()?;
                match open.len() {
                    0 => is_over = true,
                    _ if members.contains_key(&name) => return None,
                    _ => drop(members.insert(name, std::mem::take(&mut value))),
                }
            }
            Event::Text(part) if open.len() == 2 => value.push_str(&part.xml10_content()),
            // Between members there is only space.
            Event::Text(part) if part.trim().is_empty() => {}
            Event::CData(part) if open.len() == 2 => value.push_str(&part.xml10_content()),
            Event::GeneralRef(part) if open.len() == 2 => match part.resolve_char_ref().ok()? {
                Some(c) => value.push(c),
                None => value.push_str(resolve_predefined_entity(&part)?),
            },
            Event::Decl(_) if open.is_empty() && !is_over => {}
            Event::Comment(_) => {}
            Event::Eof => return (is_over && open.is_empty()).then_some(members),
            _ => return None,
        }
    }
}

/// Writes members as WeChat does: `<xml><name><![CDATA[value]]></name>…</xml>`.
pub(crate) fn write(members: &Notes) -> String {
    // The one sequence that CDATA cannot hold is cut in two.
    let whole = |value: &str| value.replace("]]>", "]]]]><![CDATA[>");
    let members = members.iter().map(|(name, value)| format!("<{name}><![CDATA[{}]]></{name}>", whole(value)));
    format!("<xml>{}</xml>", members.collect::<String>())
}
