//! What may change while an account is open: keys, tokens, certificates. A holder that panicked spoils nothing: every write is one step.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A value that many read and few change. It is never printed: it may be a secret.
#[derive(Default)]
pub struct Held<T>(RwLock<T>);

impl<T> Held<T> {
    pub const fn new(value: T) -> Held<T> {
        Held(RwLock::new(value))
    }

    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Held;

    #[test]
    fn what_is_written_is_read_even_after_a_panic() {
        let held = Held::new(vec![1]);
        held.write().push(2);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = held.write();
            std::panic::resume_unwind(Box::new("a thread ends"));
        }));
        assert!(panicked.is_err());
        assert_eq!(*held.read(), [1, 2]);
    }
}
