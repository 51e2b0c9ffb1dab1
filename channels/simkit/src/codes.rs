//! Payment codes on the payers' phones. One book for all pretend channels: a bank that carries WeChat is shown a code that
//! WeChat issued, and a code pays once, wherever it is shown.

use crate::simulator::Behaviour;
use sluice_contract::{Fen, Millis};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A payment code lives one minute, whatever `fast` says: people read it from a screen.
pub const CODE_LIFE_S: i64 = 60;

#[derive(Clone, Debug)]
struct Issued {
    behaviour: Behaviour,
    balance: Fen,
    at: Millis,
    /// `CHANNEL:NUMBER` of the order that took it.
    used_by: Option<String>,
}

/// What a code is worth when it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The payer's phone does this, and has so much.
    Live(Behaviour, Fen),
    /// Another order took it.
    Used,
    Expired,
    /// Nobody issued it.
    Unknown,
}

/// The shared book. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Codes(Arc<Mutex<BTreeMap<String, Issued>>>);

impl Codes {
    /// Writes a fresh code down; `false` when it was issued before.
    pub fn issue(&self, code: &str, behaviour: Behaviour, balance: Fen, now: Millis) -> bool {
        let mut book = self.book();
        if book.contains_key(code) {
            return false;
        }
        book.insert(code.to_owned(), Issued { behaviour, balance, at: now, used_by: None });
        true
    }

    /// What showing a code comes to. Changes nothing.
    #[must_use]
    pub fn shown(&self, code: &str, now: Millis) -> Shown {
        match self.book().get(code) {
            None => Shown::Unknown,
            Some(issued) if issued.used_by.is_some() => Shown::Used,
            Some(issued) if now > issued.at.plus_s(CODE_LIFE_S) => Shown::Expired,
            Some(issued) => Shown::Live(issued.behaviour, issued.balance),
        }
    }

    /// From now on the code is this order's. A code that nobody issued (a magic one) stays unwritten.
    pub fn take(&self, code: &str, channel: &str, number: &str) {
        if let Some(issued) = self.book().get_mut(code) {
            issued.used_by = Some(format!("{channel}:{number}"));
        }
    }

    fn book(&self) -> MutexGuard<'_, BTreeMap<String, Issued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Codes, Shown};
    use crate::simulator::Behaviour;
    use sluice_contract::{Fen, Millis};

    #[test]
    fn a_code_pays_once_wherever_it_is_shown_and_dies_after_a_minute() {
        let (wechat, at) = (Codes::default(), Millis(0));
        let bank = wechat.clone();
        assert!(wechat.issue("1300", Behaviour::Pay, Fen(5), at));
        assert!(!bank.issue("1300", Behaviour::Pay, Fen(5), at));
        assert_eq!(bank.shown("1300", at.plus_s(60)), Shown::Live(Behaviour::Pay, Fen(5)));
        assert_eq!(bank.shown("1300", at.plus_s(61)), Shown::Expired);
        bank.take("1300", "cmb", "A1");
        assert_eq!(wechat.shown("1300", at), Shown::Used);
        assert_eq!(wechat.shown("1301", at), Shown::Unknown);
    }
}
