//! Many payments at once, so that a test has a day of a hundred thousand in a moment. The hook `more LIKE NUMBER:FEN:MILLIS,…` of every
//! simulator with a bill: paid at those times, each like the payment LIKE in everything but number, amount and time, and without discounts.

use sluice_contract::{Fen, Millis};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct More {
    pub number: String,
    pub total: Fen,
    pub at: Millis,
}

/// Reads what stands behind the hook's name: the payment they are like, and all of them.
#[must_use]
pub fn more(value: &str) -> Option<(&str, Vec<More>)> {
    let (like, list) = value.split_once(' ')?;
    let one = |text: &str| {
        let mut parts = text.split(':');
        let (number, total, at) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let whole = !number.is_empty() && total > 0 && parts.next().is_none();
        whole.then(|| More { number: number.to_owned(), total: Fen(total), at: Millis(at) })
    };
    Some((like, list.split(',').map(one).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::{More, more};
    use sluice_contract::{Fen, Millis};

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let one = |number: &str, total, at| More { number: number.to_owned(), total: Fen(total), at: Millis(at) };
        assert_eq!(more("A0 A1:100:5,A2:7:6"), Some(("A0", vec![one("A1", 100, 5), one("A2", 7, 6)])));
        for bent in ["A0", "A0 ", "A0 A1", "A0 A1:100", "A0 A1:0:5", "A0 A1:100:5:6", "A0 A1:x:5", "A0 :100:5", "A0 A1:100:5,"] {
            assert_eq!(more(bent), None, "{bent}");
        }
    }
}
