//! Other texts of the same body: what libraries and shells make of it when they write it again between signing and sending. The same
//! number for every body, so that how long they take tells nothing.

/// What a form may grow to. A longer one is cut, and then it is nobody's.
const FORM_BYTES_MAX: usize = 160 * 1024;

/// How JSON is laid out.
#[derive(Clone, Copy)]
struct Layout {
    comma: &'static str,
    colon: &'static str,
    /// Spaces per level; `None`: all on one line.
    indent: Option<usize>,
}

const COMPACT: Layout = Layout { comma: ",", colon: ":", indent: None };
const SPACED: Layout = Layout { comma: ", ", colon: ": ", indent: None };
const TWO: Layout = Layout { comma: ",", colon: ": ", indent: Some(2) };
const FOUR: Layout = Layout { comma: ",", colon: ": ", indent: Some(4) };

/// Trimmed, with a newline more, and, of JSON, written again in the usual ways. What has no such form stands there as it is.
#[must_use]
pub fn forms(body: &[u8]) -> [Vec<u8>; 12] {
    let with_newline = [body, b"\n"].concat();
    let trimmed = body.trim_ascii().to_vec();
    let text = std::str::from_utf8(body).ok();
    let Some((text, tree)) = text.and_then(|text| Some((text, serde_json::from_str::<serde_json::Value>(text).ok()?))) else {
        let same = || body.to_vec();
        return [trimmed, with_newline, same(), same(), same(), same(), same(), same(), same(), same(), same(), same()];
    };
    let as_sent = tokens(text);
    let plain: Vec<String> = as_sent.iter().map(|token| unescaped(token)).collect();
    let ascii: Vec<String> = plain.iter().map(|token| escaped(token)).collect();
    let slashed: Vec<String> = ascii.iter().map(|token| token.replace('/', "\\/")).collect();
    [
        trimmed,
        with_newline,
        laid_out(&as_sent, COMPACT),
        laid_out(&as_sent, SPACED),
        laid_out(&plain, COMPACT),
        laid_out(&plain, SPACED),
        laid_out(&ascii, COMPACT),
        laid_out(&ascii, SPACED),
        laid_out(&slashed, COMPACT),
        laid_out(&plain, TWO),
        laid_out(&plain, FOUR),
        // Names in alphabetical order: our own tree keeps them so.
        tree.to_string().into_bytes(),
    ]
}

/// Strings, numbers, words and brackets, without what stands between them. The text is JSON.
fn tokens(text: &str) -> Vec<String> {
    let (mut tokens, mut word) = (Vec::new(), String::new());
    let (mut inside, mut escaped) = (false, false);
    for character in text.chars() {
        if inside {
            word.push(character);
            inside = escaped || character != '"';
            escaped = !escaped && character == '\\';
            if !inside {
                tokens.push(std::mem::take(&mut word));
            }
            continue;
        }
        let stands_alone = matches!(character, '{' | '}' | '[' | ']' | ',' | ':');
        if (stands_alone || character.is_whitespace()) && !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        if stands_alone {
            tokens.push(character.to_string());
        } else if !character.is_whitespace() {
            word.push(character);
            inside = character == '"';
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

/// A string with every character as itself that can be; any other token as it is.
fn unescaped(token: &str) -> String {
    if !token.starts_with('"') {
        return token.to_owned();
    }
    let text = serde_json::from_str::<String>(token).ok();
    text.and_then(|text| serde_json::to_string(&text).ok()).unwrap_or_else(|| token.to_owned())
}

/// Everything outside ASCII as `\u` and four hex digits.
fn escaped(token: &str) -> String {
    let mut out = String::new();
    for character in token.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

fn laid_out(tokens: &[String], layout: Layout) -> Vec<u8> {
    let mut out = String::new();
    let mut depth = 0_usize;
    let line = |depth: usize| layout.indent.map_or_else(String::new, |indent| format!("\n{}", " ".repeat(indent.saturating_mul(depth))));
    for (place, token) in tokens.iter().enumerate() {
        let closes = matches!(token.as_str(), "}" | "]");
        let opened_before = place.checked_sub(1).and_then(|p| tokens.get(p)).is_some_and(|t| matches!(t.as_str(), "{" | "["));
        if closes {
            depth = depth.saturating_sub(1);
        }
        if opened_before != closes && (opened_before || closes) {
            out.push_str(&line(depth));
        }
        match token.as_str() {
            "," => {
                out.push_str(layout.comma);
                out.push_str(&line(depth));
            }
            ":" => out.push_str(layout.colon),
            other => out.push_str(other),
        }
        if matches!(token.as_str(), "{" | "[") {
            depth = depth.saturating_add(1);
        }
        if out.len() > FORM_BYTES_MAX {
            break;
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::{FORM_BYTES_MAX, forms};

    /// `json.dumps` and `json_encode` of the other languages, byte for byte.
    #[test]
    fn the_usual_libraries_texts_are_among_the_forms() {
        let body = "{ \"subject\":\"一箱/\\u82f9果 \\\"a:b\\\"\", \"amount\" : 12,\n\"list\":[1,2,{}],\"none\":[] }\n";
        let known = [
            r#"{"subject":"一箱/苹果 \"a:b\"","amount":12,"list":[1,2,{}],"none":[]}"#,
            r#"{"subject": "一箱/苹果 \"a:b\"", "amount": 12, "list": [1, 2, {}], "none": []}"#,
            r#"{"subject": "\u4e00\u7bb1/\u82f9\u679c \"a:b\"", "amount": 12, "list": [1, 2, {}], "none": []}"#,
            r#"{"subject":"\u4e00\u7bb1\/\u82f9\u679c \"a:b\"","amount":12,"list":[1,2,{}],"none":[]}"#,
            r#"{"amount":12,"list":[1,2,{}],"none":[],"subject":"一箱/苹果 \"a:b\""}"#,
            "{\n  \"subject\": \"一箱/苹果 \\\"a:b\\\"\",\n  \"amount\": 12,\n  \"list\": [\n    1,\n    2,\n    {}\n  ],\n  \"none\": []\n}",
        ];
        let forms = forms(body.as_bytes());
        for text in known {
            assert!(forms.iter().any(|form| form == text.as_bytes()), "{text}");
        }
        assert!(forms.contains(&body.trim().as_bytes().to_vec()));
    }

    #[test]
    fn what_is_no_json_has_as_many_forms_and_no_form_grows_without_end() {
        for body in [&b""[..], b"{", b"\xff\xfe", b"[[[["] {
            assert!(forms(body).iter().all(|form| form.len() <= body.len() + 1));
        }
        let deep = format!("{}{}{}", "[".repeat(120), "1,".repeat(30_000) + "1", "]".repeat(120));
        assert!(forms(deep.as_bytes()).iter().all(|form| form.len() <= FORM_BYTES_MAX + 1024));
        assert_eq!(forms("\"\u{1F600}\"".as_bytes())[6], b"\"\\ud83d\\ude00\"");
    }
}
