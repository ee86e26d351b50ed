//! A world that forgets, beside one that does not: what lies inside the horizon is
//! blamed on the same; of what reaches beyond it the rest is older than the horizon,
//! never something else; and no time is lost from the sums.

use std::collections::BTreeMap;

use probe_common::sched::{state, waker};
use proptest::{collection::vec, prelude::*};

use super::properties::config;
use crate::{
    document, metrics,
    syscall::Table,
    vocabulary::WaitKind,
    wire::event::{Event, Fork, Off, On, Syscall, Waking, What},
    world::{
        World,
        account::{ObjectKey, WaitKey},
        blame::cause::Cause,
        forget::Forgotten,
        identity::ThreadId,
        interval::{Activity, Ended, Interval},
        names::NameId,
        thread::Thread,
    },
};

const CPUS: usize = 3;

/// One scheduling decision: on which CPU, after how long, what becomes of the thread
/// there, which one comes, and whether a thread wakes it.
type Step = (u8, u16, u8, u8, bool);

#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Born,
    Asleep,
    Runnable,
    Running,
    Gone,
}

/// Both worlds, and who does what.
struct Twins {
    now_ns: u64,
    whole: World,
    rolling: World,
    /// Nothing before it is certain to be remembered, ns.
    horizon_ns: u64,
    /// By tid: what it does, switch-outs so far.
    threads: Vec<(Doing, u16)>,
    /// By tid: when it was made, and runnable at once, ns.
    made_ns: Vec<u64>,
    running: [usize; CPUS],
}

/// A thread that is there from the beginning: nobody's child.
const ROOT: usize = 1;

impl Twins {
    fn new() -> Twins {
        let world = || World::new(Table::by_id("x86_64").expect("a known table"));
        let mut twins = Twins {
            now_ns: 1_000,
            whole: world(),
            rolling: world(),
            horizon_ns: 0,
            threads: vec![(Doing::Gone, 0)],
            made_ns: vec![0],
            running: [0; CPUS],
        };
        twins.fork(0);
        twins.come(0, ROOT, 0);
        twins
    }

    fn apply(&mut self, tid: usize, what: What) {
        let event = Event {
            ts_ns: self.now_ns,
            cpu: 0,
            tid: tid as u32,
            what,
        };
        self.whole.apply(&event);
        self.rolling.apply(&event);
        assert_eq!(self.whole.ended(), self.rolling.ended());
        for interval in self.whole.ended() {
            if matches!(interval.activity, Activity::Wait { .. }) && interval.ns() > 0 {
                self.compare(interval);
            }
        }
    }

    /// The blame of a wait that has just ended.
    fn compare(&self, wait: &Interval) {
        let [whole, rolling] = [&self.whole, &self.rolling].map(|w| blame(w, wait));
        let older_ns = rolling.get(&Cause::Older).copied().unwrap_or(0);
        let beyond_ns = self.horizon_ns.saturating_sub(wait.from_ns);
        assert_eq!(rolling.values().sum::<u64>(), wait.ns());
        assert!(older_ns <= beyond_ns, "{older_ns} of {beyond_ns} ns beyond");
        for (cause, ns) in &rolling {
            let known_ns = whole.get(cause).copied().unwrap_or(0);
            assert!(*cause == Cause::Older || *ns <= known_ns, "{cause:?}");
        }
        if older_ns == 0 {
            assert_eq!(whole, rolling);
        }
    }

    fn fork(&mut self, creator: usize) {
        let tid = self.threads.len();
        self.threads.push((Doing::Born, 0));
        self.made_ns.push(self.now_ns);
        let fork = Fork {
            creator_tid: creator as u32,
            pid: tid as u32,
            ppid: creator as u32,
            clone_flags: 0,
            comm: (*b"worker").into(),
        };
        self.apply(tid, What::Fork(fork));
    }

    fn go(&mut self, cpu: usize, how: u8) {
        let tid = self.running[cpu];
        if tid == 0 {
            return;
        }
        let (state, doing) = match how % 8 {
            0 if tid != ROOT => (state::DEAD, Doing::Gone),
            1 | 2 => (state::RUNNING, Doing::Runnable),
            _ => (state::INTERRUPTIBLE, Doing::Asleep),
        };
        let seq = self.threads[tid].1.wrapping_add(1);
        self.threads[tid] = (doing, seq);
        self.running[cpu] = 0;
        let off = Off {
            seq,
            state,
            preempted: doing == Doing::Runnable,
            io_wait: false,
            on_lock: false,
            throttled: false,
            has_object: false,
            has_second: false,
            call: Syscall {
                nr: i16::from(how / 8 % 3),
                ..Syscall::default()
            },
        };
        self.apply(tid, What::Off(off));
    }

