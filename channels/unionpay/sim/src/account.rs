//! What a client of this sandbox needs to know: ids, keys, certificates.

use crate::options::SignerKind;
use crate::party::{MER_ID, SUB_MERCHANT};
use crate::sim::UnionpaySim;
use serde_json::{Value, json};

impl UnionpaySim {
    pub(crate) fn credentials_json(&self, base_url: &str) -> Value {
        let base_url = base_url.trim_end_matches('/');
        let keys = &self.keys;
        let signer = keys.signer(SignerKind::Good);
        let (sub_mer_id, sub_mer_name, sub_mer_abbr) = SUB_MERCHANT;
        json!({
            "base_url": base_url,
            "file_base_url": base_url,
            "front_url": format!("{base_url}/gateway/api/frontTransReq.do"),
            "app_url": format!("{base_url}/gateway/api/appTransReq.do"),
            "back_url": format!("{base_url}/gateway/api/backTransReq.do"),
            "query_url": format!("{base_url}/gateway/api/queryTrans.do"),
            "file_url": format!("{base_url}/"),
            "version": "5.1.0",
            "encoding": "UTF-8",
            "mer_id": MER_ID,
            "access_type": if self.options.platform { "2" } else { "0" },
            "sub_merchants": [{"sub_mer_id": sub_mer_id, "sub_mer_name": sub_mer_name, "sub_mer_abbr": sub_mer_abbr}],
            "sign_method": self.options.sign_method,
            "cert_id": keys.merchant.cert_id,
            "private_key": keys.merchant.key.private_pem(),
            "private_key_base64": keys.merchant.key.private_base64(),
            "public_key": keys.merchant.key.public_pem(),
            "certificate": keys.merchant.pem,
            "pfx_base64": keys.pfx.as_ref().map(|(pfx, _)| pfx),
            "pfx_password": keys.pfx.as_ref().map(|(_, password)| password),
            "secure_key": keys.secure_key,
            "root_certificate": keys.root_pem,
            "middle_certificate": keys.middle_pem,
            "signer_certificate": signer.pem,
            "signer_public_key": signer.key.public_pem(),
            "signer_name": "中国银联股份有限公司",
            "encrypt_certificate": keys.encrypt.pem,
            "encrypt_cert_id": keys.encrypt.cert_id,
        })
    }

    /// A complete `[[account]]`. Every value is an id, a PEM or hex, so nothing in it needs escaping.
    pub(crate) fn account_table(&self, base_url: &str) -> String {
        let keys = &self.keys;
        let base_url = base_url.trim_end_matches('/');
        let signing = match self.options.sign_method {
            "01" => format!(
                "private_key = '''\n{}'''\ncertificate = '''\n{}'''\n",
                ended(&keys.merchant.key.private_pem()),
                ended(&keys.merchant.pem)
            ),
            _ => format!("secure_key = \"{}\"\n", keys.secure_key),
        };
        let access_type = if self.options.platform { "2" } else { "0" };
        format!(
            r#"[[account]]
id = "up-main"
channel = "unionpay"
base_url = "{base_url}"
sandbox = true
fee_rate = "0.006"
methods = ["unionpay_qr", "unionpay_barcode", "unionpay_web", "unionpay_wap", "unionpay_app", "unionpay_b2b"]

[account.credentials]
mer_id = "{MER_ID}"
sign_method = "{sign_method}"
access_type = "{access_type}"
file_base_url = "{base_url}"
{signing}root_certificate = '''
{root}'''
middle_certificate = '''
{middle}'''
encrypt_certificate = '''
{encrypt}'''
"#,
            sign_method = self.options.sign_method,
            root = ended(&keys.root_pem),
            middle = ended(&keys.middle_pem),
            encrypt = ended(&keys.encrypt.pem),
        )
    }
}

/// With one line feed at the end.
fn ended(pem: &str) -> String {
    format!("{}\n", pem.trim_end())
}
