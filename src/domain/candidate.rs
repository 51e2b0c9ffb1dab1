//! An account that may take an order: chosen by the router, admitted by its channel, with what it asks of the limits.

use super::choice::Choice;
use super::fee::Tariff;
use super::limit::{Ask, NotChecked, PassedOver};
use super::route::Decision;
use sluice_contract::{Method, Millis, Notes};
use std::sync::Arc;

/// An account the router chose and the channel admitted, ready to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub account: String,
    pub channel: String,
    pub method: Method,
    /// Where the payer chose the method on our page: what the attempt has of its own.
    pub choice: Option<Choice>,
    pub app_id: Option<String>,
    pub sub: Notes,
    pub memo: Notes,
    pub fee: Option<Tariff>,
    /// The decision it comes from; the same one for all candidates of an order.
    pub route: Arc<Decision>,
    /// What it asks of the limits.
    pub asks: Vec<Ask>,
    pub not_checked: Vec<NotChecked>,
    /// Who stood before it and was passed over by limits when the order was stored.
    pub passed: Vec<PassedOver>,
    /// When to query the attempt if nothing more is heard of it.
    pub next_at: Millis,
}
