//! Connections (TCP) that threads of the tree make, by destination: how long it took to
//! be connected, what was sent again, and what became of each (its *fate*).
//!
//! - *refused*: answered by a reset, or by word that nobody listens there.
//! - *unanswered*: given up, by the kernel or by the program, without any answer.
//! - *closed early*, *reset early*: the peer ended it (by FIN, by RST) as [`Early`] has it.
//! - *failed*: could not be tried (no port, no route), or ended by another error.
//! - *served*: ended in any other way, or by the peer as the process that made it was over
//!   already: then both ends may be its own.
//!
//! What has no fate yet is open. Of a connection in IPv6 to an address of IPv4 the
//! packets are IPv4, and so it is counted. Not counted: what fails before a first
//! segment could be made (no route), connections over other protocols, and those that
//! were there before the account began.

use std::net::{IpAddr, SocketAddr};

use probe_common::uapi::tcp_state as state;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{identity::ThreadId, object::address};
use crate::{
    histogram::Histogram,
    wire::event::{Connect, Step, Stepped},
};

/// Which end by the peer is early: a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Early {
    /// One within this time from the connection's beginning, ns,
    pub within_ns: u64,
    /// before the peer has sent so many bytes.
    pub below_bytes: u64,
}

impl Default for Early {
    fn default() -> Early {
        Early {
            within_ns: 1_000_000_000,
            below_bytes: 4096,
        }
    }
}

/// Destinations that are distinguished: a crawler must not make this grow without bound.
pub const MOST: usize = 4096;

/// Error numbers as these states leave them: the same on every architecture here.
mod error {
    pub const NONE: u32 = 0;
    pub const PIPE: u32 = 32;
    pub const CONNRESET: u32 = 104;
    pub const TIMEDOUT: u32 = 110;
    pub const CONNREFUSED: u32 = 111;
}

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the module says what they are")]
pub enum Fate {
    Served,
    Refused,
    Unanswered,
    ClosedEarly,
    ResetEarly,
    Failed,
}

/// How many kinds of fate there are.
pub const FATES: usize = 6;

/// Where connections go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Inode number of the network namespace; `None`: not known.
    pub netns: Option<u32>,
    /// Address and port.
    pub peer: SocketAddr,
}

/// What is known of all connections to one destination.
#[derive(Clone, Debug)]
pub struct Attempts {
    /// Where.
    pub to: Destination,
    /// The peer's address is the own one, or in 127.0.0.0/8.
    pub is_here: bool,
    /// All of them.
    pub count: u64,
    /// What became of them, by [`Fate`].
    pub fates: [u64; FATES],
    /// From the first segment to being connected, ns.
    pub connect_ns: Histogram,
    /// First segments (SYN) that were sent again.
    pub syn_again: u64,
    /// From the first to the last of them, ns.
    pub syn_wait_ns: u64,
    /// Later segments that were sent again.
    pub again: u64,
    /// Who made them.
    pub threads: FxHashSet<ThreadId>,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    /// The first [`MOST`] destinations, in order of appearance.
    pub attempts: Vec<Attempts>,
    /// Connections to others.
    pub elsewhere: u64,
    /// Which end by the peer is early.
    pub early: Early,
    places: FxHashMap<Destination, usize>,
    /// Those that are not over, by the address of the socket.
    live: FxHashMap<u64, Live>,
}

/// A connection that is not over.
#[derive(Clone, Debug)]
struct Live {
    /// In `attempts`.
    place: usize,
    thread: ThreadId,
    begun_ns: u64,
    /// When the first segment was last sent, ns.
    syn_ns: u64,
    established_ns: Option<u64>,
    /// Segments that were seen to be sent again.
    again: u32,
    /// The peer has ended it, and its fate is counted.
    is_decided: bool,
}

/// The first segment of a connection was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Who makes the connection.
    pub thread: ThreadId,
    /// Where to.
    pub peer: SocketAddr,
}

impl Connections {
    /// None.
    pub fn new(early: Early) -> Connections {
        Connections {
            early,
            ..Connections::default()
        }
    }

    /// A thread begins to connect a socket.
    pub fn begin(&mut self, ts_ns: u64, thread: ThreadId, connect: &Connect) {
        // The end of what had this address before was not seen.
        self.live.remove(&connect.sock);
        let Some(place) = self.place(connect) else {
            self.elsewhere += 1;
            return;
        };
        let attempts = &mut self.attempts[place];
        attempts.count += 1;
        attempts.threads.insert(thread);
        let live = Live {
            place,
            thread,
            begun_ns: ts_ns,
            syn_ns: ts_ns,
            established_ns: None,
            again: 0,
            is_decided: false,
        };
        self.live.insert(connect.sock, live);
    }

