//! The loop while the command runs: drain on a timer, pass signals on, until
//! there is nothing left to follow.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{pipeline::Pipeline, target::Target};
use crate::{
    child::{
        running::Running,
        signals::{Received, Signals, should_forward},
    },
    document::Exit,
    probe::drain::Drain,
    wire::session::Batch,
};

/// Between two drains: short against the ring's size, long against the cost of
/// a wake-up.
const DRAIN_EVERY: Duration = Duration::from_millis(20);

/// What is followed.
pub enum Followed {
    /// Our child.
    Child(Running),
    /// Processes of others.
    Targets(Vec<Target>, Option<Duration>),
}

/// Where records go.
pub struct Plumbing {
    /// The rings.
    pub drain: Drain,
    /// The analysis.
    pub pipeline: Pipeline,
}

impl Plumbing {
    /// Hands records over that did not come through the rings.
    pub fn hand_over(&self, records: Vec<u8>) -> Result<()> {
        if records.is_empty() {
            return Ok(());
        }
        self.pipeline.batch(Batch {
            records,
            ..Batch::default()
        })
    }

    /// Moves what is in the rings to the analysis.
    pub fn pump(&mut self) -> Result<()> {
        loop {
            let mut batch = Batch::default();
            batch.watermark_ns = self.drain.take(&mut batch.records);
            let emptied = batch.watermark_ns != 0;
            self.pipeline.batch(batch)?;
            if emptied {
                return Ok(());
            }
        }
    }
}

impl Followed {
    /// Drains until the end; returns how our child ended.
    pub async fn until_end(
        &mut self,
        plumbing: &mut Plumbing,
        signals: &mut Signals,
    ) -> Result<Option<Exit>> {
        let mut ticks = interval(DRAIN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let deadline = self.deadline();
        loop {
            tokio::select! {
                biased;
                exit = self.ended() => return exit,
                () = until(deadline) => return Ok(None),
                signal = signals.next() => {
                    if self.receive(signal.context("cannot read signals")?)? {
                        return Ok(None);
                    }
                }
                _ = ticks.tick() => plumbing.pump()?,
            }
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
            Followed::Child(child) => {
                let exit = child.wait().await.context("cannot wait for the command")?;
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

    /// Passes a signal on to our child; says whether to stop following others.
    fn receive(&self, received: Received) -> Result<bool> {
        match self {
            Followed::Child(child) => {
                if should_forward(&received, child.pid()) {
                    // It may have ended in this moment: then there is nobody to tell.
                    let _gone = child.signal(received.signal);
                }
                Ok(false)
            }
            Followed::Targets(..) => Ok(true),
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
