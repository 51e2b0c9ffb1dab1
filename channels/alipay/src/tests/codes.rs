//! The error table: every word of the pack, its prefixes, and the silence about others.

use crate::codes::{Api, Class, class, normalise};
use sluice_contract::FailureCode;

const ORDERS: [Api; 3] = [Api::Pay, Api::Precreate, Api::Create];

fn business(api: Api, sub: &str) -> Option<Class> {
    class(api, "40004", sub)
}

#[test]
fn prefixes_and_their_misspelling_are_one_code() {
    for code in ["ACQ.SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR", "AQC.SYSTEM_ERROR", "SYSTEM_ERROR"] {
        assert_eq!(normalise(code), "SYSTEM_ERROR");
        assert_eq!(business(Api::Refund, code), Some(Class::Retry), "{code}");
        assert_eq!(business(Api::Pay, code), Some(Class::Unknown), "{code}");
    }
    for code in ["TRADE_NOT_EXIST", "ACQ.TRADE_NOT_EXIST"] {
        assert_eq!(business(Api::RefundQuery, code), Some(Class::NotCreated));
    }
    for code in ["isp.bill_not_exist", "BILL_NOT_EXIST", "isv.bill-not-exist", "NO_BILL_DATA"] {
        assert_eq!(business(Api::Bill, code), Some(Class::NotCreated), "{code}");
    }
}

#[test]
fn an_unlisted_code_means_nothing() {
    for api in ORDERS.into_iter().chain([Api::Query, Api::Cancel, Api::Close, Api::Refund, Api::RefundQuery, Api::Bill, Api::Oauth]) {
        for code in ["", "ACQ.", "ACQ.NEW_CODE", "ACQ.TRADE_NOT_EXISTS", "TRADE", "ACQ.TRADE_NOT_EXIST.X", "MERCHANT_AGREEMENT"] {
            assert_eq!(business(api, code), None, "{api:?} {code}");
        }
        assert_eq!(class(api, "49999", "isv.anything"), None);
        assert_eq!(class(api, "", ""), None);
    }
}

#[test]
fn the_gateways_own_codes_are_known_by_their_number() {
    for api in [Api::Pay, Api::Query, Api::Refund] {
        for (code, sub) in [
            ("20001", "aop.invalid-app-auth-token"),
            ("40001", "isv.missing-method"),
            ("40002", "isv.invalid-signature"),
            ("40002", "isv.suspected-attack"),
            ("40003", "isv.missing-signature-config"),
            ("40006", "isv.insufficient-isv-permissions"),
        ] {
            assert_eq!(class(api, code, sub), Some(Class::Config), "{code} {sub}");
        }
        assert_eq!(class(api, "20000", "isp.unknow-error"), Some(Class::Unknown));
        assert_eq!(class(api, "40005", "isv.app-call-limited"), Some(Class::Retry));
    }
}

#[test]
fn a_definite_word_on_top_of_an_unknown_decides_nothing() {
    for (api, sub) in [
        (Api::Pay, "ACQ.BUYER_BALANCE_NOT_ENOUGH"),
        (Api::Pay, "ACQ.BUYER_SELLER_EQUAL"),
        (Api::Query, "ACQ.TRADE_NOT_EXIST"),
        (Api::Refund, "ACQ.TRADE_HAS_CLOSE"),
        (Api::Precreate, "ACQ.SUB_MERCHANT_X"),
    ] {
        assert_eq!(class(api, "20000", sub), Some(Class::Unknown), "{sub}");
        assert!(!matches!(class(api, "10003", sub), Some(Class::Fail(..) | Class::Decline(..) | Class::NotCreated)), "{sub}");
    }
}

#[test]
fn families_are_of_orders_only() {
    for api in ORDERS {
        for code in ["ACQ.MERCHANT_AGREEMENT_INVALID", "ACQ.SECONDARY_MERCHANT_STATUS_ERROR", "ACQ.SUB_MERCHANT_TYPE_INVALID"] {
            assert!(matches!(business(api, code), Some(Class::Fail(FailureCode::ChannelConfiguration, _))), "{code}");
        }
    }
    assert_eq!(business(Api::Refund, "ACQ.MERCHANT_AGREEMENT_INVALID"), None);
}

#[test]
fn a_barcode_is_declined_where_a_code_is_refused() {
    for code in ["PAYMENT_AUTH_CODE_INVALID", "BUYER_BALANCE_NOT_ENOUGH", "PAYMENT_FAIL", "PAYMENT_REQUEST_HAS_RISK"] {
        assert!(matches!(business(Api::Pay, code), Some(Class::Decline(..))), "{code}");
        assert_eq!(business(Api::Precreate, code), None, "{code}");
    }
    assert_eq!(business(Api::Precreate, "ACQ.APPLY_PC_MERCHANT_CODE_ERROR"), Some(Class::Query));
    assert_eq!(business(Api::Pay, "ACQ.APPLY_PC_MERCHANT_CODE_ERROR"), None);
    for code in ["TRADE_HAS_SUCCESS", "TRADE_HAS_CLOSE", "CONTEXT_INCONSISTENT", "TRADE_BUYER_NOT_MATCH"] {
        assert_eq!(business(Api::Pay, code), Some(Class::Query), "{code}");
    }
}
