//! Listening sockets: their queues as each connection request found them, and who
//! accepts there.
//!
//! What is counted is what the kernel compares, before it judges the request:
//! - *overflow*: the accept queue is longer than the limit
//!   (`sk_acceptq_is_full`: `>` in every kernel from 5.10 to 7.2); the request
//!   is dropped.
//! - *SYN queue full*: more handshakes are under way than the limit. Then
//!   `inet_csk_reqsk_queue_is_full` holds on every kernel: the request is
//!   dropped, or answered with a cookie where the network namespace sends those.
//! - *SYN queue at its limit*: as many as the limit. That function compares with
//!   `>=` before 3479c7549fb1 (6.13, and stable branches since January 2025),
//!   and with `>` since: only the older kernels call this full.
//!
//! *Dropped by the accept queue* are requests of an overflow that the SYN queue has
//! not dropped already, and third packets of handshakes that find the accept queue
//! full (`tcp_v4_syn_recv_sock`, `tcp_v6_syn_recv_sock`): together what the kernel
//! counts as `ListenOverflows`.
//!
//! The accept queue *is full* from what finds it so to what finds it otherwise: the
//! next request, a call of accept(2) there, or a thread that goes to sleep in one. If
//! nothing does, to the last that found it full.

mod course;
mod full;

pub use course::Course;
pub use full::Full;

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
};

use rustc_hash::FxHashMap;

use super::{identity::ThreadId, object::address};
use crate::wire::{
    event::{Accept, Listening, Owner, Request},
    session::NetCounters,
};

/// Listeners that are distinguished: each network namespace and port may have some,
/// and a machine that makes new ones all day must not grow without bound.
pub const MOST: usize = 1024;

/// Stretches of time that a listener keeps, and threads that accept there.
const MOST_KEPT: usize = 4096;

/// The counter that says how many were dropped by accept queues.
pub const OVERFLOWS: &str = "ListenOverflows";

/// One listening socket. The kernel may use a socket's address again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// The limit when the accept queue was longest: listen(2) may have set another one since.
    pub limit_at_max: Option<u32>,
    /// Requests that found the accept queue longer than its limit.
    pub overflows: u64,
    /// Longest SYN queue.
    pub syn_queue_max: u32,
    /// The limit when that was longest.
    pub syn_limit_at_max: Option<u32>,
    /// Requests that found the SYN queue longer than its limit.
    pub syn_full: u64,
    /// Requests that found it as long as its limit.
    pub syn_at_limit: u64,
    /// Requests and ends of handshakes dropped by a full accept queue.
    pub dropped_accept: u64,
    /// Those of them between two looks at the namespace's own counters.
    pub compared: u64,
    /// Requests dropped by a full SYN queue.
    pub dropped_syn: u64,
    /// Those that it had answered with cookies; `None` where it is not known whether
    /// these are sent.
    pub cookies: Option<u64>,
    /// When the accept queue was full.
    pub full: Full,
    /// How long it was.
    pub course: Course,
    /// Inode number of the network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// Who made it listen; `None`: not seen.
    pub owner: Option<Owner>,
    /// The command was given it.
    pub is_inherited: bool,
    /// When it was first seen to begin to listen, ns.
    pub listened_ns: Option<u64>,
    /// Threads that call accept(2) there: true; others that have ended connections that
    /// came there: false.
    pub acceptors: BTreeMap<ThreadId, bool>,
}

/// What a network namespace has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Netstat {
    /// At the first look.
    pub first: NetCounters,
    /// At the last look, if there was a second.
    pub last: Option<NetCounters>,
}

impl Netstat {
    /// Whether an instant lies between the two looks, as far as they are known.
    fn covers(&self, ts_ns: u64) -> bool {
        let ended = self.last.as_ref().is_some_and(|last| ts_ns > last.at_ns);
        ts_ns >= self.first.at_ns && !ended
    }
}

/// Every listener that was seen.
#[derive(Clone, Debug, Default)]
pub struct Listeners {
    /// The first [`MOST`] of them.
    pub known: FxHashMap<Key, Queues>,
    /// Requests at the others.
    pub elsewhere: u64,
    /// From when on packets to listeners are looked at, where that is how they are seen, ns.
    pub watched_ns: Option<u64>,
    /// What network namespaces have counted, by inode number.
    pub netstat: FxHashMap<u32, Netstat>,
    /// Those of a port.
    by_port: FxHashMap<u16, Vec<Key>>,
}

