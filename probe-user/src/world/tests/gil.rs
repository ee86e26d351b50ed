//! Waits for an interpreter lock, told from those for other locks.

use std::collections::BTreeMap;

use probe_common::{sched::waker, uapi::CLONE_THREAD};

use crate::{
    document::{Did, Document, top::Why},
    metrics::{
        tests::run,
        top::{Kept, Span, around::Around},
    },
    vocabulary::WaitKind,
    wire::{
        session::{Fact, OffCpu, ScanResult, Wakings},
        tests::{
            frames::stack,
            probes::{By, Out, Probes, TaskId, Who},
        },
    },
};

const FUTEX: i16 = 202;
const NANOSLEEP: i16 = 35;
/// Inside and outside of the lock's object.
const LOCK: u64 = 0x1_0080;
const OTHER: u64 = 0x2_0000;

/// A python, seeded at 1000 ns, and its thread 6.
struct Python {
    probes: Probes,
    facts: Vec<Fact>,
    first: TaskId,
    thread: TaskId,
}

fn who(tid: u32, pid: u32) -> Who {
    Who {
        tid,
        pid,
        ppid: 1,
        comm: "python3",
    }
}

impl Python {
    fn new() -> Python {
        let mut probes = Probes::default();
        let first = probes.seed(1000, who(5, 5), Out::default(), 1 << 9);
        let thread = born(&mut probes, 1100, 5, who(6, 5));
        Python {
            probes,
            facts: Vec::new(),
            first,
            thread,
        }
    }

    fn looked(mut self, pid: u32, from_ns: u64, found: ScanResult) -> Python {
        self.facts.push(Fact::Python {
            pid,
            from_ns,
            found,
        });
        self
    }

    /// One waits 50 ns on a futex word, until 5 wakes it.
    fn waits(&mut self, task: TaskId, from_ns: u64, word: u64) {
        self.waits_until(task, from_ns, word, &By::task(5, FUTEX));
    }

    fn waits_until(&mut self, task: TaskId, from_ns: u64, word: u64, by: &By) {
        let mut out = Out::sleep(FUTEX);
        out.arg0 = word;
        self.probes.switch(from_ns, Some((task, out)), None);
        self.probes.waking(from_ns + 50, task, by);
        self.probes.switch(from_ns + 60, None, Some(task));
    }

    /// As [`Python::waits`], until a timer ends it.
    fn times_out(&mut self, task: TaskId, from_ns: u64, word: u64) {
        self.waits_until(task, from_ns, word, &timer());
    }

    /// The report of what is there, without an end.
    fn document(self) -> Document {
        let mut analysis = run::begun();
        let mut batch = run::batch(&self.probes.records);
        batch.facts = self.facts;
        analysis.batch(&batch);
        analysis.document()
    }
}

fn born(probes: &mut Probes, ts_ns: u64, creator: u32, who: Who) -> TaskId {
    let flags = if who.tid == who.pid { 0 } else { CLONE_THREAD };
    let task = probes.fork(ts_ns, creator, flags, who);
    probes.wake_new(ts_ns + 10, task, &By::task(creator, 56));
    probes.switch(ts_ns + 20, None, Some(task));
    task
}

/// It interrupts 5.
fn timer() -> By {
    By {
        flags: waker::CONTEXT_KNOWN | waker::TRACED | waker::HARDIRQ,
        waker_stack: stack("hrtimer_wakeup asm_sysvec_apic_timer_interrupt"),
        ..By::task(5, FUTEX)
    }
}

fn runtime() -> ScanResult {
    ScanResult::Runtime {
        start: 0x1_0000,
        end: 0x1_0100,
    }
}

/// Finished waits by thread and kind.
fn kinds(document: &Document) -> Vec<(u32, &'static str, u64)> {
    let mut counts = BTreeMap::new();
    for thread in &document.threads {
        for wait in &thread.sums.waits {
            *counts.entry((thread.tid, wait.kind.as_str())).or_default() += wait.count;
        }
    }
    let flat = |((tid, kind), count)| (tid, kind, count);
    counts.into_iter().map(flat).collect()
}

