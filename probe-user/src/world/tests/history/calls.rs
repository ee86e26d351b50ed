//! Calls of a history: entered and returned from on a CPU, whatever the thread
//! does meanwhile.

use probe_common::kernel_return::function;

use super::{
    simulation::{History, Now},
    truth::Doing,
};
use crate::document::{Calls, Function};

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entered {
    function: Function,
    /// `None`: before the observation.
    seen_ns: Option<u64>,
}

/// The latest sleep for events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slept {
    from_ns: u64,
    /// Not by a timer, and not by something unverified.
    by_wake: bool,
}

/// A call that returned.
#[derive(Clone, Copy, Debug)]
pub(in crate::world::tests) struct Returned {
    function: Function,
    ns: Option<u64>,
    result: i32,
}

impl History {
    /// A thread that runs enters a function, or returns from it.
    pub(super) fn call(&mut self, which: u8, how: u8) {
        let on_cpu = |now: &Now| matches!(now, Now::OnCpu | Now::OnCpuUnseen(_));
        let Some(index) = self.pick(which, on_cpu) else {
            return;
        };
        if self.tasks[index].released {
            return;
        }
        self.tick(&[index]);
        match self.tasks[index].call.take() {
            Some(entered) => self.return_from(index, entered, how),
            None => {
                // Most for events: those have more to get wrong.
                let function = match how % 4 {
                    0 => Function::DoWait,
                    _ => Function::Epoll,
                };
                let seen_ns = (!(how / 4).is_multiple_of(8)).then_some(self.now_ns);
                self.tasks[index].call = Some(Entered { function, seen_ns });
            }
        }
    }

    fn return_from(&mut self, index: usize, entered: Entered, how: u8) {
        let Entered { function, seen_ns } = entered;
        let result = match how % 8 {
            0 => -4,
            1 => 3,
            _ => 0,
        };
        let number = match function {
            Function::DoWait => function::DO_WAIT,
            Function::Epoll => function::EPOLL,
        };
        let (id, now_ns) = (self.tasks[index].id, self.now_ns);
        let entered_ns = seen_ns.unwrap_or(0);
        self.probes.returned(now_ns, id, number, entered_ns, result);
        let shown = self.probes.records.len();
        let returned = Returned {
            function,
            ns: seen_ns.map(|seen_ns| now_ns - seen_ns),
            result,
        };
        self.truth.threads[index].returns.push((shown, returned));
        if function == Function::Epoll {
            let slept = self.tasks[index].slept.take();
            let is_seen = matches!(self.tasks[index].now, Now::OnCpu);
            let in_it = |slept: &Slept| seen_ns.is_some_and(|seen_ns| seen_ns <= slept.from_ns);
            self.tasks[index].woken_in_vain |=
                is_seen && result == 0 && slept.is_some_and(|s| s.by_wake && in_it(&s));
        }
    }

    /// A record tells that the latest sleep is over.
    pub(super) fn sleep_is_told(&mut self, index: usize) {
        let segment = self.truth.threads[index].segments.last();
        if let Some(segment) = segment
            && let Doing::Asleep(_, Some((place, ending))) = &segment.doing
            && place.kind == "epoll"
        {
            self.tasks[index].slept = Some(Slept {
                from_ns: segment.from_ns,
                by_wake: !matches!(ending.source, "timer" | "unverified"),
            });
        }
    }

    /// A record shows that nothing is missing before it.
    pub(super) fn all_is_told(&mut self, index: usize) {
        if std::mem::take(&mut self.tasks[index].woken_in_vain) {
            let shown = self.probes.records.len();
            self.truth.threads[index].wasted.push((shown, ()));
        }
    }
}

/// What the report must say of these calls, of which so many were wasted wakes.
pub(super) fn told(returns: &[Returned], wasted: usize) -> Vec<Calls> {
    let of = |function| {
        let own = returns.iter().filter(move |r| r.function == function);
        let times: Vec<u64> = own.clone().filter_map(|r| r.ns).collect();
        let with = |sign: i32| own.clone().filter(|r| r.result.signum() == sign).count() as u64;
        let waits = function == Function::DoWait;
        Calls {
            function,
            count: own.clone().count() as u64,
            total_ns: times.iter().sum(),
            max_ns: times.iter().copied().max().unwrap_or(0),
            begun_before: own.clone().filter(|r| r.ns.is_none()).count() as u64,
            failed: with(-1),
            reaped: waits.then(|| with(1)),
            none_ready: waits.then(|| with(0)),
            with_events: (!waits).then(|| with(1)),
            empty: (!waits).then(|| with(0)),
            empty_after_wake: (!waits).then_some(wasted as u64),
        }
    };
    let all = [Function::DoWait, Function::Epoll].map(of);
    all.into_iter().filter(|calls| calls.count > 0).collect()
}
