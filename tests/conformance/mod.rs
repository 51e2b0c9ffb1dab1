//! Clients that other people wrote, and the adapter against its own pretend channel.
//!
//! The clients live in a folder that `tests/run conformance` installs and names in `SLUICE_CLIENTS`: `venv/` with wechatpayv3,
//! standardwebhooks and schemathesis, `node/` with wechatpay-axios-plugin and standardwebhooks.

mod clients;
mod kit;
mod pair;