    fn come(&mut self, cpu: usize, tid: usize, by: usize) {
        let (doing, seq) = self.threads[tid];
        let source = match by {
            0 => waker::IDLE,
            _ => waker::TRACED,
        };
        let (ts_ns, new) = match doing {
            Doing::Born => (self.made_ns[tid], waker::NEW),
            _ => (self.now_ns - 1, 0),
        };
        let wake = Waking {
            ts_ns,
            tid: by as u32,
            nr: 1,
            flags: waker::CONTEXT_KNOWN | source | new,
        };
        self.threads[tid].0 = Doing::Running;
        self.running[cpu] = tid;
        let on = On {
            seq,
            wake: (doing != Doing::Runnable).then_some(wake),
            ..On::default()
        };
        self.apply(tid, What::On(on));
    }

    fn step(&mut self, (cpu, after, how, next, woken): Step) {
        let cpu = usize::from(cpu) % CPUS;
        self.now_ns += 2 + u64::from(after);
        let other = self.running[(cpu + 1) % CPUS];
        if how % 5 == 4 && self.running[cpu] != 0 {
            self.fork(self.running[cpu]);
            return;
        }
        self.go(cpu, how);
        let free = |(doing, _): &&(Doing, u16)| !matches!(doing, Doing::Gone | Doing::Running);
        let waiting = self.threads.iter().filter(free).count();
        let Some(nth) = usize::from(next).checked_rem(waiting) else {
            return;
        };
        let threads = (0..self.threads.len()).filter(|&tid| free(&&self.threads[tid]));
        let Some(tid) = threads.into_iter().nth(nth) else {
            return;
        };
        self.come(cpu, tid, if woken { other } else { 0 });
    }

    fn forget(&mut self, before_ns: u64) {
        self.rolling.forget(before_ns);
        self.horizon_ns = before_ns.max(self.horizon_ns);
    }

    /// What is remembered is what was.
    fn assert_history(&self) {
        for thread in self.rolling.threads.iter() {
            let mut whole = self.whole.logs.history(thread.id);
            for logged in self.rolling.logs.history(thread.id) {
                assert!(whole.any(|other| *other == *logged), "{:?}", *logged);
            }
        }
    }

    /// The report's rows are those of the threads that are remembered.
    fn assert_reports(&self) {
        let [whole, rolling] = [&self.whole, &self.rolling]
            .map(|world| metrics::document(world, &metrics::RunInfo::default()));
        let of = |thread: &document::Thread| {
            let sums = &thread.sums;
            let waits_ns: u64 = sums.waits.iter().map(|wait| wait.total_ns).sum();
            let times = [sums.on_cpu_ns, sums.runqueue_ns, sums.open_ns, waits_ns];
            (thread.tid, thread.start_ns, thread.end_ns, times)
        };
        let there = |thread: &&document::Thread| {
            let mut threads = self.rolling.threads.iter();
            threads.any(|other| other.tid == thread.tid)
        };
        let remembered: Vec<_> = whole.threads.iter().filter(there).map(of).collect();
        let rows: Vec<_> = rolling.threads.iter().map(of).collect();
        assert_eq!(rows, remembered);
        let path = rolling.critical_path.expect("the root is there");
        assert_eq!(rolling.threads[path.root].tid, ROOT as u32);
        let path_ns: u64 = path.sums.iter().map(|sum| sum.ns).sum();
        assert_eq!(path_ns, path.to_ns - path.from_ns);
        let Some(course) = rolling.concurrency else {
            return;
        };
        let levels = [course.runnable, course.blocked, course.unknown];
        let lives = rolling.threads.iter().map(|row| row.sums.lifetime_ns);
        let total_ns: u64 = levels.iter().map(|level| level.total_ns).sum();
        assert_eq!(total_ns, lives.sum::<u64>());
    }

