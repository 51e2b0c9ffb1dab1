//! Risk control, asked before the limits (先风控后限额). The seam is [`Risk`]; what this gateway brings is a block list.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known of an order before anything is stored. Payers and customers are keyed hashes; the auth code is a secret that is looked
/// at and never kept.
#[derive(Clone, Copy, Default)]
pub struct Question<'a> {
    pub merchant_id: &'a str,
    pub amount_fen: i64,
    /// Every id of the payer that came with the order.
    pub payers: &'a [String],
    pub customer: Option<&'a str>,
    /// As the block list writes addresses: no IPv4 in IPv6, no zeros that can be left out.
    pub client_ip: Option<&'a str>,
    pub auth_code: Option<&'a str>,
}

/// Kept with the order, or the reason that there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    Allow {
        /// Who judged.
        by: String,
    },
    Refuse {
        by: String,
        /// Which entry or rule; for operators.
        rule: String,
    },
}

/// Judges orders. It must answer at once: what takes longer is prepared beforehand.
pub trait Risk: Send + Sync {
    fn judge(&self, question: &Question<'_>) -> Decision;
}

/// What a block is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    Payer,
    Customer,
    Ip,
    AuthCodePrefix,
}

/// One entry of the block list. `value`: the keyed hash of a payer or customer, an address, or the first digits of codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Block {
    pub kind: BlockKind,
    pub value: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList(pub BTreeSet<Block>);

impl BlockList {
    const NAME: &'static str = "block_list";

    fn has(&self, kind: BlockKind, value: &str) -> bool {
        self.0.contains(&Block { kind, value: value.to_owned() })
    }

    fn hit(&self, question: &Question<'_>) -> Option<BlockKind> {
        let ip = || question.client_ip.is_some_and(|ip| self.has(BlockKind::Ip, ip));
        let prefix = || {
            let code = question.auth_code.unwrap_or_default();
            (1..=code.len()).filter_map(|length| code.get(..length)).any(|prefix| self.has(BlockKind::AuthCodePrefix, prefix))
        };
        if question.payers.iter().any(|payer| self.has(BlockKind::Payer, payer)) {
            Some(BlockKind::Payer)
        } else if question.customer.is_some_and(|customer| self.has(BlockKind::Customer, customer)) {
            Some(BlockKind::Customer)
        } else if ip() {
            Some(BlockKind::Ip)
        } else {
            prefix().then_some(BlockKind::AuthCodePrefix)
        }
    }
}

impl Risk for BlockList {
    fn judge(&self, question: &Question<'_>) -> Decision {
        let hit = if self.0.is_empty() { None } else { self.hit(question) };
        match hit {
            None => Decision::Allow { by: Self::NAME.to_owned() },
            Some(kind) => Decision::Refuse { by: Self::NAME.to_owned(), rule: format!("{kind:?}") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, BlockKind, BlockList, Decision, Question, Risk};

    #[test]
    fn each_kind_of_block_is_found_and_nothing_else_is() {
        let block = |kind, value: &str| BlockList([Block { kind, value: value.to_owned() }].into());
        let refused = |list: &BlockList, question: Question<'_>| matches!(list.judge(&question), Decision::Refuse { .. });
        let payers = ["h1".to_owned(), "h2".to_owned()];
        let question = Question {
            payers: &payers,
            customer: Some("c1"),
            client_ip: Some("203.0.113.7"),
            auth_code: Some("134567890123456789"),
            ..Question::default()
        };
        for (kind, value) in
            [(BlockKind::Payer, "h2"), (BlockKind::Customer, "c1"), (BlockKind::Ip, "203.0.113.7"), (BlockKind::AuthCodePrefix, "1345")]
        {
            assert!(refused(&block(kind, value), question), "{kind:?}");
            assert!(!refused(&block(kind, value), Question::default()), "{kind:?}");
        }
        for (kind, value) in [(BlockKind::Payer, "c1"), (BlockKind::Customer, "h1"), (BlockKind::AuthCodePrefix, "345")] {
            assert!(!refused(&block(kind, value), question), "{kind:?}");
        }
        assert!(!refused(&BlockList::default(), question));
    }
}
