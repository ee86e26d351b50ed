//! Kernel stacks by function name: every name has an address, as if kallsyms
//! had listed it.

use crate::wire::session::Fact;

/// Functions that tests put on stacks; `~` marks scheduler text.
const FUNCTIONS: &[&str] = &[
    "~schedule",
    "do_wait",
    "ep_poll",
    "do_sys_poll",
    "futex_wait",
    "hrtimer_nanosleep",
    "pipe_read",
    "handle_mm_fault",
    "vfs_fsync_range",
    "some_driver_wait",
    "hrtimer_wakeup",
    "asm_sysvec_apic_timer_interrupt",
    "vfs_read",
    "try_to_wake_up",
    "do_notify_parent",
    "futex_wake",
    "net_rx_action",
    "bio_endio",
    "blk_update_request",
    "process_one_work",
    "signal_wake_up_state",
    "complete_signal",
    "__send_signal_locked",
    "it_real_fn",
    "__hrtimer_run_queues",
    "oom_kill_process",
    "mem_cgroup_out_of_memory",
];

const TEXT: u64 = 0xffff_ffff_8100_0000;

fn address(name: &str) -> u64 {
    let index = FUNCTIONS
        .iter()
        .position(|f| f.trim_start_matches('~') == name);
    TEXT + 0x100 * index.unwrap_or_else(|| panic!("no test function {name}")) as u64
}

/// A stack from names, innermost first.
pub(crate) fn stack(names: &str) -> Vec<u64> {
    names.split_whitespace().map(address).collect()
}

/// What user space would have learned of these addresses.
pub(crate) fn symbols() -> Vec<Fact> {
    let fact = |function: &&str| Fact::Symbol {
        addr: address(function.trim_start_matches('~')),
        name: function.trim_start_matches('~').to_owned(),
        sched: function.starts_with('~'),
    };
    FUNCTIONS.iter().map(fact).collect()
}
