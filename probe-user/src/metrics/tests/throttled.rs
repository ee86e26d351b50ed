//! Waits for CPU quota.

use probe_common::{
    cgroup::{self, NAME_BYTES},
    sched::{flag, waker},
    task::snapshot,
};

use super::{run, tree::*};
use crate::{
    document::{Blame, Document},
    vocabulary::{CauseKind, WaitKind, WakeSource},
    wire::tests::{
        bytes::{at, padded},
        probes::{By, Out, TaskId},
    },
};

const ID: u64 = 77;

fn throttled() -> Out {
    Out {
        flags: flag::THROTTLED | flag::PREEMPT,
        arg0: ID,
        ..Out::default()
    }
}

fn described(tree: &mut Tree, quota_ms: u64) {
    let now = tree.tick();
    tree.probes.cgroup(
        now,
        cgroup::Cgroup {
            header: at(now, 0, 0),
            id: ID,
            quota_ns: quota_ms * 1_000_000,
            period_ns: 100_000_000,
            name: padded::<NAME_BYTES>(b"batch"),
        },
    );
}

/// Throttled for 100 ns, and 10 ns on the run queue behind that.
fn wait(tree: &mut Tree, task: TaskId) {
    tree.sleep(task, throttled());
    tree.pass(90);
    let now = tree.tick();
    let by = By {
        nr: -1,
        flags: waker::UNTHROTTLED,
        ..By::default()
    };
    tree.probes.waking(now, task, &by);
    tree.run(task);
}

fn behind(document: &Document, thread: usize) -> Vec<(WaitKind, CauseKind, Option<&str>, u64)> {
    let blame = document.threads[thread].sums.blame.iter();
    let part = |it: &'_ Blame| (it.kind, it.cause, it.ns);
    blame
        .map(|it| (part(it).0, part(it).1, it.detail.as_deref(), part(it).2))
        .collect()
}

#[test]
fn throttled_threads_wait_for_the_quota_of_their_cgroup() {
    let (mut tree, root) = Tree::root(&["server"]);
    described(&mut tree, 20);
    wait(&mut tree, root);
    let document = tree.document();
    let sums = &document.threads[0].sums;
    let [found] = &sums.waits[..] else {
        panic!("{:?}", sums.waits);
    };
    assert_eq!((found.kind, found.total_ns), (WaitKind::Throttled, 100));
    let object = "cgroup batch, quota 20 ms per 100 ms";
    assert_eq!(found.object.as_deref(), Some(object));
    assert_eq!(found.wakes[0].source, WakeSource::Timer);
    assert_eq!(
        (found.function.as_ref(), found.syscall.as_ref()),
        (None, None)
    );
    assert_eq!(sums.runqueue_ns, 10);
    assert_eq!((sums.switches.involuntary, sums.switches.voluntary), (1, 0));
    let quota = (
        WaitKind::Throttled,
        CauseKind::CpuQuota,
        Some("cgroup batch"),
        100,
    );
    assert_eq!(behind(&document, 0), [quota]);
}

#[test]
fn throttled_threads_keep_those_waiting_that_wait_for_them() {
    let (mut tree, root) = Tree::root(&["server"]);
    let child = tree.fork(root, "child");
    described(&mut tree, 20);
    tree.sleep(root, Out::sleep(WAIT));
    wait(&mut tree, child);
    tree.wake(root, child);
    let document = tree.document();
    let found = behind(&document, 0);
    let quota = (
        WaitKind::ChildExit,
        CauseKind::CpuQuota,
        Some("cgroup batch"),
        100,
    );
    assert!(found.contains(&quota), "{found:?}");
}

#[test]
fn throttled_without_an_end_is_so_to_the_switch_in_and_to_the_end_of_the_run() {
    let (mut tree, root) = Tree::root(&["server"]);
    let other = tree.fork(root, "other");
    tree.sleep(root, throttled());
    tree.pass(90);
    // The record of what the cgroup is was lost.
    tree.run(root);
    tree.sleep(other, throttled());
    let now = tree.tick();
    let flags = snapshot::FINAL | flag::THROTTLED;
    tree.probes
        .last(now, root, Out::default(), snapshot::ON_CPU);
    tree.probes.last(now, other, throttled(), flags);
    let document = run::cut(&tree.probes.records);
    let sums = |at: usize| &document.threads[at].sums;
    let [found] = &sums(0).waits[..] else {
        panic!("{:?}", sums(0).waits);
    };
    assert_eq!((found.kind, found.total_ns), (WaitKind::Throttled, 100));
    assert_eq!(
        (found.object.as_ref(), found.wakes[0].source),
        (None, WakeSource::Timer)
    );
    let open = &sums(1).open[0];
    assert_eq!((open.kind, open.so_far_ns), (WaitKind::Throttled, 10));
    assert_eq!(sums(0).unknown_ns + sums(1).unknown_ns, 0);
}

#[test]
fn throttled_by_a_quota_that_changes_shows_the_latest() {
    let (mut tree, root) = Tree::root(&["server"]);
    for quota_ms in [20, 40] {
        described(&mut tree, quota_ms);
        wait(&mut tree, root);
    }
    let document = tree.document();
    let waits = document.threads[0].sums.waits.iter();
    let mut objects: Vec<&str> = waits.filter_map(|wait| wait.object.as_deref()).collect();
    objects.sort_unstable();
    let expect = [
        "cgroup batch, quota 20 ms per 100 ms",
        "cgroup batch, quota 40 ms per 100 ms",
    ];
    assert_eq!(objects, expect);
}
