//! One observation from beginning to end.

use anyhow::Result;
use aya::sys::{Stats, enable_stats};

use super::{
    follow::{Followed, Plumbing},
    host,
    pipeline::{Pipeline, Symbols},
    target::{self, Target},
};
use crate::{
    child::{
        identity,
        signals::Signals,
        spawn::{self, Held},
    },
    cli,
    document::{Document, Exit, Tier},
    probe::{
        counters::Counters,
        drain::{monotonic_ns, realtime_ns},
        load::Attached,
        observer::{self, Observer, Observing},
        privilege::Capabilities,
        tables::{self, Settings},
    },
    syscall::Table,
    wire::session::{Batch, End, Start},
};

/// Times that the seeding is repeated: a thread may be born of a thread that
/// the iterator had not reached.
const SEED_PASSES: usize = 3;

/// Observes a command or processes; the second result is the recording's.
pub async fn observe(arguments: &cli::Run) -> Result<(Document, Result<()>)> {
    // Before any other thread exists: see `Signals::new`.
    let mut signals = Signals::new()?;
    let held = hold(arguments, &signals)?;
    // While the probes are being loaded.
    let symbols = Symbols::soon();
    let targets = target::open_all(&arguments.pid)?;
    host::hurry();

    let settings = settings(arguments)?;
    let Observing {
        mut observer,
        drain,
        counters,
        mut attached,
    } = observer::attach(highest(arguments.tier), &settings)?;
    attached.problems.extend(symbol_problem());
    let statistics = arguments.cost.then(|| enable_stats(Stats::RunTime));
    if let Some(Err(error)) = &statistics {
        let sentence = format!("the time inside the probes is not told: {error}");
        attached.problems.push(sentence);
    }

    let start = start(arguments, &settings, attached);
    let record = arguments.record.as_ref();
    let pipeline = Pipeline::start(start, symbols, record, &arguments.output)?;
    let mut plumbing = Plumbing { drain, pipeline };
    let mut followed = match held {
        Some(held) => {
            let records = observer.seed(&[held.pid()], true)?;
            plumbing.hand_over(records)?;
            observer.seeded(&[held.pid()]);
            Followed::Child(held.release()?)
        }
        None => {
            seed_targets(&mut observer, &plumbing, &arguments.pid, &targets)?;
            Followed::Targets(targets, arguments.duration)
        }
    };
    let exit = followed.until_end(&mut plumbing, &mut signals).await?;
    let is_measured = matches!(statistics, Some(Ok(_)));
    finish(observer, plumbing, &counters, exit, is_measured)
}

/// Our child, not running its command yet; `None` where none is to be run.
fn hold(arguments: &cli::Run, signals: &Signals) -> Result<Option<Held>> {
    let command = match arguments.cmd.as_slice() {
        [] => return Ok(None),
        command => command,
    };
    let env = |name: &str| std::env::var_os(name);
    let identity = identity::resolve(arguments.as_root, arguments.user.as_deref(), env)?;
    let mask = signals.inherited_mask();
    spawn::spawn_held(command, identity.as_ref(), mask).map(Some)
}

/// Every thread of the processes that there are already.
fn seed_targets(
    observer: &mut Observer,
    plumbing: &Plumbing,
    pids: &[u32],
    targets: &[Target],
) -> Result<()> {
    let facts = target::arguments(targets);
    plumbing.pipeline.batch(Batch {
        facts,
        ..Batch::default()
    })?;
    for _ in 0..SEED_PASSES {
        let records = observer.seed(pids, false)?;
        plumbing.hand_over(records)?;
    }
    observer.seeded(pids);
    Ok(())
}

/// Snapshot, last records, counters, report.
fn finish(
    mut observer: Observer,
    mut plumbing: Plumbing,
    counters: &Counters,
    exit: Option<Exit>,
    is_measured: bool,
) -> Result<(Document, Result<()>)> {
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
        lost: counters.lost()?,
        folded: counters.folded()?,
        skipped,
        probe_runs: counters.runs()?,
        probe_ns: is_measured.then(|| costs.iter().map(|cost| cost.ns).sum()),
        costs,
        tool_cpu_ns: host::own_cpu_ns(),
        tool_peak_bytes: host::own_peak_bytes() + kernel_bytes,
    };
    plumbing.pipeline.finish(end)
}

fn settings(arguments: &cli::Run) -> Result<Settings> {
    // A busy CPU fills 25 MB in a second: room for a few late drains. All of them
    // together take 256 MiB at most, also of CPUs that may be plugged in.
    let rings = tables::possible_cpus()?.next_power_of_two();
    let of_cpu = ((256_u32 << 20) / rings).clamp(4096, 8 << 20);
    let cpus = host::online_cpus();
    let of_all = (4_u32 << 20).saturating_mul(cpus).clamp(8 << 20, 128 << 20);
    let ring_bytes = of_all.checked_next_power_of_two().unwrap_or(128 << 20);
    Ok(Settings {
        stack_threshold_ns: u64::try_from(arguments.stack_threshold.as_nanos()).unwrap_or(u64::MAX),
        ring_bytes: arguments.ring_size.unwrap_or(ring_bytes),
        switch_ring_bytes: arguments.ring_size.unwrap_or(of_cpu),
        tasks: arguments.max_threads,
    })
}

fn start(arguments: &cli::Run, settings: &Settings, attached: Attached) -> Start {
    let lossy = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
    Start {
        command: arguments.cmd.iter().map(lossy).collect(),
        attached: arguments.pid.clone(),
        host: host::describe(),
        tier: attached.tier,
        started_ns: monotonic_ns(),
        started_realtime_ns: realtime_ns(),
        stack_threshold_ns: settings.stack_threshold_ns,
        syscall_table: Table::native().id().to_owned(),
        problems: attached.problems,
    }
}

fn highest(tier: cli::Tier) -> Tier {
    match tier {
        cli::Tier::Full => Tier::Full,
        cli::Tier::Tracepoint => Tier::Tracepoint,
        cli::Tier::Raw => Tier::Raw,
    }
}

/// What cannot be named with these rights.
fn symbol_problem() -> Option<String> {
    let hidden = !Capabilities::of_this_process().may_see_symbols() && symbols_hidden();
    let sentence = "kernel function names are hidden from this user: add CAP_SYSLOG or run as root";
    hidden.then(|| sentence.to_owned())
}

/// The first line of kallsyms shows a zero address where addresses are hidden.
fn symbols_hidden() -> bool {
    use std::io::Read as _;
    let mut first = [0; 16];
    let read =
        std::fs::File::open("/proc/kallsyms").and_then(|mut file| file.read_exact(&mut first));
    read.is_err() || first == [b'0'; 16]
}
