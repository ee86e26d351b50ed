//! The raw tier: what a kernel without type information lets be seen, through
//! classic tracepoints, whose fields tracefs describes, and the raw
//! tracepoints of system calls. Records and maps are those of the other tiers;
//! `TASKS` is keyed by thread id here, since no task can be looked into.

mod fields;
mod lock;
mod sched;
mod signal;
mod syscall;
mod task;
mod wake;
mod who;
