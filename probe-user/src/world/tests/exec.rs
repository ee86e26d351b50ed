//! Exec and the reuse of thread ids.

use probe_common::task::snapshot::ON_CPU;

use super::{
    account,
    timeline::{SLEEP, block, check, records},
};
use crate::{document::Document, metrics::tests::run, wire::tests::probes::*};

fn who(tid: u32, pid: u32) -> Who {
    Who {
        tid,
        pid,
        ppid: 1,
        comm: "before",
    }
}

fn closed(records: &[Vec<u8>]) -> Document {
    let document = run::cut(records);
    account::assert_closed(&document);
    document
}

#[test]
fn exec_an_exec_changes_name_and_arguments_but_not_the_thread() {
    let mut probes = Probes::default();
    let task = probes.seed(1000, who(5, 5), Out::default(), ON_CPU);
    probes.exec(1010, task, 5, &["git", "fetch", "--all"]);
    probes.switch(1020, Some((task, Out::sleep(SLEEP))), None);
    let document = closed(&probes.records);
    assert_eq!(account::render(&document), "5: life 20 cpu 20 open sleep 0");
    let thread = &document.threads[0];
    assert_eq!(thread.argv, ["git", "fetch", "--all"]);
    assert_eq!(thread.former_comms, ["before"]);
    assert_eq!(document.groups[0].name, "git fetch");
}

/// Thread 6 of process 5 runs exec. The leader has begun to exit and woken it.
/// `leader_dies` and `exec_is_told` say in which order the rest comes. The
/// probes tell each under its old tid until the exec, whatever `de_thread` did.
struct ExecByThread {
    probes: Probes,
    leader: TaskId,
    caller: TaskId,
}

impl ExecByThread {
    fn begun() -> ExecByThread {
        let mut probes = Probes::default();
        let leader = probes.seed(1000, who(5, 5), Out::default(), ON_CPU);
        let caller = probes.seed(1000, who(6, 5), Out::default(), ON_CPU);
        probes.switch(1100, Some((caller, Out::sleep(59))), None);
        probes.exit(1150, leader, 9);
        probes.waking(1160, caller, &By::task(5, 202));
        probes.switch(1200, None, Some(caller));
        ExecByThread {
            probes,
            leader,
            caller,
        }
    }

    fn leader_dies(&mut self, ts_ns: u64) {
        let dead = Some((self.leader, Out::DEAD));
        self.probes.switch(ts_ns, dead, None);
    }

    fn exec_is_told(&mut self, ts_ns: u64) {
        self.probes.exec_told(ts_ns, self.caller, 5);
    }

    /// The caller runs until 2000, the leader until `leader_end`.
    fn check(mut self, leader_end: u64) {
        let dead = Some((self.caller, Out::DEAD));
        self.probes.exit(1990, self.caller, 0);
        self.probes.switch(2000, dead, None);
        let document = closed(&self.probes.records);
        let leader = leader_end - 1000;
        let expected = format!(
            "5: life {leader} cpu {leader} signal 9
             5: life 1000 cpu 900 queue 40 unknown 60x1 by task 5 exit 0"
        );
        assert_eq!(account::render(&document), block(&expected));
        super::properties::assert_path(&document);
        let path = document.critical_path.as_ref().expect("a path");
        assert_eq!((path.from_ns, path.to_ns), (0, 1000), "{path:?}");
        let group = |thread: usize| {
            let group = document.threads[thread].group;
            document.groups[group].name.as_str()
        };
        assert_eq!((group(0), group(1)), ("before", "after"));
    }
}

#[test]
fn exec_by_another_thread_takes_the_leaders_tid() {
    let mut story = ExecByThread::begun();
    story.leader_dies(1180);
    story.exec_is_told(1300);
    story.check(1180);
}

#[test]
fn exec_a_leader_may_switch_out_for_the_last_time_after_the_exec() {
    let mut story = ExecByThread::begun();
    story.exec_is_told(1300);
    story.leader_dies(1350);
    story.check(1350);
}

#[test]
fn exec_a_leader_may_switch_out_for_the_last_time_before_the_exec_is_told() {
    let mut story = ExecByThread::begun();
    story.leader_dies(1250);
    story.exec_is_told(1300);
    story.check(1250);
}

#[test]
fn exec_a_caller_may_sleep_between_the_change_of_tid_and_the_exec() {
    // It reads the new program from disk.
    let mut story = ExecByThread::begun();
    story.leader_dies(1180);
    let ExecByThread { probes, caller, .. } = &mut story;
    let caller = *caller;
    probes.switch(1210, Some((caller, Out::preempted())), None);
    probes.switch(1210 + 10, None, Some(caller));
    story.exec_is_told(1300);
    let ExecByThread { probes, .. } = &mut story;
    probes.exit(1990, caller, 0);
    probes.switch(2000, Some((caller, Out::DEAD)), None);
    let document = closed(&story.probes.records);
    assert_eq!(document.threads.len(), 2, "{}", account::render(&document));
    assert_eq!(
        account::render(&document).lines().nth(1),
        Some("5: life 1000 cpu 890 queue 50 unknown 60x1 by task 5 exit 0")
    );
}

