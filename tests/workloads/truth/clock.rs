//! What a thread can know about its own time, ns.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// `CLOCK_MONOTONIC` now.
pub fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC)
}

/// CPU time of the calling thread, up to this instant. `schedstat` has the
/// same number, but as of the last tick or switch.
pub fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn clock_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid timespec; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Switch-outs of the calling thread that were its own wish, so far.
pub fn voluntary_switches() -> u64 {
    // SAFETY: all-zero bytes are a valid rusage.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is writable.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_nvcsw.unsigned_abs()
}

/// The calling thread's `/proc/thread-self/schedstat`, kept open.
pub struct SchedStat(File);

impl SchedStat {
    /// Opens the file of the calling thread.
    pub fn open() -> io::Result<SchedStat> {
        File::open("/proc/thread-self/schedstat").map(SchedStat)
    }

    /// Opens the file of a process that has ended and is not yet reaped.
    pub fn of_zombie(pid: libc::pid_t) -> io::Result<SchedStat> {
        File::open(format!("/proc/{pid}/schedstat")).map(SchedStat)
    }

    /// CPU time, ns; final for a process that has ended.
    pub fn on_cpu_ns(&self) -> io::Result<u64> {
        self.field(0)
    }

    /// Time runnable but not running so far, ns. Complete whenever the thread
    /// itself reads it: the kernel adds it up as the thread gets its CPU.
    pub fn run_delay_ns(&self) -> io::Result<u64> {
        self.field(1)
    }

    fn field(&self, index: usize) -> io::Result<u64> {
        let mut bytes = [0u8; 96];
        let length = self.0.read_at(&mut bytes, 0)?;
        let text = String::from_utf8_lossy(&bytes[..length]);
        let field = text.split_ascii_whitespace().nth(index);
        field
            .and_then(|field| field.parse().ok())
            .ok_or_else(|| io::Error::other("schedstat without its numbers"))
    }
}

/// A thread's `/proc/…/sched`, kept open: a second account of its waits for a
/// CPU (`wait_sum`), kept only while `kernel.sched_schedstats` is on.
///
/// The first, `run_delay`, leaves out a thread that was preempted after it had
/// said that it would sleep and before it did (`sched_info_depart` asks for the
/// state, not for the run queue): rare, but not where every wait takes long. The
/// second leaves nothing out, and from 6.12 on has more: a thread that sleeps may
/// stay on the run queue for a while (delayed dequeue). The truth lies between.
pub struct WaitSum(Option<File>);

impl WaitSum {
    /// Of the calling thread.
    pub fn open() -> WaitSum {
        WaitSum(File::open("/proc/thread-self/sched").ok())
    }

    /// Of a process that has ended and is not yet reaped.
    pub fn of_zombie(pid: libc::pid_t) -> WaitSum {
        WaitSum(File::open(format!("/proc/{pid}/sched")).ok())
    }

    /// Time so far, ns; `None` where the kernel does not keep it.
    pub fn ns(&self) -> Option<u64> {
        let mut bytes = [0u8; 8192];
        let length = self.0.as_ref()?.read_at(&mut bytes, 0).ok()?;
        wait_sum(&String::from_utf8_lossy(&bytes[..length]))
    }
}

/// `se.statistics.wait_sum  :  12.345678` (without prefix since 5.16), in ms.
fn wait_sum(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| key.trim_end().ends_with("wait_sum"))?;
    let (ms, ns) = value.trim().split_once('.')?;
    Some(ms.parse::<u64>().ok()? * 1_000_000 + ns.parse::<u64>().ok()?)
}

/// Three clocks at one instant, ns.
pub struct Snapshot {
    /// `CLOCK_MONOTONIC`.
    pub time_ns: u64,
    /// CPU time of the calling thread.
    pub cpu_ns: u64,
    /// Its run-queue time.
    pub delay_ns: u64,
}

impl Snapshot {
    /// Reads again when the thread was preempted between two of the clocks:
    /// the time on the run queue would be on one of them only.
    pub fn take(schedstat: &SchedStat) -> io::Result<Snapshot> {
        let mut delay_ns = schedstat.run_delay_ns()?;
        loop {
            let cpu_ns = thread_cpu_ns();
            let time_ns = monotonic_ns();
            let again = schedstat.run_delay_ns()?;
            if again == delay_ns {
                return Ok(Snapshot {
                    time_ns,
                    cpu_ns,
                    delay_ns,
                });
            }
            delay_ns = again;
        }
    }
}
