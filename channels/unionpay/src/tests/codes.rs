//! The table of response codes is complete, and says nothing about codes that are not in it.

use crate::codes::{Api, Class, class};

/// Every code that the pack lists in section 4.
const LISTED: &[&str] = &[
    "00", "A6", "01", "02", "03", "04", "05", "06", "10", "11", "12", "13", "14", "30", "31", "32", "33", "34", "35", "36", "37", "38",
    "39", "40", "41", "42", "43", "44", "45", "46", "60", "61", "62", "63", "64", "65", "66", "67", "68", "69", "70", "71", "73", "77",
    "78", "79", "80", "81", "82", "83", "85", "86", "87", "88", "89", "98", "99",
];
const APIS: [Api; 7] = [Api::Pay, Api::Query, Api::Paid, Api::Refund, Api::Refunded, Api::Reverse, Api::Other];

#[test]
fn every_code_of_the_pack_has_a_class_for_every_call_and_no_other_has_one() {
    for first in ('0'..='9').chain('A'..='Z') {
        for second in ('0'..='9').chain('A'..='Z') {
            let code = format!("{first}{second}");
            for api in APIS {
                assert_eq!(class(api, &code).is_some(), LISTED.contains(&code.as_str()), "{api:?} {code}");
            }
        }
    }
    for code in ["", "0", "000", "a6", " 00", "00 ", "零零"] {
        assert!(APIS.iter().all(|api| class(*api, code).is_none()), "{code:?}");
    }
}

#[test]
fn what_may_still_become_paid_is_no_failure() {
    for code in ["00", "A6", "03", "04", "05", "06", "12", "34", "42", "83", "99", "69", "70", "71"] {
        for api in [Api::Pay, Api::Refund, Api::Paid, Api::Refunded] {
            assert!(!matches!(class(api, code), Some(Class::Fail(..))), "{api:?} {code}");
        }
    }
}

#[test]
fn success_is_said_by_two_codes_and_late_money_only() {
    for code in LISTED {
        for api in APIS {
            let is_ok = class(api, code) == Some(Class::Ok);
            let may_be = match api {
                Api::Query | Api::Other => *code == "00",
                Api::Paid => ["00", "A6", "42"].contains(code),
                Api::Reverse => ["00", "A6", "46"].contains(code),
                _ => ["00", "A6"].contains(code),
            };
            assert_eq!(is_ok, may_be, "{api:?} {code}");
        }
    }
}
