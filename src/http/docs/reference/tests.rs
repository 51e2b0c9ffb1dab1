//! Nothing of the document is missing on the pages, in neither language, and every call has a sample.

use super::super::{scenario, zh};
use super::{ALWAYS, Writer, merchants, operators, refusals, told};
use crate::flow::Code;
use crate::http::lang::Lang;
use crate::http::openapi_document;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;

fn ids(document: &Value, of_operators: bool) -> Vec<String> {
    let paths = document["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());
    let wanted = operations.filter(|operation| (operation["tags"][0] == "ops") == of_operators);
    wanted.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_call_has_its_anchor_in_both_languages() {
    let document = openapi_document();
    for lang in [Lang::Zh, Lang::En] {
        for (page, of_operators) in [(merchants(&document, lang), false), (operators(&document, lang), true)] {
            for id in ids(&document, of_operators) {
                assert_eq!(page.markdown.matches(&format!("{{#{id}}}")).count(), 1, "{id}");
            }
        }
    }
}

#[test]
fn every_merchants_call_has_a_sample() {
    for id in ids(&openapi_document(), false) {
        assert!(scenario::sample(&id).is_some_and(|shell| shell.contains("call ")), "{id} is not in scenario.sh");
    }
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let document = openapi_document();
    for page in [merchants(&document, Lang::Zh), merchants(&document, Lang::En), operators(&document, Lang::En)] {
        for target in page.markdown.split("](#").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target) {
            assert!(page.markdown.contains(&format!("{{#{target}}}")), "{}: #{target}", page.title);
        }
    }
}

/// Chinese for everything that a merchant reads, and no Chinese for what nobody reads.
#[test]
fn everything_is_said_in_chinese() {
    let texts = RefCell::new(BTreeSet::new());
    let note = |english: &str| {
        texts.borrow_mut().insert(english.split_whitespace().collect::<Vec<_>>().join(" "));
        None
    };
    told(&openapi_document(), Lang::Zh, &note);
    let mut texts = texts.into_inner();
    texts.remove("");
    let missing: Vec<&String> = texts.iter().filter(|text| zh::of(text).is_none()).collect();
    assert!(missing.is_empty(), "src/http/docs/zh.rs has no Chinese for:\n{missing:#?}");
    let idle: Vec<&str> = zh::ZH.iter().map(|(english, _)| *english).filter(|english| !texts.contains(*english)).collect();
    assert!(idle.is_empty(), "nobody reads these lines of src/http/docs/zh.rs any more:\n{idle:#?}");
}

/// Every code is said of some call, or of all; operators' own codes apart.
#[test]
fn every_code_stands_with_a_call() {
    let document = openapi_document();
    let mut said: BTreeSet<&str> = ALWAYS.iter().map(|code| code.facts().0).collect();
    for id in ids(&document, false) {
        said.extend(refusals(&id).iter().map(|code| code.facts().0));
    }
    let elsewhere = [Code::Forbidden, Code::NotFound, Code::MethodNotAllowed, Code::AccountInUse].map(|code| code.facts().0);
    let missing: Vec<&str> = Code::ALL.iter().map(|code| code.facts().0).filter(|w| !said.contains(w) && !elsewhere.contains(w)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_table_cannot_be_broken_by_its_text() {
    let document = serde_json::json!({});
    let mut writer = Writer { document: &document, lang: Lang::En, tell: &|_| None, named: BTreeSet::new() };
    let schema = serde_json::json!({"type": ["string", "null"], "pattern": "^(a|b)$"});
    let table = writer.table([("x", &schema, "one\ntwo", true)].into_iter());
    assert!(table.contains("| `x` | string / null | required; `^(a\\|b)$`; one two |"), "{table}");
}
