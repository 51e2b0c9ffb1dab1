//! What counts as a change: the versions that merchants compare.

use super::life::{Attempt, Life, Refund};
use serde_json::Value;

impl Life {
    /// Counts a change of what `before` was in the versions of the order and of its refunds. What merchants are told carries the versions
    /// of the commit that tells it. `earlier`: effects of commands before this one.
    pub fn count_change(&mut self, before: &Self, earlier: usize) {
        if !self.is_news_to(before) {
            return;
        }
        self.order.version = self.order.version.saturating_add(1);
        for (refund, old) in self.refunds.iter_mut().zip(&before.refunds) {
            if refund.is_news_to(old) {
                refund.version = refund.version.saturating_add(1);
            }
        }
        self.stamp_versions(earlier);
    }

    fn stamp_versions(&mut self, earlier: usize) {
        let versions: Vec<(String, i64)> = self.refunds.iter().map(|r| (self.order.id.refund_id(r.seq), r.version)).collect();
        for effect in self.effects.iter_mut().skip(earlier) {
            let of_refund = || versions.iter().find(|(id, _)| effect.data.get("id").and_then(Value::as_str) == Some(id)).map(|(_, v)| *v);
            let version = if effect.kind.starts_with("order.") { Some(self.order.version) } else { of_refund() };
            if let (Some(version), Some(fields)) = (version, effect.data.as_object_mut()) {
                fields.insert("version".to_owned(), Value::from(version));
            }
        }
    }

    /// Whether anything changed but what asking alone leaves behind: the schedule and lines of the trail. A merchant who compares versions
    /// is not told of a change that he cannot see.
    fn is_news_to(&self, before: &Self) -> bool {
        let mut order = before.order.clone();
        order.last_seq = self.order.last_seq;
        self.order != order
            || self.effects.len() != before.effects.len()
            || self.attempts.len() != before.attempts.len()
            || self.refunds.len() != before.refunds.len()
            || self.attempts.iter().zip(&before.attempts).any(|(now, old)| now.is_news_to(old))
            || self.refunds.iter().zip(&before.refunds).any(|(now, old)| now.is_news_to(old))
    }
}

impl Attempt {
    fn is_news_to(&self, before: &Self) -> bool {
        let mut asked = before.clone();
        (asked.next_at, asked.queries) = (self.next_at, self.queries);
        asked.notes.call_ended_at = self.notes.call_ended_at;
        asked.notes.last_unknown.clone_from(&self.notes.last_unknown);
        *self != asked
    }
}

impl Refund {
    fn is_news_to(&self, before: &Self) -> bool {
        let mut asked = before.clone();
        (asked.next_at, asked.queries) = (self.next_at, self.queries);
        *self != asked
    }
}
