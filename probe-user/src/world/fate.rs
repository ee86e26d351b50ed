//! What ended a process: what its end says, and what was on its way to it before.
//!
//! A signal ends a process by the number that its threads' exits bear; of those that were
//! sent with this number the latest is the one, for the kernel takes no more when a fatal
//! one is under way. The OOM killer sends SIGKILL of the kernel's own accord, and says on
//! whose behalf only by its stack.
//!
//! A stack has overflowed where a fault lies between the stack pointer and what is known to
//! be stack. Nothing but the stack of the first thread lies within [`GAP`] of its beginning:
//! there a fault above the stack pointer is one where the stack could not grow. Another
//! stack's bounds are not known: the fault must lie next to the stack pointer ([`NEAR`]),
//! and so a frame of more than that which is first touched in its middle is no overflow in
//! here. Nor is a jump to where no code is, nor an access to a page of the first thread's stack
//! that does not permit it: what stops that from growing leaves nothing mapped there.
//!
//! Of a real-time signal several may be on their way at once, and the first one that is taken
//! ends the process. Which one that was is known only where all have the same sender.

use probe_common::uapi::{
    SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SI_QUEUE, SIGBUS, SIGFPE, SIGILL, SIGSEGV,
};

use super::{
    stack::{Symbol, without_probe},
    thread::Thread,
};
use crate::{vocabulary::Shortage, wire::event::Sent};

/// What is known of how a thread ended, beside its status.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// The latest signal of each number that was sent to it, with its time, ns.
    pub sent: Vec<(u64, Sent)>,
    /// The OOM killer chose it, for this if that is known.
    pub chosen: Option<Option<Shortage>>,
    /// Its process left a core.
    pub core: bool,
}

/// The first signal that is queued however many there are. `include/uapi/asm-generic/signal.h`
const RTMIN: u32 = 32;

/// `MIN_GAP` of arch/x86/mm/mmap.c, mm/util.c: so far at least below the beginning of the
/// stack the kernel maps nothing else of its own accord.
const GAP: u64 = 128 << 20;
/// As far from the stack pointer as a push, or what the compiler touches first of a frame
/// of several pages.
const NEAR: u64 = 4096;

impl Thread {
    /// A signal was sent to it.
    pub(super) fn is_sent(&mut self, ts_ns: u64, sent: &Sent) {
        let all = &mut self.ending.sent;
        let before = all.iter().position(|(_, it)| it.signal == sent.signal);
        let before = before.map(|at| all.swap_remove(at).1);
        let is_clear = |before: &Sent| sent.signal < RTMIN || before.sender == sent.sender;
        let sent = match before.is_none_or(|before| is_clear(&before)) {
            true => sent.clone(),
            false => Sent {
                signal: sent.signal,
                code: SI_QUEUE,
                ..Sent::default()
            },
        };
        all.push((ts_ns, sent));
    }

    /// The OOM killer chose it; `stack` is that of whatever called it.
    pub(super) fn is_chosen(&mut self, stack: &[&Symbol]) {
        self.ending.chosen = Some(shortage(stack));
    }
}

impl Sent {
    /// Whether it is for a fault of the thread that it was sent to, which has a place.
    pub fn is_fault(&self) -> bool {
        let is_of_place = matches!(self.signal, SIGILL | SIGBUS | SIGFPE | SIGSEGV);
        is_of_place && self.code > 0 && self.code < SI_KERNEL
    }

    /// Where the fault was. Code lies at no address of zero: of the signals for what it does
    /// that was not recorded.
    pub fn address(&self) -> Option<u64> {
        let is_known = self.addr != 0 || matches!(self.signal, SIGBUS | SIGSEGV);
        Some(self.addr).filter(|_| self.is_fault() && is_known)
    }

    /// Whether no task sent it.
    pub fn is_by_kernel(&self) -> bool {
        self.code > 0
    }

    /// Whether that is one of a stack that could not grow.
    pub fn is_stack_overflow(&self) -> bool {
        let is_of_memory =
            self.code == SEGV_MAPERR || self.code == SEGV_ACCERR && !self.is_on_first_stack();
        if !is_of_memory || self.sp == 0 || self.addr == self.ip {
            return false;
        }
        let lowest = self.sp.saturating_sub(NEAR);
        (lowest..self.highest()).contains(&self.addr)
    }

    /// What is below this and above the stack pointer is stack, or would be.
    fn highest(&self) -> u64 {
        if self.is_on_first_stack() {
            self.stack_start
        } else {
            self.sp.saturating_add(NEAR)
        }
    }

    fn is_on_first_stack(&self) -> bool {
        let limit = Some(self.stack_limit).filter(|&limit| limit != u64::MAX);
        let reach = limit.unwrap_or_default().max(GAP);
        let first = self.stack_start.saturating_sub(reach)..self.stack_start;
        first.contains(&self.sp)
    }
}

/// Whose memory was short, by the stack of the OOM killer.
fn shortage(stack: &[&Symbol]) -> Option<Shortage> {
    let stack = without_probe(stack);
    let has = |names: &[&str]| stack.iter().any(|symbol| names.contains(&&*symbol.name));
    if has(OF_CGROUP) {
        Some(Shortage::Cgroup)
    } else if has(OF_MACHINE) {
        Some(Shortage::Machine)
    } else {
        None
    }
}

