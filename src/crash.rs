//! Crash points: named places between a commit and a side effect at which a test can end the process. Compiled only with the feature
//! `crash-points`; without it [`point`] is nothing.

/// Every point, in the order an order passes them. The crash tests hit each one.
pub const POINTS: &[&str] = &[
    "placed.before_pay",
    "chosen.before_pay",
    "paid_call.before_commit",
    "taken.before_answer",
    "callback.before_commit",
    "callback.before_ack",
    "undo.before_send",
    "undone.before_commit",
    "refund.before_send",
    "refunded.before_commit",
    "query.before_commit",
    "notice.before_send",
    "delivered.before_commit",
];

#[cfg(feature = "crash-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The point and how many passes it takes.
    static ARMED: OnceLock<(String, AtomicU32)> = OnceLock::new();

    /// `NAME` or `NAME:3` (the third pass).
    pub fn arm(spec: &str) {
        let (name, passes) = spec.split_once(':').unwrap_or((spec, "1"));
        let _ = ARMED.set((name.to_owned(), AtomicU32::new(passes.parse().unwrap_or(1))));
    }

    pub fn point(name: &'static str) {
        if let Some((armed, left)) = ARMED.get()
            && armed == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            // As kill -9 does: no destructor, no flush.
            std::process::abort();
        }
    }
}

#[cfg(feature = "crash-points")]
pub use armed::{arm, point};

/// Nothing, without the feature.
#[cfg(not(feature = "crash-points"))]
pub const fn point(_name: &'static str) {}
