//! Merchant-presented QR codes: EMVCo text (TLV with a CRC) and the hosts of UnionPay, WeChat and Alipay.
//!
//! Lengths of EMVCo fields count characters, its CRC covers UTF-8 bytes. Hosts are compared whole: `qr.95516.com.evil.example` is
//! nobody's.

use sluice_contract::Fen;

/// What a merchant's code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// EMVCo text: any wallet of the networks it names.
    Emv(Emv),
    /// `https://qr.95516.com/<issuer>/…`: any wallet of the UnionPay network.
    Unionpay {
        /// Eight digits: 03080000 is CMB, 01020001 is ICBC.
        issuer: String,
    },
    /// Opened by WeChat.
    Wechat,
    /// Opened by Alipay.
    Alipay,
}

/// A field: its two-digit id and its value.
pub type Field = (String, String);

/// An EMVCo merchant-presented code whose CRC holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emv {
    pub fields: Vec<Field>,
}

/// Why a text is no merchant's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its fields do not fit its length, or an id is no number.
    Format,
    /// The checksum is missing or wrong.
    Crc,
    /// No known scheme or host.
    Unknown,
}

impl Emv {
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == id).map(|(_, value)| value.as_str())
    }

    /// Tag 01: `12` is made for one order.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.get("01") == Some("12")
    }

    /// Tags 15 and 16: a UnionPay merchant account.
    #[must_use]
    pub fn is_unionpay(&self) -> bool {
        self.get("15").or_else(|| self.get("16")).is_some()
    }

    /// Tag 54, yuan text, as fen.
    #[must_use]
    pub fn amount(&self) -> Option<Fen> {
        self.get("54").and_then(Fen::from_yuan)
    }

    /// Tag 59.
    #[must_use]
    pub fn merchant(&self) -> Option<&str> {
        self.get("59")
    }
}

/// Whether a text begins like a merchant's code: enough to tell a cashier that the wrong thing was scanned.
#[must_use]
pub fn looks_presented(text: &str) -> bool {
    ["http://", "https://", "wxp://", "weixin://", "alipays://", "000201"].iter().any(|start| text.starts_with(start))
}

/// What a merchant's code is.
///
/// # Errors
/// Why it is none.
pub fn recognise(text: &str) -> Result<Presented, Fault> {
    let text = text.trim();
    if text.starts_with("0002") {
        return emv(text).map(Presented::Emv);
    }
    if text.starts_with("wxp://") || text.starts_with("weixin://wxpay/") {
        return Ok(Presented::Wechat);
    }
    let rest = text.strip_prefix("https://").ok_or(Fault::Unknown)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match host {
        "qr.95516.com" => {
            let issuer = path.split(['/', '?']).next().unwrap_or_default();
            let is_issuer = issuer.len() == 8 && issuer.bytes().all(|b| b.is_ascii_digit());
            if is_issuer { Ok(Presented::Unionpay { issuer: issuer.to_owned() }) } else { Err(Fault::Format) }
        }
        "qr.alipay.com" => Ok(Presented::Alipay),
        _ => Err(Fault::Unknown),
    }
}

/// Reads EMVCo text whole; its checksum must be the last field and hold.
fn emv(text: &str) -> Result<Emv, Fault> {
    let fields = fields(text)?;
    let (last, sum) = fields.last().ok_or(Fault::Format)?;
    let covered = text.len().checked_sub(4).filter(|_| last == "63" && sum.len() == 4).ok_or(Fault::Crc)?;
    let bytes = text.as_bytes().get(..covered).ok_or(Fault::Crc)?;
    if format!("{:04X}", crc(bytes)) == *sum { Ok(Emv { fields }) } else { Err(Fault::Crc) }
}

/// The top-level fields, without judging the checksum.
///
/// # Errors
/// `Format`.
pub fn fields(text: &str) -> Result<Vec<Field>, Fault> {
    let mut rest = text.chars();
    let mut fields = Vec::new();
    loop {
        let id: String = rest.by_ref().take(2).collect();
        if id.is_empty() {
            return Ok(fields);
        }
        let length: String = rest.by_ref().take(2).collect();
        let is_number = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        let length: usize = length.parse().ok().filter(|_| is_number(&id) && is_number(&length)).ok_or(Fault::Format)?;
        let value: String = rest.by_ref().take(length).collect();
        if value.chars().count() != length {
            return Err(Fault::Format);
        }
        fields.push((id, value));
    }
}

