//! In whose name an account calls, where a channel knows both.

use crate::account::word;
use crate::profile::sub_fields;
use sluice_contract::{Reader, SubField};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Direct,
    /// 服务商: the account is a service provider's, the binding names the merchant.
    Provider,
}

impl Mode {
    /// Reads `mode`; absent is direct.
    #[must_use]
    pub fn read(table: &Reader<'_>) -> Mode {
        word(table, "mode", &[("direct", Mode::Direct), ("provider", Mode::Provider)], Mode::Direct)
    }

    /// What a binding's `sub` table may hold: nothing for a direct account, these ids for a provider's.
    #[must_use]
    pub fn sub_fields(self, required: &[&'static str], optional: &[&'static str]) -> Vec<SubField> {
        match self {
            Mode::Direct => Vec::new(),
            Mode::Provider => sub_fields(required, optional),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;
    use sluice_contract::Reader;

    #[test]
    fn an_account_is_direct_unless_it_says_provider() {
        for (tree, mode, fields) in [(serde_json::json!({}), Mode::Direct, 0), (serde_json::json!({"mode": "provider"}), Mode::Provider, 1)]
        {
            let read = Mode::read(&Reader::root("credentials", &tree));
            assert_eq!((read, read.sub_fields(&["sub_id"], &[]).len()), (mode, fields));
        }
        let wrong = serde_json::json!({"mode": "both"});
        let table = Reader::root("credentials", &wrong);
        assert_eq!((Mode::read(&table), table.found().len()), (Mode::Direct, 1));
    }
}
