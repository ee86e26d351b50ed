//! Addresses → function names, and the one function a sleeper is said to be in.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{
    classify::marks::{self, Intervening},
    source,
};
use crate::vocabulary::{WaitKind, WakeSource};

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Function; empty when it could not be told.
    pub name: Arc<str>,
    /// In the scheduler's own text.
    pub sched: bool,
    says: Says,
}

/// What follows from a name, found out once: a stack is looked at for every wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Says {
    /// Of [`Intervening`] functions: what a sleep below it is for.
    intervening: Option<Intervening>,
    /// Of others: that.
    kind: Option<WaitKind>,
    /// As [`source::interrupt`].
    interrupt: Option<WakeSource>,
    /// One of [`GENERIC`], or in the scheduler's text.
    is_helper: bool,
    /// One of [`ENTRY`].
    is_entry: bool,
    is_probe: bool,
}

impl Symbol {
    /// A function, and whether it is in the scheduler's own text.
    pub fn new(name: Arc<str>, sched: bool) -> Symbol {
        let says = Says {
            intervening: marks::intervening(&name),
            kind: marks::by_function(&name),
            interrupt: source::interrupt(&name),
            is_helper: sched || GENERIC.contains(&&*name),
            is_entry: ENTRY.contains(&&*name),
            is_probe: is_probe(&name),
        };
        Symbol { name, sched, says }
    }

    /// As [`marks::intervening`].
    pub fn intervening(&self) -> Option<Intervening> {
        self.says.intervening
    }

    /// As [`marks::by_function`].
    pub fn kind(&self) -> Option<WaitKind> {
        self.says.kind
    }

    /// As [`source::interrupt`].
    pub fn interrupt(&self) -> Option<WakeSource> {
        self.says.interrupt
    }
}

/// Known addresses.
#[derive(Clone, Debug, Default)]
pub struct Symbols(FxHashMap<u64, Symbol>);

impl Symbols {
    /// Learns one.
    pub fn insert(&mut self, addr: u64, symbol: Symbol) {
        self.0.insert(addr, symbol);
    }

    /// The symbols of a stack, innermost first; unresolved frames are left out.
    pub fn resolve<'a>(&'a self, frames: &[u64]) -> Vec<&'a Symbol> {
        frames
            .iter()
            .filter_map(|addr| self.0.get(addr))
            .filter(|symbol| !symbol.name.is_empty())
            .collect()
    }
}

/// Functions by name, separated by spaces.
#[cfg(test)]
pub(super) fn named(stack: &str) -> Vec<Symbol> {
    let symbol = |name: &str| Symbol::new(name.into(), false);
    stack.split_whitespace().map(symbol).collect()
}

/// Helpers that wait on behalf of their caller but lie outside `.sched.text`:
/// the caller says more. Kernels 5.10 to 7.2.
const GENERIC: &[&str] = &[
    "schedule",
    "__schedule",
    "wait_woken",
    "sk_wait_data",
    "sk_wait_event",
    "__skb_wait_for_more_packets",
    "poll_schedule_timeout",
    "futex_wait_queue",
    "futex_wait_queue_me",
    "futex_do_wait",
    "__futex_wait",
    "bit_wait_io",
    "bit_wait",
    "folio_wait_bit",
    "wait_on_page_bit_common",
    "ep_schedule_timeout",
    "schedule_hrtimeout_range",
    "schedule_hrtimeout_range_clock",
    "schedule_hrtimeout",
    "do_wait_intr_irq",
    "do_wait_intr",
];

/// The way into the kernel, which sleeps nowhere itself. What is called as the last thing
/// that its caller does leaves nothing else on the stack.
const ENTRY: &[&str] = &[
    "__x64_sys_restart_syscall",
    "__arm64_sys_restart_syscall",
    "x64_sys_call",
    "do_syscall_64",
    "entry_SYSCALL_64_after_hwframe",
    "entry_SYSCALL_64",
    "invoke_syscall",
    "el0_svc_common",
    "do_el0_svc",
    "el0_svc",
];

/// The kernel function a thread sleeps in: the innermost frame that is neither
/// scheduler text (what `/proc/PID/wchan` shows) nor a generic helper; `None` where that
/// is only the way into the kernel.
pub fn function<'a>(stack: &[&'a Symbol]) -> Option<&'a str> {
    let named = |symbol: &&&'a Symbol| !symbol.says.is_helper;
    let function = stack.iter().find(named).or(stack.last());
    let function = function.filter(|symbol| !symbol.says.is_entry);
    function.map(|symbol| &*symbol.name)
}

/// Frames of a probe itself head the stack taken inside it: skip them by name,
/// for their number differs from kernel to kernel.
pub fn without_probe<'s, 'a>(stack: &'s [&'a Symbol]) -> &'s [&'a Symbol] {
    let first = stack.iter().position(|symbol| !symbol.says.is_probe);
    &stack[first.unwrap_or(stack.len())..]
}

fn is_probe(name: &str) -> bool {
    const BEGIN: [&str; 5] = ["bpf_", "__bpf_", "__traceiter_", "trace_", "__probestub_"];
    BEGIN.iter().any(|begin| name.starts_with(begin))
}
