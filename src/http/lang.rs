//! The two languages of our pages, and the table that every word of theirs stands in: one that lacks a language does not compile.

use super::params::value_of;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// `Name: "中文", "English";` a line each makes the enum `Word` of a room.
macro_rules! words {
    ($($word:ident: $zh:literal, $en:literal;)+) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Word { $($word),+ }

        impl Word {
            pub const fn of(self, lang: $crate::http::lang::Lang) -> &'static str {
                match (self, lang) { $((Word::$word, $crate::http::lang::Lang::Zh) => $zh, (Word::$word, $crate::http::lang::Lang::En) => $en),+ }
            }
        }
    };
}

pub(crate) use words;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    pub const fn tag(self) -> &'static str {
        self.pick("zh-CN", "en")
    }

    pub const fn word(self) -> &'static str {
        self.pick("zh", "en")
    }

    pub const fn pick<T: Copy>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }

    pub fn from_word(word: &str) -> Option<Lang> {
        [Lang::Zh, Lang::En].into_iter().find(|lang| lang.word() == word)
    }

    /// `lang=` of the address goes before what the browser prefers.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Lang {
        value_of(query, "lang").and_then(Lang::from_word).unwrap_or_else(|| Lang::accepted(headers))
    }

    /// The first language of the list that we speak; Chinese where there is none.
    pub fn accepted(headers: &HeaderMap) -> Lang {
        let listed = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let known = |tag: &str| Lang::from_word(tag.trim().get(..2).unwrap_or_default().to_ascii_lowercase().as_str());
        listed.split(',').find_map(known).unwrap_or(Lang::Zh)
    }
}

#[cfg(test)]
mod tests {
    use super::Lang;
    use axum::http::{HeaderMap, HeaderValue};

    #[test]
    fn the_first_language_that_we_speak_is_taken() {
        for (listed, lang) in [("en-GB,zh;q=0.5", Lang::En), ("fr, ZH-tw", Lang::Zh), ("fr", Lang::Zh), ("", Lang::Zh), ("中", Lang::Zh)] {
            let mut headers = HeaderMap::new();
            headers.insert("accept-language", HeaderValue::from_bytes(listed.as_bytes()).unwrap());
            assert_eq!(Lang::accepted(&headers), lang, "{listed}");
        }
    }
}
