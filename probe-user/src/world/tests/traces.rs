//! Traces, beside the timelines of the same threads: each interval is a step of those.

use super::timeline::{at, records};
use crate::{
    document::{
        Did, Document, Step, WaitSite, Wake,
        trace::{Interval, Trace, TraceState},
    },
    metrics::tests::run,
    vocabulary::CauseKind,
};

/// Every thread's intervals are the steps of its timeline, and no thread lacks one.
pub(super) fn assert_as_explained(document: &Document) {
    let trace = document.trace.as_ref().expect("a trace");
    assert_eq!(trace.lanes.len(), document.threads.len());
    for timeline in document.explained.iter().flatten() {
        let lane = &trace.lanes[timeline.thread];
        let mut at_ns = lane.from_ns;
        let intervals: Vec<Interval> = lane.intervals().collect();
        assert_eq!(intervals.len(), timeline.steps.len(), "{timeline:?}");
        for (interval, step) in intervals.into_iter().zip(&timeline.steps) {
            assert_eq!(
                (at_ns, interval.ns),
                (step.from_ns, step.to_ns - step.from_ns)
            );
            assert_same(document, trace, interval, step);
            at_ns = step.to_ns;
        }
    }
}

fn assert_same(document: &Document, trace: &Trace, interval: Interval, step: &Step) {
    let what = trace.whats[interval.what as usize];
    let cause = what.cause.map(|cause| trace.causes[cause as usize].clone());
    match &step.did {
        Did::NotWaiting { cause: did, detail } => {
            assert_eq!(cause, Some((*did, detail.clone())), "{step:?}");
            let state = match did {
                CauseKind::Computing | CauseKind::Starting => TraceState::OnCpu,
                CauseKind::RunQueue => TraceState::RunQueue,
                _ => TraceState::Unknown,
            };
            assert_eq!(what.state, state, "{step:?}");
        }
        Did::Open(site) => {
            assert_eq!(what.state, TraceState::Open, "{step:?}");
            assert_site(trace, what.site, site);
        }
        Did::Waited { site, ended, blame } => {
            assert_eq!(what.state, TraceState::Wait, "{step:?}");
            assert_site(trace, what.site, site);
            let wake = &trace.wakes[what.wake.expect("what ended it") as usize];
            assert_eq!(wake.source, ended.source, "{step:?}");
            let is_of_tree = ended.tid.is_some() && !ended.outside;
            if what.by && wake.tid.is_none() && is_of_tree {
                let by = &document.threads[interval.by.expect("by whom") as usize];
                assert_eq!(ended.tid, Some(by.tid), "{step:?}");
            } else {
                assert_eq!((&wake.comm, wake.tid), (&ended.comm, ended.tid), "{step:?}");
            }
            if !what.by {
                let behind: Vec<_> = blame
                    .iter()
                    .map(|sum| (sum.cause, sum.detail.clone()))
                    .collect();
                assert_eq!(Vec::from_iter(cause), behind, "{step:?}");
            }
        }
    }
}

fn assert_site(trace: &Trace, site: Option<u32>, expect: &WaitSite) {
    let site = &trace.sites[site.expect("a place") as usize];
    assert_eq!(
        (site.kind, &site.syscall, &site.function, &site.object),
        (
            expect.kind,
            &expect.syscall,
            &expect.function,
            &expect.object
        )
    );
}

/// Column by column: who waits for whom.
#[test]
fn trace_a_wait_leads_to_the_thread_that_ended_it() {
    let drawing = "
        4    S#########z~~t^####p#
        5/4  f.n^#z~~~~~~~~~w-^##x#X
    ";
    let document = run::explained(&records(drawing), at(30), 4, &[4, 5]);
    assert_as_explained(&document);
    let trace = document.trace.as_ref().expect("a trace");
    let place = |tid| document.threads.iter().position(|thread| thread.tid == tid);
    let waits = |tid: u32| -> Vec<(u64, Option<u32>)> {
        let intervals = trace.lanes[place(tid).expect("a thread")].intervals();
        let is_wait = |it: &Interval| trace.whats[it.what as usize].state == TraceState::Wait;
        intervals.filter(is_wait).map(|it| (it.ns, it.by)).collect()
    };
    assert_eq!(waits(4), [(30, None)]);
    assert_eq!(waits(5), [(100, place(4).map(|at| at as u32))]);
    let plain: Vec<&Wake> = trace
        .wakes
        .iter()
        .filter(|wake| wake.tid.is_none())
        .collect();
    assert_eq!(plain.len(), trace.wakes.len(), "{plain:?}");
}