impl Listeners {
    /// Begins anew: who listens stays, and what namespaces have counted since.
    pub(super) fn begin(&mut self, at_ns: u64) {
        self.elsewhere = 0;
        self.netstat
            .retain(|_, netstat| netstat.first.at_ns >= at_ns);
        for queues in self.known.values_mut() {
            *queues = Queues {
                netns: queues.netns,
                owner: queues.owner.take(),
                is_inherited: queues.is_inherited,
                listened_ns: queues.listened_ns,
                ..Queues::default()
            };
        }
    }

    /// What full queues have dropped.
    pub fn dropped(&self) -> u64 {
        let dropped = |queues: &Queues| queues.dropped_accept.saturating_add(queues.dropped_syn);
        self.known.values().map(dropped).sum()
    }

    /// Counts a request, or the end of a handshake.
    pub fn add(&mut self, ts_ns: u64, request: &Request) {
        let key = Key {
            sock: request.sock,
            family: request.family,
            addr: request.addr,
            port: request.port,
        };
        let netstat = std::mem::take(&mut self.netstat);
        match self.entry(key) {
            Some(queues) => queues.add(ts_ns, request, &netstat),
            None => self.elsewhere += 1,
        }
        self.netstat = netstat;
    }

    /// Those of a listener, if there is room for it.
    fn entry(&mut self, key: Key) -> Option<&mut Queues> {
        if !self.known.contains_key(&key) {
            if self.known.len() >= MOST {
                return None;
            }
            self.by_port.entry(key.port).or_default().push(key);
        }
        Some(self.known.entry(key).or_default())
    }

    /// A socket listens; `is_inherited`: the command was given it.
    pub fn learn(&mut self, ts_ns: u64, listening: &Listening, is_inherited: bool) {
        let key = Key {
            sock: listening.sock,
            family: listening.family,
            addr: listening.addr,
            port: listening.port,
        };
        let found = self.found(key, listening.netns);
        if let Some(queues) = self.entry(key) {
            queues.netns = listening.netns;
            let owner = listening.owner.clone().filter(|_| !is_inherited);
            if owner.is_some() && key.sock != 0 {
                queues.listened_ns.get_or_insert(ts_ns);
            }
            let (found_owner, found_inherited) = found.unwrap_or_default();
            queues.owner = owner.or_else(|| queues.owner.take()).or(found_owner);
            queues.is_inherited |= is_inherited || found_inherited;
        }
    }

    /// What is known of a socket that was found in /proc, where that does not have its address.
    fn found(&self, key: Key, netns: Option<u32>) -> Option<(Option<Owner>, bool)> {
        let found = self.known.get(&Key { sock: 0, ..key })?;
        (found.netns == netns).then(|| (found.owner.clone(), found.is_inherited))
    }

    /// Whether one found in /proc is known as a socket as well.
    pub fn is_known_otherwise(&self, key: &Key) -> bool {
        if key.sock != 0 {
            return false;
        }
        let others = self.by_port.get(&key.port).into_iter().flatten();
        let netns = |key| self.known.get(key).and_then(|queues| queues.netns);
        let mut alike = others.filter(|other| {
            let place = (other.family, other.addr) == (key.family, key.addr);
            other.sock != 0 && place && netns(other) == netns(key)
        });
        alike.next().is_some()
    }

    /// A thread calls accept(2), or ends a connection that came to a listener.
    pub fn accept(&mut self, ts_ns: u64, thread: ThreadId, accept: &Accept) {
        let key = match accept.sock {
            Some(sock) => Some(Key {
                sock,
                family: accept.family,
                addr: accept.addr,
                port: accept.port,
            }),
            None => {
                let ip = address(accept.family, &accept.addr);
                self.at(accept.netns, SocketAddr::new(ip, accept.port))
            }
        };
        let Some(queues) = key.and_then(|key| self.known.get_mut(&key)) else {
            return;
        };
        queues.accepted(thread, accept.sock.is_some());
        if accept.sock.is_some() {
            queues.full.over(ts_ns);
        }
    }

    /// A thread goes to sleep in accept(2): the queue there is empty.
    pub fn sleeps(&mut self, ts_ns: u64, thread: ThreadId, at: SocketAddr) {
        let key = self.at(None, at);
        if let Some(queues) = key.and_then(|key| self.known.get_mut(&key)) {
            queues.accepted(thread, true);
            queues.full.over(ts_ns);
        }
    }

