//! Bills: no API for them is in the pack, so the profile has none and reconciliation reads nothing from here.

pub(crate) use sluice_kit::channel::absent::statement;
