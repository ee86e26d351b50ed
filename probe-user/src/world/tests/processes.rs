//! Which threads are one process: pids that come again, births that were lost.

use probe_common::{families::kind, task::snapshot};

use super::{
    account::assert_closed,
    timeline::{SLEEP, at, records},
};
use crate::{
    document::Document,
    metrics::tests::run,
    wire::{session::Fact, tests::probes::*},
};

fn who(tid: u32, pid: u32) -> Who {
    Who {
        tid,
        pid,
        ppid: 1,
        comm: "test",
    }
}

/// The report of a drawing without its births of this tid.
fn unborn(drawing: &str, tid: u32) -> Document {
    let is_birth = |record: &Vec<u8>| {
        let is_fork = record[..2] == kind::FORK.to_ne_bytes();
        let fork = crate::wire::tests::decoded(record).0;
        is_fork && fork.iter().any(|event| event.tid == tid)
    };
    let mut records = records(drawing);
    records.retain(|record| !is_birth(record));
    let width = drawing.lines().map(|line| line.trim().len()).max();
    closed(run::document(&records, at(width.unwrap_or(0))))
}

fn closed(document: Document) -> Document {
    assert_closed(&document);
    document
}

/// For each thread its tid and what its group is called, by tid.
fn groups(document: &Document) -> Vec<(u32, &str)> {
    let name = |group: usize| document.groups[group].name.as_str();
    let threads = document.threads.iter();
    let mut told: Vec<_> = threads.map(|t| (t.tid, name(t.group))).collect();
    told.sort_unstable();
    told
}

#[test]
fn process_of_a_reused_pid_is_another_also_before_the_last_switch_out_of_the_former() {
    let document = super::timeline::document(
        "
        1   S#################L
        5   fn^##x#########X
        5   .......fn^##z~w^##L
        6/5 ...........fn^####L
        ",
    );
    assert_eq!(closed(document).processes, 3);
}

#[test]
fn process_of_a_thread_whose_birth_was_lost_is_known_from_the_last_snapshot() {
    let drawing = "
        1   S###############L
        5   .fn^############L
        6/5 ....fn^#z~w^##L
    ";
    let document = unborn(drawing, 6);
    assert_eq!(document.processes, 2);
    assert_eq!(
        groups(&document),
        [(1, "test"), (5, "test (forked)"), (6, "test (threads)")]
    );
    let document = unborn(&drawing.replace("w^##L", "w^##X"), 6);
    assert_eq!(document.processes, 3, "it stands for one of its own");
}

#[test]
fn process_of_a_pid_that_ended_takes_in_no_thread_of_the_next() {
    // Of the next one only a thread and its last snapshot came through.
    let document = unborn(
        "
        1   S#################L
        5   fn^##x#X
        6/5 .........fn^##z~w^L
        ",
        6,
    );
    assert_eq!(document.processes, 3);
}

#[test]
fn process_of_a_leader_whose_birth_was_lost_is_that_of_the_threads_it_makes() {
    let mut probes = Probes::default();
    probes.seed(1000, who(1, 1), Out::default(), snapshot::ON_CPU);
    let leader = probes.fork(1010, 1, 0, who(5, 5));
    probes.records.pop();
    probes.switch(1020, None, Some(leader));
    let thread = probes.fork(1030, 5, 1 << 16, who(6, 5));
    probes.wake_new(1040, thread, &By::task(5, 56));
    probes.switch(1050, None, Some(thread));
    let document = closed(run::cut(&probes.records));
    assert_eq!(document.processes, 2);
}

#[test]
fn process_goes_on_where_another_thread_than_its_leader_runs_exec() {
    let mut probes = Probes::default();
    let leader = probes.seed(1000, who(5, 5), Out::default(), snapshot::ON_CPU);
    let caller = probes.seed(1000, who(6, 5), Out::default(), snapshot::ON_CPU);
    probes.exit(1010, leader, 9);
    probes.exec(1020, caller, 5, &["make", "all"]);
    probes.switch(1030, Some((leader, Out::DEAD)), None);
    let child = Who {
        comm: "make",
        ..who(7, 7)
    };
    let child = probes.fork(1040, 5, 0, child);
    probes.wake_new(1050, child, &By::task(5, 56));
    let document = closed(run::cut(&probes.records));
    assert_eq!(document.processes, 2);
    assert_eq!(
        groups(&document),
        [(5, "make"), (5, "test"), (7, "make (forked)")]
    );
    let leader = document.threads.iter().find(|thread| thread.comm == "test");
    let leader = leader.map(|thread| document.groups[thread.group].name.as_str());
    assert_eq!(leader, Some("test"), "the former one");
}

#[test]
fn process_that_was_made_by_vfork_is_another() {
    let mut probes = Probes::default();
    let parent = probes.seed(1000, who(5, 5), Out::default(), snapshot::ON_CPU);
    // CLONE_VM | CLONE_VFORK
    let child = probes.fork(1010, 5, 0x4100, who(6, 6));
    probes.wake_new(1020, child, &By::task(5, 58));
    probes.switch(1030, Some((parent, Out::sleep(58))), Some(child));
    probes.exec(1040, child, 6, &["cc"]);
    let document = closed(run::cut(&probes.records));
    assert_eq!(groups(&document), [(5, "test"), (6, "cc")]);
}

#[test]
fn process_of_a_reused_pid_does_not_run_what_the_former_was_found_to_run() {
    let mut probes = Probes::default();
    let first = probes.seed(1000, who(4, 4), Out::default(), snapshot::ON_CPU);
    let former = probes.seed(1000, who(5, 5), Out::sleep(SLEEP), 0);
    probes.exit(1010, former, 0);
    probes.switch(1020, Some((former, Out::DEAD)), None);
    let next = probes.fork(1030, 4, 0, who(5, 5));
    probes.wake_new(1040, next, &By::task(4, 56));
    probes.switch(1050, None, Some(next));
    for task in [first, next] {
        probes.last(1060, task, Out::default(), snapshot::ON_CPU);
    }
    let mut batch = run::batch(&probes.records);
    batch.facts = [(4, "shell"), (5, "former")]
        .map(|(pid, program)| Fact::Argv {
            pid,
            argv: vec![program.to_owned()],
            file: Some(program.to_owned()),
        })
        .to_vec();
    let mut analysis = run::begun();
    analysis.batch(&batch);
    analysis.end(run::end(1100));
    let document = closed(analysis.document());
    let told = document.threads.iter().map(|t| t.argv.join(" "));
    assert_eq!(told.collect::<Vec<_>>(), ["shell", "former", "shell"]);
}
