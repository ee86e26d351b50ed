//! Sites drawn in text: one row per thread, 1 ms per column if not said otherwise. `~` waits there, a
//! letter ends the wait: who woke it, `t` a timer, `?` something else.

use super::{
    evidence::{Acquaintance, AtFile, By, Judge, Past, Roles, Rule, Waited},
    kin::Kin,
    *,
};
use crate::{
    syscall::Table,
    world::{World, names::NameId, thread::Thread},
};

const MS: u64 = 1_000_000;

/// The waits of a drawing, by thread, with how long it was on the CPU before each, ns.
fn drawn(drawing: &str, column_ns: u64) -> Vec<(Waited, u64)> {
    let lines = drawing.lines().filter(|line| !line.trim().is_empty());
    lines.flat_map(|line| row(line.trim(), column_ns)).collect()
}

fn row(line: &str, column_ns: u64) -> Vec<(Waited, u64)> {
    let (name, marks) = line.split_once(' ').expect("a name and marks");
    let waiter = id(name.chars().next().expect("a name"));
    let mut waits = Vec::new();
    let (mut from, mut end) = (None, None);
    let mut on_cpu_ns = 0;
    for (column, mark) in (0_u64..).zip(marks.trim_start().chars()) {
        let by = match mark {
            '~' => {
                from = from.or(Some(column));
                continue;
            }
            '.' => continue,
            't' => By::Timer,
            '?' => By::Other,
            letter => By::Thread(id(letter)),
        };
        if let Some(begun) = from.take() {
            on_cpu_ns += end.map_or(0, |end| (begun - end - 1) * column_ns);
            end = Some(column);
            let wait = Waited {
                from_ns: begun * column_ns,
                to_ns: column * column_ns,
                waiter,
                object: ObjectKey::Futex(0x1000),
                by,
            };
            waits.push((wait, on_cpu_ns));
        }
    }
    waits
}

/// `m` is the first thread, `a`, `b`, … follow.
fn id(letter: char) -> ThreadId {
    ThreadId(match letter {
        'm' => 0,
        other => u32::from(other) - u32::from('a') + 1,
    })
}

/// `m` has made `a` to `d`, each in a process of its own, or all in one; `a`
/// has made `e`.
fn family() -> World {
    let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
    let made_by = |creator: Option<u32>| Thread {
        creator: creator.map(ThreadId),
        ..Thread::default()
    };
    world.threads = [None, Some(0), Some(0), Some(0), Some(0), Some(1)]
        .map(made_by)
        .into_iter()
        .collect();
    world
}

const ONE_PROCESS: [usize; 6] = [0; 6];
const PROCESSES: [usize; 6] = [0, 1, 2, 3, 4, 1];

/// A thread that passes on does so within 2 ms; `m` has rested between any two instants, or
/// between none.
struct Drawn {
    rests: bool,
}

impl Past for Drawn {
    fn passes_on(&self, _: ThreadId, from_ns: u64, to_ns: u64) -> bool {
        to_ns - from_ns <= 2_000_000
    }

    fn rests(&self, _: ThreadId, _: u64, _: u64) -> bool {
        self.rests
    }
}

/// The verdict on one site at which all of a drawing happened.
#[track_caller]
fn check(rule: Rule, drawing: &str, column_ns: u64, idle: Option<bool>) {
    check_where(&Drawn { rests: false }, rule, drawing, column_ns, idle);
}

#[track_caller]
fn check_where(past: &Drawn, rule: Rule, drawing: &str, column_ns: u64, idle: Option<bool>) {
    let world = family();
    let process_of = ONE_PROCESS.into_iter().collect();
    let kin = Kin::new(&world, &process_of);
    let mut waits = drawn(drawing, column_ns);
    waits.sort_by_key(|(wait, _)| (wait.to_ns, wait.waiter));
    let mut first = Acquaintance::of(1);
    for (wait, on_cpu_ns) in &waits {
        first.add(0, *wait, *on_cpu_ns);
    }
    let mut judge = Judge::new(vec![rule], first);
    for (wait, _) in waits {
        judge.add(0, wait, past, &kin);
    }
    assert_eq!(judge.verdicts(), [idle], "\n{drawing}");
}

