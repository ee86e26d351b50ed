//! The programs of the raw tier, the fields they read, and what this tier never
//! shows.

use crate::{
    probe::programs::{Hook, Rung, Spec, When},
    wire::session::Tier,
};

/// A program of this tier.
macro_rules! raw {
    ($hook:ident $program:literal $target:literal, $required:literal, $gives:literal) => {
        Spec {
            name: $program,
            tier: Tier::Raw,
            required: $required,
            gives: $gives,
            when: When::Always,
            rungs: &[Rung {
                hook: Hook::$hook,
                program: $program,
                target: $target,
            }],
        }
    };
}

/// In the order of attaching, as in the tiers above: births first, switches
/// last, ends before the beginnings that they end ([`ENDS`]).
pub const PROBES: &[Spec] = &[
    raw!(ClassicTracepoint "raw_task_newtask" "task:task_newtask", true,
        "new threads and processes"),
    raw!(ClassicTracepoint "raw_sched_wakeup_new" "sched:sched_wakeup_new", true,
        "the first moment of a thread"),
    raw!(ClassicTracepoint "raw_sched_process_exec" "sched:sched_process_exec", true,
        "program names"),
    raw!(ClassicTracepoint "raw_task_rename" "task:task_rename", false,
        "thread names set later"),
    raw!(ClassicTracepoint "raw_sched_process_exit" "sched:sched_process_exit", true,
        "the end of threads"),
    raw!(ClassicTracepoint "raw_sched_migrate_task" "sched:sched_migrate_task", false,
        "CPU migrations"),
    raw!(ClassicTracepoint "raw_contention_end" "lock:contention_end", false,
        "where waits for a kernel lock end"),
    raw!(ClassicTracepoint "raw_contention_begin" "lock:contention_begin", false,
        "which uninterruptible sleeps wait for a kernel lock"),
    raw!(RawTracepoint "netif_receive_skb" "netif_receive_skb", false,
        "which packet is delivered"),
    raw!(RawTracepoint "netif_rx" "netif_rx", false,
        "who sent it (loopback and other virtual devices)"),
    raw!(RawTracepoint "softirq_exit" "softirq_exit", false,
        "when packets are no more delivered"),
    raw!(RawTracepoint "softirq_entry" "softirq_entry", false,
        "when packets are delivered"),
    raw!(RawTracepoint "raw_sys_enter" "sys_enter", false,
        "system calls"),
    raw!(ClassicTracepoint "raw_signal_generate" "signal:signal_generate", false,
        "signals that end waits"),
    raw!(ClassicTracepoint "raw_sched_waking" "sched:sched_waking", true,
        "who wakes"),
    raw!(ClassicTracepoint "raw_sched_switch" "sched:sched_switch", true,
        "every wait"),
];

/// Programs that see something begin, and those that see it end: without the
/// latter it would seem to last for ever.
pub const ENDS: &[(&str, &str)] = &[("raw_contention_begin", "raw_contention_end")];

/// A field that a program reads.
pub struct Wanted {
    /// The global that takes its offset (`probe-ebpf/src/probes/raw/fields.rs`).
    pub global: &'static str,
    /// The event, as in a [`Rung`]'s target.
    pub event: &'static str,
    /// The field's name.
    pub field: &'static str,
    /// Bytes read; the field may be longer, which a little-endian machine does
    /// not mind.
    pub bytes: u32,
}

const fn wanted(
    global: &'static str,
    event: &'static str,
    field: &'static str,
    bytes: u32,
) -> Wanted {
    Wanted {
        global,
        event,
        field,
        bytes,
    }
}

/// Every field that is read.
#[rustfmt::skip]
pub const FIELDS: &[Wanted] = &[
    wanted("RAW_NEWTASK_PID", "task:task_newtask", "pid", 4),
    wanted("RAW_NEWTASK_COMM", "task:task_newtask", "comm", 16),
    wanted("RAW_NEWTASK_FLAGS", "task:task_newtask", "clone_flags", 8),
    wanted("RAW_WAKEUP_NEW_PID", "sched:sched_wakeup_new", "pid", 4),
    wanted("RAW_EXEC_OLD_PID", "sched:sched_process_exec", "old_pid", 4),
    wanted("RAW_RENAME_PID", "task:task_rename", "pid", 4),
    wanted("RAW_RENAME_COMM", "task:task_rename", "newcomm", 16),
    wanted("RAW_MIGRATE_PID", "sched:sched_migrate_task", "pid", 4),
    wanted("RAW_CONTENTION_BEGIN_LOCK", "lock:contention_begin", "lock_addr", 8),
    wanted("RAW_CONTENTION_BEGIN_FLAGS", "lock:contention_begin", "flags", 4),
    wanted("RAW_CONTENTION_END_LOCK", "lock:contention_end", "lock_addr", 8),
    wanted("RAW_SIGNAL_SIG", "signal:signal_generate", "sig", 4),
    wanted("RAW_SIGNAL_PID", "signal:signal_generate", "pid", 4),
    wanted("RAW_WAKING_PID", "sched:sched_waking", "pid", 4),
    wanted("RAW_SWITCH_PREV_STATE", "sched:sched_switch", "prev_state", 4),
    wanted("RAW_SWITCH_NEXT_PID", "sched:sched_switch", "next_pid", 4),
];

/// What no kernel shows without type information.
pub const ABSENT: &[&str] = &[
    "kernel functions of sleepers",
    "what a descriptor is",
    "how many descriptors are open",
    "peak memory of processes",
    "sleeps for I/O",
    "program arguments",
    "names of disks",
    "exit statuses of threads",
    "interrupt context of wake-ups",
    "switches that the kernel hides",
    "behind whom threads stand on the run queue",
    "connections and listeners",
    "throttling by CPU quotas",
];
