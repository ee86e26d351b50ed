//! The contract, and reading it back.

mod contract;
mod hostile;
mod round_trip;

use super::render;
use crate::document::Document;
use crate::view::table::{self, Options};

/// As [`render`] wrote it.
fn read(bytes: &[u8]) -> Document {
    Document::from_json(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// The table with everything in it.
fn everything(document: &Document) -> String {
    let options = Options {
        per_thread: true,
        all: true,
        ..Options::default()
    };
    table::render(document, &options)
}

/// Draws every view.
fn draw_all(document: &Document) {
    render(document);
    everything(document);
    table::render(document, &Options::default());
}