    fn place(&mut self, connect: &Connect) -> Option<usize> {
        let remote = address(connect.family, &connect.addr);
        let to = Destination {
            netns: connect.netns,
            peer: SocketAddr::new(remote, connect.port),
        };
        let known = self.places.get(&to).copied();
        if known.is_some() || self.attempts.len() >= MOST {
            return known;
        }
        let local = address(connect.family, &connect.local_addr);
        self.places.insert(to, self.attempts.len());
        self.attempts.push(Attempts {
            to,
            is_here: remote == local || is_loopback(remote),
            count: 0,
            fates: [0; FATES],
            connect_ns: Histogram::default(),
            syn_again: 0,
            syn_wait_ns: 0,
            again: 0,
            threads: FxHashSet::default(),
        });
        Some(self.attempts.len() - 1)
    }

    /// Something became of one. Returns whose first segment was sent again. `is_over`: whether
    /// the process of a thread has ended.
    pub fn step(
        &mut self,
        ts_ns: u64,
        step: &Step,
        is_over: impl Fn(ThreadId) -> bool,
    ) -> Option<Unanswered> {
        let mut early = self.early;
        // Of one that was there before, or goes where nothing is counted.
        let live = self.live.get_mut(&step.sock)?;
        let is_end = matches!(step.to, Stepped::PeerClosed | Stepped::Closed);
        if is_end && is_over(live.thread) {
            early.below_bytes = 0;
        }
        let attempts = &mut self.attempts[live.place];
        live.count_unseen(step, attempts);
        match step.to {
            Stepped::Established => {
                live.established_ns = Some(ts_ns);
                attempts.connect_ns.add(ts_ns.saturating_sub(live.begun_ns));
            }
            Stepped::Again if step.state == state::SYN_SENT => {
                attempts.syn_again += 1;
                attempts.syn_wait_ns += ts_ns.saturating_sub(live.syn_ns);
                live.syn_ns = ts_ns;
                let (thread, peer) = (live.thread, attempts.to.peer);
                return Some(Unanswered { thread, peer });
            }
            Stepped::Again => attempts.again += 1,
            // Its end has a number of its own in the sequence.
            Stepped::PeerClosed => {
                let received = step.received.saturating_sub(1);
                let fate = if live.is_early(early, ts_ns, received) {
                    Fate::ClosedEarly
                } else {
                    Fate::Served
                };
                // Its own end may come long behind that, or not before the run's.
                attempts.fates[fate as usize] += 1;
                live.is_decided = true;
            }
            Stepped::Closed => {
                if !live.is_decided {
                    attempts.fates[live.fate(early, ts_ns, step) as usize] += 1;
                }
                self.live.remove(&step.sock);
            }
        }
        None
    }
}

impl Live {
    /// The kernel counts what is sent again also where it hides that from the probes.
    fn count_unseen(&mut self, step: &Step, attempts: &mut Attempts) {
        if step.to == Stepped::Again {
            // The kernel has counted this one already.
            self.again += 1;
        }
        let unseen = step.again.saturating_sub(self.again);
        self.again += unseen;
        match step.state {
            state::SYN_SENT => attempts.syn_again += u64::from(unseen),
            _ => attempts.again += u64::from(unseen),
        }
    }

    fn is_early(&self, early: Early, ts_ns: u64, received: u64) -> bool {
        let begun_ns = self.established_ns.unwrap_or(self.begun_ns);
        ts_ns.saturating_sub(begun_ns) <= early.within_ns && received < early.below_bytes
    }

    fn fate(&self, early: Early, ts_ns: u64, step: &Step) -> Fate {
        match (step.state, step.error) {
            (state::SYN_SENT, _) if step.sent == 0 => Fate::Failed,
            (state::SYN_SENT, error::CONNREFUSED) => Fate::Refused,
            (state::SYN_SENT, error::NONE | error::TIMEDOUT) => Fate::Unanswered,
            (state::ESTABLISHED, error::CONNRESET | error::PIPE)
                if self.is_early(early, ts_ns, step.received) =>
            {
                Fate::ResetEarly
            }
            (state::SYN_SENT, _) => Fate::Failed,
            (state::ESTABLISHED, error::NONE | error::CONNRESET | error::PIPE) => Fate::Served,
            (state::ESTABLISHED, _) => Fate::Failed,
            // It had ended its own side.
            _ => Fate::Served,
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_loopback())
}
