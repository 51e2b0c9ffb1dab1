//! v2's shared-key signature (pack §10).

use aws_lc_rs::hmac;
use md5::{Digest, Md5};
use std::collections::BTreeMap;

/// How a request is signed; its answer is signed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    /// MD5 unless the request says otherwise; `None` for a word that is neither.
    pub(crate) fn of(members: &BTreeMap<String, String>) -> Option<SignType> {
        match members.get("sign_type").map(String::as_str) {
            None | Some("" | "MD5") => Some(SignType::Md5),
            Some("HMAC-SHA256") => Some(SignType::HmacSha256),
            Some(_) => None,
        }
    }
}

/// Upper hex over every member that is not empty and not `sign`, by name.
pub(crate) fn sign(members: &BTreeMap<String, String>, key: &str, kind: SignType) -> String {
    let mut text = String::new();
    for (name, value) in members.iter().filter(|(name, value)| name.as_str() != "sign" && !value.is_empty()) {
        text.push_str(&format!("{name}={value}&"));
    }
    text.push_str(&format!("key={key}"));
    match kind {
        SignType::Md5 => hex::encode_upper(Md5::digest(text.as_bytes())),
        SignType::HmacSha256 => hex::encode_upper(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes()).as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::{SignType, sign};
    use std::collections::BTreeMap;

    fn members(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    const KEY: &str = "192006250b4c09247ec02edce69f6a2d";

    /// Vectors `doc-md5` and `doc-hmac-sha256`.
    #[test]
    fn the_documents_own_examples() {
        let doc = members(&[
            ("appid", "wxd930ea5d5a258f4f"),
            ("body", "test"),
            ("device_info", "1000"),
            ("mch_id", "10000100"),
            ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ]);
        assert_eq!(sign(&doc, KEY, SignType::Md5), "9A0A8659F005D6984697E2CA0A9CF3B7");
        let hmac = "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6";
        assert_eq!(sign(&doc, KEY, SignType::HmacSha256), hmac);
    }

    /// Vector `micropay-utf8-empty-param`.
    #[test]
    fn empty_values_are_left_out_and_chinese_is_raw() {
        let pay = members(&[
            ("appid", "wx2421b1c4370ec43b"),
            ("mch_id", "10000100"),
            ("sub_mch_id", "10000109"),
            ("nonce_str", "8aaee146b1dee7cec9100add9b96cbe2"),
            ("body", "付款码支付测试"),
            ("out_trade_no", "1415757673"),
            ("total_fee", "1"),
            ("spbill_create_ip", "14.17.22.52"),
            ("auth_code", "134567890123456789"),
            ("attach", ""),
            ("sign_type", "HMAC-SHA256"),
        ]);
        assert_eq!(SignType::of(&pay), Some(SignType::HmacSha256));
        let signed = sign(&pay, KEY, SignType::HmacSha256);
        assert_eq!(signed, "71E3C421F4F4C70175288B26690392EC4AF5180F3887403A37B537CBC0DC4BFD");
    }
}
