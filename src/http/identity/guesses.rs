//! How often somebody may guess: so many failures for a name, known or not, and for an address, within a quarter of an hour. Each node
//! counts for itself. A guess is counted before it is judged, so that many at once are no way around.

use sluice_contract::Millis;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

const WINDOW_MS: i64 = 15 * 60 * 1000;
const PER_NAME_MAX: u32 = 10;
const PER_ADDRESS_MAX: u32 = 30;
/// More names and addresses than this at a time are no operators: then nobody new is let try.
const KNOWN_MAX: usize = 20_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Name(String),
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Count {
    guesses: u32,
    since: Millis,
}

#[derive(Debug, Default)]
pub struct Guesses(Mutex<BTreeMap<Whose, Count>>);

impl Guesses {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<Whose, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one guess; `Err`: seconds until the next.
    pub fn take(&self, name: &str, address: Option<IpAddr>, now: Millis) -> Result<(), u32> {
        let mut counts = self.counts();
        counts.retain(|_, count| now.since_ms(count.since) < WINDOW_MS);
        let whose = whose(name, address);
        let left = |count: &Count| u32::try_from(WINDOW_MS.saturating_sub(now.since_ms(count.since)) / 1000).unwrap_or(0).max(1);
        for (whose, max) in &whose {
            match counts.get(whose) {
                Some(count) if count.guesses >= *max => return Err(left(count)),
                None if counts.len() >= KNOWN_MAX => return Err(u32::try_from(WINDOW_MS / 1000).unwrap_or(0)),
                _ => {}
            }
        }
        for (whose, _) in whose {
            let count = counts.entry(whose).or_insert(Count { guesses: 0, since: now });
            count.guesses = count.guesses.saturating_add(1);
        }
        Ok(())
    }

    /// It was no guess: the operator is in. What others tried from the address stays counted.
    pub fn was_right(&self, name: &str, address: Option<IpAddr>) {
        let mut counts = self.counts();
        for (whose, _) in whose(name, address) {
            match (&whose, counts.get_mut(&whose)) {
                (Whose::Address(_), Some(count)) => count.guesses = count.guesses.saturating_sub(1),
                _ => drop(counts.remove(&whose)),
            }
        }
    }
}

fn whose(name: &str, address: Option<IpAddr>) -> Vec<(Whose, u32)> {
    // Whoever has one IPv6 address has 2^64 of them.
    let network = |ip: IpAddr| match ip {
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & !u128::from(u64::MAX)).into()),
        four => four,
    };
    let of_address = address.map(|ip| (Whose::Address(network(ip)), PER_ADDRESS_MAX));
    std::iter::once((Whose::Name(name.to_owned()), PER_NAME_MAX)).chain(of_address).collect()
}

#[cfg(test)]
mod tests {
    use super::Guesses;
    use sluice_contract::Millis;

    #[test]
    fn guesses_are_bounded_by_name_and_by_address() {
        let (guesses, now) = (Guesses::default(), Millis(1_000_000_000));
        let at = |text: &str| text.parse().ok();
        for _ in 0..10 {
            assert_eq!(guesses.take("li", at("203.0.113.1"), now), Ok(()));
        }
        assert_eq!(guesses.take("li", at("203.0.113.2"), now.plus_s(60)), Err(840), "from anywhere");
        assert_eq!(guesses.take("li", at("203.0.113.2"), now.plus_s(900)), Ok(()), "a quarter of an hour later");
        let now = now.plus_s(10_000);
        for n in 0..30 {
            assert_eq!(guesses.take(&format!("n{n}"), at(&format!("2001:db8::{n}")), now), Ok(()));
        }
        assert!(guesses.take("n31", at("2001:db8::ffff"), now).is_err(), "one network");
        assert_eq!(guesses.take("n31", at("2001:db8:0:1::1"), now), Ok(()));
        guesses.was_right("n0", at("2001:db8::0"));
        assert_eq!(guesses.take("n32", at("2001:db8::1"), now), Ok(()), "who was right had one guess too many");
        assert!(guesses.take("n33", at("2001:db8::1"), now).is_err());
    }
}
