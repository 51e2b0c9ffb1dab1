//! Silent authorisation is not part of this gateway (pack §3.2): a browser can fetch a userAuthCode, but only an acquirer's
//! interface turns it into a user.

pub(crate) use sluice_kit::channel::absent::{authorize, identify};