#[test]
fn gil_a_futex_inside_the_runtime_is_the_lock() {
    let mut python = Python::new().looked(5, 0, runtime());
    let thread = python.thread;
    for (from_ns, word) in [
        (1200, 0xffff),
        (1300, 0x1_0000),
        (1400, 0x1_00ff),
        (1500, 0x1_0100),
    ] {
        python.waits(thread, from_ns, word);
    }
    assert_eq!(kinds(&python.document()), [(6, "futex", 2), (6, "gil", 2)]);
}

#[test]
fn gil_a_wait_that_is_not_finished_is_told_in_the_same_way() {
    let mut python = Python::new().looked(5, 0, runtime());
    let mut out = Out::sleep(FUTEX);
    out.arg0 = LOCK;
    python.probes.switch(1200, Some((python.thread, out)), None);
    let document = python.document();
    let open: Vec<_> = document.threads.iter().flat_map(|t| &t.sums.open).collect();
    assert_eq!(open[0].kind.as_str(), "gil");
}

#[test]
fn gil_a_lock_belongs_to_its_process_only() {
    let mut python = Python::new().looked(5, 0, runtime());
    let stranger = python.probes.seed(1150, who(8, 8), Out::default(), 1 << 9);
    python.waits(stranger, 1200, LOCK);
    assert_eq!(kinds(&python.document()), [(8, "futex", 1)]);
}

#[test]
fn gil_a_forked_process_has_the_lock_until_it_runs_exec() {
    let mut python = Python::new().looked(5, 0, runtime());
    let child = born(&mut python.probes, 1200, 6, who(7, 7));
    let worker = born(&mut python.probes, 1300, 7, who(8, 7));
    python.waits(worker, 1400, LOCK);
    python.waits(child, 1500, LOCK);
    python.probes.exec(1600, child, 7, &["git"]);
    python.waits(child, 1700, LOCK);
    python.waits(python.thread, 1800, LOCK);
    let expected = [(6, "gil", 1), (7, "futex", 1), (7, "gil", 1), (8, "gil", 1)];
    assert_eq!(kinds(&python.document()), expected);
}

/// Facts come before the records of their batch: what they say of a program is
/// not true of the one before.
#[test]
fn gil_a_program_that_ran_before_the_exec_had_another_memory() {
    let mut python = Python::new().looked(5, 1500, runtime());
    python.waits(python.thread, 1200, LOCK);
    assert_eq!(kinds(&python.document()), [(6, "futex", 1)]);
}

/// The old program's lock is known until the exec, although what is known of
/// the new one came before.
#[test]
fn gil_both_sides_of_an_exec_are_known_at_once() {
    let elsewhere = ScanResult::Runtime {
        start: OTHER,
        end: OTHER + 8,
    };
    let mut python = Python::new().looked(8, 0, runtime());
    let task = python.probes.seed(1150, who(8, 8), Out::default(), 1 << 9);
    python.waits(task, 1200, LOCK);
    python.waits(task, 1300, OTHER);
    python.probes.exec(1500, task, 8, &["python3"]);
    python.waits(task, 1600, LOCK);
    python.waits(task, 1700, OTHER);
    let document = python.looked(8, 1500, elsewhere).document();
    assert_eq!(kinds(&document), [(8, "futex", 2), (8, "gil", 2)]);
}

