//! The only code that talks to the kernel about probes: BTF, loading,
//! attaching, draining, counters.

mod bind;
pub mod btf;
mod cgroup;
pub mod clock;
pub mod counters;
pub mod drain;
mod features;
pub mod kernel;
pub mod layout;
pub mod load;
#[cfg(feature = "probe-log")]
mod log;
pub mod observer;
pub mod privilege;
pub mod programs;
pub mod raw;
pub mod refusal;
mod statistics;
mod switches;
pub mod tables;
mod verify;
pub mod woken;

#[cfg(test)]
mod tests;
