//! Sums over the selected threads, with what each thread's losses do to them.
//!
//! Of each thread a metric names a [`Part`]: what it certainly has, and what may be its as
//! well. To that comes the time of which nothing is known ([`Lives`]): it may be all of the
//! part or none of it. A share is least where none of that time belongs to the part and all of
//! it to the whole, and greatest where all of it belongs to both.

use super::{Subject, trust::PARTIAL};
use crate::{
    claim::{
        measured::{Doubt, Measured, down, quotient_down, quotient_up, up},
        unit::Unit,
    },
    document::Thread,
    vocabulary::WakeSource,
};

/// What one thread has of something: ns, or a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Certainly.
    pub sure: u64,
    /// Certainly, if no stack of it was lost.
    pub shaky: u64,
    /// The largest single piece that a lost stack may have moved in or out.
    pub piece: u64,
    /// Besides, perhaps.
    pub maybe: u64,
    /// Of so much.
    pub whole: u64,
    /// Besides what is not known of its life, ns: so much more there may be of the whole.
    pub unsure: u64,
}

impl Part {
    /// Time that a thread is said to have had: the end of it is not certain.
    pub fn reported(ns: u64, life: &Life) -> Part {
        let loose = ns.min(life.tail_ns);
        Part {
            sure: ns - loose,
            maybe: loose,
            whole: life.known_ns,
            ..Part::default()
        }
    }
}

/// The parts of all threads.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    sure: u128,
    maybe: u128,
    whole: u128,
    /// Of which nothing is known, ns.
    unsure: u128,
    /// Nothing bounds it: why.
    unbounded: Vec<Doubt>,
    /// What else makes it wide.
    doubts: Vec<Doubt>,
    /// Nothing is certain: why.
    spoiled: Vec<Doubt>,
    /// Records that hide two of what is counted each.
    hidden: u64,
}

/// How much of a thread's life is known.
pub struct Life {
    /// It lives on behind what this is a report of.
    pub goes_on: bool,
    /// Known, ns: what it then did is certain.
    pub known_ns: u64,
    /// Not known, ns: so much more it may have lived, and done anything.
    pub unsure_ns: u64,
    /// The end of what is reported that is not certain, ns.
    pub tail_ns: u64,
    /// It had begun before, or it may live on: what is not known may go on beyond it.
    pub is_open: bool,
}

/// How much of a thread's life is known. See [`super::trust`].
pub fn life(subject: &Subject<'_>, index: usize) -> Life {
    let trust = subject.prepared.trust();
    let thread = &subject.document.threads[index];
    let sums = &thread.sums;
    let lost = trust.switches > 0;
    // Its last switch-out may be missing behind its end.
    let lives = thread.exit.is_none() || thread.end_ns >= subject.document.end_ns();
    let tail_ns = match lost && lives {
        true => trust.tail_ns.min(sums.lifetime_ns),
        false => 0,
    };
    // Its first run was lost: it may be as old as its process, or the run.
    let is_born = sums.wakes.iter().any(|wake| wake.source == WakeSource::New);
    let before_ns = match lost && !is_born {
        true => thread.start_ns.saturating_sub(subject.document.begin_ns()),
        false => 0,
    };
    let known_ns = sums.lifetime_ns.saturating_sub(sums.unknown_ns);
    let unsure_ns = sums.unknown_ns.saturating_add(before_ns);
    Life {
        goes_on: trust.partial && !trust.so_far && lives,
        known_ns: known_ns.saturating_sub(tail_ns),
        unsure_ns: unsure_ns.saturating_add(tail_ns),
        tail_ns,
        is_open: lives || !is_born,
    }
}

impl Tally {
    /// Adds up what each selected thread has.
    pub fn of(subject: &Subject<'_>, part: impl Fn(&Thread, &Life) -> Part) -> Tally {
        Tally::moved(subject, part, subject.prepared.trust().stacks)
    }

    /// The same, where so many lost records may each have moved a piece in or out.
    pub fn moved(
        subject: &Subject<'_>,
        part: impl Fn(&Thread, &Life) -> Part,
        records: u64,
    ) -> Tally {
        let (trust, threads) = (subject.prepared.trust(), subject.threads);
        let mut tally = Tally {
            spoiled: subject.spoiled(),
            hidden: if threads.is_empty() {
                0
            } else {
                trust.switches
            },
            ..Tally::default()
        };
        let (mut shaky, mut piece) = (0_u128, 0);
        for &index in threads {
            let life = life(subject, index);
            add(&mut tally.unsure, life.unsure_ns);
            if life.goes_on {
                continue;
            }
            let thread = &subject.document.threads[index];
            let part = part(thread, &life);
            add(&mut tally.sure, part.sure);
            add(&mut tally.maybe, part.maybe);
            add(&mut tally.whole, part.whole);
            add(&mut tally.unsure, part.unsure);
            add(&mut shaky, part.shaky);
            piece = piece.max(part.piece);
        }
        // No more than there is: it stays far from the greatest number.
        let moved = u128::from(records.min(MOST)) * u128::from(piece);
        tally.sure += shaky.saturating_sub(moved);
        tally.maybe += moved + shaky.min(moved);
        if moved > 0 {
            tally
                .doubts
                .extend(trust.doubts(&[(trust.stacks, "stacks")]));
        }
        if tally.unsure > 0 || tally.hidden > 0 {
            tally.doubts.extend(trust.of_switches());
            tally.doubts.extend(hidden_time(subject, threads));
        }
        if trust.switches > 0 && !subject.is_beginning_known() {
            tally.unbounded.extend(trust.of_switches());
        }
        tally.bound(subject);
        tally
    }

