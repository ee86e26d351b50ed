//! Behind what a thread stood on a run queue: what that CPU did meanwhile.
//!
//! Each CPU has its latest past, as spans that lie end to end: it ran a thread of the
//! tree, or something else (a *gap*), which the switch-in that ends it says more of. A
//! stay on the run queue is laid over the spans of the CPUs that it was on, and goes
//! to what is certain there; the rest stays unknown:
//!
//! - *Where it stood* is known where the kernel's own count of the thread's moves
//!   agrees with the moves that were seen ([`On::moves_known`]). A waker chooses the
//!   first queue; the way from there is what [`Migration`] says.
//! - *A run of a thread of the tree* counts if that thread's switch-out follows on its
//!   switch-in without a gap in the numbers, on the same CPU.
//! - *A gap that ends with the idle task*: an idle task never gets the CPU while
//!   somebody is queued. So a thread that came to the queue in this gap had an idle
//!   CPU woken.
//! - *A gap that ends with a task outside the tree*: since the CPU last left its idle
//!   task it has run such tasks only. Until then it was idle, by the same rule.
//! - In a gap in which the CPU lost records nothing is known.
//!
//! A thread that a quota (or core scheduling) keeps from a CPU stands there all the
//! same, behind what that CPU does.
//!
//! A stay that ended elsewhere waits for the end of the span that it was taken from:
//! only that proves the span. Spans lie in blocks, each with its sums, so that a stay in
//! a long queue costs by its blocks. Memory: [`BLOCKS`] a CPU, and as many such parts as
//! [`PENDING`].

use std::collections::VecDeque;

use super::{
    account::RunQueue,
    by_few::Lot,
    by_thread::ByThread,
    identity::ThreadId,
    interval::{Activity, Interval},
    thread::Thread,
};
use crate::wire::event::{Before, Migration, On, Prev};

/// Spans of a block; few in tests, whose stays shall cover whole ones.
const SPANS: usize = if cfg!(test) { 3 } else { 32 };

/// Blocks of a CPU's past: in 16,384 spans it runs more threads than it lets wait, but
/// where one starves.
const BLOCKS: usize = 512;

/// Parts of stays that wait for the end of a CPU's present span.
const PENDING: usize = 1024;

/// Moves of one stay.
const MOVES: usize = 64;

/// The run queues of all CPUs.
#[derive(Debug, Default)]
pub struct RunQueues {
    cpus: Vec<Cpu>,
    /// What a CPU does before the first switch that was seen.
    at_first: Now,
}

#[derive(Debug, Default)]
struct Cpu {
    past: VecDeque<Block>,
    /// Where the latest of them ended, ns.
    end_ns: u64,
    now: Now,
    lost: u16,
    pending: Vec<Part>,
}

/// What a CPU does since the latest span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Now {
    #[default]
    Unknown,
    Tree(ThreadId),
    Gap,
}

/// What a CPU did since an instant: [`SPANS`] of its spans, the latest block fewer.
#[derive(Debug, Default)]
struct Block {
    begin_ns: u64,
    spans: Vec<Span>,
    /// What a stay stood behind that lasted longer than all of them; made for the first.
    sums: Option<Sums>,
}

/// As [`RunQueue`], to be added to many.
#[derive(Debug, Default)]
struct Sums {
    outside_ns: u64,
    idle_cpu_ns: u64,
    tree: Lot,
}

/// What a CPU did until an instant.
#[derive(Clone, Copy, Debug)]
struct Span {
    to_ns: u64,
    ran: Ran,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ran {
    Unknown,
    Tree(ThreadId),
    /// Ended by a switch from the idle task.
    Idle {
        /// Since then it went to no untraced task from it, ns.
        steady_from_ns: u64,
        /// That it ran nothing of the tree is certain.
        is_gap: bool,
    },
    /// Ended by a switch from a task outside the tree.
    Outside {
        /// Since then it was not idle, ns.
        steady_from_ns: u64,
        /// And just before then it was.
        idle_before: bool,
    },
}

/// A part of a stay on one CPU's run queue.
#[derive(Clone, Copy, Debug)]
struct Part {
    thread: ThreadId,
    /// Where the stay there began, ns.
    since_ns: u64,
    from_ns: u64,
    to_ns: u64,
    /// Since when the CPU had not been idle as it left, ns; `None`: it was.
    busy_from_ns: Option<u64>,
}

/// A move of a thread that is not on a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    at_ns: u64,
    migration: Migration,
}

/// Where a thread was and came to since it last ran.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Where it was preempted; `None` if it slept.
    preempted_on: Option<u16>,
    moves: Vec<Move>,
}

impl Track {
    /// It has left this CPU.
    #[inline]
    pub fn leave(&mut self, cpu: u16, runnable: bool) {
        self.preempted_on = runnable.then_some(cpu);
        self.moves.clear();
    }

    /// It came from one queue to another. One with too many moves has lost its way.
    pub fn note(&mut self, at_ns: u64, migration: Migration) {
        self.moves.truncate(MOVES);
        self.moves.push(Move { at_ns, migration });
    }

