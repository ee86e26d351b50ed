//! waitscope: where every nanosecond of every worker went.
//!
//! One direction, one type per stage: wire records → events → world → metrics
//! → document → view. Live runs and recordings go through the same code.

pub mod vocabulary;

pub mod wire;

pub mod syscall;

pub mod histogram;
pub mod leb128;
pub mod spill;
pub mod switch_log;
pub mod world;

pub mod analysis;
pub mod metrics;

pub mod document;
// Sentences about a document, and what they come to; two sides of documents.
pub mod claim;
pub mod diff;
pub mod view;

pub mod recording;

pub mod child;
pub mod probe;
pub mod symbol;

pub mod observe;

pub mod cli;
pub mod command;
