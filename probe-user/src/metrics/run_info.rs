//! What a report needs to know besides the world.

use std::collections::BTreeMap;

use crate::wire::{
    decode::Problems,
    session::{End, Start},
};

/// What is known besides the world.
#[derive(Clone, Debug, Default)]
pub struct RunInfo {
    /// From before the first record.
    pub start: Start,
    /// From after the last one; `None` when the recording was cut.
    pub end: Option<End>,
    /// Lost records by class.
    pub lost: BTreeMap<String, u64>,
    /// Records that could not be decoded.
    pub decoding: Problems,
    /// Records that came too late.
    pub late: u64,
    /// Tids of threads whose timelines are wanted.
    pub explain: Vec<u32>,
    /// Sentences about the recording itself.
    pub problems: Vec<String>,
}
