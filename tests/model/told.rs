//! What the channel says, in the model's words, as the commands carry it.

use super::words::{Back, Said, Undone};
use serde_json::Value;
use sluice::domain::life::Undo;
use sluice::domain::pay::{PayTold, Source};
use sluice::domain::refund::RefundTold;
use sluice::domain::undo::UndoTold;
use sluice_contract::{
    Action, Failure, FailureCode, Fault, Fen, Millis, Notes, Pay, Payment, Refund as RealRefund, Refunded, Stuck, Undone as RealUndone,
    Why, WhyKind,
};

/// What the orders of `world::draft` cost.
pub const AMOUNT: i64 = 10_000;

pub fn failure(fault: Fault) -> Failure {
    Failure { code: FailureCode::ChannelRefused, fault, message: "no".into(), channel_code: None }
}

/// An answer about a payment that was asked for, and comes, at this time.
pub fn pay_told(attempt_seq: u32, said: Said, source: Source, at: Millis) -> PayTold {
    let declined = Why { declined: Some(failure(Fault::Payer)), ..Why::new(WhyKind::Declined, "declined") };
    PayTold {
        attempt_seq,
        said: match said {
            Said::Paid => Pay::Paid(Payment::of(Fen(AMOUNT))),
            Said::PaidOtherAmount => Pay::Paid(Payment::of(Fen(AMOUNT - 1))),
            Said::Waiting => Pay::Waiting(Action::None, Notes::new()),
            Said::Closed => Pay::Closed,
            Said::Reversed => Pay::Reversed,
            Said::FailedByAccount => Pay::Failed(failure(Fault::Account)),
            Said::FailedByPayer => Pay::Failed(failure(Fault::Payer)),
            Said::NotFound { .. } => Pay::NotFound,
            Said::Unknown => Pay::Unknown(Why::new(WhyKind::NoAnswer, "no answer")),
            Said::Declined => Pay::Unknown(declined),
        },
        source,
        asked_at: at,
        at,
        next_at: at.plus_s(5),
        undo_at: at,
        not_found_final: said == Said::NotFound { is_final: true },
        payable_until: at,
        payer_sealed: None,
        action_expires_at: None,
        fallback: Vec::new(),
        refund_gap_ms: 0,
        counters: Vec::new(),
        inner: Value::Null,
    }
}

pub fn undo_told(attempt_seq: u32, verb: Undo, said: Undone, at: Millis) -> UndoTold {
    let real = match said {
        Undone::Done if verb == Undo::Close => RealUndone::Closed,
        Undone::Done => RealUndone::Returned,
        Undone::NotFound { .. } => RealUndone::NotFound,
        Undone::Paid => RealUndone::Paid,
        Undone::Refused => RealUndone::Refused(failure(Fault::Request)),
        Undone::Busy => RealUndone::Busy,
    };
    let not_found_final = said == Undone::NotFound { is_final: true };
    UndoTold {
        attempt_seq,
        verb,
        said: real,
        at,
        next_at: at.plus_s(5),
        not_found_final,
        fallback: Vec::new(),
        counters: Vec::new(),
        inner: Value::Null,
    }
}

pub fn refund_told(refund_seq: u32, said: Back, queried: bool, at: Millis) -> RefundTold {
    let said = match said {
        Back::Succeeded => RealRefund::Succeeded(Refunded::default()),
        Back::Accepted => RealRefund::Accepted(Notes::new()),
        Back::Failed => RealRefund::Failed(failure(Fault::Request)),
        Back::NoBalance => RealRefund::Stuck(Stuck::MerchantBalance, "no balance".into(), Notes::new()),
        Back::NotFound => RealRefund::NotFound,
        Back::Unknown => RealRefund::Unknown(Why::new(WhyKind::NoAnswer, "no answer")),
    };
    RefundTold { refund_seq, said, at, next_at: at.plus_s(60), queried, counters: Vec::new(), inner: Value::Null }
}
