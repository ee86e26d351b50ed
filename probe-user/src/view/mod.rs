//! Views: `&Document → bytes`. The caller opens the file or the terminal.
//!
//! In reading order: how numbers and foreign text are written, what a line of
//! the report is made of, and the formats.

pub mod color;
pub mod ending;
pub mod filter;
pub mod sanitize;
pub mod units;

pub mod behind;
pub mod claims;
pub mod collapse;
pub mod columns;
pub mod merge;
pub mod order;
pub mod rows;
pub mod run_queue;
pub mod sentence;
pub mod timeline;
pub mod woken;

pub mod diagnostic;
pub mod diff;
pub mod folded;
mod frames;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod metrics;
pub mod page;
pub mod parquet;
pub mod perfetto;
pub mod pprof;
pub mod table;
pub mod top;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
