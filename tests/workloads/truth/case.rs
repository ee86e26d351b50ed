//! What a case of the workload is: who blocks, who wakes it, and what a
//! correct observer must say about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::meter::Meter;
use crate::slot::Slot;

/// One way to wait.
pub struct Case {
    /// Its thread is called `t-NAME`, the one that wakes it `k-NAME`.
    pub name: &'static str,
    /// Wait kind, as the report names it.
    pub kind: &'static str,
    /// Kernel functions the sleeper may be found in, over kernels 5.10 to 7.2.
    pub functions: &'static [&'static str],
    /// Wake sources that are right.
    pub sources: &'static [&'static str],
    /// A thread or process called `k-NAME` ends the waits.
    pub has_waker: bool,
    /// Makes everything it needs while the workload has one thread. An error
    /// means that this machine refuses the case.
    pub prepare: fn(&Setting) -> io::Result<Job>,
}

/// Settings of a run.
pub struct Setting {
    /// Blocking calls of each case.
    pub rounds: u32,
    /// Where files are made.
    pub dir: PathBuf,
}

/// The blocking side; runs in thread `t-NAME`.
pub type Subject = Box<dyn FnOnce(&mut Meter) -> io::Result<()> + Send>;
/// The waking side; runs in thread `k-NAME`.
pub type Waker = Box<dyn FnOnce(&Slot) -> io::Result<()> + Send>;
/// Runs in a process of its own.
pub type Body = Box<dyn FnOnce(&'static Slot) -> io::Result<()>>;

/// A prepared case.
pub enum Job {
    /// Two threads of the workload (one when no waker is needed).
    Threads {
        subject: Subject,
        waker: Option<Waker>,
    },
    /// A process, forked before any thread exists.
    Forked(Body),
}

impl Job {
    /// A subject that an interrupt wakes.
    pub fn alone(
        subject: impl FnOnce(&mut Meter) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Job> {
        Ok(Job::Threads {
            subject: Box::new(subject),
            waker: None,
        })
    }

    /// A subject and the thread that wakes it.
    pub fn pair(
        subject: impl FnOnce(&mut Meter) -> io::Result<()> + Send + 'static,
        waker: impl FnOnce(&Slot) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Job> {
        Ok(Job::Threads {
            subject: Box::new(subject),
            waker: Some(Box::new(waker)),
        })
    }

    /// A process that brings its own helpers.
    pub fn forked(body: impl FnOnce(&'static Slot) -> io::Result<()> + 'static) -> io::Result<Job> {
        Ok(Job::Forked(Box::new(body)))
    }
}

/// How long the waker lets the subject sleep in a round: 15 to 34 ms. Rather
/// few and long than many and short: the kernel counts a wake-up's journey to
/// another CPU (tens of µs on a virtual machine) as neither sleep nor run queue.
pub fn pause_of(round: u32) -> Duration {
    Duration::from_millis(15 + u64::from(round * 7 % 20))
}

/// Wakes after each pause until the subject is done. A wake too many must be
/// harmless, so a lost turn can never hang the workload.
pub fn until_done(slot: &Slot, mut wake: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let mut round = 0;
    while !slot.is_done() {
        std::thread::sleep(pause_of(round));
        slot.begin_waking();
        wake()?;
        slot.end_waking();
        round = round.wrapping_add(1);
    }
    Ok(())
}
