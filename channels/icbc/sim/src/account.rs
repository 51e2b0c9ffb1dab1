//! What a client of this sandbox needs to know: ids, keys, secrets.

use crate::keys::bare;
use crate::party::{APP_ID, ICBC_APPID, MER_ACCT, MER_ID, MER_PRTCL_NO, SHOP_APPID, STORE_CODE, SUB_MERCHANTS};
use crate::sim::IcbcSim;
use serde_json::{Value, json};

impl IcbcSim {
    pub(crate) fn credentials_json(&self, base_url: &str) -> Value {
        let subs: Vec<Value> = SUB_MERCHANTS
            .iter()
            .map(|(mer_id, protocol, store)| json!({"mer_id": mer_id, "mer_prtcl_no": protocol, "store_code": store}))
            .collect();
        let app = &self.keys.app;
        let (gateway_private, gateway_public) = (self.keys.gateway_private_pem(), self.keys.gateway_public_pem());
        json!({
            "base_url": base_url,
            "app_id": APP_ID,
            "mer_id": MER_ID,
            "store_code": STORE_CODE,
            "mer_prtcl_no": MER_PRTCL_NO,
            "mer_acct": MER_ACCT,
            "icbc_appid": ICBC_APPID,
            "shop_appid": SHOP_APPID,
            "sign_type": "RSA2",
            "private_key": app.private_pem(),
            "private_key_base64": app.private_base64(),
            "public_key": app.public_pem(),
            "public_key_base64": app.public_base64(),
            "gateway_public_key": gateway_public,
            "gateway_public_key_base64": bare(&gateway_public),
            "gateway_private_key": gateway_private,
            "gateway_private_key_base64": bare(&gateway_private),
            "encrypt_key": self.keys.aes_base64(),
            "sub_merchants": subs,
            // The real bank takes 80 and 443 only (pack §6.6).
            "mer_url_ports": "80, 443; on loopback any",
        })
    }

    /// A complete `[[account]]`. Every value is an id, a PEM or base64, so nothing in it needs escaping.
    pub(crate) fn account_table(&self, base_url: &str) -> String {
        let family = if self.options.family_b { "B" } else { "A" };
        let encrypt = if self.options.encrypted { format!("encrypt_key = \"{}\"\n", self.keys.aes_base64()) } else { String::new() };
        format!(
            r#"[[account]]
id = "icbc-main"
channel = "icbc"
base_url = "{base_url}"
sandbox = true
fee_rate = "0.006"
methods = ["icbc_qr", "icbc_barcode", "icbc_h5", "icbc_app"]

[account.credentials]
app_id = "{APP_ID}"
mer_id = "{MER_ID}"
sign_type = "RSA2"
qr_family = "{family}"
store_code = "{STORE_CODE}"
mer_prtcl_no = "{MER_PRTCL_NO}"
mer_acct = "{MER_ACCT}"
icbc_appid = "{ICBC_APPID}"
shop_appid = "{SHOP_APPID}"
{encrypt}gateway_public_key = "{gateway}"
private_key = '''
{private_key}
'''
"#,
            gateway = bare(&self.keys.gateway_public_pem()),
            private_key = self.keys.app.private_pem().trim_end(),
        )
    }
}