/// The coverage's sentences about a python whose thread waited once.
fn told(looks: &[ScanResult], program: &[&'static str]) -> Vec<String> {
    let mut python = Python::new();
    let task = python.probes.seed(1150, who(8, 8), Out::default(), 1 << 9);
    python.probes.exec(1160, task, 8, program);
    python.waits(task, 1200, LOCK);
    for look in looks {
        python = python.looked(8, 1160, look.clone());
    }
    let mut problems = python.document().coverage.problems;
    // These have no end.
    problems.retain(|problem| !problem.starts_with("the recording was cut "));
    problems
}

#[test]
fn gil_what_could_not_be_looked_at_is_told() {
    let symbolless = ScanResult::Symbolless {
        file: "/opt/python".into(),
    };
    let said = told(&[symbolless.clone(), symbolless], &["python3"]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("cannot tell waits for the GIL of /opt/python"));
    let gone = told(&[ScanResult::Gone], &["/usr/bin/python3", "x.py"]);
    assert!(
        gone[0].starts_with("1 Pythons ended their threads before"),
        "{gone:?}"
    );
    let refused = told(&[ScanResult::Refused], &["python3"]);
    assert!(
        refused[0].starts_with("1 Pythons may not be looked at"),
        "{refused:?}"
    );
}

#[test]
fn gil_what_does_not_matter_is_not_told() {
    // The next thread lived longer.
    assert_eq!(told(&[ScanResult::Gone, runtime()], &["python3"]), [""; 0]);
    assert_eq!(
        told(&[ScanResult::Gone, ScanResult::NoPython], &["python3"]),
        [""; 0]
    );
    assert_eq!(told(&[ScanResult::Gone], &["git", "index-pack"]), [""; 0]);
}

/// What the thread's waits are blamed on.
fn blame(python: Python) -> Vec<(&'static str, &'static str, u64)> {
    let document = python.document();
    super::account::assert_closed(&document);
    let thread = document.threads.iter().find(|t| t.tid == 6).unwrap();
    let causes = thread.sums.blame.iter();
    let mut blame: Vec<_> = causes
        .map(|b| (b.kind.as_str(), b.cause.as_str(), b.ns))
        .collect();
    blame.sort_unstable();
    blame
}

/// A waiter looks every 5 ms; that timer is not what it waits for.
#[test]
fn gil_tries_are_blamed_on_whoever_hands_the_lock_on() {
    let mut python = Python::new().looked(5, 0, runtime());
    let thread = python.thread;
    python.times_out(thread, 1200, LOCK);
    python.times_out(thread, 1300, LOCK);
    python.waits(thread, 1400, LOCK);
    // Another lock: only its own timeout.
    python.times_out(thread, 1500, OTHER);
    python.waits(thread, 1600, OTHER);
    let expected = [
        ("futex", "computing", 50),
        ("futex", "timer", 50),
        ("gil", "computing", 150),
    ];
    assert_eq!(blame(python), expected);
}

/// The holder waited itself for a while, until 5 woke it.
#[test]
fn gil_a_try_is_blamed_on_what_the_holder_did_meanwhile() {
    let mut python = Python::new().looked(5, 0, runtime());
    let thread = python.thread;
    let holder = born(&mut python.probes, 1110, 5, who(7, 5));
    let mut out = Out::sleep(FUTEX);
    out.arg0 = LOCK;
    python.probes.switch(1200, Some((thread, out)), None);
    python.waits(holder, 1210, LOCK);
    python.probes.waking(1300, thread, &timer());
    python.probes.switch(1310, None, Some(thread));
    python.waits_until(thread, 1320, LOCK, &By::task(7, FUTEX));
    // 5 for as long as the holder waited for it, and then 10 ns in which the
    // holder was not running yet.
    let expected = [
        ("gil", "computing", 50),
        ("gil", "computing", 90),
        ("gil", "run-queue", 10),
    ];
    assert_eq!(blame(python), expected);
}

#[test]
fn gil_a_lock_that_was_free_in_the_end_was_held_by_nobody_known() {
    let mut python = Python::new().looked(5, 0, runtime());
    let thread = python.thread;
    python.times_out(thread, 1200, LOCK);
    // It ran for long, so it had the lock.
    python.waits(thread, 70_000, LOCK);
    python.times_out(thread, 71_000, LOCK);
    python.waits(thread, 72_000, OTHER);
    python.waits(thread, 73_000, LOCK);
    let expected = [
        ("futex", "computing", 50),
        ("gil", "computing", 100),
        ("gil", "timer", 100),
    ];
    assert_eq!(blame(python), expected);
}

/// Steps of the thread's story that timers ended.
#[test]
fn gil_a_try_that_a_timer_ended_is_told_as_such() {
    let mut python = Python::new().looked(5, 0, runtime());
    let thread = python.thread;
    python.times_out(thread, 1200, LOCK);
    python.waits(thread, 1300, LOCK);
    let mut analysis = run::begun();
    analysis.explain(&[6]);
    let mut batch = run::batch(&python.probes.records);
    batch.facts = python.facts;
    analysis.batch(&batch);
    let document = analysis.document();
    let steps = document.explained.iter().flatten().flat_map(|s| &s.steps);
    let ended: Vec<(&str, &str)> = steps
        .filter_map(|step| match &step.did {
            Did::Waited { ended, blame, .. } => {
                Some((ended.source.as_str(), blame[0].cause.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ended, [("timer", "computing"), ("task", "computing")]);
}

/// Held and hand-overs by thread.
fn held(python: Python) -> Vec<(u32, u64, u64)> {
    let document = python.document();
    let gil = |t: &crate::document::Thread| {
        let gil = t.sums.gil.as_ref()?;
        Some((t.tid, gil.held_ns, gil.hand_overs))
    };
    document.threads.iter().filter_map(gil).collect()
}

/// Three threads besides 5, which computes; two of them are born at 1110, 1120.
struct Contended {
    python: Python,
    tasks: [TaskId; 3],
    /// Those that do not run, as the probes would remember it.
    off_cpu: BTreeMap<u32, OffCpu>,
}

impl Contended {
    fn new() -> Contended {
        let mut python = Python::new().looked(5, 0, runtime());
        let probes = &mut python.probes;
        let seventh = born(probes, 1110, 5, who(7, 5));
        let eighth = born(probes, 1120, 5, who(8, 5));
        Contended {
            tasks: [python.thread, seventh, eighth],
            python,
            off_cpu: BTreeMap::new(),
        }
    }

    /// Goes to sleep at a word of the lock. Threads by number, from 6.
    fn sleeps(&mut self, ts_ns: u64, tid: u32, word: u64) {
        let mut out = Out::sleep(FUTEX);
        out.arg0 = word;
        let task = self.tasks[tid as usize - 6];
        self.python.probes.switch(ts_ns, Some((task, out)), None);
        let off_cpu = OffCpu {
            off_ns: ts_ns,
            wake_ns: None,
        };
        self.off_cpu.insert(tid, off_cpu);
    }

    fn wakes(&mut self, ts_ns: u64, tid: u32, by: &By) {
        let task = self.tasks[tid as usize - 6];
        self.python.probes.waking(ts_ns, task, by);
        self.off_cpu.get_mut(&tid).unwrap().wake_ns = Some(ts_ns);
    }

    fn runs(&mut self, ts_ns: u64, tid: u32) {
        let task = self.tasks[tid as usize - 6];
        self.python.probes.switch(ts_ns, None, Some(task));
        self.off_cpu.remove(&tid);
    }

    /// So that the condition is known by a timeout; nobody else sleeps.
    fn shows_the_condition(&mut self) {
        self.sleeps(1200, 6, LOCK);
        self.wakes(1210, 6, &timer());
        self.runs(1220, 6);
    }
}

#[test]
fn gil_a_lock_is_held_from_its_taking_to_its_handing_over() {
    let mut story = Contended::new();
    story.shows_the_condition();
    // 8 holds it, and 6 and 7 wait, at either word of the condition.
    story.sleeps(1300, 6, LOCK);
    story.sleeps(1350, 7, LOCK + 4);
    // 8 has certainly held it since 6 waits.
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1420, 6);
    // 6 holds it since it got a CPU; 8 waits for that to happen elsewhere.
    story.sleeps(1430, 8, LOCK + 0x58);
    story.wakes(1440, 8, &By::task(6, FUTEX));
    story.runs(1450, 8);
    story.wakes(1500, 7, &By::task(6, FUTEX));
    story.runs(1510, 7);
    assert_eq!(held(story.python), [(6, 80, 1), (8, 100, 1)]);
}

#[test]
fn gil_a_lock_that_nobody_waits_for_may_change_hands_unseen() {
    let mut story = Contended::new();
    story.shows_the_condition();
    story.sleeps(1300, 6, LOCK);
    story.wakes(1310, 6, &timer());
    story.runs(1320, 6);
    // Until here anybody may have had it.
    story.sleeps(1390, 6, LOCK);
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1420, 6);
    assert_eq!(held(story.python), [(8, 10, 1)]);
}

#[test]
fn gil_without_a_timeout_the_condition_is_not_known() {
    let mut story = Contended::new();
    story.sleeps(1300, 6, LOCK);
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1420, 6);
    assert_eq!(held(story.python), []);
}

#[test]
fn gil_a_sleep_that_was_interrupted_from_outside_is_no_hand_over() {
    let mut story = Contended::new();
    story.shows_the_condition();
    story.sleeps(1300, 6, LOCK);
    story.sleeps(1310, 7, LOCK);
    story.wakes(
        1350,
        7,
        &By {
            stranger: Some((99, "kill")),
            flags: waker::CONTEXT_KNOWN,
            ..By::task(99, 62)
        },
    );
    story.runs(1360, 7);
    // What it was interrupted for is not known, so neither is who held it before.
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1420, 6);
    assert_eq!(held(story.python), [(8, 0, 1)]);
}

#[test]
fn gil_a_turn_from_before_the_lock_was_free_says_nothing() {
    let mut story = Contended::new();
    // 6 gets a CPU behind a wait for the lock, and then nobody waits for it.
    story.shows_the_condition();
    story.sleeps(1300, 7, LOCK);
    story.wakes(1400, 7, &By::task(6, FUTEX));
    story.runs(1410, 7);
    assert_eq!(held(story.python), [(6, 100, 1)]);
}

#[test]
fn gil_a_lock_may_be_taken_at_the_instant_at_which_it_was_given_up() {
    let mut story = Contended::new();
    story.shows_the_condition();
    story.sleeps(1300, 6, LOCK);
    story.sleeps(1310, 7, LOCK);
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1400, 6);
    story.wakes(1500, 7, &By::task(6, FUTEX));
    story.runs(1510, 7);
    assert_eq!(held(story.python), [(6, 100, 1), (8, 100, 1)]);
}