#[test]
fn exec_the_tid_that_a_thread_had_before_its_exec_belongs_to_whoever_gets_it_next() {
    // The new owner dies at the very switch-out that would be the next one of
    // the thread that ran exec.
    let mut story = ExecByThread::begun();
    story.leader_dies(1180);
    story.exec_is_told(1300);
    let probes = &mut story.probes;
    let next = probes.fork(1400, 5, 0, who(6, 6));
    probes.wake_new(1410, next, &By::task(5, 56));
    probes.switch(1420, None, Some(next));
    probes.switch(1430, Some((next, Out::preempted())), None);
    probes.switch(1440, None, Some(next));
    probes.exit(1450, next, 0);
    assert_eq!(probes.seq(next), probes.seq(story.caller));
    probes.switch(1460, Some((next, Out::DEAD)), None);
    probes.switch(2000, Some((story.caller, Out::preempted())), None);
    let document = closed(&probes.records);
    assert_eq!(
        account::render(&document),
        block(
            "
            5: life 180 cpu 180 signal 9
            5: life 1000 cpu 900 queue 40 unknown 60x1 by task 5
            6: life 50 cpu 30 queue 20 exit 0
            "
        )
    );
}

#[test]
fn exec_a_tid_reused_before_the_last_switch_out_is_two_threads() {
    check(
        "
        1   S###############L
        5/1 fn^##x#######X
        5/1 .......fn^##z~w^L
        ",
        "
        1: life 170 cpu 170
        5: life 120 cpu 110 queue 10 exit 0
        5: life 90 cpu 50 queue 20 sleep 20x1 by task 1
        ",
    );
}

#[test]
fn exec_a_preemption_of_the_tids_former_owner_is_its_own() {
    check(
        "
        1   S#################L
        5/1 fn^##x#p#-^##X
        5/1 ......f.......n^##L
        ",
        "
        1: life 190 cpu 190
        5: life 120 cpu 80 queue 40 exit 0
        5: life 50 cpu 40 queue 10
        ",
    );
}

#[test]
fn exec_a_tid_reused_after_the_last_switch_out_is_two_threads() {
    check(
        "
        1  S#################L
        5  fn^##z~w^#x#X
        5  ..............fn^##z~L
        ",
        "
        1: life 220 cpu 220
        5: life 110 cpu 70 queue 20 sleep 20x1 by task 1 exit 0
        5: life 70 cpu 30 queue 10 open sleep 30
        ",
    );
}

#[test]
fn identity_of_a_death_under_a_reused_tid_is_the_new_owners() {
    // Its last switch-out has just the number that would be the former owner's next.
    check(
        "
        1  S####################L
        5  fn^##x#X
        5  .........fn^#z~w^#x#X
        ",
        "
        1: life 220 cpu 220
        5: life 60 cpu 50 queue 10 exit 0
        5: life 100 cpu 60 queue 20 sleep 20x1 by task 1 exit 0
        ",
    );
}

#[test]
fn identity_is_not_the_dead_threads_where_the_next_birth_under_its_tid_was_lost() {
    let drawing = "
        1  S##################L
        5  fn^##x#X
        5  .........fn^#z~w^##L
    ";
    let mut records = records(drawing);
    let fork = probe_common::families::kind::FORK.to_ne_bytes();
    let second = records.iter().rposition(|record| record[..2] == fork);
    records.remove(second.expect("two births"));
    let document = run::document(&records, super::timeline::at(20));
    account::assert_closed(&document);
    assert_eq!(
        account::render(&document),
        block(
            "
            1: life 200 cpu 200
            5: life 60 cpu 50 queue 10 exit 0
            5: life 90 cpu 60 queue 10 sleep 20x1 by task 1
            "
        )
    );
}

#[test]
fn exec_a_tid_reused_after_a_lost_death_is_two_threads() {
    // Neither its exit nor its last switch-out came through.
    check(
        "
        1  S################L
        5  fn^##z~w^#
        5  .............fn^#L
        ",
        "
        1: life 180 cpu 180
        5: life 170 cpu 30 queue 20 unknown 100 sleep 20x1 by task 1
        5: life 40 cpu 30 queue 10
        ",
    );
}

#[test]
fn exec_a_waking_by_a_thread_before_its_exec_is_its_own() {
    let mut story = ExecByThread::begun();
    let probes = &mut story.probes;
    let sleeper = probes.seed(1201, who(7, 7), Out::sleep(202), 0);
    probes.waking(1250, sleeper, &By::task(6, 202));
    story.leader_dies(1280);
    story.exec_is_told(1300);
    story.probes.switch(1310, None, Some(sleeper));
    let document = closed(&story.probes.records);
    let told = account::render(&document);
    let expected = "7: life 109 queue 60 futex ≥49x1 by task 5";
    assert_eq!(told.lines().last(), Some(expected), "{told}");
}
