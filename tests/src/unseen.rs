//! What a report says that it could not see, and what that excuses: a wait may
//! be reported as `unknown`, its times right all the same. Nothing excuses a wrong
//! name.

use crate::report::{Report, Wake};
use crate::truth::Measured;

/// Kinds that follow from a descriptor.
const BY_DESCRIPTOR: &[&str] = &[
    "pipe-read",
    "pipe-write",
    "socket-recv",
    "socket-send",
    "tty",
    "timer",
    "event",
    "disk",
];
/// Kinds that follow from a stack.
const BY_STACK: &[&str] = &[
    "kernel-lock",
    "page-fault",
    "throttled",
    "disk",
    "sync",
    "ipc",
];

/// What is not seen, and the kinds that are then not known; an empty list is all.
const UNSEEN: &[(&str, &[&str])] = &[
    ("system calls", &[]),
    ("what a descriptor is", BY_DESCRIPTOR),
    ("kernel stacks", BY_STACK),
    ("kernel function names", BY_STACK),
    (
        "which uninterruptible sleeps wait for a kernel lock",
        &["kernel-lock"],
    ),
];

/// What a report could not see.
pub struct Unseen<'a> {
    problems: &'a [String],
    hidden_switches: bool,
}

impl<'a> Unseen<'a> {
    /// Reads the report's own words.
    pub fn of(report: &'a Report) -> Unseen<'a> {
        Unseen {
            problems: &report.coverage.problems,
            hidden_switches: report.coverage.recovered_switches > 0,
        }
    }

    /// Whether a wait of this case may be reported with this kind.
    pub fn excuses_kind(&self, truth: &Measured, reported: &str) -> bool {
        let concerns = |kinds: &[&str]| kinds.is_empty() || kinds.contains(&truth.kind.as_str());
        reported == "unknown"
            && UNSEEN
                .iter()
                .any(|(what, kinds)| concerns(kinds) && self.lacks(what))
    }

    /// Whether the function of a wait that these ended may be missing.
    pub fn excuses_function(&self, wakes: &[Wake]) -> bool {
        self.are_stacks() || wakes.iter().all(|wake| self.hides(wake))
    }

    /// Whether a waking may be unverified.
    pub fn excuses_waker(&self, truth: &Measured, wake: &Wake) -> bool {
        let by_task = |source: &String| source.starts_with("task") || source == "signal";
        let by_interrupt = !truth.expect_source.iter().all(by_task);
        self.hides(wake) || is_unverified(wake) && by_interrupt && self.are_interrupts()
    }

    /// Timers, packets and disks cannot be distinguished from the task they interrupt, or
    /// from each other.
    pub fn are_interrupts(&self) -> bool {
        self.are_stacks() || self.lacks("interrupt context of wake-ups")
    }

    /// Some switches are hidden by the kernel, and with them wakings: of what
    /// happens beside a protected task some kernels show nothing.
    pub fn are_switches(&self) -> bool {
        self.hidden_switches
    }

    /// Kinds that only a stack or a third argument shows are not known.
    pub fn are_kinds(&self) -> bool {
        self.are_stacks() || self.are_descriptors() || self.lacks("system calls")
    }

    /// Objects of waits are not known.
    pub fn are_descriptors(&self) -> bool {
        self.lacks("what a descriptor is")
    }

    fn are_stacks(&self) -> bool {
        self.lacks("kernel stacks") || self.lacks("kernel function names")
    }

    fn hides(&self, wake: &Wake) -> bool {
        self.hidden_switches && is_unverified(wake)
    }

    fn lacks(&self, what: &str) -> bool {
        self.problems.iter().any(|problem| {
            let (_, unseen) = problem.split_once("not seen: ").unwrap_or(("", problem));
            unseen.starts_with(what)
        })
    }
}

/// What is wrong with the number of unverified wake-ups of a run. Some kernels
/// hide from all tracing what happens beside a protected task (seen on a
/// sandboxed host): a waking then has no record, and to say so is right, to
/// guess is not. Such a kernel hides switches as well, which the report counts;
/// where it hides none, every wake-up is verified, unless the report says why
/// interrupts are not. 5 % of all is the most.
pub fn hidden(report: &Report) -> Option<String> {
    let unseen = Unseen::of(report);
    if unseen.are_interrupts() {
        return None;
    }
    let (mut count, mut which) = (0, String::new());
    for thread in &report.threads {
        for wait in &thread.account.waits {
            count += wait.count;
            for wake in wait.wakes.iter().filter(|wake| is_unverified(wake)) {
                which += &format!(
                    "\n{}: {} in {:?}, at most {} ns: {wake:?}",
                    thread.comm, wait.kind, wait.function, wait.max_ns
                );
            }
        }
    }
    let unverified = report.coverage.unverified_wakes;
    let allowed = if unseen.are_switches() { count / 20 } else { 0 };
    (unverified > allowed).then(|| format!("{unverified} of {count} wake-ups unverified{which}"))
}

fn is_unverified(wake: &Wake) -> bool {
    wake.source == "unverified"
}
