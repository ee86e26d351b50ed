//! Markup under construction: what is ours, and foreign text that must not become any.

use crate::view::sanitize;

/// HTML so far.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Text, between tags or inside a quoted attribute. Control and bidi characters are
    /// written out.
    pub(super) fn text(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            for c in sanitize::text(line).chars() {
                match c {
                    '&' => self.0.push_str("&amp;"),
                    '<' => self.0.push_str("&lt;"),
                    '>' => self.0.push_str("&gt;"),
                    '"' => self.0.push_str("&quot;"),
                    '\'' => self.0.push_str("&#39;"),
                    c => self.0.push(c),
                }
            }
            self.0.push_str(end);
        }
    }

    /// All of it.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_text_of_others_is_no_markup() {
        let check = |text: &str, expect: &str| {
            let mut html = Html::default();
            html.text(text);
            assert_eq!(String::from_utf8(html.bytes()).unwrap(), expect);
        };
        check("a & b\nc", "a &amp; b\nc");
        check("</script><b>", "&lt;/script&gt;&lt;b&gt;");
        check("\" onload='x", "&quot; onload=&#39;x");
        check("\u{1b}[31m\u{202e}x", "\\x1b[31m\\u{202e}x");
    }
}
