//! The loop while the command runs: drain on a timer, pass signals on, until
//! there is nothing left to follow.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::{
    host, listening,
    netstat::Netstat,
    pipeline::Pipeline,
    recorder::Opening,
    reports::Reports,
    rotation::{Due, Rotation},
    target::Target,
};
use crate::{
    child::{
        descendants,
        mask::Mask,
        relay::{self, Relay},
        running::Running,
        signals::{Received, Signals},
    },
    document::Exit,
    probe::{
        clock::monotonic_ns,
        counters::Counters,
        drain::{Drain, SETTLE_NS},
        observer::Observer,
    },
    wire::session::{Batch, End, Fact, ProgramCost},
};

/// Between two drains: long against the cost of a wake-up, short against the time
/// that it takes to fill a ring; when one fills faster, as short as must be.
const DRAIN_EVERY: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(20);

/// A ring this full may be full after the next pause, percent.
const HURRY: u8 = 25;

/// With a ring this full twice the pause is not too long, percent.
const LEISURE: u8 = 5;

/// What is followed.
pub enum Followed {
    /// Our child.
    Child(Followee),
    /// Processes of others; without end if there are none, all that run.
    Targets(Vec<Target>),
}

/// Our child and what belongs to it.
pub struct Followee {
    /// The command.
    pub child: Running,
    /// Passes signals on to it.
    pub relay: Relay,
    /// All that it has started is followed to its end, too.
    pub wait_all: bool,
}

/// Where records go.
pub struct Plumbing {
    /// The rings.
    pub drain: Drain,
    /// The analysis.
    pub pipeline: Pipeline,
    /// What the probes count.
    pub counters: Counters,
    /// Interim reports.
    pub reports: Reports,
    /// Parts of the recording.
    pub rotation: Rotation,
    /// What network namespaces count.
    pub netstat: Netstat,
    /// The time inside the probes is measured.
    pub is_measured: bool,
    /// Until the account begins what is seen is thrown away.
    pub discards: bool,
    /// The account's beginning, monotonic ns.
    pub begun_ns: u64,
    /// The latest look into the rings, monotonic ns.
    pub pumped_ns: u64,
}

impl Plumbing {
    /// Hands records over that did not come through the rings.
    pub fn hand_over(&mut self, records: Vec<u8>) -> Result<()> {
        if records.is_empty() || self.discards {
            return Ok(());
        }
        self.pipeline.batch(Batch {
            records,
            ..Batch::default()
        })
    }

    /// Records what the machine's CPUs have done so far.
    pub fn look_at_machine(&mut self) -> Result<()> {
        let facts = host::cpu_times().map(Fact::CpuTimes);
        self.pipeline.batch(Batch {
            facts: facts.into_iter().collect(),
            ..Batch::default()
        })
    }

    /// Has listeners looked at once there are any, and records from when on.
    pub fn watch_listeners(&mut self, observer: &mut Observer, are_there: bool) -> Result<()> {
        if !observer.watch_listeners(are_there)? {
            return Ok(());
        }
        let at_ns = monotonic_ns();
        self.pipeline.batch(Batch {
            facts: vec![Fact::Watching { at_ns }],
            ..Batch::default()
        })
    }

    /// Records what the network namespaces of these processes have counted so far.
    pub fn look_at_networks(&mut self, pids: &[u32]) -> Result<()> {
        let netstat = &self.netstat;
        let facts = pids.iter().filter_map(|&pid| netstat.of_thread(pid));
        self.pipeline.batch(Batch {
            facts: facts.collect(),
            ..Batch::default()
        })
    }

    /// The same of all that were looked at.
    pub fn look_at_networks_again(&mut self) -> Result<()> {
        self.pipeline.batch(Batch {
            facts: self.netstat.again(),
            ..Batch::default()
        })
    }

    /// Moves what is in the rings to the analysis. Returns how full the fullest
    /// was, percent.
    pub fn pump(&mut self) -> Result<u8> {
        self.pumped_ns = monotonic_ns();
        let Plumbing {
            drain,
            pipeline,
            discards,
            ..
        } = self;
        drain.round(|batch| match discards {
            true => Ok(()),
            false => pipeline.batch(batch),
        })
    }

    /// The same, for whom how full they were says nothing.
    pub fn empty(&mut self) -> Result<()> {
        self.pump().map(|_| ())
    }

