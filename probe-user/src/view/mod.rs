//! Views: `&Document → bytes`. The caller opens the file or the terminal.
//!
//! In reading order: how numbers and foreign text are written, what a line of
//! the report is made of, and the formats.

pub mod color;
pub mod ending;
pub mod sanitize;
pub mod units;

pub mod behind;
pub mod collapse;
pub mod columns;
pub mod merge;
pub mod rows;
pub mod timeline;
pub mod woken;

pub mod json;
pub mod table;

#[cfg(test)]
mod testing;
