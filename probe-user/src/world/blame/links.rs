//! What a thread did in a part of its past, one step of the way to causes: where
//! [`super::walk`] finds all causes at once, this shows who was waited for on the way.

use super::{
    IntervalLogs,
    cause::Cause,
    keys::{CauseId, KeyId},
    log::{Did, IntervalLog},
    walk::{Piece, before_birth},
};
use crate::{
    vocabulary::WaitKind,
    world::{identity::ThreadId, thread::Thread},
};

/// A part of a thread's past, as far as it had been sealed when the wait that leads there
/// was.
#[derive(Clone, Copy, Debug)]
pub struct Past(Piece);

/// What a thread did for a time.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Who: the thread itself or, before its birth, one that it descends from.
    pub thread: ThreadId,
    /// For how long, ns.
    pub ns: u64,
    /// What.
    pub doing: Doing,
}

/// What a thread did.
#[derive(Clone, Copy, Debug)]
pub enum Doing {
    /// No wait.
    Pass(CauseId),
    /// A wait, or a part of one.
    Wait(WaitKind, Behind),
}

/// What is behind a wait.
#[derive(Clone, Copy, Debug)]
pub enum Behind {
    /// Nothing that a thread of the tree did.
    Cause(CauseId),
    /// What a thread did meanwhile.
    Thread(Past),
}

impl IntervalLogs {
    /// The finished past of a thread.
    pub fn past(&self, thread: &Thread) -> Past {
        let log = self.logs.get(thread.id);
        let begun_ns = log.map_or(0, |log| log.begin_ns(0));
        Past(Piece {
            thread: thread.id,
            from_ns: begun_ns,
            to_ns: self.end_ns(thread.id),
            before: u64::MAX,
        })
    }

    /// Calls `each` with what was done in a past, in no order; it adds up to its length.
    pub fn links(&self, past: Past, mut each: impl FnMut(Link)) {
        let mut next = Some(past.0);
        while let Some(piece) = next.take().filter(|piece| piece.from_ns < piece.to_ns) {
            next = self.links_of(piece, &mut each);
        }
    }

    /// The same of the thread itself; returns what is left, before its birth.
    fn links_of(&self, mut piece: Piece, each: &mut impl FnMut(Link)) -> Option<Piece> {
        let thread = piece.thread;
        let mut pass = |cause, ns| {
            if ns > 0 {
                let doing = Doing::Pass(cause);
                each(Link { thread, ns, doing });
            }
        };
        let Some(log) = self.logs.get(thread) else {
            pass(CauseId::OLDER, piece.to_ns - piece.from_ns);
            return None;
        };
        let before = before_birth(log, &mut piece);
        if let Some(unborn) = before
            && unborn.thread == thread
        {
            pass(CauseId::UNKNOWN, unborn.to_ns - unborn.from_ns);
        }
        let cut_ns = log.cut_ns().unwrap_or(0).clamp(piece.from_ns, piece.to_ns);
        pass(CauseId::OLDER, cut_ns - piece.from_ns);
        piece.from_ns = cut_ns;
        let known = log.known_before(piece.before);
        let known_to_ns = log.begin_ns(known).clamp(piece.from_ns, piece.to_ns);
        if piece.to_ns > known_to_ns {
            log.unknown_part(known, known_to_ns, piece.to_ns, pass);
            piece.to_ns = known_to_ns;
        }
        self.known_links(log, known, piece, each);
        before.filter(|before| before.thread != thread)
    }

    /// Those of the first `known` intervals.
    fn known_links(
        &self,
        log: &IntervalLog,
        known: usize,
        piece: Piece,
        each: &mut impl FnMut(Link),
    ) {
        let first = log.partition_point_back(known, |i| i.to_ns <= piece.from_ns);
        for (from_ns, entry) in (first..known).map_while(|at| log.interval(at)) {
            if from_ns >= piece.to_ns {
                break;
            }
            let from_ns = from_ns.max(piece.from_ns);
            let to_ns = entry.to_ns.min(piece.to_ns);
            let behind = |waker| {
                Behind::Thread(Past(Piece {
                    thread: waker,
                    from_ns,
                    to_ns,
                    before: entry.seq,
                }))
            };
            let doing = match entry.did {
                Did::Pass(cause) => Doing::Pass(cause),
                Did::WaitFor { key, cause, .. } => self.wait(key, Behind::Cause(cause)),
                Did::WaitOn { key, waker, .. } | Did::TimedOut { key, waker, .. } => {
                    self.wait(key, behind(waker))
                }
            };
            each(Link {
                thread: piece.thread,
                ns: to_ns.saturating_sub(from_ns),
                doing,
            });
        }
    }

    fn wait(&self, key: KeyId, behind: Behind) -> Doing {
        match self.keys.get(key.0) {
            Some(place) => Doing::Wait(place.key.kind, behind),
            None => Doing::Pass(CauseId::UNKNOWN),
        }
    }

    /// Calls `each` with every cause behind a past; their parts add up to its length.
    pub fn causes_behind(&self, past: Past, mut each: impl FnMut(Cause, u64)) {
        let mut todo = vec![past];
        while let Some(past) = todo.pop() {
            self.links(past, |link| match link.doing {
                Doing::Pass(cause) | Doing::Wait(_, Behind::Cause(cause)) => {
                    each(self.cause(cause), link.ns);
                }
                Doing::Wait(_, Behind::Thread(past)) => todo.push(past),
            });
        }
    }
}
