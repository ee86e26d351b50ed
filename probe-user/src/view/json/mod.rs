//! The report for programs: schema `waitscope.report/1`. Fields are added,
//! never renamed or removed; times are ns; what is unknown is null.

mod account;
mod calls;
mod concurrency;
mod critical_path;
mod escape;
mod listeners;
mod report;
mod timeline;

use serde::Serialize;
use serde_json::Serializer;

use crate::document::Document;
use escape::Readable;
use report::Report;

/// The report, indented and ending with a newline. The same document gives the
/// same bytes.
pub fn render(document: &Document) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut out, Readable::default());
    let written = Report::new(document).serialize(&mut serializer);
    // Plain structs with string keys, written to memory: nothing can fail.
    debug_assert!(written.is_ok(), "{written:?}");
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests;
