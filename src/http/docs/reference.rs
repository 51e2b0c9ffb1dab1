//! `/docs/api` and `/docs/operators`: the calls of our own OpenAPI document, each with its fields, constraints, errors and a sample.
//! Field names and types come from the document and nowhere else.

use super::page::Text;
use super::{scenario, zh};
use crate::flow::Code;
use crate::http::lang::Lang;
use serde_json::Value;
use std::collections::BTreeSet;

/// Sections by use: the document's tags, and their names.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("merchant", "商户", "Merchant"),
    ("orders", "订单", "Orders"),
    ("refunds", "退款", "Refunds"),
    ("statements", "对账单", "Statements"),
];

/// What any call under `/v1` may answer.
const ALWAYS: &[Code] = &[
    Code::BadSignature,
    Code::StaleTimestamp,
    Code::NonceReused,
    Code::UnknownKey,
    Code::InvalidRequest,
    Code::RequestTimeout,
    Code::BodyTooLarge,
    Code::RateLimited,
    Code::Internal,
    Code::StoreUnavailable,
];

/// What else a call may answer.
fn refusals(operation: &str) -> &'static [Code] {
    match operation {
        "createOrder" => &[
            Code::UnknownAuthCode,
            Code::MethodNotAvailable,
            Code::OrderConflict,
            Code::UnsupportedMediaType,
            Code::LimitExceeded,
            Code::RiskRefused,
            Code::NoRoute,
        ],
        "createRefund" => &[
            Code::OrderNotFound,
            Code::RefundConflict,
            Code::InvalidState,
            Code::UnsupportedMediaType,
            Code::RefundExceedsPaid,
            Code::RefundWindowPassed,
        ],
        "closeOrder" => &[Code::OrderNotFound, Code::InvalidState, Code::InProgress, Code::ChannelRejected],
        "renewAction" => &[Code::OrderNotFound, Code::InvalidState, Code::InProgress],
        "reverseOrder" => &[Code::OrderNotFound, Code::InvalidState],
        "getOrder" | "syncOrder" | "listEvents" | "listRefundsOfOrder" => &[Code::OrderNotFound],
        "getRefund" => &[Code::RefundNotFound],
        _ => &[],
    }
}

/// The document's English in the reader's language; `None`: as it is.
type Tell<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

struct Writer<'a> {
    document: &'a Value,
    lang: Lang,
    tell: Tell<'a>,
    /// Schemas that were named, in the order in which they are to be explained.
    named: BTreeSet<String>,
}

pub fn merchants(document: &Value, lang: Lang) -> Text {
    match lang {
        Lang::Zh => told(document, lang, &zh::of),
        Lang::En => told(document, lang, &|_| None),
    }
}

fn told(document: &Value, lang: Lang, tell: Tell<'_>) -> Text {
    let title = lang.pick("接口", "API");
    let mut writer = Writer { document, lang, tell, named: BTreeSet::from(["Problem".to_owned()]) };
    let mut text = format!("# {title}\n\n{}\n\n", writer.contents());
    for (tag, zh, en) in SECTIONS {
        text += &format!("## {} {{#{tag}}}\n\n", lang.pick(zh, en));
        for (path, method, operation) in writer.operations(|tags| tags == *tag) {
            text += &writer.operation(path, method, operation);
        }
    }
    let common: Vec<String> = ALWAYS.iter().map(|code| writer.code(*code)).collect();
    text += &format!("## {} {{#common}}\n\n{}\n\n", lang.pick("任何接口都可能返回的错误", "What any call may answer"), common.join(", "));
    text += &writer.objects();
    Text::new(title, text)
}

