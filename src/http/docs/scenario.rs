//! The one scenario that every sample comes from (`scenario.sh`), and the guides around it. A test runs it as the pages show it.

use super::page::Text;
use super::{hints, vectors};
use crate::http::lang::Lang;

const SCENARIO: &str = include_str!("scenario.sh");
const GUIDE_ZH: &str = include_str!("guide.zh.md");
const GUIDE_EN: &str = include_str!("guide.en.md");

/// A sample by its name: an `operationId`, or a step beside the API.
#[must_use]
pub fn sample(name: &str) -> Option<&'static str> {
    let steps = SCENARIO.split("#: ").filter_map(|step| step.split_once('\n'));
    steps.into_iter().find(|(known, _)| *known == name).map(|(_, shell)| shell.trim_end())
}

/// A sample as a block of Markdown.
#[must_use]
pub fn block(name: &str) -> Option<String> {
    sample(name).map(|shell| format!("```sh\n{shell}\n```\n"))
}

/// `/docs`: the guide, with what it names in `{{…}}` in its place.
pub fn guide(public_url: &str, lang: Lang) -> Text {
    let mut text = String::new();
    let guide: &str = lang.pick(GUIDE_ZH, GUIDE_EN);
    for (place, piece) in guide.split("{{").enumerate() {
        if place == 0 {
            text.push_str(piece);
            continue;
        }
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        text.push_str(&part(name, lang));
        text.push_str(rest);
    }
    let text = text.replace("{{GATEWAY}}", public_url);
    Text::new(lang.pick("接入指南", "Guide"), text)
}

fn part(name: &str, lang: Lang) -> String {
    match name {
        "hints" => hints::table(lang),
        "vectors" => vectors::requests(lang),
        sample => block(sample).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::{GUIDE_EN, GUIDE_ZH, guide, part};
    use crate::http::lang::Lang;

    fn names(guide: &'static str) -> Vec<&'static str> {
        guide.split("{{").skip(1).filter_map(|piece| piece.split_once("}}")).map(|(name, _)| name).collect()
    }

    #[test]
    fn both_guides_tell_the_same_journey_and_nothing_is_left_open() {
        assert_eq!(names(GUIDE_ZH), names(GUIDE_EN));
        for name in names(GUIDE_ZH) {
            assert!(!part(name, Lang::En).is_empty(), "{name} is neither a sample nor a table");
        }
        for lang in [Lang::Zh, Lang::En] {
            let text = guide("https://pay.example.com", lang).markdown;
            assert!(text.contains("GATEWAY=https://pay.example.com") && !text.contains("{{") && !text.contains("}}"));
        }
    }
}
