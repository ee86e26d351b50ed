//! Runs all cases at the same time: processes first, then threads.

use std::io;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::case::{Case, Job, Setting, Subject, Waker};
use crate::clock::{SchedStat, WaitSum};
use crate::meter::Meter;
use crate::slot::{self, Slot};
use crate::sys;

/// How a case ended.
pub struct End {
    /// Which.
    pub case: &'static Case,
    /// What it measured.
    pub slot: &'static Slot,
    /// Why this machine refuses it, when it does.
    pub unavailable: Option<String>,
}

/// A case on its way.
enum Running {
    Process(libc::pid_t, &'static Slot),
    Threads(Vec<JoinHandle<io::Result<()>>>),
}

/// Between the starts of two cases, so that they neither wake nor end all at
/// once: what a thread waits for a CPU after its last look at the clocks is
/// not in its account.
const STAGGER: Duration = Duration::from_micros(3_700);

/// Runs the cases to their end. A case that was prepared and then fails is an
/// error of the workload; one that cannot be prepared is unavailable.
pub fn all(cases: &[&'static Case], setting: &Setting) -> io::Result<Vec<End>> {
    let slots = slot::map(cases.len())?;
    let mut ends = Vec::new();
    let mut jobs = Vec::new();
    for (case, slot) in cases.iter().copied().zip(slots) {
        let (job, unavailable) = match (case.prepare)(setting) {
            Ok(job) => (Some(job), None),
            Err(error) => (None, Some(error.to_string())),
        };
        jobs.extend(job.map(|job| (case, slot, job)));
        ends.push(End {
            case,
            slot,
            unavailable,
        });
    }
    let (processes, threads): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .partition(|(_, _, job)| matches!(job, Job::Forked(_)));
    let mut running = Vec::new();
    for (cpu, (case, slot, job)) in processes.into_iter().chain(threads).enumerate() {
        let place = Place {
            case,
            slot,
            rounds: setting.rounds,
            cpu,
        };
        running.push((case, place.start(job)?));
        thread::sleep(STAGGER);
    }
    for (case, run) in running {
        join(run).map_err(|error| io::Error::other(format!("{}: {error}", case.name)))?;
    }
    Ok(ends)
}

/// Where a case runs. All its threads share one CPU, for two reasons. The
/// kernel counts a wake-up's journey to another CPU as neither sleep nor run
/// queue, and on a busy host that journey takes milliseconds. And a sleeper
/// whose dequeuing was delayed (6.12 and later) may be moved to another CPU in
/// its sleep; the kernel then counts the rest of the sleep as run queue.
#[derive(Clone, Copy)]
struct Place {
    case: &'static Case,
    slot: &'static Slot,
    rounds: u32,
    cpu: usize,
}

impl Place {
    fn start(self, job: Job) -> io::Result<Running> {
        match job {
            Job::Forked(body) => {
                let pid = sys::fork(|| {
                    sys::bind(self.cpu)?;
                    body(self.slot)
                })?;
                Ok(Running::Process(pid, self.slot))
            }
            Job::Threads { subject, waker } => {
                let mut handles = vec![self.subject(subject)?];
                if let Some(waker) = waker {
                    handles.push(self.waker(waker)?);
                }
                Ok(Running::Threads(handles))
            }
        }
    }

    fn subject(self, subject: Subject) -> io::Result<JoinHandle<io::Result<()>>> {
        let thread = thread::Builder::new().name(format!("t-{}", self.case.name));
        thread.spawn(move || {
            let bound = sys::bind(self.cpu);
            measure(self.slot, self.rounds, |meter| {
                bound.and_then(|()| subject(meter))
            })
        })
    }

    fn waker(self, waker: Waker) -> io::Result<JoinHandle<io::Result<()>>> {
        let thread = thread::Builder::new().name(format!("k-{}", self.case.name));
        thread.spawn(move || {
            sys::bind(self.cpu)?;
            waker(self.slot)
        })
    }
}

/// Runs a subject in the calling thread and leaves its result in the slot.
pub fn measure(
    slot: &Slot,
    rounds: u32,
    subject: impl FnOnce(&mut Meter) -> io::Result<()>,
) -> io::Result<()> {
    let outcome = Meter::open(slot, rounds).and_then(|mut meter| {
        subject(&mut meter)?;
        meter.finish()
    });
    slot.set_done();
    outcome
}

/// Waits for a subject that is a process and takes its account as the kernel
/// closes it: taking down its memory is on it too.
pub fn reap_subject(pid: libc::pid_t, slot: &Slot) -> io::Result<()> {
    sys::watch(pid, libc::WEXITED)?;
    let account = SchedStat::of_zombie(pid)?;
    let (on_cpu, delay) = (account.on_cpu_ns()?, account.run_delay_ns()?);
    // It may still be on its way to its last switch, and no other thread can see that.
    let known = slot.oncpu_ns.swap(on_cpu, SeqCst) + slot.rundelay_ns.swap(delay, SeqCst);
    if let Some(queued) = WaitSum::of_zombie(pid).ns() {
        slot.queued_ns.store(queued, SeqCst);
    }
    slot.farewell_ns
        .store((on_cpu + delay).saturating_sub(known), SeqCst);
    sys::reap(pid)
}

fn join(running: Running) -> io::Result<()> {
    match running {
        Running::Process(pid, slot) if slot.pid.load(SeqCst) == pid.unsigned_abs() => {
            reap_subject(pid, slot)
        }
        Running::Process(pid, _) => sys::reap(pid),
        Running::Threads(handles) => {
            for handle in handles {
                let outcome = handle.join();
                outcome.unwrap_or_else(|_| Err(io::Error::other("panicked")))?;
            }
            Ok(())
        }
    }
}