    /// Its moves since an instant, if they lead from where it was to this CPU.
    fn way(&self, from_ns: u64, cpu: u16) -> Option<&[Move]> {
        let first = self.moves.partition_point(|step| step.at_ns < from_ns);
        let way = &self.moves[first..];
        let mut at = self.preempted_on;
        for step in way {
            let Migration {
                from_cpu, to_cpu, ..
            } = step.migration;
            if at.is_some_and(|at| at != from_cpu) {
                return None;
            }
            at = Some(to_cpu);
        }
        (at.is_none_or(|at| at == cpu) && way.len() < MOVES).then_some(way)
    }
}

impl RunQueues {
    /// Nothing of the tree has run so far.
    pub fn begin(&mut self) {
        self.at_first = Now::Gap;
    }

    /// Stays that have ended by now are not counted any more.
    pub fn begin_account(&mut self) {
        let cpus = self.cpus.iter_mut();
        cpus.for_each(|cpu| cpu.pending.clear());
    }

    fn cpu(&mut self, cpu: u16) -> &mut Cpu {
        let (at, now) = (usize::from(cpu), self.at_first);
        if self.cpus.len() <= at {
            self.cpus.resize_with(at + 1, || Cpu {
                now,
                ..Cpu::default()
            });
        }
        &mut self.cpus[at]
    }

    /// A thread of the tree stops running; `is_whole`: none of its records since its
    /// switch-in was lost.
    #[inline]
    pub fn switch_out(
        &mut self,
        cpu: u16,
        ts_ns: u64,
        thread: ThreadId,
        is_whole: bool,
        threads: &mut ByThread<Thread>,
    ) {
        let cpu = self.cpu(cpu);
        let ran = match cpu.now {
            Now::Tree(running) if running == thread && is_whole => Ran::Tree(thread),
            _ => Ran::Unknown,
        };
        cpu.end_span(ts_ns, ran, threads);
        cpu.now = Now::Gap;
    }

    /// A thread of the tree starts running.
    #[inline]
    pub fn switch_in(
        &mut self,
        cpu: u16,
        ts_ns: u64,
        thread: ThreadId,
        before: Before,
        threads: &mut ByThread<Thread>,
    ) {
        let cpu = self.cpu(cpu);
        // Nothing lies between two halves of one switch.
        if cpu.now != Now::Gap || cpu.end_ns != ts_ns {
            let ran = cpu.ran(ts_ns, before);
            cpu.end_span(ts_ns, ran, threads);
        }
        cpu.now = Now::Tree(thread);
    }

    /// Divides the stays on the run queue that a switch-in has ended.
    #[inline]
    pub fn divide(
        &mut self,
        cpu: u16,
        on: &On,
        ended: &[Interval],
        id: ThreadId,
        threads: &mut ByThread<Thread>,
    ) {
        if !on.moves_known {
            return;
        }
        for interval in ended {
            if interval.activity == Activity::RunQueue && interval.to_ns > interval.from_ns {
                let thread = &mut threads[id];
                let Some(way) = thread.track.way(interval.from_ns, cpu) else {
                    continue;
                };
                let sums = &mut thread.account.run_queue;
                let mut since_ns = interval.from_ns;
                for step in way {
                    self.cpu(step.migration.from_cpu).divide(
                        Part {
                            thread: id,
                            since_ns,
                            from_ns: since_ns,
                            to_ns: step.at_ns.min(interval.to_ns),
                            busy_from_ns: step.migration.idle_until_ns,
                        },
                        sums,
                    );
                    since_ns = step.at_ns.min(interval.to_ns);
                }
                let last = Part {
                    thread: id,
                    since_ns,
                    from_ns: since_ns,
                    to_ns: interval.to_ns,
                    busy_from_ns: None,
                };
                self.cpu(cpu).divide(last, sums);
            }
        }
    }
}

impl Cpu {
    /// What it did since the latest span, by what a switch-in says.
    fn ran(&mut self, ts_ns: u64, before: Before) -> Ran {
        let Before {
            prev,
            lost,
            steady_ns,
        } = before;
        let steady_from_ns = ts_ns.saturating_sub(steady_ns.into());
        if matches!(prev, Prev::Unknown | Prev::Traced) {
            return Ran::Unknown;
        }
        let has_lost = std::mem::replace(&mut self.lost, lost) != lost;
        match (self.now, prev) {
            _ if has_lost => Ran::Unknown,
            (now @ (Now::Gap | Now::Unknown), Prev::Idle) => Ran::Idle {
                steady_from_ns,
                is_gap: now == Now::Gap,
            },
            (Now::Gap, Prev::Outside) => Ran::Outside {
                steady_from_ns,
                idle_before: steady_ns < u32::MAX,
            },
            _ => Ran::Unknown,
        }
    }

