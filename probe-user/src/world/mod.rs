//! The world: every thread of the traced tree, its state, and the account of
//! its time. A pure function of the events: no clock, no I/O, no failure.

pub mod account;
pub mod apply;
pub mod blame;
pub mod by_thread;
pub mod call;
mod classify;
pub mod disk;
pub mod forget;
pub mod gil;
pub mod identity;
pub mod interval;
pub mod listen;
pub mod loss_sums;
pub mod names;
pub mod object;
pub mod process;
mod snapshot;
pub mod source;
pub mod stack;

pub mod thread;
mod transitions;
pub mod wait_site;

#[cfg(test)]
mod tests;

pub use apply::World;
