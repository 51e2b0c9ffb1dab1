//! What a client of this sandbox needs to know: ids, keys, secrets.

use crate::party::{APP_ID, APPS, MCHID, MINI_APP_ID, MOBILE_APP_ID, SUB_MERCHANTS};
use crate::sim::WechatSim;
use serde_json::{Value, json};

impl WechatSim {
    pub(crate) fn remember(&self, base_url: &str) {
        if let Ok(mut told) = self.base_url.lock() {
            base_url.clone_into(&mut told);
        }
    }

    pub(crate) fn credentials_json(&self, base_url: &str) -> Value {
        let certificates: Vec<Value> =
            self.keys.listed().iter().map(|c| json!({"serial_no": c.signer.serial, "certificate": c.pem})).collect();
        let current = self.keys.certificates.last();
        let subs: Vec<Value> =
            SUB_MERCHANTS.iter().map(|(sub_mchid, sub_appid)| json!({"sub_mchid": sub_mchid, "sub_appid": sub_appid})).collect();
        json!({
            "base_url": base_url,
            "mchid": MCHID,
            "app_id": APP_ID,
            "app_ids": APPS,
            "mini_app_id": MINI_APP_ID,
            "mobile_app_id": MOBILE_APP_ID,
            "serial_no": self.keys.merchant_serial,
            "private_key": self.keys.merchant_key_pem,
            "client_certificate": self.keys.merchant_certificate_pem,
            "api_v3_key": self.keys.api_v3_key,
            "api_v2_key": self.keys.api_v2_key,
            "public_key_id": self.keys.public.serial,
            "public_key": self.keys.public_pem,
            "platform_serial_no": current.map(|c| c.signer.serial.as_str()),
            "platform_certificate": current.map(|c| c.pem.as_str()),
            "platform_certificates": certificates,
            "oauth_base_url": base_url,
            "oauth_secret": self.secret_of(APP_ID),
            "oauth_secrets": self.oauth.secrets.iter().map(|(app, secret)| (app.clone(), json!(secret))).collect::<serde_json::Map<_, _>>(),
            "partner": {"sp_mchid": MCHID, "sp_appid": APP_ID, "sub_merchants": subs},
        })
    }

    /// A complete `[[account]]`. Every value is an id, a PEM or hex, so nothing in it needs escaping.
    pub(crate) fn account_table(&self, base_url: &str) -> String {
        let certificates: String = self.keys.listed().iter().map(|c| format!("'''\n{}''',\n", ended(&c.pem))).collect();
        let mode = if self.options.partner { "partner" } else { "direct" };
        let barcode_api = if self.options.barcode_v2 { "v2" } else { "v3" };
        let apps = APPS.map(|app| format!("\"{app}\"")).join(", ");
        format!(
            r#"[[account]]
id = "wx-main"
channel = "wechat"
base_url = "{base_url}"
sandbox = true
fee_rate = "0.006"
methods = ["wechat_native", "wechat_jsapi", "wechat_mini", "wechat_app", "wechat_h5", "wechat_barcode"]

[account.credentials]
mchid = "{MCHID}"
app_id = "{APP_ID}"
app_ids = [{apps}]
mode = "{mode}"
barcode_api = "{barcode_api}"
serial_no = "{serial_no}"
api_v3_key = "{api_v3_key}"
api_v2_key = "{api_v2_key}"
public_key_id = "{public_key_id}"
oauth_secret = "{oauth_secret}"
oauth_base_url = "{base_url}"
private_key = '''
{private_key}'''
client_certificate = '''
{client_certificate}'''
public_key = '''
{public_key}'''
platform_certificates = [
{certificates}]
"#,
            serial_no = self.keys.merchant_serial,
            api_v3_key = self.keys.api_v3_key,
            api_v2_key = self.keys.api_v2_key,
            public_key_id = self.keys.public.serial,
            oauth_secret = self.secret_of(APP_ID),
            private_key = ended(&self.keys.merchant_key_pem),
            client_certificate = ended(&self.keys.merchant_certificate_pem),
            public_key = ended(&self.keys.public_pem),
        )
    }

    fn secret_of(&self, appid: &str) -> &str {
        self.oauth.secrets.iter().find(|(app, _)| app == appid).map_or("", |(_, secret)| secret)
    }
}

/// With one line feed at the end.
fn ended(pem: &str) -> String {
    format!("{}\n", pem.trim_end())
}