#[test]
fn gil_another_process_of_the_tree_hands_no_lock_over() {
    let mut story = Contended::new();
    story.shows_the_condition();
    born(&mut story.python.probes, 1230, 5, who(9, 9));
    story.sleeps(1300, 6, LOCK);
    story.sleeps(1310, 7, LOCK);
    story.wakes(1350, 7, &By::task(9, 62));
    story.runs(1360, 7);
    story.wakes(1400, 6, &By::task(8, FUTEX));
    story.runs(1420, 6);
    assert_eq!(held(story.python), [(8, 0, 1)]);
}

/// Who holds the lock that a thread waits for at an instant. What the probes remember is of the
/// end of the story.
fn holder(story: Contended, at_ns: u64, waiter: u32) -> Option<u32> {
    let mut analysis = run::begun();
    let mut batch = run::batch(&story.python.probes.records);
    batch.facts = story.python.facts;
    batch.watermark_ns = at_ns;
    analysis.batch(&batch);
    let off_cpu = story.off_cpu;
    analysis.learn_wakings(Wakings::new(move |tid| off_cpu.get(&tid).copied()));
    let span = Span {
        tick: 1,
        since_ns: 1000,
        window_ns: 1000,
    };
    let tick = analysis.tick(span, &mut Kept::default(), |_, _| Around::default());
    let task = tick.tasks.iter().find(|task| task.tid == waiter).unwrap();
    assert_eq!(task.kind, Some(WaitKind::Gil));
    let other = task.waits_for.as_ref()?;
    assert_eq!(other.why, Why::GilHolder);
    Some(other.tid)
}