    /// Threads that may belong to it and are not seen to.
    fn bound(&mut self, subject: &Subject<'_>) {
        if subject.prepared.trust().partial {
            self.unbounded.push(PARTIAL);
        }
        if !subject.selection.is_tree() {
            self.unbounded.extend(subject.strangers());
        }
    }

    /// It may be more: why.
    pub fn doubt(mut self, doubts: impl IntoIterator<Item = Doubt>) -> Tally {
        self.doubts.extend(doubts);
        self
    }

    /// It may be any more: why.
    pub fn at_least(mut self, doubts: impl IntoIterator<Item = Doubt>) -> Tally {
        self.unbounded.extend(doubts);
        self
    }

    /// Why there may be more that is not seen, or nothing is certain.
    pub fn why_unbounded(&self) -> Vec<Doubt> {
        distinct([self.spoiled.clone(), self.unbounded.clone()].concat())
    }

    /// As time.
    pub fn time(self) -> Measured {
        let unsure = self.unsure;
        self.amount(Unit::Time, unsure)
    }

    /// As a number of things of which a lost record of a switch hides two at most.
    pub fn count(self) -> Measured {
        let hidden = 2 * u128::from(self.hidden);
        let mut tally = self;
        if tally.unsure > 0 && hidden == 0 {
            // What is not known by other reasons than losses may hide any number.
            tally.unbounded.append(&mut tally.doubts.clone());
        }
        tally.amount(Unit::Count, hidden)
    }

    fn amount(self, unit: Unit, unsure: u128) -> Measured {
        if !self.spoiled.is_empty() {
            return Measured::unknown(unit, self.spoiled);
        }
        let (lo, most) = (down(self.sure), self.sure + self.maybe + unsure);
        let mut doubts = self.doubts;
        let hi = match self.unbounded.is_empty() {
            true => up(most),
            false => f64::INFINITY,
        };
        doubts.splice(0..0, self.unbounded);
        if most == self.sure && hi.is_finite() {
            doubts.clear();
        }
        Measured::between(lo, hi, distinct(doubts))
    }

    /// As a share of the whole; `of_nothing` says why there is none.
    pub fn share(self, of_nothing: Doubt) -> Measured {
        if !self.spoiled.is_empty() || !self.unbounded.is_empty() {
            let doubts = [self.spoiled, self.unbounded, self.doubts].concat();
            return Measured::unknown(Unit::Share, distinct(doubts));
        }
        let all = self.whole + self.unsure;
        if all == 0 {
            return Measured::unknown(Unit::Share, vec![of_nothing]);
        }
        let lo = quotient_down(self.sure, all);
        let hi = quotient_up(self.sure + self.maybe + self.unsure, all).min(1.0);
        let is_point = self.maybe == 0 && self.unsure == 0;
        let doubts = match is_point {
            true => Vec::new(),
            false => distinct(self.doubts),
        };
        Measured::between(lo.min(1.0), hi, doubts)
    }
}

/// More lost records move no more.
const MOST: u64 = 1 << 48;

fn add(sum: &mut u128, part: u64) {
    *sum += u128::from(part);
}

/// Time that is not known without a loss of switches.
fn hidden_time(subject: &Subject<'_>, threads: &[usize]) -> Option<Doubt> {
    let threads = threads
        .iter()
        .map(|&index| &subject.document.threads[index]);
    let unknown = threads.map(|thread| u128::from(thread.sums.unknown_ns));
    let ns: u128 = unknown.sum();
    let is_lost = subject.prepared.trust().switches > 0;
    (ns > 0 && !is_lost).then(|| {
        let what = format!("of {ns} ns it is not known what the threads did");
        Doubt::said(what, "")
    })
}

/// Each reason once.
pub fn distinct(doubts: Vec<Doubt>) -> Vec<Doubt> {
    let mut once: Vec<Doubt> = Vec::with_capacity(doubts.len());
    for doubt in doubts {
        if !once.contains(&doubt) {
            once.push(doubt);
        }
    }
    once
}
