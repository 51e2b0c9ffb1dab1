//! The error table agrees with the pack's machine form, row by row.

use super::{str_of, vectors};
use crate::codes::{Api, Class, class, normalise};

fn api(version: &str, name: &str) -> Api {
    match (version, name) {
        ("v3", "create") => Api::Create,
        ("v3", "codepay") => Api::Codepay,
        ("v3", "query") => Api::Query,
        ("v3", "close") => Api::Close,
        ("v3", "refund") => Api::Refund,
        ("v3", "refund_query") => Api::RefundQuery,
        ("v3", "bill") => Api::Bill,
        ("v2", "micropay") => Api::V2Micropay,
        ("v2", "reverse") => Api::V2Reverse,
        other => panic!("no api {other:?}"),
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Ok => "ok",
        Class::Fail(..) | Class::Decline(..) => "fail",
        Class::Unknown => "unknown",
        Class::Query => "query",
        Class::Retry => "retry",
        Class::NotCreated => "not_created",
        Class::Config => "config",
    }
}

#[test]
fn every_row_of_the_packs_table_has_its_class_here() {
    let rows = vectors!("error_classes");
    for row in &rows {
        let api = api(str_of(row, "version"), str_of(row, "api"));
        let found = class(api, str_of(row, "code")).unwrap_or_else(|| panic!("{} is not listed", row["id"]));
        assert_eq!(word(found), str_of(row, "class"), "{}", row["id"]);
    }
    assert!(rows.len() > 80);
}

#[test]
fn both_spellings_of_a_code_are_one_and_nothing_else_is() {
    assert_eq!(normalise("System_Error"), "SYSTEMERROR");
    for (a, b) in [("SYSTEMERROR", "SYSTEM_ERROR"), ("NOTENOUGH", "NOT_ENOUGH"), ("USERPAYING", "USER_PAYING"), ("BANKERROR", "bank_error")]
    {
        assert_eq!(class(Api::Codepay, a), class(Api::Codepay, b));
        assert!(class(Api::Codepay, a).is_some());
    }
    assert_eq!(class(Api::Codepay, "AUTHCODEEXPIRE"), class(Api::Codepay, "AUTH_CODE_EXPIRED"));
    for unlisted in ["", "NEW_CODE", "PARAM ERROR", "PARAM_ERRORS"] {
        assert_eq!(class(Api::Create, unlisted), None, "{unlisted}");
    }
}
