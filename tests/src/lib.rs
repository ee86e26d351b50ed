//! Helpers of the live tests: running waitscope, reading its report, comparing
//! it with what a workload knows of itself.
//!
//! The live tests run as root against the release binary. A missing binary or
//! a missing right is a failure, never a skip.

pub mod audit;
pub mod cgroup;
pub mod elf32;
pub mod hung;
pub mod live;
pub mod passwd;
pub mod report;
pub mod senders;
pub mod stalls;
pub mod terminal;
pub mod text;
pub mod ticks;
pub mod tmux;
pub mod travel;
pub mod truth;
pub mod type_information;
pub mod unseen;

#[cfg(test)]
mod tests;
