//! The programs, by family.

mod connection;
mod disk;
mod fate;
mod fd;
mod fd_kinds;
pub mod fd_table;
mod full;
mod listen;
mod lock;
mod lookup;
mod loss_sums;
mod memory;
pub mod packet;
mod raw;
mod recover;
mod sched;
mod signal;
mod snapshot;
mod socket;
pub mod switch_record;
mod sys_enter;
mod task;
mod throttle;
pub mod user_stack;
mod wake;
