//! What an account costs, what it takes and when: the keys of `[[account]]` that the router reads.

use crate::domain::fee::{Tariff, share};
use crate::domain::route::Opening;
use sluice_contract::{Fen, Reader};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// `fee_rate`, `fee_min`, `fee_cap`, `fee_tiers`.
    pub fee: Option<Tariff>,
    /// The app ids it serves; empty: whatever its channel admits.
    pub app_ids: Vec<String>,
    /// Narrower than the channel's own, in fen.
    pub amount_min: Option<Fen>,
    pub amount_max: Option<Fen>,
    pub opening: Opening,
}

pub(super) fn read(table: &Reader<'_>) -> Terms {
    Terms { fee: fee(table), ..Terms::default() }
}

fn fee(table: &Reader<'_>) -> Option<Tariff> {
    let text = table.text("fee_rate")?;
    let rate = share(text);
    if rate.is_none() {
        table.problem("fee_rate", "must be a decimal in text from \"0\" to \"1\", such as \"0.006\" for 0.6 %");
    }
    Some(Tariff { rate: rate?, min: None, cap: None, tiers: Vec::new() })
}
