//! Numbers of the kernel's user interface that records carry, in the types that they have there: the same on every
//! architecture that waitscope runs on (a test compares them with libc's).

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
/// Messages between the kernel and a process.
pub const AF_NETLINK: u16 = 16;
/// Packets of a network device.
pub const AF_PACKET: u16 = 17;
/// Between a guest and its host.
pub const AF_VSOCK: u16 = 40;
