//! The contexts in which a history's wakings happen, and what the report must
//! say of them.

use probe_common::sched::waker;

use super::{simulation::History, truth::Ending};
use crate::wire::tests::{frames::stack, probes::By};

const KNOWN: u16 = waker::CONTEXT_KNOWN;

/// A task of the tree wakes from `futex`.
const FUTEX: i16 = 202;

impl History {
    /// A context chosen by `which`; a task's only if one is running.
    pub(super) fn context(&self, which: u8) -> (By, Ending) {
        let running = self.running_wakers();
        let current = running.get(usize::from(which >> 3) % running.len().max(1));
        match (which % 9, current) {
            (0..=2, Some(&thread)) => self.task(thread),
            (3, Some(&thread)) => self.timer(self.tid(thread), waker::TRACED),
            (3, None) => self.timer(0, waker::IDLE),
            (4, _) => outside(),
            (5, _) => kernel_thread(),
            // A softirq in whoever runs, whose stack was not taken.
            (6, Some(&thread)) => {
                let tid = self.tid(thread);
                unverified(tid, KNOWN | waker::TRACED | waker::SOFTIRQ)
            }
            // A task or an interrupt: this kernel does not tell.
            (7, Some(&thread)) => unverified(self.tid(thread), waker::TRACED),
            (8, Some(&thread)) => self.own_packet(thread),
            (_, _) => packet(),
        }
    }

    fn task(&self, thread: usize) -> (By, Ending) {
        let exiting = self.is_exiting(thread);
        let mut by = By::task(self.tid(thread), FUTEX);
        if exiting {
            by.flags |= waker::EXITING;
        }
        let ending = Ending {
            thread: Some(thread),
            syscall: Some("futex"),
            ..Ending::by(if exiting { "task-exit" } else { "task" })
        };
        (by, ending)
    }

    fn own_packet(&self, thread: usize) -> (By, Ending) {
        let by = By {
            tid: self.tid(thread),
            nr: FUTEX,
            flags: KNOWN | waker::TRACED | waker::SOFTIRQ | waker::NET_RX | waker::SENDER,
            ..By::default()
        };
        let ending = Ending {
            thread: Some(thread),
            ..Ending::by("net-rx")
        };
        (by, ending)
    }

    fn timer(&self, tid: u32, more: u16) -> (By, Ending) {
        let by = By {
            tid,
            nr: if tid == 0 { -1 } else { FUTEX },
            flags: KNOWN | waker::HARDIRQ | more,
            waker_stack: stack("hrtimer_wakeup asm_sysvec_apic_timer_interrupt vfs_read"),
            ..By::default()
        };
        (by, Ending::by("timer"))
    }
}

/// A task outside the tree, in `read`.
pub(super) fn outside() -> (By, Ending) {
    let by = By {
        tid: 99_999,
        nr: 0,
        flags: KNOWN,
        stranger: Some((99_998, "cron")),
        ..By::default()
    };
    let ending = Ending {
        stranger: Some((99_999, "cron")),
        syscall: Some("read"),
        ..Ending::by("task")
    };
    (by, ending)
}

fn kernel_thread() -> (By, Ending) {
    let by = By {
        tid: 99_977,
        nr: -1,
        flags: KNOWN | waker::KTHREAD,
        stranger: Some((99_977, "kworker/0:1")),
        ..By::default()
    };
    let ending = Ending {
        stranger: Some((99_977, "kworker/0:1")),
        ..Ending::by("kthread")
    };
    (by, ending)
}

fn packet() -> (By, Ending) {
    let by = By {
        nr: -1,
        flags: KNOWN | waker::IDLE | waker::SOFTIRQ,
        waker_stack: stack("try_to_wake_up net_rx_action"),
        ..By::default()
    };
    (by, Ending::by("net-rx"))
}

fn unverified(tid: u32, flags: u16) -> (By, Ending) {
    let by = By {
        tid,
        nr: FUTEX,
        flags,
        ..By::default()
    };
    (by, Ending::by("unverified"))
}
