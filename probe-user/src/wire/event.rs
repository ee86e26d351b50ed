//! Owned events, one per fact: what the world is made of. Times are
//! `CLOCK_MONOTONIC`, ns.

use std::fmt;

use probe_common::fd_table::of_kind;

use crate::syscall::{Class, Table};
pub use crate::vocabulary::Function;

/// A fact about one thread, or one listener, at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub ts_ns: u64,
    /// The CPU that recorded it.
    pub cpu: u16,
    /// The thread it is about; 0 for what is about a socket or a cgroup only.
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
    /// The user stack that it goes to sleep with, by a hash.
    UserStack(u64),
    /// What is in such a stack.
    UserFrames(Box<UserFrames>),
    /// The disk (kernel device number) that had finished a request on the CPU of
    /// its waking a moment before.
    Disk(u32),
    /// The signals that it had pending as it was woken.
    Signals(Pending),
    /// The name of a task outside the tree that woke it.
    Waker(Stranger),
    /// It was created.
    Fork(Fork),
    /// It was found by the task iterator.
    Snapshot(Box<Snapshot>),
    /// It runs another program.
    Exec(Exec),
    /// Its descriptor table was looked at.
    FdTable(FdLook),
    /// And what the descriptors in it are.
    FdKinds(Box<FdKinds>),
    /// What its process cost, of which it was the last thread.
    Peak(Peak),
    /// It changed its `comm`.
    Rename(Box<[u8]>),
    /// It begins to exit.
    Exit {
        /// wait(2) status, if it could be read.
        status: Option<i32>,
        /// CPU migrations over its life.
        migrations: u32,
    },
    /// It was moved to another run queue.
    Migration(Migration),
    /// It stopped running.
    Off(Off),
    /// It started running.
    On(On),
    /// A watched kernel function returned to it.
    KernelReturn(KernelReturn),
    /// A connection request, or the end of a handshake, reached a listener.
    Request(Request),
    /// It begins to connect a socket.
    Connect(Box<Connect>),
    /// What became of such a socket.
    Step(Step),
    /// A socket listens.
    Listening(Box<Listening>),
    /// It has to do with what comes to a listener.
    Accept(Accept),
    /// A signal was sent to it that may end its process.
    Sent(Box<Sent>),
    /// The OOM killer has chosen it: the kernel stack of whatever had it do so.
    Victim(Box<[u64]>),
    /// What a cgroup is in which threads are throttled.
    Cgroup(Box<Cgroup>),
    /// A descriptor in its table, of those that the [`What::FdKinds`] of that instant counted.
    Open(Box<Open>),
}

impl What {
    /// What the iterator found at the end of a trace.
    pub fn is_of_last_look(&self) -> bool {
        match self {
            What::Snapshot(seen) => seen.last,
            What::FdTable(look) => look.occasion == Occasion::Final,
            _ => false,
        }
    }

    /// Its place among the facts of one instant.
    pub(super) fn rank(&self) -> u8 {
        match self {
            What::Object(_) => 0,
            What::SecondObject(_) => 1,
            What::SleeperStack(_) => 2,
            What::WakerStack(_) => 3,
            What::UserStack(_) => 4,
            What::UserFrames(_) => 5,
            What::Disk(_) => 6,
            What::Signals(_) => 7,
            What::Waker(_) => 8,
            What::Fork(_) => 9,
            What::Snapshot(_) => 10,
            What::Exec(_) => 11,
            What::FdTable(_) => 12,
            What::FdKinds(_) => 13,
            What::Peak(_) => 14,
            What::Rename(_) => 15,
            What::Exit { .. } => 16,
            What::Migration(_) => 17,
            What::Off(_) => 18,
            What::On(_) => 19,
            What::KernelReturn(_) => 20,
            What::Request(_) => 21,
            What::Connect(_) => 22,
            What::Step(_) => 23,
            What::Listening(_) => 24,
            What::Accept(_) => 25,
            What::Sent(_) => 26,
            What::Victim(_) => 27,
            What::Cgroup(_) => 28,
            What::Open(_) => 29,
        }
    }
}

