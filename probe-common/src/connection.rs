//! Connections that traced tasks make, and the sockets that wait for them (TCP).

use crate::header::Header;

record! {
    /// A traced task begins to connect a socket (`inet_sock_set_state`, to
    /// `TCP_SYN_SENT`).
    #[derive(Default)]
    pub struct Connect {
        /// Kind [`crate::families::kind::CONNECT`].
        pub header: Header,
        /// Address of the `struct sock`, by which the steps that follow are known.
        pub sock: u64,
        /// The task.
        pub tid: u32,
        /// Inode number of the socket's network namespace.
        pub netns: u32,
        /// Address family of the socket.
        pub family: u16,
        /// Remote port, host order.
        pub port: u16,
        /// Zero.
        pub pad: u32,
        /// Local address; IPv4 in the first four bytes.
        pub local_addr: [u8; 16],
        /// Remote address.
        pub addr: [u8; 16],
    }
}

record! {
    /// What became of such a socket. The header's flags are one of [`step`].
    #[derive(Default)]
    pub struct Step {
        /// Kind [`crate::families::kind::STEP`].
        pub header: Header,
        /// See [`Connect::sock`].
        pub sock: u64,
        /// `tcp_sock.bytes_received`: what the peer has sent; of one that has ended it,
        /// one more.
        pub received: u64,
        /// `tcp_sock.segs_out`: segments sent.
        pub sent: u32,
        /// `sk_err`: a positive error number, or 0.
        pub error: u32,
        /// Local port, host order; 0 where it was given back.
        pub local_port: u16,
        /// `skc_state` before.
        pub state: u16,
        /// `tcp_sock.total_retrans`: segments that were sent again.
        pub again: u32,
    }
}

/// What a [`Step`] is.
pub mod step {
    /// It is connected.
    pub const ESTABLISHED: u16 = 1;
    /// The peer has ended its side (`TCP_CLOSE_WAIT`).
    pub const PEER_CLOSED: u16 = 2;
    /// It is over (`TCP_CLOSE`).
    pub const CLOSED: u16 = 3;
    /// A segment was sent again (`tcp_retransmit_skb`).
    pub const AGAIN: u16 = 4;
}

record! {
    /// A socket that listens, as it begins to (`inet_sock_set_state`, to `TCP_LISTEN`),
    /// or at the first connection request that is seen.
    #[derive(Default)]
    pub struct Listening {
        /// Kind [`crate::families::kind::LISTENING`]. Flags: see [`listening`].
        pub header: Header,
        /// Address of its `struct sock`.
        pub sock: u64,
        /// The task that called listen(2); 0: that was not seen.
        pub tid: u32,
        /// Its process.
        pub tgid: u32,
        /// Inode number of the socket's network namespace.
        pub netns: u32,
        /// Address family.
        pub family: u16,
        /// Port, host order.
        pub port: u16,
        /// Local address; IPv4 in the first four bytes.
        pub addr: [u8; 16],
        /// The name of the task.
        pub comm: [u8; 16],
    }
}

/// Flags of a [`Listening`].
pub mod listening {
    /// The task is a traced one.
    pub const TRACED: u16 = 1;
}

record! {
    /// A traced task has to do with what comes to a listening socket. The header's flags
    /// are one of [`accept`].
    #[derive(Default)]
    pub struct Accept {
        /// Kind [`crate::families::kind::ACCEPT`].
        pub header: Header,
        /// Address of the listener's `struct sock`; 0 where it is not known.
        pub sock: u64,
        /// The task.
        pub tid: u32,
        /// Inode number of the network namespace.
        pub netns: u32,
        /// Connections that waited to be accepted.
        pub queue: u32,
        /// Address family.
        pub family: u16,
        /// Local port, host order.
        pub port: u16,
        /// Local address; IPv4 in the first four bytes.
        pub addr: [u8; 16],
    }
}

/// What an [`Accept`] is.
pub mod accept {
    /// It calls accept(2) there (`inet_csk_accept`).
    pub const CALL: u16 = 1;
    /// It ends its side of a connection that it has not made (`inet_sock_set_state`).
    pub const END: u16 = 2;
}
