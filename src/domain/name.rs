//! The name of an account, as the router hands it about: a decision lists every account there is, so a copy costs a count and no text, and
//! its hash is taken once, when the name is read.

use super::route::sticky::hash;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Name {
    text: Arc<str>,
    hash: u64,
}

impl Name {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same on every machine: what is drawn by it must not move between nodes or versions.
    #[must_use]
    pub const fn hash(&self) -> u64 {
        self.hash
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Name {
        Name { text: text.into(), hash: hash(&[text]) }
    }
}

impl From<String> for Name {
    fn from(text: String) -> Name {
        Name::from(text.as_str())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.text.to_string()
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for Name {}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.text == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.text == *other
    }
}

impl PartialEq<String> for Name {
    fn eq(&self, other: &String) -> bool {
        &*self.text == other.as_str()
    }
}

impl PartialEq<Name> for String {
    fn eq(&self, other: &Name) -> bool {
        other == self
    }
}

impl PartialEq<Name> for &str {
    fn eq(&self, other: &Name) -> bool {
        other == self
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_is_its_text_wherever_it_is_written() {
        let name = Name::from("wx-main");
        assert_eq!(serde_json::to_string(&name).ok().as_deref(), Some("\"wx-main\""));
        assert_eq!(serde_json::from_str::<Name>("\"wx-main\"").ok(), Some(name.clone()));
        assert_eq!(format!("{name} {name:?}"), "wx-main \"wx-main\"");
        let (a, b) = (Name::from("a"), Name::from("b"));
        assert!(name == "wx-main" && name != *"wx-other" && a < b);
    }
}
