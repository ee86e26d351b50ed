//! Requests at listening sockets.

use crate::header::Header;

record! {
    /// A connection request reached a listener (`tcp_conn_request`), or the end of a
    /// handshake did and found the accept queue full: its queues as the kernel is about
    /// to judge them. Flags of the header: see [`request`].
    #[derive(Default)]
    pub struct Request {
        /// Kind [`crate::families::kind::REQUEST`].
        pub header: Header,
        /// Address of the listener's `struct sock`.
        pub sock: u64,
        /// `sk_ack_backlog`: connections that wait to be accepted.
        pub accept_queue: u32,
        /// `sk_max_ack_backlog`: the request is dropped when the accept queue is
        /// longer than this (`sk_acceptq_is_full`).
        pub accept_limit: u32,
        /// `icsk_accept_queue.qlen`: handshakes under way. The request is dropped,
        /// or answered with a cookie, when there are more than the limit above, on
        /// older kernels also when there are as many (`inet_csk_reqsk_queue_is_full`).
        pub syn_queue: u32,
        /// Address family.
        pub family: u16,
        /// Port, host order.
        pub port: u16,
        /// Local address of the listener; IPv4 in the first four bytes.
        pub addr: [u8; 16],
    }
}

/// Flags of a [`Request`].
pub mod request {
    /// The third packet of a handshake (`tcp_v4_syn_recv_sock`,
    /// `tcp_v6_syn_recv_sock`), which finds the accept queue longer than its limit.
    pub const HANDSHAKE_END: u16 = 1;
    /// The network namespace answers with cookies when the SYN queue is full.
    pub const COOKIES: u16 = 2;
    /// It drops the request then. With neither bit it is not known.
    pub const NO_COOKIES: u16 = 4;
}
