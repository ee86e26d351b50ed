//! The thread's state machine. Every order of events has an arm: those that
//! look odd but happen say when, and those that only lost records can explain
//! put the time in between under `unknown`.

use probe_common::sched::{state, waker};

use super::{
    account::{ObjectKey, WaitKey, WakeKey},
    classify::{Sleep, classify},
    identity::Waker,
    kind::{WaitKind, WakeSource},
    names::{NameId, Names},
    object,
    source::source,
    stack::{self, Symbol, Symbols},
    thread::{State, Thread, Wait},
};
use crate::{
    syscall::{Class, Table},
    wire::event::{Object, Off, On, Snapshot, Waking},
};

/// A waking of which nothing is known.
const UNSEEN: Waking = Waking {
    ts_ns: 0,
    tid: 0,
    nr: -1,
    flags: 0,
};

/// What a thread's transitions read and write besides itself.
pub struct Lexicon {
    /// Kernel functions by address.
    pub symbols: Symbols,
    /// Interned text.
    pub names: Names,
    /// The tree's system-call numbers.
    pub table: Table,
}

impl Thread {
    /// It starts running. `waker` is who `on.wake` names.
    pub fn switch_in(&mut self, ts_ns: u64, on: &On, waker: Waker, lexicon: &mut Lexicon) {
        self.be_met(ts_ns);
        self.doubt = None;
        let missed = self.seq.is_some_and(|seq| seq != on.seq);
        self.seq = Some(on.seq);
        match std::mem::take(&mut self.state) {
            // Its first run was lost.
            State::Embryo if missed => self.start_at(ts_ns),
            State::Embryo => self.be_born(ts_ns, on.wake, waker),
            _ if missed => self.lose_until(ts_ns),
            State::Runnable => self.account.runqueue_ns += self.advance(ts_ns),
            State::Waiting(wait) => match on.wake {
                Some(wake) => self.wake_up(&wait, &wake, waker, ts_ns, lexicon),
                // The kernel showed no waking (some hide what a protected task
                // does): the wait includes its time on the run queue.
                None => self.wake_up(&wait, &UNSEEN, Waker::Nobody, ts_ns, lexicon),
            },
            // Two switch-ins without a switch-out: it was lost.
            State::Running | State::Unknown => self.lose_until(ts_ns),
            State::Dead => {
                self.state = State::Dead;
                return;
            }
        }
        self.state = State::Running;
        self.sleeper_stack = None;
        self.waker_stack = None;
    }

    /// It stops running.
    pub fn switch_out(&mut self, ts_ns: u64, off: &Off) {
        self.be_met(ts_ns);
        self.doubt = None;
        let missed = self.seq.is_some_and(|seq| seq.wrapping_add(1) != off.seq);
        self.seq = Some(off.seq);
        match std::mem::take(&mut self.state) {
            State::Dead => {
                self.state = State::Dead;
                return;
            }
            // Held, but not asleep yet when the seed was taken.
            State::Embryo if self.held => {
                self.state = State::Embryo;
                return;
            }
            State::Embryo => self.start_at(ts_ns),
            // The seed's clock was read a moment before its look at the thread,
            // which went to sleep in that moment: until now it ran.
            State::Waiting(wait) if wait.begun_before && wait.off.seq == off.seq => {
                self.account.on_cpu_ns += self.advance(ts_ns);
            }
            _ if missed => self.lose_until(ts_ns),
            State::Running => self.account.on_cpu_ns += self.advance(ts_ns),
            // Its switch-in was lost.
            State::Waiting(_) | State::Runnable | State::Unknown => self.lose_until(ts_ns),
        }
        self.state = self.after(off);
    }

    /// The iterator found it. A seed of a thread that live records have shown
    /// already tells only who it is.
    pub fn be_seen(&mut self, ts_ns: u64, seen: &Snapshot, waker: Waker, lexicon: &mut Lexicon) {
        self.pid = Some(seen.pid);
        self.ppid = Some(seen.ppid);
        self.migrations = u64::from(seen.migrations);
        if self.comm.is_empty() {
            self.rename(&seen.comm);
        }
        if seen.last {
            self.be_seen_last(ts_ns, seen, waker, lexicon);
        } else if self.start_ns.is_none() && self.state == State::Unknown {
            self.be_seeded(ts_ns, seen);
        }
    }

    /// Time passes in the present state without an event.
    pub fn advance(&mut self, ts_ns: u64) -> u64 {
        let passed = ts_ns.saturating_sub(self.since_ns);
        self.since_ns += passed;
        passed
    }

    /// A thread whose birth was lost is first seen in mid-life.
    fn be_met(&mut self, ts_ns: u64) {
        if self.start_ns.is_none() && self.state == State::Unknown {
            self.start_at(ts_ns);
        }
    }

    /// Its life begins.
    fn start_at(&mut self, ts_ns: u64) {
        self.start_ns = Some(ts_ns);
        self.since_ns = ts_ns;
    }

