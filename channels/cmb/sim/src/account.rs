//! What a client of this sandbox needs to know: ids, keys, secrets.

use crate::bill::{COLUMNS, WORDS};
use crate::sim::CmbSim;
use serde_json::{Value, json};

pub const MER_ID: &str = "3089991701207X7";
/// The cashier of the sandbox's account.
pub const USER_ID: &str = "N003109945";
/// The one cashier that does not exist: `USERID_CHECK_FAILED`.
pub const UNKNOWN_USER: &str = "N000000000";
pub const TERM_ID: &str = "00000001";
/// The sub-merchants a service provider may name.
pub const SUB_MERCHANTS: [&str; 2] = ["308999170120S01", "308999170120S02"];

impl CmbSim {
    pub(crate) fn remember(&self, base_url: &str) {
        if let Ok(mut told) = self.base_url.lock() {
            base_url.clone_into(&mut told);
        }
    }

    pub(crate) fn credentials_json(&self, base_url: &str) -> Value {
        let (merchant, bank) = (&self.keys.merchant, &self.keys.bank);
        json!({
            "base_url": base_url,
            "prefix": "/polypay/v1.0",
            "app_id": self.keys.app_id,
            "app_secret": self.keys.app_secret,
            "mer_id": MER_ID,
            "user_id": USER_ID,
            "term_id": TERM_ID,
            "sub_mer_ids": SUB_MERCHANTS,
            "sm2_signer_id": "1234567812345678",
            // Of the merchant; the bank's public key is `public_key`.
            "private_key": merchant.private_hex(),
            "private_key_pem": merchant.private_pem(),
            "merchant_public_key": merchant.public_base64(),
            "merchant_public_key_pem": merchant.public_pem(),
            "public_key": bank.public_base64(),
            "public_key_pem": bank.public_pem(),
            "bank_private_key": bank.private_hex(),
            "bank_private_key_pem": bank.private_pem(),
            "statement_columns": COLUMNS.iter().chain(&WORDS).map(|(field, column)| ((*field).to_owned(), json!(column))).collect::<serde_json::Map<_, _>>(),
        })
    }

    /// A complete `[[account]]`. Every value is an id, base64, hex or a column's name, so nothing in it needs escaping.
    pub(crate) fn account_table(&self, base_url: &str) -> String {
        let columns: String = COLUMNS.iter().chain(&WORDS).map(|(field, column)| format!("{field} = \"{column}\"\n")).collect();
        let mode = if self.options.provider { "mode = \"provider\"\n" } else { "" };
        format!(
            r#"[[account]]
id = "cmb-main"
channel = "cmb"
base_url = "{base_url}"
sandbox = true
fee_rate = "0.006"
methods = ["cmb_qr", "cmb_barcode"]

[account.credentials]
{mode}app_id = "{app_id}"
app_secret = "{app_secret}"
mer_id = "{MER_ID}"
user_id = "{USER_ID}"
term_id = "{TERM_ID}"
encrypt_terminal = true
private_key = "{private_key}"
public_key = "{public_key}"

[account.credentials.statement_columns]
{columns}"#,
            app_id = self.keys.app_id,
            app_secret = self.keys.app_secret,
            private_key = self.keys.merchant.private_hex(),
            public_key = self.keys.bank.public_base64(),
        )
    }
}
