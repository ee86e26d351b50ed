//! One thread: identity, names over time, state, account.

use std::sync::Arc;

use probe_common::sched::state;

use super::{
    account::Account,
    call::{Calls, Polled},
    fate::Ending,
    identity::ThreadId,
    names::NameId,
    process::ProcessId,
    program::Program,
    run_queue::Track,
    user_stacks::UserStackId,
    wait_site::FileObject,
};
use crate::wire::{
    event::{Off, Pending},
    session::Exit,
};

/// A thread of the traced tree.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its identity.
    pub id: ThreadId,
    /// Its id; the process id after an exec by another thread than the leader.
    pub tid: u32,
    /// Its process; `None` when its birth was lost.
    pub pid: Option<u32>,
    /// Its parent process.
    pub ppid: Option<u32>,
    /// The process that it belongs to.
    pub process: ProcessId,
    /// The thread that made it.
    pub creator: Option<ThreadId>,
    /// Last name.
    pub comm: Box<str>,
    /// Earlier names, oldest first.
    pub former_comms: Vec<Box<str>>,
    /// What it runs since the last exec; inherited from the creator.
    pub program: Arc<Program>,
    /// It has run exec itself.
    pub has_execed: bool,
    /// How it ended.
    pub exit: Option<Exit>,
    /// What else is known of that.
    pub ending: Ending,
    /// CPU migrations.
    pub migrations: u64,
    /// Those before the account began.
    pub migrations_before: u64,
    /// First observed instant, ns; `None` before it was first runnable.
    pub start_ns: Option<u64>,
    /// From when it was made runnable to when it first ran, ns; `None` if that was not seen.
    pub started_within_ns: Option<u64>,
    /// From then to its first exec, ns.
    pub execed_within_ns: Option<u64>,
    /// What it does.
    pub state: State,
    /// Since when, ns: everything before is in the account.
    pub since_ns: u64,
    /// Switch-outs so far; `None` when not known.
    pub seq: Option<u16>,
    /// The account of the intervals that have left it, up to `since_ns`.
    pub account: Account,
    /// Times that it has run exec.
    pub execs: u16,
    /// When, since the latest switch, ns.
    pub execed_ns: Vec<u64>,
    /// The programs before the last exec, oldest first.
    pub former_programs: Vec<Arc<Program>>,
    /// Finished calls of watched functions.
    pub calls: Calls,
    /// What an empty return of `do_epoll_wait` is judged by.
    pub polled: Option<Polled>,
    /// When it slept on for events, ns, although it had been woken: its call had nothing to
    /// return. Known where returns are; in order, [`SLEPT_ON`] of them at most.
    pub slept_on_ns: Vec<u64>,
    /// The file that its calls were last seen to block on, and its name.
    pub object: Option<FileObject>,
    /// The other file of a call that moves data.
    pub second_object: Option<FileObject>,
    /// Its latest switch-out to sleep: what `restart_syscall` goes on with.
    pub last_sleep: Option<Off>,
    /// The kernel function that its latest sleep in a call was in.
    pub last_function: NameId,
    /// Stack of the present sleep and when it was taken.
    pub sleeper_stack: Option<(u64, Box<[u64]>)>,
    /// The program's stack of the present sleep and when it was taken.
    pub user_stack: Option<(u64, UserStackId)>,
    /// Stack of whatever ended it, and when.
    pub waker_stack: Option<(u64, Box<[u64]>)>,
    /// The disk that had finished a request just before it was woken, and when
    /// it was woken.
    pub disk: Option<(u64, u32)>,
    /// Where it was and came to since it last ran.
    pub track: Track,
    /// The signals that it had pending as it was woken, and when that was.
    pub signals: Option<(u64, Pending)>,
    /// When the first segment of a connection that it makes was last sent again, ns,
    /// and where to.
    pub unanswered: Option<(u64, Box<str>)>,
    /// The thread that had this tid before.
    pub previous: Option<ThreadId>,
    /// The root of a `run`: asleep until it is released, which is its birth.
    pub held: bool,
    /// Present in the final snapshot.
    pub in_last_snapshot: bool,
    /// What the final snapshot saw it do, and when, where that contradicts its
    /// records: a switch may have come between the snapshot's clock and its
    /// look, and is told next; or the record of one was lost.
    pub unconfirmed: Option<(u64, State)>,
}

