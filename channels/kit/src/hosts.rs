//! Where a bill's link may point: its authority is compared whole, so no user name, no other port and no look-alike gets through.

use sluice_contract::Reader;

/// Hosts, with a port where it is not the scheme's own.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// Those that the credentials list under `field`, and the known ones.
    #[must_use]
    pub fn read<'a>(table: &Reader<'a>, field: &str, known: impl IntoIterator<Item = &'a str>) -> Hosts {
        let given = table.texts(field).unwrap_or_default();
        if given.iter().any(|host| host.is_empty() || host.contains(['/', '@', '?', '#', ' '])) {
            table.problem(field, "must be host names, with a port where needed");
        }
        Hosts(given.into_iter().chain(known).map(str::to_ascii_lowercase).collect())
    }

    /// Whether that address may be fetched.
    #[must_use]
    pub fn allow(&self, url: &str) -> bool {
        let plain = url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
        plain && host(url).is_some_and(|host| self.0.contains(&host.to_ascii_lowercase()))
    }
}

/// What an address has behind a base of ours, where that is its host: nothing of ours goes to another.
#[must_use]
pub fn below<'a>(url: &'a str, base: &str) -> Option<&'a str> {
    url.strip_prefix(base).filter(|rest| rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic()))
}

/// The authority of an http(s) address.
#[must_use]
pub fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    rest.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::{Hosts, below, host};
    use sluice_contract::Reader;

    #[test]
    fn only_the_very_host_is_allowed() {
        let tree = serde_json::json!({"hosts": ["Bills.example:8443"]});
        let table = Reader::root("credentials", &tree);
        let hosts = Hosts::read(&table, "hosts", ["files.example"]);
        assert!(table.found().is_empty());
        for url in ["https://bills.example:8443/a?b", "http://FILES.example", "https://files.example?x"] {
            assert!(hosts.allow(url), "{url}");
        }
        for url in [
            "",
            "files.example",
            "//files.example/",
            "ftp://files.example/",
            "https://files.example:81/",
            "https://files.example@evil.example/",
            "https://files.example.evil.example/",
            "https://evil.example\\@files.example/",
            "https://files.example/a b",
            "https://bills.example/",
        ] {
            assert!(!hosts.allow(url), "{url}");
        }
        assert_eq!((host("http://a:1/b"), host("a")), (Some("a:1"), None));
    }

    #[test]
    fn below_a_base_is_its_own_path_and_nothing_that_only_begins_so() {
        assert_eq!(below("https://a.example/b?c", "https://a.example"), Some("/b?c"));
        for url in
            ["https://a.example", "https://a.example.evil/b", "https://a.example@evil/b", "http://a.example/b", "https://a.example/b c"]
        {
            assert_eq!(below(url, "https://a.example"), None, "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_a_problem() {
        for wrong in ["", "https://x.example/", "a@b", "a b"] {
            let tree = serde_json::json!({"hosts": [wrong]});
            let table = Reader::root("credentials", &tree);
            let _ = Hosts::read(&table, "hosts", []);
            assert_eq!(table.found().len(), 1, "{wrong}");
        }
    }
}