pub fn operators(document: &Value, lang: Lang) -> Text {
    let title = lang.pick("运营接口", "Operators' calls");
    let lead = lang.pick(
        "`/ops/v1` 用 `Authorization: Bearer <运营令牌>`；角色 `viewer`、`operator`、`finance`、`admin` 决定能做什么，没有列出的一律拒绝。说明文字来自 OpenAPI，为英文。",
        "`/ops/v1` takes `Authorization: Bearer <operator's token>`; the roles `viewer`, `operator`, `finance` and `admin` decide what is \
         allowed, and what no table lists is denied.",
    );
    // Their descriptions are English in both languages.
    let mut writer = Writer { document, lang, tell: &|_| None, named: BTreeSet::new() };
    let mut text = format!("# {title}\n\n{lead}\n\n## {} {{#calls}}\n\n", lang.pick("接口", "Calls"));
    for (path, method, operation) in writer.operations(|tag| tag == "ops") {
        text += &writer.operation(path, method, operation);
    }
    text += &writer.objects();
    Text::new(title, text)
}

impl<'a> Writer<'a> {
    fn operations(&self, wanted: impl Fn(&str) -> bool) -> Vec<(&'a str, &'a str, &'a Value)> {
        let tag = |operation: &'a Value| operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
        let paths = self.document.get("paths").and_then(Value::as_object).into_iter().flatten();
        let all = paths.flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        });
        all.filter(|(_, _, operation)| wanted(tag(operation))).collect()
    }

    /// A line for each call, to find it.
    fn contents(&self) -> String {
        let known = |tag: &str| SECTIONS.iter().any(|(word, _, _)| *word == tag);
        let line = |(path, method, operation): (&str, &str, &Value)| {
            let (id, summary) = (text_of(operation, "operationId"), self.told(text_of(operation, "summary")));
            format!("| `{} {path}` | [{summary}](#{id}) |\n", method.to_uppercase())
        };
        let rows: String = self.operations(known).into_iter().map(line).collect();
        format!("{}\n|---|---|\n{rows}", self.lang.pick("| 接口 | 用途 |", "| call | what for |"))
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) -> String {
        let id = text_of(operation, "operationId");
        let mut text = format!("### {} {{#{id}}}\n\n`{} {path}`\n\n", self.told(text_of(operation, "summary")), method.to_uppercase());
        let description = self.told(text_of(operation, "description"));
        if !description.is_empty() {
            text += &format!("{description}\n\n");
        }
        let parameters = operation.get("parameters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if !parameters.is_empty() {
            text += &self.table(parameters.iter().map(|parameter| {
                let schema = parameter.get("schema").unwrap_or(&Value::Null);
                let required = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
                (text_of(parameter, "name"), schema, text_of(parameter, "description"), required)
            }));
        }
        if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
            text += &format!("{}{}\n\n", self.lang.pick("请求体：", "Body: "), self.kind(schema));
        }
        text += &self.responses(operation);
        let refusals: Vec<String> = refusals(id).iter().map(|code| self.code(*code)).collect();
        if !refusals.is_empty() {
            text += &format!("{}{}\n\n", self.lang.pick("错误：", "Errors: "), refusals.join(", "));
        }
        text + &scenario::block(id).map(|block| block + "\n").unwrap_or_default()
    }

    fn responses(&mut self, operation: &Value) -> String {
        let mut text = String::new();
        let all = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        for (status, response) in all.filter(|(status, _)| *status != "default") {
            let content = response.get("content").and_then(Value::as_object).into_iter().flatten();
            let kinds: Vec<String> =
                content.filter_map(|(_, body)| Some(self.kind(body.get("schema")?))).filter(|k| !k.is_empty()).collect();
            let what = self.told(text_of(response, "description"));
            text += &format!("- `{status}` {what}{}{}\n", if kinds.is_empty() { "" } else { ": " }, kinds.join(", "));
        }
        text + "\n"
    }

    /// Every schema that was named so far, and those that they name.
    fn objects(&mut self) -> String {
        let mut text = format!("## {} {{#objects}}\n\n", self.lang.pick("对象", "Objects"));
        let mut done = BTreeSet::new();
        while let Some(name) = self.named.iter().find(|name| !done.contains(*name)).cloned() {
            let schema = self.document.pointer(&format!("/components/schemas/{name}")).unwrap_or(&Value::Null);
            text += &format!("### {name} {{#{name}}}\n\n");
            let description = self.told(text_of(schema, "description"));
            if !description.is_empty() {
                text += &format!("{description}\n\n");
            }
            text += &self.object(schema);
            done.insert(name);
        }
        text
    }

    fn object(&mut self, schema: &Value) -> String {
        if let Some(forms) = schema.get("oneOf").and_then(Value::as_array) {
            let forms: Vec<String> = forms.iter().map(|form| self.object(form)).collect();
            return forms.concat();
        }
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
            return format!("{}\n\n", self.kind(schema));
        };
        let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_required = |name: &str| required.iter().any(|word| word.as_str() == Some(name));
        self.table(fields.iter().map(|(name, field)| (name.as_str(), field, described(field), is_required(name))))
    }

    fn table<'b>(&mut self, rows: impl Iterator<Item = (&'b str, &'b Value, &'b str, bool)>) -> String {
        let head = self.lang.pick("| 字段 | 类型 | 说明 |", "| field | type | meaning |");
        let mut text = format!("{head}\n|---|---|---|\n");
        for (name, schema, description, required) in rows {
            let must = if required { self.lang.pick("必有", "required") } else { "" };
            let parts = [must.to_owned(), limits(schema), self.told(description).replace('\n', " ")];
            let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            let meaning = parts.join(self.lang.pick("；", "; "));
            text += &format!("| `{name}` | {} | {} |\n", cell(&self.kind(schema)), cell(&meaning));
        }
        text + "\n"
    }

    /// A type in words, with links to what has a name.
    fn kind(&mut self, schema: &Value) -> String {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default();
            self.named.insert(name.to_owned());
            return format!("[{name}](#{name})");
        }
        if let Some(forms) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
            let forms: Vec<String> = forms.iter().map(|form| self.kind(form)).filter(|form| !form.is_empty()).collect();
            return forms.join(" / ");
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
            return words.join(" ");
        }
        let names: Vec<&str> = match schema.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => vec![],
        };
        let names: Vec<String> = names.iter().map(|name| self.named_kind(name, schema)).collect();
        names.join(" / ")
    }

    fn named_kind(&mut self, name: &str, schema: &Value) -> String {
        match (name, schema.get("items"), schema.get("additionalProperties")) {
            ("array", Some(items), _) => format!("{}[]", self.kind(items)),
            ("object", _, Some(values)) => format!("{{{}}}", Some(self.kind(values)).filter(|k| !k.is_empty()).unwrap_or("…".into())),
            _ => name.to_owned(),
        }
    }

    fn code(&self, code: Code) -> String {
        let word = code.facts().0;
        format!("[`{word}`](/errors/{word}?lang={})", self.lang.word())
    }

    fn told<'b>(&self, english: &'b str) -> &'b str {
        (self.tell)(english).unwrap_or(english)
    }
}

/// What a value may be, beside its type.
fn limits(schema: &Value) -> String {
    let names = [("minimum", "≥ "), ("maximum", "≤ "), ("minLength", "length ≥ "), ("maxLength", "length ≤ ")];
    let mut parts: Vec<String> = names.iter().filter_map(|(name, sign)| Some(format!("{sign}{}", schema.get(*name)?))).collect();
    parts.extend(schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("`{pattern}`")));
    parts.join(", ")
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A field that may be `null` has its description beside the type that it has otherwise.
fn described(field: &Value) -> &str {
    let forms = field.get("oneOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    std::iter::once(field).chain(forms).map(|form| text_of(form, "description")).find(|text| !text.is_empty()).unwrap_or_default()
}

fn text_of<'a>(tree: &'a Value, field: &str) -> &'a str {
    tree.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
