//! What all threads did, as one course of time that observers follow: O(n log
//! threads), and memory for the threads that live at an instant, not for what they
//! did.
//!
//! A thread's life is a chain of steps without gaps: what it did from when to when.
//! Every end and beginning of one is a *turn*; turns come in order of time, at one
//! instant those of the oldest thread first. An observer keeps what it needs itself.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    iter,
};

use super::sums;
use crate::world::{
    World,
    account::WaitKey,
    identity::ThreadId,
    interval::{Activity, Ended},
    thread::{State, Thread},
};

/// What a thread does, as far as counting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// On a CPU.
    Running,
    /// On a run queue.
    Queued,
    /// In a wait, finished or not.
    Blocked,
    /// Not known.
    Unknown,
}

/// A stay in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its beginning, ns.
    pub from_ns: u64,
    /// Its end, ns.
    pub to_ns: u64,
    /// Which phase.
    pub phase: Phase,
    /// Of a finished wait: what for, and what ended it.
    pub wait: Option<(WaitKey, Ended)>,
}

/// A thread ends one step and begins another.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// When, ns.
    pub at_ns: u64,
    /// Which thread.
    pub thread: ThreadId,
    /// `None` at the beginning of its life.
    pub ended: Option<&'a Step>,
    /// `None` at the end of its life.
    pub begun: Option<&'a Step>,
    /// What comes behind that.
    pub next: Option<&'a Step>,
}

/// Calls `each` with every turn of these threads, oldest first.
pub fn sweep(world: &World, threads: &[&Thread], mut each: impl FnMut(&Turn<'_>)) {
    // When each goes on, ns, and its place.
    let begins = threads.iter().map(|thread| thread.start_ns.unwrap_or(0));
    let mut next: BinaryHeap<_> = begins.zip(0..).map(Reverse).collect();
    let mut lives: Vec<Option<Box<Life<_>>>> = threads.iter().map(|_| None).collect();
    while let Some(mut top) = next.peek_mut() {
        let Reverse((at_ns, place)): Reverse<(u64, usize)> = *top;
        let thread = threads[place];
        let life = lives[place].get_or_insert_with(|| Box::new(Life::of(steps(world, thread))));
        let turn = life.turn(at_ns, thread.id);
        if turn.ended.or(turn.begun).is_some() {
            each(&turn);
        }
        match turn.begun {
            Some(step) => {
                top.0.0 = step.to_ns;
                life.advance();
            }
            None => {
                lives[place] = None;
                PeekMut::pop(top);
            }
        }
    }
}

/// Where a thread is in its life.
struct Life<I> {
    /// What ended last and what comes behind that, as far as it is read.
    steps: Vec<Step>,
    /// The one that has begun.
    at: usize,
    rest: I,
}

/// Steps that are read at once: that is faster than one by one.
const AHEAD: usize = 8;

impl<I: Iterator<Item = Step>> Life<I> {
    fn of(rest: I) -> Life<I> {
        let mut life = Life {
            steps: Vec::with_capacity(AHEAD + 2),
            at: 0,
            rest,
        };
        life.read();
        life
    }

    fn read(&mut self) {
        let (steps, rest) = (&mut self.steps, &mut self.rest);
        rest.take(AHEAD).for_each(|step| steps.push(step));
    }

    fn advance(&mut self) {
        if self.at + 2 >= self.steps.len() {
            self.steps.drain(..self.at);
            self.at = 0;
            self.read();
        }
        self.at += 1;
    }

    fn turn(&self, at_ns: u64, thread: ThreadId) -> Turn<'_> {
        Turn {
            at_ns,
            thread,
            ended: self.at.checked_sub(1).and_then(|at| self.steps.get(at)),
            begun: self.steps.get(self.at),
            next: self.steps.get(self.at + 1),
        }
    }
}

/// A thread's whole life up to the world's present moment.
fn steps<'a>(world: &'a World, thread: &'a Thread) -> impl Iterator<Item = Step> + 'a {
    let mut from_ns = thread.start_ns.unwrap_or(0);
    let known_ns = world.logs.known_since_ns(thread.id);
    // Before that everything is forgotten.
    let forgotten = iter::once((known_ns, (Phase::Unknown, None)));
    let finished = world.logs.history(thread.id);
    let finished = finished.map(|lived| (lived.to_ns, of_activity(lived.activity)));
    let all = forgotten.chain(finished).chain(present(world, thread));
    all.filter_map(move |(to_ns, (phase, wait))| {
        let step = Step {
            from_ns,
            to_ns: to_ns.max(from_ns),
            phase,
            wait,
        };
        from_ns = step.to_ns;
        (step.to_ns > step.from_ns).then_some(step)
    })
}

