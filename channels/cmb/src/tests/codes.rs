//! The error table has every code of the pack.

use crate::codes::{Api, Class, class};

/// Section 2.6, as it is written there.
const PACK: &str = "SIGN_ERROR VERSION_ERROR ENCODING_ERROR SIGNMETHOD_ERROR POST_DATA_EMPTY UNDEFINED_PRAM JSON_FORMAT_ERROR SYSTERM_ERROR \
    MCH_RESERVED_NOT_LAWFUL ORDERID_DUPLICATION ORDERID_INVALID ORDER_PAID AMT_MISMATCHED_ORDER ORDERID_NOT_EXIST CMBORDERID_NOT_EXIST \
    UNPAIED_ORDER MERID_NOT_EXIST USERID_CHECK_FAILED AUTHCODE_NOT_LAWFUL TXNAMT_NOT_LAWFUL TRADEAMOUNT_LIMITED MCH_DAILY_QUOTA_EXCEED \
    NOT_ENOUGH TRADE_OVERDUE TRADESTATE_NOT_LAWFUL TXNAMT_ERROR REFUNDAMT_ERROR MCH_EXSRFN_AMOUNT_LESS MCH_FORWARD_AMOUNT_LESS NOT_ALLOWED \
    OPERATING_FREQUENTLY SYSTERM_MAINTAINING";

const APIS: [Api; 7] = [Api::Qr, Api::Pay, Api::Query, Api::Undo, Api::Refund, Api::RefundQuery, Api::Statement];

#[test]
fn every_code_of_the_pack_is_listed_for_some_call() {
    for code in PACK.split_whitespace() {
        assert!(APIS.iter().any(|api| class(*api, code).is_some()), "{code}");
    }
}

#[test]
fn no_code_means_anything_definite_to_a_question() {
    for code in PACK.split_whitespace() {
        for api in [Api::Query, Api::RefundQuery] {
            assert!(!matches!(class(api, code), Some(Class::Fail(..) | Class::Decline(..))), "{api:?} {code}");
        }
    }
}

#[test]
fn the_banks_own_trouble_is_unknown_to_all_but_a_qr_code_that_never_came() {
    for code in ["SYSTERM_ERROR", "SYSTERM_MAINTAINING"] {
        for api in APIS {
            assert_eq!(class(api, code) == Some(Class::Unknown), api != Api::Qr, "{api:?} {code}");
        }
    }
}

#[test]
fn what_is_not_listed_is_not_known_in_any_spelling() {
    for code in ["", "SYSTEM_ERROR", "systerm_error", "SYSTERM_ERROR ", "UNPAID_ORDER", "NEW_CODE"] {
        assert!(APIS.iter().all(|api| class(*api, code).is_none()), "{code}");
    }
    assert_eq!(class(Api::Query, "NOT_ENOUGH"), None, "a refund's word means nothing to a query");
}