#[track_caller]
fn check_word(drawing: &str, idle: Option<bool>) {
    check(Rule::Word, drawing, MS, idle);
}

#[track_caller]
fn check_own_words(drawing: &str, idle: Option<bool>) {
    check(Rule::OwnWords, drawing, MS, idle);
}

/// Waits of the first row's thread.
#[track_caller]
fn check_file(process_of: &[usize], drawing: &str, idle: Option<bool>) {
    let world = family();
    let process_of = process_of.iter().copied().collect();
    let kin = Kin::new(&world, &process_of);
    let waits = drawn(drawing, MS).into_iter().map(|(wait, _)| wait);
    let waits: Vec<Waited> = waits.collect();
    let mut roles = Roles::default();
    waits.iter().for_each(|wait| roles.add(wait));
    let first = waits[0].waiter;
    let own: Vec<Waited> = waits.into_iter().filter(|w| w.waiter == first).collect();
    let mut at_file = AtFile::default();
    own.iter().for_each(|wait| at_file.add(wait, &roles, &kin));
    assert_eq!(at_file.is_idle(), idle, "\n{drawing}");
}

const POOL: &str = "
    a ~~~m......~~~~~~m..~~~~~~m
    b ~~~~~~m......~~~~~~m.....m
    c ~~~~~~~~~m.....~~~~~~~~m..";

#[test]
fn idle_workers_that_are_woken_one_by_one_by_a_thread_that_never_waits_are_idle() {
    check_word(POOL, Some(true));
}

#[test]
fn idle_workers_that_pass_on_the_order_to_stop_stay_idle() {
    check_word(
        "a ~~~m......~~~~~~m..~~~~~~~m
         b ~~~~~~m......~~~~~~m..~~~~~a
         c ~~~~~~~~~m.....~~~~~~~~m.~~~b",
        Some(true),
    );
}

#[test]
fn idle_workers_that_wake_each_other_in_vain_stay_idle() {
    // Each that gets an item lets the next one look for another.
    check_word(
        "a ~~~m......~~~~~~m..~~~~~~b~~~~m
         b ~~~~a~~m......~~~~~~m........
         c ~~~~~~~b~~m.....~~~~~~~b~~~~m",
        Some(true),
    );
}

#[test]
fn idle_workers_pass_on_at_once_what_they_were_woken_for() {
    check_word(
        "a ~~~m....~~~~~~~~~~m........
         b ~~~~a.~~~~~~~~~~~~~a.......
         c ~~~~~~~~~~m....~~~~~~~~~~m.
         d ~~~~~~~~~~~c.~~~~~~~~~~~~~c",
        Some(true),
    );
    // They had something to do with it before.
    check_word(
        "a ~~~m......~~~~~~~~~~m..........
         b ~~~~~~a..~~~~~~~~~~~~~~a.......
         c ~~~~~~~~~~~~m....~~~~~~~~~~m...
         d ~~~~~~~~~~~~~~~c.~~~~~~~~~~~~~c",
        None,
    );
}

#[test]
fn idle_a_lock_that_is_held_shortly_is_blocked_all_the_same() {
    // They run hardly at all, but each wakes the next before it waits again.
    check_word(
        "a ~~~c~~c~~c~~c~~c
         b .~~~a~~a~~a~~a~~a
         c ..~~~b~~b~~b~~b~~b",
        Some(false),
    );
}

#[test]
fn idle_a_worker_that_gave_up_waiting_was_idle_too() {
    check_word(
        "a ~~~m......~~~~~~m..~~~~~~m
         b ~~~~~~m..~~t.~~~~~~m.....m
         c ~~~~~~~~~m.~~t..~~~~~~~m..",
        Some(true),
    );
}

#[test]
fn idle_a_lock_that_is_handed_from_one_to_the_next_is_blocked() {
    check_word(
        "a ...~~~c..~~~c..~~~c
         b ~~~a..~~~a..~~~a..
         c ~~~~b..~~~b..~~~b.",
        Some(false),
    );
}

