//! One observation from beginning to end.

use std::time::Duration;

use anyhow::{Context as _, Result};
use aya::sys::{Stats, enable_stats};

use super::{
    Observed, Options, Subject,
    follow::{Followed, Followee, Plumbing},
    host,
    pipeline::{Pipeline, Symbols},
    reports::{Deliver, Reports},
    settings,
    target::{self, Target},
};
use crate::{
    child::{
        descendants, identity,
        relay::{self, Relay},
        signals::Signals,
        spawn::{self, Held},
    },
    document::Exit,
    probe::{
        clock::monotonic_ns,
        observer::{self, Observer, Observing},
    },
    wire::session::{Batch, End},
};

/// Times that the seeding is repeated: a thread may be born of a thread that
/// the iterator had not reached.
const SEED_PASSES: usize = 3;

/// What is to be followed, before the probes are there.
enum Ready {
    /// Our child, not running its command yet; and whether all that it starts is waited for.
    Child(Held, bool),
    /// Processes that run.
    Targets(Vec<Target>, Option<Duration>),
}

/// Observes a command or processes.
pub async fn observe(options: &Options, deliver: Deliver) -> Result<Observed> {
    // Before any other thread exists: see `Signals::new`.
    let mut signals = Signals::new()?;
    let ready = Ready::new(&options.subject, &signals)?;
    // While the probes are being loaded.
    let symbols = Symbols::soon();
    let reports = Reports::start(options.reports, deliver);
    // Threads from here on are as urgent as this one.
    host::hurry();

    let settings = settings::settings(options)?;
    let Observing {
        mut observer,
        drain,
        counters,
        mut attached,
    } = observer::attach(options.highest_tier, &settings)?;
    let statistics = options.measure_cost.then(|| enable_stats(Stats::RunTime));
    if let Some(Err(error)) = &statistics {
        let sentence = format!("the time inside the probes is not measured: {error}");
        attached.problems.push(sentence);
    }

    let start = settings::start(options, &settings, attached);
    let pipeline = Pipeline::start(start, symbols, options)?;
    let mut plumbing = Plumbing {
        drain,
        pipeline,
        counters,
        reports,
    };
    let mut followed = relay::stoppable(|| ready.follow(&mut observer, &mut plumbing))?;
    let exit = followed.until_end(&mut plumbing, &mut signals).await?;
    let is_measured = matches!(statistics, Some(Ok(_)));
    relay::stoppable(|| finish(observer, plumbing, exit, is_measured))
}

impl Ready {
    fn new(subject: &Subject, signals: &Signals) -> Result<Ready> {
        match subject {
            Subject::Command {
                words,
                as_root,
                user,
                wait_all,
            } => {
                if *wait_all {
                    descendants::adopt().context("cannot wait for all (prctl)")?;
                }
                let env = |name: &str| std::env::var_os(name);
                let identity = identity::resolve(*as_root, user.as_deref(), env)?;
                let mask = signals.inherited_mask();
                let held = spawn::spawn_held(words, identity.as_ref(), mask)?;
                Ok(Ready::Child(held, *wait_all))
            }
            Subject::Processes { pids, duration } => {
                Ok(Ready::Targets(target::open_all(pids)?, *duration))
            }
        }
    }

    /// Starts to follow every thread there is, and lets the command run.
    fn follow(self, observer: &mut Observer, plumbing: &mut Plumbing) -> Result<Followed> {
        match self {
            Ready::Child(held, wait_all) => {
                let records = observer.seed(&[held.pid()], true)?;
                plumbing.hand_over(records)?;
                observer.seeded(&[held.pid()]);
                Ok(Followed::Child(Followee {
                    child: held.release()?,
                    relay: Relay::default(),
                    wait_all,
                }))
            }
            Ready::Targets(targets, duration) => {
                seed_targets(observer, plumbing, &targets)?;
                Ok(Followed::Targets(targets, duration))
            }
        }
    }
}

/// Every thread of the processes that there are already.
fn seed_targets(
    observer: &mut Observer,
    plumbing: &mut Plumbing,
    targets: &[Target],
) -> Result<()> {
    let pids: Vec<u32> = targets.iter().map(|target| target.pid).collect();
    let facts = target::arguments(targets);
    plumbing.pipeline.batch(Batch {
        facts,
        ..Batch::default()
    })?;
    for _ in 0..SEED_PASSES {
        let records = observer.seed(&pids, false)?;
        plumbing.hand_over(records)?;
    }
    observer.seeded(&pids);
    Ok(())
}

/// Snapshot, last records, counters, report.
fn finish(
    mut observer: Observer,
    mut plumbing: Plumbing,
    exit: Option<Exit>,
    is_measured: bool,
) -> Result<Observed> {
    plumbing.pump()?;
    let records = observer.snapshot()?;
    let ended_ns = monotonic_ns();
    let skipped = observer.skipped();
    // Somebody else may have asked for them (kernel.bpf_stats_enabled).
    let costs = if is_measured {
        observer.costs()
    } else {
        Vec::new()
    };
    let kernel_bytes = observer.kernel_bytes();
    observer.detach();
    plumbing.hand_over(records)?;
    plumbing.pump()?;
    let end = End {
        ended_ns,
        exit,
        lost: plumbing.counters.lost()?,
        loss_sums: plumbing.counters.loss_sums()?,
        skipped,
        probe_runs: plumbing.counters.runs()?,
        probe_ns: is_measured.then(|| costs.iter().map(|cost| cost.ns).sum()),
        costs,
        tool_cpu_ns: host::own_cpu_ns(),
        tool_peak_bytes: host::own_peak_bytes() + kernel_bytes,
    };
    let observed = plumbing.pipeline.finish(end);
    plumbing.reports.finish();
    observed
}
