//! The world: every thread of the traced tree, its state, and the account of
//! its time. A pure function of the events: no clock, no I/O, no failure.

pub mod account;
pub mod apply;
mod begin;
pub mod blame;
mod by_few;
pub mod by_thread;
pub mod call;
pub mod cgroup;
mod classify;
pub mod connection;
pub mod disk;
pub mod fate;
pub mod fd_table;
pub mod filter;
pub mod forget;
pub mod gil;
pub mod identity;
pub mod interval;
pub mod listen;
pub mod loss_sums;
pub mod names;
mod network;
pub mod object;
pub mod process;
pub mod program;
pub mod run_queue;
pub mod signal;
mod snapshot;
pub mod source;
pub mod stack;
pub mod switches;

pub mod thread;
mod transitions;
pub mod wait_site;
pub mod window;

#[cfg(test)]
pub(crate) mod tests;

pub use apply::World;