/// 5 sleeps from the beginning, and the condition is known.
fn first_sleeps() -> Contended {
    let mut story = Contended::new();
    story.shows_the_condition();
    let first = (story.python.first, Out::sleep(NANOSLEEP));
    story.python.probes.switch(1230, Some(first), None);
    story
}

/// 7 hands the lock over to 6, and 8 sleeps elsewhere, as 5 does.
#[test]
fn gil_who_has_not_run_since_it_was_handed_over_does_not_hold_it() {
    let check = |eighth_ns: u64, expected| {
        let mut story = first_sleeps();
        if eighth_ns < 1300 {
            story.sleeps(eighth_ns, 8, OTHER);
        }
        story.sleeps(1300, 6, LOCK);
        story.wakes(1400, 6, &By::task(7, FUTEX));
        story.runs(1420, 6);
        if eighth_ns > 1300 {
            story.sleeps(eighth_ns, 8, OTHER);
        }
        story.sleeps(1430, 7, LOCK);
        assert_eq!(holder(story, 2000, 7), expected, "{eighth_ns}");
    };
    check(1250, Some(6));
    // It may be 8, which took it before it fell asleep.
    check(1425, None);
}

/// 6 was woken just before the moment. 7, which has given the lock up, waits until it is taken.
/// 5, which has slept all the time, is no holder for being the only one that does not wait for
/// the lock.
#[test]
fn gil_a_lock_that_is_being_handed_over_is_held_by_nobody_known() {
    let given = |eighth: u64| {
        let mut story = first_sleeps();
        story.sleeps(1240, 8, eighth);
        story.sleeps(1300, 6, LOCK);
        story.wakes(1310, 6, &By::task(7, FUTEX));
        story.runs(1320, 6);
        story.sleeps(1330, 7, LOCK);
        // 6 holds it.
        story.wakes(1400, 7, &By::task(6, FUTEX));
        story.runs(1410, 7);
        story.sleeps(1420, 6, LOCK);
        // 7 holds it.
        story.wakes(1500, 6, &By::task(7, FUTEX));
        story.sleeps(1510, 7, LOCK + 0x58);
        story
    };
    for eighth in [LOCK, OTHER] {
        // The probes remember that 6 was woken when.
        assert_eq!(holder(given(eighth), 1450, 6), Some(7));
        assert_eq!(holder(given(eighth), 1520, 7), None);
        // Its record says so.
        let mut story = given(eighth);
        story.runs(1530, 6);
        assert_eq!(holder(story, 1450, 6), Some(7));
        let mut story = given(eighth);
        story.runs(1530, 6);
        assert_eq!(holder(story, 1520, 7), None);
        // It has run since, and its record is still to come.
        for at_ns in [1450, 1520] {
            let mut story = given(eighth);
            story.off_cpu.remove(&6);
            assert_eq!(holder(story, at_ns, 6), None);
        }
    }
}