/// mm/memcontrol.c, and mm/memcontrol-v1.c since 6.12.
const OF_CGROUP: &[&str] = &[
    "mem_cgroup_out_of_memory",
    "mem_cgroup_oom",
    "mem_cgroup_oom_synchronize",
];
/// mm/page_alloc.c, mm/oom_kill.c, drivers/tty/sysrq.c: what calls `out_of_memory` else.
const OF_MACHINE: &[&str] = &[
    "__alloc_pages_may_oom",
    "__alloc_pages_slowpath",
    "pagefault_out_of_memory",
    "moom_callback",
];

#[cfg(test)]
mod tests {
    use super::super::stack::named;
    use super::*;

    const START: u64 = 0x7ffc_0000_0000;
    const LIMIT: u64 = 8 << 20;

    #[track_caller]
    fn check(code: i32, addr: u64, sp: u64, expect: bool) {
        let sent = Sent {
            signal: 11,
            code,
            addr,
            sp,
            ip: 0x40_1000,
            stack_start: START,
            stack_limit: LIMIT,
            ..Sent::default()
        };
        assert_eq!(sent.is_stack_overflow(), expect, "{sent:x?}");
    }

    #[test]
    fn fate_a_stack_overflows_where_the_stack_pointer_has_left_it() {
        let edge = START - LIMIT;
        // A push, a local variable, one of a frame of a megabyte.
        check(SEGV_MAPERR, edge - 8, edge, true);
        check(SEGV_MAPERR, edge - 0x400, edge - 0x1000, true);
        check(SEGV_MAPERR, edge - 0x400, edge - (1 << 20), true);
        // A guard page below another stack.
        check(SEGV_ACCERR, 0x7f00_0000_0ff8, 0x7f00_0000_1000, true);
        check(SEGV_ACCERR, 0x7f00_0000_0800, 0x7f00_0000_0400, true);
        // Wild pointers: of a thread with room on its stack, to the other end of another
        // stack, to what may not be written.
        check(SEGV_MAPERR, 0, START - 0x1000, false);
        check(SEGV_MAPERR, edge - 0x10_0000, START - 0x1000, false);
        check(SEGV_MAPERR, START + 0x10_0000, START - 0x1000, false);
        check(SEGV_ACCERR, 0x7f00_0080_0000, 0x7f00_007f_0000, false);
        check(SEGV_ACCERR, 0x40_2000, 0x7f00_0000_1000, false);
        // A page in the middle of the first stack that was protected.
        check(SEGV_ACCERR, START - 0x8000, START - 0x8100, false);
        check(SEGV_ACCERR, edge - 8, edge, false);
    }

    #[test]
    fn fate_of_a_queued_signal_is_by_its_sender_where_there_is_one_only() {
        let check = |signal, senders: &[u32], expect: Option<u32>| {
            let mut thread = Thread::default();
            for (at_ns, &pid) in (0..).zip(senders) {
                let sender = Some((pid, Box::from(*b"sh")));
                let sent = Sent {
                    signal,
                    sender,
                    ..Sent::default()
                };
                thread.is_sent(at_ns, &sent);
            }
            let [(_, ref last)] = thread.ending.sent[..] else {
                panic!("{:?}", thread.ending);
            };
            assert_eq!(last.sender.as_ref().map(|(pid, _)| *pid), expect);
            assert!(!last.is_by_kernel());
        };
        check(15, &[7, 8], Some(8));
        check(40, &[7], Some(7));
        check(40, &[7, 7], Some(7));
        check(40, &[7, 8], None);
        check(40, &[7, 8, 8], None);
    }

    #[test]
    fn fate_a_fault_has_the_place_that_was_recorded() {
        let at = |signal, code, addr| {
            let sent = Sent {
                signal,
                code,
                addr,
                ..Sent::default()
            };
            sent.address()
        };
        assert_eq!(at(SIGSEGV, SEGV_MAPERR, 0), Some(0));
        assert_eq!(at(SIGFPE, 1, 0x40_1000), Some(0x40_1000));
        assert_eq!(at(SIGILL, 1, 0), None, "of an earlier version");
        assert_eq!(at(31, 1, 8), None, "seccomp");
        assert_eq!(at(SIGSEGV, SI_KERNEL, 8), None);
        assert_eq!(at(SIGSEGV, 0, 8), None);
    }

    #[test]
    fn fate_a_stack_does_not_overflow_by_a_jump_or_where_nothing_is_known() {
        check(SEGV_ACCERR, 0x40_1000, 0x40_1100, false);
        check(SEGV_MAPERR, 8, 0, false);
        check(SI_KERNEL, START - LIMIT - 8, START - LIMIT, false);
        check(0, START - LIMIT - 8, START - LIMIT, false);
    }

    #[test]
    fn fate_the_oom_killers_stack_says_whose_memory_was_short() {
        let of = |stack: &str| {
            let symbols = named(stack);
            let stack: Vec<&Symbol> = symbols.iter().collect();
            shortage(&stack)
        };
        let cgroup = "bpf_prog_1 mark_oom_victim oom_kill_process out_of_memory \
                      mem_cgroup_out_of_memory try_charge_memcg charge_memcg";
        assert_eq!(of(cgroup), Some(Shortage::Cgroup));
        let machine = "mark_oom_victim oom_kill_process out_of_memory __alloc_pages_may_oom";
        assert_eq!(of(machine), Some(Shortage::Machine));
        assert_eq!(of("mark_oom_victim out_of_memory"), None);
        assert_eq!(of(""), None);
    }
}