type Doing = (Phase, Option<(WaitKey, Ended)>);

fn of_activity(activity: Activity) -> Doing {
    match activity {
        Activity::Cpu(_) => (Phase::Running, None),
        Activity::RunQueue => (Phase::Queued, None),
        Activity::Unknown => (Phase::Unknown, None),
        Activity::Wait { key, ended, .. } => (Phase::Blocked, Some((key, ended))),
    }
}

/// What is not finished, and the present moment, ns.
fn present(world: &World, thread: &Thread) -> Option<(u64, Doing)> {
    thread.start_ns?;
    let phase = match &thread.state {
        State::Running => Phase::Running,
        State::Runnable => Phase::Queued,
        State::Waiting(_) => Phase::Blocked,
        State::Unknown => Phase::Unknown,
        State::NotStarted | State::Dead => return None,
    };
    Some((sums::end_ns(world, thread), (phase, None)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        syscall::Table,
        world::interval::{Activity, Interval},
    };

    /// Lives drawn in text, 1 ns per column from 100 on: `r` running, `q` queued, `?`
    /// not known, `.` not alive. What a thread does last it has not finished.
    fn world(lives: &[&str]) -> World {
        let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
        for life in lives {
            let born = life.find(|mark| mark != '.').unwrap_or(life.len());
            let id = world.threads.next_id();
            let mut thread = Thread {
                id,
                start_ns: (born < life.len()).then_some(100 + born as u64),
                ..Thread::default()
            };
            let marks = (100..).zip(life.chars()).skip(born);
            let ended = marks.filter_map(|(from_ns, mark)| {
                let activity = match mark {
                    'r' => Activity::Cpu(0),
                    'q' => Activity::RunQueue,
                    '?' => Activity::Unknown,
                    _ => return None,
                };
                Some(Interval {
                    thread: id,
                    from_ns,
                    to_ns: from_ns + 1,
                    activity,
                })
            });
            let mut ended: Vec<Interval> = ended.collect();
            thread.state = match ended.pop().map(|last| last.activity) {
                _ if life.ends_with('.') => State::Dead,
                Some(Activity::Cpu(_)) => State::Running,
                Some(Activity::RunQueue) => State::Runnable,
                _ => State::Unknown,
            };
            thread.since_ns = ended.last().map_or(100, |last| last.to_ns);
            world.logs.settle(&mut thread, &ended);
            world.threads.push(thread);
        }
        world.now_ns = 100
            + lives
                .iter()
                .map(|life| life.len() as u64)
                .max()
                .unwrap_or(0);
        world
    }

    /// Turns as text: when, who, what ended, what began, what is next.
    fn turns(world: &World) -> String {
        let mut text = String::new();
        let threads: Vec<&Thread> = world.threads.iter().collect();
        sweep(world, &threads, |turn| {
            let of = |step: Option<&Step>| match step.map(|step| step.phase) {
                Some(Phase::Running) => 'r',
                Some(Phase::Queued) => 'q',
                Some(Phase::Blocked) => 'b',
                Some(Phase::Unknown) => '?',
                None => '.',
            };
            let [ended, begun, next] = [turn.ended, turn.begun, turn.next].map(of);
            let (at_ns, who) = (turn.at_ns - 100, turn.thread.0);
            text.push_str(&format!("{at_ns}:{who}{ended}{begun}{next} "));
        });
        text
    }

    #[test]
    fn sweep_turns_come_in_order_of_time_and_then_of_birth() {
        let lives = ["rq?", "", ".qr"];
        assert_eq!(
            turns(&world(&lives)),
            "0:0.rq 1:0rq? 1:2.qr 2:0q?. 2:2qr. 3:0?.. 3:2r.. "
        );
    }

    #[test]
    fn sweep_what_was_forgotten_is_not_known() {
        let mut world = world(&["rqrqr", "rrrrr"]);
        world.logs.cut(103);
        assert_eq!(
            turns(&world),
            "0:0.?r 0:1.?r 2:0?rq 2:1?rr 3:0rqr 3:1rrr 4:0qr. 4:1rr. 5:0r.. 5:1r.. "
        );
    }
}
