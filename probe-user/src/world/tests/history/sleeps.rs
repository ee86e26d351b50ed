//! The sleeps of a history, and what the report must call them.

use probe_common::{
    fd::Object,
    sched::{flag, state},
};

use super::truth::Place;
use crate::wire::tests::{bytes::padded, frames, probes::Out};

/// One way to sleep.
pub(super) struct Sleep {
    nr: i16,
    arg0: u64,
    state: u16,
    flags: u16,
    /// Mode, inode, name of the descriptor.
    file: Option<(u32, u64, &'static str)>,
    stack: &'static str,
    /// Kind with and without its stack.
    kind: &'static str,
    bare_kind: &'static str,
    syscall: Option<&'static str>,
    function: &'static str,
    object: Option<&'static str>,
}

const S: u16 = state::INTERRUPTIBLE;
const D: u16 = state::UNINTERRUPTIBLE;

const PLAIN: Sleep = Sleep {
    nr: 230,
    arg0: 0,
    state: S,
    flags: 0,
    file: None,
    stack: "schedule hrtimer_nanosleep",
    kind: "sleep",
    bare_kind: "sleep",
    syscall: Some("clock_nanosleep"),
    function: "hrtimer_nanosleep",
    object: None,
};

/// The one in `epoll_wait`.
pub(super) const FOR_EVENTS: usize = 3;

/// All of them.
pub(super) const SLEEPS: &[Sleep] = &[
    PLAIN,
    Sleep {
        nr: 202,
        arg0: 0x7f00,
        stack: "schedule futex_wait",
        kind: "futex",
        bare_kind: "futex",
        syscall: Some("futex"),
        function: "futex_wait",
        object: Some("futex 0x7f00"),
        ..PLAIN
    },
    Sleep {
        nr: 61,
        stack: "schedule do_wait",
        kind: "child-exit",
        bare_kind: "child-exit",
        syscall: Some("wait4"),
        function: "do_wait",
        ..PLAIN
    },
    Sleep {
        nr: 232,
        file: Some((0o600, 9, "[eventpoll]")),
        stack: "schedule ep_poll",
        kind: "epoll",
        bare_kind: "epoll",
        syscall: Some("epoll_wait"),
        function: "ep_poll",
        object: Some("[eventpoll]"),
        ..PLAIN
    },
    Sleep {
        nr: 0,
        file: Some((0o010_600, 4711, "")),
        stack: "schedule pipe_read",
        kind: "pipe-read",
        bare_kind: "pipe-read",
        syscall: Some("read"),
        function: "pipe_read",
        object: Some("pipe:[4711]"),
        ..PLAIN
    },
    Sleep {
        nr: 74,
        state: D,
        flags: flag::IOWAIT,
        file: Some((0o100_644, 12, "data.bin")),
        stack: "schedule vfs_fsync_range",
        kind: "sync",
        bare_kind: "sync",
        syscall: Some("fsync"),
        function: "vfs_fsync_range",
        object: Some("data.bin"),
        ..PLAIN
    },
    // Only their stacks say what these two wait for.
    Sleep {
        nr: -1,
        state: D,
        stack: "schedule handle_mm_fault",
        kind: "page-fault",
        bare_kind: "unknown",
        syscall: None,
        function: "handle_mm_fault",
        ..PLAIN
    },
    Sleep {
        nr: 257,
        stack: "schedule some_driver_wait",
        kind: "unknown",
        bare_kind: "unknown",
        syscall: Some("openat"),
        function: "some_driver_wait",
        ..PLAIN
    },
    // Preempted, in a cgroup without quota.
    Sleep {
        nr: -1,
        state: state::RUNNING,
        flags: flag::THROTTLED | flag::PREEMPT,
        kind: "throttled",
        bare_kind: "throttled",
        syscall: None,
        ..PLAIN
    },
];

impl Sleep {
    /// The switch-out.
    pub(super) fn out(&self) -> Out {
        let object = if self.file.is_some() { flag::OBJECT } else { 0 };
        Out {
            state: self.state,
            nr: self.nr,
            arg0: self.arg0,
            arg1: 0,
            flags: self.flags | object,
        }
    }

    /// No sleep: the thread is runnable, and has no quota.
    pub(super) fn is_throttled(&self) -> bool {
        self.flags & flag::THROTTLED != 0
    }

    /// The description of its descriptor.
    pub(super) fn object(&self) -> Option<Object> {
        let (mode, ino, name) = self.file?;
        Some(Object {
            fd: 3,
            ino,
            mode,
            name: padded(name.as_bytes()),
            ..Object::default()
        })
    }

    /// The stack it sleeps with.
    pub(super) fn frames(&self) -> Vec<u64> {
        frames::stack(self.stack)
    }

    /// What the report must call it.
    pub(super) fn place(&self, with_stack: bool) -> Place {
        Place {
            kind: if with_stack {
                self.kind
            } else {
                self.bare_kind
            }
            .to_owned(),
            syscall: self.syscall.map(str::to_owned),
            function: with_stack.then(|| self.function.to_owned()),
            object: self.object.map(str::to_owned),
        }
    }
}