/// What a thread does. Starts at `Unknown`: nothing is assumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum State {
    /// Records are missing: it was seen, but not what it does.
    #[default]
    Unknown,
    /// Created or held, not yet runnable.
    NotStarted,
    /// On a CPU.
    Running,
    /// On a run queue.
    Runnable,
    /// Asleep.
    Waiting(Wait),
    /// Gone; `since_ns` is its last instant.
    Dead,
}

/// A wait that is not finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// The switch-out that began it.
    pub off: Off,
    /// It had begun before the observation.
    pub begun_before: bool,
}

impl Wait {
    /// The task's state during it ([`state`]).
    pub fn state(&self) -> u16 {
        match self.off.throttled {
            true => state::RUNNING,
            false => self.off.state,
        }
    }
}

impl Thread {
    /// A thread about which nothing but its tid is known. Its life begins with
    /// its first switch or snapshot.
    pub fn unidentified(tid: u32) -> Thread {
        Thread {
            tid,
            ..Thread::default()
        }
    }

    /// Gives it a new name; the old one is remembered.
    pub fn rename(&mut self, comm: &[u8]) {
        let comm: Box<str> = String::from_utf8_lossy(comm).into();
        if comm == self.comm {
            return;
        }
        let old = std::mem::replace(&mut self.comm, comm);
        // The name of a held child is ours, not the command's.
        if self.is_held() {
            return;
        }
        if !old.is_empty() && self.former_comms.len() < FORMER_NAMES {
            self.former_comms.push(old);
        }
    }

    /// It becomes another program.
    pub fn run_program(&mut self, ts_ns: u64, comm: &[u8], argv: Box<[u8]>) {
        self.execed_ns.push(ts_ns);
        let name = String::from_utf8_lossy(comm).into();
        let next = Arc::new(Program {
            comm: name,
            argv,
            found: None,
        });
        let former = std::mem::replace(&mut self.program, next);
        if self.former_programs.len() < FORMER_NAMES {
            let is_unknown = former.is_unknown();
            let by_name = || Program::named(&self.comm);
            let former = if is_unknown { by_name() } else { former };
            self.former_programs.push(former);
        }
        self.rename(comm);
        let first = self.execs == 0 && self.started_within_ns.is_some();
        if let Some(start_ns) = self.start_ns.filter(|_| first) {
            self.execed_within_ns = Some(ts_ns.saturating_sub(start_ns));
        }
        self.has_execed = true;
        self.execs = self.execs.saturating_add(1);
    }

    /// It has migrated so often since the probes follow it.
    pub fn has_migrated(&mut self, times: u32) {
        self.migrations = u64::from(times).saturating_sub(self.migrations_before);
    }

    /// Whether it may be the root of a run that is not released yet: it does not run the
    /// command.
    pub fn is_held(&self) -> bool {
        self.held && !self.has_execed
    }

    /// Whether it can still have events at `ts_ns`.
    pub fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Whether it has begun to exit, or is dead.
    pub fn is_over(&self) -> bool {
        self.exit.is_some() || self.is_dead()
    }

    /// Whether it is the leader of its process.
    pub fn is_leader(&self) -> bool {
        self.pid == Some(self.tid)
    }
}

/// Wakes in vain that are kept per thread; of others the run shows it, if it is short.
pub(super) const SLEPT_ON: usize = 16_384;

/// Names kept per thread: some programs show progress in their name.
const FORMER_NAMES: usize = 16;

/// In an `exit_code` of the kernel: it left a core.
const CORE: i32 = 0x80;

impl Thread {
    /// It begins to exit, with an `exit_code` of the kernel.
    pub fn exit_with(&mut self, status: Option<i32>) {
        self.exit = status.map(exit_of);
        self.ending.core = status.is_some_and(|status| status & CORE != 0 && status & 0x7f != 0);
    }
}

/// An `exit_code` of the kernel as wait(2) would show it.
pub fn exit_of(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code((status >> 8) & 0xff),
        signal => Exit::Signal(signal),
    }
}
