//! Numbers of the kernel's user interface that records carry, in the types that they have there: the same on every
//! architecture that waitscope runs on (a test compares them with libc's).

/// The new task shares its creator's memory. `include/uapi/linux/sched.h`
pub const CLONE_VM: u64 = 0x100;
/// The new task has the parent of its creator. `include/uapi/linux/sched.h`
pub const CLONE_PARENT: u64 = 0x8000;
/// The new task is a thread of its creator's process, and has no program of its own.
pub const CLONE_THREAD: u64 = 0x1_0000;

/// The bits of a mode that say what sort of file it is. `include/uapi/linux/stat.h`
pub const S_IFMT: u32 = 0o170_000;
/// Pipe or FIFO.
pub const S_IFIFO: u32 = 0o010_000;
/// Character device.
pub const S_IFCHR: u32 = 0o020_000;
/// Directory.
pub const S_IFDIR: u32 = 0o040_000;
/// Block device.
pub const S_IFBLK: u32 = 0o060_000;
/// Regular file.
pub const S_IFREG: u32 = 0o100_000;
/// Socket.
pub const S_IFSOCK: u32 = 0o140_000;

/// `include/linux/socket.h`
pub const AF_UNIX: u16 = 1;
/// IPv4.
pub const AF_INET: u16 = 2;
/// IPv6.
pub const AF_INET6: u16 = 10;
/// `include/uapi/linux/in.h`
pub const IPPROTO_TCP: u16 = 6;

/// Messages between the kernel and a process.
pub const AF_NETLINK: u16 = 16;
/// Packets of a network device.
pub const AF_PACKET: u16 = 17;
/// Between a guest and its host.
pub const AF_VSOCK: u16 = 40;

/// States of TCP sockets. `include/net/tcp_states.h`
pub mod tcp_state {
    /// Connected.
    pub const ESTABLISHED: u16 = 1;
    /// The first segment is sent, and no answer has come.
    pub const SYN_SENT: u16 = 2;
    /// This end has ended it first.
    pub const FIN_WAIT1: u16 = 4;
    /// It is over, or has not begun.
    pub const CLOSE: u16 = 7;
    /// The peer has ended it first.
    pub const CLOSE_WAIT: u16 = 8;
    /// Both have.
    pub const LAST_ACK: u16 = 9;
    /// It listens.
    pub const LISTEN: u16 = 10;
}

/// Places of limits among a process's: of a stack. `include/uapi/asm-generic/resource.h`
pub const RLIMIT_STACK: u32 = 3;
/// Of open descriptors.
pub const RLIMIT_NOFILE: u32 = 7;
/// Size of a `struct rlimit64`, which the kernel's `struct rlimit` is on 64-bit machines.
pub const RLIMIT_BYTES: u32 = 16;

/// Signals, by the numbers that they have on x86 and arm64. `include/uapi/asm-generic/signal.h`
pub const SIGILL: u32 = 4;
pub const SIGBUS: u32 = 7;
pub const SIGFPE: u32 = 8;
/// A fault.
pub const SIGSEGV: u32 = 11;
/// A child has ended.
pub const SIGCHLD: u32 = 17;
/// Go on.
pub const SIGCONT: u32 = 18;
/// Stop.
pub const SIGSTOP: u32 = 19;
/// Stop, by a key.
pub const SIGTSTP: u32 = 20;
/// A job in the background reads from its terminal.
pub const SIGTTIN: u32 = 21;
/// A job in the background writes to its terminal.
pub const SIGTTOU: u32 = 22;
/// Urgent data.
pub const SIGURG: u32 = 23;
/// A window has changed its size.
pub const SIGWINCH: u32 = 28;

/// `si_code` of a signal of the kernel's own. `include/uapi/asm-generic/siginfo.h`
pub const SI_KERNEL: i32 = 0x80;
/// By kill(2).
pub const SI_USER: i32 = 0;
/// By sigqueue(3).
pub const SI_QUEUE: i32 = -1;
/// By tgkill(2).
pub const SI_TKILL: i32 = -6;
/// Nothing is mapped at the address.
pub const SEGV_MAPERR: i32 = 1;
/// What is mapped there does not permit the access.
pub const SEGV_ACCERR: i32 = 2;