    #[inline]
    fn end_span(&mut self, ts_ns: u64, ran: Ran, threads: &mut ByThread<Thread>) {
        if !self.pending.is_empty() {
            self.settle(ts_ns, ran, threads);
        }
        if ts_ns <= self.end_ns {
            return;
        }
        if self.past.back().is_none_or(Block::is_full) {
            if self.past.len() >= BLOCKS {
                self.past.pop_front();
            }
            self.past.push_back(Block {
                begin_ns: self.end_ns,
                ..Block::default()
            });
        }
        if let Some(block) = self.past.back_mut() {
            block.spans.push(Span { to_ns: ts_ns, ran });
        }
        self.end_ns = ts_ns;
    }

    /// The span ends from which stays were taken elsewhere.
    fn settle(&mut self, ts_ns: u64, ran: Ran, threads: &mut ByThread<Thread>) {
        let begin_ns = self.end_ns;
        for part in self.pending.drain(..) {
            if let Some(thread) = threads.get_mut(part.thread) {
                part.add(ran, begin_ns, ts_ns, &mut thread.account.run_queue);
            }
        }
    }

    /// Lays a part of a stay over the spans.
    #[inline]
    fn divide(&mut self, part: Part, sums: &mut RunQueue) {
        if part.to_ns > self.end_ns && self.pending.len() < PENDING {
            let from_ns = part.from_ns.max(self.end_ns);
            self.pending.push(Part { from_ns, ..part });
        }
        let mut end_ns = self.end_ns;
        for block in self.past.iter_mut().rev() {
            let is_covered = end_ns <= part.to_ns && part.from_ns < block.begin_ns;
            if is_covered && block.is_full() {
                let of_block = block.sums();
                sums.outside_ns += of_block.outside_ns;
                sums.idle_cpu_ns += of_block.idle_cpu_ns;
                sums.tree.add_lot(&of_block.tree);
            } else {
                block.divide(part, sums);
            }
            end_ns = block.begin_ns;
            if end_ns <= part.from_ns {
                return;
            }
        }
    }
}

impl Block {
    fn is_full(&self) -> bool {
        self.spans.len() >= SPANS
    }

    /// Those of a full one.
    fn sums(&mut self) -> &Sums {
        if self.sums.is_none() {
            let mut sums = RunQueue::default();
            self.divide(Part::ENDLESS, &mut sums);
            self.sums = Some(Sums {
                outside_ns: sums.outside_ns,
                idle_cpu_ns: sums.idle_cpu_ns,
                tree: Lot::of(&sums.tree),
            });
        }
        self.sums.get_or_insert_default()
    }

    fn divide(&self, part: Part, sums: &mut RunQueue) {
        for (at, span) in self.spans.iter().enumerate().rev() {
            let before = at.checked_sub(1).map(|before| self.spans[before].to_ns);
            let begin_ns = before.unwrap_or(self.begin_ns);
            part.add(span.ran, begin_ns, span.to_ns, sums);
            if begin_ns <= part.from_ns {
                return;
            }
        }
    }
}

impl Part {
    /// Of a stay that began before all spans and ends after them.
    const ENDLESS: Part = Part {
        thread: ThreadId(0),
        since_ns: 0,
        from_ns: 0,
        to_ns: u64::MAX,
        busy_from_ns: None,
    };

    /// What a span was that ends then, as far as this part goes: a gap may go on
    /// otherwise when the thread has left.
    fn as_seen(&self, ran: Ran, end_ns: u64) -> Ran {
        match (ran, self.busy_from_ns) {
            _ if self.to_ns >= end_ns => ran,
            (Ran::Unknown | Ran::Tree(_), _) => ran,
            (Ran::Idle { is_gap: false, .. }, _) => Ran::Unknown,
            (_, Some(steady_from_ns)) => Ran::Outside {
                steady_from_ns,
                idle_before: true,
            },
            (_, None) => Ran::Idle {
                steady_from_ns: 0,
                is_gap: true,
            },
        }
    }

    /// Counts what lies inside a span that begins and ends there.
    #[inline]
    fn add(&self, ran: Ran, begin_ns: u64, end_ns: u64, sums: &mut RunQueue) {
        let (from_ns, to_ns) = (self.from_ns.max(begin_ns), self.to_ns.min(end_ns));
        if from_ns >= to_ns {
            return;
        }
        match self.as_seen(ran, end_ns) {
            Ran::Unknown => {}
            Ran::Tree(thread) => sums.tree.add(thread, to_ns - from_ns),
            // Nobody is queued as a CPU goes idle.
            Ran::Idle { steady_from_ns, .. } => {
                if self.since_ns >= begin_ns && steady_from_ns <= from_ns {
                    sums.idle_cpu_ns += to_ns - from_ns;
                }
            }
            Ran::Outside {
                steady_from_ns,
                idle_before,
            } => {
                let steady_from_ns = steady_from_ns.clamp(from_ns, to_ns);
                sums.outside_ns += to_ns - steady_from_ns;
                if self.since_ns >= begin_ns && idle_before {
                    sums.idle_cpu_ns += steady_from_ns - from_ns;
                }
            }
        }
    }
}