/// The frames of a user stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFrames {
    /// As [`What::UserStack`] names it.
    pub stack: u64,
    /// Innermost first.
    pub frames: Box<[UserFrame]>,
}

/// A return address in a program, or where it entered the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserFrame {
    /// In a mapped file.
    InFile {
        /// Which.
        build_id: BuildId,
        /// Bytes from its beginning.
        offset: u64,
    },
    /// In what the kernel knew no file with a build id of.
    Address(u64),
}

/// The build id of a file, in the kernel's 20 bytes: what is shorter ends in zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuildId(pub [u8; BUILD_ID]);

/// `BUILD_ID_SIZE_MAX`, `include/linux/buildid.h`
pub const BUILD_ID: usize = 20;

impl BuildId {
    /// As it displays.
    pub fn of_hex(text: &str) -> Option<BuildId> {
        let mut build_id = BuildId::default();
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || text.len() != 2 * BUILD_ID {
            return None;
        }
        for (at, byte) in build_id.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(build_id)
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    /// Still runnable, and waits for CPU quota of its cgroup, whose id is the call's first
    /// argument.
    pub throttled: bool,
    /// The latest [`What::Object`] describes the call's descriptor.
    pub has_object: bool,
    /// The latest [`What::SecondObject`] describes its other descriptor.
    pub has_second: bool,
    /// The system call.
    pub call: Syscall,
}

/// A switch-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct On {
    /// Switch-outs of the thread so far, wrapping.
    pub seq: u16,
    /// The waking that made it runnable, if one was seen.
    pub wake: Option<Waking>,
    /// The kernel hid the switch-in; its time is the scheduler's own.
    pub recovered: bool,
    /// What its CPU did before.
    pub before: Before,
    /// Since its latest switch-in it was moved from run queue to run queue only as
    /// [`What::Migration`] says, and by what woke it.
    pub moves_known: bool,
}

/// What a CPU did up to a switch-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Who stopped running.
    pub prev: Prev,
    /// Switch records that this CPU has lost so far, wrapping.
    pub lost: u16,
    /// For how long it has not gone from its idle task to an untraced one, ns; so long
    /// at least, if that is the greatest number.
    pub steady_ns: u32,
}

/// Who stopped running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prev {
    /// Not known.
    #[default]
    Unknown,
    /// A traced task.
    Traced,
    /// The idle task.
    Idle,
    /// A task outside the tree.
    Outside,
}

/// A move from one CPU's run queue to another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The CPU that it leaves.
    pub from_cpu: u16,
    /// The CPU that it comes to.
    pub to_cpu: u16,
    /// When the former last went from its idle task to an untraced one, ns; `None`: it
    /// runs its idle task.
    pub idle_until_ns: Option<u64>,
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

/// Signals that a sleeper had pending and did not block: bit 0 is signal 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Sent to the thread.
    pub own: u64,
    /// Sent to its process.
    pub shared: u64,
    /// As wait(2) has it, what its process ends by, where that is decided.
    pub exit_code: u32,
}

/// A cgroup with a CPU quota.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Its id.
    pub id: u64,
    /// CPU time in each period, ns.
    pub quota_ns: u64,
    /// The period, ns.
    pub period_ns: u64,
    /// The last part of its name; empty if that is not known.
    pub name: Box<[u8]>,
}

/// A signal on its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Its number.
    pub signal: u32,
    /// `si_code`.
    pub code: i32,
    /// Process and name of the task that sent it; `None` if none did.
    pub sender: Option<(u32, Box<[u8]>)>,
    /// `si_addr` of a fault.
    pub addr: u64,
    /// The program's stack pointer at a fault; 0 where that is not known.
    pub sp: u64,
    /// Its instruction pointer.
    pub ip: u64,
    /// Where the stack of its process's first thread begins; 0 where that is not known.
    pub stack_start: u64,
    /// How far that may grow, bytes.
    pub stack_limit: u64,
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

