//! Where an account stands among all of a decision, by its id: bindings and rules name accounts, and a platform has hundreds of each.

use super::account::AccountView;
use super::sticky::hash;
use crate::domain::Name;

/// Open addressing over the ids' hashes, made for one decision.
#[derive(Debug)]
pub struct Places<'a> {
    accounts: &'a [AccountView<'a>],
    /// One more than a place; nought: free. A power of two of them, at most half taken.
    slots: Vec<usize>,
}

impl<'a> Places<'a> {
    #[must_use]
    pub fn of(accounts: &'a [AccountView<'a>]) -> Places<'a> {
        let size = accounts.len().saturating_mul(2).saturating_add(1).next_power_of_two();
        let mut places = Places { accounts, slots: vec![0; size] };
        for (place, account) in accounts.iter().enumerate() {
            let slot = places.walk(account.id.hash()).find(|slot| places.slots.get(*slot) == Some(&0));
            if let Some(free) = slot.and_then(|slot| places.slots.get_mut(slot)) {
                *free = place.saturating_add(1);
            }
        }
        places
    }

    #[must_use]
    pub fn find(&self, name: &Name) -> Option<usize> {
        self.hashed(name.hash(), name)
    }

    /// The same of a text that has no hash of its own.
    #[must_use]
    pub fn find_text(&self, id: &str) -> Option<usize> {
        self.hashed(hash(&[id]), id)
    }

    fn hashed(&self, hash: u64, id: &str) -> Option<usize> {
        for slot in self.walk(hash) {
            let place = self.slots.get(slot)?.checked_sub(1)?;
            if self.accounts.get(place)?.id.as_str() == id {
                return Some(place);
            }
        }
        None
    }

    /// The slots of a hash, in the order of looking.
    fn walk(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().saturating_sub(1);
        // The low bits of the hash are enough, on a machine of any width.
        let first = usize::try_from(hash & 0xffff_ffff).unwrap_or_default();
        (0..=mask).map(move |step| first.wrapping_add(step) & mask)
    }
}
