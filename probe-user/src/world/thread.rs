//! One thread: identity, names over time, state, account.

use super::{
    account::Account,
    call::{Calls, Polled},
    identity::ThreadId,
    process::ProcessId,
    wait_site::FileObject,
};
use crate::wire::{event::Off, session::Exit};

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
    /// Arguments of the last exec, NUL-separated; inherited from the creator.
    pub argv: Box<[u8]>,
    /// It has run exec itself.
    pub has_execed: bool,
    /// How it ended.
    pub exit: Option<Exit>,
    /// CPU migrations.
    pub migrations: u64,
    /// First observed instant, ns; `None` before it was first runnable.
    pub start_ns: Option<u64>,
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
    /// Name and arguments of the programs before the last exec, oldest first.
    pub former_programs: Vec<(Box<str>, Box<[u8]>)>,
    /// Finished calls of watched functions.
    pub calls: Calls,
    /// What an empty return of `do_epoll_wait` is judged by.
    pub polled: Option<Polled>,
    /// The file that its calls were last seen to block on, and its name.
    pub object: Option<FileObject>,
    /// The other file of a call that moves data.
    pub second_object: Option<FileObject>,
    /// Its latest switch-out to sleep: what `restart_syscall` goes on with.
    pub last_sleep: Option<Off>,
    /// Stack of the present sleep and when it was taken.
    pub sleeper_stack: Option<(u64, Box<[u64]>)>,
    /// Stack of whatever ended it, and when.
    pub waker_stack: Option<(u64, Box<[u64]>)>,
    /// The disk that had finished a request just before it was woken, and when
    /// it was woken.
    pub disk: Option<(u64, u32)>,
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
        if self.held && !self.has_execed {
            return;
        }
        if !old.is_empty() && self.former_comms.len() < FORMER_NAMES {
            self.former_comms.push(old);
        }
    }

    /// It becomes another program.
    pub fn run_program(&mut self, ts_ns: u64, comm: &[u8], argv: Box<[u8]>) {
        self.execed_ns.push(ts_ns);
        let former = std::mem::replace(&mut self.argv, argv);
        if self.former_programs.len() < FORMER_NAMES {
            self.former_programs.push((self.comm.clone(), former));
        }
        self.rename(comm);
        self.has_execed = true;
        self.execs = self.execs.saturating_add(1);
    }

    /// Whether it can still have events at `ts_ns`.
    pub fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// Whether it is the leader of its process.
    pub fn is_leader(&self) -> bool {
        self.pid == Some(self.tid)
    }
}

/// Names kept per thread: some programs show progress in their name.
const FORMER_NAMES: usize = 16;

/// An `exit_code` of the kernel as wait(2) would show it.
pub fn exit_of(status: i32) -> Exit {
    match status & 0x7f {
        0 => Exit::Code((status >> 8) & 0xff),
        signal => Exit::Signal(signal),
    }
}
