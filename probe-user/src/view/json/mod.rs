//! The report for programs: the contract `waitscope.report/1`, which
//! [`crate::document`] is the shape of. Reading it back is there as well.

mod escape;

use serde::Serialize;
use serde_json::Serializer;

use crate::document::{Check, Document, diff::Diff};
use escape::Readable;

/// The report, indented and ending with a newline. The same document gives the
/// same bytes.
pub fn render(document: &Document) -> Vec<u8> {
    written(document)
}

/// The outcome of `waitscope check`: the contract `waitscope.check/1`.
pub fn check(check: &Check) -> Vec<u8> {
    written(check)
}

/// The outcome of `waitscope diff`: the contract `waitscope.diff/1`.
pub fn diff(diff: &Diff) -> Vec<u8> {
    written(diff)
}

fn written(document: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Readable::default());
    let written = document.serialize(&mut serializer);
    // Plain structs with string keys, written to memory: nothing can fail.
    debug_assert!(written.is_ok(), "{written:?}");
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests;
