//! Recordings (`.wsc`): a run as it happened, so that live and replay are one
//! code. [`format`] is the layout and its rules, [`Writer`] appends, [`Reader`]
//! gives back what was written up to the first byte that cannot be trusted.

pub mod ahead;
pub mod format;
pub mod output;

mod header;
mod payload;
mod problem;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub use problem::Problem;
pub use read::{Item, Reader};
pub use write::Writer;