/// Why a descriptor table was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// Once in a millisecond at switches, or at the end of a call.
    #[default]
    Now,
    /// Its thread's birth.
    Birth,
    /// An exec.
    Exec,
    /// Its thread's exit.
    Exit,
    /// It was there before the trace.
    Seed,
    /// The trace ends.
    Final,
}

/// A descriptor table as a thread that uses it found it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdLook {
    /// Why.
    pub occasion: Occasion,
    /// Address of the table, which another one may have later.
    pub files: u64,
    /// Open descriptors.
    pub open: u32,
    /// There may be more.
    pub cut: bool,
    /// The thread's soft limit; `None` where it was not read.
    pub limit: Option<u64>,
}

/// What the descriptors of a table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FdKinds {
    /// Why it was looked at.
    pub occasion: Occasion,
    /// Address of the table.
    pub files: u64,
    /// How many of each of [`probe_common::fd_table::of_kind`]; `None` where the table
    /// is too large to be walked through.
    pub counts: Option<[u32; of_kind::COUNT]>,
    /// Open descriptors.
    pub open: u32,
    /// An [`Open`] of each that was walked through goes with it.
    pub described: bool,
}

/// An open descriptor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// An exec closes it.
    pub cloexec: bool,
    /// What it is.
    pub object: Object,
}

/// Memory of a process that ends, or has run exec, or was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// Of what it had before the program that it runs.
    pub before: bool,
    /// Most that was resident, bytes.
    pub rss_bytes: u64,
    /// Bytes of a thread's stack in the kernel, if known.
    pub kernel_stack: Option<u32>,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// It is the third packet of a handshake, and the accept queue is full.
    pub ends_handshake: bool,
    /// Whether a full SYN queue is answered with cookies; `None`: not known.
    pub cookies: Option<bool>,
}

/// A connection that a thread makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Address of its `struct sock`.
    pub sock: u64,
    /// Inode number of its network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// Address family of the socket.
    pub family: u16,
    /// Remote port.
    pub port: u16,
    /// Local address; IPv4 in the first four bytes.
    pub local_addr: [u8; 16],
    /// Remote address.
    pub addr: [u8; 16],
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Address of its `struct sock`.
    pub sock: u64,
    /// What happened.
    pub to: Stepped,
    /// Bytes that the peer has sent so far.
    pub received: u64,
    /// Segments sent so far.
    pub sent: u32,
    /// Its error number, or 0.
    pub error: u32,
    /// Local port; 0 where it was given back.
    pub local_port: u16,
    /// The state that it was in: `TCP_SYN_SENT` and so on.
    pub state: u16,
    /// Segments sent again so far.
    pub again: u32,
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stepped {
    /// It is connected.
    Established,
    /// The peer has ended its side.
    PeerClosed,
    /// It is over.
    #[default]
    Closed,
    /// A segment was sent again.
    Again,
}

/// A listening socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// Address of its `struct sock`.
    pub sock: u64,
    /// Who made it listen; `None`: it was found so.
    pub owner: Option<Owner>,
    /// Inode number of its network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// Address family.
    pub family: u16,
    /// Port.
    pub port: u16,
    /// Local address; IPv4 in the first four bytes.
    pub addr: [u8; 16],
}

/// Who called listen(2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The thread.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub comm: Box<[u8]>,
    /// It is of the tree.
    pub is_traced: bool,
}

/// What a thread has to do with what comes to a listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    /// Address of the listener's `struct sock`, where the thread calls accept(2) there;
    /// `None`: it ends its side of a connection that came to it.
    pub sock: Option<u64>,
    /// Inode number of the network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// Connections that waited to be accepted.
    pub queue: u32,
    /// Address family.
    pub family: u16,
    /// Local port.
    pub port: u16,
    /// Local address; IPv4 in the first four bytes.
    pub addr: [u8; 16],
}
