//! Where a part of a TOML string is in the file.

use std::ops::Range;

use toml::Spanned;

/// The file's text.
pub(super) struct Text<'a>(&'a str);

/// What strings of TOML are between.
const QUOTES: [&str; 4] = ["\"\"\"", "'''", "\"", "'"];

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Text<'a> {
        Text(text)
    }

    /// The place of a part of a string's contents; that of the string where the contents
    /// are not as in the file: escapes, line ends of Windows.
    pub(super) fn within(&self, string: &Spanned<&str>, part: &Range<usize>) -> Range<usize> {
        let whole = string.span();
        let raw = self.0.get(whole.clone()).unwrap_or_default();
        let quote = QUOTES.iter().find(|quote| raw.starts_with(**quote));
        let begin = quote.map_or(0, |quote| quote.len());
        // A line end behind the three quotes is not part of it.
        let inside = raw.get(begin..).unwrap_or_default();
        let skipped = match begin {
            3 if inside.starts_with("\r\n") => 2,
            3 if inside.starts_with('\n') => 1,
            _ => 0,
        };
        if !inside[skipped..].starts_with(string.get_ref()) {
            return whole;
        }
        let offset = whole.start + begin + skipped;
        offset + part.start..offset + part.end
    }
}
