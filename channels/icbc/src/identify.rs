//! Silent authorisation: the pack knows none. Payers of WeChat and Alipay that ICBC carries are identified by those channels.

pub(crate) use sluice_kit::channel::absent::{authorize, identify};
