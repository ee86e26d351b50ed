//! What a descriptor is, recorded when a task first blocks on it, and on demand for each that
//! is open.

use crate::header::Header;

/// Flag of an [`Object`]: the file behind the other descriptor of a call that moves data
/// from one to the other.
pub const SECOND: u16 = 1;
/// It was open in the task's table as that was looked at (`--per-fd`), and nobody blocks on it.
pub const OPEN: u16 = 2;
/// Of such a one: an exec closes it.
pub const CLOEXEC: u16 = 4;

record! {
    /// The file behind the descriptor of a blocking system call. Sent only when it
    /// differs from the one the task blocked on before; or, with [`OPEN`], behind the
    /// [`Kinds`](crate::fd_table::Kinds) of a table.
    #[derive(Default)]
    pub struct Object {
        /// Kind [`crate::families::kind::OBJECT`]; `ts_ns` is the switch's time.
        pub header: Header,
        /// The task that blocks, or whose table it is.
        pub tid: u32,
        /// The descriptor's number.
        pub fd: i32,
        /// Inode number.
        pub ino: u64,
        /// `i_mode`: file type and permissions.
        pub mode: u32,
        /// `i_rdev` of a device file (kernel encoding: major << 20 | minor).
        pub rdev: u32,
        /// Socket: address family; 0 when this is not a socket.
        pub family: u16,
        /// Socket: `SOCK_STREAM`, `SOCK_DGRAM`, …
        pub sock_type: u16,
        /// Socket: `IPPROTO_*`.
        pub protocol: u16,
        /// Socket: TCP or unix state (`TCP_ESTABLISHED` = 1 …).
        pub sock_state: u8,
        /// Zero.
        pub pad: u8,
        /// Socket: local port, host order.
        pub local_port: u16,
        /// Socket: remote port, host order.
        pub remote_port: u16,
        /// Zero.
        pub pad2: u32,
        /// Socket: local address; IPv4 in the first four bytes.
        pub local_addr: [u8; 16],
        /// Socket: remote address; IPv4 in the first four bytes.
        pub remote_addr: [u8; 16],
        /// Last component of the path (`d_name`), or the anonymous inode's name
        /// (`[eventfd]`); NUL-padded.
        pub name: [u8; 32],
    }
}
