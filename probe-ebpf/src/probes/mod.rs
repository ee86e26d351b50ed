//! The programs, by family.

mod call;
mod disk;
mod fd;
mod fold;
mod full;
mod halves;
mod listen;
mod lock;
pub mod packet;
mod raw;
mod recover;
mod sched;
mod snapshot;
mod task;
mod wake;