    /// The listener that a connection to an address comes to: that of just this address
    /// before one of all. `None` also where several are alike.
    pub fn at(&self, netns: Option<u32>, to: SocketAddr) -> Option<Key> {
        let keys = self.by_port.get(&to.port())?.iter();
        let keys = keys.filter(|key| !self.is_known_otherwise(key));
        let keys = keys.filter(|key| {
            let own = self.known.get(key).and_then(|queues| queues.netns);
            netns.zip(own).is_none_or(|(netns, own)| netns == own)
        });
        let mut fitting: Vec<(u8, Key)> = keys
            .filter_map(|key| Some((fit(address(key.family, &key.addr), to.ip())?, *key)))
            .collect();
        fitting.sort_unstable();
        match *fitting {
            [(_, key)] => Some(key),
            [(best, key), (next, _), ..] if best < next => Some(key),
            _ => None,
        }
    }

    /// What a network namespace has counted.
    pub fn counters(&mut self, counters: &NetCounters) {
        let netstat = self
            .netstat
            .entry(counters.netns)
            .or_insert_with(|| Netstat {
                first: counters.clone(),
                last: None,
            });
        if counters.at_ns > netstat.first.at_ns {
            netstat.last = Some(counters.clone());
        }
    }
}

/// How well an address is served by a listener's own: the less the better.
fn fit(own: IpAddr, to: IpAddr) -> Option<u8> {
    match own {
        _ if own == to => Some(0),
        IpAddr::V4(v4) if v4.is_unspecified() && to.is_ipv4() => Some(1),
        // It may take what comes by IPv4 as well.
        IpAddr::V6(v6) if v6.is_unspecified() => Some(2),
        _ => None,
    }
}

impl Queues {
    fn add(&mut self, ts_ns: u64, request: &Request, netstat: &FxHashMap<u32, Netstat>) {
        let limit = request.accept_limit;
        let is_full = request.accept_queue > limit;
        let netstat = self.netns.and_then(|netns| netstat.get(&netns));
        if is_full && !self.drops_syn(request) {
            self.dropped_accept += 1;
            self.compared += u64::from(netstat.is_some_and(|netstat| netstat.covers(ts_ns)));
        }
        if is_full {
            self.full.found(ts_ns);
        } else {
            self.full.over(ts_ns);
        }
        let dropped = self.dropped_accept + u64::from(self.drops_syn(request));
        self.course
            .add(ts_ns, request.accept_queue, dropped + self.dropped_syn);
        if request.ends_handshake {
            return;
        }
        if self.requests == 0 || ts_ns < self.first_ns {
            self.first_ns = ts_ns;
        }
        if ts_ns >= self.last_ns {
            self.last_ns = ts_ns;
            self.accept_limit = limit;
        }
        self.requests += 1;
        if request.accept_queue > self.accept_queue_max || self.limit_at_max.is_none() {
            self.accept_queue_max = request.accept_queue;
            self.limit_at_max = Some(limit);
        }
        self.overflows += u64::from(is_full);
        if request.syn_queue > self.syn_queue_max || self.syn_limit_at_max.is_none() {
            self.syn_queue_max = request.syn_queue;
            self.syn_limit_at_max = Some(limit);
        }
        self.syn_full += u64::from(request.syn_queue > limit);
        self.syn_at_limit += u64::from(request.syn_queue == limit);
        self.dropped_syn += u64::from(self.drops_syn(request));
        if let Some(sends_cookies) = request.cookies {
            let answered = sends_cookies && request.syn_queue > limit;
            *self.cookies.get_or_insert(0) += u64::from(answered);
        }
    }

    /// Whether the SYN queue drops a request: that is judged first.
    fn drops_syn(&self, request: &Request) -> bool {
        let is_full = request.syn_queue > request.accept_limit;
        is_full && !request.ends_handshake && request.cookies == Some(false)
    }

    fn accepted(&mut self, thread: ThreadId, by_call: bool) {
        if self.acceptors.len() < MOST_KEPT || self.acceptors.contains_key(&thread) {
            *self.acceptors.entry(thread).or_default() |= by_call;
        }
    }

    /// Who accepts there: those that call accept(2), or, where none was seen to, those
    /// that have ended connections.
    pub fn accepting(&self) -> impl Iterator<Item = ThreadId> + '_ {
        let any = self.acceptors.values().any(|&by_call| by_call);
        let acceptors = self.acceptors.iter();
        acceptors.filter_map(move |(&thread, &by_call)| (by_call == any).then_some(thread))
    }
}
