//! The transition tables. A status is private to its row and moves only through these: an edge that is not listed cannot be stored.

use serde::{Deserialize, Serialize};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? } edges { $($from:ident => $to:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The only edges that are ever stored.
            pub const EDGES: &'static [($name, $name)] = &[$(($name::$from, $name::$to)),*];

            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
            #[must_use]
            pub fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)+ _ => None }
            }
            #[must_use]
            pub fn may_become(self, to: $name) -> bool {
                Self::EDGES.contains(&(self, to))
            }
            /// No edge leads away.
            #[must_use]
            pub fn is_end(self) -> bool {
                !Self::EDGES.iter().any(|(from, _)| *from == self)
            }
        }
    };
}

states! {
    /// An order. The last four are final: late or duplicate money never reopens one.
    OrderStatus { Pending = "pending", Paid = "paid", Failed = "failed", Closed = "closed", Reversed = "reversed" }
    edges { Pending => Paid, Pending => Failed, Pending => Closed, Pending => Reversed }
}

states! {
    /// One try of an order at one account. Late success has its own edges: money that came is always booked.
    AttemptStatus {
        Sending = "sending", AwaitingPayer = "awaiting_payer", Unknown = "unknown", Succeeded = "succeeded", Failed = "failed",
        Closed = "closed", Reversed = "reversed", Abandoned = "abandoned",
    }
    edges {
        Sending => AwaitingPayer, Sending => Unknown, Sending => Succeeded, Sending => Failed, Sending => Closed,
        Sending => Reversed, Sending => Abandoned,
        AwaitingPayer => Unknown, AwaitingPayer => Succeeded, AwaitingPayer => Failed, AwaitingPayer => Closed,
        AwaitingPayer => Reversed, AwaitingPayer => Abandoned,
        Unknown => AwaitingPayer, Unknown => Succeeded, Unknown => Failed, Unknown => Closed, Unknown => Reversed,
        Unknown => Abandoned,
        Closed => Succeeded, Failed => Succeeded, Reversed => Succeeded, Abandoned => Succeeded,
        Abandoned => Closed,
    }
}

impl AttemptStatus {
    /// Money may still be taken by the ordinary way: somebody owns finding out.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, AttemptStatus::Sending | AttemptStatus::AwaitingPayer | AttemptStatus::Unknown)
    }
}

states! {
    RefundStatus { Pending = "pending", Succeeded = "succeeded", Failed = "failed" }
    edges { Pending => Succeeded, Pending => Failed }
}

states! {
    /// What a pending refund waits for.
    PendingReason {
        Queued = "queued", Processing = "processing", MerchantBalance = "merchant_balance", PayeeAccount = "payee_account", Unknown = "unknown",
    }
    edges {}
}

#[cfg(test)]
mod tests {
    use super::{AttemptStatus, OrderStatus, RefundStatus};

    #[test]
    fn ends_stay_ends() {
        let ends: Vec<_> = OrderStatus::ALL.iter().filter(|s| s.is_end()).collect();
        assert_eq!(ends, [&OrderStatus::Paid, &OrderStatus::Failed, &OrderStatus::Closed, &OrderStatus::Reversed]);
        assert!(AttemptStatus::Succeeded.is_end());
        assert!(RefundStatus::Succeeded.is_end() && RefundStatus::Failed.is_end());
    }

    #[test]
    fn every_attempt_but_the_won_one_can_still_turn_out_paid() {
        for status in AttemptStatus::ALL.iter().filter(|s| **s != AttemptStatus::Succeeded) {
            assert!(status.may_become(AttemptStatus::Succeeded), "{status:?}");
        }
    }

    #[test]
    fn nothing_goes_back_to_sending_and_nothing_becomes_itself() {
        assert!(AttemptStatus::EDGES.iter().all(|(from, to)| *to != AttemptStatus::Sending && from != to));
    }
}
