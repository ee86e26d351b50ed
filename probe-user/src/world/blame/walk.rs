//! From a waker to its own wakers, as far as the interval goes.

use super::{
    IntervalLogs,
    cause::Cause,
    keys::{CauseId, Numbered},
    log::{Did, IntervalLog, Part},
};
use crate::{spill::SpillBudget, world::identity::ThreadId};

/// What a thread did in an interval, as far as it had been sealed by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) thread: ThreadId,
    pub(super) from_ns: u64,
    pub(super) to_ns: u64,
    pub(super) before: u64,
}

/// Kept between walks, for their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    todo: Vec<Piece>,
    /// By [`CauseId`], ns; zero between walks.
    sums: Vec<u64>,
    /// Those that are not zero.
    found: Vec<CauseId>,
    /// What the latest walk has found.
    pub(super) shares: Vec<(CauseId, u64)>,
}

impl Scratch {
    #[inline]
    fn add(&mut self, cause: CauseId, ns: u64) {
        if ns == 0 {
            return;
        }
        let at = cause.0 as usize;
        if self.sums.len() <= at {
            self.sums.resize(at + 1, 0);
        }
        let sum = &mut self.sums[at];
        if *sum == 0 {
            self.found.push(cause);
        }
        // The parts of a wait together are no longer than the wait.
        *sum = sum.wrapping_add(ns);
    }
}

impl IntervalLogs {
    /// Finds the causes of a piece, which add up to its length: [`Scratch::shares`].
    pub(super) fn walk(&mut self, whole: Piece) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.todo.push(whole);
        while let Some(piece) = scratch.todo.pop() {
            if piece.from_ns < piece.to_ns {
                self.step(piece, &mut scratch);
            }
        }
        scratch.found.sort_unstable();
        scratch.shares.clear();
        for cause in scratch.found.drain(..) {
            let ns = std::mem::take(&mut scratch.sums[cause.0 as usize]);
            scratch.shares.push((cause, ns));
        }
        self.scratch = scratch;
    }

    fn step(&mut self, mut piece: Piece, scratch: &mut Scratch) {
        let Some(log) = self.logs.get_mut(piece.thread) else {
            return scratch.add(CauseId::OLDER, piece.to_ns - piece.from_ns);
        };
        match before_birth(log, &mut piece) {
            Some(unborn) if unborn.thread == piece.thread => {
                scratch.add(CauseId::UNKNOWN, unborn.to_ns - unborn.from_ns);
            }
            Some(unborn) => scratch.todo.push(unborn),
            None => {}
        }
        before_cut(log, &mut piece, scratch);
        let known = log.known_before(piece.before);
        let known_to_ns = log.begin_ns(known);
        if piece.to_ns > known_to_ns {
            let from_ns = piece.from_ns.max(known_to_ns);
            log.unknown_part(known, from_ns, piece.to_ns, |cause, ns| {
                scratch.add(cause, ns);
            });
            piece.to_ns = from_ns;
        }
        if piece.from_ns < piece.to_ns {
            let causes = &mut self.causes;
            within(log, known, &piece, &mut self.budget, causes, scratch);
        }
    }
}

/// Takes the part before a thread's birth off: its creator stands for it, or the thread itself
/// where that is not known.
pub(super) fn before_birth(log: &IntervalLog, piece: &mut Piece) -> Option<Piece> {
    let to_ns = piece.to_ns.min(log.begun_ns.unwrap_or(u64::MAX));
    if piece.from_ns >= to_ns {
        return None;
    }
    // A creator was there before its creature, whatever the records say.
    let creator = log.creator.filter(|creator| creator.0 < piece.thread.0);
    let unborn = Piece {
        thread: creator.unwrap_or(piece.thread),
        to_ns,
        ..*piece
    };
    piece.from_ns = to_ns;
    Some(unborn)
}

/// What it did before the horizon is forgotten.
fn before_cut(log: &IntervalLog, piece: &mut Piece, scratch: &mut Scratch) {
    let cut_ns = log.cut_ns().unwrap_or(0).min(piece.to_ns);
    if piece.from_ns < cut_ns {
        scratch.add(CauseId::OLDER, cut_ns - piece.from_ns);
        piece.from_ns = cut_ns;
    }
}

/// The part that the `known` sealed intervals cover: whole ones, and the shares of
/// one at either end.
fn within(
    log: &mut IntervalLog,
    known: usize,
    piece: &Piece,
    budget: &mut SpillBudget,
    causes: &mut Numbered<Cause>,
    scratch: &mut Scratch,
) {
    let last = log.partition_point_back(known, |i| i.to_ns < piece.to_ns);
    let first = log.partition_point_back(last, |i| i.to_ns <= piece.from_ns);
    let mut whole = first;
    if log.begin_ns(first) < piece.from_ns {
        share(log, first, piece, scratch);
        whole += 1;
    }
    log.sum(whole, last, budget, |part, ns| {
        let cause = match part {
            Part::Cause(cause) => cause,
            Part::Wait(at) => CauseId(causes.number(Cause::Behind(piece.thread, at))),
        };
        scratch.add(cause, ns);
    });
    if (whole..known).contains(&last) {
        share(log, last, piece, scratch);
    }
}

/// The part of one interval that lies inside the piece.
fn share(log: &IntervalLog, at: usize, piece: &Piece, scratch: &mut Scratch) {
    let Some((begin_ns, interval)) = log.interval(at) else {
        return;
    };
    let from_ns = piece.from_ns.max(begin_ns);
    let to_ns = piece.to_ns.min(interval.to_ns);
    match interval.did {
        Did::Pass(cause) | Did::WaitFor { cause, .. } => {
            scratch.add(cause, to_ns.saturating_sub(from_ns));
        }
        Did::WaitOn { waker, .. } | Did::TimedOut { waker, .. } => scratch.todo.push(Piece {
            thread: waker,
            from_ns,
            to_ns,
            before: interval.seq,
        }),
    }
}
