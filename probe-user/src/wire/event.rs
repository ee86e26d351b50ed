//! Owned events, one per fact: what the world is made of. Times are
//! `CLOCK_MONOTONIC`, ns.

use crate::syscall::{Class, Table};
pub use crate::vocabulary::Function;

/// A fact about one thread, or one listener, at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub ts_ns: u64,
    /// The CPU that recorded it.
    pub cpu: u16,
    /// The thread it is about; 0 for a [`What::Request`], which is about none.
    pub tid: u32,
    /// What happened.
    pub what: What,
}

/// What happened to [`Event::tid`]. What is rare and large is kept elsewhere: events
/// are moved about until they are in order.
/// The order of the variants is the order in
/// which facts of one instant are applied: descriptions before what they
/// describe, the switch-out before the switch-in.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The file that its blocking system call works on.
    Object(Box<Object>),
    /// The file at the other end of a call that moves data from one to the other.
    SecondObject(Box<Object>),
    /// Its kernel stack while it slept.
    SleeperStack(Box<[u64]>),
    /// The kernel stack of what woke it.
    WakerStack(Box<[u64]>),
    /// The disk (kernel device number) that had finished a request on the CPU of
    /// its waking a moment before.
    Disk(u32),
    /// The name of a task outside the tree that woke it.
    Waker(Stranger),
    /// It was created.
    Fork(Fork),
    /// It was found by the task iterator.
    Snapshot(Box<Snapshot>),
    /// It runs another program.
    Exec(Exec),
    /// It changed its `comm`.
    Rename(Box<[u8]>),
    /// It begins to exit.
    Exit {
        /// wait(2) status, if it could be read.
        status: Option<i32>,
        /// CPU migrations over its life.
        migrations: u32,
    },
    /// It stopped running.
    Off(Off),
    /// It started running.
    On(On),
    /// A watched kernel function returned to it.
    KernelReturn(KernelReturn),
    /// A connection request reached a listener.
    Request(Request),
}

impl What {
    /// Its place among the facts of one instant.
    pub(super) fn rank(&self) -> u8 {
        match self {
            What::Object(_) => 0,
            What::SecondObject(_) => 1,
            What::SleeperStack(_) => 2,
            What::WakerStack(_) => 3,
            What::Disk(_) => 4,
            What::Waker(_) => 5,
            What::Fork(_) => 6,
            What::Snapshot(_) => 7,
            What::Exec(_) => 8,
            What::Rename(_) => 9,
            What::Exit { .. } => 10,
            What::Off(_) => 11,
            What::On(_) => 12,
            What::KernelReturn(_) => 13,
            What::Request(_) => 14,
        }
    }
}

/// The call a thread is in, as its entry registers show it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Syscall {
    /// System call number, or -1 outside one.
    pub nr: i16,
    /// The number belongs to the 32-bit table.
    pub compat: bool,
    /// A kernel thread or io_uring worker: no call at all.
    pub kernel: bool,
    /// The arguments are not the call's first two, but what says on what it sleeps
    /// ([`probe_common::sched::flag::LOOKED_UP`]).
    pub looked_up: bool,
    /// First argument.
    pub arg0: u64,
    /// Second argument.
    pub arg1: u64,
}

impl Syscall {
    /// What a sleep in it is for, by its number, if that is one of this table's.
    #[inline]
    pub fn class(self, table: Table) -> Class {
        if self.compat || self.kernel {
            Class::Other
        } else {
            table.class(self.nr)
        }
    }
}

/// A switch-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Off {
    /// Switch-outs of the thread so far, wrapping.
    pub seq: u16,
    /// `task->__state`.
    pub state: u16,
    /// Still runnable, whatever the state says.
    pub preempted: bool,
    /// Sleeps for I/O.
    pub io_wait: bool,
    /// Sleeps in a kernel lock's slow path.
    pub on_lock: bool,
    /// The latest [`What::Object`] describes the call's descriptor.
    pub has_object: bool,
    /// The latest [`What::SecondObject`] describes its other descriptor.
    pub has_second: bool,
    /// The system call.
    pub call: Syscall,
}

/// A switch-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct On {
    /// Switch-outs of the thread so far, wrapping.
    pub seq: u16,
    /// The waking that made it runnable, if one was seen.
    pub wake: Option<Waking>,
    /// The kernel hid the switch-in; its time is the scheduler's own.
    pub recovered: bool,
}

/// A waking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waking {
    /// When.
    pub ts_ns: u64,
    /// `current` at that moment.
    pub tid: u32,
    /// The system call `current` was in, or -1.
    pub nr: i16,
    /// Bits of [`probe_common::sched::waker`].
    pub flags: u16,
}

/// A waker outside the traced tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its thread.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub comm: Box<[u8]>,
}

/// A new thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// Thread that called clone.
    pub creator_tid: u32,
    /// The new thread's process.
    pub pid: u32,
    /// Its parent process.
    pub ppid: u32,
    /// clone(2) flags.
    pub clone_flags: u64,
    /// Its name.
    pub comm: Box<[u8]>,
}

/// A program change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Its thread id until now.
    pub old_tid: u32,
    /// The new name.
    pub comm: Box<[u8]>,
    /// The argument area, each argument ended by NUL; one that does not end so is its
    /// beginning.
    pub argv: Box<[u8]>,
}

/// A thread as the iterator found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Taken at the end of the trace.
    pub last: bool,
    /// The root of a `run`: its life begins when it is released.
    pub held: bool,
    /// On a CPU.
    pub on_cpu: bool,
    /// Its process.
    pub pid: u32,
    /// Its parent process.
    pub ppid: u32,
    /// CPU migrations so far.
    pub migrations: u32,
    /// State, sequence and call as a switch-out would have them.
    pub off: Off,
    /// A waking that no switch-in has followed.
    pub wake: Option<Waking>,
    /// Its name.
    pub comm: Box<[u8]>,
}

/// What a descriptor is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// Descriptor number.
    pub fd: i32,
    /// Inode number.
    pub ino: u64,
    /// `i_mode`.
    pub mode: u32,
    /// Kernel device number of a device file.
    pub rdev: u32,
    /// Address family, 0 for what is no socket.
    pub family: u16,
    /// `SOCK_STREAM` and so on.
    pub sock_type: u16,
    /// `IPPROTO_*`.
    pub protocol: u16,
    /// `TCP_ESTABLISHED` and so on.
    pub sock_state: u8,
    /// Local port.
    pub local_port: u16,
    /// Remote port.
    pub remote_port: u16,
    /// Local address, IPv4 in the first four bytes.
    pub local_addr: [u8; 16],
    /// Remote address.
    pub remote_addr: [u8; 16],
    /// Last component of the path, or the anonymous inode's name.
    pub name: Box<[u8]>,
}

/// A finished call of a kernel function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelReturn {
    /// Which function.
    pub function: Function,
    /// What it returned: a negative error number, or as [`Function`] says.
    pub result: i32,
    /// When it was entered; `None` when that was not seen.
    pub entered_ns: Option<u64>,
}

/// A listener's queues as a connection request found them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Address of its `struct sock`.
    pub sock: u64,
    /// Connections that wait to be accepted.
    pub accept_queue: u32,
    /// The backlog: the limit of both queues.
    pub accept_limit: u32,
    /// Handshakes under way.
    pub syn_queue: u32,
    /// Address family.
    pub family: u16,
    /// Port.
    pub port: u16,
    /// Local address; IPv4 in the first four bytes.
    pub addr: [u8; 16],
}
