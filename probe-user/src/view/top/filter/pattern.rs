//! Parts of texts, whatever their case.

use memchr::memchr2_iter;
use wildmatch::WildMatchPattern;

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    lower: String,
}

impl Needle {
    pub(super) fn new(text: &str) -> Needle {
        Needle {
            lower: text.to_lowercase(),
        }
    }

    /// Whether it is in a text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let needle = self.lower.as_bytes();
        if needle.is_empty() {
            return true;
        }
        if !(self.lower.is_ascii() && text.is_ascii()) {
            return text.to_lowercase().contains(&self.lower);
        }
        // Without a copy: this is asked of every text of every task at every key.
        let text = text.as_bytes();
        let last = text.len().checked_sub(needle.len());
        let begins = memchr2_iter(needle[0], needle[0].to_ascii_uppercase(), text);
        let mut begins = begins.take_while(|begin| last.is_some_and(|last| *begin <= last));
        begins.any(|at| text[at..at + needle.len()].eq_ignore_ascii_case(needle))
    }

    /// Whether it is the text.
    pub(super) fn is(&self, text: &str) -> bool {
        text.to_lowercase() == self.lower
    }
}

/// `git*`, `tcp ?:80`.
pub(super) type Glob = WildMatchPattern<'*', '?'>;

pub(super) fn glob(text: &str) -> Glob {
    Glob::new_case_insensitive(text)
}
