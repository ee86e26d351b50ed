//! What happens to the model's tasks.

use probe_common::sched::{flag, state, waker};

/// Who a new or found task is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Who {
    pub(crate) tid: u32,
    pub(crate) pid: u32,
    pub(crate) ppid: u32,
    pub(crate) comm: &'static str,
}

/// How a task switches out, or was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    pub(crate) state: u16,
    pub(crate) nr: i16,
    pub(crate) arg0: u64,
    pub(crate) arg1: u64,
    /// Bits of [`flag`] besides `HAS_PREV`.
    pub(crate) flags: u16,
}

impl Default for Out {
    fn default() -> Out {
        Out {
            state: state::RUNNING,
            nr: -1,
            arg0: 0,
            arg1: 0,
            flags: 0,
        }
    }
}

impl Out {
    /// The last switch-out.
    pub(crate) const DEAD: Out = Out {
        state: state::DEAD,
        nr: 60,
        arg0: 0,
        arg1: 0,
        flags: 0,
    };

    /// Asleep, interruptibly, in a system call.
    pub(crate) fn sleep(nr: i16) -> Out {
        Out {
            state: state::INTERRUPTIBLE,
            nr,
            ..Out::default()
        }
    }

    /// Preempted in user mode.
    pub(crate) fn preempted() -> Out {
        Out {
            flags: flag::PREEMPT,
            ..Out::default()
        }
    }

    pub(super) fn sleeps(&self) -> bool {
        self.flags & flag::PREEMPT == 0 && self.state != state::RUNNING
    }
}

/// In which context a waking happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    /// `current`.
    pub(crate) tid: u32,
    pub(crate) nr: i16,
    /// Bits of [`waker`].
    pub(crate) flags: u16,
    /// Process and name of a waker outside the tree.
    pub(crate) stranger: Option<(u32, &'static str)>,
    /// Stacks, when they are taken.
    pub(crate) sleeper_stack: Vec<u64>,
    pub(crate) waker_stack: Vec<u64>,
    /// The disk that had finished a request just before.
    pub(crate) disk: Option<u32>,
    /// The signals that the sleeper had pending: its own, its process's, and what that
    /// ends by.
    pub(crate) signals: Option<(u64, u64, u32)>,
}

impl By {
    /// A task of the tree, in a system call.
    pub(crate) fn task(tid: u32, nr: i16) -> By {
        By {
            tid,
            nr,
            flags: waker::CONTEXT_KNOWN | waker::TRACED,
            ..By::default()
        }
    }
}
