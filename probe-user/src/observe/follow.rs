//! The loop while the command runs: drain on a timer, pass signals on, until
//! there is nothing left to follow.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Context as _, Result};
use tokio::time::{Instant, sleep_until};

use super::{pipeline::Pipeline, reports::Reports, target::Target};
use crate::{
    child::{
        descendants,
        mask::Mask,
        relay::{self, Relay},
        running::Running,
        signals::{Received, Signals},
    },
    document::Exit,
    probe::{counters::Counters, drain::Drain},
    wire::session::{Batch, Fact},
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
    /// Processes of others.
    Targets(Vec<Target>, Option<Duration>),
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
}

impl Plumbing {
    /// Hands records over that did not come through the rings.
    pub fn hand_over(&mut self, records: Vec<u8>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.pipeline.batch(Batch {
            records,
            ..Batch::default()
        })
    }

    /// Moves what is in the rings to the analysis. Returns how full the fullest
    /// was, percent.
    pub fn pump(&mut self) -> Result<u8> {
        let Plumbing {
            drain, pipeline, ..
        } = self;
        drain.round(|batch| pipeline.batch(batch))
    }

    /// Asks for an interim report if one is due.
    fn report(&mut self) -> Result<()> {
        let Some(reply) = self.reports.due() else {
            return Ok(());
        };
        let lost = self.counters.lost()?.into_iter();
        let lost = lost.filter(|&(_, count)| count > 0);
        self.pipeline.batch(Batch {
            facts: lost
                .map(|(class, count)| Fact::Lost { class, count })
                .collect(),
            ..Batch::default()
        })?;
        self.pipeline.report(reply)
    }
}

impl Followed {
    /// Drains until the end; returns how our child ended.
    pub async fn until_end(
        &mut self,
        plumbing: &mut Plumbing,
        signals: &mut Signals,
    ) -> Result<Option<Exit>> {
        let mut pause = *DRAIN_EVERY.end();
        let mut next = Instant::now();
        let deadline = self.deadline();
        loop {
            tokio::select! {
                biased;
                exit = self.ended() => return exit,
                () = until(deadline) => return Ok(None),
                signal = signals.next() => {
                    let received = signal.context("cannot read signals")?;
                    if !plumbing.reports.receive(received.signal) && self.receive(received, signals.ignored()) {
                        return Ok(self.exit());
                    }
                }
                () = sleep_until(next) => {
                    pause = after(pause, plumbing.pump()?);
                    plumbing.report()?;
                    next = Instant::now() + pause;
                }
            }
        }
    }

    /// How our child ended, if it has.
    fn exit(&self) -> Option<Exit> {
        match self {
            Followed::Child(followee) => followee.child.exit(),
            Followed::Targets(..) => None,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match self {
            Followed::Targets(_, Some(duration)) => Instant::now().checked_add(*duration),
            _ => None,
        }
    }

    async fn ended(&mut self) -> Result<Option<Exit>> {
        match self {
            Followed::Child(followee) => {
                let child = &mut followee.child;
                if followee.wait_all {
                    // Orphans of a command that runs on.
                    descendants::reap(child.pid());
                }
                let exit = child.wait().await.context("cannot wait for the command")?;
                // Asked again after each pause between two drains.
                if followee.wait_all && !descendants::reap(child.pid()) {
                    std::future::pending::<()>().await;
                }
                Ok(Some(exit))
            }
            Followed::Targets(targets, _) => {
                for target in targets {
                    // Never cleared: a process that has ended stays ended.
                    let _ready = target
                        .ended
                        .readable()
                        .await
                        .context("cannot watch a process")?;
                }
                Ok(None)
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
            Followed::Targets(..) if relay::is_stop(signal) => {
                relay::stop(signal);
                false
            }
            Followed::Targets(..) => !ignored.contains(signal) && !relay::is_harmless(&received),
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
