//! One observation from beginning to end.

use anyhow::{Context as _, Result, bail};
use aya::sys::{Stats, enable_stats};
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    Observed, Options, Subject,
    follow::{Followed, Followee, Plumbing},
    host, listening,
    netstat::Netstat,
    pipeline::{self, Pipeline, Stop, Symbols},
    reports::{Make, Reports},
    rotation::Rotation,
    select, settings,
    target::{self, Target},
};
use crate::{
    child::{
        descendants, identity,
        relay::{self, Relay},
        signals::Signals,
        spawn::{self, Held},
        witness::Witness,
    },
    document::Exit,
    probe::{
        clock::{boottime_ahead_ns, monotonic_ns},
        observer::{self, Observer, Observing},
    },
    wire::session::End,
};

/// Times that the seeding is repeated at least: a thread may be born of a thread that
/// the iterator had not reached.
const SEED_PASSES: usize = 3;

/// And at most: of a process that is not followed yet new ones may be born for ever.
const MOST_SEED_PASSES: usize = 64;

/// What is to be followed, before the probes are there.
enum Ready {
    /// Our child, not running its command yet.
    Child(Box<HeldCommand>),
    /// Processes that run; and whether what they have started belongs to them.
    Targets(Vec<Target>, bool),
    /// All that run, but for ourselves.
    Everything,
}

/// A command that is held back.
struct HeldCommand {
    held: Held,
    relay: Relay,
    /// All that it starts is waited for.
    wait_all: bool,
}

/// A command that runs on, and its signals.
pub type Rest = (Followed, Signals);

/// Observes a command or processes.
pub async fn observe(options: &Options, make: Make) -> Result<(Observed, Option<Rest>)> {
    // Before any other thread exists: see `Signals::new`.
    let mut signals = Signals::new()?;
    let ready = Ready::new(&options.subject, &signals)?;
    // While the probes are being loaded.
    let symbols = Symbols::soon();
    let reports = Reports::start(options.reports, make);
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

    let start = settings::start(options, &settings, attached, ready.pids());
    let netstat = Netstat::default();
    let pipeline = Pipeline::start(start, symbols, netstat.clone(), options)?;
    let rotation = Rotation::new(options.recording.as_ref(), pipeline.recorded());
    let mut plumbing = Plumbing {
        drain,
        pipeline,
        counters,
        reports,
        rotation,
        netstat,
        is_measured: matches!(statistics, Some(Ok(_))),
        discards: !options.delay.is_zero(),
        begun_ns: 0,
        pumped_ns: 0,
    };
    let mut followed = match begin(ready, &mut observer, &mut plumbing, options.max_threads) {
        Ok(followed) => followed,
        Err(error) => {
            plumbing.pipeline.discard();
            return Err(error);
        }
    };
    let account = account(
        options,
        &mut observer,
        &mut plumbing,
        &mut followed,
        &mut signals,
    );
    let is_only_of_time = account.await?;
    let exit = followed.exit();
    let last = relay::stoppable(|| last(observer, &mut plumbing, exit))?;
    let mut rest = (followed, signals);
    let runs_on = is_only_of_time && rest.0.root().is_some();
    let observed = report(options, plumbing, last, &mut rest, runs_on).await?;
    Ok((observed, runs_on.then_some(rest)))
}

/// Follows every thread there is, of `most` at once, and lets the command run: the account
/// begins, unless that is behind a delay.
fn begin(
    ready: Ready,
    observer: &mut Observer,
    plumbing: &mut Plumbing,
    most: u32,
) -> Result<Followed> {
    if !plumbing.discards {
        plumbing.look_at_machine()?;
    }
    let followed = relay::stoppable(|| ready.follow(observer, plumbing, most))?;
    if !plumbing.discards {
        plumbing.begun_ns = monotonic_ns();
    }
    Ok(followed)
}

