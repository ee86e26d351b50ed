//! Requests at listening sockets.

use crate::header::Header;

/// A connection request reached a listener (`tcp_conn_request`): its queues as
/// the kernel is about to judge them.
#[repr(C)]
#[cfg_attr(
    feature = "zerocopy",
    derive(
        zerocopy::FromBytes,
        zerocopy::IntoBytes,
        zerocopy::Immutable,
        zerocopy::KnownLayout
    )
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
