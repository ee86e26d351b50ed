//! Finished calls of the kernel functions that the full tier watches: how many,
//! how long, and what they returned. Calls under way at the end are not in here.
//! They add to what the switches tell and change none of it.
//!
//! An *empty return after a wake* is a wasted wake: a call of `do_epoll_wait`
//! that returned no event although its thread slept for one in it and the last
//! such sleep was ended by something other than a timer. It is claimed only if
//! call, sleep and waking are all known: not of a call whose entry was not seen,
//! not where the source is unverified or the kernel hid the switch-in, and not
//! before the sequence number of the next switch record has shown that no sleep
//! in between was lost. The count is a lower bound where any of that occurs.

use super::thread::{SLEPT_ON, State, Thread};
use crate::{
    vocabulary::{WaitKind, WakeSource},
    wire::event::{Function, KernelReturn},
};

/// One thread's finished calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Of `do_wait`.
    pub do_wait: CallSum,
    /// Of `do_epoll_wait`.
    pub epoll: CallSum,
}

/// Finished calls of one function. `count` is the sum of the three results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallSum {
    /// All of them.
    pub count: u64,
    /// Those whose entry was not seen: in none of the times.
    pub begun_before: u64,
    /// Time of those whose entry was seen, ns.
    pub total_ns: u64,
    /// The longest of them, ns.
    pub max_ns: u64,
    /// Returned more than 0: a child, or events.
    pub fruitful: u64,
    /// Returned 0.
    pub empty: u64,
    /// Returned an error.
    pub failed: u64,
    /// Of the empty ones, those after a wake (`do_epoll_wait` only).
    pub empty_after_wake: u64,
}

/// A thread's latest finished sleep for events, while no record since is known
/// to be missing and the call it belongs to has not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Polled {
    /// When it fell asleep, ns.
    from_ns: u64,
    /// Something other than a timer ended it, for certain.
    by_wake: bool,
    /// Its call returned nothing.
    in_vain: bool,
}

impl Calls {
    fn of(&mut self, function: Function) -> &mut CallSum {
        match function {
            Function::DoWait => &mut self.do_wait,
            Function::Epoll => &mut self.epoll,
        }
    }
}

impl CallSum {
    fn add(&mut self, returned_ns: u64, called: &KernelReturn) {
        self.count += 1;
        match called.entered_ns {
            Some(entered_ns) => {
                let ns = returned_ns.saturating_sub(entered_ns);
                self.total_ns += ns;
                self.max_ns = self.max_ns.max(ns);
            }
            None => self.begun_before += 1,
        }
        *match called.result {
            1.. => &mut self.fruitful,
            0 => &mut self.empty,
            ..0 => &mut self.failed,
        } += 1;
    }
}

impl Thread {
    /// A watched function returned to it.
    pub(super) fn returned(&mut self, ts_ns: u64, called: &KernelReturn) {
        self.calls.of(called.function).add(ts_ns, called);
        if called.function == Function::Epoll {
            let polled = self.polled.take();
            self.polled = polled.and_then(|polled| self.judge(polled, called));
        }
    }

    /// What is left of the latest sleep once a call has returned: nothing, but
    /// for a wasted wake.
    fn judge(&self, polled: Polled, called: &KernelReturn) -> Option<Polled> {
        // Only a running thread returns: otherwise a switch-in is missing.
        let is_in_vain = called.result == 0
            && polled.by_wake
            && called.entered_ns.is_some_and(|at| at <= polled.from_ns)
            && self.state == State::Running;
        // An earlier call's wasted wake is still to be confirmed.
        (polled.in_vain || is_in_vain).then_some(Polled {
            in_vain: true,
            ..polled
        })
    }

    /// A sleep that began at `from_ns` has ended.
    pub(super) fn has_slept(&mut self, kind: WaitKind, from_ns: u64, source: WakeSource) {
        if kind == WaitKind::Epoll {
            self.polled = Some(Polled {
                from_ns,
                by_wake: !matches!(source, WakeSource::Timer | WakeSource::Unverified),
                in_vain: false,
            });
        }
    }

    /// It sleeps in such a call, and nothing was lost since the latest one ended.
    pub(super) fn sleeps_for_events(&mut self, ts_ns: u64) {
        let is_same_call = self
            .polled
            .is_some_and(|polled| polled.by_wake && !polled.in_vain);
        // Only where one was seen are returns seen at all.
        if is_same_call && self.calls.epoll.count > 0 && self.slept_on_ns.len() < SLEPT_ON {
            self.slept_on_ns.push(ts_ns);
        }
    }

    /// The next record's sequence number shows that none was lost until now.
    pub(super) fn confirm_return(&mut self) {
        if self.polled.is_some_and(|polled| polled.in_vain) {
            self.calls.epoll.empty_after_wake += 1;
            self.polled = None;
        }
    }
}