/// 6 waits for the lock and 8 for the lock's mutex: either 7 or 8 has it.
#[test]
fn gil_who_waits_for_another_word_of_the_lock_may_have_it() {
    let check = |eighth, expected| {
        let mut story = first_sleeps();
        story.sleeps(1300, 8, eighth);
        story.sleeps(1310, 6, LOCK);
        story.wakes(1400, 6, &By::task(7, FUTEX));
        story.runs(1420, 6);
        story.sleeps(1430, 6, LOCK);
        // It was woken last, but at a word that says nothing of who has the lock.
        assert_eq!(holder(story, 2000, 6), expected, "{eighth:x}");
    };
    check(LOCK + 4, Some(7));
    check(OTHER, Some(7));
    check(LOCK + 0x58, None);
}

/// 8 sleeps at the condition all the time, while 7 gives the lock up and 6 is woken.
#[test]
fn gil_a_lock_that_nobody_has_waited_for_since_it_was_given_up_may_be_free() {
    let check = |again_ns: Option<u64>, expected| {
        let mut story = first_sleeps();
        story.sleeps(1300, 6, LOCK);
        story.sleeps(1350, 8, LOCK);
        story.wakes(1400, 6, &By::task(7, FUTEX));
        story.runs(1420, 6);
        match again_ns {
            Some(again_ns) => story.sleeps(again_ns, 7, LOCK),
            None => story.sleeps(1430, 7, OTHER),
        }
        assert_eq!(holder(story, 2000, 8), expected, "{again_ns:?}");
    };
    check(Some(1430), Some(6));
    check(None, None);
}