/// CRC-16/CCITT-FALSE: polynomial 1021, begins with FFFF, nothing reflected.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

    use super::{Fault, Presented, crc, fields, recognise};
    use proptest::prelude::*;
    use serde_json::Value;
    use sluice_contract::Fen;

    fn cases(text: &str, list: &str) -> Vec<Value> {
        let file: Value = serde_json::from_str(text).unwrap();
        let cases = file[list].as_array().unwrap().clone();
        assert!(cases.len() >= 6);
        cases
    }

    #[test]
    fn every_vector_of_the_bank_pack_is_recognised_or_refused() {
        for case in cases(include_str!("../vectors/qr_payload.json"), "cases") {
            let (payload, id) = (case["payload"].as_str().unwrap(), &case["id"]);
            match recognise(payload) {
                Ok(Presented::Emv(emv)) => {
                    assert_eq!(case["kind"], "EMV_MPM", "{id}");
                    assert_eq!(emv.get("01"), case["point_of_initiation"].as_str(), "{id}");
                    assert_eq!(emv.get("63"), case["crc"].as_str().or(emv.get("63")), "{id}");
                    assert_eq!(emv.is_unionpay(), case["has_unionpay_tag"].as_bool().unwrap_or(false), "{id}");
                }
                Ok(Presented::Unionpay { issuer }) => assert_eq!(Some(issuer.as_str()), case["issuer"].as_str(), "{id}"),
                Ok(other) => panic!("{id} is not {other:?}"),
                Err(fault) => {
                    let word = match fault {
                        Fault::Format => "QR_FORMAT",
                        Fault::Crc => "QR_CRC",
                        Fault::Unknown => "QR_UNKNOWN",
                    };
                    assert_eq!(Some(word), case["error"].as_str(), "{id}");
                }
            }
        }
    }

    #[test]
    fn every_vector_of_the_unionpay_pack_has_its_fields_and_its_checksum() {
        for case in cases(include_str!("../vectors/emvco_mpm.json"), "vectors") {
            let payload = case["payload"].as_str().unwrap();
            let expected: Vec<(String, String)> = serde_json::from_value(case["top_level"].clone()).unwrap();
            assert_eq!(fields(payload).unwrap(), expected, "{}", case["id"]);
            let covered = &payload.as_bytes()[..payload.len() - 4];
            assert_eq!(Some(format!("{:04X}", crc(covered)).as_str()), case["crc_computed"].as_str(), "{}", case["id"]);
            assert_eq!(recognise(payload).is_ok(), case["crc_ok"].as_bool().unwrap(), "{}", case["id"]);
        }
    }

    #[test]
    fn a_dynamic_code_tells_its_amount_in_fen() {
        let cases = cases(include_str!("../vectors/emvco_mpm.json"), "vectors");
        let dynamic = cases.iter().find(|case| case["id"] == "own-a-dynamic").unwrap();
        let Ok(Presented::Emv(emv)) = recognise(dynamic["payload"].as_str().unwrap()) else { panic!("it is EMV text") };
        assert_eq!((emv.amount(), emv.is_dynamic(), emv.merchant()), (Some(Fen(12_800)), true, Some("SLUICE TEST")));
    }

    #[test]
    fn wallets_are_told_by_the_whole_host() {
        assert_eq!(recognise("weixin://wxpay/bizpayurl?pr=x"), Ok(Presented::Wechat));
        assert_eq!(recognise("wxp://f2f0"), Ok(Presented::Wechat));
        assert_eq!(recognise("https://qr.alipay.com/bax0"), Ok(Presented::Alipay));
        for other in [
            "https://qr.alipay.com.evil.example/x",
            "https://evil.example/qr.alipay.com",
            "http://qr.alipay.com/x",
            "https://qr.95516.com@evil.example/00010001/x",
            "",
        ] {
            assert_eq!(recognise(other), Err(Fault::Unknown), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(000201)?.{0,80}") {
            let _ = recognise(&text);
        }
    }
}
