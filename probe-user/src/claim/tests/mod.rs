//! Of the language, and of verdicts.

mod expressions;
mod files;
mod intervals;
mod mutations;
mod page;
mod properties;
mod verdicts;

use super::{
    diagnostic::Diagnostic,
    file::{self, ClaimFile, Given},
};

/// A file with one claim that holds if this is true.
fn with(holds: &str) -> String {
    format!(
        "schema = \"waitscope.claims/1\"\n\
         [who.pool]\nthreads = \"others\"\n\
         [[claim]]\nid = \"A\"\nsays = \"so\"\nholds = '{holds}'\n"
    )
}

fn read(text: &str) -> Result<ClaimFile, Vec<Diagnostic>> {
    file::read(text, Given::One)
}
