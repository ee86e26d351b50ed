//! The programs, by family.

mod disk;
mod fd;
mod full;
mod listen;
mod lock;
mod lookup;
mod loss_sums;
pub mod packet;
mod raw;
mod recover;
mod sched;
mod snapshot;
mod switch_record;
mod sys_enter;
mod task;
mod wake;