/// Follows through the delay and the account behind it. Returns whether that is over only
/// because its time is.
async fn account(
    options: &Options,
    observer: &mut Observer,
    plumbing: &mut Plumbing,
    followed: &mut Followed,
    signals: &mut Signals,
) -> Result<bool> {
    if plumbing.discards {
        let delay = Some(options.delay);
        if !followed
            .until_end(delay, &options.enough, observer, plumbing, signals)
            .await?
        {
            return Ok(false);
        }
        let pids = followed.pids();
        relay::stoppable(|| plumbing.begin(observer, followed.root(), &pids))?;
    }
    followed
        .until_end(
            options.duration,
            &options.enough,
            observer,
            plumbing,
            signals,
        )
        .await
}

/// Has the report made. Meanwhile a command that runs on gets its signals.
async fn report(
    options: &Options,
    plumbing: Plumbing,
    last: Last,
    (followed, signals): &mut Rest,
    runs_on: bool,
) -> Result<Observed> {
    let Plumbing {
        pipeline,
        mut reports,
        ..
    } = plumbing;
    reports.no_more();
    let stop = pipeline.stop();
    let mut analysed = spawn_blocking(move || pipeline.finish(last.end, last.kernel_bytes));
    let beside = async {
        if runs_on {
            tokio::select! {
                biased;
                observed = &mut analysed => return observed.context(pipeline::NO_ANALYSIS)?,
                gone = followed.until_gone(signals, options.reports.signal) => gone?,
            }
        }
        let is_own = |signal| reports.is_own(signal);
        analysis(analysed, &stop, signals, is_own, options.notice).await
    };
    let observed = beside.await;
    if observed.is_ok() {
        relay::stoppable(|| reports.finish());
    }
    observed
}

/// Waits for the report. Nobody needs signals any more but us: the first that would end a
/// process ends the analysis, the second this process.
async fn analysis(
    mut analysed: JoinHandle<Result<Observed>>,
    stop: &Stop,
    signals: &mut Signals,
    is_own: impl Fn(i32) -> bool,
    notice: fn(&str),
) -> Result<Observed> {
    // Those came to the command, or have ended the observation.
    signals.skip();
    let mut is_stopped = false;
    loop {
        tokio::select! {
            biased;
            observed = &mut analysed => {
                if is_stopped {
                    // The report may be long, and its reader slow.
                    signals.let_through()?;
                }
                return observed.context(pipeline::NO_ANALYSIS)?;
            }
            received = signals.next() => {
                let received = received.context("cannot read signals")?;
                let signal = received.signal;
                if relay::is_stop(signal) {
                    relay::stop(signal);
                } else if is_own(signal) || !relay::ends_us(&received, signals.ignored()) {
                    // It asks for what comes anyway, or for nothing.
                } else if std::mem::replace(&mut is_stopped, true) {
                    return Err(EndedBy(signal).into());
                } else {
                    stop.now();
                    notice(STOPPED);
                }
            }
        }
    }
}

/// When a signal ends the analysis.
const STOPPED: &str = "a signal ends the analysis: the report is of what is analysed by now; \
                       another one ends waitscope";

/// A signal ended waitscope while the report was being made.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a second signal ended the analysis: there is no report")]
pub struct EndedBy(pub i32);

impl Ready {
    fn new(subject: &Subject, signals: &Signals) -> Result<Ready> {
        match subject {
            Subject::Command {
                words,
                as_root,
                user,
                wait_all,
                streams,
            } => {
                if *wait_all {
                    descendants::adopt().context("cannot wait for all (prctl)")?;
                }
                let env = |name: &str| std::env::var_os(name);
                let identity = identity::resolve(*as_root, user.as_deref(), env)?;
                let mask = signals.inherited_mask();
                // Without one what is sent to the whole group comes twice.
                let relay = Relay::new(Witness::start().ok());
                let held = spawn::spawn_held(words, identity.as_ref(), mask, streams)?;
                Ok(Ready::Child(Box::new(HeldCommand {
                    held,
                    relay,
                    wait_all: *wait_all,
                })))
            }
            Subject::Processes(selection) => {
                let targets = target::open_all(selection)?;
                Ok(Ready::Targets(targets, selection.tree))
            }
            Subject::Everything => Ok(Ready::Everything),
        }
    }

    /// Processes that run.
    fn pids(&self) -> Vec<u32> {
        match self {
            Ready::Child(..) | Ready::Everything => Vec::new(),
            Ready::Targets(targets, _) => targets.iter().map(|target| target.pid).collect(),
        }
    }