#[test]
fn idle_a_lock_that_its_holder_never_waited_for_is_not_said_to_be_idle() {
    // m lets go for the first, and each lets go for the next.
    check_word(
        "a ~~~m...~~~m...~~~m...~~~m
         b ~~~~a..~~~~a..~~~~a..~~~~a
         c ~~~~~b.~~~~~b.~~~~~b.~~~~~b",
        None,
    );
}

#[test]
fn idle_with_one_worker_a_queue_looks_like_a_lock_held_for_long() {
    check_word("a ~~~m..~~~m..~~~m..~~~m..~~~m", None);
}

#[test]
fn idle_sleepers_that_are_woken_together_wait_at_a_barrier() {
    check_word(
        "a ~~~m..~~~m..~~~m..~~~m
         b .~~m...~~m.~~~~m..~~~m
         c ..~m..~~~m...~~m..~~~m",
        None,
    );
}

#[test]
fn idle_a_few_wakings_are_no_evidence() {
    check_word(
        "a ~~~m
         b ~~~~~~m",
        None,
    );
    check_word(
        "a ~~~b..~~~b
         b ...~~a",
        None,
    );
}

#[test]
fn idle_wakings_from_elsewhere_speak_against_both() {
    check_word(
        "a ~~~m......~~~~~~m..~~~~~~?
         b ~~~~~~m......~~~~~~m.....m
         c ~~~~~~~~~m.....~~~~~~~~m..",
        None,
    );
}

#[test]
fn idle_parked_workers_are_idle_if_their_maker_wakes_them() {
    check_own_words(POOL, Some(true));
    // e has not made them: they may wait for its answers.
    check_own_words(&POOL.replace('m', "e"), None);
}

#[test]
fn idle_a_pair_that_plays_ping_pong_is_not_said_to_be_idle() {
    check_own_words(
        "a ~~b..~~b..~~b..~~b..~~b
         b ..~~a..~~a..~~a..~~a..",
        None,
    );
    check_own_words("a ~~m..~~m..~~m..~~m..~~m", None);
}

#[test]
fn idle_a_child_that_its_parent_feeds_is_idle_and_the_parent_is_not() {
    for processes in [&ONE_PROCESS, &PROCESSES] {
        check_file(processes, "a ~~m..~~m..~~m", Some(true));
        check_file(processes, "m ~~a..~~b..~~a", Some(false));
    }
    // Their maker's maker, and one of its process's other threads.
    check_file(&PROCESSES, "e ~~m..~~m", Some(true));
    check_file(&[0, 1, 0, 0, 0, 1], "a ~~b..~~c", Some(true));
}

#[test]
fn idle_of_siblings_nothing_is_said() {
    check_file(&PROCESSES, "b ~~a..~~a..~~a", None);
    check_file(&ONE_PROCESS, "b ~~a..~~a..~~a", None);
}

#[test]
fn idle_a_pipe_of_tokens_is_no_queue() {
    check_file(
        &PROCESSES,
        "a ~~m..~~m..~~m
         m .~~a..~~a..~~a",
        None,
    );
}

#[test]
fn idle_sleepers_have_slept_on_for_a_millisecond_and_three_times() {
    let rounds = |n| format!("a {}\nb {}", "~~m......".repeat(n), "~~~~m....".repeat(n));
    check(Rule::Word, &rounds(3), MS / 2, Some(true));
    check(Rule::Word, &rounds(3), MS / 2 - 1, None);
    check(Rule::Word, &rounds(2), MS / 2, None);
}

#[test]
fn idle_rules_count_no_waking_behind_which_a_thread_ran_for_less_than_50_us() {
    let held = "a ~~b.~~b.~~b.~~b
                b ...............~~t";
    check(Rule::Word, held, 50_000, Some(false));
    check(Rule::Word, held, 49_999, None);
}

#[test]
fn idle_rules_let_a_submitter_wait_once_for_twenty_that_it_woke() {
    let fed = |n| format!("a {}\nm {}~~a", "~~m.".repeat(n), "....".repeat(n));
    check_file(&PROCESSES, &fed(20), Some(true));
    check_file(&PROCESSES, &fed(19), None);
}

