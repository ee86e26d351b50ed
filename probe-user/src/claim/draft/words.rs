//! What is claimed, as plain sentences.

use super::who::Subject;
use crate::vocabulary::{CauseKind, WaitKind, WakeSource};

impl Subject {
    /// `git fetch`, `the git pull processes`, `the threads of python3 pool.py`.
    pub(super) fn whole(&self) -> String {
        match self.is_one && !self.text.starts_with("other thread of ") {
            true => self.text.clone(),
            false => format!("the {}", self.text),
        }
    }

    /// One does, many do.
    pub(super) fn verb<'a>(&self, one: &'a str, many: &'a str) -> &'a str {
        if self.is_one { one } else { many }
    }

    /// `git fetch waits mostly for child-exit`.
    pub(super) fn waits(&self, kind: WaitKind, mostly: &str) -> String {
        let whole = self.whole();
        match kind {
            WaitKind::Sleep => format!("{whole} {} {mostly}", self.verb("sleeps", "sleep")),
            _ => {
                let (verb, what) = (self.verb("waits", "wait"), place(kind));
                format!("{whole} {verb} {mostly} {what}")
            }
        }
    }
}

/// What a wait is for, or in which call.
fn place(kind: WaitKind) -> String {
    match kind {
        WaitKind::Epoll | WaitKind::Poll | WaitKind::Select => format!("in {kind}"),
        WaitKind::Futex => "on a futex".to_owned(),
        WaitKind::Gil => "for Python's interpreter lock (gil)".to_owned(),
        _ => format!("for {kind}"),
    }
}

/// Who ends waits.
pub(super) fn source(source: WakeSource) -> &'static str {
    match source {
        WakeSource::TaskExit => "the end of a task",
        WakeSource::Task => "another task",
        WakeSource::Timer => "a timer",
        WakeSource::NetRx => "the network",
        WakeSource::BlockIo => "block I/O",
        WakeSource::Irq => "an interrupt",
        WakeSource::Kthread => "a kernel thread",
        WakeSource::Signal => "a signal",
        WakeSource::Unverified | WakeSource::New => "nobody known",
    }
}

/// What waits were really for.
pub(super) fn cause(cause: CauseKind, detail: Option<&str>) -> String {
    let of = |what: &str, by: &str| match detail {
        Some(detail) => format!("{what}{by}{detail}"),
        None => what.to_owned(),
    };
    match cause {
        CauseKind::Computing => of("computing", " by "),
        CauseKind::Starting => "the start of programs".to_owned(),
        CauseKind::Network => of("the network", ": "),
        CauseKind::Disk => of("the disk", " "),
        CauseKind::CpuQuota => of("a CPU quota", ": "),
        CauseKind::Timer => "timers".to_owned(),
        _ => of(cause.as_str(), " "),
    }
}

/// `one process`, `97 processes`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    match number {
        1 => format!("one {one}"),
        _ => format!("{number} {many}"),
    }
}
