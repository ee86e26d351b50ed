//! Run-queue latency of each thread. The definition is in the module above.

use crate::{
    document::RunqueueLatency,
    histogram::Sparse,
    world::{by_thread::ByThread, identity::ThreadId},
};

/// The wake-ups of every thread.
#[derive(Default)]
pub(super) struct Latencies(ByThread<OfThread>);

#[derive(Clone, Debug, Default)]
struct OfThread {
    wakes: u64,
    known: Sparse,
}

impl Latencies {
    /// A waking, and how long its thread then stood in the run queue.
    pub(super) fn wake(&mut self, thread: ThreadId, latency_ns: Option<u64>) {
        let of = self.0.entry(thread);
        of.wakes += 1;
        if let Some(ns) = latency_ns {
            of.known.add(ns);
        }
    }

    /// What each thread's come to.
    pub(super) fn end(&self, thread: ThreadId) -> RunqueueLatency {
        let Some(OfThread { wakes, known }) = self.0.get(thread) else {
            return RunqueueLatency::default();
        };
        RunqueueLatency {
            wakes: *wakes,
            known: known.count,
            total_ns: known.total,
            p99_ns: known.p99().unwrap_or(0),
            max_ns: known.max,
        }
    }
}
