//! Listening sockets: their queues as each connection request found them.
//!
//! What is counted is what the kernel compares, before it judges the request:
//! - *overflow*: the accept queue is longer than the limit
//!   (`sk_acceptq_is_full`: `>` in every kernel from 5.10 to 7.2); the request
//!   is dropped.
//! - *SYN queue full*: more handshakes are under way than the limit. Then
//!   `inet_csk_reqsk_queue_is_full` holds on every kernel: the request is
//!   dropped or answered with a cookie.
//! - *SYN queue at its limit*: as many as the limit. That function compares with
//!   `>=` before 3479c7549fb1 (6.13, and stable branches since January 2025),
//!   and with `>` since: only the older kernels call this full.
//!
//! Not counted: what became of a request, and connections dropped later, when
//! the handshake ends.

use rustc_hash::FxHashMap;

use crate::wire::event::Request;

/// Listeners that are told apart: each network namespace and port may have some,
/// and a machine that makes new ones all day must not grow without bound.
pub const MOST: usize = 1024;

/// One listening socket. The kernel may use a socket's address again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Address of its `struct sock`.
    pub sock: u64,
    /// Address family.
    pub family: u16,
    /// Local address; IPv4 in the first four bytes.
    pub addr: [u8; 16],
    /// Port.
    pub port: u16,
}

/// What its requests found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queues {
    /// Requests.
    pub requests: u64,
    /// The first one, ns.
    pub first_ns: u64,
    /// The last one, ns.
    pub last_ns: u64,
    /// Longest accept queue.
    pub accept_queue_max: u32,
    /// Its limit, and the SYN queue's, at the last request.
    pub accept_limit: u32,
    /// Requests that found the accept queue longer than its limit.
    pub overflows: u64,
    /// Longest SYN queue.
    pub syn_queue_max: u32,
    /// Requests that found the SYN queue longer than its limit.
    pub syn_full: u64,
    /// Requests that found it as long as its limit.
    pub syn_at_limit: u64,
}

/// Every listener that was asked for a connection.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// The first [`MOST`] of them.
    pub known: FxHashMap<Key, Queues>,
    /// Requests at the others.
    pub elsewhere: u64,
}

impl Listeners {
    /// Counts a request.
    pub fn add(&mut self, ts_ns: u64, request: &Request) {
        let key = Key {
            sock: request.sock,
            family: request.family,
            addr: request.addr,
            port: request.port,
        };
        if self.known.len() >= MOST && !self.known.contains_key(&key) {
            self.elsewhere += 1;
            return;
        }
        self.known.entry(key).or_default().add(ts_ns, request);
    }
}

impl Queues {
    fn add(&mut self, ts_ns: u64, request: &Request) {
        let limit = request.accept_limit;
        if self.requests == 0 || ts_ns < self.first_ns {
            self.first_ns = ts_ns;
        }
        if ts_ns >= self.last_ns {
            self.last_ns = ts_ns;
            self.accept_limit = limit;
        }
        self.requests += 1;
        self.accept_queue_max = self.accept_queue_max.max(request.accept_queue);
        self.overflows += u64::from(request.accept_queue > limit);
        self.syn_queue_max = self.syn_queue_max.max(request.syn_queue);
        self.syn_full += u64::from(request.syn_queue > limit);
        self.syn_at_limit += u64::from(request.syn_queue == limit);
    }
}