    fn lose_until(&mut self, ts_ns: u64) {
        self.account.unknown_ns += self.advance(ts_ns);
    }

    fn be_seeded(&mut self, ts_ns: u64, seen: &Snapshot) {
        self.seq = Some(seen.off.seq);
        self.held = seen.held;
        self.state = if seen.held {
            State::Embryo
        } else {
            seen_state(seen, true)
        };
        if self.state == State::Embryo {
            return;
        }
        self.start_at(ts_ns);
        if self.state == State::Runnable {
            self.account.runqueue_count += 1;
        }
    }

    /// The end of the trace: a waking that no switch-in has carried yet comes
    /// with the snapshot.
    fn be_seen_last(&mut self, ts_ns: u64, seen: &Snapshot, by: Waker, lexicon: &mut Lexicon) {
        self.in_last_snapshot = true;
        let mut now = seen_state(seen, false);
        if now == State::Embryo && self.start_ns.is_none() {
            self.state = now;
            return;
        }
        if now == State::Embryo {
            // The tid has a new owner; the end of this one was lost.
            now = State::Unknown;
        }
        self.be_met(ts_ns);
        let behind = self.seq.map_or(0, |seq| seen.off.seq.wrapping_sub(seq));
        self.state = match std::mem::take(&mut self.state) {
            State::Embryo => {
                let first = |wake: &Waking| self.held || wake.flags & waker::NEW != 0;
                let Some(wake) = seen.wake.filter(first).filter(|_| behind == 0) else {
                    // Not woken yet; or it ran, and that is told next or was lost.
                    let has_run = behind != 0 || now == State::Running;
                    self.doubt = has_run.then_some((ts_ns, now));
                    self.state = State::Embryo;
                    return;
                };
                self.be_born(ts_ns, Some(wake), by);
                self.doubted(ts_ns, State::Runnable, now)
            }
            // It switched out between the clock and the look: told next.
            State::Running if behind == 1 => {
                self.doubt = Some((ts_ns, now));
                self.state = State::Running;
                return;
            }
            State::Unknown => self.lose_to(ts_ns, now),
            _ if behind != 0 => self.lose_to(ts_ns, now),
            State::Waiting(wait) => match seen.wake {
                // An early waking of a task that sleeps on meant nothing, and
                // one of a task that runs belongs to its next sleep.
                Some(wake)
                    if now == State::Runnable
                        || (wake.ts_ns > self.since_ns && now != State::Running) =>
                {
                    self.wake_up(&wait, &wake, by, ts_ns, lexicon);
                    State::Runnable
                }
                _ => self.doubted(ts_ns, State::Waiting(wait), now),
            },
            other => self.doubted(ts_ns, other, now),
        };
        self.seq = Some(seen.off.seq);
    }

    /// The trace is over: what the snapshot saw and no record explained.
    pub fn settle_doubt(&mut self) {
        if let Some((ts_ns, seen)) = self.doubt.take() {
            if self.start_ns.is_none() {
                self.start_at(ts_ns);
            }
            self.state = self.lose_to(ts_ns, seen);
        }
    }

    /// Keeps the told state, with a doubt if the snapshot shows another.
    fn doubted(&mut self, ts_ns: u64, told: State, seen: State) -> State {
        let rank = |state: &State| match state {
            State::Waiting(_) => 0,
            State::Runnable => 1,
            _ => 2,
        };
        // A thread that is about to sleep shows so while it still runs.
        if rank(&seen) > rank(&told) {
            self.doubt = Some((ts_ns, seen));
        }
        told
    }

    fn lose_to(&mut self, ts_ns: u64, state: State) -> State {
        self.lose_until(ts_ns);
        state
    }

    fn be_born(&mut self, ts_ns: u64, wake: Option<Waking>, waker: Waker) {
        let from = wake.map_or(ts_ns, |wake| wake.ts_ns.min(ts_ns));
        self.start_at(from);
        self.account.runqueue_count += 1;
        self.account.runqueue_ns += self.advance(ts_ns);
        if let Some(wake) = wake {
            self.account.add_birth(WakeKey {
                source: WakeSource::New,
                waker,
                nr: wake.nr,
            });
        }
    }

    /// The state behind a switch-out.
    fn after(&mut self, off: &Off) -> State {
        if off.state & state::DEAD != 0 {
            return State::Dead;
        }
        if off.preempted || off.state == state::RUNNING {
            self.account.involuntary += 1;
            self.account.runqueue_count += 1;
            return State::Runnable;
        }
        self.account.voluntary += 1;
        State::Waiting(Wait {
            off: *off,
            begun_before: false,
        })
    }

