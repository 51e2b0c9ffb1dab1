//! What a client of this sandbox needs to know: ids, keys, secrets.

use crate::party::{APP_ID, MERCHANTS, PID};
use crate::sim::AlipaySim;
use serde_json::{Value, json};

impl AlipaySim {
    pub(crate) fn remember(&self, base_url: &str) {
        if let Ok(mut told) = self.base_url.lock() {
            base_url.clone_into(&mut told);
        }
    }

    pub(crate) fn credentials_json(&self, base_url: &str) -> Value {
        let keys = &self.keys;
        let merchant = |(app, pid): (&str, &str)| {
            let grant = self.grants.by_app.get(app);
            json!({
                "auth_app_id": app, "seller_id": pid, "app_auth_token": grant.map(|g| g.token.as_str()),
                "app_refresh_token": grant.map(|g| g.refresh.as_str()),
            })
        };
        let mut out = json!({
            "base_url": base_url,
            "gateway": format!("{}/gateway.do", base_url.trim_end_matches('/')),
            "app_id": APP_ID,
            "pid": PID,
            "seller_id": PID,
            "key_mode": if keys.certificates.is_some() { "certificate" } else { "key" },
            "private_key": keys.app.private_pem(),
            "private_key_base64": keys.app.private_base64(),
            "app_public_key": keys.app.public_pem(),
            "app_public_key_base64": keys.app.public_base64(),
            "alipay_private_key": keys.alipay.private_pem(),
            "alipay_private_key_base64": keys.alipay.private_base64(),
            "alipay_public_key": keys.alipay.public_pem(),
            "alipay_public_key_base64": keys.alipay.public_base64(),
            "encrypt_key": keys.encrypt_key,
            "oauth_base_url": base_url,
            "authorize_base_url": base_url,
            "provider": {"app_id": APP_ID, "sys_service_provider_id": PID, "merchants": MERCHANTS.map(merchant)},
        });
        if let (Some(certificates), Some(members)) = (&keys.certificates, out.as_object_mut()) {
            let current = certificates.current();
            for (name, value) in [
                ("app_certificate", Some(&certificates.app.pem)),
                ("app_cert_sn", Some(&certificates.app.sn)),
                ("alipay_certificate", current.map(|c| &c.pem)),
                ("alipay_cert_sn", current.map(|c| &c.sn)),
                ("alipay_root_certificate", Some(&certificates.root_file)),
                ("alipay_root_cert_sn", Some(&certificates.root_sn)),
            ] {
                members.insert(name.to_owned(), json!(value));
            }
        }
        out
    }

    /// A complete `[[account]]`. Every value is an id, a PEM, base64 or hex, so nothing in it needs escaping.
    pub(crate) fn account_table(&self, base_url: &str) -> String {
        let keys = &self.keys;
        let block = |name: &str, pem: &str| format!("{name} = '''\n{}\n'''\n", pem.trim_end());
        let trust = match &keys.certificates {
            None => block("alipay_public_key", &keys.alipay.public_pem()),
            Some(certificates) => [
                block("app_certificate", &certificates.app.pem),
                block("alipay_certificate", certificates.current().map_or("", |c| c.pem.as_str())),
                block("alipay_root_certificate", &certificates.root_file),
            ]
            .concat(),
        };
        let mode = if self.options.provider { format!("provider\"\nsys_service_provider_id = \"{PID}") } else { "direct".to_owned() };
        let encrypt = if self.options.encrypt { format!("encrypt_key = \"{}\"\n", keys.encrypt_key) } else { String::new() };
        format!(
            r#"[[account]]
id = "ali-main"
channel = "alipay"
base_url = "{base_url}"
sandbox = true
fee_rate = "0.006"
methods = ["alipay_qr", "alipay_barcode", "alipay_jsapi", "alipay_wap", "alipay_page", "alipay_app"]

[account.credentials]
app_id = "{APP_ID}"
pid = "{PID}"
mode = "{mode}"
oauth_base_url = "{base_url}"
authorize_base_url = "{base_url}"
{encrypt}{private_key}{trust}"#,
            private_key = block("private_key", &keys.app.private_pem()),
        )
    }
}