#[test]
fn idle_rules_need_95_of_100_waits() {
    let fed = |n| format!("a {}~~?", "~~m.".repeat(n));
    check_file(&PROCESSES, &fed(19), Some(true));
    check_file(&PROCESSES, &fed(18), None);
    let ordered = |n| format!("m {}~~?", "~~a.".repeat(n));
    check_file(&PROCESSES, &ordered(19), Some(false));
    check_file(&PROCESSES, &ordered(18), None);
}

fn key(kind: WaitKind) -> WaitKey {
    WaitKey {
        kind,
        nr: 0,
        compat: false,
        function: NameId::NONE,
        stack: NameId::NONE,
        object: ObjectKey::None,
    }
}

/// A kind that knows no site, ended by one source.
#[track_caller]
fn check_kind(kind: WaitKind, source: WakeSource, waker: Waker, idle: Option<bool>) {
    let mut sum = WaitSum::default();
    let wake = WakeKey {
        source,
        waker,
        nr: -1,
        signal: None,
    };
    sum.wakes.entry(wake).or_default().count = 1;
    let none = Idle(FxHashMap::default());
    assert_eq!(none.of(ThreadId(0), &key(kind), &sum), idle, "{kind:?}");
}

#[test]
fn idle_who_waits_for_a_resource_is_not_idle() {
    use WaitKind::*;
    let thread = Waker::Thread(ThreadId(1));
    for kind in [ChildExit, Gil, Sleep, Disk, KernelLock, PipeWrite] {
        check_kind(kind, WakeSource::Task, thread, Some(false));
    }
    check_kind(Futex, WakeSource::Task, thread, None);
    check_kind(Unknown, WakeSource::Timer, Waker::Nobody, None);
}

#[test]
fn idle_an_event_loop_that_waits_for_the_world_is_not_idle() {
    use WaitKind::*;
    let nobody = Waker::Nobody;
    for kind in [Epoll, Poll, Select, SocketRecv, SocketAccept] {
        check_kind(kind, WakeSource::Timer, nobody, Some(false));
        check_kind(kind, WakeSource::NetRx, nobody, Some(false));
        check_kind(kind, WakeSource::NetRx, Waker::Thread(ThreadId(1)), None);
        check_kind(
            kind,
            WakeSource::Task,
            Waker::UnnamedExternal(9),
            Some(false),
        );
        check_kind(kind, WakeSource::Task, Waker::Thread(ThreadId(1)), None);
        check_kind(kind, WakeSource::Unverified, nobody, None);
    }
}

/// As many items as workers: each that is woken wakes the next, and none sleeps on.
const AS_MANY_ITEMS: &str = "
    a ~~~m...~~~~m...~~~~m...~~~~m...~~~~m
    b ~~~~a..~~~~~a..~~~~~a..~~~~~a..~~~~~a
    c ~~~~~b..~~~~~b..~~~~~b..~~~~~b..~~~~~b";

#[test]
fn idle_workers_that_are_all_woken_in_turn_are_idle_if_their_submitter_held_no_lock() {
    #[track_caller]
    fn check(rests: bool, drawing: &str, idle: Option<bool>) {
        check_where(&Drawn { rests }, Rule::Word, drawing, MS, idle);
    }
    check(true, AS_MANY_ITEMS, Some(true));
    // It may have held a lock while they slept.
    check(false, AS_MANY_ITEMS, None);
    // Too few times.
    check(
        true,
        "a ~~~m...~~~~m...~~~~m
         b ~~~~a..~~~~~a..~~~~~a
         c ~~~~~b..~~~~~b..~~~~~b",
        None,
    );
    // All at once by the same thread: a barrier, also where that rests.
    check(
        true,
        "a ~~~m...~~~~m...~~~~m...~~~~m...~~~~m
         b ~~~m...~~~~m...~~~~m...~~~~m...~~~~m
         c ~~~m...~~~~m...~~~~m...~~~~m...~~~~m",
        None,
    );
}
