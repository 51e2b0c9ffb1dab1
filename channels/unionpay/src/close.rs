//! There is no close interface (pack §2.3, T14): an unpaid order ends by its payTimeout, and late money goes back.

pub(crate) use sluice_kit::channel::absent::close;
