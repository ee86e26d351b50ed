//! Sockets of TCP: those that wait for connections, and the connections that were made.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::vocabulary::{CauseKind, WaitKind};

/// A listening socket, as the connection requests found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Listener {
    /// Local address; `None` for a family other than IPv4 and IPv6.
    pub address: Option<IpAddr>,
    /// Port.
    pub port: u16,
    /// Address family (`AF_INET` is 2, `AF_INET6` 10).
    pub family: u16,
    /// Connection requests.
    pub requests: u64,
    /// Most connections that waited to be accepted.
    pub accept_queue_max: u32,
    /// The backlog at the last request: the limit of both queues.
    pub accept_limit: u32,
    /// The backlog when most waited; `None` where no request was seen.
    pub accept_limit_at_max: Option<u32>,
    /// The backlog when most handshakes were under way.
    pub syn_limit_at_max: Option<u32>,
    /// It was watched from its beginning, or that of the run: else what came before is missing
    /// in its counts (tracepoint tier).
    pub seen_whole: bool,
    /// Requests that found the accept queue longer than its limit: dropped.
    pub overflows: u64,
    /// Most handshakes under way.
    pub syn_queue_max: u32,
    /// Requests that found the SYN queue longer than its limit: dropped or
    /// answered with a cookie.
    pub syn_full: u64,
    /// Requests that found it as long as its limit, which kernels before
    /// 6.13 treat like a longer one.
    pub syn_at_limit: u64,
    /// The first request, ns since the start of the run.
    pub first_ns: u64,
    /// The last one, ns since the start of the run.
    pub last_ns: u64,
    /// The process that made it listen; `None`: that was not seen.
    pub pid: Option<u32>,
    /// Its name then.
    pub comm: Option<String>,
    /// Inode number of its network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// A thread of the tree made it listen, or accepts there.
    pub ours: bool,
    /// Requests and ends of handshakes that a full accept queue dropped.
    pub dropped_accept: u64,
    /// Requests that a full SYN queue dropped.
    pub dropped_syn: u64,
    /// Requests that it had answered with cookies; `None` where it is not known whether
    /// the namespace sends those.
    pub cookies: Option<u64>,
    /// How long the accept queue was full, ns: from what found it so to what found it
    /// otherwise. `None` of a listener that was not asked.
    pub full_ns: Option<u64>,
    /// The part of it that is certain, ns: up to the last that found it full. Written only
    /// where that is less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_certain_ns: Option<u64>,
    /// Threads that accept there, by tid.
    pub acceptors: Vec<u32>,
    /// What those did while the queue was full, largest first.
    pub acceptors_did: Vec<WhileFull>,
    /// In the course of time: ns since the start of the run, how many waited to be accepted,
    /// how many had been dropped by then. At most 200 points; `None` of a listener that was
    /// not asked. Written only where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<(u64, u32, u64)>>,
    /// What its network namespace counted meanwhile; `None` where that was not read twice.
    pub netstat: Option<BTreeMap<String, u64>>,
}

/// What threads did in a certain time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WhileFull {
    /// The wait that they were in; `None`: in none.
    pub wait: Option<WaitKind>,
    /// What they did, or what most of such a wait was blamed on.
    pub cause: CauseKind,
    /// As [`super::Blame::detail`].
    pub detail: Option<String>,
    /// How long, all threads together, ns.
    pub ns: u64,
}

/// The connections to one address and port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Connection {
    /// Where to; an IPv4 address in IPv6 as IPv4. `None` in a report that does not say.
    pub remote: Option<IpAddr>,
    /// Port.
    pub port: u16,
    /// Family of that address (`AF_INET` is 2, `AF_INET6` 10).
    pub family: u16,
    /// Inode number of the network namespace that they were made in; `None`: not known.
    pub netns: Option<u32>,
    /// Who listens there: index into [`super::Document::listeners`]; `None` if that is not
    /// on this machine, or not known.
    pub listener: Option<usize>,
    /// Whose they are: indexes into [`super::Document::groups`].
    pub groups: Vec<usize>,
    /// All of them.
    pub attempts: u64,
    /// What became of them.
    pub fates: Fates,
    /// An end by the peer was early up to so long behind the beginning, ns, …
    pub early_end_ns: u64,
    /// … and before so many bytes from there.
    pub early_bytes: u64,
    /// How long it took to be connected, of those that were.
    pub connect: ConnectTimes,
    /// First segments (SYN) that were sent again.
    pub syn_retransmits: u64,
    /// From the first of a connection to the last, ns.
    pub syn_wait_ns: u64,
    /// Later segments that were sent again.
    pub retransmits: u64,
}

/// What became of connections; `world::connection` defines the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "defined elsewhere")]
pub struct Fates {
    pub served: u64,
    pub refused: u64,
    pub unanswered: u64,
    pub closed_early: u64,
    pub reset_early: u64,
    pub open: u64,
    pub failed: u64,
}

impl Fates {
    /// Those that a reader should know of: a connection that is closed behind a short answer
    /// may be just what both wanted.
    pub fn alarming(&self) -> u64 {
        self.troubles().saturating_sub(self.closed_early)
    }

    /// Connections that ended otherwise than served.
    pub fn troubles(&self) -> u64 {
        let Fates {
            served: _,
            open: _,
            refused,
            unanswered,
            closed_early,
            reset_early,
            failed,
        } = *self;
        let all = [refused, unanswered, closed_early, reset_early, failed];
        all.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }
}

/// From the first segment to being connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectTimes {
    /// Connections.
    pub count: u64,
    /// Together, ns.
    pub total_ns: u64,
    /// Not exceeded by half of them, ns; too great by 1/64 at most.
    pub p50_ns: u64,
    /// Not exceeded by 99 % of them, ns; too great by 1/64 at most.
    pub p99_ns: u64,
    /// The longest, ns.
    pub max_ns: u64,
}