    /// Starts to follow every thread there is, of `most` at once, and lets the command run.
    fn follow(
        self,
        observer: &mut Observer,
        plumbing: &mut Plumbing,
        most: u32,
    ) -> Result<Followed> {
        match self {
            Ready::Child(command) => {
                let HeldCommand {
                    held,
                    relay,
                    wait_all,
                } = *command;
                let records = observer.seed(&[held.pid()], true, &mut || plumbing.empty())?;
                plumbing.hand_over(records)?;
                observer.seeded(&[held.pid()]);
                look_at_networks(observer, plumbing, &[held.pid()])?;
                Ok(Followed::Child(Followee {
                    child: held.release()?,
                    relay,
                    wait_all,
                }))
            }
            Ready::Targets(targets, tree) => {
                let pids: Vec<u32> = targets.iter().map(|target| target.pid).collect();
                let pids = seed_targets(observer, plumbing, &pids, tree, most)?;
                look_at_networks(observer, plumbing, &pids)?;
                Ok(Followed::Targets(targets))
            }
            Ready::Everything => {
                let pids = seed_targets(observer, plumbing, &select::programs(), true, most)?;
                look_at_networks(observer, plumbing, &pids)?;
                Ok(Followed::Targets(Vec::new()))
            }
        }
    }
}

/// Every thread of the processes that there are already, and with `tree` of what they
/// have started; returns all these processes. What one of them starts once it is named to the probes is followed from
/// its birth; so none is missed when a look, which begins behind that, finds no other.
fn seed_targets(
    observer: &mut Observer,
    plumbing: &mut Plumbing,
    roots: &[u32],
    tree: bool,
    most: u32,
) -> Result<Vec<u32>> {
    let mut pids = roots.to_vec();
    let mut followed = select::Followed::new();
    for pass in 1..=MOST_SEED_PASSES {
        if pids.len() > most as usize {
            bail!(too_many(most));
        }
        let records = observer.seed(&pids, false, &mut || plumbing.empty())?;
        plumbing.hand_over(records)?;
        let since_ns = monotonic_ns().saturating_add_signed(boottime_ahead_ns());
        for &pid in &pids {
            followed.entry(pid).or_insert(since_ns);
        }
        let started = match tree {
            true => select::started_by(&followed),
            false => Vec::new(),
        };
        if started.is_empty() && pass >= SEED_PASSES {
            break;
        }
        pids.extend(started);
    }
    observer.seeded(&pids);
    if plumbing.counters.not_followed()? > 0 {
        bail!(too_many(most));
    }
    Ok(pids)
}

/// Where the processes of the tree listen, and what their namespaces have counted so far.
fn look_at_networks(observer: &mut Observer, plumbing: &mut Plumbing, pids: &[u32]) -> Result<()> {
    let listeners = listening::of(pids);
    plumbing.watch_listeners(observer, !listeners.is_empty())?;
    if plumbing.discards {
        return Ok(());
    }
    plumbing.hand_over(listeners)?;
    plumbing.look_at_networks(pids)
}

fn too_many(most: u32) -> String {
    format!("there are too many threads for --max-threads {most}: raise it")
}

/// What there is to be handed over at last.
struct Last {
    end: End,
    kernel_bytes: u64,
}

/// Snapshot, last records, counters.
fn last(mut observer: Observer, plumbing: &mut Plumbing, exit: Option<Exit>) -> Result<Last> {
    plumbing.pump()?;
    plumbing.look_at_networks_again()?;
    let records = observer.snapshot(&mut || plumbing.empty())?;
    let ended_ns = monotonic_ns();
    let skipped = observer.skipped();
    let costs = observer.costs_if(plumbing.is_measured);
    let kernel_bytes = observer.kernel_bytes();
    observer.detach();
    plumbing.hand_over(records)?;
    plumbing.pump()?;
    plumbing.look_at_machine()?;
    let mut end = plumbing.end(ended_ns, exit, skipped, costs)?;
    end.tool_peak_bytes += kernel_bytes;
    Ok(Last { end, kernel_bytes })
}
