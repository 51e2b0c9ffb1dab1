//! Payment codes (付款码): which wallet a code is of, by rules that are data.
//!
//! The order of judgement (bank pack, section 3): trim; a merchant's QR scanned by mistake; what is no code at all; the enabled rule
//! with the longest fitting prefix; otherwise unknown, a known prefix with a wrong length included.

use crate::presented;
use sluice_contract::Method;
use std::fmt;

/// No payment code of any wallet is longer.
const DIGITS_MAX: usize = 32;

/// One wallet's codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule's name in config: `wechat`.
    pub kind: String,
    /// What its codes begin with.
    pub prefixes: Vec<String>,
    /// How many digits they have, both ends included.
    pub digits: (usize, usize),
    /// The methods that can charge such a code, the usual one first. Empty: known, but nothing here can charge it.
    pub methods: Vec<Method>,
    pub enabled: bool,
}

/// All rules. The first of a kind counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(pub Vec<Rule>);

impl Default for Rules {
    /// Section 3's table. The optional ones are there by name, switched off.
    fn default() -> Rules {
        let rule = |kind: &str, prefixes: &[&str], digits, methods: &[Method], enabled| Rule {
            kind: kind.to_owned(),
            prefixes: prefixes.iter().map(|p| (*p).to_owned()).collect(),
            digits,
            methods: methods.to_vec(),
            enabled,
        };
        let ccb = ["6220105", "6230105", "6240105", "6250105", "6260105", "6270105"];
        Rules(vec![
            rule("wechat", &["10", "11", "12", "13", "14", "15"], (18, 18), &[Method::WechatBarcode, Method::CmbBarcode], true),
            rule("alipay", &["25", "26", "27", "28", "29", "30"], (16, 24), &[Method::AlipayBarcode, Method::CmbBarcode], true),
            // CMB takes any wallet's code. A bank's own code has this shape too: whose it is nobody can tell, so the merchant's order of bindings decides.
            rule("unionpay", &["62"], (19, 19), &[Method::UnionpayBarcode, Method::IcbcBarcode, Method::CmbBarcode], true),
            rule("ecny", &["01"], (19, 19), &[Method::CmbBarcode], true),
            rule("ccb", &ccb, (19, 19), &[], false),
            rule("bestpay", &["51"], (18, 18), &[], false),
            rule("jdpay", &["18"], (18, 18), &[], false),
            rule("webank", &["5678"], (19, 19), &[], false),
            rule("lakala", &["810", "820", "812", "822"], (19, 19), &[], false),
        ])
    }
}

/// Why a text is not a payment code that any rule knows. Its words may be shown; they never hold the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// A merchant's QR code was scanned instead of the payer's.
    MerchantQr,
    /// Not digits, empty, or absurdly long.
    Invalid,
    Unknown {
        /// The first two digits.
        begins: String,
        digits: usize,
        /// What a code that begins like this would have, when the length is all that is wrong.
        expected: Option<(String, (usize, usize))>,
    },
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistake::MerchantQr => {
                f.write_str("is a merchant's QR code, not a payment code: scan the payment code that the payer's app shows")
            }
            Mistake::Invalid => write!(f, "must be the digits of a payment code, {DIGITS_MAX} at most"),
            Mistake::Unknown { begins, digits, expected: Some((kind, (min, max))) } => {
                let length = if min == max { min.to_string() } else { format!("{min} to {max}") };
                write!(f, "begins with {begins} like a code of {kind}, but has {digits} digits and not {length}: scan it again")
            }
            Mistake::Unknown { begins, digits, expected: None } => {
                write!(
                    f,
                    "is no payment code of a known wallet (it begins with {begins} and has {digits} digits): ask the payer to refresh it"
                )
            }
        }
    }
}

/// The code without what scanners add around it.
#[must_use]
pub fn trimmed(text: &str) -> &str {
    text.trim()
}

impl Rules {
    /// Which rule a scanned text fits.
    ///
    /// # Errors
    /// What it is instead.
    pub fn recognise(&self, text: &str) -> Result<&Rule, Mistake> {
        let code = trimmed(text);
        if presented::looks_presented(code) {
            return Err(Mistake::MerchantQr);
        }
        if code.is_empty() || code.len() > DIGITS_MAX || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Mistake::Invalid);
        }
        let fitting = self.0.iter().filter(|rule| rule.enabled).filter_map(|rule| Some((rule, longest(rule, code)?)));
        let mut best: Option<(&Rule, usize)> = None;
        let mut almost = None;
        for (rule, length) in fitting {
            if !(rule.digits.0..=rule.digits.1).contains(&code.len()) {
                almost = almost.or(Some((rule.kind.clone(), rule.digits)));
            } else if best.is_none_or(|(_, longest)| length > longest) {
                best = Some((rule, length));
            }
        }
        let unknown = || Mistake::Unknown { begins: code.get(..2).unwrap_or(code).to_owned(), digits: code.len(), expected: almost };
        best.map(|(rule, _)| rule).ok_or_else(unknown)
    }
}

/// The longest prefix of a rule that the code has.
fn longest(rule: &Rule, code: &str) -> Option<usize> {
    rule.prefixes.iter().filter(|prefix| code.starts_with(prefix.as_str())).map(String::len).max()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on must stop")]

    use super::{Mistake, Rules};
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn every_vector_is_routed_or_refused_as_it_says() {
        let file: Value = serde_json::from_str(include_str!("../vectors/auth_code_routing.json")).unwrap();
        for case in file["cases"].as_array().unwrap() {
            let mut rules = Rules::default();
            for kind in case["enabled_optional_rules"].as_array().into_iter().flatten() {
                rules.0.iter_mut().find(|rule| rule.kind == kind.as_str().unwrap()).unwrap().enabled = true;
            }
            let found = rules.recognise(case["auth_code"].as_str().unwrap());
            match &found {
                Ok(rule) => assert_eq!(Some(rule.kind.to_uppercase().as_str()), case["kind"].as_str(), "{}", case["id"]),
                Err(mistake) => {
                    let word = match mistake {
                        Mistake::MerchantQr => "AUTH_CODE_IS_MERCHANT_QR",
                        Mistake::Invalid => "AUTH_CODE_INVALID",
                        Mistake::Unknown { .. } => "AUTH_CODE_UNKNOWN",
                    };
                    assert_eq!(Some(word), case["error"].as_str(), "{}", case["id"]);
                }
            }
        }
    }

    #[test]
    fn the_pay_codes_of_the_unionpay_pack_are_told_apart() {
        let file: Value = serde_json::from_str(include_str!("../vectors/paycode_and_ua.json")).unwrap();
        let codes = file["paycodes"].as_array().unwrap();
        assert!(codes.len() >= 6);
        for case in codes {
            let rules = Rules::default();
            let kind = rules.recognise(case["code"].as_str().unwrap()).ok().map(|rule| rule.kind.as_str());
            assert_eq!(kind, case["channel"].as_str(), "{case}");
        }
    }

    #[test]
    fn a_wrong_length_says_so_and_names_neither_more_nor_less_than_two_digits() {
        let words = Rules::default().recognise("13473769020971340").unwrap_err().to_string();
        assert!(words.contains("wechat") && words.contains("17 digits") && words.contains("13"), "{words}");
        assert!(!words.contains("1347"), "{words}");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_error_repeats_a_code(text in ".{0,60}") {
            if let Err(mistake) = Rules::default().recognise(&text) {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                prop_assert!(digits.len() < 4 || !mistake.to_string().contains(&digits));
            }
        }
    }
}