    /// Threads that both remember have the same sums, and the others are in the total.
    fn assert_sums(&self) {
        let mut forgotten = Forgotten::default();
        for thread in self.whole.threads.iter() {
            let whole = &thread.account;
            match self.rolling.get(thread.id) {
                Some(thread) => {
                    let rolling = &thread.account;
                    assert_eq!(whole.on_cpu_ns, rolling.on_cpu_ns);
                    assert_eq!(whole.runqueue_ns, rolling.runqueue_ns);
                    assert_eq!(whole.unknown_ns, rolling.unknown_ns);
                    assert_eq!(whole.waits_ns(), rolling.waits_ns());
                    let blame = |ns: u64, of: &u64| ns + of;
                    let (all, left) = (whole.blame.values(), rolling.blame.values());
                    assert_eq!(all.fold(0, blame), left.fold(0, blame));
                    let wakes = rolling.waits.values().flat_map(|sum| sum.wakes.values());
                    assert_eq!(wakes.map(|sum| sum.wait_ns).sum::<u64>(), whole.waits_ns());
                }
                None => {
                    assert!(thread.is_dead() && thread.since_ns < self.horizon_ns);
                    forgotten.threads += 1;
                    forgotten.on_cpu_ns += whole.on_cpu_ns;
                    forgotten.runqueue_ns += whole.runqueue_ns;
                    forgotten.unknown_ns += whole.unknown_ns;
                    let waits = whole.waits.values().map(|sum| sum.total_ns);
                    forgotten.waits_ns += waits.sum::<u64>();
                }
            }
        }
        assert_eq!(forgotten, self.rolling.forgotten);
    }
}

/// What the latest wait of a thread is blamed on.
fn blame(world: &World, wait: &Interval) -> BTreeMap<Cause, u64> {
    let mut past = world.logs.history(wait.thread).rev();
    let logged = past.find(|logged| logged.from_ns == wait.from_ns);
    let logged = logged.expect("it is the latest wait");
    let mut sums = BTreeMap::new();
    for (cause, ns) in logged.blame() {
        *sums.entry(cause).or_default() += ns;
    }
    sums
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn forget_changes_no_blame_inside_the_horizon(
        steps in vec(any::<Step>(), 0..800),
        every in 1_usize..60,
        horizon_ns in 0_u64..4_000_000,
    ) {
        let mut twins = Twins::new();
        for (at, step) in steps.into_iter().enumerate() {
            twins.step(step);
            if at % every == 0 {
                twins.forget(twins.now_ns.saturating_sub(horizon_ns));
            }
        }
        twins.assert_sums();
        twins.assert_history();
        twins.assert_reports();
    }
}

#[test]
fn forget_leaves_a_stale_identity_without_a_thread() {
    let mut twins = Twins::new();
    twins.now_ns += 10;
    twins.fork(ROOT);
    twins.now_ns += 10;
    twins.go(0, 3);
    twins.come(0, 2, 0);
    twins.now_ns += 10;
    twins.go(0, 0);
    let child = ThreadId(1);
    assert!(
        twins
            .rolling
            .get(child)
            .is_some_and(|child| child.is_dead())
    );
    twins.forget(twins.now_ns + 1);
    assert!(twins.rolling.get(child).is_none());
    twins.fork(ROOT);
    assert!(twins.rolling.get(child).is_none());
    assert_eq!(twins.rolling.forgotten.threads, 1);
    assert_eq!(twins.rolling.threads.iter().count(), 2);
}

/// A thread's latest key keeps its number, since it is looked up by that.
#[test]
fn forget_gives_no_number_away_that_a_thread_goes_on_with() {
    let mut world = World::new(Table::by_id("x86_64").expect("a known table"));
    let wait = |thread: &Thread, from_ns, nr| Interval {
        thread: thread.id,
        from_ns,
        to_ns: from_ns + 10,
        activity: Activity::Wait {
            key: WaitKey {
                kind: WaitKind::Futex,
                nr,
                compat: false,
                function: NameId::NONE,
                stack: NameId::NONE,
                object: ObjectKey::None,
            },
            ended: Ended::For(Cause::Timer, 0),
            end: None,
        },
    };
    let mut threads = [0, 1].map(|id| Thread {
        id: ThreadId(id),
        start_ns: Some(100),
        ..Thread::default()
    });
    let [one, other] = &mut threads;
    let first = wait(one, 100, 1);
    world.logs.settle(one, &[first]);
    world.logs.cut(200);
    let references = world.logs.references();
    world.logs.retain(&references);
    let next = [wait(one, 110, 1), wait(other, 100, 2)];
    world.logs.settle(one, &next[..1]);
    world.logs.settle(other, &next[1..]);
    let logged = |id| world.logs.history(ThreadId(id)).map(|logged| *logged);
    let all: Vec<Interval> = logged(0).chain(logged(1)).collect();
    assert_eq!(all, next);
}
