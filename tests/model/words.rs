//! The words in which the machine and the reference speak of what happens.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    Close,
    Reverse,
    Expiry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    Close,
    Reverse,
}

/// What the channel says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Said {
    Paid,
    PaidOtherAmount,
    Waiting,
    Closed,
    Reversed,
    FailedByAccount,
    FailedByPayer,
    NotFound { is_final: bool },
    Unknown,
    Declined,
}

/// What the channel says of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Back {
    Succeeded,
    Accepted,
    Failed,
    NoBalance,
    NotFound,
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Undone {
    Done,
    NotFound { is_final: bool },
    Paid,
    Refused,
    Busy,
}