    /// Begins the account with the threads that are followed by now.
    pub fn begin(
        &mut self,
        observer: &mut Observer,
        root: Option<u32>,
        pids: &[u32],
    ) -> Result<()> {
        self.pump()?;
        self.counters.begin()?;
        self.discards = false;
        self.look_at_machine()?;
        let records = observer.seed_again(&mut || self.empty())?;
        self.hand_over(records)?;
        self.pump()?;
        let at_ns = monotonic_ns();
        self.begun_ns = at_ns;
        self.pipeline.batch(Batch {
            facts: vec![Fact::Begin { at_ns, root }],
            ..Batch::default()
        })?;
        self.hand_over(listening::of(pids))?;
        self.look_at_networks(pids)
    }

    /// Whether the analysis has seen the account begin.
    fn has_begun(&self) -> bool {
        !self.discards && self.pumped_ns.saturating_sub(SETTLE_NS) >= self.begun_ns
    }

    /// Begins the next part of the recording if that is due.
    fn rotate(&mut self, observer: &mut Observer, root: Option<u32>, pids: &[u32]) -> Result<()> {
        if !self.has_begun() {
            return Ok(());
        }
        let Some(due) = self.rotation.due(monotonic_ns()) else {
            return Ok(());
        };
        let ends = due == Due::End;
        self.pump()?;
        if ends {
            // Who is not seen here has died, and the record of that was lost.
            let records = observer.snapshot(&mut || self.empty())?;
            self.hand_over(records)?;
        }
        self.pipeline.next_part(ends)?;
        let records = observer.seed_again(&mut || self.empty())?;
        self.hand_over(records)?;
        self.pump()?;
        // From here on all is said to both: the one ends where the other begins.
        self.look_at_networks_again()?;
        self.look_at_machine()?;
        let costs = observer.costs_if(self.is_measured);
        let counted = self.end(monotonic_ns(), None, observer.skipped(), costs)?;
        let at_ns = counted.ended_ns;
        let kernel_bytes = observer.kernel_bytes();
        self.pipeline.opened(Opening {
            facts: vec![Fact::Begin { at_ns, root }],
            counted: End {
                tool_peak_bytes: counted.tool_peak_bytes + kernel_bytes,
                ..counted
            },
        })?;
        self.rotation.opened(at_ns);
        self.hand_over(listening::of(pids))
    }

    /// What the counters say of a part, or of all, that ended at an instant, ns. Of the peak of
    /// memory the kernel's is missing.
    pub fn end(
        &self,
        ended_ns: u64,
        exit: Option<Exit>,
        skipped: Vec<(String, u64)>,
        costs: Vec<ProgramCost>,
    ) -> Result<End> {
        Ok(End {
            ended_ns,
            exit,
            lost: self.counters.lost()?,
            loss_sums: self.counters.loss_sums()?,
            skipped,
            probe_runs: self.counters.runs()?,
            probe_ns: self
                .is_measured
                .then(|| costs.iter().map(|cost| cost.ns).sum()),
            costs,
            tool_cpu_ns: host::own_cpu_ns(),
            tool_peak_bytes: host::own_peak_bytes(),
        })
    }

    /// Whether a signal asks for something of ours.
    fn receive(&mut self, signal: i32) -> bool {
        self.rotation.receive(signal) || self.reports.receive(signal)
    }

    /// Asks for an interim report if one is due.
    fn report(&mut self, observer: &mut Observer) -> Result<()> {
        if !self.has_begun() {
            return Ok(());
        }
        let Some(look) = self.reports.due() else {
            return Ok(());
        };
        let wakings = observer.wakings()?;
        let lost = self.counters.lost()?.into_iter();
        let lost = lost.filter(|&(_, count)| count > 0);
        self.pipeline.batch(Batch {
            facts: lost
                .map(|(class, count)| Fact::Lost { class, count })
                .collect(),
            ..Batch::default()
        })?;
        self.pipeline.look(Box::new(move |analysis| {
            analysis.learn_wakings(wakings);
            look(analysis);
        }))
    }
}

impl Followed {
    /// Drains until the end; returns whether that is only of the time given, or because
    /// no more is wanted.
    pub async fn until_end(
        &mut self,
        time: Option<Duration>,
        enough: &Notify,
        observer: &mut Observer,
        plumbing: &mut Plumbing,
        signals: &mut Signals,
    ) -> Result<bool> {
        let mut pause = *DRAIN_EVERY.end();
        let mut next = Instant::now();
        // What is further away than instants reach never comes.
        let deadline = time.and_then(|time| next.checked_add(time));
        loop {
            tokio::select! {
                biased;
                ended = self.ended() => return ended.map(|()| false),
                () = until(deadline) => return Ok(true),
                () = enough.notified() => return Ok(true),
                signal = signals.next() => {
                    let received = signal.context("cannot read signals")?;
                    if !plumbing.receive(received.signal) && self.receive(received, signals.ignored()) {
                        return Ok(false);
                    }
                }
                () = sleep_until(next) => {
                    plumbing.watch_listeners(observer, false)?;
                    pause = after(pause, plumbing.pump()?);
                    plumbing.report(observer)?;
                    plumbing.rotate(observer, self.root(), &self.pids())?;
                    next = Instant::now() + pause;
                }
            }
        }
    }

