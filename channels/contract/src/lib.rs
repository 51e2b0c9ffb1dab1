//! The vocabulary every channel and the gateway share, and the shape of a channel.
//!
//! A channel is **sans-IO**: it turns a question into bytes and bytes into an answer. Nothing in this crate, and
//! nothing in a channel, opens a socket, reads a clock, draws a random number, spawns or touches a store.
//!
//! Reading order: [`money`], [`time`] and [`method`] are the nouns; [`wire`] is what travels; [`verbs`] is what a
//! channel may answer; [`channel`] is the one trait; [`profile`] says as data what a channel can do; [`fields`] reads
//! foreign trees (JSON, TOML) field by field and collects every problem.
//!
//! **Invariant by absence:** no verb has a default implementation, and no answer has a default value. A channel that
//! cannot do a thing says so in its profile and answers `Step::Refused`.

pub mod channel;
pub mod fields;
pub mod method;
pub mod money;
pub mod profile;
pub mod time;
pub mod verbs;
pub mod wire;

pub use channel::{AccountConfig, AttemptRef, Channel, Env, Notes, PayOrder, Payer, RefundRef, Store, Terminal, Visitor};
pub use fields::{Problem, Reader};
pub use method::{Method, Wallet};
pub use money::Fen;
pub use profile::{
    CallbackIs, ListedBy, MethodProfile, NotFoundFrom, NumberRule, Profile, RefundRule, ReverseRule, StatementRule, SubField,
};
pub use time::{Day, Millis, Second};
pub use verbs::{
    Ack, Action, BillFate, BillKind, BillRow, Callback, Claims, Discount, DiscountKind, Failure, FailureCode, Fault, FundedBy, Handles,
    KeyHint, KeyItem, KeyUpdate, Pay, Payment, Person, Reading, Refund, Refunded, Refusal, RefusalKind, Rejected, Renewed, Says, Statement,
    Step, Stuck, Undone, Why, WhyKind,
};
pub use wire::{Body, Exchange, Headers, HttpReply, HttpRequest, Identity, Into, RawCallback, Verb};
