//! Makes the ticks, on the thread of the analysis.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::Sender,
    },
    time::{Duration, Instant},
};

use crate::{
    analysis::Analysis,
    document::top::Tick,
    metrics::top::{Kept, Span},
    observe::{
        around::LookAround,
        host,
        reports::{Delivery, Make},
    },
};

/// Ticks between two times that free memory is given back: of many tasks that are gone it lies
/// everywhere between what stays.
const TRIM_EVERY: u64 = 30;

/// The ticks that are to come.
pub struct Ticks {
    window_ns: u64,
    forgets: bool,
    sender: Sender<Tick>,
    /// Nobody wants more of them.
    unwanted: Arc<AtomicBool>,
    around: LookAround,
    kept: Kept,
    made: u64,
    /// The moment of the last one, ns.
    since_ns: Option<u64>,
    /// CPU time of waitscope by then, ns, and when that was. What the start has cost is of no
    /// interval.
    cpu: Option<(u64, Instant)>,
}

impl Ticks {
    /// With a window so long behind each, before which all is forgotten.
    pub fn new(window: Duration, sender: Sender<Tick>) -> Ticks {
        Ticks {
            forgets: true,
            unwanted: Arc::default(),
            window_ns: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
            sender,
            around: LookAround::default(),
            kept: Kept::default(),
            made: 0,
            since_ns: None,
            cpu: None,
        }
    }

    /// Nothing is forgotten: there is to be a report of all in the end.
    pub fn keeping_all(self) -> Ticks {
        Ticks {
            forgets: false,
            ..self
        }
    }

    /// Makes one after the other, as long as anybody wants them.
    pub fn make(mut self) -> Make {
        Box::new(move |analysis| {
            if self.unwanted.load(Ordering::Relaxed) {
                return Box::new(|| {});
            }
            let tick = self.next(analysis);
            let (sender, unwanted) = (self.sender.clone(), self.unwanted.clone());
            let delivery: Delivery = Box::new(move || {
                unwanted.store(sender.send(tick).is_err(), Ordering::Relaxed);
            });
            delivery
        })
    }

    fn next(&mut self, analysis: &mut Analysis) -> Tick {
        let now_ns = analysis.now_ns();
        let window_ns = now_ns.saturating_sub(self.window_ns);
        if self.forgets {
            analysis.forget(window_ns);
        }
        self.made += 1;
        if self.made.is_multiple_of(TRIM_EVERY) {
            host::give_memory_back();
        }
        let span = Span {
            tick: self.made,
            since_ns: self.since_ns.unwrap_or_else(|| analysis.begun_ns()),
            window_ns: window_ns.max(analysis.begun_ns()),
        };
        self.since_ns = Some(now_ns);
        let Ticks { around, kept, .. } = self;
        let mut tick = analysis.tick(span, kept, |processes, questions| {
            around.look(processes, questions)
        });
        tick.summary.tier = Some(analysis.tier());
        tick.summary.tool_cpu = self.cpu_share();
        tick.summary.tool_rss_bytes = host::own_rss_bytes();
        tick
    }

    /// What waitscope has used of a CPU since the tick before.
    fn cpu_share(&mut self) -> Option<f64> {
        let (ns, now) = (host::own_cpu_ns(), Instant::now());
        let (before_ns, before) = self.cpu.replace((ns, now))?;
        let passed = (now - before).as_nanos();
        (passed > 0).then(|| ns.saturating_sub(before_ns) as f64 / passed as f64)
    }
}
