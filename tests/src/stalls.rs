//! How long the machine under us stood still: a host that runs something else
//! on a CPU shows an emulated guest nothing of it.
//!
//! One thread on each CPU, ahead of all ordinary ones, asks to be woken every
//! two milliseconds and looks at the clock. Nothing in this system can hold it
//! up for a whole beat, so a beat that it misses was taken from below.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const BEAT: Duration = Duration::from_millis(2);

/// Watches until it is asked.
pub struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<io::Result<Vec<u64>>>>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stalls {
    /// Beats missed.
    pub count: usize,
    /// The longest, ns.
    pub longest_ns: u64,
}

impl Watch {
    /// Begins on every CPU.
    pub fn start() -> Result<Watch> {
        let stop = Arc::new(AtomicBool::new(false));
        let beat = |cpu| {
            let stop = stop.clone();
            thread::Builder::new()
                .name(format!("beat/{cpu}"))
                .spawn(move || {
                    go_first_on(cpu)?;
                    Ok(missed_beats(&stop))
                })
        };
        let threads = (0..thread::available_parallelism()?.get())
            .map(beat)
            .collect::<io::Result<_>>()?;
        Ok(Watch { stop, threads })
    }

    /// Ends.
    pub fn stop(self) -> Result<Stalls> {
        self.stop.store(true, SeqCst);
        let mut all = Vec::new();
        for thread in self.threads {
            let joined = thread.join().ok().context("a watcher panicked")?;
            all.extend(joined.context("watching a CPU")?);
        }
        Ok(Stalls {
            count: all.len(),
            longest_ns: all.into_iter().max().unwrap_or_default(),
        })
    }
}

/// Times by which beats were missed, ns: from the last that was heard.
fn missed_beats(stop: &AtomicBool) -> Vec<u64> {
    let mut missed = Vec::new();
    let mut heard = Instant::now();
    while !stop.load(SeqCst) {
        thread::sleep(BEAT);
        let passed = heard.elapsed();
        heard += passed;
        if passed > 2 * BEAT {
            missed.push(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    missed
}

/// Binds the calling thread to a CPU, before all ordinary threads.
fn go_first_on(cpu: usize) -> io::Result<()> {
    // SAFETY: all-zero bytes are an empty set; the number of a CPU that is there
    // is below its size.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        set
    };
    // SAFETY: `set` is initialised and of the size given.
    check(unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) })?;
    let first = libc::sched_param { sched_priority: 50 };
    // SAFETY: `first` is initialised; 0 is the calling thread.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const first) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

impl Stalls {
    /// What is left of the contradictions when as many sums as there were
    /// stalls may be off by as much as the longest took.
    pub fn excuse(&self, said: Vec<Contradiction>) -> Vec<String> {
        let is_excused = |one: &Contradiction| one.off_ns.is_some_and(|off| off <= self.longest_ns);
        let excused = said.iter().filter(|one| is_excused(one)).count();
        let too_many = excused > 3 * self.count;
        let left = said.into_iter().filter(|one| too_many || !is_excused(one));
        left.map(|one| one.sentence).collect()
    }
}

/// Something in a report that contradicts the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// In words.
    pub sentence: String,
    /// How far a sum is off, ns, beside what may lie on either side of its
    /// boundaries; `None` when it is no sum.
    pub off_ns: Option<u64>,
}
