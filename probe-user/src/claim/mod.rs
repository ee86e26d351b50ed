//! Claims: sentences about a run, checked against its document. A verdict is proved, not
//! computed: what is measured is an interval, and only what is true for all of it decides
//! (`waitscope.claims/1`; R. E. Moore, *Interval Analysis*, 1966; S. C. Kleene's strong
//! logic of three values).
//!
//! Left to right: `file` (what a claim file says) → `expression` (parsed, names and units
//! checked) → `metric` (measured of a document) → `verdict`.

pub mod diagnostic;
pub mod draft;
pub mod expression;
pub mod file;
pub mod interval;
pub mod measured;
pub mod metric;
pub mod packs;
pub mod selection;
pub mod truth;
pub mod unit;
pub mod verdict;
pub mod words;

#[cfg(test)]
mod tests;
