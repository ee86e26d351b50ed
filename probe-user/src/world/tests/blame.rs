//! Blame on drawn timelines: 10 ns a column, the first row wakes all others.

use probe_common::{
    sched::{flag, state, waker},
    task::snapshot,
};

use super::timeline::{SLEEP, block, document};
use crate::{
    document::{Blame, Document},
    metrics::tests::run,
    wire::{
        session::{Batch, Fact},
        tests::{
            frames::stack,
            probes::{By, Out, Probes, Who},
        },
    },
};

/// The blame of every thread that has some, by tid.
fn render(document: &Document) -> String {
    let mut threads: Vec<_> = document.threads.iter().collect();
    threads.sort_by_key(|thread| thread.tid);
    let with_some = threads.iter().filter(|t| !t.sums.blame.is_empty());
    let lines: Vec<String> = with_some
        .map(|thread| {
            let causes: Vec<String> = thread.sums.blame.iter().map(one).collect();
            format!("{}: {}", thread.tid, causes.join(", "))
        })
        .collect();
    lines.join("\n")
}

fn one(blame: &Blame) -> String {
    let detail = blame.detail.as_deref().map(|d| format!(" {d}"));
    let detail = detail.unwrap_or_default();
    format!("{} {}{detail} {}", blame.kind, blame.cause, blame.ns)
}

#[track_caller]
fn check(drawing: &str, expected: &str) {
    let document = document(drawing);
    super::account::assert_closed(&document);
    assert_eq!(render(&document), block(expected), "\n{drawing}");
}

#[test]
fn blame_a_waker_that_ran_is_computing_and_one_that_queued_is_not() {
    check(
        "4    S#########p--^####p#
         5/4  f.n^#z~~~~~~~~~w-^#",
        "5: sleep computing test 70, sleep run-queue 30",
    );
}

/// The burst that wakes the sleeper has not ended when its wait is divided.
#[test]
fn blame_an_exec_divides_what_its_caller_computes() {
    let who = |tid| Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "before",
    };
    let mut probes = Probes::default();
    let waker = probes.seed(1000, who(4), Out::default(), snapshot::ON_CPU);
    probes.exec(1010, waker, 4, &["first"]);
    let sleeper = probes.fork(1020, 4, 0, who(5));
    probes.wake_new(1030, sleeper, &By::task(4, 56));
    probes.switch(1040, None, Some(sleeper));
    probes.switch(1050, Some((sleeper, Out::sleep(SLEEP))), None);
    probes.exec(1080, waker, 4, &["second"]);
    probes.waking(1100, sleeper, &By::task(4, 202));
    probes.switch(1110, None, Some(sleeper));
    let document = run::document(&probes.records, 1200);
    super::account::assert_closed(&document);
    assert_eq!(
        render(&document),
        "5: sleep computing first 30, sleep computing second 20"
    );
}

/// What a read is blamed on that a waking with this stack ended.
fn behind_read(waker_stack: &str, facts: Vec<Fact>) -> String {
    let who = Who {
        tid: 5,
        pid: 5,
        ppid: 1,
        comm: "reader",
    };
    let mut probes = Probes::default();
    let reader = probes.seed(1000, who, Out::default(), snapshot::ON_CPU);
    let asleep = Out {
        state: state::UNINTERRUPTIBLE,
        flags: flag::IOWAIT,
        ..Out::sleep(17)
    };
    probes.switch(1050, Some((reader, asleep)), None);
    let by = By {
        flags: waker::CONTEXT_KNOWN | waker::HARDIRQ | waker::IDLE,
        sleeper_stack: stack("schedule vfs_read"),
        waker_stack: stack(waker_stack),
        disk: Some(DISK),
        ..By::default()
    };
    probes.waking(1100, reader, &by);
    probes.switch(1110, None, Some(reader));
    let mut analysis = run::begun();
    analysis.batch(&Batch {
        facts,
        ..run::batch(&probes.records)
    });
    analysis.end(run::end(1200));
    render(&analysis.document())
}

const DISK: u32 = 254 << 20 | 16;

#[test]
fn blame_a_disk_is_named_where_a_request_of_it_ended() {
    let ended = "bio_endio blk_update_request";
    let named = Fact::Disk {
        dev: DISK,
        name: "vdb".to_owned(),
    };
    assert_eq!(
        behind_read(ended, vec![named.clone()]),
        "5: disk disk vdb 50"
    );
    assert_eq!(behind_read(ended, vec![]), "5: disk disk 254:16 50");
    // A device that ends its own without a request: which one is not known.
    assert_eq!(
        behind_read("bio_endio", vec![named.clone()]),
        "5: disk disk 50"
    );
    let timer = behind_read("hrtimer_wakeup", vec![named]);
    assert_eq!(timer, "5: disk timer 50");
}

/// A sleep of 50 ns that a signal ends, and what it is blamed on.
fn signalled(by: By) -> (Document, String) {
    let mut probes = Probes::default();
    let who = |tid| Who {
        tid,
        pid: tid,
        comm: "test",
        ..Who::default()
    };
    let sender = probes.seed(1000, who(4), Out::default(), 1 << 9);
    let sleeper = probes.seed(1000, who(5), Out::default(), 1 << 9);
    probes.switch(1050, Some((sleeper, Out::sleep(SLEEP))), None);
    probes.waking(1100, sleeper, &by);
    probes.switch(1110, None, Some(sleeper));
    for task in [sender, sleeper] {
        probes.last(1200, task, Out::default(), 1 << 9);
    }
    let document = run::document(&probes.records, 1200);
    let blame = render(&document);
    (document, blame)
}

#[test]
fn blame_of_a_signal_goes_on_to_what_its_sender_did() {
    let sigterm = Some((0, 1 << 14, 0));
    let sent = "signal_wake_up_state complete_signal __send_signal_locked";
    let by = By {
        signals: sigterm,
        waker_stack: stack(sent),
        ..By::task(4, KILL)
    };
    let (document, blame) = signalled(by.clone());
    assert_eq!(blame, "5: sleep computing test 50");
    let wake = &document.threads[1].sums.waits[0].wakes[0];
    assert_eq!(wake.source.as_str(), "signal");
    assert_eq!(wake.signal.as_ref().unwrap().name, "SIGTERM");
    assert_eq!(wake.syscall.as_deref(), Some("kill"));

    let stranger = By {
        tid: 99,
        flags: waker::CONTEXT_KNOWN,
        stranger: Some((98, "bash")),
        ..by.clone()
    };
    let (_, blame) = signalled(stranger.clone());
    assert_eq!(blame, "5: sleep signal SIGTERM by bash (pid 98) 50");

    let kernel = By {
        flags: waker::CONTEXT_KNOWN | waker::KTHREAD,
        stranger: Some((99, "kworker/0:1")),
        ..stranger
    };
    let (_, blame) = signalled(kernel);
    assert_eq!(blame, "5: sleep signal SIGTERM by the kernel 50");

    let timer = By {
        flags: waker::CONTEXT_KNOWN | waker::HARDIRQ,
        waker_stack: stack(&format!("{sent} it_real_fn __hrtimer_run_queues")),
        ..by
    };
    let (document, blame) = signalled(timer);
    assert_eq!(blame, "5: sleep timer 50");
    let wake = &document.threads[1].sums.waits[0].wakes[0];
    assert_eq!((wake.source.as_str(), &wake.comm), ("signal", &None));
}

/// `kill` (x86_64)
const KILL: i16 = 62;
