//! What is made of the analysis while the run goes on, interim reports or ticks: when one
//! is due, and the thread that delivers them, so that neither the drain nor the analysis
//! waits for a terminal or a disk.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{analysis::Analysis, document::Document};

/// When they are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Again and again after this time.
    pub every: Option<Duration>,
    /// The first of them as soon as can be.
    pub at_once: bool,
    /// Whenever this signal comes, which the command then does not get.
    pub signal: Option<i32>,
}

impl Wanted {
    /// Whether there may be any.
    pub fn any(&self) -> bool {
        self.every.is_some() || self.signal.is_some()
    }
}

/// Makes one, on the thread of the analysis.
pub type Make = Box<dyn FnMut(&mut Analysis) -> Delivery + Send>;

/// Brings it where it goes, on a thread of its own.
pub type Delivery = Box<dyn FnOnce() + Send>;

/// A look at the analysis, on its thread.
pub type Look = Box<dyn FnOnce(&mut Analysis) + Send>;

/// Interim reports, which go there.
pub fn interim(deliver: impl FnMut(&mut Document) + Send + 'static) -> Make {
    let deliver = Arc::new(Mutex::new(deliver));
    Box::new(move |analysis| {
        let mut document = analysis.report();
        let deliver = deliver.clone();
        Box::new(move || (deliver.lock().unwrap_or_else(PoisonError::into_inner))(&mut document))
    })
}

/// The reports that are to come, and the one under way.
pub struct Reports {
    schedule: Schedule,
    signal: Option<i32>,
    /// One is being made or delivered.
    under_way: Arc<AtomicBool>,
    /// `None` when no more are made.
    make: Option<Arc<Mutex<Make>>>,
    sender: Sender<Delivery>,
    thread: JoinHandle<()>,
}

impl Reports {
    /// Starts the thread.
    pub fn start(wanted: Wanted, make: Make) -> Reports {
        let (sender, receiver) = channel::<Delivery>();
        let under_way = Arc::new(AtomicBool::new(false));
        let done = under_way.clone();
        let thread = thread::spawn(move || {
            for deliver in receiver {
                deliver();
                done.store(false, Ordering::Release);
            }
        });
        Reports {
            schedule: Schedule {
                asked: wanted.at_once,
                ..Schedule::new(wanted.every)
            },
            make: Some(Arc::new(Mutex::new(make))),
            signal: wanted.signal,
            under_way,
            sender,
            thread,
        }
    }

    /// Takes a signal that asks for a report; says whether it was one.
    pub fn receive(&mut self, signal: i32) -> bool {
        let is_ours = self.is_own(signal);
        self.schedule.asked |= is_ours;
        is_ours
    }

    /// Whether a signal asks for a report.
    pub fn is_own(&self, signal: i32) -> bool {
        self.signal == Some(signal)
    }

    /// The look at the analysis that is due now.
    pub fn due(&mut self) -> Option<Look> {
        let under_way = self.under_way.load(Ordering::Acquire);
        if !self.schedule.is_due(Instant::now(), under_way) {
            return None;
        }
        let make = self.make.clone()?;
        self.under_way.store(true, Ordering::Release);
        let sender = self.sender.clone();
        Some(Box::new(move |analysis| {
            let delivery = (make.lock().unwrap_or_else(PoisonError::into_inner))(analysis);
            // Nobody takes it where delivering one has panicked.
            let _untaken = sender.send(delivery);
        }))
    }

    /// Gives up what makes them: it ends with those that are due already, before the
    /// observation's own report is made.
    pub fn no_more(&mut self) {
        self.make = None;
    }

    /// Waits until all that were made have been delivered.
    pub fn finish(self) {
        drop(self.sender);
        // A panic of the thread has been reported by then.
        let _panicked = self.thread.join();
    }
}

/// The longest time between two reports: instants reach further than this.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// One report at a time, and as long a pause behind it as it took: the analysis has
/// at least half of its time for what is observed.
struct Schedule {
    every: Option<Duration>,
    /// `None` before the first look.
    next: Option<Instant>,
    /// As soon as can be.
    asked: bool,
    /// Since when one is under way.
    since: Option<Instant>,
    not_before: Option<Instant>,
}

impl Schedule {
    fn new(every: Option<Duration>) -> Schedule {
        Schedule {
            every: every.map(|every| every.min(LONGEST)),
            next: None,
            asked: false,
            since: None,
            not_before: None,
        }
    }

    /// Whether one is to be made now. What falls due while that cannot be is made once.
    fn is_due(&mut self, now: Instant, under_way: bool) -> bool {
        if let Some(every) = self.every {
            let next = self.next.get_or_insert(now + every);
            if *next <= now {
                self.asked = true;
                *next = (*next + every).max(now);
            }
        }
        if under_way {
            return false;
        }
        if let Some(since) = self.since.take() {
            self.not_before = Some(now + (now - since));
        }
        let is_due = self.asked && self.not_before.is_none_or(|at| now >= at);
        if is_due {
            (self.asked, self.since) = (false, Some(now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::channel};

    use super::*;
    use crate::wire::session::Start;

    /// At which of the instants, ms, a report is due that takes `taken` ms.
    #[track_caller]
    fn check(every: Option<u64>, asked: &[u64], taken: u64, expected: &[u64]) {
        let begin = Instant::now();
        let mut schedule = Schedule::new(every.map(Duration::from_millis));
        let mut until = 0;
        let is_due = |&ms: &u64| {
            schedule.asked |= asked.contains(&ms);
            let is_due = schedule.is_due(begin + Duration::from_millis(ms), ms < until);
            until = if is_due { ms + taken } else { until };
            is_due
        };
        let due: Vec<u64> = (0..100).filter(is_due).collect();
        assert_eq!(due, expected);
    }

    #[test]
    fn reports_are_due_at_their_times() {
        check(None, &[], 1, &[]);
        check(Some(30), &[], 1, &[30, 60, 90]);
        check(Some(200), &[], 1, &[]);
        check(None, &[0, 7, 50], 1, &[0, 7, 50]);
        check(Some(40), &[50], 1, &[40, 50, 80]);
    }

    #[test]
    fn reports_that_take_long_leave_as_long_a_pause() {
        check(Some(1), &[], 10, &[1, 21, 41, 61, 81]);
        check(None, &[0, 1, 2, 3], 20, &[0, 40]);
        check(Some(u64::MAX), &[], 1, &[]);
    }

    #[test]
    fn reports_are_delivered_one_by_one_and_all_before_the_end() {
        let (delivered, reports) = channel();
        let (go_on, wait) = channel::<()>();
        let wait = Mutex::new(wait);
        let deliver = move |document: &mut Document| {
            wait.lock().unwrap().recv().unwrap();
            delivered.send(document.command.len()).unwrap();
        };
        let wanted = Wanted {
            signal: Some(10),
            ..Wanted::default()
        };
        let mut all = Reports::start(wanted, interim(deliver));
        assert!(!all.receive(12));
        assert!(all.due().is_none());
        assert!(all.receive(10));
        let look = all.due().unwrap();
        assert!(all.receive(10));
        assert!(all.due().is_none(), "one is under way");
        let mut analysis = Analysis::new(Start {
            command: vec!["a".to_owned(); 5],
            syscall_table: "x86_64".to_owned(),
            ..Start::default()
        })
        .unwrap();
        look(&mut analysis);
        go_on.send(()).unwrap();
        all.finish();
        assert_eq!(reports.iter().collect::<Vec<_>>(), [5]);
    }
}
