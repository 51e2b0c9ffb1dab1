//! HTML that cannot be broken out of: what is written down here goes out as it stands, everything else is escaped.

use super::pages::Drawn;

/// A page in the making.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Our own markup: only what stands in the source.
    pub fn raw(&mut self, markup: &'static str) -> &mut Html {
        self.0.push_str(markup);
        self
    }

    /// Anybody's text, as text or inside a quoted attribute.
    pub fn text(&mut self, text: &str) -> &mut Html {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
        self
    }

    /// A drawn code.
    pub fn drawn(&mut self, code: &Drawn) -> &mut Html {
        self.0.push_str(code.svg());
        self
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn foreign_text_cannot_leave_its_place() {
        let mut html = Html::default();
        html.raw("<p title=\"").text("<a href='x'>\"&\"</a>").raw("\">");
        assert_eq!(html.into_string(), "<p title=\"&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;\">");
    }
}
