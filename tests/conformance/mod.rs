//! Clients that other people wrote, and the adapter against its own pretend channel.
//!
//! The clients live in a folder that `tests/run conformance` installs and names in `SLUICE_CLIENTS`: `venv/` with wechatpayv3,
//! python-alipay-sdk, gmssl, cryptography, standardwebhooks and schemathesis, `node/` with wechatpay-axios-plugin, alipay-sdk and
//! standardwebhooks. Where nobody offers a client that can be pointed at a sandbox, the script is one, and shares no code with
//! adapter or simulator: `unionpay.py` (cryptography), `icbc.py` (the openssl program), `cmb.py` (gmssl).

mod casts;
mod clients;
mod kit;
mod pair;
mod reorder;
