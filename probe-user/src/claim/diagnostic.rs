//! What is wrong with a claim file, and where. `view::diagnostic` shows it.

use std::ops::Range;

use super::metric::nearest;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A sentence without a period.
    pub message: String,
    /// Where: bytes of the text that was read.
    pub span: Range<usize>,
    /// What stands there; may be empty.
    pub label: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// One without a label and help.
    pub fn new(message: impl Into<String>, span: Range<usize>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            span,
            label: String::new(),
            help: None,
        }
    }

    /// With what stands there.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// With what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// With what would be right, if anything is near.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Diagnostic {
        self.help = help;
        self
    }
}

/// `did you mean …?` for the name that is nearest to a wrong one, or what there is if there
/// are few.
pub fn instead<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// A list longer than this is no help.
    const FEW: usize = 8;
    let names: Vec<&str> = names.into_iter().collect();
    if let Some(near) = nearest(wrong, names.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let is_short = (1..=FEW).contains(&names.len());
    is_short.then(|| format!("there is `{}`", names.join("`, `")))
}
