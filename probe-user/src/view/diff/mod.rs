//! A difference: as a table for people, and in Markdown for a pull request. What is named of
//! it, and in which words, is one for both.

mod grid;
mod lines;
mod markdown;
mod sentence;
mod text;

#[cfg(test)]
mod tests;

pub use markdown::markdown;
pub use text::{Options, table};