    /// Waits for the end of our child, and passes signals on, but for our own.
    pub async fn until_gone(&mut self, signals: &mut Signals, own: Option<i32>) -> Result<()> {
        loop {
            tokio::select! {
                biased;
                ended = self.ended() => return ended,
                signal = signals.next() => {
                    let received = signal.context("cannot read signals")?;
                    if own != Some(received.signal) && self.receive(received, signals.ignored()) {
                        return Ok(());
                    }
                }
                () = sleep(*DRAIN_EVERY.end()), if self.waits_for_all() => {}
            }
        }
    }

    /// Whether one must look again and again for whether it has ended.
    fn waits_for_all(&self) -> bool {
        matches!(self, Followed::Child(Followee { wait_all: true, .. }))
    }

    /// Its process, if it is our child.
    pub fn root(&self) -> Option<u32> {
        match self {
            Followed::Child(followee) => Some(followee.child.pid()),
            Followed::Targets(_) => None,
        }
    }

    /// The processes that it began with.
    pub fn pids(&self) -> Vec<u32> {
        match self {
            Followed::Child(followee) => vec![followee.child.pid()],
            Followed::Targets(targets) => targets.iter().map(|target| target.pid).collect(),
        }
    }

    /// How our child ended, if it has.
    pub fn exit(&self) -> Option<Exit> {
        match self {
            Followed::Child(followee) => followee.child.exit(),
            Followed::Targets(_) => None,
        }
    }

    async fn ended(&mut self) -> Result<()> {
        match self {
            Followed::Child(followee) => {
                let child = &mut followee.child;
                if followee.wait_all {
                    // Orphans of a command that runs on.
                    descendants::reap(child.pid());
                }
                child.wait().await.context("cannot wait for the command")?;
                followee.relay.dismiss_witness();
                // Asked again after each pause between two drains.
                if followee.wait_all && !descendants::reap(child.pid()) {
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
            Followed::Targets(targets) => {
                if targets.is_empty() {
                    std::future::pending::<()>().await;
                }
                for target in targets {
                    // Never cleared: a process that has ended stays ended.
                    let _ready = target
                        .ended
                        .readable()
                        .await
                        .context("cannot watch a process")?;
                }
                Ok(())
            }
        }
    }

    /// Passes a signal on to our child; of those that follow others it ends, stops or
    /// passes by the observation, as it would a process without a handler. Says whether
    /// to stop following.
    fn receive(&mut self, received: Received, ignored: Mask) -> bool {
        let signal = received.signal;
        match self {
            Followed::Child(followee) => {
                // It may have ended in this moment, or be another user's by now.
                let _refused = followee.relay.receive(&received, &followee.child);
                followee.child.exit().is_some() && !relay::is_harmless(&received)
            }
            Followed::Targets(_) if relay::is_stop(signal) => {
                relay::stop(signal);
                false
            }
            Followed::Targets(_) => relay::ends_us(&received, ignored),
        }
    }
}

/// The pause after one that left the fullest ring `percent` full.
fn after(pause: Duration, percent: u8) -> Duration {
    let wanted = match percent {
        HURRY.. => pause / 2,
        ..LEISURE => pause * 2,
        _ => pause,
    };
    wanted.clamp(*DRAIN_EVERY.start(), *DRAIN_EVERY.end())
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_follows_the_rings() {
        let ms = Duration::from_millis;
        let check = |pause, percent, wanted| {
            assert_eq!(after(pause, percent), wanted, "{pause:?}, {percent} %");
        };
        check(ms(20), 0, ms(20));
        check(ms(20), 24, ms(20));
        check(ms(20), 25, ms(10));
        check(ms(20), 100, ms(10));
        check(ms(10), 5, ms(10));
        check(ms(10), 4, ms(20));
        check(ms(1), 100, ms(1));
    }

    #[test]
    fn a_flood_is_met_within_a_few_drains() {
        let pauses = (0..5).scan(*DRAIN_EVERY.end(), |pause, _| {
            *pause = after(*pause, 100);
            Some(*pause)
        });
        assert_eq!(pauses.last(), Some(*DRAIN_EVERY.start()));
    }
}