    /// A wait ends at the waking; the rest until `ts_ns` is run queue.
    fn wake_up(
        &mut self,
        wait: &Wait,
        wake: &Waking,
        waker: Waker,
        ts_ns: u64,
        lexicon: &mut Lexicon,
    ) {
        // A waking that raced with the switch-out may be older than it: the
        // wait was over before it began.
        let woken_ns = if wake.ts_ns == UNSEEN.ts_ns {
            ts_ns
        } else {
            wake.ts_ns
        };
        let at = woken_ns.clamp(self.since_ns, ts_ns.max(self.since_ns));
        // Taken during this sleep: at its waking, or, when the kernel hid that,
        // at the switch-in.
        let asleep = |taken_ns: u64| taken_ns >= self.since_ns;
        let sleeper = taken(self.sleeper_stack.as_ref(), asleep);
        let key = self.wait_key(&wait.off, sleeper, lexicon);
        let waker_stack = taken(self.waker_stack.as_ref(), |ns| ns == wake.ts_ns);
        let source = source(wake, &lexicon.symbols.resolve(waker_stack));
        let by_task = source.is_task();
        let wake_key = WakeKey {
            source,
            waker: if by_task { waker } else { Waker::Nobody },
            nr: if by_task { wake.nr } else { -1 },
        };
        let waited = self.advance(at);
        self.account
            .add_wait(key, wake_key, waited, wait.begun_before);
        self.account.runqueue_count += 1;
        self.account.runqueue_ns += self.advance(ts_ns);
    }

    /// Under what a wait is counted.
    fn wait_key(&self, off: &Off, frames: &[u64], lexicon: &mut Lexicon) -> WaitKey {
        let Lexicon {
            symbols,
            names,
            table,
        } = lexicon;
        let place = self.place(off, frames, symbols, *table);
        let mut id = |text: Option<&str>| text.map_or(NameId::NONE, |text| names.id(text));
        WaitKey {
            kind: place.kind,
            nr: off.call.nr,
            compat: off.call.compat,
            function: id(place.function),
            stack: id(place.unknown_stack.as_deref()),
            object: object_key(off, *table, self.object_of(off)),
        }
    }

    /// What a wait is and where, as far as its stack was taken.
    pub fn place<'a>(
        &self,
        off: &Off,
        frames: &[u64],
        symbols: &'a Symbols,
        table: Table,
    ) -> Place<'a> {
        let stack = symbols.resolve(frames);
        let kind = classify(&Sleep {
            call: off.call,
            table,
            state: off.state,
            io_wait: off.io_wait,
            on_lock: off.on_lock,
            object: self.object_of(off).map(|(object, _)| object),
            stack: &stack,
        });
        let unexplained = kind == WaitKind::Unknown && !stack.is_empty();
        Place {
            kind,
            function: stack::function(&stack),
            unknown_stack: unexplained.then(|| joined(&stack)),
        }
    }

    fn object_of(&self, off: &Off) -> Option<&(Object, NameId)> {
        self.object.as_ref().filter(|_| off.has_object)
    }

    /// What the wait is on.
    pub fn object_key(&self, off: &Off, table: Table) -> ObjectKey {
        object_key(off, table, self.object_of(off))
    }
}

/// A wait's kind and whereabouts.
pub struct Place<'a> {
    /// What for.
    pub kind: WaitKind,
    /// Kernel function slept in.
    pub function: Option<&'a str>,
    /// For unknown waits, the stack, `;`-separated.
    pub unknown_stack: Option<String>,
}

/// What a snapshot shows a thread doing.
fn seen_state(seen: &Snapshot, begun_before: bool) -> State {
    if seen.off.state & state::DEAD != 0 {
        State::Dead
    } else if seen.off.state & state::NEW != 0 {
        State::Embryo
    } else if seen.on_cpu {
        State::Running
    } else if seen.off.state == state::RUNNING {
        State::Runnable
    } else {
        State::Waiting(Wait {
            off: seen.off,
            begun_before,
        })
    }
}

/// A stack, if it was taken when it had to be.
fn taken(stack: Option<&(u64, Box<[u64]>)>, when: impl Fn(u64) -> bool) -> &[u64] {
    match stack {
        Some((taken_ns, frames)) if when(*taken_ns) => frames,
        _ => &[],
    }
}

/// Files by name, futexes by address.
fn object_key(off: &Off, table: Table, object: Option<&(Object, NameId)>) -> ObjectKey {
    if let Some((_, name)) = object {
        return ObjectKey::File(*name);
    }
    let native = !off.call.compat && !off.call.kernel;
    if native && table.class(off.call.nr) == Class::Futex {
        return ObjectKey::Futex(off.call.arg0);
    }
    ObjectKey::None
}

fn joined(stack: &[&Symbol]) -> String {
    stack
        .iter()
        .map(|symbol| &*symbol.name)
        .collect::<Vec<_>>()
        .join(";")
}

/// Names a described file.
pub fn named(object: &Object, names: &mut Names) -> (Object, NameId) {
    (object.clone(), names.id(&object::describe(object)))
}
