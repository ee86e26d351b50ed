//! How fast records become a report, and how much memory that takes:
//! `cargo bench -p waitscope`.
//!
//! Nanoseconds depend on the machine and on who else uses it; instructions do not,
//! and are counted as well where valgrind is installed.

mod stream;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    env,
    hint::black_box,
    io::{self, Write as _},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use waitscope::{
    analysis::Analysis,
    syscall::Table,
    wire::{
        decode::{Problems, decode},
        session::{End, Start},
    },
};

use stream::Stream;

/// Times that each part is run; the fastest counts.
const ROUNDS: u32 = 7;

/// Counts what is allocated and not freed.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: hands everything on to the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_add(size, Ordering::Relaxed);
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, layout, size) }
    }
}

fn main() {
    let mut args = env::args().skip(1);
    // As this program starts itself again under valgrind, or a person under perf.
    if let (Some("--once"), Some(name), Some(part)) =
        (args.next().as_deref(), args.next(), args.next())
    {
        let scale = args.next().and_then(|scale| scale.parse().ok());
        return once(&name, &part, scale.unwrap_or(ONCE));
    }
    let mut out = io::stdout();
    for (name, scale) in SCENARIOS {
        let stream = scenario(name, scale);
        // Who closes the output wants no more of it.
        let _closed = write!(out, "{}", report(name, &stream));
    }
}

const SCENARIOS: [(&str, u32); 3] = [("pair", 500_000), ("pool", 500_000), ("storm", 50_000)];

fn scenario(name: &str, scale: u32) -> Stream {
    match name {
        "pair" => stream::pair(scale),
        "pool" => stream::pool(32, scale),
        _ => stream::storm(scale),
    }
}

/// Parts of the reader, each with all before it.
const PARTS: [&str; 3] = ["decode", "world", "report"];

fn report(name: &str, stream: &Stream) -> String {
    let mut text = String::new();
    let events = events(stream);
    for part in PARTS {
        let ns = (0..ROUNDS).map(|_| {
            let begin = Instant::now();
            run(stream, part);
            begin.elapsed().as_nanos() as f64
        });
        let ns = ns.fold(f64::INFINITY, f64::min) / events;
        let instructions = instructions(name, part);
        text += &format!(
            "{name:6} {part:7} {:7.2} M events/s {ns:8.1} ns/event {instructions}\n",
            1e3 / ns
        );
    }
    let before = HELD.load(Ordering::Relaxed);
    let analysis = taken_in(stream);
    let allocated = HELD.load(Ordering::Relaxed) - before;
    let held = allocated as f64 + analysis.kept_bytes() as f64;
    drop(black_box(analysis));
    let Stream {
        records, threads, ..
    } = stream;
    text += &format!(
        "{name:6} holds {:.1} B per record, {:.0} B per thread, {records} records of {threads} threads\n",
        held / *records as f64,
        held / *threads as f64,
    );
    text
}

fn events(stream: &Stream) -> f64 {
    let mut events = 0_u64;
    for batch in &stream.batches {
        decode(&batch.records, &mut Problems::default(), |_| events += 1);
    }
    events as f64
}

fn run(stream: &Stream, part: &str) {
    match part {
        "decode" => {
            for batch in &stream.batches {
                decode(&batch.records, &mut Problems::default(), |event| {
                    black_box(event);
                });
            }
        }
        "world" => drop(black_box(taken_in(stream))),
        "nothing" => {}
        _ => drop(black_box(taken_in(stream).document())),
    }
}

/// As a run takes it in.
fn taken_in(stream: &Stream) -> Analysis {
    let start = Start {
        syscall_table: Table::native().id().to_owned(),
        ..Start::default()
    };
    let mut analysis = match Analysis::new(start) {
        Ok(analysis) => analysis,
        Err(error) => unreachable!("the table is our own: {error}"),
    };
    for batch in &stream.batches {
        analysis.batch(batch);
    }
    analysis.end(End {
        // After all records, and not so late that sums over all threads overflow.
        ended_ns: 1 << 50,
        ..End::default()
    });
    analysis
}

/// A smaller stream for a slower machine.
const ONCE: u32 = 20_000;

fn once(name: &str, part: &str, scale: u32) {
    let stream = scenario(name, scale);
    run(&stream, part);
}

/// Instructions per event, by callgrind: those of the part without those of
/// making its stream.
fn instructions(name: &str, part: &str) -> String {
    let count = |part: &str| -> Option<f64> {
        let own = env::current_exe().ok()?;
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(own)
            .args(["--once", name, part])
            .output()
            .ok()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find(|line| line.contains("Collected"))?;
        line.rsplit(' ').next()?.parse().ok()
    };
    let events = events(&scenario(name, ONCE));
    match count(part).zip(count("nothing")) {
        Some((all, making)) => format!("{:8.0} instructions/event", (all - making) / events),
        None => "instructions: valgrind is not there".to_owned(),
    }
}
