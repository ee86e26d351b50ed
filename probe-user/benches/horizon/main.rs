//! How much memory a world takes that forgets: a million threads, one after the other,
//! of ten waits each, through a horizon of ten seconds:
//! `cargo bench -p waitscope --bench horizon`.
//!
//! Ends with an error if a million threads take more than 1.2 times the memory of the
//! first hundred thousand.

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
    time::Instant,
};

use probe_common::sched::{state, waker};
use waitscope::{
    syscall::Table,
    wire::event::{Event, Fork, Off, On, Stranger, Syscall, Waking, What},
    world::World,
};

const THREADS: u32 = 1_000_000;
const FIRST: u32 = 100_000;
const WAITS: u16 = 10;
const HORIZON_NS: u64 = 10_000_000_000;
/// From one birth to the next: 1,000 threads a second.
const BIRTH_NS: u64 = 1_000_000;
/// How often the world forgets.
const FORGET_NS: u64 = 1_000_000_000;
/// Tids are used again, as the kernel does it.
const TIDS: u32 = 32_768;
/// What makes all threads, and lives as long as the world.
const ROOT: u32 = 1;

fn main() -> ExitCode {
    let Some(table) = Table::by_id("x86_64") else {
        return ExitCode::FAILURE;
    };
    let mut run = Run {
        now_ns: 1_000,
        world: World::new(table),
        root_seq: 0,
        events: 0,
    };
    let started = Instant::now();
    let mut out = io::stdout();
    run.fork(ROOT, 0);
    run.come(ROOT, 0, None);
    let (mut first, mut last) = (0, 0);
    let mut forgotten_ns = 0;
    for n in 1..=THREADS {
        run.live(n);
        if run.now_ns > forgotten_ns + FORGET_NS {
            forgotten_ns = run.now_ns;
            run.world.forget(run.now_ns.saturating_sub(HORIZON_NS));
        }
        if n % FIRST == 0 {
            last = resident_bytes();
            first = if n == FIRST { last } else { first };
            let (mib, there) = (last as f64 / f64::from(1 << 20), run.world.threads.iter());
            let _closed = writeln!(
                out,
                "{n:9} threads: {mib:6.1} MiB resident, {} there",
                there.count()
            );
        }
    }
    let ratio = last as f64 / first as f64;
    let ns = started.elapsed().as_nanos() as f64 / run.events as f64;
    let _closed = writeln!(
        out,
        "{ratio:.3} times the memory of the first {FIRST}; {ns:.0} ns per event"
    );
    if ratio > 1.2 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

struct Run {
    now_ns: u64,
    world: World,
    root_seq: u16,
    events: u64,
}

impl Run {
    fn apply(&mut self, tid: u32, what: What) {
        self.events += 1;
        self.world.apply(&Event {
            ts_ns: self.now_ns,
            cpu: 0,
            tid,
            what,
        });
    }

    /// A thread is born, waits, now for the root, now for others, wakes the root and
    /// ends.
    fn live(&mut self, n: u32) {
        let tid = 2 + n % TIDS;
        let end_ns = self.now_ns + BIRTH_NS;
        self.fork(tid, ROOT);
        self.root_seq = self.root_seq.wrapping_add(1);
        self.go(ROOT, self.root_seq, state::INTERRUPTIBLE, 0);
        self.come(tid, 0, Some((ROOT, waker::NEW | waker::TRACED)));
        for wait in 1..=WAITS {
            self.now_ns += 20_000;
            // A word of its own.
            self.go(tid, wait, state::INTERRUPTIBLE, u64::from(n) * 64);
            self.now_ns += 50_000;
            let by = match wait % 3 {
                0 => self.external(tid, n),
                _ => (ROOT, waker::TRACED),
            };
            self.come(tid, wait, Some(by));
        }
        self.go(tid, WAITS + 1, state::DEAD, 0);
        self.now_ns = end_ns;
        self.come(ROOT, self.root_seq, Some((tid, waker::TRACED)));
    }

    /// A task outside of the tree, another one each time.
    fn external(&mut self, tid: u32, n: u32) -> (u32, u16) {
        let outside = 100_000 + n % TIDS;
        let name = Stranger {
            tid: outside,
            pid: outside,
            comm: format!("outside-{n}").into_bytes().into(),
        };
        self.apply(tid, What::Waker(name));
        (outside, 0)
    }

    fn fork(&mut self, tid: u32, creator: u32) {
        let fork = Fork {
            creator_tid: creator,
            pid: tid,
            ppid: creator,
            clone_flags: 0,
            comm: (*b"worker").into(),
        };
        self.apply(tid, What::Fork(fork));
    }

    fn go(&mut self, tid: u32, seq: u16, state: u16, word: u64) {
        let call = Syscall {
            nr: 202,
            arg0: word,
            ..Syscall::default()
        };
        let off = Off {
            seq,
            state,
            preempted: false,
            io_wait: false,
            on_lock: false,
            throttled: false,
            has_object: false,
            has_second: false,
            call,
        };
        self.apply(tid, What::Off(off));
    }

    fn come(&mut self, tid: u32, seq: u16, by: Option<(u32, u16)>) {
        let wake = by.map(|(tid, flags)| Waking {
            ts_ns: self.now_ns - 1_000,
            tid,
            nr: 202,
            flags: waker::CONTEXT_KNOWN | flags,
        });
        let on = On {
            seq,
            wake,
            ..On::default()
        };
        self.apply(tid, What::On(on));
    }
}

/// Memory of this process that is in use, bytes.
fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}
