//! A guard in one line: what must hold, and what is answered otherwise. A reader leaves by `?`.

/// # Errors
/// `otherwise`, when it does not hold.
pub fn ensure<E>(holds: bool, otherwise: impl FnOnce() -> E) -> Result<(), E> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[cfg(test)]
mod tests {
    use super::ensure;

    #[test]
    fn only_what_does_not_hold_is_told() {
        assert_eq!((ensure(true, || "no"), ensure(false, || "no")), (Ok(()), Err("no")));
    }
}
